"""Which diseases the study population has: normalized indications, their ids and their groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from spacy.language import Language
from spacy.tokens import Doc

from cart_nlp.conditions import Reader, exceptions
from cart_nlp.lexicon import Lexicon
from cart_nlp.ontology import LABEL, Ontology
from cart_nlp.population import LISTS, NAMES, SUMMARY, TITLES, Named, groups, population
from cart_nlp.scoring.weighted import Value
from cart_nlp.short_forms import definitions, occurrences
from cart_nlp.signals.doc import Component, decided, included
from cart_nlp.signals.mention import turns
from cart_nlp.signals.reading import Mention, Reading, Section
from cart_nlp.signals.units import single
from cart_nlp.vocabulary import RULER

_WHERE = (("condition", frozenset(["conditions"])), ("title", TITLES), ("summary", SUMMARY | NAMES))
"""Name of a tier of sections → their kinds; the rest is `detail`."""
_ASIDE = frozenset(["disease_aside", "disease_aside_right"])


@Language.factory("cart_diseases", requires=["doc.spans"], assigns=["doc._.cart"])
class Diseases(Component):
    """Writes indications and disease groups of a trial that is about CAR cells."""

    _known: tuple[Lexicon, Reader] | None = None
    """The reader of conditions of a lexicon; built once."""

    def __call__(self, doc: Doc) -> Doc:
        state = decided(doc)
        if not included(state):
            return doc
        reading = self.reading(doc)
        lexicon = reading.vocabulary.lexicon
        if self._known is None or self._known[0] is not lexicon:
            self._known = lexicon, Reader(lexicon, Ontology(lexicon))
        reader = self._known[1]
        chosen, state["doubts"] = participants(reading, reader)
        values = state.setdefault("values", {})
        values["indications"] = [_value(one.concept, one, lexicon) for one in chosen]
        values["disease_group"] = [
            _value(group, one, lexicon) for one in chosen for group in groups((one.concept,), reader.ontology)
        ]
        state["indication_ids"] = list(reader.ontology.ids_of({one.concept for one in chosen}))
        return doc


def participants(reading: Reading, reader: Reader) -> tuple[list[Named], list[str]]:
    """What the participants have, and the signals of how sure that is."""
    named = list(_named(reading, reader))
    asides = [hit.start for hit in reading.cues if not _ASIDE.isdisjoint(hit.said.categories)]
    chosen = population(named, reader.ontology, partial(_aside, reading, asides))
    return chosen, sorted(doubts(reading, named, chosen, reader.ontology))


def doubts(
    reading: Reading, named: Sequence[Named], chosen: Sequence[Named], ontology: Ontology
) -> Iterator[str]:
    """Signals of how sure the participants' disease is: how many, from where, what was not understood."""
    concepts, kinds = {one.concept for one in chosen}, {one.kind for one in chosen}
    found = groups(concepts, ontology)
    yield f"groups={min(len(found), 2)}"
    yield f"diseases={min(len(concepts), 4)}"
    yield "from=" + next((name for name, tier in _WHERE if kinds & tier), "detail" if kinds else "nothing")
    if not all(map(ontology.group, concepts)):
        yield "broad"
    if all(one.guarded for one in chosen):
        yield "guarded"
    for name, tier in _WHERE:
        if told := groups((one.concept for one in named if one.kind in tier), ontology):
            yield ("same_group@" if set(told).issubset(found) else "other_group@") + name
    yield from _conditions(reading, named)


def _conditions(reading: Reading, named: Sequence[Named]) -> Iterator[str]:
    """Conditions of which nothing is known, and whether there are any."""
    listed = sum(section.kind == "conditions" for section in reading.sections)
    known = {reading.section(one.start) for one in named if one.kind == "conditions"}
    if not listed:
        yield "no_condition"
    elif len(known) < listed:
        yield "condition_unknown" if known else "no_condition_known"


def _value(concept: str, one: Named, lexicon: Lexicon) -> Value:
    row = lexicon.get(LABEL, one.concept)
    return concept, one.start, one.end, row.row if row else "", "text", 1.0


def _named(reading: Reading, reader: Reader) -> Iterator[Named]:
    """The diseases that the sections name: lists and titles read as such, prose by its mentions."""
    defined = definitions(reading.text, reading.of(LABEL))
    for section in reading.sections:
        mentions = [one for one in reading.inside(section.start, section.end) if one.label == LABEL]
        as_list = section.kind in LISTS or (section.kind in TITLES and mentions)
        found = _read(reading.raw, section, mentions, defined, reader) if as_list else mentions
        for one in found:
            concept = defined.get(reading.text[one.start : one.end], one.concept) if defined else one.concept
            yield Named(one.start, one.end, concept, section.kind, one.guarded)


def _read(
    text: str, section: Section, mentions: list[Mention], defined: dict[str, str], reader: Reader
) -> list[Named | Mention]:
    """What a list of names or a title says; all names are read by `reader`, but not what a ruler finds."""
    own, at = text[section.start : section.end], section.start
    guarded = {one.concept for one in mentions if one.guarded}
    names = (*reader.read(own, listed=section.kind in LISTS), *occurrences(own, defined))
    read: list[Named | Mention] = [Named(at + s, at + e, c, "", c in guarded) for s, e, c in names]
    taken = {n for one in read for n in range(one.start, one.end)}
    read += [m for m in mentions if m.row == RULER and taken.isdisjoint(range(m.start, m.end))]
    passed = {n for start, end in exceptions(own) for n in range(at + start, at + end)}
    return [one for one in read if passed.isdisjoint(range(one.start, one.end))]


def _aside(reading: Reading, asides: Sequence[int], one: Named) -> bool:
    """Whether words around a disease make it a complication, a vaccine's or a code's; few trials have any."""
    unit = single(reading, Mention(one.start, one.end, LABEL, one.concept, ""))
    return any(unit.first <= at < unit.last for at in asides) and not _ASIDE.isdisjoint(turns(reading, unit))
