"""Named products of the study, and what is publicly known of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from spacy.language import Language

from cart_nlp.lexicon import Lexicon
from cart_nlp.schema import INCLUDED
from cart_nlp.scoring.candidates import certainty
from cart_nlp.scoring.weighted import Value, Weighted, stated
from cart_nlp.signals.doc import decided

if TYPE_CHECKING:
    from spacy.tokens import Doc

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
        if state.get("car_trial", "product") not in INCLUDED:  # a trial of which nothing is decided counts
            return doc
        reading = self.reading(doc)
        candidates = self.scored(reading, "products")
        found = stated(candidates, self.field("products"))
        state.setdefault("values", {})["products"] = found
        state.setdefault("sure", {})["products"] = certainty(candidates)
        state["known"] = known(reading.vocabulary.lexicon, found)
        return doc


def known(lexicon: Lexicon, products: Iterable[Value]) -> dict[str, list[Value]]:
    """What the lexicon knows of some products, by field, each with the words that name the product."""
    found: dict[str, list[Value]] = {}
    for concept, start, end, *_ in products:
        row = lexicon.get("product", concept)
        if row is None:
            continue
        for field in KNOWN:
            found.setdefault(field, []).extend(
                (value, start, end, row.row, "product", 0.9) for value in row.values(field)
            )
    return found
