"""Condition strings, as registries write them, to concepts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cart_nlp import lexicon
from cart_nlp.conditions import Reader
from cart_nlp.disease_names import key
from cart_nlp.ontology import Ontology

LEXICON = lexicon.load()
READER = Reader(LEXICON, Ontology(LEXICON))


@pytest.mark.parametrize(
    ("condition", "concepts"),
    [
        # inverted
        ("Leukemia, Myeloid, Acute", "acute myeloid leukemia"),
        ("Lymphoma, Large B-Cell, Diffuse", "diffuse large B-cell lymphoma"),
        ("Carcinoma, Hepatocellular", "hepatocellular carcinoma"),
        ("Neoplasms, Ovarian", "ovarian cancer"),
        ("Leukaemia, Lymphoblastic, Acute, B-Cell", "B-cell acute lymphoblastic leukemia"),
        ("Sclerosis, Multiple; Arthritis, Rheumatoid", "multiple sclerosis | rheumatoid arthritis"),
        # a list is no inversion
        ("Leukemia, B-cell lymphoma", "B-cell lymphoma | leukemia"),
        ("Lymphoma, T-cell leukemia", "T-cell leukemia | lymphoma"),
        ("Hodgkin lymphoma, mantle cell lymphoma", "Hodgkin lymphoma | mantle cell lymphoma"),
        # qualifiers, also inside the name
        ("Relapsed/Refractory Stage III Grade 2 Follicular Lymphoma", "follicular lymphoma"),
        ("B-cell childhood acute lymphoblastic leukaemia, relapsed", "B-cell acute lymphoblastic leukemia"),
        ("Recurrent malignant neoplasm of the stomach", "gastric cancer"),
        # spelling
        ("Oesophageal Tumours", "esophageal cancer"),
        ("Haematological malignancies", "hematological malignancy"),
        ("ANCA-associated vasculitides", "ANCA-associated vasculitis"),
        ("Acute Lymphoblstic Leukemia", "acute lymphoblastic leukemia"),
        ("Sj&ouml;gren; Sjogren&#39;s Syndrome", "Sjogren syndrome"),
        ("Burkitt´s and Hodgkin’s lymphoma", "Burkitt lymphoma | Hodgkin lymphoma"),
        ("Large B-Cell Cell Lymphoma", "large B-cell lymphoma"),
        # abbreviations
        ("ALL", "acute lymphoblastic leukemia"),
        ("all", ""),
        ("Myeloma (MM)", "multiple myeloma"),
        ("Metastatic Melanoma (MM)", "melanoma"),
        ("Multiple Sclerosis (MS) - Relapsing-remitting", "relapsing-remitting multiple sclerosis"),
        ("Lymphoma (DLBCL)", "diffuse large B-cell lymphoma"),
        ("Breast cancer (MM)", "breast cancer"),
        (
            "Leukemia (PMBCL/MCL)",
            "leukemia | mantle cell lymphoma | primary mediastinal large B-cell lymphoma",
        ),
        ("PATIENTS WITH ALL DISEASES", ""),
        # coordination
        ("B-cell leukemia and lymphoma", "B-cell leukemia | B-cell lymphoma"),
        ("B- and T-cell lymphoma", "B-cell lymphoma | T-cell lymphoma"),
        ("Lung, breast or pancreatic cancer", "breast cancer | lung cancer | pancreatic cancer"),
        ("Multiple myeloma and lymphoma", "lymphoma | multiple myeloma"),
        # what is not meant
        ("Large B-cell lymphoma (excluding Burkitt lymphoma)", "large B-cell lymphoma"),
        ("B-cell lymphoma, excluding CLL and Burkitt lymphoma", "B-cell lymphoma"),
        ("B-cell lymphoma (Burkitt lymphoma excluded); Myeloma", "B-cell lymphoma | multiple myeloma"),
        ("B-ALL other than Ph+ ALL", "B-cell acute lymphoblastic leukemia"),
        ("Leukemia (excluded: lymphoma), myeloma", "leukemia | multiple myeloma"),
        ("HBV-related hepatocellular carcinoma", "hepatocellular carcinoma"),
        ("Non-Hodgkin disease of the node", ""),
        ("CAR-T injection", ""),
        ("CD19 positive", ""),
        ("", ""),
        # concepts that a table without a tree confused
        ("Chordoma", "chordoma"),
        ("Beta-thalassemia", "beta-thalassemia"),
        ("Pheochromocytoma", "pheochromocytoma"),
        ("EBV-positive lymphoma", "EBV-positive lymphoma"),
        ("Solid Malignant Tumors", "solid tumor"),
        ("Plasma cell neoplasm", "plasma cell neoplasm"),
        ("Ph-negative ALL", "acute lymphoblastic leukemia"),
        ("Ph+ ALL", "Philadelphia chromosome-positive acute lymphoblastic leukemia"),
        # the most specific stays
        ("Neoplasms; Lymphoma; Lymphoma, B-Cell", "B-cell lymphoma"),
        # Chinese
        ("复发难治性多发性骨髓瘤", "multiple myeloma"),
        ("急性B淋巴细胞白血病", "B-cell acute lymphoblastic leukemia"),
    ],
)
def test_what_a_condition_means(condition: str, concepts: str) -> None:
    assert " | ".join(READER.concepts(condition)) == concepts


@pytest.mark.parametrize(
    ("title", "concepts"),
    [
        ("CAR cells against lymphoma, T-cell depleted", ("lymphoma",)),
        ("T cells in B-cell leukemia and lymphoma", ("B-cell leukemia", "B-cell lymphoma")),
    ],
)
def test_a_title_inverts_nothing(title: str, concepts: tuple[str, ...]) -> None:
    assert READER.concepts(title, listed=False) == concepts


def test_offsets_are_those_of_the_words_that_name_it() -> None:
    text = "Recurrent Leukaemia, Myeloid, Acute; n/a"
    assert [text[found.start : found.end] for found in READER.read(text)] == ["Leukaemia, Myeloid, Acute"]


def test_every_name_is_read_as_its_concept() -> None:
    """A row's names mean the row, unless a word of them must not stand alone."""
    wrong = {}
    for term in LEXICON.terms:
        if term.concept.label == "disease":
            concepts = READER.concepts(term.text)
            if concepts != (term.concept.name,):
                wrong[term.text] = concepts
    assert wrong == {}


