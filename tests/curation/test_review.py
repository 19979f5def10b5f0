"""The queue: its order, its reasons, how many must be read, and what it is written as."""

import json
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from review_records import mentions, record

from cart_nlp.curation.decisions import Correction
from cart_nlp.curation.queue import error_among, error_of, queue, share_found, together
from cart_nlp.curation.why_doubted import reasons
from cart_nlp.curation.writing import write
from cart_nlp.schema import Construct, Evidence, Record


def told(found, name):
    return [text for field, text in reasons(found, mentions()) if field == name]


def test_the_order_is_the_chance_that_any_field_is_wrong():
    one = record(1, {"car_trial": 0.9, "targets": 0.5})
    two = record(2, {"car_trial": 0.99, "targets": 0.45})
    three = record(3, {"car_trial": 1.0, "targets": 1.0})
    found = queue([three, two, one])
    assert [item.record.trial_id for item in found.items] == [two.trial_id, one.trial_id]
    assert [round(item.error, 4) for item in found.items] == [0.5545, 0.55]
    assert (found.settled, found.total, found.calibrated) == (1, 3, True)
    assert [round(item.error, 2) for item in queue([one, two], ("car_trial",)).items] == [0.1, 0.01]
    assert [d.field for d in found.items[0].doubts] == ["targets", "car_trial"]


def test_what_the_text_screen_let_go_is_neither_settled_nor_uncalibrated():
    one = record(1, {"car_trial": 0.9, "targets": 0.5})
    let_go = record(2, {}, car_trial="no", car_score=0.0, targets=(), constructs=(), evidence=())
    found = queue([one, let_go])
    assert (found.settled, found.screened, found.total, found.calibrated) == (0, 1, 2, True)
    assert [item.record for item in found.items] == [one]
    assert found.needed(0.7) == queue([one]).needed(0.7) == 1, "it is not counted among those that are right"


def test_a_trial_that_is_not_included_is_in_doubt_only_for_that():
    out = record(1, {"car_trial": 0.8, "targets": 0.1}, car_trial="mention", targets=(), constructs=())
    (item,) = queue([out]).items
    assert [d.field for d in item.doubts] == ["car_trial"] and item.error == pytest.approx(0.2)


def test_one_field_is_in_doubt_with_the_place_of_its_trial():
    sure = {"car_trial": 0.5, "targets": 0.9, "focus": 0.6}
    near = record(1, sure, car_score=0.7)
    assert error_of(near, "targets") == pytest.approx(1 - 0.7 * 0.9), "the trial may not belong in"
    assert error_of(near, "vector") == 0, "and would then have none"
    assert error_of(near, "focus") == pytest.approx(0.4), "whose confidence tells it"
    assert error_among(near, ("car_trial", "targets")) == pytest.approx(1 - 0.5 * 0.9), "counted once"
    assert error_among(near, ("targets", "cell_type")) == pytest.approx(1 - 0.7 * 0.9), "and once"
    out = record(2, {"car_trial": 0.55}, car_trial="mention", car_score=0.4, targets=(), constructs=())
    gone = record(3, {"car_trial": 1.0}, car_trial="no", car_score=0.4, targets=(), constructs=())
    assert error_of(out, "vector") == pytest.approx(0.4), "the trial may belong in"
    assert error_of(gone, "vector") == 0, "a curator has left it out"
    assert [item.record for item in queue([near, out, gone], ("disease_group",)).items] == [out]
    assert [item.record for item in queue([out, near, gone], ("targets",)).items] == [out, near]
    assert queue([near, out]).needed(1.0, "disease_group") == 2
    set_by = Evidence(field="targets", value="CD19", basis="curator", rule="curator:set")
    assert error_of(record(4, {**sure, "targets": 1.0}, car_score=0.7, evidence=(set_by,)), "targets") == 0
    assert error_of(record(5, {}, car_score=0.7), "cell_type") == 0, "without confidences scores alone order"


