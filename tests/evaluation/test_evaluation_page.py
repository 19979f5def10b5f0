"""The HTML page: complete, self-contained, and nothing of a registry's text runs in it."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from gold_lines import line, save

from cart_nlp.evaluation import gold as gold_set
from cart_nlp.evaluation import page, snippets, svg
from cart_nlp.evaluation.run import Options, run
from cart_nlp.schema import Evidence, Record

ATTACK = "<script>document.title='PWNED'</script><img src=x onerror=\"document.title='PWNED'\">\"'>&"


class Reader(HTMLParser):
    """Collects tags, and checks that what opens closes."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "input", "line", "circle", "rect", "path", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in ("line", "circle", "rect", "path"):
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def html(tmp_path):
    """The page of a trial whose every text is an attack."""
    row = line("NCT1", title=f"CD19 CAR-T {ATTACK}", targets=["CD22", ATTACK], note=ATTACK)
    row["labels"]["target_evidence"] = [ATTACK]
    row["source"] = row["trial"]["registry"] = ATTACK
    found = Record(
        trial_id="NCT1",
        car_trial="product",
        targets=("CD19",),
        evidence=(
            Evidence(
                field="targets",
                value="CD19",
                basis="text",
                section="brief_title",
                start=0,
                end=4,
                text="CD19",
                rule=ATTACK,
            ),
        ),
    )
    records = tmp_path / "r.jsonl"
    records.write_text(found.model_dump_json() + "\n", "utf-8")
    gold = save(tmp_path / "g.jsonl", [row, line("NCT2")])
    return page.render(run(Options(gold=str(gold), records=records)))


def test_page_is_well_formed_and_loads_nothing(html):
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    assert [tag for tag, _ in reader.tags].count("script") == 1
    assert not [a for _, a in reader.tags if {"src", "onerror", "onclick", "style"} & a.keys()]
    assert not re.search(r"https?://", html)
    assert all(a["href"].startswith("#") for tag, a in reader.tags if tag == "a")


def test_an_interval_is_not_torn_apart(html):
    torn = re.sub(r'<span class="whole">\[[^\]]+\]</span>', "", html)
    assert torn != html
    assert re.findall(r"<td>[^<]*\[\d", torn) == []


def test_policy_lets_only_the_pages_own_script_run(html):
    import base64
    import hashlib

    script = re.search(r"<script>(.*?)</script>", html, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html
    assert "default-src 'none'" in html


def test_text_of_the_attack_is_shown_as_text(html):
    reader = Reader()
    reader.feed(html)
    assert "<img src=x" in "".join(reader.text)
    assert "<img" not in html


def test_errors_are_there_with_their_words_marked(html):
    assert '<mark class="wrong">CD19</mark>' in html
    assert '<mark class="gold">&lt;script&gt;' in html
    assert html.count("<article ") > 3


@pytest.mark.slow
def test_no_script_of_the_registry_runs_in_a_browser(html, tmp_path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not browser:
        pytest.skip("no Chromium here; install it to have the page opened in a browser")
    path = tmp_path / "page.html"
    path.write_text(html, "utf-8")
    flags = "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update"
    command = [
        browser,
        *flags.split(),
        "--disable-sync",
        "--no-first-run",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    done = subprocess.run(
        [*command, "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=120
    )
    title = re.search(r"<title>(.*?)</title>", done.stdout)[1]
    assert title == "cart-nlp evaluate: g.jsonl"
    # The page's own script ran: it writes how many errors are shown.
    count = html.count("<article ")
    assert f'id="count">{count} of {count}</span>' in done.stdout


def test_highlighted_text_is_cut_and_escaped():
    text = "a" * 500 + "<b>CD19</b>" + "c" * 500
    shown = snippets.highlighted(text, [(503, 507, "wrong")])
    assert '&lt;b&gt;<mark class="wrong">CD19</mark>&lt;/b&gt;' in shown
    assert shown.startswith("…a")
    assert shown.endswith("c…")
    assert len(shown) < 400


def test_overlapping_marks_do_not_repeat_text():
    assert snippets.highlighted("CD19/22", [(0, 4, "wrong"), (2, 7, "gold")]) == (
        '<mark class="wrong">CD19</mark><mark class="gold">/22</mark>'
    )
    assert snippets.highlighted("CD19", [(0, 9, "wrong")]) == ""


def test_plots_take_undefined_values_and_escape_names():
    drawn = svg.intervals([("<b>", None, None), ("x", 0.5, [0.25, 0.75])], "t")
    assert "&lt;b&gt;" in drawn
    assert "–" in drawn
    assert svg.confusion({}, "t") == ""
    assert ">7<" in svg.confusion({"a": {"a": 7, "(none)": 0}}, "t")


def test_gold_reader_is_not_needed_for_the_page_of_an_empty_error_list(tmp_path):
    row = line("NCT1", targets=[], constructs=[], cell_type=[], car_trial="no", focus=None)
    gold = save(tmp_path / "g.jsonl", [row])
    records = tmp_path / "r.jsonl"
    records.write_text("", "utf-8")
    scored = run(Options(gold=str(gold), records=records))
    assert scored.result["errors"] == []
    assert "<p>None.</p>" in page.render(scored)
    assert gold_set.read(gold).records[0].id == "NCT1"
