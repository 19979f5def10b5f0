"""The role of every antigen in single sentences, several for each role."""

import pytest
from own_texts import Sections, roles
from spacy.language import Language

SENTENCES: list[Sections] = [
    "[CD19|target] CAR-T cells in B-cell lymphoma",
    {"brief_title": "CAR-T cells targeting [BCMA|target] in myeloma"},
    {"brief_title": "Anti-[mesothelin|target] chimeric antigen receptor T cells"},
    {"brief_title": "[GPC3|target]-targeted CAR-T cells for liver cancer"},
    {"brief_title": "Safety of [CD19|target]/[CD22|target] CAR-T"},
    {"brief_summary": "We will give CAR-T cells that recognize [GD2|target]."},
    {"brief_summary": "The chimeric antigen receptor binds to the antigen [CLDN18.2|target]."},
    {"interventions[0].name": "anti-[CD7|target] CAR-T"},
    {"brief_title": "靶向[CD19|target]的嵌合抗原受体T细胞治疗淋巴瘤"},
    {"brief_title": "CAR-T cells in [CD19|disease_marker]+ leukemia"},
    {"brief_title": "CAR-T cells in [GPC3|disease_marker]-positive hepatocellular carcinoma"},
    {"brief_summary": "Expression of [CD22|disease_marker] on blasts is measured by flow."},
    {
        "brief_summary": "[CD19|target] CAR-T cells are given to patients with "
        "[CD20|disease_marker] positive lymphoma."
    },
    {"brief_summary": "Patients relapsed after prior [CD19|prior_therapy] CAR-T are treated."},
    {"brief_summary": "[CD22|target] CAR-T after failed [CD19|prior_therapy] CAR-T."},
    {"brief_title": "[CD7|target] CAR-T in patients previously exposed to anti-[CD5|prior_therapy] CAR-T"},
    {"brief_title": "[CD19|target] CAR-T Followed by [CD22|target] CAR-T for Relapsed Leukemia"},
    {"brief_title": "[BCMA|target] CAR-T Versus [GPRC5D|target] CAR-T for Relapsed Myeloma"},
    {"brief_title": "[CD20|target] CAR-T on Day 0 and [CD22|target] CAR-T on Day 14 in Lymphoma"},
    {"brief_summary": "[CD25|cell_marker] cells are depleted with magnetic beads."},
    {"brief_summary": "[CD2|cell_marker] cells are selected before transduction with the CAR."},
    {"brief_summary": "[CD25|cell_marker] T cells persist in the blood."},
    {"brief_summary": "CAR-T cells with [CD7|edit] knockout"},
    {"brief_title": "[CD22|target] CAR-T cells for [CD19|disease_marker]+ leukemia"},
    {"eligibility": "Tumor shows [HER2|disease_marker] by biopsy."},
    {"eligibility": "Patients who had [CD19|prior_therapy] targeted CAR-T"},
]


@pytest.mark.parametrize("sections", SENTENCES, ids=str)
def test_role(nlp: Language, sections: Sections) -> None:
    found, wanted = roles(nlp, sections)
    assert found == wanted


@pytest.mark.parametrize(
    ("sections", "words", "role"),
    [
        ({"brief_summary": "The CD7 gene knocked out CAR-T cells target CD5."}, "CD5", "target"),
        ({"brief_summary": "MSLN CAR-T cells secreting PD-1 nanobody"}, "MSLN", "target"),
    ],
)
def test_role_of_one(nlp: Language, sections: Sections, words: str, role: str) -> None:
    found, _ = roles(nlp, sections)
    assert [said for _, text, said in found if text == words] == [role]


def test_mentions_of_one_coordination_share_a_role(nlp: Language) -> None:
    found, _ = roles(nlp, "Prior CD19, CD20 and CD22 CAR-T excluded")
    assert [text for _, text, _ in found] == ["CD19", "CD20", "CD22"]
    assert len({role for _, _, role in found}) == 1
