"""The site builds without a network or a warning, its links lead somewhere, and the tutorials run."""

import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from chromium_pages import dark, driver, serious

from cart_nlp.cli import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
TUTORIALS = sorted((DOCS / "tutorials").glob("*.md"))


class Page(HTMLParser):
    """Anchors, links and loaded files of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        self.loaded += [found[n] for n in ("src", "srcset") if found.get(n)]
        if tag == "link" and found.get("rel") in ("stylesheet", "icon", "preload", "preconnect"):
            self.loaded.append(found["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    pytest.importorskip("mkdocs", reason="needs mkdocs-material and mkdocstrings")
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", out],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "https_proxy": "http://127.0.0.1:9"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return out


@pytest.fixture(scope="module")
def pages(site) -> dict[Path, Page]:
    return {path: Page(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}


def test_every_link_of_the_site_leads_to_a_page_and_a_place_in_it(site, pages):
    wrong = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists() or (
                parts.fragment
                and target.suffix == ".html"
                and unquote(parts.fragment) not in pages[target].anchors
            ):
                wrong.append(f"{path.relative_to(site)}: {link}")
    assert wrong == []


def test_the_site_loads_nothing_from_elsewhere(site, pages):
    assert [
        link for page in pages.values() for link in page.loaded if urlsplit(link).scheme not in ("", "data")
    ] == []
    sheets = "".join(path.read_text("utf-8") for path in site.rglob("*.css"))
    assert re.findall(r"url\(['\"]?https?:", sheets) == []


def test_search_knows_the_values_of_fields(site):
    index = (site / "search" / "search_index.json").read_text("utf-8")
    assert "donor_derived" in index and "labels.html" in index


def test_reference_has_every_command_and_every_public_name(site):
    import cart_nlp

    commands = (site / "reference" / "commands.html").read_text("utf-8")
    assert [name for name in COMMANDS if f"cart-nlp {name}" not in commands] == []
    python = (site / "reference" / "python.html").read_text("utf-8")
    public = set(cart_nlp.__all__) - {"__version__"}
    assert {name for name in public if not re.search(rf'id="cart_nlp\.[a-z_.]*{name}"', python)} == set()


@pytest.mark.slow
def test_axe_finds_nothing_serious_on_light_or_dark(site, tmp_path):
    made = driver(tmp_path / "profile")
    try:
        for scheme in ("light", "dark"):
            for name in ("index", "reference/python", "tutorials/curator"):
                made.get((site / f"{name}.html").as_uri())
                assert serious(made) == [], (scheme, name)
            dark(made)
    finally:
        made.quit()


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with a dump, as the tutorials have it."""
    shutil.copy(ROOT / "benchmarks" / "sample" / "trials.jsonl", tmp_path / "dump.jsonl")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_commands_of_a_tutorial_print_what_stands_below_them(page, folder):
    text = page.read_text("utf-8")
    for table in re.findall(r"^```csv\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        (folder / "corrections.csv").write_text(table, "utf-8")
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    for part in (part for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]):
        command, _, output = part.partition("\n")
        words = shlex.split(command)
        assert words[0] == "cart-nlp"
        done = subprocess.run(
            [Path(sys.executable).with_name("cart-nlp"), *words[1:]],
            env=os.environ | {"COLUMNS": "100", "NO_COLOR": "1"}, text=True, timeout=120,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        said = done.stdout.strip()
        assert re.fullmatch(".*?".join(map(re.escape, output.strip().split("..."))), said, re.DOTALL), said


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_python_of_a_tutorial_gives_what_stands_below_it(page, folder):
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, page.name, str(page), 0)
    said: list[str] = []
    assert doctest.DocTestRunner().run(test, out=said.append).failed == 0, "".join(said)


def test_the_corrections_of_the_tutorial_are_in_order(folder):
    (table,) = re.findall(
        r"^```csv\n(.*?)^```", (DOCS / "tutorials/curator.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    (folder / "corrections.csv").write_text(table, "utf-8")
    done = subprocess.run(
        [Path(sys.executable).with_name("cart-nlp"), "corrections", "check", "corrections.csv"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_every_page_is_in_the_navigation_and_in_the_index():
    shown = re.findall(r": ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE)
    here = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}
    assert here <= set(shown)
    index = set(re.findall(r"\]\(([\w/-]+\.md)\)", (DOCS / "index.md").read_text("utf-8")))
    assert here - index == {"index.md"}
