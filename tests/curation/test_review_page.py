"""The page in a real browser: decisions by keyboard, undo, storage, the file that it saves, access, speed."""

import json
import re
import sys
import time
from pathlib import Path

import pytest
from review_records import TITLE, mentions, record, trial

from cart_nlp.curation.applying import apply
from cart_nlp.curation.checking import check
from cart_nlp.curation.correction_files import read
from cart_nlp.curation.decisions import Correction, text_sha256, values_of
from cart_nlp.curation.known_values import names
from cart_nlp.curation.queue import queue
from cart_nlp.curation.writing import as_bytes
from cart_nlp.reviewing.page import page as page_of

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from chromium_pages import driver

SCRIPT = "</script><script>document.title='hacked'</script>"
ESCAPE, ENTER = "\ue00c", "\ue007"


def html(records, rows=(), texts=True):
    found = queue(records, mentions=lambda r: mentions(), everything=True)
    trials = {r.trial_id: trial(int(r.trial_id[-4:])) for r in records} if texts else {}
    marks = {one: mentions() for one in trials}
    return page_of(found, found.items, trials, marks, rows)


def embedded(text):
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_the_data_of_the_page():
    data = embedded(html([record()]))
    (one,), strings = data["trials"], data["strings"]
    fields = data["fields"]
    assert [strings[v] for v in one["f"][fields.index("targets")]] == ["CD19", "CD22"]
    assert one["c"][fields.index("targets")] == 0.9 and one["p"][fields.index("constructs")] == 0.3
    assert one["w"][fields.index("constructs")] == ["default format"]
    assert one["h"] == text_sha256(trial().sections)
    assert [[strings[n] for n in m[:3]] for m in one["m"]] == [
        ["brief_title", "CD19", "target"],
        ["brief_title", "CD20", "coadministered"],
    ]
    bare = embedded(html([record()], texts=False))["trials"][0]
    assert bare["s"] == [] and bare["h"] == "" and all(e[8] == -1 for e in bare["e"])


def test_no_text_becomes_markup():
    text = html([record(title=SCRIPT, url="javascript:alert(1)")])
    assert text.count("<script") == text.count("</script") == 2 and "javascript:" not in text


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("review")


@pytest.fixture(scope="module")
def browser(folder):
    made = driver(folder / "profile")
    made.execute_cdp_cmd(
        "Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder / "saved")}
    )
    yield made
    logs = [entry for entry in made.get_log("browser") if entry["level"] == "SEVERE"]
    made.quit()
    assert logs == []


def opened(browser, folder, text, name="page.html", keep=False):
    (folder / name).write_text(text, encoding="utf-8")
    if not keep and browser.current_url.startswith("file:"):
        browser.execute_script("localStorage.clear()")
    browser.get((folder / name).as_uri())
    return browser


def press(browser, *keys):
    from selenium.webdriver import ActionChains

    ActionChains(browser).send_keys(*keys).perform()


def said(browser):
    return browser.find_element("id", "said").text


def until(check, seconds=8):
    end = time.monotonic() + seconds
    while not check() and time.monotonic() < end:
        time.sleep(0.05)
    assert check()


def go(browser, number):
    """To a trial by its number, with the keyboard."""
    press(browser, ESCAPE, "/", f"NCT9{number:07}")
    until(lambda: browser.execute_script("return current()?.i") == f"NCT9{number:07}")
    press(browser, ENTER)


def field(browser, name):
    """To the first value of a field; that `f` and `d` go there is tested by itself."""
    script = "const t = current(); here = { field: arguments[0], value: shownValues(t, arguments[0])[0] };"
    browser.execute_script(script + "drawTrial(); focusHere()", name)


def saved(browser, folder):
    path = folder / "saved" / "corrections.csv"
    path.unlink(missing_ok=True)
    press(browser, ESCAPE, "s")
    until(path.is_file)
    time.sleep(0.1)
    return path


