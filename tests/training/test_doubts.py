"""How sure diseases are: when a trial's indications count as right by the labels of its conditions."""

import hashlib

import pytest

from cart_nlp import lexicon
from cart_nlp.ontology import Ontology
from cart_nlp.schema import Trial
from cart_nlp.training.data import Example
from cart_nlp.training.doubts import _fits, _stated

ONTOLOGY = Ontology(lexicon.load())


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
