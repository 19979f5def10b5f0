"""`tag --corrections`: the same decisions on every way through, nothing else touched, stale ones told."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from cart_nlp.batch import Options, run
from cart_nlp.curation.correction_files import CorrectionsError
from cart_nlp.curation.decisions import Correction, text_sha256
from cart_nlp.curation.ledger import lines
from cart_nlp.curation.writing import write

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "batch"))
import batch_fakes as fakes

TRIALS = [
    {"id": "T00001", "title": "CAR study of CD19"},
    {"id": "T00002", "title": "Other words, no such cells"},  # the screen leaves it out
    {"id": "T00003", "title": "CAR study of BCMA"},
    {"id": "T00004", "title": "CAR only mentioned"},
    {"id": "T00005", "title": "Other that names T00002 in passing"},
    {"id": "T00006", "title": "CAR study of CD7"},
]


def decision(trial, field, action, *values, title="", **more):
    sha = text_sha256({"brief_title": title}) if title else ""
    given = {"by": "ana", "date": "2026-11-28", "note": "read"} | more
    return Correction(trial, field, action, values, action == "confirm" and not values, sha, **given)


DECISIONS = [
    decision("T00001", "targets", "add", "CD22", title="CAR study of CD19"),
    decision("T00002", "car_trial", "set", "product", title="Other words, no such cells"),
    decision("T00002", "targets", "set", "CD20"),
    decision("T00003", "car_trial", "set", "no", title="CAR study of BCMA"),
    decision("T00006", "costim", "set", "CD28", title="CAR study of CD7, as it was"),
    decision("T00099", "targets", "set", "CD19"),
]


@pytest.fixture
def folder(tmp_path):
    fakes.dump(tmp_path / "in.jsonl", TRIALS)
    write(DECISIONS, tmp_path / "c.csv")
    return tmp_path


def tagged(folder, name="out.jsonl", **more):
    options = Options((str(folder / "in.jsonl"),), str(folder / name), workers=0)
    options = replace(options, **{"corrections": str(folder / "c.csv"), **more})
    return run(options, fakes.parts(folder))


def rows(folder, name="out.jsonl"):
    return {r["trial_id"]: r for r in map(orjson.loads, (folder / name).read_bytes().splitlines())}


def test_decisions_are_applied_and_nothing_else_changes(folder):
    plain = tagged(folder, "plain.jsonl", corrections=None)
    summary = tagged(folder)
    before, after = rows(folder, "plain.jsonl"), rows(folder)
    assert list(after) == ["T00001", "T00002", "T00006"], "one put in, one taken out"
    assert after["T00001"]["targets"] == ["CD19", "CD22"] and after["T00002"]["targets"] == ["CD20"]
    (entry,) = [e for e in after["T00001"]["evidence"] if e["basis"] == "curator" and e["field"] == "targets"]
    assert (entry["by"], entry["date"], entry["note"]) == ("ana", "2026-11-28", "read")
    changed = ("targets", "target_ids", "multi_target", "constructs", "confidence", "evidence")
    for name in after["T00001"].keys() - set(changed):
        assert after["T00001"][name] == before["T00001"][name]
    assert (plain.read, plain.screened, plain.below, plain.written) == (6, 2, 1, 3)
    assert (summary.read, summary.screened, summary.below, summary.written) == (6, 1, 2, 3)
    assert lines(summary.corrections) == [
        "corrections: 5 applied in 4 trials, 1 stale, 1 trials not in the input",
        "stale: T00006 costim CD28: the text changed since 2026-11-28; it is applied, read it again",
        "not in the input: T00099",
        "2 corrections carry no text_sha256: whether the text under them changed cannot be told",
    ]
    said = orjson.loads((folder / "out.jsonl.run.json").read_bytes())
    assert said["corrected"] == summary.corrections and said["corrections_file"].endswith("c.csv")


def test_a_trial_that_is_put_in_has_what_the_tool_finds_in_it(folder):
    fakes.dump(folder / "in.jsonl", [{"id": "T00004", "title": "CAR only mentioned beside CD70"}])
    write([decision("T00004", "car_trial", "set", "product")], folder / "c.csv")
    assert tagged(folder, "plain.jsonl", corrections=None).written == 0
    tagged(folder)
    found = rows(folder)["T00004"]
    assert (found["car_trial"], found["targets"]) == ("product", ["CD70"])
    said = [(e["field"], e["basis"], e["value"], e.get("replaced")) for e in found["evidence"]]
    assert ("targets", "text", "CD70", None) in said
    assert ("car_trial", "curator", "product", "mention") in said


def test_what_is_put_in_is_read_by_the_pipeline_in_every_command(tmp_path):
    from cart_nlp import load
    from cart_nlp.curation.laying import laid
    from cart_nlp.evaluation.exchange.decided import label_lines
    from cart_nlp.evaluation.gold import GoldRecord
    from cart_nlp.evaluation.predictions import corrected
    from cart_nlp.pipeline import tag_trial
    from cart_nlp.schema import Trial

    title = "CD19 and a CD28 costimulatory domain for children with leukemia"
    trial, nlp = Trial(id="T1", sections={"brief_title": title}), load()
    assert tag_trial(nlp, trial).car_trial == "no", "else there is nothing to put in"
    given = [decision("T1", "car_trial", "set", "product"), decision("T1", "costim", "set", "4-1BB")]
    write(given, tmp_path / "c.csv")

    def read(one, level):
        return tag_trial(nlp, one, level)

    (found,) = laid([tag_trial(nlp, trial)], given, (), {"T1": trial}, read)
    assert (found.car_trial, found.targets, found.costim) == ("product", ("CD19",), ("4-1BB",))
    assert found.disease_group == ("hematological",) and 0 < found.confidence["targets"] < 1
    curated = {(e.field, e.replaced) for e in found.evidence if e.basis == "curator"}
    assert curated == {("car_trial", "no"), ("costim", "CD28")}
    assert laid([found], given, (), {"T1": trial}, read) == [found], "laid twice is laid once"
    gold = GoldRecord("T1", trial, {"car_trial": "product"})
    assert corrected({}, [gold], tmp_path / "c.csv")["T1"] == found
    (line,) = label_lines(given, {"T1": trial})
    assert line["labels"]["targets"] == ["CD19"] and "targets" in line["labels"]["uncertain"]


@pytest.mark.parametrize(
    "way",
    [{"workers": 2}, {"keep_all": True}, {"dedupe": True}, {"out": "-"}, {"engine": "dask", "workers": 1}],
    ids=["workers", "all", "dedupe", "standard output", "dask"],
)
def test_every_way_through_gives_the_same_records(folder, way, capfdbinary):
    tagged(folder)
    expected = rows(folder)
    if "out" in way:
        run(
            Options((str(folder / "in.jsonl"),), "-", workers=0, corrections=str(folder / "c.csv")),
            fakes.parts(folder),
        )
        found = {r["trial_id"]: r for r in map(orjson.loads, capfdbinary.readouterr().out.splitlines())}
    else:
        tagged(folder, "other.jsonl", **way)
        found = rows(folder, "other.jsonl")
    if "keep_all" in way:
        assert len(found) == 6 and found["T00003"]["car_trial"] == "no" and not found["T00003"]["targets"]
        plain = tagged(folder, "plain.jsonl", corrections=None, keep_all=True)
        assert plain.written == 6 and rows(folder, "plain.jsonl")["T00005"] == found["T00005"]
        found = {one: r for one, r in found.items() if r["car_trial"] in ("product", "related")}
    assert found == expected


def test_a_finished_run_and_a_broken_one_resume_with_their_decisions(folder):
    first = tagged(folder)
    whole = (folder / "out.jsonl").read_bytes()
    again = tagged(folder, resume=True)
    assert again.already and again.corrections == first.corrections
    (folder / "out.jsonl").unlink()
    (folder / "out.jsonl").mkdir()  # the write at the end fails, the journal stays
    (folder / "out.jsonl").rmdir()
    write(DECISIONS[:1], folder / "c.csv")
    other = tagged(folder, resume=True)
    assert not other.already and (folder / "out.jsonl").read_bytes() != whole


def test_a_journal_goes_on_with_the_decisions_that_it_began_with(folder, monkeypatch):
    from cart_nlp.batch import finish
    from cart_nlp.batch.jobs import BatchError

    def broken(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(finish, "_synced", broken)
        with pytest.raises(Exception, match="No space left"):
            tagged(folder)
    write(DECISIONS[:1], folder / "d.csv")
    with pytest.raises(BatchError, match="other corrections"):
        tagged(folder, resume=True, corrections=str(folder / "d.csv"))
    resumed = tagged(folder, resume=True)
    assert resumed.corrections["stale"] and list(rows(folder)) == ["T00001", "T00002", "T00006"]


def test_a_store_tags_only_what_was_decided_anew(folder):
    import duckdb

    days = iter(range(1, 9))

    def store(**more):
        now = fakes.NOW.replace(day=next(days))
        options = Options((str(folder / "in.jsonl"),), str(folder / "s.duckdb"), workers=0)
        options = replace(options, **{"corrections": str(folder / "c.csv"), **more})
        return run(options, fakes.parts(folder, now=now))

    assert store(corrections=None).store["retagged"] == 4
    later = store()
    assert later.store["retagged"] == 4 and later.store["dropped"] == 1 and later.store["new"] == 1
    assert store().store["retagged"] == 0
    assert store().corrections["stale"], "a run that finds nothing new still says what is stale"
    write([row for row in DECISIONS if row.trial_id != "T00001"], folder / "c.csv")
    assert store().store["retagged"] == 1
    with duckdb.connect(str(folder / "s.duckdb"), read_only=True) as base:
        found = dict(base.execute("SELECT trial_id, targets FROM records").fetchall())
        assert found == {"T00001": ["CD19"], "T00002": ["CD20"], "T00006": ["CD7"]}
        query = "SELECT rule, \"by\", replaced FROM evidence WHERE basis = 'curator' AND trial_id = 'T00006'"
        assert base.execute(query).fetchall() == [("curator:set:stale", "ana", None)]


def test_decisions_on_a_merged_registration_reach_the_trial(tmp_path):
    from cart_nlp.batch.feed import Feed
    from cart_nlp.curation.ledger import Ledger
    from cart_nlp.registries.entry import Entry
    from cart_nlp.schema import Trial

    lead = Trial(id="NCT90000001", sections={"brief_title": "CAR"}, secondary_ids=("ChiCTR2000000001",))
    other = Trial(id="ChiCTR2000000001", sections={"brief_title": "CAR in China"})
    ledger = Ledger(
        (
            decision("ChiCTR2000000001", "targets", "set", "CD19"),
            decision("ChiCTR2000000001", "focus", "set", "other"),
            decision("NCT90000001", "targets", "set", "CD22", title="as it was"),
            decision("NCT90000001", "vector", "add", "lentiviral"),
            decision("ChiCTR2000000001", "vector", "add", "retroviral"),
            decision("ChiCTR2000000001", "constructs", "add", "CD19 (single)", title="as it was"),
        )
    )

    def read(source, report):
        for trial in (lead, other):
            yield Entry(source, trial.id, trial.id, trial, lambda given: given)

    feed = Feed(("x",), read, lambda text: True, False, dedupe=True, ledger=ledger)
    (job,) = feed.jobs()
    assert [(r.field, r.values) for r in job.decided.rows] == [
        ("targets", ("CD22",)),
        ("vector", ("lentiviral",)),
        ("focus", ("other",)),
        ("vector", ("retroviral",)),
    ]
    said = ledger.tally()
    assert (said["rows"], said["trials"], said["unseen"]) == (4, 1, [])
    assert [row[:3] for row in said["stale"]] == [["NCT90000001", "targets", "CD22"]]
    lost = "left out: ChiCTR2000000001"
    assert lines(said)[1:3] == [
        f"{lost} targets set CD19, one trial with NCT90000001: NCT90000001 targets: "
        "set CD19 here contradicts set CD22 of another row; keep one of them",
        f"{lost} constructs add CD19 (single), one trial with NCT90000001: NCT90000001: "
        "a construct has CD19, which set CD22 of another row leaves out",
    ]


def test_a_decision_under_a_merged_id_reaches_the_written_record_as_it_does_in_tag():
    from cart_nlp.curation.laying import laid
    from cart_nlp.schema import Record, Trial

    lead, other = "NCT90000001", "ChiCTR2000000001"
    base = {"car_trial": "product", "car_score": 0.9, "targets": ("BCMA",), "focus": "treatment"}
    merged = Record(trial_id=lead, secondary_ids=(other, "X-1"), **base)
    given = [
        decision(other, "targets", "set", "CD19", title="another text"),
        decision(other, "focus", "set", "other"),
        decision(lead, "focus", "set", "long_term_follow_up"),
    ]
    trial = Trial(id=lead, sections={"brief_title": "CAR"})
    told = []
    (found,) = laid([merged], given, trials={lead: trial}, note=told.append)
    assert [line.partition(", one trial")[0] for line in told] == [f"left out: {other} focus set other"]
    assert (found.targets, found.focus) == (("CD19",), "long_term_follow_up"), (
        "what its own id says counts first"
    )
    assert not any(e.rule.endswith(":stale") for e in found.evidence), "the other text is not at hand"
    twin = Record(trial_id=other, secondary_ids=(lead,), **base)
    first, second = laid([merged, twin], given)
    assert (first.targets, first.focus) == (("BCMA",), "long_term_follow_up"), (
        "not merged: each has its own decisions"
    )
    assert (second.targets, second.focus) == (("CD19",), "other")
    (alone,) = laid([merged], given, trials={lead: trial, other: trial})
    assert alone.targets == ("BCMA",)


def test_decisions_that_meet_no_record_are_told():
    from cart_nlp.curation.laying import laid
    from cart_nlp.schema import Record

    record = Record(trial_id="T1", car_trial="product", secondary_ids=("X1",))
    given = [decision(one, "focus", "set", "other") for one in ("T1", "X1", "T8", "T9")]
    told = []
    laid([record], given, note=told.append)
    assert told == [
        "corrections of 2 trials (T8, T9) without a record are not laid on; tag --corrections does it"
    ]
    told.clear()
    laid([record], given[:2], note=told.append)
    assert told == []
    laid([record], [decision(f"T{n}", "focus", "set", "other") for n in range(2, 9)], note=told.append)
    assert "(T2, T3, T4, T5, T6 and 2 more)" in told[0]


def test_what_is_put_in_without_its_text_is_told():
    from cart_nlp.curation.laying import laid
    from cart_nlp.schema import Record, Trial

    records = [Record(trial_id="T1", car_trial="no"), Record(trial_id="T2", car_trial="product")]
    given = [decision(one.trial_id, "car_trial", "set", "product") for one in records]
    told = []
    (found, _) = laid(records, given, note=told.append)
    assert (found.car_trial, found.indications) == ("product", ())
    assert told == [
        "1 trial (T1) put in without a text at hand: what is not decided stays empty; "
        "tag --corrections reads the text"
    ]
    told.clear()
    trial = Trial(id="T1", sections={"brief_title": "CAR"})
    laid(records, given, trials={"T1": trial}, read=lambda one, level: records[1], note=told.append)
    laid([found, records[1]], given, note=told.append)
    laid(records, [decision("T1", "car_trial", "set", "no")], note=told.append)
    assert told == []


def test_wrong_corrections_stop_the_run_before_it_starts(folder):
    (folder / "c.csv").write_text("trial_id,field,action,value\nT1,colour,set,x\nT1,targets,add,\n")
    with pytest.raises(CorrectionsError) as caught:
        tagged(folder)
    assert len(caught.value.faults) == 2 and not (folder / "out.jsonl").exists()
