"""What was found, as spans for those who work with spaCy: `doc.spans["cart"]`, role in `span._.role`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spacy.language import Language
from spacy.tokens import Span

from cart_nlp.components.state import state

if TYPE_CHECKING:
    from spacy.tokens import Doc

SHOWN = frozenset(
    [
        "antigen",
        "ligand",
        "product",
        "costim",
        "vector",
        "cell_source",
        "cell_type",
        "edit",
        "armoring",
        "safety_switch",
        "disease",
        "generation",
    ]
)


@Language.factory("cart_spans")
def make(nlp: Language, name: str) -> Spans:
    """Create the component."""
    if not Span.has_extension("role"):
        Span.set_extension("role", default="")
    return Spans()


class Spans:
    """Writes the hits of a Doc to `doc.spans["cart"]`: label, concept as `kb_id_`, whole tokens."""

    def __call__(self, doc: Doc) -> Doc:
        view = state(doc)
        spans = []
        for hit in view.hits:
            if hit.label in SHOWN:
                span = doc.char_span(
                    hit.start, hit.end, label=hit.label, kb_id=hit.concept, alignment_mode="expand"
                )
                if span is not None:
                    if hit.role:
                        span._.role = hit.role
                    spans.append(span)
        doc.spans["cart"] = spans
        return doc
