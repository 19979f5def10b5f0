"""The viewer page: data right and safe; in a real browser, list, filters, search, keys and marks."""

import json
import re
import sys
import time
from pathlib import Path

import pytest

from cart_nlp.landscape import frame
from cart_nlp.registries.entry import InputError
from cart_nlp.schema import Construct, Evidence, Record
from cart_nlp.viewer import FILTERS, html, view

sys.path.insert(0, str(Path(__file__).resolve().parent))
from chromium_pages import driver, serious

SCRIPT = "</script><script>document.title='hacked'</script>"
TEXT = "𝛂 Autologous T cells against CD19/CD22 <b>bold</b>"


def record(number=1, **changes):
    start = TEXT.index("CD19")
    evidence = (
        Evidence(
            field="targets",
            value="CD19",
            basis="text",
            section="brief_title",
            start=start,
            end=start + 4,
            text="CD19",
            rule="antigens.csv:3",
        ),
        Evidence(
            field="targets",
            value="CD22",
            basis="text",
            section="brief_title",
            start=start,
            end=start + 9,
            text="CD19/CD22",
            rule="pair",
        ),
        Evidence(field="vector", value="lentiviral", basis="product", text="JCAR017", rule="products.csv:9"),
    )
    given = {
        "trial_id": f"NCT{number:08d}",
        "title": TEXT,
        "url": "https://example.org/x",
        "car_trial": "product",
        "targets": ("CD19", "CD22"),
        "multi_target": True,
        "constructs": (Construct(targets=("CD19", "CD22"), format="tandem"),),
        "vector": ("lentiviral",),
        "phase": "PHASE1",
        "start_date": "2020-01",
        "evidence": evidence,
    }
    return Record(**{**given, **changes})


