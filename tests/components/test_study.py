"""Level and focus of a trial: invented records, several for each kind of study."""

import pytest
from spacy.language import Language

from cart_nlp.pipeline import tag_trial
from cart_nlp.schema import Trial

NAME = "interventions[0].name"
OTHER = "interventions[1].name"
LABEL = "arms[0].label"
OUTCOME = "primary_outcomes[0]"
SUMMARY = "brief_summary"

# Why, sections, level, focus.
TABLE = [
    ("a title that gives", {"brief_title": "CD19 CAR-T cells in lymphoma"}, "product", "treatment"),
    ("no CAR at all", {"brief_title": "Ablation with the CARTO system"}, "no", None),
    (
        "car-t in small letters",
        {"brief_title": "PET in people treated with CD20 Car-t cells", NAME: "PET tracer"},
        "related",
        "biomarker_or_observational",
    ),
    (
        "an e before CAR T",
        {"brief_title": "Study of iX1 cells in myeloma", NAME: "iX1 BCMA eCAR T cells"},
        "product",
        "treatment",
    ),
    (
        "letters of an acronym beside the words in full",
        {"brief_title": "Walking program after CAR-T therapy, the ALSOCART study", NAME: "Walking"},
        "related",
        "treatment",
    ),
    (
        "observational summary",
        {
            "brief_title": "CAR-T treatment of lymphoma",
            SUMMARY: "This retrospective multicenter cohort study reviews the response.",
        },
        "related",
        "biomarker_or_observational",
    ),
    (
        "real-world use in the background alone",
        {
            "brief_title": "CD7 CAR-T cells in leukemia",
            SUMMARY: "In real-world applications CAR-T cells often fail. We give CD7 CAR-T cells.",
            NAME: "CD7 CAR-T cells",
        },
        "product",
        "treatment",
    ),
    (
        "observational in the eligibility alone",
        {
            "brief_title": "CD7 CAR-T cells in leukemia",
            NAME: "CD7 CAR-T cells",
            "eligibility": "Taking part in a non-interventional study is allowed.",
        },
        "product",
        "treatment",
    ),
    (
        "samples beside a drug",
        {
            "brief_title": "CAR-T cells for myelodysplasia",
            NAME: "Marrow and blood sampling",
            OTHER: "Fludarabine",
        },
        "product",
        "treatment",
    ),
    (
        "prevention of relapse is treatment",
        {"brief_title": "T cells for prevention of relapse", NAME: "CD30.CAR T cells"},
        "product",
        "treatment",
    ),
    (
        "prevention of a toxicity is not",
        {"brief_title": "Anakinra for prevention of fever after CAR-T cells", NAME: "Anakinra"},
        "related",
        "toxicity_management",
    ),
    (
        "a biomarker that assigns arms",
        {"brief_title": "Biomarker-guided umbrella trial in lung cancer", NAME: "DLL3 CAR-NK cells"},
        "product",
        "treatment",
    ),
    (
        "cohorts of a treatment trial",
        {"brief_title": "A multi-cohort study of QQ123 in lupus", NAME: "QQ123 CD19 CAR-T cells"},
        "product",
        "treatment",
    ),
    (
        "voice to watch for side effects",
        {
            "brief_title": "Voice to watch for side effects in people receiving CAR T cells",
            NAME: "Voice tasks",
        },
        "related",
        "toxicity_management",
    ),
    (
        "a drug before the cells, both listed",
        {
            "brief_title": "Phase 1 of Zetamab prior to CAR-T cells in lymphoma",
            NAME: "Zetamab",
            OTHER: "axicabtagene ciloleucel",
        },
        "related",
        "treatment",
    ),
    (
        "a drug added to cells under test",
        {
            "brief_title": "Zetamab plus CAR T cells in lymphoma",
            SUMMARY: "Both the CAR T cells and Zetamab are under test.",
            NAME: "Zetamab tablet",
            LABEL: "Zetamab and CAR T cells",
        },
        "product",
        "treatment",
    ),
    (
        "a virus added to cells that the study makes",
        {
            "brief_title": "Oncolytic virus in combination with HER2 CAR T cells",
            SUMMARY: "The CAR T cells are transduced with a retroviral vector.",
            NAME: "OV-77",
        },
        "product",
        "treatment",
    ),
    (
        "the setting of a study",
        {"brief_title": "Gut microbiome in CAR T-cell therapy"},
        "related",
        "biomarker_or_observational",
    ),
    (
        "the setting of a drug",
        {"brief_title": "Tocilizumab for fever during CAR-T treatment"},
        "related",
        "toxicity_management",
    ),
    ("cells for a use", {"brief_title": "CD19 CAR-T treatment in lupus"}, "product", "treatment"),
    (
        "a standard dose of the product",
        {"brief_title": "CD5 CAR-T cells in lymphoma", NAME: "Standard dose CD5 CAR-T cells"},
        "product",
        "treatment",
    ),
]


@pytest.mark.parametrize(
    ("sections", "level", "focus"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_level(nlp: Language, sections: dict[str, str], level: str, focus: str | None) -> None:
    record = tag_trial(nlp, Trial(id="t", sections=sections))
    assert (record.car_trial, record.focus) == (level, focus)


def test_a_stated_interventional_study_is_not_observational(nlp: Language) -> None:
    sections = {
        "brief_title": "CD5 CAR-T cells in lymphoma",
        SUMMARY: "Unlike an earlier retrospective study, this one gives the cells.",
    }
    record = tag_trial(nlp, Trial(id="t", sections=sections, study_type="INTERVENTIONAL"))
    assert record.car_trial == "product"
