"""Linear scorers, candidates, calibration and rules: sums of weights, and the reasons for them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cart_nlp.lexicon import load
from cart_nlp.rules import Rule, first
from cart_nlp.scoring.calibration import calibrated
from cart_nlp.scoring.candidates import Candidate, FieldScorer, certainty
from cart_nlp.scoring.linear import Linear, sigmoid
from cart_nlp.signals.candidate import Instance
from cart_nlp.signals.reading import Mention

WEIGHTS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(-3000, 3000).map(lambda n: n / 1000))
SIGNALS = st.lists(st.sampled_from("abcdefghxyz"), unique=True)


@given(WEIGHTS, st.floats(-3, 3), SIGNALS)
def test_a_score_is_the_sum_of_its_reasons(weights: dict[str, float], start: float, held: list[str]) -> None:
    scorer = Linear({"yes": {"": start, **weights}})
    reasons = scorer.reasons(held)
    assert math.isclose(scorer.logit(held), start + sum(w for _, w in reasons), abs_tol=1e-6)
    assert [abs(w) for _, w in reasons] == sorted((abs(w) for _, w in reasons), reverse=True)
    assert {name for name, _ in reasons} == {name for name in held if weights.get(name)}


@given(WEIGHTS, st.permutations("abcdefgh"))
def test_the_order_of_signals_changes_nothing(weights: dict[str, float], order: list[str]) -> None:
    scorer = Linear({"yes": weights})
    assert scorer.logit(order) == scorer.logit("abcdefgh")
    assert scorer.logits([order]) == scorer.logits(["abcdefgh"])
    assert scorer.logits([order], [[0.1]]) == scorer.logits(["abcdefgh"], [[0.1]])


def test_what_comes_to_the_same_sum_is_a_tie_in_any_order() -> None:
    scorer = Linear({"two": {"a": 0.1, "b": 0.2, "c": -0.3}, "one": {"a": 0.0}})
    assert {scorer.likeliest(*scorer.logits([order])) for order in ("abc", "bca", "cab", "cba")} == {"one"}


@given(WEIGHTS, WEIGHTS, SIGNALS)
def test_chances_of_classes_add_up(one: dict[str, float], two: dict[str, float], held: list[str]) -> None:
    chances = Linear({"one": {"": 0.2, **one}, "two": two}).probabilities(held)
    assert set(chances) == {"one", "two"}
    assert math.isclose(sum(chances.values()), 1.0)


@given(WEIGHTS, SIGNALS)
def test_two_classes_of_opposite_weights_are_one_logit(weights: dict[str, float], held: list[str]) -> None:
    both = Linear({"yes": weights, "no": dict.fromkeys(weights, 0.0)})
    assert math.isclose(both.probabilities(held)["yes"], Linear({"yes": weights}).probability(held))


@pytest.mark.parametrize("logit", [-1e9, -800.0, 0.0, 800.0, 1e9])
def test_chances_stay_chances_at_both_ends(logit: float) -> None:
    assert 0.0 <= sigmoid(logit) <= 1.0
    assert math.isclose(sigmoid(logit) + sigmoid(-logit), 1.0, abs_tol=1e-12)


def test_what_is_written_is_read_again() -> None:
    tables = {"yes": {"": 0.5, "b": -1.0, "a": 2.0}}
    scorer = Linear(tables)
    assert list(scorer.to_json()["yes"]) == ["", "a", "b"]
    assert Linear(scorer.to_json()).logit(["a", "b"]) == scorer.logit(["a", "b"]) == 1.5


def instance(concept: str, *signals: str, start: int = 0) -> Instance:
    return Instance(concept, Mention(start, start + 4, "antigen", concept, "x"), signals, "title", start)


def test_candidates_are_scored_with_all_their_mentions() -> None:
    scorer = FieldScorer(
        Linear({"yes": {"": -1.0, "good": 3.0, "bad": -3.0}}),
        Linear({"yes": {"": -1.0, "best>0": 3.0, "only": 0.5}}),
    )
    found = scorer.score(
        [instance("A", "bad"), instance("A", "good", start=9), instance("B", "bad", start=20)]
    )
    assert [(one.concept, len(one.scored), one.probability > 0.5) for one in found] == [
        ("A", 2, True),
        ("B", 1, False),
    ]
    assert scorer.score([]) == []


@given(st.lists(st.floats(0, 1), max_size=6))
def test_certainty_is_that_of_every_candidate_at_once(chances: list[float]) -> None:
    found = certainty([Candidate(str(n), chance) for n, chance in enumerate(chances)], 0.7)
    assert 0.0 <= found <= 1.0
    assert found == 0.7 if not chances else found <= min(max(c, 1 - c) for c in chances) + 1e-12


@given(st.floats(0, 1), st.floats(0, 1))
def test_calibration_keeps_the_order(one: float, two: float) -> None:
    table = Linear({"targets": {"": 0.3, "slope": 0.8}})
    low, high = sorted((one, two))
    assert 0 < calibrated(table, "targets", low) <= calibrated(table, "targets", high) < 1
    assert calibrated(table, "unknown", one) == one == calibrated(None, "targets", one)


def rule(name: str, *needs: str, any_of: tuple[str, ...] = (), bars: tuple[str, ...] = ()) -> Rule:
    return Rule(name, "yes", needs, any_of, bars, (), (), name)


@pytest.mark.parametrize(
    ("held", "decides"),
    [
        (["a", "b"], "both"),
        (["a"], "one"),
        (["a", "x:adj"], "one"),
        (["x:adj"], "any"),
        (["x:adj", "stop"], None),
        ([], None),
    ],
)
def test_the_first_rule_that_holds_decides(held: list[str], decides: str | None) -> None:
    rules = [rule("both", "a", "b"), rule("one", "a"), rule("any", any_of=("x:*", "y"), bars=("stop",))]
    found = first(rules, held)
    assert (found.name if found else None) == decides


@pytest.mark.parametrize("decision", sorted(load().rules))
def test_no_rule_is_wholly_in_the_shadow_of_an_earlier_one(decision: str) -> None:
    """A rule whose every way to hold makes an earlier one hold as well never decides."""
    rules = load().rules[decision]
    for at, late in enumerate(rules):
        ways = [frozenset((*late.needs, one)) for one in late.any_of] or [frozenset(late.needs)]
        for early in rules[:at]:
            assert not all(early.holds(way) for way in ways), f"{late.name} never decides: {early.name} does"