def test_how_many_must_be_read_for_a_share():
    found = queue([record(n, {"targets": 1 - 0.02 * n}) for n in range(1, 11)])  # errors 0.02 … 0.2
    assert found.expected() == pytest.approx(1.1)
    assert found.needed(0.89) == 0 and found.needed(0.90) == 1 and found.needed(1.0) == 10
    left = found.expected(found.needed(0.95))
    assert left <= 0.5 < left + found.items[found.needed(0.95) - 1].error
    assert found.needed(0.9, "costim") == 0


def test_many_targets_that_stand_once_are_one_reason():
    names = ("CD19", "CD20", "CD22", "CD30")
    place = {"basis": "text", "section": "brief_summary", "rule": "antigens.csv:3"}
    rows = tuple(Evidence(field="targets", value=name, text=name, end=4, **place) for name in names)
    where = "stand once, outside titles and interventions"
    assert [text for text in told(record(evidence=rows), "targets") if "once" in text] == [
        f"4 targets {where}"
    ]
    few = [text for text in told(record(evidence=rows[:3]), "targets") if "once" in text]
    assert few == [f"{name} stands{where[5:]}" for name in names[:3]]


def test_reasons_are_told_with_their_field():
    assert told(record(), "constructs") == ["default format"]
    assert told(record(), "targets") == ["co-administered antibody beside the target: CD20"]
    near = record(car_score=0.6)
    assert told(near, "car_trial") == ["text screen let it through, the study decision is near the line"]
    code = Evidence(field="products", value="ABC-1", basis="text", rule="codes", text="ABC-1", end=5)
    known = Evidence(field="costim", value="CD28", basis="product", rule="products.csv:9")
    named = record(products=("ABC-1",), costim=("CD28",), evidence=(code, known))
    assert told(named, "products") == ["product code unknown: ABC-1"]
    assert told(named, "costim") == ["CD28 is known of the product only"]
    assert told(record(targets=(), constructs=(), evidence=()), "targets")[0] == "no target is named"
    prior = record(targets=("CD20",), constructs=(Construct(targets=("CD20",), format="single"),))
    (only,) = [
        text
        for _, text in reasons(
            prior, [m.model_copy(update={"role": "prior_therapy"}) for m in mentions()[1:]]
        )
        if "CD20" in text
    ]
    assert only == "CD20: only in prior therapy"
    assert told(record(targets=("CD19", "CD22", "CD7")), "constructs") == [
        "CD7 is in no construct",
        "default format",
    ]


def test_a_stale_correction_comes_back_and_a_fresh_one_does_not():
    settled = {"targets": 1.0, "focus": 1.0}
    old = Evidence(field="focus", value="treatment", basis="curator", rule="curator:set:stale")
    found = queue([record(1, settled, evidence=(old,)), record(2, settled)])
    (item,) = found.items
    assert item.error == 0.5 and item.line() == "focus 50 % (stale correction)" and found.settled == 1


def test_what_is_doubtful_in_targets_and_constructs_alike_counts_once():
    assert together({"targets": 0.2, "constructs": 0.2}) == pytest.approx(0.2)
    assert together({"targets": 0.2, "constructs": 0.6}) == pytest.approx(0.6)
    assert together({"targets": 0.2, "constructs": 0.1, "costim": 0.5}) == pytest.approx(0.6)
    assert together({"constructs": 0.3}) == pytest.approx(0.3), "asked for alone"
    assert together({"targets": 1.0, "constructs": 1.0}) == 1.0
    assert together({"targets": 0.0, "constructs": 1.0}) == 1.0 and together({}) == 0.0


def test_records_without_confidence_are_ordered_by_scores_and_say_so():
    bare = Record(trial_id="A", car_trial="product", car_score=0.5, targets=("CD19",))
    found = queue([bare, record(2, {})])
    assert not found.calibrated and found.items[0].record.trial_id == "A"


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.5]), st.booleans()), max_size=30), st.floats(0, 1))
def test_the_share_found_is_what_reading_in_that_order_finds_on_average(rows, read):
    found = share_found(rows, read)
    if not any(wrong for _, wrong in rows):
        assert found is None
        return
    assert 0 <= found <= 1 + 1e-9 and share_found(rows, 1.0) == pytest.approx(1)
    if len({chance for chance, _ in rows}) == 1:
        assert found == pytest.approx(read), "without a difference, reading finds its share"


