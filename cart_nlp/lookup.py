"""What a name resolves to and why: the concepts that it may mean, their rows, and the stops against it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from cart_nlp import paths
from cart_nlp.conditions import Reader
from cart_nlp.lexicon import Concept, Lexicon, load
from cart_nlp.lint.aliases import Alias, aliases, matched
from cart_nlp.lint.folders import readable
from cart_nlp.lint.tables import place
from cart_nlp.ontology import Ontology
from cart_nlp.text import fold, lower, spellings

NEAREST = 5
_MIN_SCORE = 60
FREE = "names it wherever it stands as a word; what it does there, the words around tell"
_SLOT = "it is bound to a CAR (anti-X, X-targeted, X CAR-T, CAR-T targeting X)"
GUARDS = {
    "antigen": _SLOT,
    "ligand": _SLOT,
    "product": "it is the study's product: in a title or intervention, or near a CAR word",
    "costim": "costimulation, signaling, zeta or domain stands near",
    "vector": "they speak of putting the gene in",
    "cell_source": "it stands before the product or its starting cells",
    "cell_type": "it carries the CAR",
    "edit": "a knock-out is said",
    "armoring": "it is said to be added to the cells",
    "safety_switch": "it is part of the study's product",
    "disease": "they make it a disease",
    "car": "they make it a receptor",
    "generation": "it is said of a CAR",
}
"""Label -> what the words around a guarded name must say to speak for it."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """One concept that a name may mean, and the row that says so."""

    concept: str
    label: str
    row: str
    kind: str
    alias: str
    needs: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class Stopped:
    """A stop against a name."""

    text: str
    blocks: str
    reason: str
    row: str


@dataclass(frozen=True, slots=True)
class Answer:
    """All that the lexicons say of a name."""

    name: str
    meanings: list[Meaning] = field(default_factory=list)
    stops: list[Stopped] = field(default_factory=list)
    nearest: list[tuple[str, str, str]] = field(default_factory=list)
    """Written alias, label, concept; only where there is no meaning."""

    def to_json(self) -> dict[str, Any]:
        """The answer as plain JSON types."""
        return asdict(self)


def look_up(name: str, layers: Sequence[Path] = ()) -> Answer:
    """Resolve a name by the shipped lexicons and a user's folders on top.

    Raises LexiconError if a lexicon cannot be used.
    """
    lexicon = load(*layers)
    folders = [paths.lexicons(), *layers]
    rows = [row for folder in folders for row in readable(folder) if not row.cell("remove")]
    asked = _forms(name)
    found: dict[tuple[str, str, str], Meaning] = {}
    for row in rows:
        concept = lexicon.get(row.label, row.name) if row.label else None
        if concept is None:
            continue
        for alias in aliases(row):
            if not asked.isdisjoint({alias.text, *alias.forms()}) and _stands(alias, concept):
                meaning = _meaning(alias, concept, name)
                found[meaning.label, meaning.concept, meaning.alias] = meaning
    standing = {(lower(stop.text), stop.blocks) for stop in lexicon.stops}
    stops = [
        Stopped(row.cell("text"), row.cell("blocks"), row.cell("reason"), place(row))
        for row in rows
        if row.path.stem == "stoplist"
        and (matched(row.cell("text")), row.cell("blocks")) in standing
        and _touches(matched(row.cell("text")), asked)
    ]
    read = [] if found else _as_condition(name, lexicon)
    found |= {(meaning.label, meaning.concept, meaning.alias): meaning for meaning in read}
    near = [] if found else _nearest(name, lexicon)
    meanings = sorted(found.values(), key=lambda m: (m.label, m.concept, m.alias != name, m.alias))
    return Answer(name, meanings, stops, near)


def _forms(name: str) -> set[str]:
    text = matched(name)
    forms = {text, re.sub(r"\s+", " ", text)}
    if text.endswith("s") and text[:-1][-1:].isalpha():
        forms.add(text[:-1])
    return forms


def _stands(alias: Alias, concept: Concept) -> bool:
    """Whether an alias of a row is still one after the layers above it."""
    names = (concept.values(column) for column in ("aliases", "narrower", "guarded"))
    still = {concept.name, *chain.from_iterable(names)}
    return alias.written in still


def _touches(stop: str, asked: set[str]) -> bool:
    """Whether a stop is the name, or holds it as words."""
    held = (rf"(?<![a-z0-9]){re.escape(each)}(?![a-z0-9])" for each in asked if each)
    return not asked.isdisjoint(spellings(stop)) or any(re.search(each, stop) for each in held)


def _meaning(alias: Alias, concept: Concept, name: str) -> Meaning:
    kind = "guarded" if alias.guarded else "free"
    kind += ", narrower" if alias.written in concept.values("narrower") else ""
    needs = f"names it only where the words around say so: {GUARDS[concept.label]}" if alias.guarded else FREE
    if alias.exact:
        kind += ", exact case"
        written = fold(alias.written.removeprefix("="))
        if re.sub(r"[ .-]", "", fold(name)) != re.sub(r"[ .-]", "", written):
            needs = f"only as {written!r} in just this case, which {name!r} is not; {needs}"
    return Meaning(
        concept.name, concept.label, place(alias.row), kind, alias.written, needs, _fields(concept)
    )


def _fields(concept: Concept) -> dict[str, str]:
    hidden = ("aliases", "guarded", "narrower", "name")
    return {key: value for key, value in concept.fields.items() if value and key not in hidden}


def _as_condition(name: str, lexicon: Lexicon) -> list[Meaning]:
    """The diseases that a name means in a list of conditions: spelled otherwise, inverted, qualified."""
    reader = Reader(lexicon, Ontology(lexicon))
    specific = reader.concepts(name)
    spelling = matched(name) in lexicon.folded
    needs = FREE if spelling else "is read in conditions and keywords"
    return [
        Meaning(
            *(concept.name, concept.label, concept.row, "read word by word", name[found.start : found.end]),
            needs,
            _fields(concept),
        )
        for found in reader.read(name)
        if found.concept in specific and (concept := lexicon.get("disease", found.concept))
    ]


def _nearest(name: str, lexicon: Lexicon) -> list[tuple[str, str, str]]:
    from rapidfuzz import fuzz, process

    terms = {term.text: term for term in lexicon.terms}
    best = process.extract(matched(name), terms.keys(), scorer=fuzz.ratio, limit=40, score_cutoff=_MIN_SCORE)
    # Names that differ in their digits are other names, however near: they come last.
    digits = re.sub(r"\D", "", name)
    ordered = sorted(best, key=lambda found: (re.sub(r"\D", "", found[0]) != digits, -found[1], found[0]))
    near: dict[tuple[str, str], str] = {}
    for text, *_ in ordered:
        concept = terms[text].concept
        near.setdefault((concept.label, concept.name), text)
    return [(text, label, concept) for (label, concept), text in list(near.items())[:NEAREST]]
