"""How sure diseases are: when a trial's indications count as right by the labels of its conditions."""

import hashlib

import pytest

from cart_nlp import lexicon, pipeline
from cart_nlp.ontology import Ontology
from cart_nlp.schema import Trial
from cart_nlp.training import build
from cart_nlp.training.data import Example
from cart_nlp.training.doubts import _fits, _focuses, _stated

ONTOLOGY = Ontology(lexicon.load())


def test_a_focus_is_judged_at_the_level_that_cross_validation_gave() -> None:
    def asked(number: int, title: str, focus: str, level: str) -> tuple[Example, dict[str, object]]:
        trial = Trial(id=f"t{number}", sections={"brief_title": title})
        labels = {"car_trial": "related", "focus": focus}
        given = {"related": (0.9, 0.2), "product": (0.9, 0.8), "mention": (0.1, 0.2)}[level]
        signals = ["focus_toxicity_management@title", "n_car>=1"]
        said = {"include": given[0], "product": given[1], "mention": 0.9, "signals": signals}
        return Example(trial.id, trial, labels, "x", trial.id), said

    rows = [
        asked(0, "Tocilizumab after CAR-T", "toxicity_management", "related"),
        asked(1, "Tocilizumab after CAR-T", "toxicity_management", "product"),
        asked(2, "Tocilizumab after CAR-T", "toxicity_management", "mention"),
        asked(3, "Tocilizumab after CAR-T", "other", "related"),
    ]
    examples = [example for example, _ in rows]
    build.read_all(pipeline.load(), examples)
    outcome = build.Outcome(unseen={"car_trial": {example.id: said for example, said in rows}})
    found = list(_focuses(examples, outcome))
    assert [(row.example.id, row.right) for row in found] == [("t0", True), ("t1", False), ("t3", False)]
    assert {"related&toxicity_management", "related&focus_toxicity_management@title"} <= set(found[0].signals)
    assert "product&treatment" in found[1].signals, "of a trial with a product no word decides"


@pytest.mark.parametrize(
    ("found", "stated", "right"),
    [
        ({"lymphoma"}, {"lymphoma"}, True),
        ({"follicular lymphoma"}, {"lymphoma"}, True),  # the title says which
        ({"lymphoma"}, {"follicular lymphoma"}, False),
        ({"lymphoma", "multiple myeloma"}, {"lymphoma"}, False),
        ({"lymphoma"}, {"lymphoma", "multiple myeloma"}, False),
        (set(), set(), True),
    ],
)
def test_what_counts_as_right(found: set[str], stated: set[str], right: bool) -> None:
    assert _fits(found, stated, ONTOLOGY) is right


def test_a_trial_counts_if_each_of_its_conditions_has_a_label() -> None:
    meant = {
        hashlib.sha256(text.encode()).hexdigest(): ("frequent", 3, concepts)
        for text, concepts in {
            "Lymphoma": ("lymphoma",), "FL": ("follicular lymphoma",), "MM": ("multiple myeloma",)
        }.items()
    }  # fmt: skip

    def stated(*conditions: str) -> set[str] | None:
        sections = {f"conditions[{n}]": text for n, text in enumerate(conditions)}
        example = Example("t", Trial(id="t", sections=sections), {}, "x", "x")
        return _stated(example, meant, ONTOLOGY)

    assert stated("Lymphoma", "FL", "MM") == {"follicular lymphoma", "multiple myeloma"}
    assert stated("Lymphoma", "Zorblax Fever") is None
    assert stated() is None