@pytest.fixture
def run(in_process):
    return partial(in_process, "review")


@pytest.fixture
def records(tmp_path):
    path = tmp_path / "r.jsonl"
    doubtful = [record(1, {"targets": 0.6}), record(2, {"targets": 0.7}), record(3, {"targets": 0.999})]
    path.write_text("".join(r.model_dump_json() + "\n" for r in doubtful))
    return path


def test_the_command_prints_writes_and_counts(run, records, tmp_path):
    done = run(records)
    assert done.returncode == 0
    first, *_ = done.stdout.splitlines()
    assert first.split()[:4] == ["1", "40.0", "%", "NCT90000001"]
    assert (
        "cart-nlp review: 3 records, 0 settled; 0.7 with an error expected, 0.0 after reading 3"
        in done.stderr
    )
    done = run(records, "--target", "targets=0.85", "-o", tmp_path / "q.csv")
    assert "1 to read for targets 0.85" in done.stderr
    lines = (tmp_path / "q.csv").read_text("utf-8-sig").splitlines()
    assert lines[0] == "rank,trial_id,error,doubts,targets,constructs,title,url" and len(lines) == 2
    assert lines[1].startswith("1,NCT90000001,0.4000,targets 40 %,CD19; CD22,CD19+CD22 (bispecific),")
    assert run(records, "--budget", "2", "-o", tmp_path / "q.html").returncode == 0
    assert (tmp_path / "q.html").read_text("utf-8").count("<script") == 2


def test_only_new_and_changed_trials_are_asked_since_an_earlier_output(run, records, tmp_path):
    old = tmp_path / "old.jsonl"
    old.write_text(
        record(1, {}).model_dump_json() + "\n" + record(2, {}, focus="other").model_dump_json() + "\n"
    )
    done = run(records, "--since", old)
    assert [line.split()[3] for line in done.stdout.splitlines()[::2]] == ["NCT90000002", "NCT90000003"]


def test_what_corrections_settle_is_not_asked_again(run, records, tmp_path):
    rows = [Correction("NCT90000001", "targets", "set", ("CD19", "CD22"), by="ana", date="2026-11-28")]
    write(rows, tmp_path / "c.csv")
    done = run(records, "--corrections", tmp_path / "c.csv")
    assert "NCT90000001" not in done.stdout and "3 records, 1 settled" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--fields", "colour"), "--fields colour: no field colour; there are car_trial, targets"),
        (("--target", "exact"), "--target exact: write it like exact=0.99, or FIELD=0.99"),
        (("--to", "brat"), "--to brat: needs --out"),
        (("--to", "brat", "-o", "x"), "--to brat: needs --text DUMP"),
        (("-o", "x.pdf"), "x.pdf: a queue is written as .csv or .html"),
        (("--since", "none.jsonl"), "none.jsonl: no such file"),
        (("--corrections", "none.csv"), "none.csv: no such file"),
    ],
)
def test_bad_usage_is_one_line(run, records, words, told):
    done = run(records, *words)
    assert done.returncode == 2 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"cart-nlp review: {told}")


def test_the_records_are_not_written_over(run, records, tmp_path):
    (tmp_path / "link.csv").symlink_to(records)
    before = records.read_bytes()
    assert "is read by this command" in run(records, "-o", tmp_path / "link.csv").stderr
    (tmp_path / "notes.csv").write_text("mine\n")
    assert "--force writes over it" in run(records, "-o", tmp_path / "notes.csv").stderr
    assert run(records, "-o", tmp_path / "notes.csv", "--force").returncode == 0
    assert records.read_bytes() == before and json.loads(before.splitlines()[0])