def embedded(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


def test_the_data_of_the_page_is_the_record():
    data = embedded(html(frame([record()])))
    trial, strings = data["trials"][0], data["strings"]
    values = {name: [strings[v] for v in trial["f"][n]] for n, name in enumerate(FILTERS)}
    assert (
        values["targets"] == ["CD19", "CD22"]
        and values["format"] == ["tandem"]
        and values["multi_target"] == ["yes"]
    )
    assert (
        values["start_year"] == ["2020"]
        and values["basis"] == ["product", "text"]
        and values["has_results"] == ["no"]
    )
    assert [strings[n] for n in trial["e"][0][:6]] == [
        "targets",
        "CD19",
        "text",
        "brief_title",
        "CD19",
        "antigens.csv:3",
    ]
    assert trial["s"] == [] and trial["e"][0][6:] == [-1, -1, 0], "no text, no place"


def test_places_are_counted_as_the_browser_counts():
    trial = embedded(html(frame([record()]), {"NCT00000001": {"brief_title": TEXT}}))["trials"][0]
    start = TEXT.index("CD19") + 1  # the first letter is two UTF-16 units
    assert [e[6:8] for e in trial["e"]] == [[start, start + 4], [start, start + 9], [-1, -1]] and trial[
        "m"
    ] == 0


def test_evidence_that_does_not_fit_the_text_is_not_marked():
    trial = embedded(html(frame([record()]), {"NCT00000001": {"brief_title": "another title"}}))["trials"][0]
    assert [e[6] for e in trial["e"]] == [-1, -1, -1] and trial["m"] == 2


def test_no_text_becomes_markup():
    page = html(
        frame([record(title=SCRIPT, sponsor=SCRIPT, url="javascript:alert(1)")]),
        {"NCT00000001": {"brief_summary": SCRIPT}},
    )
    assert page.count("<script") == page.count("</script") == 2 and "javascript:" not in page
    assert embedded(page)["trials"][0]["t"] == SCRIPT


@pytest.mark.parametrize("records", [[], [Record(trial_id="A")]])
def test_none_and_a_bare_one(tmp_path, records):
    path = tmp_path / "r.jsonl"
    path.write_text("".join(r.model_dump_json() + "\n" for r in records))
    assert view(path, tmp_path / "new" / "page.html") == len(records)


def test_text_joins_a_dump(tmp_path):
    (tmp_path / "r.jsonl").write_text(record().model_dump_json() + "\n")
    (tmp_path / "dump.jsonl").write_text(json.dumps({"id": "NCT00000001", "brief_title": TEXT}) + "\n")
    view(tmp_path / "r.jsonl", tmp_path / "p.html", [tmp_path / "dump.jsonl"])
    data = embedded((tmp_path / "p.html").read_text(encoding="utf-8"))
    assert [[data["strings"][n], text] for n, text in data["trials"][0]["s"]] == [["brief_title", TEXT]]


def test_a_missing_dump_is_one_line(tmp_path):
    (tmp_path / "r.jsonl").write_text("")
    with pytest.raises(InputError, match=r"no\.jsonl: no such file"):
        view(tmp_path / "r.jsonl", tmp_path / "p.html", [tmp_path / "no.jsonl"])


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """2,000 trials in a browser, the first with its text."""
    folder = tmp_path_factory.mktemp("view")
    many = [
        record(
            n,
            title=f"Trial {n} {SCRIPT}",
            targets=("CD19",) if n % 4 else ("CD7",),
            multi_target=False,
            status=f"S{n % 3}",
        )
        for n in range(2, 2001)
    ]
    file = folder / "page.html"
    file.write_text(html(frame([record(), *many]), {"NCT00000001": {"brief_title": TEXT}}), encoding="utf-8")
    browser = driver(folder / "profile")
    browser.get(file.as_uri())
    yield browser
    logs = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    browser.quit()
    assert logs == []


def test_axe_finds_nothing_serious(page):
    assert serious(page) == []


def state(page):
    return page.find_element("id", "state").text


def until(check, seconds=5):
    end = time.monotonic() + seconds
    while not check() and time.monotonic() < end:
        time.sleep(0.05)
    assert check()


def press(page, *keys):
    from selenium.webdriver import ActionChains

    ActionChains(page).send_keys(*keys).perform()


def test_an_address_with_a_broken_escape_shows_the_page(page):
    page.execute_script("location.hash = '%'; location.reload()")
    until(lambda: state(page) == "2000 of 2000 trials")


def test_marks_overlap_as_spans(page):
    page.execute_script("location.hash = ''; clear(); select(0)")
    marks = page.find_elements("css selector", "#trial .text mark")
    assert [m.text for m in marks] == ["CD19", "/CD22"]
    assert [t.text for t in page.find_elements("css selector", "#trial .tag")] == [
        "targets: CD19",
        "targets: CD22",
    ]
    assert (
        page.find_element("css selector", "#trial .text")
        .text.replace("targets: CD19", "")
        .replace("targets: CD22", "")
        == TEXT
    )
    assert len(page.find_elements("css selector", "#evidence tbody tr")) == 3
    assert page.find_element("id", "registry").get_attribute("href") == "https://example.org/x"


def test_keys(page):
    page.execute_script("clear(); select(0); list.focus()")
    press(page, "jjk")
    assert page.execute_script("return location.hash") == "#NCT00000002"
    press(page, "\ue010")  # End
    assert page.execute_script("return location.hash") == "#NCT00002000"
    press(page, "/", "nct00000777")
    until(lambda: state(page) == "1 of 2000 trials")
    press(page, "\ue00c", "?")  # Escape, then help
    assert page.find_element("id", "help").is_displayed()


def test_filters_count_what_the_others_leave(page):
    page.execute_script("clear()")
    panels = {
        d.find_element("css selector", "summary").text.strip(): d
        for d in page.find_elements("css selector", "#filters details")
    }
    for name, value in (("targets", "CD7"), ("status", "S1")):
        panel = panels[name]
        if not panel.get_attribute("open"):
            panel.find_element("css selector", "summary").click()
        until(lambda panel=panel: panel.find_elements("css selector", "label"))
        next(x for x in panel.find_elements("css selector", "label") if value in x.text).find_element(
            "css selector", "input"
        ).click()
    expected = sum(n % 4 == 0 and n % 3 == 1 for n in range(2, 2001))
    until(lambda: state(page) == f"{expected} of 2000 trials")
    page.find_element("id", "clear").click()
    assert state(page) == "2000 of 2000 trials"


def test_two_thousand_trials_stay_fluid(page):
    rows, scroll, find = page.execute_script(
        "clear(); const a = performance.now(); for (let n = 0; n < 40; n++) { "
        "list.scrollTop = n * 3000; drawRows(); }"
        "const b = performance.now(); search.value = 'trial 19'; apply(true); const c = performance.now();"
        "const out = [document.querySelectorAll('.row').length, (b - a) / 40, c - b]; clear(); return out"
    )
    assert rows < 60, "only what is in view is drawn"
    assert scroll < 100 and find < 1500, "milliseconds, with room for a busy machine"


def test_hostile_titles_are_text(page):
    page.execute_script("clear(); select(5)")
    assert SCRIPT in page.find_element("css selector", "#trial h2").text
    assert page.title == "CAR cell therapy trials: records with evidence"
