"""How sure each field of the record is, silence included: calibrated probabilities."""

from __future__ import annotations

from typing import Any

import orjson
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import filter_spans

from cart_nlp.scoring.calibration import calibrated
from cart_nlp.scoring.weighted import Weighted
from cart_nlp.signals.doc import brief, decided, included
from cart_nlp.signals.names import COINED
from cart_nlp.signals.reading import MENTIONS, Mention
from cart_nlp.spans import write_mentions

BY_DOUBTS = {"disease_group": "doubts", "indications": "doubts", "focus": "focus_doubts"}
"""Field without a scorer of its values → the signals of what is doubtful: they tell how often it is right."""
_SUREST = 0.999
"""No value is certain, whatever rounding makes of it."""


@Language.factory("cart_confidence", assigns=["doc._.cart", "doc.ents"])
class Confidence(Weighted):
    """Writes how sure each field is, coined products as mentions, and beside others' entities our own."""

    def __call__(self, doc: Doc) -> Doc:
        state = decided(doc)
        state["confidence"] = self.of(state)
        if not brief(doc) and MENTIONS in doc.spans:
            named = state.get("values", {}).get("products", ())
            found = [Mention(v[1], v[2], "product", v[0], v[3].partition(";")[0]) for v in named]
            coined = [mention for mention in found if mention.row in COINED]
            if coined:
                write_mentions(doc, [*self.reading(doc).mentions, *coined])
            # Of a product's name and what it spells, the product is the entity.
            spans = sorted(doc.spans[MENTIONS], key=lambda span: span.id_.startswith("product:"))
            ours = {(span.start, span.end, span.label) for span in spans}
            theirs = [ent for ent in doc.ents if (ent.start, ent.end, ent.label) not in ours]
            taken = {token.i for ent in theirs for token in ent}
            free = [span for span in spans if taken.isdisjoint(range(span.start, span.end))]
            doc.set_ents([*theirs, *filter_spans(free)], default="outside")
        if not brief(doc):
            doc._.cart = orjson.loads(orjson.dumps(state))  # lists, as it comes back from bytes
        return doc

    def of(self, state: dict[str, Any]) -> dict[str, float]:
        """The confidence of the fields that were decided."""
        table = self.linear("calibration")
        told = "car_trial" in state
        sure = {"car_trial": calibrated(table, "car_trial", state.get("car_sure", 1.0))} if told else {}
        if included(state):
            raw = state.get("sure", {})
            sure |= {name: calibrated(table, name, value) for name, value in raw.items()}
            sure |= {"focus": sure["car_trial"]} if told else {}
            for name, doubts in BY_DOUBTS.items():
                if doubts in state and (scorer := self.linear(name)) is not None:
                    sure[name] = scorer.probability(state.get(doubts, ()))
        return {name: min(round(value, 3), _SUREST) for name, value in sorted(sure.items())}
