"""The ruler of the lexicons: finds every name of the vocabulary, and takes over what other rulers found."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import srsly
from spacy.language import Language
from spacy.tokens import Doc

from cart_nlp import lexicon as lexicons
from cart_nlp.lexicon import LABELS, Concept, Lexicon, Term
from cart_nlp.signals.doc import write_mentions
from cart_nlp.signals.numbers import numbered
from cart_nlp.signals.reading import Mention, page_of
from cart_nlp.text import fold, lower, spellings
from cart_nlp.vocabulary import Vocabulary, vocabulary

_LABELS = frozenset(LABELS.values())
_FIELD_LABELS = {"": "antigen", "targets": "antigen", "edits": "edit"}
"""Field that a product's name may spell → label of the mention; the others are named alike."""


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
        self._own: Vocabulary | None = None
        self._spelled = lru_cache(maxsize=4096)(self._spells)

    @property
    def vocabulary(self) -> Vocabulary:
        """The compiled lexicons: those of a saved model, else the shipped ones with the layers on top.

        They are read when first asked for: a saved model needs no other lexicons, nor the layers' folders.
        """
        if self._own is None:
            self._use(vocabulary(self.layers))
        assert self._own is not None
        return self._own

    def _use(self, known: Vocabulary) -> None:
        self._own = known
        self._spelled.cache_clear()

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that a mention may have."""
        return tuple(sorted(_LABELS))

    @property
    def patterns(self) -> list[dict[str, str]]:
        """All names in the form of spaCy's entity ruler: label, pattern (one spelling), id (concept)."""
        return list(patterns(self.vocabulary.lexicon))

    def add_patterns(self, patterns: Iterable[dict[str, Any]]) -> None:
        """Add names in the form of spaCy's entity ruler.

        `pattern` is a string, `id` the concept (else the string). Raises ValueError for a label that no
        component reads, and for a token pattern: give those to a span_ruler before this component.
        """
        new = [dict(pattern) for pattern in patterns]
        for pattern in new:
            if pattern["label"] not in _LABELS:
                raise ValueError(
                    f"{self.name}: label {pattern['label']!r} is none of {', '.join(self.labels)}"
                )
            if not isinstance(pattern["pattern"], str):
                raise ValueError(
                    f"{self.name}: {pattern['pattern']!r} is a token pattern; a span_ruler takes it"
                )
        self.added += new
        lexicon = self.vocabulary.lexicon
        terms = [_term(lexicon, pattern) for pattern in new]
        self._use(Vocabulary(lexicon.with_terms(terms)))

    def __call__(self, doc: Doc) -> Doc:
        """Find the mentions of a Doc."""
        page = page_of(doc)
        text, low = page.text, page.low
        found = self.vocabulary.terms(text, low)
        found += self._of_rulers(doc)
        found += self._spelled_by_products(low, found)
        products = [m for m in found if m.label == "product"]
        numbers = numbered(self.vocabulary.lexicon, low, found)
        found += [m for m in numbers if not self._told_otherwise(m, products)]
        write_mentions(doc, found)
        return doc

    def _of_rulers(self, doc: Doc) -> Iterator[Mention]:
        """What rulers before this one found, under any of the keys and as entities."""
        spans = [span for key in self.ruler_keys if key in doc.spans for span in doc.spans[key]]
        for span in (*spans, *doc.ents):
            if span.label_ in _LABELS:
                concept = span.kb_id_ or span.id_ or getattr(span, "ent_id_", "") or span.text
                yield Mention(span.start_char, span.end_char, span.label_, concept, "ruler")

    def _spelled_by_products(self, low: str, found: Iterable[Mention]) -> Iterator[Mention]:
        """What the names of products spell out: CTL019 says CD19, iC9-GD2 an inducible caspase 9."""
        for mention in list(found):
            if mention.label != "product":
                continue
            row = self.vocabulary.lexicon.get("product", mention.concept)
            for part in row.values("spells") if row else ():
                field, _, value = part.rpartition("=")
                label = _FIELD_LABELS.get(field, field)
                if self._spelled(low[mention.start : mention.end], label, value):
                    yield Mention(mention.start, mention.end, label, value, "product:" + mention.concept)

    def _spells(self, printed: str, label: str, value: str) -> bool:
        """Whether the printed form spells a value: "CTL019" says CD19, "Kymriah" does not."""
        squeezed = _squeeze(printed)
        row = self.vocabulary.lexicon.get(label, value)
        short = {_squeeze(form) for form in (value, *(row.forms if row else ()))}
        if value.startswith(tuple(self.vocabulary.lexicon.words("name_number"))):
            short.add(re.sub(r"\D", "", value))
        letters = re.sub(r"[^a-z]", "", value.lower())
        return (
            any(len(form) > 1 and form in squeezed for form in short)
            or (len(letters) > 3 and letters[:4] in squeezed)
            or (label == "generation" and value + "s" in squeezed)
        )

    def _told_otherwise(self, mention: Mention, products: Iterable[Mention]) -> bool:
        """Whether a number stands in the name of a product that is known to bind another antigen."""
        for product in products:
            if product.start <= mention.start and mention.end <= product.end:
                row = self.vocabulary.lexicon.get("product", product.concept)
                targets = row.values("targets") if row else ()
                if targets and mention.concept not in targets:
                    return True
        return False

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write the lexicons, and the added names as the entity ruler's JSONL."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.vocabulary.lexicon.files.items():
            target = folder / "lexicons" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        srsly.write_jsonl(folder / "patterns.jsonl", self.added)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Terms:
        """Read what `to_disk` wrote; a folder without lexicons leaves the ones at hand."""
        folder = Path(path)
        layers = sorted((folder / "lexicons").glob("*"))
        if layers:
            self._use(Vocabulary(lexicons.load(*layers, shipped=False)))
        if (folder / "patterns.jsonl").is_file():
            self.added = []
            self.add_patterns(srsly.read_jsonl(folder / "patterns.jsonl"))
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Everything `to_disk` writes, as bytes."""
        return bytes(srsly.msgpack_dumps({"files": dict(self.vocabulary.lexicon.files), "added": self.added}))

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> Terms:
        """Read what `to_bytes` gave."""
        content = srsly.msgpack_loads(data)
        with tempfile.TemporaryDirectory() as folder:
            for name, text in content["files"].items():
                target = Path(folder, "lexicons", name)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(text)
            srsly.write_jsonl(Path(folder, "patterns.jsonl"), content["added"])
            return self.from_disk(folder)


def _squeeze(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", lower(fold(text)))


def _term(lexicon: Lexicon, pattern: dict[str, Any]) -> Term:
    name = str(pattern.get("id") or pattern["pattern"])
    row = lexicon.get(pattern["label"], name) or Concept(pattern["label"], name, {}, "ruler")
    return Term(lower(fold(pattern["pattern"])), row, False, False)


def ruler_patterns(lexicon: Lexicon) -> Iterator[dict[str, Any]]:
    """The names and token patterns of a lexicon for spaCy's own rulers in any pipeline.

    In lower case, for a ruler with `phrase_matcher_attr="LOWER"`; a name that counts in one case alone
    is a pattern of one token, which compares its letters as they are. Guarded names are left out: a ruler has
    nothing to decide them with.
    """
    for term in lexicon.terms:
        if term.guarded or (term.exact and not term.text.isalnum()):
            continue
        for spelling in (term.text,) if term.exact else sorted(spellings(term.text)):
            pattern = [{"ORTH": spelling}] if term.exact else spelling
            yield {"label": term.concept.label, "pattern": pattern, "id": term.concept.name}
    yield from (dict(pattern.entry) for pattern in lexicon.patterns)


def patterns(lexicon: Lexicon) -> Iterator[dict[str, str]]:
    """The names of a lexicon, one spelling each, as an entity ruler reads them.

    Names that are ambiguous by themselves are left out: a ruler has nothing to decide them with.
    """
    for term in lexicon.terms:
        if not term.guarded:
            for spelling in sorted(spellings(term.text)):
                yield {"label": term.concept.label, "pattern": spelling, "id": term.concept.name}
