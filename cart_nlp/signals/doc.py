"""What the components write to a Doc besides spans: registered extensions, all of them serializable."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cart_nlp.extensions import register
from cart_nlp.schema import INCLUDED
from cart_nlp.signals.reading import MENTIONS, Reading, read

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

    from cart_nlp.vocabulary import Vocabulary


register()


def decided(doc: Doc) -> dict[str, Any]:
    """What the components have decided so far; made empty by the first of them."""
    found: dict[str, Any] | None = doc._.cart
    if found is None:
        found = doc._.cart = {}
    return found


def included(state: Mapping[str, Any]) -> bool:
    """Whether a trial belongs in, by what is decided; one of which nothing is decided counts."""
    return state.get("car_trial", "product") in INCLUDED


def brief(doc: Doc) -> bool:
    """Whether only the record of a Doc is asked for: nobody will see its sentences, entities and roles."""
    return bool((doc._.cart_trial or {}).get("brief"))


class Component:
    """A component that reads Docs which the pipeline's cart_terms has seen."""

    def __init__(self, nlp: Language, name: str) -> None:
        self.nlp, self.name = nlp, name

    def reading(self, doc: Doc) -> Reading:
        """The Doc as the signals read it."""
        if MENTIONS in doc.spans:  # a cart_terms has seen it: under its usual name it is found fast
            with contextlib.suppress(KeyError, AttributeError):
                return read(doc, self.nlp.get_pipe("cart_terms").vocabulary)  # type: ignore[attr-defined]
        return read(doc, vocabulary_of(self.nlp, self.name))


def vocabulary_of(nlp: Language, name: str) -> Vocabulary:
    """The vocabulary of the pipeline's cart_terms; one line says what is missing where there is none."""
    for _, pipe in nlp.pipeline:
        found = getattr(pipe, "vocabulary", None)
        if found is not None and hasattr(pipe, "ruler_keys"):
            return found
    raise ValueError(
        f"{name}: the pipeline has no cart_terms before it; add it with nlp.add_pipe('cart_terms')"
    )
