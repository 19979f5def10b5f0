"""The review's curve: counted by hand, drawn in the page, and corrections laid over scored records."""

from __future__ import annotations

import json

import pytest
from gold_lines import line, save

from cart_nlp.curation.decisions import Correction
from cart_nlp.curation.writing import write
from cart_nlp.evaluation import page, review, run
from cart_nlp.evaluation.gold import GoldError
from cart_nlp.schema import Construct, Evidence, Record


def record(number, target, sure):
    return Record(
        trial_id=f"NCT0000000{number}",
        car_trial="product",
        targets=(target,),
        constructs=(Construct(targets=(target,), format="single"),),
        cell_type=("T",),
        focus="treatment",
        confidence={"car_trial": 1.0, "targets": sure, "constructs": 1.0},
    )


@pytest.fixture
def files(tmp_path):
    """Ten trials; the target sets of three are wrong, two of these among the two least sure; one left out."""
    out = line("NCT00000010", car_trial="mention", targets=[], constructs=[], cell_type=[], focus=None)
    gold = save(tmp_path / "gold.jsonl", [line(f"NCT0000000{n}") for n in range(10)] + [out])
    wrong = {0: 0.3, 1: 0.4, 5: 0.95}
    found = [record(n, "CD22" if n in wrong else "CD19", wrong.get(n, 0.8 + n / 100)) for n in range(9)]
    records = tmp_path / "r.jsonl"
    records.write_text("".join(r.model_dump_json() + "\n" for r in found))
    return gold, records


def scored(files, **more):
    gold, records = files
    return run.run(run.Options(gold=str(gold), records=records, resamples=10, **more))


def test_the_curve_is_the_share_of_errors_left(files):
    found = scored(files).result["review"]
    targets = found["targets"]
    assert found["calibrated"] and (targets["trials"], targets["wrong"], targets["unread"]) == (9, 3, 1)
    curve = dict(map(tuple, targets["curve"]))
    assert curve[0.0] == 1.0 and curve[1.0] == pytest.approx(0.0)
    assert curve[0.1] == pytest.approx(1 - 0.9 / 3), "nine tenths of the first trial"
    assert found["any"]["unread"] == 1, "and not the trial that is rightly left out"
    assert targets["found_first"] == pytest.approx(0.3)
    assert curve[0.2] == pytest.approx(1 - 1.8 / 3) and curve[0.5] == pytest.approx(1 / 3)
    assert targets["expected"] == pytest.approx(
        0.7 + 0.6 + 0.05 + sum(0.2 - n / 100 for n in (2, 3, 4, 6, 7, 8))
    )
    assert found["fields"]["targets"]["expected"] == pytest.approx(targets["expected"])
    fits = scored(files).result["calibration"]["confidence_by_field"]["targets"]
    assert fits["n"] == 9 and fits["ece"] == pytest.approx((0.3 + 0.4 + 6 * 0.15 + 0.95) / 9)
    text = list(review.lines(found))
    assert text[0] == (
        "review, by confidence: reading the least sure 10 % of 9 trials finds 30.0 % of 3 with "
        "a wrong target set, the best order 30.0 %; 1 more have no record to read"
    )
    counted = {"trials": 9, "wrong": 3, "found_first": pytest.approx(0.3)}
    assert found["fields"]["targets"] == counted | {"expected": pytest.approx(targets["expected"])}
    assert found["fields"]["constructs"]["found_first"] == pytest.approx(0.1), "all are said to be sure"
    assert text[2].startswith("review of one field, by confidence: reading as many finds targets 30.0 % of 3")


def test_a_field_is_wrong_where_a_curator_would_change_it(tmp_path):
    labels = {"products": ["Yescarta", "axi-cel", "XY-1"], "costim": ["CD28"], "vector": ["retroviral"]}
    gold = save(tmp_path / "gold.jsonl", [line("NCT00000001", **labels)])
    known = {"basis": "product", "rule": "products.csv:1"}
    evidence = [
        Evidence(field="costim", value="CD28", **known),
        Evidence(field="vector", value="lentiviral", **known),
    ]
    given = record(1, "CD19", 0.9).model_copy(
        update={
            "products": ("axicabtagene ciloleucel", "XY-1"),
            "costim": ("CD28",),
            "vector": ("lentiviral",),
            "evidence": tuple(evidence),
        }
    )
    (tmp_path / "r.jsonl").write_text(given.model_dump_json() + "\n")
    result = scored((gold, tmp_path / "r.jsonl")).result
    wrong = {name: one["wrong"] for name, one in result["review"]["fields"].items()}
    assert wrong["products"] == 0, "two names of one product, and one of no row"
    assert (wrong["costim"], wrong["vector"]) == (0, 1), "known of the product: as labeled, and not"
    assert result["fields"]["products"]["fn"] == 2, "scores count every printed name"


