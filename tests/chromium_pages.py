"""A real headless Chromium for tests of pages; skips with the reason where there is none."""

import shutil
from pathlib import Path

import pytest


def driver(folder, width=1300, height=900):
    """A browser that loads files only; the caller quits it."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    control = shutil.which("chromedriver")
    if not browser or not control:
        pytest.skip("needs chromium and chromedriver (apt-get install chromium chromium-driver)")
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium (pip install selenium)")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        f"--user-data-dir={folder}",
        f"--window-size={width},{height}",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = webdriver.Chrome(options=options, service=Service(control))
    made.implicitly_wait(3)
    return made


def serious(made):
    """What axe-core calls serious or critical on the open page: rule and the first place of each."""
    axe = pytest.importorskip("axe_core_python", reason="needs axe-core (pip install axe-core-python)")
    made.set_script_timeout(60)
    made.execute_script(Path(axe.__file__).with_name("axe.min.js").read_text("utf-8"))
    found = made.execute_async_script("axe.run().then(arguments[arguments.length - 1])")["violations"]
    return [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in ("serious", "critical")]


def dark(made):
    """Show pages as to somebody who has chosen a dark screen."""
    scheme = [{"name": "prefers-color-scheme", "value": "dark"}]
    made.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
