"""Counts and rates on pairs whose scores can be seen by eye."""

from __future__ import annotations

import pytest

from cart_nlp.evaluation import layout, metrics
from cart_nlp.evaluation.gold import GoldRecord
from cart_nlp.evaluation.matching import construct_credit, match
from cart_nlp.schema import Construct, Evidence, Record, Trial


def gold(identifier="T1", car="product", uncertain=(), **labels):
    """A labeled trial without text."""
    everything = {"car_trial": car, "uncertain": list(uncertain), **labels}
    return GoldRecord(identifier, Trial(id=identifier), everything)


def stated(name, *values):
    """Evidence from text for each value."""
    return tuple(Evidence(field=name, value=v, basis="text") for v in values)


def record(identifier="T1", car="product", evidence=(), **fields):
    """A record with the given fields."""
    return Record(trial_id=identifier, car_trial=car, evidence=evidence, **fields)


def test_counts_of_one_trial():
    m = match(gold(targets=["CD19", "CD22"]), record(targets=("CD19", "CD20")))
    score = metrics.field_score("targets", [m]).as_dict()
    assert (score["tp"], score["fp"], score["fn"]) == (1, 1, 1)
    assert (score["precision"], score["recall"], score["f1"]) == (0.5, 0.5, 0.5)
    assert (score["exact"], score["exact_n"]) == (0.0, 1)


def test_undefined_rates_are_none():
    score = metrics.field_score("edits", [match(gold(), record())]).as_dict()
    assert score["precision"] is None
    assert score["recall"] is None
    assert score["f1"] is None
    assert score["exact"] is None
    assert (score["exact_included"], score["exact_included_n"]) == (1.0, 1)
    assert score["macro"] == {"values": 0, "precision": None, "recall": None, "f1": None}


def test_uncertain_field_is_left_out():
    m = match(gold(targets=["CD19"], uncertain=["targets"]), record())
    assert "targets" not in m.fields
    assert "targets_all" not in m.fields
    assert "vector" in m.fields


def test_screened_out_trial_counts_as_missed_only_end_to_end():
    labeled, found = gold(targets=["CD19"]), record(car="no", targets=("CD19",))
    assert match(labeled, found).fields["targets"].predicted == frozenset()
    assert match(labeled, found, mode="tagging").fields["targets"].exact


def test_values_on_a_trial_that_does_not_belong_are_wrong_only_end_to_end():
    labeled, found = gold(car="mention"), record(targets=("CD19",))
    score = metrics.field_score("targets", [match(labeled, found)])
    assert (score.tp, score.fp, score.fn) == (0, 1, 0)
    assert score.exact_counts == {"stated": (0, 0), "included": (0, 0), "multi": (0, 0)}
    assert match(labeled, found, mode="tagging").fields == {}


def test_uncertain_car_trial_does_not_gate_the_fields():
    labeled = gold(targets=["CD19"], uncertain=["car_trial"])
    m = match(labeled, record(car="no", targets=("CD19",)))
    assert m.gold_car is None
    assert m.fields["targets"].exact
    assert metrics.screening([m], 0.5)["trials"] == 0


@pytest.mark.parametrize("level", ["mention", "no"])
def test_a_trial_that_perhaps_does_not_belong_is_scored_in_no_field(level):
    m = match(gold(car=level, uncertain=["car_trial"]), record(targets=("CD19",)))
    assert (m.gold_car, m.fields, m.focus) == (None, {}, None)
    assert metrics.screening([m], 0.5)["trials"] == 0


@pytest.mark.parametrize(
    ("basis", "targets", "targets_all"),
    [("both", (1, 0, 0), (2, 0, 0)), ("text", (1, 0, 0), None), ("all", (2, 0, 0), None)],
)
def test_product_knowledge(basis, targets, targets_all):
    known = Evidence(field="targets", value="BCMA", basis="product")
    m = match(
        gold(targets=["CD19"], product_targets=["BCMA"]),
        record(targets=("BCMA", "CD19"), evidence=(*stated("targets", "CD19"), known)),
        basis=basis,
    )
    score = metrics.field_score("targets", [m])
    assert (score.tp, score.fp, score.fn) == targets
    if targets_all is None:
        assert "targets_all" not in m.fields
    else:
        every = metrics.field_score("targets_all", [m])
        assert (every.tp, every.fp, every.fn) == targets_all


