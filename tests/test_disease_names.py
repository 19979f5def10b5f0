"""Spellings that follow rules: British, plural, inverted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cart_nlp.disease_names import british, inverted, key, standard, unclaimed, variants, words


@pytest.mark.parametrize(
    ("name", "spelling"),
    [
        ("acute myeloid leukemia", "acute myeloid leukaemia"),
        ("solid tumor", "solid tumour"),
        ("esophageal cancer", "oesophageal cancer"),
        ("autoimmune hemolytic anemia", "autoimmune haemolytic anaemia"),
        ("hematologic malignancy", "haematological malignancies"),
        ("breast cancer", "breast neoplasm"),
        ("breast cancer", "neoplasm of the breast"),
        ("systemic vasculitis", "systemic vasculitides"),
        ("liver metastasis", "liver metastases"),
    ],
)
def test_regular_spellings(name: str, spelling: str) -> None:
    assert spelling in variants(name)
    assert key(british(name)) == key(name)


@pytest.mark.parametrize("name", ["all", "急性白血病", "sle", "breast cancer"])
def test_a_name_is_no_variant_of_itself(name: str) -> None:
    assert name not in variants(name)


def test_an_adjective_makes_no_cancer_of() -> None:
    assert not [form for form in variants("ovarian cancer") if " of " in form]


def test_a_name_of_another_concept_is_left_to_it() -> None:
    assert dict(unclaimed(["skin cancer", "skin tumor"])).keys().isdisjoint({"skin tumor", "skin cancer"})
    assert dict(unclaimed(["skin cancer"]))["skin tumor"] == "skin cancer"


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("acute myeloid leukemia", "leukemia, myeloid, acute"),
        ("diffuse large B-cell lymphoma", "lymphoma, large b-cell, diffuse"),
        ("diffuse large B-cell lymphoma", "lymphoma, diffuse large b cell"),
        ("B-cell chronic lymphocytic leukemia", "leukemia, lymphocytic, chronic, b-cell"),
        ("hepatocellular carcinoma", "carcinoma, hepatocellular"),
        ("rheumatoid arthritis", "arthritis, rheumatoid"),
    ],
)
def test_inverted_names(name: str, form: str) -> None:
    assert key(form) in inverted(name)


@pytest.mark.parametrize("name", ["cancer", "cancer of the breast", "leukemia/lymphoma", "白血病"])
def test_what_nobody_inverts(name: str) -> None:
    assert inverted(name) == frozenset()


def test_words_of_a_genitive_and_of_chinese() -> None:
    assert [word for word, _, _ in words("Hodgkin's; Crohn&#39;s, 白血病 Ph+")] == [
        *("Hodgkin", "Crohn", "白", "血", "病", "Ph", "+")
    ]


@given(st.text(max_size=40))
def test_offsets_of_words_point_into_the_text(text: str) -> None:
    for word, start, end in words(text):
        assert len(text[start:end]) == len(word) > 0


@given(st.text(alphabet="abcdehimnorstuöé", min_size=1, max_size=12))
def test_british_and_plural_forms_meet(word: str) -> None:
    assert standard(british(word)) in (standard(word), standard(british(standard(word))))
