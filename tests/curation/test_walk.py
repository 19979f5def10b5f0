"""The whole loop on real trials: tag, review, ten corrections by keyboard, tag again, a changed text."""

import gzip
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cart_nlp.curation.correction_files import read
from cart_nlp.curation.decisions import values_of
from cart_nlp.schema import Record

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from chromium_pages import driver

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"

PROGRAM = Path(sys.executable).with_name("cart-nlp")
DUMP = CORPUS / "car-trials.jsonl.gz"
ESCAPE, ENTER = "\ue00c", "\ue007"


def cart_nlp(*words):
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stderr


def lines_of(path):
    return {json.loads(line)["trial_id"]: line for line in path.read_bytes().splitlines()}


def press(browser, *keys):
    from selenium.webdriver import ActionChains

    ActionChains(browser).send_keys(*keys).perform()


def until(check, seconds=15):
    end = time.monotonic() + seconds
    while not check() and time.monotonic() < end:
        time.sleep(0.05)
    assert check()


class Curator:
    """Works on the page with keys alone, after the trial and the field are in front."""

    def __init__(self, browser):
        self.browser = browser
        self.expected = []

    def on(self, trial, field):
        press(self.browser, ESCAPE, "/", trial)
        until(lambda: self.browser.execute_script("return hits.length === 1 && current().i") == trial)
        press(self.browser, ENTER)
        script = "const f = arguments[0]; here = { field: f, value: shownValues(current(), f)[0] };"
        self.browser.execute_script(script + "drawTrial(); focusHere()", field)
        return self.browser.execute_script("return here.value")

    def does(self, trial, field, action, values, *keys):
        press(self.browser, *keys)
        self.expected.append((trial, field, action, tuple(sorted(values))))