def _turned(name: str) -> list[str]:
    parts = name.replace(" cell ", "-cell ").split()
    return [", ".join([" ".join(parts[at:]), *reversed(parts[:at])]) for at in range(1, len(parts))]


NAMES = sorted(
    {
        term.concept.name
        for term in LEXICON.terms
        if term.concept.label == "disease"
        and term.text == term.concept.name.lower()
        and 2 <= len(term.text.split()) <= 5
        and term.text.replace(" ", "").replace("-", "").isalpha()
        and not {"of", "with", "and", "to", "without", "like"} & set(key(term.text))
    }
)


@given(st.sampled_from(NAMES), st.data())
def test_an_inverted_name_means_what_the_name_means(name: str, data: st.DataObject) -> None:
    """Or something under it: "leukemia, acute, lymphoblastic" never loses what it says."""
    form = data.draw(st.sampled_from(_turned(name)))
    assert any(READER.ontology.rolls_up_to(c, name) for c in READER.concepts(form)), form


@given(st.text(max_size=80))
def test_any_text_is_read_within_its_bounds(text: str) -> None:
    for found in READER.read(text):
        assert 0 <= found.start < found.end <= len(text)
        assert found.concept in READER.ontology


def test_a_long_hostile_text_stays_linear() -> None:
    assert READER.read("(A" * 20_000 + "lymphoma, " * 2_000 + "b cell " * 20_000)
