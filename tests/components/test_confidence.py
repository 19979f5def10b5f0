"""Confidences of a record: calibrated as they were measured, silence included."""

import json

import pytest
from spacy.language import Language

from cart_nlp import paths
from cart_nlp.pipeline import as_trial, tag_trial
from cart_nlp.scoring.calibration import calibrated
from cart_nlp.scoring.candidates import SILENT
from cart_nlp.scoring.linear import Linear

FILE = paths.model() / "cart_confidence" / "calibration.json"
TABLE = json.loads(FILE.read_text("utf-8"))


def test_every_calibrated_field_of_a_car_trial_has_one(nlp: Language) -> None:
    record = tag_trial(nlp, as_trial("CD19 CAR-T cells in lymphoma"))
    assert record.confidence.keys() == TABLE.keys() | {"constructs", "focus"}
    assert record.confidence["focus"] == record.confidence["car_trial"]


def test_a_trial_without_car_cells_has_that_of_its_level_alone(nlp: Language) -> None:
    assert tag_trial(nlp, as_trial("Aspirin against headache")).confidence.keys() == {"car_trial"}


@pytest.mark.parametrize("field", ["costim", "vector", "cell_source", "products"])
def test_silence_is_as_sure_as_it_was_in_cross_validation(nlp: Language, field: str) -> None:
    record = tag_trial(nlp, as_trial("CD19 CAR-T cells in lymphoma"))
    assert getattr(record, field) == ()
    assert record.confidence[field] == round(calibrated(Linear(TABLE), field, SILENT), 3) < 1