def plain(rows):
    return {(r.trial_id[-1], r.field, r.action, "; ".join(r.values)) for r in rows}


def test_decisions_with_the_keyboard_are_what_is_saved(browser, folder):
    records = [record(n) for n in range(1, 8)]
    opened(browser, folder, html(records), "keys.html")
    browser.find_element("id", "by").send_keys("Ana Ruiz", ESCAPE)
    go(browser, 1)
    field(browser, "targets")
    press(browser, "a")  # CD19 is right
    press(browser, "r")  # CD22, the next one, is not
    field(browser, "targets")
    press(browser, "n", "CD20", ENTER)
    go(browser, 2)
    field(browser, "focus")
    press(browser, "c", "manufacturing", ENTER, "t", "the title says so; =really", ENTER)
    field(browser, "constructs")
    press(browser, "e", "cd22 ( tandem )", ENTER)
    assert browser.find_element("id", "form").is_displayed() is False
    go(browser, 3)
    press(browser, "x")
    go(browser, 4)
    field(browser, "costim")
    press(browser, "a")  # nothing is stated, rightly
    go(browser, 5)
    field(browser, "car_trial")
    press(browser, "v")
    press(browser, "p", "NCT01234567", ENTER)
    go(browser, 6)
    field(browser, "cell_type")
    press(browser, "r", "u")
    assert said(browser) == "undone: NCT90000006 cell type"
    path = saved(browser, folder)
    rows = read(path)
    assert plain(rows) == {
        ("1", "targets", "confirm", "CD19"),
        ("1", "targets", "remove", "CD22"),
        ("1", "targets", "add", "CD20"),
        ("2", "focus", "set", "manufacturing"),
        ("2", "constructs", "set", "cd22 (tandem)"),
        ("3", "car_trial", "set", "no"),
        ("4", "costim", "confirm", ""),
        ("5", "car_trial", "confirm", "product"),
        ("5", "targets", "confirm", "CD19; CD22"),
        ("5", "constructs", "confirm", "CD19+CD22 (bispecific)"),
        ("5", "cell_type", "confirm", "T"),
        ("5", "focus", "confirm", "treatment"),
        ("7", "car_trial", "set", "product"),
    }
    assert {r.by for r in rows} == {"Ana Ruiz"} and all(
        re.fullmatch(r"\d{4}-\d\d-\d\d", r.date) for r in rows
    )
    assert {r.note for r in rows} == {"", "the title says so; =really"}
    for r in rows[:-1]:
        assert r.text_sha256 == text_sha256(trial(int(r.trial_id[-1])).sections)
    assert path.read_bytes() == as_bytes(rows, ".csv"), "the bytes that the program writes"
    assert check(path, names()).faults == []


def test_what_the_page_shows_is_what_the_program_makes_of_it(browser, folder):
    """The page works out a field's values by itself: they must be those of the corrected record."""
    one = record(1)
    opened(browser, folder, html([one]), "same.html")
    for name, keys in (
        ("targets", ("r", "n", "CD20", ENTER, "n", "BCMA", ENTER)),
        ("cell_type", ("c", "NK", ENTER)),
        ("costim", ("n", "CD28", ENTER, "n", "4-1BB", ENTER, "r")),
        ("focus", ("r",)),
        ("generation", ("e", "2; 3", ENTER, "r")),
        ("vector", ("a", "n", "lentiviral", ENTER)),
        ("edits", ("n", "TRAC", ENTER, "a", "z", "n", "B2M", ENTER)),
    ):
        field(browser, name)
        for key in keys:
            press(browser, key)
        shown = browser.execute_script("return valuesOf(current(), arguments[0])", name)
        rows = [r for r in read(saved(browser, folder)) if r.field == name]
        made = apply(one, rows, names(), trial(1).sections)
        values = getattr(made, name)
        wanted = [values] if isinstance(values, str) else list(map(str, values or ()))
        assert shown == wanted, name
        assert check(saved(browser, folder), names()).faults == [], name


