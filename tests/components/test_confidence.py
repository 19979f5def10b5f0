"""Confidences of a record: calibrated as they were measured, silence included."""

import json

import pytest
from spacy.language import Language

from cart_nlp import paths
from cart_nlp.components.confidence import BY_DOUBTS, Confidence
from cart_nlp.components.roles import MARKER, Told, elsewhere, markers_sure, told_of
from cart_nlp.components.study import focus_doubts
from cart_nlp.pipeline import as_trial, make_doc, tag_trial
from cart_nlp.schema import TAGGED_FIELDS, Trial
from cart_nlp.scoring.calibration import calibrated
from cart_nlp.scoring.candidates import SILENT
from cart_nlp.scoring.linear import Linear

FILE = paths.model() / "cart_confidence" / "calibration.json"
TABLE = json.loads(FILE.read_text("utf-8"))


def test_every_calibrated_field_of_a_car_trial_has_one(nlp: Language) -> None:
    record = tag_trial(nlp, as_trial("CD19 CAR-T cells in lymphoma"))
    assert record.confidence.keys() == TABLE.keys() | {"constructs", "focus", *BY_DOUBTS}
    assert set(record.confidence) == {"car_trial", "constructs", *TAGGED_FIELDS}, "no field goes without"


def test_the_focus_is_less_sure_where_the_trial_tells_of_another_purpose(nlp: Language) -> None:
    def told(title: str) -> list[str]:
        doc = nlp(make_doc(nlp, Trial(id="t", sections={"brief_title": title})))
        return list(doc._.cart["focus_doubts"])

    plain = told("CD19 CAR-T cells in lymphoma")
    other = told("CD19 CAR-T cells in lymphoma: quality of life")
    assert "product&treatment" in plain
    assert "product&focus_quality_of_life_or_cost@title" in set(other) - set(plain)
    assert focus_doubts("related", "other", ["n_car>=1", "type=observational"], 0.7) == [
        "related&other", "related&type=observational", "sure<1", "sure<2", "sure<4"
    ]  # fmt: skip
    component = Confidence(nlp, "cart_confidence")
    component.scorers.clear()
    state = {"car_trial": "product", "car_sure": 0.9, "focus_doubts": other}
    assert component.of(state)["focus"] == 0.9, "without weights of its own as sure as the level"
    doubt = {"": 2.0, "product&focus_quality_of_life_or_cost@title": -2.0}
    component.scorers["focus"] = Linear({"yes": doubt})
    assert component.of(state)["focus"] == 0.5 < component.of({**state, "focus_doubts": plain})["focus"]


def test_a_trial_without_car_cells_has_that_of_its_level_alone(nlp: Language) -> None:
    assert tag_trial(nlp, as_trial("Aspirin against headache")).confidence.keys() == {"car_trial"}


@pytest.mark.parametrize("field", ["costim", "vector", "cell_source", "products"])
def test_silence_is_as_sure_as_it_was_in_cross_validation(nlp: Language, field: str) -> None:
    record = tag_trial(nlp, as_trial("CD19 CAR-T cells in lymphoma"))
    assert getattr(record, field) == ()
    assert record.confidence[field] == min(round(calibrated(Linear(TABLE), field, SILENT), 3), 0.999)


def test_markers_are_as_sure_as_each_antigen_is_on_its_side() -> None:
    told = {
        (0, 4): Told("MSLN", MARKER, 0.6),
        (9, 13): Told("MSLN", MARKER, 0.9),
        (20, 24): Told("CD19", "target", 0.2),
    }
    assert markers_sure(told) == pytest.approx(0.9 * 0.8)
    assert markers_sure({}) == SILENT
    assert told_of("CD7", {"target": 0.3, MARKER: 0.5, "edit": 0.2}) == ("CD7", MARKER, 0.5)


def test_a_mention_hears_of_the_others_of_its_antigen() -> None:
    concepts = ["CD19", "CD19", "CD22", "CD19", "CD7"]
    found = ["target", "target", "edit", "prior_therapy", "target"]
    both = ["same=prior_therapy", "same=target"]
    assert elsewhere(concepts, found) == [both, both, [], ["same=target"], []]


def doubted(nlp: Language, **sections: str) -> set[str]:
    return set(nlp(make_doc(nlp, Trial(id="t", sections=sections)))._.cart["doubts"])


def test_what_is_doubtful_of_a_disease(nlp: Language) -> None:
    title = "CD19 CAR-T cells in lymphoma"
    plain = doubted(nlp, brief_title=title, **{"conditions[0]": "Lymphoma"})
    assert plain == {"groups=1", "diseases=1", "from=condition", "same_group@condition", "same_group@title"}
    unknown = {"conditions[0]": "Lymphoma", "conditions[1]": "Zorblax Fever"}
    assert "condition_unknown" in doubted(nlp, brief_title=title, **unknown)
    alone = doubted(nlp, brief_title=title, **{"conditions[0]": "Zorblax Fever"})
    assert {"no_condition_known", "from=title"} <= alone
    both = {"conditions[0]": "Lymphoma", "conditions[1]": "Lupus"}
    assert {"groups=2", "other_group@title"} - doubted(nlp, brief_title=title, **both) == {
        "other_group@title"
    }
    summary = doubted(nlp, brief_title="CD19 CAR-T cells", brief_summary="CAR-T cells for adults with lupus.")
    assert {"no_condition", "from=summary", "same_group@summary"} <= summary
    assert "from=nothing" in doubted(nlp, brief_title="CD19 CAR-T cells")


def test_a_disease_that_nobody_understood_is_less_sure(nlp: Language) -> None:
    title = "CD19 CAR-T cells in lymphoma"
    known, unknown = (
        tag_trial(nlp, Trial(id="t", sections={"brief_title": title, "conditions[0]": text}))
        for text in ("Lymphoma", "Zorblax Fever")
    )
    assert known.confidence["indications"] > 0.9 > unknown.confidence["indications"]
    assert 0.9 < known.confidence["disease_group"] < 1
