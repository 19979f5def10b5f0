"""Forms of names and phrases that a blind sample of short registry records showed: one rule each."""

import pytest
from own_texts import stated
from spacy.language import Language

from cart_nlp.pipeline import tag_trial
from cart_nlp.schema import Record, Trial


def tagged(nlp: Language, title: str, **sections: str) -> Record:
    return tag_trial(nlp, Trial(id="t", sections={"brief_title": title, **sections}))


@pytest.mark.parametrize(
    ("title", "targets"),
    [
        ("CAR.70/IL15-transduced NK cells in leukemia", {"CD70"}),
        ("A study of UCART019 in lymphoma", {"CD19"}),
        ("CART019 in lymphoma", {"CD19"}),
        ("CAR-T 035 cells in lymphoma", set()),
    ],
)
def test_numbers_after_car(nlp: Language, title: str, targets: set[str]) -> None:
    assert stated(tagged(nlp, title), "targets") == targets


def test_a_code_is_no_antigen_beside_a_known_one(nlp: Language) -> None:
    title = "CLL-1/CD33 targeted LCAR-QMDR CAR-T cells in AML"
    assert stated(tagged(nlp, title), "targets") == {"CLL1", "CD33"}
    assert stated(tagged(nlp, "Anti-QMDR1 CAR-T cells in AML"), "targets") == {"QMDR1"}


def test_a_number_in_the_name_of_a_known_product_follows_its_row(nlp: Language) -> None:
    record = tagged(nlp, "CAR T-cells in myeloma", brief_summary="MLM-CAR44.1 T-cells are given.")
    assert record.targets == ("CD44v6",)


def test_an_outcome_tells_the_target_where_nothing_else_does(nlp: Language) -> None:
    record = tagged(
        nlp, "CAR-T cells in lymphoma", **{"primary_outcomes[0]": "Share of CD20-specific T cells"}
    )
    assert record.targets == ("CD20",)
    record = tagged(
        nlp, "CD19 CAR-T cells in lymphoma", **{"primary_outcomes[0]": "Share of CD20-specific T cells"}
    )
    assert record.targets == ("CD19",)


@pytest.mark.parametrize(
    ("title", "wanted"),
    [
        ("T cells expressing a 2nd or 3rd generation CD19 CAR", {"2", "3"}),
        ("T cells expressing a third generation CD19 CAR", {"3"}),
        ("CD19 CAR-T after second or third line therapy", set()),
    ],
)
def test_generations_joined_by_or(nlp: Language, title: str, wanted: set[str]) -> None:
    assert stated(tagged(nlp, title), "generation") == wanted


def test_cells_that_a_gene_is_put_into(nlp: Language) -> None:
    title = "CD19 CAR-T cells in lymphoma"
    text = "We attach the receptor to the participant's T cells."
    assert stated(tagged(nlp, title, brief_summary=text), "cell_source") == {"autologous"}
    text = "The cells are transferred to the patient."
    assert stated(tagged(nlp, title, brief_summary=text), "cell_source") == set()