@pytest.mark.parametrize(
    "steps",
    [
        (("targets", "fr"), ("cell_type", "v")),
        (("targets", "fr"), ("constructs", "a")),
        (("targets", "fr"), ("constructs", "r")),
        (("targets", "fr"), ("constructs", "n", "CD19 (adaptor)", ENTER)),
        (("targets", "e", "BCMA", ENTER),),
        (("targets", "e", "BCMA", ENTER), ("cell_type", "v")),
        (("targets", "e", ENTER), ("cell_type", "v")),
        (("constructs", "e", "BCMA (single)", ENTER),),
        (("constructs", "e", "BCMA (single)", ENTER), ("cell_type", "v")),
        (("constructs", "n", "BCMA (single)", ENTER), ("cell_type", "v")),
        (("constructs", "c", "CD19 (single)", ENTER), ("targets", "fr")),
        (("constructs", "a"), ("targets", "fr"), ("cell_type", "v")),
        (("targets", "fr"), ("constructs", "n", "CD22 (single)", ENTER)),
        (("constructs", "n", "(none)", ENTER), ("costim", "n", "(none)", ENTER)),
    ],
)
def test_targets_and_constructs_agree_on_the_page_as_in_the_program(browser, folder, steps):
    one = record(1)
    opened(browser, folder, html([one]), "agree.html")
    browser.execute_script("$('by').value = 'Ana'")
    for name, *keys in steps:
        field(browser, name)
        for key in keys:
            press(browser, *(key if key.islower() else [key]))
    if browser.find_element("id", "form").is_displayed():
        press(browser, ESCAPE)
    shown = browser.execute_script(
        "return ['targets', 'constructs', 'costim'].map(name => valuesOf(current(), name))"
    )
    path = saved(browser, folder)
    assert check(path, names()).faults == []
    made = apply(one, read(path), names(), trial(1).sections)
    assert shown == [list(values_of(made, name)) for name in ("targets", "constructs", "costim")]
    if steps[-1] == ("cell_type", "v") and made.constructs:
        assert made.confidence["targets"] == made.confidence["constructs"] == 1, "the whole trial is accepted"


@pytest.mark.parametrize(
    ("steps", "last"),
    [
        ((("constructs", "n", "CD20 (single); CD7 (single)", ENTER), ("cell_type", "v")), "constructs"),
        ((("constructs", "c", "CD20 (single); CD7 (single)", ENTER),), "constructs"),
        ((("targets", "c", "CD19; CD20", ENTER),), "targets"),
        ((("edits", "n", "TRAC; B2M", ENTER, "r"),), "edits"),
    ],
)
def test_several_values_at_once_are_as_many_values(browser, folder, steps, last):
    one = record(1)
    opened(browser, folder, html([one]), "several.html")
    for name, *keys in steps:
        field(browser, name)
        for key in keys:
            press(browser, key)
    read_shown = "return ['targets', 'constructs', 'edits'].map(name => valuesOf(current(), name))"
    shown = browser.execute_script(read_shown)
    path = saved(browser, folder)
    assert check(path, names()).faults == []
    made = apply(one, read(path), names(), trial(1).sections)
    assert shown == [list(values_of(made, name)) for name in ("targets", "constructs", "edits")]
    assert all(";" not in value for values in shown for value in values)
    assert values_of(made, last) != values_of(one, last)


def test_a_target_that_a_decided_construct_has_is_not_taken_away_unsaid(browser, folder):
    opened(browser, folder, html([record(1)]), "clash.html")
    field(browser, "constructs")
    press(browser, "a")
    field(browser, "targets")
    press(browser, "fr")
    told = "not done: CD22 would be no target, but the decided construct CD19+CD22 (bispecific) has it"
    assert said(browser).startswith(told)
    assert plain(read(saved(browser, folder))) == {("1", "constructs", "confirm", "CD19+CD22 (bispecific)")}
    field(browser, "constructs")
    press(browser, "z")
    field(browser, "targets")
    press(browser, "fr")
    assert said(browser) == "CD22 removed"
    field(browser, "costim")
    press(browser, "e", "CD28; (none)", ENTER)
    assert browser.find_element("id", "fault").text == "(none) beside other values: keep one or the other"
    press(browser, ESCAPE)