def test_constructs_are_compared_by_the_names_of_their_targets(tmp_path):
    """Under an alias they are the same; where the targets are uncertain nobody says what they hold."""
    built = [{"targets": ["CDCP1"], "format": "single"}]
    rows = [line("NCT00000001", targets=["CDCP1"], constructs=built)]
    rows += [line("NCT00000002", targets=[], constructs=[], uncertain=["targets"])]
    gold = save(tmp_path / "gold.jsonl", rows)
    found = [record(number, "CD318", 0.9) for number in (1, 2)]
    (tmp_path / "r.jsonl").write_text("".join(r.model_dump_json() + "\n" for r in found))
    fields = scored((gold, tmp_path / "r.jsonl")).result["review"]["fields"]
    assert (fields["constructs"]["trials"], fields["constructs"]["wrong"]) == (1, 0)
    found[0] = record(1, "CD19", 0.9)
    (tmp_path / "r.jsonl").write_text("".join(r.model_dump_json() + "\n" for r in found))
    assert scored((gold, tmp_path / "r.jsonl")).result["review"]["fields"]["constructs"]["wrong"] == 1


def test_whether_a_trial_belongs_in_is_no_doubt_where_the_labelers_were_not_sure(tmp_path):
    rows = [line(f"NCT0000000{n}", uncertain=["car_trial"] if n else []) for n in (0, 1)]
    gold = save(tmp_path / "gold.jsonl", rows)
    near = {"car_trial": 0.6, "targets": 0.9, "constructs": 1.0}
    found = [record(n, "CD19", 0.9).model_copy(update={"confidence": near, "car_score": 0.6}) for n in (0, 1)]
    (tmp_path / "r.jsonl").write_text("".join(r.model_dump_json() + "\n" for r in found))
    review = scored((gold, tmp_path / "r.jsonl")).result["review"]
    assert review["fields"]["targets"]["expected"] == pytest.approx((1 - 0.6 * 0.9) + 0.1)
    assert review["any"]["expected"] == pytest.approx((1 - 0.6 * 0.9) + 0.1)


@pytest.mark.parametrize(("rule", "trials"), [("study.product", 0), ("study.code", 1)])
def test_a_known_product_that_the_text_does_not_explain_is_no_error(tmp_path, rule, trials):
    nothing = {"targets": [], "constructs": [], "cell_type": [], "focus": None, "target_evidence": []}
    gold = save(tmp_path / "gold.jsonl", [line("NCT00000001", "XY-1 in B-ALL", car_trial="no", **nothing)])
    place = {"basis": "text", "section": "brief_title", "text": "XY-1", "end": 4}
    named = Evidence(field="car_trial", value="product", rule=rule, **place)
    found = record(1, "CD19", 0.9).model_copy(update={"evidence": (named,)})
    (tmp_path / "r.jsonl").write_text(found.model_dump_json() + "\n")
    told = scored((gold, tmp_path / "r.jsonl")).result["review"]["any"]
    assert told["trials"] == told["wrong"] == trials


def test_the_page_has_the_curve(files):
    drawn = page.render(scored(files))
    assert "Review: share of errors left" in drawn and "a wrong target set</text>" in drawn


def test_corrections_are_laid_over_the_records(files, tmp_path):
    before = scored(files).result["fields"]["targets"]
    rows = [
        Correction("NCT00000000", "targets", "set", ("CD19",)),
        Correction("NCT00000009", "car_trial", "set", ("product",)),
        Correction("NCT00000009", "targets", "set", ("CD19",)),
    ]
    write(rows, tmp_path / "c.csv")
    after = scored(files, corrections=tmp_path / "c.csv").result
    assert (before["fp"], before["fn"]) == (3, 4)
    assert (after["fields"]["targets"]["fp"], after["fields"]["targets"]["fn"]) == (2, 2)
    assert after["review"]["targets"]["unread"] == 0, "the trial that was put in has a record"
    (tmp_path / "c.csv").write_text("trial_id,field,action,value\nNCT1,colour,set,red\n")
    with pytest.raises(GoldError, match="row 2: unknown field 'colour'"):
        scored(files, corrections=tmp_path / "c.csv")
    assert json.loads(json.dumps(after["review"])), "plain JSON"
