"""Queues to annotation tools and back: an unedited trip changes no score, faults are seen, changes last."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from gold_lines import line, save

from cart_nlp.curation.applying import apply
from cart_nlp.curation.correction_files import read
from cart_nlp.curation.decisions import Correction, text_sha256
from cart_nlp.curation.known_values import names
from cart_nlp.curation.writing import write
from cart_nlp.evaluation import gold as gold_set
from cart_nlp.evaluation import predictions
from cart_nlp.evaluation.exchange import decided, formats, selection
from cart_nlp.evaluation.exchange.consistency import inconsistent
from cart_nlp.evaluation.gold import GoldError
from cart_nlp.evaluation.matching import product_only
from cart_nlp.evaluation.scoring import evaluate
from cart_nlp.schema import Construct, Evidence, Record, Trial

DUMP = [
    {"id": "NCT90000001", "brief_title": "Axicabtagene ciloleucel in B-cell lymphoma"},
    {"id": "NCT90000002", "brief_title": "CD19/CD22 tandem CAR-T cells with 4-1BB for B-ALL"},
    {"id": "NCT90000003", "brief_title": "Lentiviral anti-BCMA CAR-T cells in multiple myeloma"},
    {"id": "NCT90000004", "brief_title": "Aspirin for headache"},
]


@pytest.fixture(scope="module")
def tagged(tmp_path_factory):
    path = tmp_path_factory.mktemp("dump") / "dump.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in DUMP))
    return path, list(predictions.tag_dump(predictions.Dump(path)))


@pytest.fixture(scope="module")
def bundled():
    """The written gold trials with what the tool says of them, product knowledge among it."""
    records, marks = predictions.tag_gold(gold_set.read().records[:120])
    found = [(gold.trial, records[gold.id], marks.get(gold.id, ())) for gold in gold_set.read().records[:120]]
    assert any(product_only(record) for _, record, _ in found)
    return found


@pytest.mark.parametrize("name", sorted(formats.FORMATS))
def test_an_unedited_round_trip_changes_no_score(name, bundled, tmp_path):
    path = tmp_path / f"tasks{formats.FORMATS[name].SUFFIX}"
    lines = [formats.preannotated(*each, rank=n) for n, each in enumerate(bundled, 1)]
    formats.export(lines, name, path)
    back = formats.imported(name, path)
    assert back == lines, "in the order of the queue"
    gold = gold_set.read(save(tmp_path / "gold.jsonl", back))
    result = evaluate(gold, {record.trial_id: record for _, record, _ in bundled}).result
    for field, score in result["fields"].items():
        assert (score["fp"], score["fn"]) == (0, 0), field
        assert score["exact_included"] in (1.0, None)
    assert result["focus"]["accuracy"] == 1.0 and result["screening"]["recall"] == 1.0


def test_product_knowledge_travels_as_such(tagged):
    found = {trial.id: formats.preannotated(trial, record, marks) for trial, record, marks in tagged[1]}
    one = found["NCT90000001"]
    assert one["labels"]["targets"] == [] and one["labels"]["product_targets"] == ["CD19"]
    assert one["labels"]["constructs"] == [] and one["labels"]["costim"] == []
    assert one["product_knowledge"]["costim"] == ["CD28"]
    assert one["labels"]["indications"], "indications go along"
    assert "product_knowledge" not in found["NCT90000002"]


def mentioned(*roles, **labels):
    gold = line(**labels)
    first = gold["mentions"][0]
    gold["mentions"] = [{**first, "role": role} for role in roles]
    return gold


@pytest.mark.parametrize(
    ("gold", "told"),
    [
        (
            mentioned("disease_marker", "disease_marker"),
            "CD19 is a target, and everywhere in the text a disease",
        ),
        (mentioned("target", targets=["CD22"], constructs=[]), "CD19 is marked as a target and is none of"),
        (mentioned("target", constructs=[{"targets": ["CD7"], "format": "single"}]), "a construct has CD7"),
        (mentioned(car_trial="no"), "car_trial is no, yet targets, cell_type, constructs have values"),
    ],
)
def test_spans_and_fields_that_do_not_go_together_are_told(gold, told):
    (fault,) = inconsistent(gold)
    assert fault.startswith(told)
    assert inconsistent(gold, gold) == [], "what was exported so is not the annotator's"


def test_what_goes_together_is_fine():
    assert inconsistent(mentioned("target", "disease_marker")) == []
    assert inconsistent(mentioned("target", targets=[], product_targets=["CD19"])) == []


def relabeled(path, old, new):
    """The task of one trial, as an annotator gives it back who has changed a label."""
    formats.export([line()], "doccano", path)
    row = json.loads(path.read_text("utf-8"))
    row["label"] = [[s, e, name.replace(old, new)] for s, e, name in row["label"]]
    path.write_text(json.dumps(row) + "\n", "utf-8")
    return path


def test_a_fault_of_the_annotator_stops_the_import(tmp_path):
    path = relabeled(tmp_path / "t.jsonl", "antigen/target", "antigen/disease_marker")
    with pytest.raises(GoldError, match=r"t\.jsonl:1: NCT00000001: CD19 is a target, and everywhere"):
        formats.imported("doccano", path)


def test_a_trial_that_an_annotator_takes_out_needs_no_emptying(tmp_path):
    path = relabeled(tmp_path / "t.jsonl", "car_trial=product", "car_trial=mention")
    (pair,) = formats.pairs("doccano", path)
    assert pair[1]["labels"]["car_trial"] == "mention" and pair[1]["labels"]["targets"] == []
    rows = decided.corrections([pair], "ana", "2026-11-28")
    assert [(r.field, r.values) for r in rows] == [("car_trial", ("mention",))]


def test_changes_in_a_tool_become_corrections_that_last(tagged):
    trial, record, marks = tagged[1][0]
    before = formats.preannotated(trial, record, marks)
    after = {**before, "labels": {**before["labels"], "cell_source": ["autologous"], "focus": "other"}}
    after["labels"]["costim"] = ["4-1BB"]
    rows = decided.corrections([(before, after), (before, before)], "ana", "2026-11-28")
    assert [(r.field, r.action, r.values) for r in rows] == [
        ("costim", "set", ("4-1BB", "CD28")),
        ("cell_source", "set", ("autologous",)),
        ("focus", "set", ("other",)),
    ], "what is known of the product stays"
    assert {r.text_sha256 for r in rows} == {text_sha256(trial.sections)} and rows[0].by == "ana"
    made = apply(record, rows, names(), trial.sections)
    assert made.costim == ("4-1BB", "CD28") and made.focus == "other" and made.targets == record.targets


@pytest.mark.parametrize(
    ("changed", "values"),
    [
        ({"product_targets": []}, ()),
        ({"product_targets": ["CD19", "CD22"]}, ("CD19", "CD22")),
        ({"targets": ["CD19"], "product_targets": []}, ("CD19",)),
        ({"targets": ["CD20"]}, ("CD19", "CD20")),
    ],
)
def test_what_is_known_of_a_product_can_be_corrected_too(tagged, changed, values):
    trial, record, marks = tagged[1][0]
    assert record.targets == ("CD19",)
    before = formats.preannotated(trial, record, marks)
    pair = before, {**before, "labels": {**before["labels"], **changed}}
    (row,) = decided.corrections([pair], "ana", "2026-11-28")
    assert (row.field, row.action, row.values) == ("targets", "set", values)
    assert apply(record, [row], names(), trial.sections).targets == values
    assert decided.not_corrections([pair]) == []


def test_what_no_correction_can_say_is_told(run, tmp_path):
    path = relabeled(tmp_path / "t.jsonl", "antigen/target", "antigen/background")
    row = json.loads(path.read_text("utf-8"))
    head = next(entry for entry in row["label"] if entry[2].startswith("car_trial="))
    row["label"] += [[*head[:2], "uncertain=focus"], [*head[:2], "product_targets=CD19"]]
    row["label"] = [entry for entry in row["label"] if entry[2] != "targets=CD19"]
    path.write_text(json.dumps(row) + "\n", "utf-8")
    out = tmp_path / "out.csv"
    done = run("gold", "import", path, "--from", "doccano", "--as", "corrections", "-o", out)
    assert [line for line in done.stderr.splitlines() if "corrections have" in line] == [
        f"cart-nlp gold: {name} of 1 trials changed (NCT00000001): corrections have no such field; "
        "import them --as gold to keep that"
        for name in ("mentions", "uncertain")
    ]
    assert [(r.field, r.values) for r in read(out)] == [("targets", ("CD19",))]


def test_corrections_become_labels_of_what_was_settled(tmp_path):
    trial = Trial(id="NCT90000001", sections={"brief_title": "CD19 CAR-T cells"})
    place = {"basis": "text", "section": "brief_title", "end": 4, "text": "CD19"}
    record = Record(
        trial_id=trial.id,
        car_trial="product",
        targets=("CD19",),
        constructs=(Construct(targets=("CD19",), format="single"),),
        cell_type=("T",),
        evidence=(Evidence(field="targets", value="CD19", **place),),
    )
    given = {"by": "ana", "date": "2026-11-28"}
    rows = [
        Correction(trial.id, "targets", "confirm", ("CD19",), **given),
        Correction(trial.id, "costim", "set", (), **given),
        Correction(trial.id, "cell_type", "add", ("NK",), **given),
    ]
    made = formats.preannotated(trial, apply(record, rows, names(), trial.sections), ())
    other = formats.preannotated(Trial(id="NCT90000002"), Record(trial_id="NCT90000002"), ())
    (labels,) = decided.labeled([made, other], rows)
    assert labels["labels"]["targets"] == ["CD19"] and labels["source"] == "corrected by ana"
    assert labels["labels"]["cell_type"] == ["NK", "T"]
    sure = {"targets", "costim"}
    assert not sure & set(labels["labels"]["uncertain"])
    assert {"car_trial", "constructs", "cell_type", "vector", "focus"} <= set(labels["labels"]["uncertain"])
    (back,) = gold_set.read(save(tmp_path / "g.jsonl", [labels])).records
    assert back.uncertain == frozenset(labels["labels"]["uncertain"])


def test_a_file_of_corrections_becomes_a_gold_file(run, tagged, tmp_path):
    dump, _ = tagged
    rows = [
        Correction("NCT90000002", "targets", "set", ("CD19", "CD20"), by="ana"),
        Correction("NCT90000004", "car_trial", "confirm", ("no",), by="ben"),
        Correction("NCT90000099", "focus", "set", ("other",)),
    ]
    write(rows, tmp_path / "c.csv")
    out = tmp_path / "gold.jsonl"
    done = run("corrections", "labels", tmp_path / "c.csv", "--text", dump, "-o", out)
    assert done.returncode == 0
    assert (
        done.stderr
        == f"cart-nlp corrections: 2 labeled trials to {out}; the text of 1 more is not in the dump\n"
    )
    first, second = gold_set.read(out).records
    assert first.labels["targets"] == ["CD19", "CD20"] and "targets" not in first.uncertain
    assert "constructs" in first.uncertain and second.labels["car_trial"] == "no"
    assert "car_trial" not in second.uncertain
    assert (
        "is read by this command"
        in run("corrections", "labels", tmp_path / "c.csv", "--text", dump, "-o", dump, "--force").stderr
    )


def test_corrections_are_laid_over_records_in_python(tagged, tmp_path):
    from cart_nlp.api import iter_records

    write([Correction("NCT90000002", "focus", "set", ("other",))], tmp_path / "c.csv")
    found = {r.trial_id: r.focus for r in iter_records(tagged[0], corrections=tmp_path / "c.csv")}
    assert found["NCT90000002"] == "other" and found["NCT90000003"] == "treatment"


# --- choosing ----------------------------------------------------------------------------------------------


def test_trials_are_chosen_by_id_value_doubt_and_change(tagged, tmp_path):
    _, found = tagged

    def ids(**asked):
        return [trial.id[-1] for trial, _, _ in selection.chosen(found, **asked)]

    assert ids() == ["1", "2", "3"]
    assert ids(ids=["NCT90000003", "NCT90000001"]) == ["3", "1"]
    assert ids(where=["targets=cd19"]) == ["1", "2"] and ids(where=["costim="]) == ["3"]
    assert ids(where=["targets=CD19", "constructs=CD19+CD22 (tandem)"]) == ["2"]
    surer = [(t, r.model_copy(update={"confidence": {"targets": s}}), m) for (t, r, m), s in
             zip(found, (0.9, 0.5, 0.7), strict=True)]  # fmt: skip
    assert [trial.id[-1] for trial, _, _ in selection.chosen(surer, doubt=2)] == ["2", "3"]
    old = tmp_path / "old.jsonl"
    changed = found[1][1].model_copy(update={"phase": "PHASE1"})
    old.write_text("".join(r.model_dump_json() + "\n" for r in (found[0][1], changed)))
    assert ids(since=str(old)) == ["2", "3"]
    for wrong in ({"ids": ["NCT1"]}, {"where": ["colour=red"]}, {"since": "none.jsonl"}):
        with pytest.raises(GoldError):
            ids(**wrong)


def test_what_tag_wrote_of_the_same_dump_is_unchanged(run, tmp_path):
    dump, old = tmp_path / "d.jsonl", tmp_path / "old.jsonl"
    trial = {"id": "NCT90000001", "brief_title": "CD19 CAR-T cells", "sponsor": "A clinic", "phase": "PHASE1"}
    dump.write_text(json.dumps(trial) + "\n")
    assert run("tag", dump, "-o", old).returncode == 0
    assert json.loads(old.read_text())["sponsor"] == "A clinic"
    export = ("gold", "export", dump, "--tag", "--since", old, "--to", "doccano", "-o", tmp_path / "t.jsonl")
    assert ": 0 trials to " in run(*export).stderr
    dump.write_text(json.dumps({**trial, "sponsor": "Another clinic"}) + "\n")
    assert ": 1 trials to " in run(*export).stderr


def test_ids_are_read_from_a_list_or_a_queue(tmp_path):
    (tmp_path / "ids.txt").write_text("NCT2 a note\nNCT1\n\nNCT2\n")
    (tmp_path / "queue.csv").write_text("\ufeffrank,trial_id,title\n1,NCT9,a\n2,NCT8,b\n", "utf-8")
    assert selection.read_ids(tmp_path / "ids.txt") == ["NCT2", "NCT1"]
    assert selection.read_ids(tmp_path / "queue.csv") == ["NCT9", "NCT8"]
    (tmp_path / "queue.csv").write_text("trial_id,note,trial_id\nNCT9,x,NCT8\n")
    with pytest.raises(GoldError, match=r"queue\.csv:1: the column 'trial_id' stands twice"):
        selection.read_ids(tmp_path / "queue.csv")


@pytest.fixture
def run(in_process):
    return in_process


def test_records_that_make_no_trial_are_told_when_a_dump_is_tagged(run, tagged, tmp_path):
    dump, out = tmp_path / "dump.jsonl", tmp_path / "tasks.jsonl"
    broken = [json.dumps({"id": f"NCT9000001{at}", "brief_title": "CAR-T"})[:-1] for at in range(1, 10)]
    nameless = json.dumps({"id": "", "brief_title": "CD19 CAR-T"})
    lines = tagged[0].read_text().splitlines()
    dump.write_text("\n".join([lines[0], nameless, *broken, nameless, *lines[1:]]) + "\n")
    done = run("gold", "export", dump, "--tag", "--to", "doccano", "-o", out)
    assert done.returncode == 1
    assert len(out.read_text().splitlines()) == 3
    said = done.stderr.splitlines()
    assert said[0].endswith(f"3 trials to {out} for doccano")
    assert len(said) == 13
    assert all(f"rejected: {dump}: line " in each for each in said[1:11])
    assert "line 3: NCT90000011: not valid JSON" in said[2]
    assert said[11:] == [
        "cart-nlp gold: … and 1 more rejected",
        "cart-nlp gold: 11 of the records read could not be used, and were left out",
    ]


def test_a_queue_goes_to_brat_in_its_order_and_comes_back_as_corrections(run, tagged, tmp_path):
    dump, _ = tagged
    ids, folder, out = tmp_path / "ids.txt", tmp_path / "brat", tmp_path / "c.csv"
    ids.write_text("NCT90000003\nNCT90000001\n")
    assert run("gold", "export", dump, "--tag", "--to", "brat", "--ids", ids, "-o", folder).returncode == 0
    stems = [path.stem for path in sorted(folder.glob("*.ann"))]
    assert stems == ["00001-NCT90000003", "00002-NCT90000001"]
    file = folder / f"{stems[0]}.ann"
    text = file.read_text("utf-8")
    file.write_text(text.replace("focus T1 treatment", "focus T1 manufacturing"), "utf-8")
    done = run("gold", "import", folder, "--from", "brat", "--as", "corrections", "--by", "ben", "-o", out)
    assert done.returncode == 0 and done.stderr == f"cart-nlp gold: 1 corrections of 2 trials to {out}\n"
    (row,) = read(out)
    assert row.trial_id == "NCT90000003"
    assert (row.field, row.values, row.by) == ("focus", ("manufacturing",), "ben")


def three(folder):
    return save(folder / "gold.jsonl", [line(f"NCT9000000{n}") for n in range(3)])


@pytest.mark.parametrize("name", sorted(formats.FORMATS))
def test_an_export_replaces_an_earlier_one_that_nobody_changed(name, run, tmp_path):
    gold, out = three(tmp_path), tmp_path / f"tasks{formats.FORMATS[name].SUFFIX}"
    words = ("gold", "export", gold, "--to", name, "-o", out)
    assert run(*words).returncode == 0
    assert run(*words, "--limit", "2").returncode == 0
    back = formats.imported(name, out)
    assert [row["id"] for row in back] == ["NCT90000000", "NCT90000001"]


ANNOTATED = {
    "brat": ("antigen", "product"),
    "doccano": ('"antigen/target"', '"antigen"'),
    "label-studio": ('"predictions"', '"annotations"'),
    "prodigy": ('"cell_type=T"', '"cell_type=NK"'),
}
"""What an annotator's work makes of a tool's part of a task."""


@pytest.mark.parametrize("name", ANNOTATED)
def test_an_export_goes_over_no_annotation_unasked(name, run, tmp_path):
    gold, out = three(tmp_path), tmp_path / f"tasks{formats.FORMATS[name].SUFFIX}"
    words = ("gold", "export", gold, "--limit", "2", "--to", name, "-o", out)
    assert run("gold", "export", gold, "--to", name, "-o", out).returncode == 0
    file = out / "NCT90000002.ann" if name == "brat" else out
    changed = file.read_text("utf-8").replace(*ANNOTATED[name])
    file.write_text(changed, "utf-8")
    done = run(*words)
    assert done.returncode == 2 and file.read_text("utf-8") == changed
    assert done.stderr == (
        f"cart-nlp gold: {file}: was changed since it was exported, or is not from this command; "
        "choose another name for the output, or --force writes over it\n"
    )
    assert run(*words, "--force").returncode == 0
    assert len(formats.imported(name, out)) == 2


def test_a_brat_project_of_somebody_is_not_taken_for_ours(run, tmp_path):
    gold, out = three(tmp_path), tmp_path / "brat"
    out.mkdir()
    for name in ("annotation.conf", "NCT90000000.txt", "NCT90000000.ann"):
        (out / name).write_text("mine\n")
    before = {path: path.read_bytes() for path in out.iterdir()}
    words = ("gold", "export", gold, "--to", "brat", "-o", out)
    done = run(*words)
    assert done.returncode == 2 and "choose another name" in done.stderr
    assert {path: path.read_bytes() for path in out.iterdir()} == before
    (out / "other.ann").write_text("mine\n")
    assert run(*words, "--force").returncode == 0
    assert (out / "other.ann").read_text() == "mine\n", "of another origin and of another name"


@pytest.mark.parametrize("name", ["notes.txt", "annotation.conf"])
def test_a_file_of_ones_own_in_a_brat_folder_is_not_lost(name, run, tmp_path):
    gold, out = three(tmp_path), tmp_path / "brat"
    words = ("gold", "export", gold, "--to", "brat", "-o", out)
    assert run(*words).returncode == 0
    (out / ".stats_cache").write_text("brat's own")
    assert run(*words).returncode == 0
    (out / name).write_text("mine")
    done = run(*words)
    assert done.returncode == 2 and str(out / name) in done.stderr and (out / name).read_text() == "mine"


def test_inputs_and_what_is_not_ours_are_not_written_over(run, tagged, tmp_path):
    dump, _ = tagged
    gold = save(tmp_path / "gold.jsonl", [line()])
    before = gold.read_bytes()
    done = run("gold", "export", gold, "--to", "prodigy", "-o", gold)
    assert done.returncode == 2 and "is read by this command" in done.stderr
    (tmp_path / "letter.jsonl").write_text("dear reader\n")
    words = ("gold", "export", gold, "--to", "prodigy", "-o", tmp_path / "letter.jsonl")
    assert "--force writes over it" in run(*words).stderr
    assert run(*words, "--force").returncode == 0 and run(*words).returncode == 0, "ours now"
    (tmp_path / "link").symlink_to(tmp_path / "letter.jsonl")
    words = ("gold", "import", tmp_path / "letter.jsonl", "--from", "prodigy", "-o")
    assert "is read by this command" in run(*words, tmp_path / "link", "--force").stderr
    (tmp_path / "page.html").write_text("<p>holidays")
    words = ("evaluate", "--gold", gold, "--html")
    assert "--force writes over it" in run(*words, tmp_path / "page.html").stderr
    assert "is read by this command" in run(*words, gold, "--force").stderr
    assert gold.read_bytes() == before and Path(dump).is_file()
    assert (
        run("gold", "export", gold, "--to", "prodigy", "--doubt", "3", "-o", tmp_path / "x").returncode == 2
    )
    assert (
        run("gold", "import", gold, "--from", "prodigy", "--as", "poem", "-o", tmp_path / "x").returncode == 2
    )
