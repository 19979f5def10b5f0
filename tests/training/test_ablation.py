"""What is left out changes the records that rest on it, and no other; afterwards the pipeline is whole."""

from __future__ import annotations

import pytest
from spacy.language import Language

from cart_nlp import pipeline
from cart_nlp.schema import Trial
from cart_nlp.training.ablation import Bench, bench_of, difference, parts
from cart_nlp.training.data import Example

LABELS = {
    "car_trial": "product", "targets": ["CD19", "CD22"], "costim": ["4-1BB"], "cell_type": ["T"],
    "constructs": [{"targets": ["CD22", "CD19"], "format": "tandem"}], "disease_group": ["hematological"],
    "focus": "treatment",
}  # fmt: skip


@pytest.fixture(scope="module")
def nlp() -> Language:
    return pipeline.load()


@pytest.fixture(scope="module")
def bench(nlp: Language) -> Bench:
    sections = {
        "brief_title": "Tandem CD19/CD22 CAR-T cells in B-cell acute lymphoblastic leukemia",
        "brief_summary": "The CAR has a 4-1BB domain.",
    }
    example = Example("T1", Trial(id="T1", sections=sections), LABELS, "invented", "T1")
    return bench_of(nlp, [example], [Trial(id="T2", sections={"brief_title": "A drug for the heart"})])


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        (("component", "cart_constructs"), 3),
        (("component", "cart_attributes"), 2),
        (("component", "cart_abbreviations"), 0),
        (("cues", "tandem"), 1),
        (("cues", "tells_format"), 1),
        (("cues", "radiation"), 0),
        (("signals", "best"), 4),
        (("signals", "no such family"), 0),
    ],
)
def test_labeled_fields_that_rest_on_a_part_are_lost_without_it(
    bench: Bench, part: tuple[str, str], fields: int
) -> None:
    row = difference(bench, part)
    assert row["right_lost"] == fields
    assert row["changed"] == (fields > 0)
    assert (row["right_won"], row["others_changed"]) == (0, 0)
    assert difference(bench, ("component", "cart_abbreviations"))["changed"] == 0, (
        "the pipeline is whole again"
    )


def test_components_families_and_categories_are_parts(nlp: Language) -> None:
    found = parts(nlp)
    assert {("component", "cart_linker"), ("signals", "car"), ("cues", "prior")} <= set(found)
    assert len(found) == len(set(found))
    assert ("cues", "screen_cells") not in found, "only the text screen asks for it"
    assert ("signals", "prior") not in found, "a category of cues is left out with its rows"