def test_product_and_text_evidence_together_are_stated():
    both = (
        Evidence(field="targets", value="CD19", basis="product"),
        Evidence(field="targets", value="CD19", basis="text"),
    )
    m = match(gold(targets=["CD19"]), record(targets=("CD19",), evidence=both))
    assert m.fields["targets"].exact


def test_construct_with_product_knowledge_only_is_left_out_of_the_stated_comparison():
    known = Evidence(field="targets", value="CD19", basis="product")
    found = record(
        targets=("CD19",), constructs=(Construct(targets=("CD19",), format="single"),), evidence=(known,)
    )
    assert match(gold(constructs=[]), found).fields["constructs"].exact


def test_product_names_differ_in_print_only():
    m = match(gold(products=["Axicabtagene  Ciloleucel"]), record(products=("axicabtagene ciloleucel",)))
    assert m.fields["products"].exact


def test_product_under_its_lexicon_name_is_known_by_its_printed_evidence():
    printed = Evidence(field="products", value="rapcabtagene autoleucel", basis="text", text="YTB323")
    found = record(products=("rapcabtagene autoleucel",), evidence=(printed,))
    assert match(gold(products=["YTB323"]), found).fields["products"].exact
    both = match(gold(products=["YTB323", "rapcabtagene autoleucel"]), found).fields["products"]
    assert both.exact
    other = match(gold(products=["YTB-323"]), found).fields["products"]
    assert other.predicted == {"rapcabtagene autoleucel"}


def test_order_of_construct_targets_does_not_matter():
    labeled = gold(constructs=[{"targets": ["CD20", "CD19"], "format": "tandem"}])
    found = record(constructs=(Construct(targets=("CD19", "CD20"), format="tandem"),))
    assert match(labeled, found).fields["constructs"].exact


def test_construct_credit():
    a, b = frozenset({"CD19"}), frozenset({"CD19", "CD22"})
    assert construct_credit([(a, "single")], [(a, "single")]) == 1.0
    assert construct_credit([(b, "tandem")], [(b, "bispecific")]) == 0.5
    assert construct_credit([(b, "tandem")], [(a, "tandem")]) == 0.5
    assert construct_credit([(b, "tandem"), (a, "single")], [(a, "single")]) == 1.0
    assert construct_credit([], [(a, "single")]) == 0.0


def test_exact_of_multi_target_trials():
    one = match(gold("A", targets=["CD19"]), record("A", targets=("CD19",)))
    two = match(gold("B", targets=["CD19", "CD22"]), record("B", targets=("CD19",)))
    score = metrics.field_score("targets", [one, two]).as_dict()
    assert (score["exact"], score["exact_multi"], score["exact_multi_n"]) == (0.5, 0.0, 1)


def test_screening_and_projection():
    rates = metrics.screening_rates(tp=9, fp=1, fn=1, tn=99, prevalence=0.01)
    assert rates["recall"] == 0.9
    assert rates["specificity"] == 0.99
    assert rates["projected_precision"] == pytest.approx(0.009 / (0.009 + 0.01 * 0.99))
    assert metrics.screening_rates(0, 0, 0, 5, 0.01)["projected_precision"] is None


def test_focus_is_scored_over_included_trials_only():
    right = match(gold("A", focus="treatment"), record("A", focus="treatment"))
    lost = match(gold("B", focus="treatment"), record("B", car="no", focus="treatment"))
    other = match(gold("C", car="no", focus=None), record("C", car="no"))
    assert metrics.focus_score([right, lost, other])["accuracy"] == 0.5


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_report_fits_a_terminal_and_loses_no_column(width):
    rows = [("a field", "1", "99.7 [98.4–100.0]", "97.9 [94.8–100.0]", "0"), ("b", "2", "–", "–", "7")]
    found = list(layout.table(("field", "gold", "F1", "exact set", "n"), rows))
    shown = list(layout.fitted(["words " * 30, "", *found], width))
    assert max(map(len, shown)) <= width
    assert " ".join(shown).split().count("words") == 30
    for cell in ("gold", "98.4–100.0]", "exact", "n"):
        assert any(cell in line for line in shown)
    assert list(layout.fitted(found, 10_000)) == list(map(str, found))
