"""The ruler of the lexicons: finds every name of the vocabulary, and takes over what other rulers found."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import srsly
from spacy.language import Language
from spacy.tokens import Doc

from cart_nlp import lexicon as lexicons
from cart_nlp.lexicon import LABELS, Concept, Term
from cart_nlp.signals.numbers import numbered
from cart_nlp.signals.reading import Mention, mentions_of, page_of
from cart_nlp.spans import write_mentions
from cart_nlp.text import bare_ascii, fold, lower
from cart_nlp.vocabulary import RULER, Vocabulary, vocabulary

_LABELS = frozenset(LABELS.values())
_FIELD_LABELS = {"": "antigen", "targets": "antigen", "edits": "edit"}
"""Field that a product's name may spell → label of the mention; the others are named alike."""

_NONPROPRIETARY = r"(?<![a-z])[a-z]{2,20}?<<name_inn>>(?![a-z])(?: [a-z]{2,20}<<name_inn_cells>>(?![a-z]))?"
"""An international nonproprietary name (INN) of a CAR product: "axicabtagene ciloleucel"."""


@Language.factory(
    "cart_terms",
    assigns=["doc.spans"],
    default_config={"lexicons": [], "ruler_keys": ["ruler", "cart_patterns"]},
)
def make(nlp: Language, name: str, lexicons: list[str], ruler_keys: list[str]) -> Terms:
    """Create the component.

    `lexicons`: folders layered over the shipped ones. `ruler_keys`: keys of `doc.spans` under which rulers
    before this one leave spans; a span whose label is one of ours becomes a mention like ours, its concept
    the span's `kb_id_`, else its `id_`, else its text.
    """
    return Terms(tuple(lexicons), name=name, ruler_keys=tuple(ruler_keys))