def test_work_goes_on_in_the_browser_and_from_a_file(browser, folder):
    text = html([record(1), record(2)])
    opened(browser, folder, text, "again.html")
    go(browser, 2)
    press(browser, "x")
    opened(browser, folder, text, "again.html", keep=True)
    assert "1 of 2 decided" in browser.find_element("id", "state").text
    press(browser, "u")
    assert "0 of 2 decided" in browser.find_element("id", "state").text
    given = {"by": "ben", "date": "2026-01-02", "note": "old"}
    rows = [
        Correction("NCT90000001", "targets", "remove", ("CD22",), **given),
        Correction("NCT90000001", "costim", "set", (), **given),
        Correction("NCT90000077", "focus", "confirm", open=True, **given),
    ]
    opened(browser, folder, html([record(1), record(2)], rows), "again.html", keep=True)
    assert "1 of 2 decided, 3 corrections" in browser.find_element("id", "state").text
    go(browser, 2)
    press(browser, "x")
    found = read(saved(browser, folder))
    assert [r._replace(place="") for r in found if r.by == "ben"] == rows
    assert [r.trial_id for r in found] == ["NCT90000001"] * 2 + ["NCT90000002", "NCT90000077"]


ANA = {"text_sha256": "0" * 64, "by": "Ana", "date": "2026-01-01", "note": "seen in the protocol"}


@pytest.mark.parametrize(
    ("given", "steps", "anas", "bens"),
    [
        (("add", "CD20"), ("n", "CD7", ENTER), ("add", "CD20"), {("add", "CD7")}),
        (("confirm", "CD19"), ("fa",), ("confirm", "CD19"), {("confirm", "CD22")}),
        (("set", "CD19; CD22"), ("n", "CD7", ENTER), ("confirm", "CD19; CD22"), {("set", "CD19; CD22; CD7")}),
        (("set", "CD19; CD7"), ("fr",), ("confirm", "CD19"), {("set", "CD19")}),
        (("set", "CD19; CD22"), ("a",), ("set", "CD19; CD22"), {("confirm", "CD19")}),
        (("set", "CD19; CD22"), ("aa",), None, {("set", "CD19; CD22")}),
        (("add", "CD20"), ("n", "CD7; CD20", ENTER), None, {("add", "CD20; CD7")}),
        (("add", "CD20"), ("v",), ("add", "CD20"), {("confirm", "CD19; CD22")}),
    ],
)
def test_what_another_person_decided_stays_in_their_name(browser, folder, given, steps, anas, bens):
    one = record(1)
    rows = [Correction(one.trial_id, "targets", given[0], tuple(given[1].split("; ")), **ANA)]
    opened(browser, folder, html([one], rows), "others.html")
    browser.execute_script("$('by').value = 'Ben'")
    field(browser, "targets")
    for step in steps:
        press(browser, step)
    shown = browser.execute_script("return valuesOf(current(), 'targets')")
    path = saved(browser, folder)
    found = [r for r in read(path) if r.field == "targets"]
    mine = [(r.action, r.value) for r in found if r.by == "Ana"]
    assert mine == ([anas] if anas else [])
    assert all(r[5:9] == tuple(ANA.values()) for r in found if r.by == "Ana")
    others = [r for r in found if r.by != "Ana"]
    assert {(r.action, r.value) for r in others} == bens
    assert {(r.by, r.note, r.text_sha256) for r in others} == {("Ben", "", text_sha256(trial(1).sections))}
    assert check(path, names()).faults == []
    made = apply(one, read(path), names(), trial(1).sections)
    assert shown == list(made.targets)
    stale = any(e.rule.endswith(":stale") and e.field == "targets" for e in made.evidence)
    assert stale == bool(anas), "what nobody has read again is asked again"


