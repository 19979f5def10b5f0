"""Roles of antigen mentions: constructed sentences, several for each role."""

import pytest
from spacy.language import Language

from cart_nlp.components.roles import ROLES
from cart_nlp.components.state import state
from cart_nlp.pipeline import load, make_doc
from cart_nlp.schema import Trial

# Section, text, the role of each antigen as {canonical name: role}.
TABLE = [
    ("brief_title", "CD19 CAR-T cells in B-cell lymphoma", {"CD19": "target"}),
    ("brief_title", "CAR-T cells targeting BCMA in myeloma", {"BCMA": "target"}),
    ("brief_title", "Anti-mesothelin chimeric antigen receptor T cells", {"MSLN": "target"}),
    ("brief_title", "GPC3-targeted CAR-T cells for liver cancer", {"GPC3": "target"}),
    ("brief_title", "Safety of CD19/CD22 CAR-T", {"CD19": "target", "CD22": "target"}),
    ("brief_summary", "We will give CAR-T cells that recognize GD2.", {"GD2": "target"}),
    ("brief_summary", "The chimeric antigen receptor binds to the antigen CLDN18.2.", {"CLDN18.2": "target"}),
    ("interventions[0].name", "anti-CD7 CAR-T", {"CD7": "target"}),
    ("brief_title", "靶向CD19的嵌合抗原受体T细胞治疗淋巴瘤", {"CD19": "target"}),
    ("brief_title", "CAR-T cells in CD19+ leukemia", {"CD19": "disease_marker"}),
    ("brief_title", "CAR-T cells in GPC3-positive hepatocellular carcinoma", {"GPC3": "disease_marker"}),
    ("brief_summary", "Expression of CD22 on blasts is measured by flow.", {"CD22": "disease_marker"}),
    (
        "brief_summary",
        "CD19 CAR-T cells are given to patients with CD20 positive lymphoma.",
        {"CD19": "target", "CD20": "disease_marker"},
    ),
    ("brief_summary", "Patients relapsed after prior CD19 CAR-T are treated.", {"CD19": "prior_therapy"}),
    ("brief_summary", "CD22 CAR-T after failed CD19 CAR-T.", {"CD22": "target", "CD19": "prior_therapy"}),
    ("brief_title", "CD7 CAR-T in patients previously exposed to anti-CD5 CAR-T", {"CD5": "prior_therapy"}),
    ("brief_summary", "CD19 CAR-T has shown success in leukemia.", {"CD19": "background"}),
    ("brief_summary", "CD25 cells are depleted with magnetic beads.", {"CD25": "manufacturing"}),
    ("brief_summary", "CD2 cells are selected before transduction with the CAR.", {"CD2": "manufacturing"}),
    ("brief_summary", "CD25 T cells persist in the blood.", {"CD25": "cell_marker"}),
    ("eligibility", "Tumor shows HER2 by biopsy.", {"HER2": "eligibility"}),
    ("eligibility", "Patients who had CD19 targeted CAR-T", {"CD19": "eligibility"}),
    ("brief_summary", "The CD7 gene knocked out CAR-T cells target CD5.", {"CD5": "target"}),
    ("brief_summary", "CAR-T cells with CD7 knockout", {"CD7": "edit"}),
    ("brief_summary", "CAR-T cells with knocked out CD70", {"CD70": "edit"}),
    ("brief_summary", "Patients get CAR-T cells and a CD38 antibody.", {"CD38": "coadministered"}),
    ("brief_summary", "MSLN CAR-T cells secreting PD-1 nanobody", {"MSLN": "target"}),
    ("brief_title", "CD22 CAR-T cells for CD19+ leukemia", {"CD22": "target", "CD19": "disease_marker"}),
    ("brief_title", "Besides CD19, CD22 CAR-T", {"CD19": "prior_therapy", "CD22": "target"}),
]


@pytest.fixture(scope="module")
def nlp() -> Language:
    return load()


@pytest.mark.parametrize(("section", "text", "wanted"), TABLE)
def test_role(nlp: Language, section: str, text: str, wanted: dict[str, str]) -> None:
    trial = Trial(id="t", sections={section: text})
    view = state(nlp(make_doc(nlp, trial)))
    roles = {hit.concept: hit.role for hit in view.of("antigen") if hit.concept in wanted}
    assert roles == wanted


def test_every_role_is_a_known_one(nlp: Language) -> None:
    for section, text, _ in TABLE:
        view = state(nlp(make_doc(nlp, Trial(id="t", sections={section: text}))))
        assert {chain.role for chain in view.chains} <= set(ROLES)


def test_mentions_of_one_coordination_share_a_role(nlp: Language) -> None:
    view = state(nlp("Prior CD19, CD20 and CD22 CAR-T excluded"))
    assert len(view.chains) == 1
    assert [hit.concept for hit in view.chains[0].hits] == ["CD19", "CD20", "CD22"]
    assert {hit.role for hit in view.chains[0].hits} == {view.chains[0].role}
