"""Two curators: the same said once, disagreements listed with kappa, an adjudication that counts."""

import subprocess
import sys
from pathlib import Path

import pytest

from cart_nlp.curation.contradictions import contradictions
from cart_nlp.curation.correction_files import read
from cart_nlp.curation.decisions import COLUMNS, Correction, text_sha256
from cart_nlp.curation.known_values import names
from cart_nlp.curation.merging import merge
from cart_nlp.schema import Record

PROGRAM = Path(sys.executable).with_name("cart-nlp")
HEAD = ",".join(COLUMNS) + "\n"


def rows(by, text, date="2026-11-20"):
    found = []
    for line in text.split("\n"):
        if line.strip():
            trial, field, action, value = line.split()
            found.append(Correction(trial, field, action, tuple(value.split("+")), by=by, date=date))
    return found


A = rows(
    "ana",
    "T1 targets set CD19\nT2 targets set CD22\nT3 targets set BCMA\nT4 focus set other\nT6 costim add CD28",
)
B = rows(
    "ben",
    "T1 targets set CD19\nT2 targets set CD20\nT3 targets set BCMA\nT5 focus set other\nT6 costim set CD28",
    "2026-11-25",
)


def plain(found):
    return [(r.trial_id, r.field, r.action, r.values, r.by) for r in found.rows]


def test_agreement_goes_in_once_and_disagreement_is_left_out_and_listed():
    found = merge(A, B, names())
    assert plain(found) == [
        ("T1", "targets", "set", ("CD19",), "ana + ben"),
        ("T3", "targets", "set", ("BCMA",), "ana + ben"),
        ("T4", "focus", "set", ("other",), "ana"),
        ("T5", "focus", "set", ("other",), "ben"),
    ]
    assert found.rows[0].date == "2026-11-25" and found.only == (1, 1)
    assert [d.line() for d in found.disagreements] == [
        "T2 targets: set CD22 | set CD20: left out until settled",
        "T6 costim: add CD28 | set CD28: left out until settled",
    ]


def test_agreement_keeps_fingerprint_note_and_the_stronger_decision_of_either_side():
    old, new = "0" * 64, "1" * 64
    (ana,) = rows("ana", "T1 targets set CD19+CD22")
    (ben,) = rows("ben", "T1 targets set CD19+CD22", "2026-11-25")
    for first in (old, ""):
        a, b = ana._replace(text_sha256=first), ben._replace(text_sha256=new, note="title")
        for found in (merge([a], [b], names()), merge([b], [a], names())):
            assert found.disagreements == [] and sorted(found.rows) == sorted([a, b])
    (both,) = merge([ana._replace(note="arm 2")], [ben._replace(note="title")], names()).rows
    assert (both.by, both.date, both.note) == ("ana + ben", "2026-11-25", "arm 2; title")
    records = {"T1": Record(trial_id="T1", car_trial="product", targets=("CD19", "CD22"))}
    kept = merge([ana._replace(action="confirm")], [ben], names(), records=records).rows
    assert [(r.action, r.by) for r in kept] == [("confirm", "ana"), ("set", "ben")]
    assert contradictions(kept) == []


def test_kappa_is_scikit_learns_and_undefined_where_all_say_one_thing():
    from sklearn.metrics import cohen_kappa_score

    found = merge(A, B, names()).agreement
    kappa = cohen_kappa_score(["CD19", "CD22", "BCMA"], ["CD19", "CD20", "BCMA"])
    assert found["targets"] == {"trials": 3, "same": 2, "kappa": pytest.approx(kappa)}
    same = merge(A[:1], B[:1], names()).agreement["targets"]
    assert same == {"trials": 1, "same": 1, "kappa": None}


def test_with_the_records_what_decisions_come_to_is_compared():
    records = {"T6": Record(trial_id="T6", car_trial="product")}
    found = merge(A, B, names(), records=records)
    assert [d.trial_id for d in found.disagreements] == ["T2"], "adding CD28 to nothing is setting it"
    records = {"T6": Record(trial_id="T6", car_trial="product", costim=("4-1BB",))}
    assert [d.trial_id for d in merge(A, B, names(), records=records).disagreements] == ["T2", "T6"]