class Terms:
    """Writes all mentions of a Doc to `doc.spans["cart"]`: label, concept as `kb_id_`, row as `id_`."""

    def __init__(self, layers: tuple[str, ...], *, name: str, ruler_keys: tuple[str, ...]) -> None:
        self.name = name
        self.ruler_keys = ruler_keys
        self.layers = layers
        self.added: list[dict[str, str]] = []

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The compiled lexicons: those of a saved model, else the shipped ones with the layers on top.

        They are read when first asked for: a saved model needs no other lexicons, nor the layers' folders.
        """
        return vocabulary(self.layers)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that a mention may have."""
        return tuple(sorted(_LABELS))

    @property
    def patterns(self) -> list[dict[str, str]]:
        """The names in any case as `add_patterns` takes them: label, pattern (one spelling), id (concept)."""
        return [one for one in self.vocabulary.lexicon.for_rulers() if isinstance(one["pattern"], str)]

    def add_patterns(self, patterns: Iterable[dict[str, Any]]) -> None:
        """Add names in the form of spaCy's entity ruler.

        `pattern` is a string, `id` the concept (else the string). Raises ValueError for a label that no
        component reads, and for a token pattern: give those to a span_ruler before this component.
        """
        lexicon, terms = self.vocabulary.lexicon, []
        new = [dict(pattern) for pattern in patterns]
        for pattern in new:
            label, text = pattern["label"], pattern["pattern"]
            if label not in _LABELS:
                raise ValueError(f"{self.name}: label {label!r} is none of {', '.join(self.labels)}")
            if not isinstance(text, str):
                raise ValueError(f"{self.name}: {text!r} is a token pattern; a span_ruler takes it")
            name = str(pattern.get("id") or text)
            row = lexicon.get(label, name) or Concept(label, name, {}, RULER)
            terms.append(Term(lower(fold(text)), row, False, False))
        self.added += new
        self.vocabulary = Vocabulary(lexicon.with_terms(terms))

    def __call__(self, doc: Doc) -> Doc:
        """Find the mentions of a Doc."""
        page, lexicon = page_of(doc), self.vocabulary.lexicon
        found = [*self.vocabulary.terms(page.text, page.low), *self._of_rulers(doc)]
        found += self._nonproprietary(page.low, found)
        products = [
            (one, row)
            for one in found
            if one.label == "product" and (row := lexicon.get(one.label, one.concept)) is not None
        ]
        for product, row in products:
            found += self._spelled(page.low, product, row)
        # A number in the name of a product that is known to bind another antigen says nothing.
        bound = [(one.start, one.end, targets) for one, row in products if (targets := row.values("targets"))]
        found += [
            one
            for one in numbered(lexicon, page.low, found)
            if not any(s <= one.start and one.end <= e and one.concept not in named for s, e, named in bound)
        ]
        write_mentions(doc, found)
        return doc

    def _nonproprietary(self, low: str, found: Iterable[Mention]) -> list[Mention]:
        """Nonproprietary names of CAR cells that no row has: their stem tells what they are."""
        lexicon = self.vocabulary.lexicon
        if not any(stem in low for stem in lexicon.stems("name_inn")):
            return []
        known = {one.start for one in found if one.label == "product"}
        named = (match.span() for match in lexicon.expression(_NONPROPRIETARY, low=True).finditer(low))
        return [Mention(s, e, "product", low[s:e], "inn") for s, e in named if s not in known]

    def _of_rulers(self, doc: Doc) -> Iterator[Mention]:
        """What rulers before this one found, under any of the keys and as entities, or in an earlier pass."""
        if before := set(mentions_of(doc)):  # the entities that it made of them are no evidence
            yield from (one for one in before if one.row == RULER)
            doc.ents = [ent for ent in doc.ents if Mention.of(ent) not in before]
        spans = [span for key in self.ruler_keys if key in doc.spans for span in doc.spans[key]]
        for span in (*spans, *doc.ents):
            if span.label_ in _LABELS:
                concept = span.kb_id_ or span.id_ or getattr(span, "ent_id_", "") or span.text
                yield Mention(span.start_char, span.end_char, span.label_, concept, RULER)

    def _spelled(self, low: str, product: Mention, row: Concept) -> Iterator[Mention]:
        """What the printed name of a product spells out: CTL019 says CD19, Kymriah does not."""
        for part in row.values("spells"):
            field, _, value = part.rpartition("=")
            label = _FIELD_LABELS.get(field, field)
            if self._spells(bare_ascii(low[product.start : product.end]), label, value):
                yield product._replace(label=label, concept=value, row="product:" + product.concept)

    def _spells(self, squeezed: str, label: str, value: str) -> bool:
        """Whether a printed form says a value: by a form of it, its number or its first four letters."""
        row = self.vocabulary.lexicon.get(label, value)
        short = list(map(bare_ascii, (value, *(row.forms if row else ()))))
        if any(map(value.startswith, self.vocabulary.lexicon.words("name_number"))):
            short.insert(0, re.sub(r"\D", "", value))
        if any(len(form) > 1 and form in squeezed for form in short):
            return True
        letters = re.sub(r"[^a-z]", "", value.lower())
        return (len(letters) > 3 and letters[:4] in squeezed) or (
            label == "generation" and value + "s" in squeezed
        )

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write the lexicons, and the added names as the entity ruler's JSONL."""
        _write(Path(path), self.vocabulary.lexicon.files, self.added)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Terms:
        """Read what `to_disk` wrote; a folder without lexicons leaves the ones at hand."""
        folder = Path(path)
        if saved := lexicons.saved(folder / "lexicons", self.layers):
            self.vocabulary = Vocabulary(saved)
        if (folder / "patterns.jsonl").is_file():
            self.added = []
            self.add_patterns(srsly.read_jsonl(folder / "patterns.jsonl"))
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Everything `to_disk` writes, as bytes."""
        return bytes(srsly.msgpack_dumps({"files": dict(self.vocabulary.lexicon.files), "added": self.added}))

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> Terms:
        """Read what `to_bytes` gave."""
        with tempfile.TemporaryDirectory() as folder:
            _write(Path(folder), **srsly.msgpack_loads(data))
            return self.from_disk(folder)


def _write(folder: Path, files: Mapping[str, bytes], added: Iterable[dict[str, str]]) -> None:
    """Write what is saved of the component."""
    lexicons.write(folder / "lexicons", files)
    srsly.write_jsonl(folder / "patterns.jsonl", added)
