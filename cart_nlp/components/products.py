"""Named products of the study, and what is publicly known of them."""

from __future__ import annotations

from spacy.language import Language
from spacy.tokens import Doc

from cart_nlp.scoring.candidates import certainty
from cart_nlp.scoring.weighted import Weighted, stated
from cart_nlp.signals.doc import decided, included

KNOWN = (
    "targets", "costim", "generation", "vector", "cell_source", "cell_type", "edits", "armoring",
    "safety_switch",
)  # fmt: skip
"""Columns of products.csv whose values become values of the record, `basis: product`."""


@Language.factory("cart_products", requires=["doc.spans"], assigns=["doc._.cart"])
class Products(Weighted):
    """Writes the products of a trial that is about CAR cells, and the values that are known of them."""

    def __call__(self, doc: Doc) -> Doc:
        state = decided(doc)
        if not included(state):
            return doc
        reading = self.reading(doc)
        lexicon = reading.vocabulary.lexicon
        candidates = self.scored(reading, "products")
        found = stated(candidates, self.field("products"))
        state.setdefault("values", {})["products"] = found
        state.setdefault("sure", {})["products"] = certainty(candidates)
        known = state["known"] = {}
        for concept, start, end, *_ in found:
            if row := lexicon.get("product", concept):
                for field in KNOWN:
                    values = [(value, start, end, row.row, "product", 0.9) for value in row.values(field)]
                    known.setdefault(field, []).extend(values)
        return doc
