"""How sure each field of the record is, silence included: calibrated probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spacy.language import Language
from spacy.util import filter_spans

from cart_nlp.schema import INCLUDED
from cart_nlp.scoring.calibration import calibrated
from cart_nlp.scoring.weighted import Weighted
from cart_nlp.signals.doc import brief, decided
from cart_nlp.signals.reading import MENTIONS

if TYPE_CHECKING:
    from spacy.tokens import Doc

BY_DOUBTS = ("disease_group", "indications")
"""Fields without a scorer of their values: how often they are right, by the signals of what is doubtful."""


@Language.factory("cart_confidence", assigns=["doc._.cart", "doc.ents"])
class Confidence(Weighted):
    """Writes the confidence of each field, and `doc.ents`: the mentions that do not overlap."""

    def __call__(self, doc: Doc) -> Doc:
        state = decided(doc)
        state["confidence"] = self.of(state)
        if MENTIONS in doc.spans and not brief(doc):
            # Of a product's name and what it spells, the product is the entity.
            spans = sorted(doc.spans[MENTIONS], key=lambda span: span.id_.startswith("product:"))
            doc.set_ents(filter_spans(spans), default="unmodified" if doc.ents else "outside")
        return doc

    def of(self, state: dict[str, Any]) -> dict[str, float]:
        """The confidence of the fields that were decided."""
        table = self.linear("calibration")
        included = state.get("car_trial") in INCLUDED
        raw = {"car_trial": state.get("car_sure", 1.0)} | (state.get("sure", {}) if included else {})
        sure = {name: calibrated(table, name, value) for name, value in raw.items()}
        if included:
            scorers = {name: self.linear(name) for name in BY_DOUBTS}
            doubts = state.get("doubts", ())
            sure |= {name: scorer.probability(doubts) for name, scorer in scorers.items() if scorer}
            focus = self.linear("focus")
            told = state.get("focus_doubts", ())
            sure["focus"] = focus.probability(told) if focus else sure["car_trial"]
        return {name: round(value, 3) for name, value in sorted(sure.items())}
