"""The commands `evaluate` and `gold` from end to end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from gold_lines import labels, line, save

from cart_nlp import paths
from cart_nlp.curation.decisions import Correction
from cart_nlp.curation.writing import write
from cart_nlp.evaluation import gold as gold_set
from cart_nlp.evaluation.gold import NAMES
from cart_nlp.schema import Construct, Record

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"


def cart_nlp(*arguments):
    """Run the command line as a user does."""
    code = "import sys; from cart_nlp.cli import main; sys.argv[0] = 'cart-nlp'; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=180
    )


def record_of(gold, **changed):
    """A record that says what the gold says."""
    made = gold["labels"]
    fields = {k: v for k, v in made.items() if k in Record.model_fields and k != "constructs"}
    constructs = tuple(Construct(**c) for c in made["constructs"])
    return Record(trial_id=gold["id"], constructs=constructs, **{**fields, **changed})


@pytest.fixture
def files(tmp_path):
    """Ten gold lines, and records that say the same."""
    lines = [line(f"NCT{i:08}", title=f"Study {i} of CD19 CAR-T") for i in range(1, 11)]
    gold = save(tmp_path / "gold.jsonl", lines)
    records = tmp_path / "records.jsonl"
    records.write_text("".join(record_of(g).model_dump_json() + "\n" for g in lines), "utf-8")
    return gold, records, lines


def test_table_names_the_gold_and_the_tool(files):
    gold, records, _ = files
    done = cart_nlp("evaluate", "--gold", gold, "--records", records)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()[:2]
    assert first.startswith("cart-nlp ")
    assert f"version {gold_set.read(gold).version}: 10 trials" in first
    assert second.startswith("end to end: ")
    row = next(text for text in done.stdout.splitlines() if text.startswith("targets (stated)"))
    assert row.split()[2:8] == ["10", "10", "0", "0", "100.0", "100.0"]
    assert any(text.startswith("edits") and "–" in text for text in done.stdout.splitlines())


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no place where even root writes nothing")
def test_what_cannot_be_written_is_one_line(files):
    gold, records, _ = files
    for words in (
        ("evaluate", "--gold", gold, "--records", records, "--html", "/proc/out"),
        ("gold", "export", gold, "--to", "doccano", "-o", "/proc/out"),
        ("gold", "export", gold, "--to", "brat", "-o", "/proc/out"),
    ):
        done = cart_nlp(*words)
        assert done.returncode == 2
        assert done.stderr.startswith(f"cart-nlp {words[0]}: /proc/out")
        assert len(done.stderr.splitlines()) == 1


def test_json_holds_all_parts(files, tmp_path):
    gold, records, _ = files
    done = cart_nlp("evaluate", "--gold", gold, "--records", records, "--json", "--html", tmp_path / "p.html")
    result = json.loads(done.stdout)
    assert {
        "gold",
        "tool",
        "fields",
        "screening",
        "focus",
        "car_trial",
        "calibration",
        "review",
        "groups",
        "errors",
    } <= result.keys()
    assert (tmp_path / "p.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_floors_decide_the_exit_code(files):
    gold, records, _ = files
    arguments = ("evaluate", "--gold", gold, "--records", records, "--fail-under")
    assert cart_nlp(*arguments, "targets.exact=1").returncode == 0
    done = cart_nlp(*arguments, "targets.exact=1", "--fail-under", "edits.recall=0.5")
    assert (done.returncode, done.stderr) == (1, "cart-nlp evaluate: edits.recall is undefined, under 0.5\n")
    assert cart_nlp(*arguments, "targets=1").returncode == 2


def test_errors_name_value_evidence_rule_and_kind(files, tmp_path):
    gold, _, lines = files
    wrong = record_of(
        lines[0],
        targets=("CD20",),
        evidence=[
            {
                "field": "targets",
                "value": "CD20",
                "basis": "text",
                "section": "brief_title",
                "start": 0,
                "end": 5,
                "text": "Study",
                "rule": "a rule",
            }
        ],
    )
    path = tmp_path / "wrong.jsonl"
    path.write_text(wrong.model_dump_json() + "\n", "utf-8")
    shown = tmp_path / "page.html"
    done = cart_nlp("evaluate", "--gold", gold, "--records", path, "--errors", "--html", shown)
    assert "9 gold trials have no record and count as `no`" in done.stdout
    assert "<p>9 gold trials have no record and count as `no`</p>" in shown.read_text("utf-8")
    assert "all records are of other trials" not in done.stdout
    assert "  NCT00000001  wrong CD20; gold: CD19" in done.stdout
    assert "from brief_title[0:5] 'Study', rule a rule" in done.stdout
    assert "gold saw 'CD19 CAR-T'" in done.stdout
    assert "targets: screening (9)" in done.stdout


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda rows: rows[1]["labels"].update(cell_type=["B"]),
            "gold.jsonl:2: NCT00000002: unknown label cell_type='B'",
        ),
        (lambda rows: rows[1].update(id=rows[0]["id"]), "gold.jsonl:2: duplicate id 'NCT00000001'"),
        (lambda rows: rows[0]["mentions"][0].update(end=500), "is outside the text, which has 21 characters"),
        (
            lambda rows: rows[0]["trial"].update(brief_title="Another title of this"),
            "text changed: 'CD19' was labeled",
        ),
    ],
)
def test_faults_of_the_gold_are_one_line_and_exit_2(files, change, expected):
    gold, records, lines = files
    change(lines)
    save(gold, lines)
    done = cart_nlp("evaluate", "--gold", gold, "--records", records)
    assert done.returncode == 2
    assert done.stdout == ""
    (fault,) = done.stderr.splitlines()
    assert expected in fault


def test_records_of_other_trials_are_told(files, tmp_path):
    gold, _, lines = files
    path = tmp_path / "others.jsonl"
    other = record_of({**lines[0], "id": "NCT09999999"})
    path.write_text(other.model_dump_json() + "\n", "utf-8")
    done = cart_nlp("evaluate", "--gold", gold, "--records", path)
    assert "10 gold trials have no record and count as `no`" in done.stdout
    assert "all records are of other trials than the gold's" in done.stdout
    path.write_text("")
    assert (
        "all records are of other trials"
        not in cart_nlp("evaluate", "--gold", gold, "--records", path).stdout
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--gold", "registry"], "give --dump FILE"),
        (["--gold", "none.jsonl"], "none.jsonl: no such file"),
        (["--basis", "x"], "--basis x: give one of both, text, all"),
        (["--gold", "GOLD", "--records", "none.jsonl"], "none.jsonl: no such file"),
        (["--gold", "GOLD", "--records", "GOLD"], "give records of `cart-nlp tag`"),
        (["--gold", "GOLD", "--split", "test", "--records", "GOLD"], "no trial in it"),
        (["--gold", "GOLD", "--dump", "x"], "goes with --gold registry"),
        (["--gold", "GOLD", "--records", "RECORDS", "--compare", "none.json"], "none.json: no such file"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(files, arguments, expected):
    gold, records, lines = files
    save(gold, lines[:1])
    names = {"GOLD": gold, "RECORDS": records}
    done = cart_nlp("evaluate", *(names.get(a, a) for a in arguments))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    (fault,) = done.stderr.splitlines()
    assert expected in fault


def test_curators_loop(files, tmp_path):
    """Ten records to Label Studio, two changed, back, agree, evaluate: the two changes show, no more."""
    gold, records, _ = files
    tasks, corrected, old = tmp_path / "tasks.json", tmp_path / "corrected.jsonl", tmp_path / "old.json"
    old.write_text(cart_nlp("evaluate", "--gold", gold, "--records", records, "--json").stdout, "utf-8")

    assert cart_nlp("gold", "export", gold, "--to", "label-studio", "-o", tasks).returncode == 0
    rows = json.loads(tasks.read_text("utf-8"))
    for row in rows:
        row["annotations"] = [{"id": 1, "result": row["predictions"][0]["result"]}]
    for item in rows[2]["annotations"][0]["result"]:
        if item["from_name"] == "cell_type":
            item["value"]["choices"] = ["NK"]
    result = rows[6]["annotations"][0]["result"]
    rows[6]["annotations"][0]["result"] = [item for item in result if item["from_name"] != "role"]
    tasks.write_text(json.dumps(rows), "utf-8")
    assert cart_nlp("gold", "import", tasks, "--from", "label-studio", "-o", corrected).returncode == 0

    agreed = json.loads(cart_nlp("gold", "agree", gold, corrected, "--json").stdout)
    assert [(d["id"], d["field"]) for d in agreed["disagreements"]] == [
        ("NCT00000003", "cell_type"),
        ("NCT00000007", "mentions"),
    ]
    assert agreed["sets"]["cell_type"]["f1"] == pytest.approx(0.9)
    assert agreed["mentions"]["strict"]["f1"] == 1.0
    assert agreed["mentions"]["strict + concept + role"]["f1"] == pytest.approx(0.9)
    assert "2 disagreements" in cart_nlp("gold", "agree", gold, corrected).stdout

    done = cart_nlp("evaluate", "--gold", corrected, "--records", records, "--compare", old, "--json")
    compared = json.loads(done.stdout)["compare"]
    assert not compared["same_gold"]
    moved = {n: f for n, f in compared["fields"].items() if f["better"] or f["worse"]}
    changed = {name: (f["better"], f["worse"]) for name, f in moved.items()}
    assert changed == {"cell_type": ([], ["NCT00000003"])}


def test_tagged_trials_go_to_a_tool_and_come_back(tmp_path):
    dump, tasks, gold = tmp_path / "dump.jsonl", tmp_path / "tasks.jsonl", tmp_path / "gold.jsonl"
    rows = [
        {"id": "NCT00000001", "brief_title": "CD19 CAR-T Cells for B-ALL", "conditions": ["B-ALL"]},
        {"id": "NCT00000002", "brief_title": "Aspirin for Headache"},
    ]
    dump.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    done = cart_nlp("gold", "export", dump, "--tag", "--to", "doccano", "-o", tasks)
    assert (done.returncode, done.stderr) == (0, f"cart-nlp gold: 1 trials to {tasks} for doccano\n")
    assert cart_nlp("gold", "import", tasks, "--from", "doccano", "-o", gold).returncode == 0
    (found,) = gold_set.read(gold).records
    assert found.labels["targets"] == ["CD19"]
    assert [(m.text, m.role) for m in found.mentions] == [("CD19", "target")]


def test_gold_without_a_command_tells_what_there_is():
    done = cart_nlp("gold", "--help")
    assert done.returncode == 0
    for word in ("export", "import", "agree"):
        assert word in done.stdout


def test_import_faults_exit_2(tmp_path):
    done = cart_nlp("gold", "import", tmp_path / "none", "--from", "brat", "-o", tmp_path / "o.jsonl")
    assert done.returncode == 2
    assert done.stderr.startswith("cart-nlp gold: ")
    assert len(done.stderr.splitlines()) == 1


def test_tagging_the_gold_text(tmp_path):
    title = "A Study of Autologous CD19-directed CAR-T Cells in Adults With B-ALL"
    gold = save(tmp_path / "g.jsonl", [line(title=title, cell_source=["autologous"])])
    done = cart_nlp("evaluate", "--gold", gold, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["fields"]["targets"]["exact"] == 1.0
    assert result["mentions"]["schemes"]["strict + concept"]["labels"]["antigen"]["tp"] == 1


def test_corrections_that_are_left_out_are_told(tmp_path, files):
    gold, records, lines = files
    twice = record_of(lines[0], secondary_ids=("ChiCTR1800000001",))
    records.write_text(
        "".join(r.model_dump_json() + "\n" for r in (twice, *map(record_of, lines[1:]))), "utf-8"
    )
    rows = [
        Correction("NCT00000001", "targets", "set", ("CD19",)),
        Correction("ChiCTR1800000001", "targets", "set", ("CD20",)),
        *(Correction(f"NCT7000000{n}", "focus", "set", ("other",)) for n in (1, 2)),
    ]
    write(rows, tmp_path / "c.csv")
    done = cart_nlp("evaluate", "--gold", gold, "--records", records, "--corrections", tmp_path / "c.csv")
    assert done.returncode == 0
    left, unmet = done.stderr.splitlines()
    assert left.startswith(
        "cart-nlp evaluate: left out: ChiCTR1800000001 targets set CD20, one trial with NCT00000001"
    )
    assert unmet.startswith(
        "cart-nlp evaluate: corrections of 2 trials (NCT70000001, NCT70000002) without a record"
    )


def test_labels_by_id_with_a_dump(tmp_path, files):
    _, records, _ = files
    dump = tmp_path / "dump.jsonl"
    dump.write_text(json.dumps({"id": "NCT99999999", "brief_title": "CD19 CAR-T"}) + "\n", "utf-8")
    done = cart_nlp("evaluate", "--gold", "registry", "--dump", dump, "--records", records)
    assert done.returncode == 2
    assert "holds none of the 400 labeled trials" in done.stderr


@pytest.mark.slow
def test_bundled_set_is_what_is_evaluated_without_another():
    if not any((paths.gold() / name).is_file() for name in NAMES):
        pytest.skip("the bundled gold set is not here")
    done = cart_nlp("evaluate")
    assert done.returncode == 0, done.stderr
    assert "bundled gold set, version" in done.stdout


@pytest.mark.corpus
@pytest.mark.slow
def test_registry_labels_with_the_corpus():
    source = CORPUS / "gold-dev.jsonl"
    if not source.is_file():
        pytest.skip("../shared/corpus is not here")
    done = cart_nlp("evaluate", "--gold", source, "--fail-under", "screening.recall=0.9")
    assert done.returncode == 0, done.stderr


def test_labels_of_tests_are_complete():
    assert set(labels()) >= {"car_trial", "targets", "constructs", "focus"}