def test_disagreements_are_settled_by_adjudication_preference_or_date():
    last = rows("cleo", "T2 targets set CD19+CD22")
    found = merge(A, B, names(), adjudicated=last, prefer="a")
    settled = [row for row in plain(found) if row[0] in ("T2", "T6")]
    assert settled == [
        ("T2", "targets", "set", ("CD19", "CD22"), "cleo"),
        ("T6", "costim", "add", ("CD28",), "ana"),
    ]
    newest = [row[4] for row in plain(merge(A, B, names(), prefer="newest")) if row[0] in ("T2", "T6")]
    assert newest == ["ben", "ben"]


def run(*words):
    done = subprocess.run([PROGRAM, "corrections", *words], capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr
    return done


def test_check_writes_names_and_fingerprints(tmp_path):
    dump = tmp_path / "dump.jsonl"
    dump.write_text('{"id": "NCT90000001", "brief_title": "CD19 CAR-T cells"}\n')
    mine = tmp_path / "mine.csv"
    mine.write_text(HEAD + "NCT90000001,targets,set,CD269\nNCT90000002,focus,set,other\n")
    done = run("check", str(mine), "--text", str(dump), "-o", str(tmp_path / "checked.csv"))
    assert done.returncode == 0
    first, second = read(tmp_path / "checked.csv")
    assert first.values == ("BCMA",) and first.text_sha256 == text_sha256({"brief_title": "CD19 CAR-T cells"})
    assert second.text_sha256 == "", "its text is not there"
    assert run("check", str(mine), "-o", str(mine), "--force").returncode == 2


def test_check_knows_the_ids_that_a_record_was_merged_from(tmp_path):
    records, mine = tmp_path / "records.jsonl", tmp_path / "mine.csv"
    merged = Record(trial_id="NCT90000001", secondary_ids=("ChiCTR2000000001",), car_trial="no", car_score=0)
    records.write_text(merged.model_dump_json() + "\n")
    mine.write_text(HEAD + "ChiCTR2000000001,targets,set,CD19\n")
    assert run("check", str(mine), "--records", str(records)).returncode == 0
    mine.write_text(HEAD + "ChiCTR2000000002,targets,set,CD19\n")
    assert "not among the records" in run("check", str(mine), "--records", str(records)).stderr


def test_check_and_merge_on_the_command_line(tmp_path):
    a, b, out = tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "out.csv"
    a.write_text(HEAD + "NCT90000001,targets,set,CD91,,ana\nNCT90000001,focus,set,treatment\n")
    b.write_text(HEAD + "NCT90000001,targets,set,CD19,,ben\nNCT90000001,focus,set,treatment\n")
    done = run("check", str(a))
    assert done.returncode == 0
    assert done.stdout == f"{a}: 2 corrections of 1 trials, 0 faults, 1 warnings\n"
    assert "warning: a.csv: row 2: unknown antigen 'CD91'" in done.stderr
    done = run("merge", str(a), str(b), "-o", str(out))
    assert done.returncode == 1, "a disagreement is open"
    table = [line.split() for line in done.stdout.splitlines()]
    assert ["targets", "1", "0.0", "0.000"] in table and ["focus", "1", "100.0", "–"] in table
    assert [r.field for r in read(out)] == ["focus"]
    done = run("merge", str(a), str(b), "-o", str(out), "--prefer", "b")
    assert done.returncode == 0 and [r.values for r in read(out)] == [("CD19",), ("treatment",)]
    b.write_text(HEAD + "NCT90000001,targets,swap,CD19\n")
    done = run("check", str(b))
    assert done.returncode == 1 and "row 2: unknown action 'swap'" in done.stderr
    assert run("check", str(tmp_path / "none.csv")).returncode == 2
    assert run("merge", str(a), str(b)).returncode == 2
    assert run("merge", str(a), str(a), "--prefer", "c").returncode == 2