@pytest.mark.corpus
@pytest.mark.slow
def test_the_walk(tmp_path, car_records):
    again, page = tmp_path / "again.jsonl", tmp_path / "queue.html"
    first, told = car_records
    assert "1,276 read" in told
    assert "60 records" in cart_nlp("review", first, "--budget", 60, "--text", DUMP, "-o", page)

    browser = driver(tmp_path / "profile")
    try:
        saved = tmp_path / "saved"
        browser.execute_cdp_cmd("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(saved)})
        browser.get(page.as_uri())
        assert "0 of 60 decided" in browser.find_element("id", "state").text
        browser.find_element("id", "by").send_keys("Ana Ruiz", ESCAPE)
        before = {one: Record.model_validate_json(line) for one, line in lines_of(first).items()}
        asked = browser.execute_script("return data.trials.map(t => t.i)")
        assert len(asked) == 60 and before.keys() >= set(asked)
        with gzip.open(DUMP, "rt", encoding="utf-8") as source:
            screened = next(t["id"] for t in map(json.loads, source) if t["id"] not in before)
        curator = Curator(browser)
        corrected(curator, asked, before)
        curator.does(screened, "car_trial", "set", ("product",), ESCAPE, "p", screened, ENTER)
        press(browser, ESCAPE, "s")
        until((saved / "corrections.csv").is_file)
        severe = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
        assert severe == []
    finally:
        browser.quit()

    corrections = saved / "corrections.csv"
    rows = read(corrections)
    found = sorted((r.trial_id, r.field, r.action, r.values) for r in rows)
    assert found == sorted(curator.expected) and len(found) == 10
    assert {r.action for r in rows} == {"set", "add", "remove", "confirm"}

    told = cart_nlp("tag", DUMP, "--corrections", corrections, "-o", again)
    assert "corrections: 10 applied in 10 trials, 0 stale" in told
    check_records(lines_of(first), lines_of(again), rows)

    some = tmp_path / "changed.jsonl"
    stale = next(r for r in rows if r.text_sha256 and r.field == "costim")
    with gzip.open(DUMP, "rt", encoding="utf-8") as source:
        trials = [t for t in map(json.loads, source) if t["id"] in {r.trial_id for r in rows}]
    for trial in trials:
        if trial["id"] == stale.trial_id:
            trial["brief_title"] += ", second cohort"
    some.write_text("".join(json.dumps(t) + "\n" for t in trials), "utf-8")
    told = cart_nlp("tag", some, "--corrections", corrections, "-o", tmp_path / "later.jsonl")
    assert "corrections: 10 applied in 10 trials, 1 stale" in told
    assert f"stale: {stale.trial_id} costim" in told
    later = Record.model_validate_json(lines_of(tmp_path / "later.jsonl")[stale.trial_id])
    assert set(stale.values) <= set(values_of(later, "costim")), "applied all the same"
    assert any(e.rule.endswith(":stale") for e in later.evidence if e.field == "costim")
    queue = cart_nlp("review", tmp_path / "later.jsonl", "-o", tmp_path / "queue.csv")
    assert "records → " in queue
    assert "stale correction" in (tmp_path / "queue.csv").read_text("utf-8-sig")


def corrected(curator, asked, before):
    """Nine corrections of trials in the queue, one a trial."""
    left = [one for one in asked if before[one].car_trial in ("product", "related")]

    def take(fits):
        found = next(one for one in left if fits(before[one]))
        left.remove(found)
        return found

    trial = take(lambda r: "CD28" not in r.costim)
    curator.on(trial, "costim")
    curator.does(trial, "costim", "add", ("CD28",), "n", "CD28", ENTER)
    trial = take(lambda r: "NK" not in r.cell_type)
    curator.on(trial, "cell_type")
    curator.does(trial, "cell_type", "add", ("NK",), "n", "NK", ENTER)
    trial = take(lambda r: r.disease_group)
    value = curator.on(trial, "disease_group")
    curator.does(trial, "disease_group", "remove", (value,), "r")
    trial = take(lambda r: r.cell_type)
    value = curator.on(trial, "cell_type")
    curator.does(trial, "cell_type", "remove", (value,), "r")
    trial = take(lambda r: r.focus == "treatment")
    curator.on(trial, "focus")
    curator.does(trial, "focus", "set", ("manufacturing",), "c", "manufacturing", ENTER)
    trial = take(lambda r: "3" not in map(str, r.generation))
    curator.on(trial, "generation")
    curator.does(trial, "generation", "set", ("3",), "e", "3", ENTER)
    trial = take(lambda r: not r.vector)
    curator.on(trial, "vector")
    curator.does(trial, "vector", "confirm", (), "a")
    trial = take(lambda r: r.focus)
    value = curator.on(trial, "focus")
    curator.does(trial, "focus", "confirm", (value,), "a")
    trial = take(lambda r: True)
    curator.on(trial, "car_trial")
    curator.does(trial, "car_trial", "set", ("no",), "x")


def check_records(before, after, rows):
    """The decided values are there with who and when, everything else is the same to the byte."""
    decided = {row.trial_id: row for row in rows}
    assert {one for one in before.keys() | after.keys() if before.get(one) != after.get(one)} == set(decided)
    for row in rows:
        if row.field == "car_trial":
            assert (row.trial_id in after) == (row.values == ("product",))
            assert (row.trial_id in before) != (row.trial_id in after)
            continue
        old, new = (Record.model_validate_json(lines[row.trial_id]) for lines in (before, after))
        now, was = set(values_of(new, row.field)), set(values_of(old, row.field))
        wanted = {
            "set": set(row.values),
            "add": was | set(row.values),
            "remove": was - set(row.values),
            "confirm": was,
        }
        assert now == wanted[row.action], row
        mine = [e for e in new.evidence if e.basis == "curator" and e.field == row.field]
        assert mine and {(e.by, e.date) for e in mine} == {("Ana Ruiz", row.date)}
        if row.action in ("set", "remove"):
            assert any(set(e.replaced.split("; ")) & was for e in mine) or not was
        if row.field == "costim" and len(old.constructs) == 1:  # the only construct has what its trial has
            alone = old.constructs[0].model_copy(update={"costim": new.costim})
            old = old.model_copy(update={"constructs": (alone,)})
        for name in set(Record.model_fields) - {row.field, "evidence", "confidence"}:
            assert getattr(new, name) == getattr(old, name), (row.trial_id, name)
        rest = [e for e in old.evidence if e.field != row.field]
        assert [e for e in new.evidence if e.field != row.field] == rest
