"""The report in a real browser: sort, filter, follow a number to its trials and a trial to its evidence."""

import base64
import datetime
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cart_nlp.landscape import Options, read_records
from cart_nlp.landscape.report import Asked, build
from cart_nlp.schema import Evidence, Record

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from chromium_pages import driver

SCRIPT = "</script><script>document.title='hacked'</script><img src=x onerror=\"document.title='hacked'\">"


@pytest.fixture(scope="module")
def built(records, tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    evidence = Evidence(
        field="targets", value="CD19", basis="text", section="brief_title", end=4, text=SCRIPT, rule="r"
    )
    evil = Record(
        trial_id="NCT99999999",
        title=SCRIPT,
        sponsor=SCRIPT,
        car_trial="product",
        targets=("ZZ9",),
        start_date="2021",
        evidence=(evidence,),
    )
    path = folder / "records.jsonl"
    path.write_text("".join(r.model_dump_json() + "\n" for r in [*records, evil]), encoding="utf-8")
    return build(
        path, folder / "out", Options(as_of=datetime.date(2026, 6, 30)), Asked(image_files=False)
    ), read_records(path)


@pytest.fixture(scope="module")
def page(built, tmp_path_factory):
    browser = driver(tmp_path_factory.mktemp("profile"))
    browser.get(built[0].page.as_uri())
    yield browser
    logs = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    browser.quit()
    assert logs == []


def cells(page, table, column):
    """Texts of one column, read in one go: the page may redraw between two questions."""
    rows = f"[...document.querySelectorAll('#table-{table} tbody tr')]"
    return page.execute_script(f"return {rows}.map(row => row.cells[{column}].textContent)")


def until(check, seconds=5):
    end = time.monotonic() + seconds
    while not check() and time.monotonic() < end:
        time.sleep(0.05)
    assert check()


def test_sort_by_a_click(page, built):
    head = page.find_elements("css selector", "#table-targets th button")
    rows = list(built[0].tables["targets"].rows)
    head[1].click()
    numbers = [int(n) for n in cells(page, "targets", 1)]
    assert numbers == sorted((row[1].value for row in rows), reverse=True)[:20]
    head[1].click()
    assert [int(n) for n in cells(page, "targets", 1)] == sorted(row[1].value for row in rows)[:20]
    head[1].click()
    assert cells(page, "targets", 0) == [row[0].value for row in rows][:20]


def test_filter_and_show_all(page, built):
    box = page.find_element("css selector", "#table-pairs")
    size = len(built[0].tables["pairs"].rows)
    assert size > 20 and len(cells(page, "pairs", 0)) == 20
    box.find_element("css selector", ".more button").click()
    assert len(cells(page, "pairs", 0)) == size
    box.find_element("css selector", "input").send_keys("cd19 gd2")
    expected = [
        r[0].value for r in built[0].tables["pairs"].rows if "CD19" in r[0].value and "GD2" in r[0].value
    ]
    until(lambda: cells(page, "pairs", 0) == expected)


def test_a_number_leads_to_its_trials_and_a_trial_to_its_evidence(page, built):
    made, df = built
    row = next(
        r for r in page.find_elements("css selector", "#table-targets tbody tr") if r.text.startswith("CD19 ")
    )
    row.find_elements("css selector", "a")[0].click()
    ids = made.tables["targets"].ids("CD19", "trials")
    until(lambda: page.find_element("id", "panel-title").text == f"{len(ids)} trials")
    links = page.find_elements("css selector", "#panel .trial a")
    assert [link.text for link in links] == list(ids)
    links[0].click()
    until(lambda: page.find_element("id", "panel-title").text == ids[0])
    evidence = df.drop_duplicates("trial_id").set_index("trial_id").loc[ids[0], "evidence"]
    assert len(page.find_elements("css selector", "#evidence tbody tr")) == len(evidence)
    page.find_element("id", "back").click()
    until(lambda: page.find_element("id", "panel-title").text == f"{len(ids)} trials")
    page.find_element("id", "close").click()
    assert not page.execute_script("return document.getElementById('panel').open")


def test_the_denominator_of_a_share(page, built):
    row = page.find_element("css selector", "#table-phases tbody tr")
    row.find_elements("css selector", "a")[1].click()
    page.find_element("css selector", "#panel .note a").click()
    of = built[0].tables["phases"].rows[0][2].of
    until(lambda: page.find_element("id", "panel-title").text == f"{len(of)} trials")
    page.find_element("id", "close").click()


def test_an_address_with_a_broken_escape_shows_the_page(page):
    page.execute_script("location.hash = '%'; location.reload()")
    until(lambda: page.find_elements("css selector", "#table-phases tbody tr a"))
    page.execute_script("location.hash = '#set=%'")
    assert not page.execute_script("return document.getElementById('panel').open")


def test_hostile_text_is_text(page):
    page.execute_script("location.hash = '#trial=NCT99999999'")
    until(lambda: page.find_element("id", "panel-title").text == "NCT99999999")
    assert SCRIPT in page.find_element("css selector", "#panel strong").text
    assert page.title == "CAR cell therapy trials: the landscape"
    page.find_element("id", "close").click()


def test_figures_show_and_nothing_runs_off_the_page(page):
    broken = "return [...document.images].filter(i => !i.complete || i.naturalWidth < 100).length"
    assert len(page.find_elements("css selector", "figure img")) == 17 and page.execute_script(broken) == 0
    assert page.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    loaded = "return performance.getEntriesByType('resource').filter(r => !r.name.startsWith('data:')).length"
    assert page.execute_script(loaded) == 0


def test_a_number_of_the_flow_leads_to_what_was_left_out(page, built):
    left = built[0].tables["flow"].ids("CAR mentioned, not studied", "records")
    rows = page.find_elements("css selector", "#table-flow tbody tr")
    row = next(r for r in rows if r.text.startswith("CAR mentioned"))
    row.find_element("css selector", "a").click()
    until(lambda: page.find_element("id", "panel-title").text == f"{len(left)} trials")
    links = page.find_elements("css selector", "#panel .trial a")
    assert [link.text for link in links] == list(left)
    links[0].click()
    until(lambda: "CAR mentioned, not studied" in page.find_element("id", "panel-body").text)
    page.find_element("id", "close").click()


def test_paper_shows_every_row_and_no_arrows(page, built):
    size = len(built[0].tables["pairs"].rows)
    box = page.find_element("css selector", "#table-pairs input")
    box.clear()
    page.execute_script("arguments[0].dispatchEvent(new Event('input'))", box)
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    page.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    assert len(cells(page, "pairs", 0)) == size
    heads = "return [...document.querySelectorAll('#table-targets th')].map(h => h.textContent)"
    buttons = "return document.querySelectorAll('.table th button').length"
    names = list(built[0].tables["targets"].columns)
    assert page.execute_script(heads) == names and page.execute_script(buttons) == 0
    shown = "return [...document.querySelectorAll('nav, .controls, .more')].every(n => !n.offsetParent)"
    assert page.execute_script(shown)
    page.execute_script("window.dispatchEvent(new Event('afterprint'))")
    assert page.execute_script(heads) == names and page.execute_script(buttons) > len(names)
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_each_page_of_a_long_table_begins_with_its_head(built, tmp_path_factory):
    pdftotext = shutil.which("pdftotext")
    if not pdftotext:
        pytest.skip("needs pdftotext (apt-get install poppler-utils)")
    folder = tmp_path_factory.mktemp("paper")
    browser = driver(folder / "profile")
    browser.get(built[0].page.as_uri())
    browser.execute_script(
        "const long = document.getElementById('table-target_indication_phase');"
        "document.querySelector('main').replaceChildren(long);"
    )
    paper = browser.execute_cdp_cmd("Page.printToPDF", {})
    browser.quit()
    (folder / "long.pdf").write_bytes(base64.b64decode(paper["data"]))
    told = subprocess.run([pdftotext, "-layout", folder / "long.pdf", "-"], capture_output=True, text=True)
    pages = [page for page in told.stdout.split("\f") if page.strip()]
    assert len(pages) > 1
    assert all("highest phase" in page for page in pages)


def test_dark_and_phone(page):
    dark = {"media": "", "features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    color = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert max(int(n) for n in color[4:-1].split(",")) < 60
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    phone = {"width": 390, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    assert page.execute_script("return document.documentElement.scrollWidth <= 390")
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
