"""Sentence bounds that fit registry text: lists, bullets, line breaks; a section always starts a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from spacy.attrs import IDX, SENT_START
from spacy.language import Language

from cart_nlp.signals.doc import Component, brief
from cart_nlp.signals.reading import page_of

if TYPE_CHECKING:
    from spacy.tokens import Doc


_INSIDE = np.uint64(2**64 - 1)
"""-1 as spaCy's arrays hold it: a token within a sentence."""


@Language.factory("cart_sentences", assigns=["token.is_sent_start", "doc.sents"])
class Sentences(Component):
    """Writes `doc.sents`."""

    def __call__(self, doc: Doc) -> Doc:
        if brief(doc):
            return doc
        places = doc.to_array([IDX]).astype(int)
        marks = np.full(len(doc), _INSIDE, dtype="uint64")
        at = np.searchsorted(places, page_of(doc).starts)
        marks[at[at < len(places)]] = 1
        marks[:1] = 1
        doc.from_array([SENT_START], cast(Any, marks.reshape(-1, 1)))
        return doc
