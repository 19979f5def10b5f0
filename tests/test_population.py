"""Which diseases of a trial are its participants', by where they stand."""

import pytest

from cart_nlp.ontology import shipped
from cart_nlp.population import Named, groups, population

ONTOLOGY = shipped()


def of(*named: tuple[str, str]) -> list[str]:
    """The concepts that a trial keeps, given as (section, concept); a star marks a guarded name."""
    found = [
        Named(n, n + 1, concept.removesuffix("*"), kind, concept.endswith("*"))
        for n, (kind, concept) in enumerate(named)
    ]
    return [one.concept for one in population(found, ONTOLOGY)]


@pytest.mark.parametrize(
    ("named", "kept"),
    [
        # conditions and titles decide; a summary adds nothing to a precise one
        (
            [("conditions", "follicular lymphoma"), ("brief_summary", "multiple myeloma")],
            ["follicular lymphoma"],
        ),
        ([("conditions", "lymphoma"), ("brief_title", "mantle cell lymphoma")], ["mantle cell lymphoma"]),
        ([("eligibility", "psoriasis")], ["psoriasis"]),
        ([("brief_summary", "melanoma"), ("eligibility", "psoriasis")], ["melanoma"]),
        # a broad one is narrowed by the summary, and by nothing else
        (
            [("conditions", "solid tumor"), ("brief_summary", "gastric cancer"), ("eligibility", "melanoma")],
            ["gastric cancer"],
        ),
        ([("conditions", "solid tumor"), ("brief_summary", "multiple myeloma")], ["solid tumor"]),
        ([("conditions", "solid tumor"), ("eligibility", "melanoma")], ["solid tumor"]),
        ([("conditions", "cancer"), ("arms.description", "melanoma")], ["melanoma"]),
        ([("conditions", "cancer")], ["cancer"]),
        # ancestors are implied
        (
            [("conditions", "hematological malignancy"), ("conditions", "acute myeloid leukemia")],
            ["acute myeloid leukemia"],
        ),
        # infections beside a tumor
        ([("conditions", "lymphoma"), ("brief_title", "Epstein-Barr virus infection")], ["lymphoma"]),
        ([("conditions", "lymphoma"), ("conditions", "Epstein-Barr virus infection")], ["lymphoma"]),
        (
            [("conditions", "lymphoma"), ("conditions", "HIV infection*")],
            ["lymphoma", "HIV infection"],
        ),
        ([("conditions", "lymphoma"), ("brief_title", "hepatitis B*")], ["lymphoma"]),
        ([("conditions", "HIV infection*")], ["HIV infection"]),
        # what is of no group counts alone
        ([("conditions", "cytokine release syndrome"), ("conditions", "lymphoma")], ["lymphoma"]),
        ([("conditions", "cytokine release syndrome")], ["cytokine release syndrome"]),
        ([], []),
    ],
)
def test_what_the_participants_have(named: list[tuple[str, str]], kept: list[str]) -> None:
    assert of(*named) == kept


def test_an_aside_is_left_out() -> None:
    named = [Named(0, 1, "melanoma", "brief_title"), Named(2, 3, "psoriasis", "brief_title")]
    assert population(named, ONTOLOGY, lambda one: one.start == 2) == named[:1]


def test_groups_of_concepts() -> None:
    concepts = ["lymphoma", "melanoma", "cancer", "multiple myeloma"]
    assert groups(concepts, ONTOLOGY) == ("hematological", "solid")