def test_a_note_is_of_ones_own_decision(browser, folder):
    rows = [Correction("NCT90000001", "targets", "add", ("CD20",), **ANA)]
    opened(browser, folder, html([record(1)], rows), "notes.html")
    browser.execute_script("$('by').value = 'Ben'")
    field(browser, "targets")
    press(browser, "t")
    assert said(browser) == "This is decided by Ana: decide it in your own name first, then say why."
    press(browser, "a", "t", "title", ENTER)
    assert [(r.by, r.note) for r in read(saved(browser, folder))] == [
        ("Ana", "seen in the protocol"),
        ("Ben", "title"),
    ]


def test_a_wrong_value_is_refused_on_the_spot(browser, folder):
    opened(browser, folder, html([record(1)]), "wrong.html")
    for name, text, fault in (
        ("focus", "healing", "healing: no value of focus"),
        ("constructs", "CD19+CD22", "write it like CD19+CD22 (tandem)"),
        ("generation", "9", "9: no value of generation"),
    ):
        field(browser, name)
        press(browser, "e", text, ENTER)
        assert browser.find_element("id", "fault").text.startswith(fault)
        press(browser, ESCAPE)
    assert browser.find_element("id", "state").text == "0 of 1 decided, 0 corrections"


def test_evidence_and_rejected_mentions_stand_beside_the_field(browser, folder):
    opened(browser, folder, html([record(1)]), "evidence.html")
    field(browser, "targets")
    marks = browser.find_elements("css selector", "#words mark")
    assert [(m.text, m.get_attribute("class")) for m in marks] == [
        ("CD19", "at"),
        ("CD22", ""),
        ("T", "other"),
        ("CD20", "role"),
    ]
    tags = [t.text for t in browser.find_elements("css selector", "#words .tag")]
    assert tags == ["CD19", "CD22", "cell type: T", "CD20: coadministered"]
    shown = browser.execute_script(
        "const p = document.querySelector('#words .text').cloneNode(true);"
        "p.querySelectorAll('.tag').forEach(t => t.remove()); return p.textContent"
    )
    assert shown == TITLE
    legends = [x.text for x in browser.find_elements("css selector", "#fields legend")]
    assert legends[0].endswith("sure 70 %"), "the most doubtful field first"


def test_order_and_filters(browser, folder):
    records = [
        record(1, {"targets": 0.9, "constructs": 0.6}),
        record(2, {"targets": 0.7, "constructs": 0.95}),
    ]
    opened(browser, folder, html(records), "order.html")
    first = "return document.querySelector('.row b').textContent"
    assert browser.execute_script(first) == "NCT90000001"
    script = "$('order').value = arguments[0]; $('order').dispatchEvent(new Event('change')); return "
    assert browser.execute_script(script + first.removeprefix("return "), "targets") == "NCT90000002"
    press(browser, ESCAPE, "x")
    script = (
        "$('show').value = arguments[0]; $('show').dispatchEvent(new Event('change')); return hits.length"
    )
    assert [browser.execute_script(script, name) for name in ("done", "open", "stale", "all")] == [1, 1, 0, 2]


def test_on_paper_the_values_are_there_and_the_tools_are_not(browser, folder):
    opened(browser, folder, html([record(1, {"targets": 0.9})]), "paper.html")
    shown = "return [...document.querySelectorAll(arguments[0])].map(one => one.offsetHeight > 0)"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        values, tools = (browser.execute_script(shown, place) for place in (".value", "#tools button"))
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert values and all(values)
    assert tools and not any(tools)


def test_every_value_is_reached_with_the_keyboard(browser, folder):
    opened(browser, folder, html([record(1), record(2)]), "reach.html")
    seen = "return `${current().i.slice(-1)} ${here.field} ${here.value}`"
    order = [browser.execute_script(seen)]
    for key in "fffd":
        press(browser, key)
        order.append(browser.execute_script(seen))
    assert order[0] == "1 constructs CD19+CD22 (bispecific)", "the most doubtful value first"
    assert order[1:] == ["1 targets CD19", "1 targets CD22", "1 focus treatment", "1 targets CD22"]
    focused = "return document.activeElement.getAttribute('aria-label')"
    assert browser.execute_script(focused) == "targets: CD22, not decided"
    press(browser, "a")
    assert said(browser) == "CD22 accepted"
    press(browser, "g")
    assert browser.execute_script(seen).startswith("1 constructs")
    press(browser, "jg")
    assert browser.execute_script(seen).startswith("2 targets"), "from the worst to the next in doubt"
    press(browser, "k", ESCAPE)
    assert browser.execute_script("return document.activeElement.id") == "list"


def test_hostile_text_is_text(browser, folder):
    opened(browser, folder, html([record(1, title=SCRIPT)]), "hostile.html")
    assert SCRIPT in browser.find_element("css selector", "#trial h2").text
    assert browser.title == "CAR cell therapy trials: review"


def test_an_id_that_every_object_has_is_an_id(browser, folder):
    text = html([record(1), record(1).model_copy(update={"trial_id": "__proto__"})], texts=False)
    opened(browser, folder, text, "proto.html")
    press(browser, ESCAPE, "/", "__proto__")
    until(lambda: browser.execute_script("return current()?.i") == "__proto__")
    press(browser, ENTER, "x")
    assert browser.execute_script("return Object.keys(Object.prototype)") == []
    assert browser.find_element("id", "state").text.startswith("1 of 2 decided, 1 correction,")
    opened(browser, folder, text, "proto.html", keep=True)
    assert browser.find_element("id", "state").text == "1 of 2 decided, 1 correction"
    assert [(r.trial_id, r.values) for r in read(saved(browser, folder))] == [("__proto__", ("no",))]


def test_2500_trials_stay_fluid(browser, folder):
    opened(browser, folder, html([record(n) for n in range(1, 2501)]), "many.html")
    times = browser.execute_script(
        "const out = [], now = () => performance.now();"
        "const time = run => { const a = now(); run(); out.push(now() - a); };"
        "time(() => { for (let n = 0; n < 20; n++) select(n * 100); });"
        "time(() => { search.value = 'NCT90002'; apply(true); });"
        "time(() => { search.value = ''; $('order').value = 'targets'; apply(false); });"
        "time(() => { for (let n = 0; n < 20; n++) { select(n); act('accept'); } });"
        "return [...out, document.querySelectorAll('.row').length]"
    )
    select, find, order, decide, rows = times
    assert rows < 60, "only what is in view is drawn"
    assert select < 20 * 100 and find < 1500 and order < 1500 and decide < 20 * 150, times


@pytest.mark.parametrize("width", [1300, 390], ids=["desk", "phone"])
def test_no_serious_fault_of_access_and_readable(folder, width, tmp_path):
    axe = pytest.importorskip("axe_core_python", reason="needs axe-core (pip install axe-core-python)")
    made = driver(tmp_path / "profile", width, 800)
    try:
        made.set_window_size(width, 800)
        opened(made, folder, html([record(n) for n in range(1, 30)]), "axe.html")
        if width < 500:
            script = "return [document.documentElement.scrollWidth, innerWidth]"
            made.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": True},
            )
            inner, outer = made.execute_script(script)
            assert inner <= outer, "nothing runs off the page"
        press(made, "?", ENTER, "a")
        source = Path(axe.__file__).with_name("axe.min.js").read_text("utf-8")
        made.execute_script(source)
        found = made.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
        grave = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
        assert [(v["id"], [n["html"][:120] for n in v["nodes"]][:3]) for v in grave] == []
    finally:
        made.quit()
