"""Which diseases the study population has: normalized indications, their ids and their groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from spacy.language import Language

from cart_nlp.conditions import Reader
from cart_nlp.ontology import LABEL, Ontology
from cart_nlp.population import LISTS, NAMES, SUMMARY, TITLES, Named, groups, population
from cart_nlp.schema import INCLUDED
from cart_nlp.scoring.weighted import Value
from cart_nlp.short_forms import definitions, occurrences
from cart_nlp.signals.doc import Component, decided
from cart_nlp.signals.mention import turns
from cart_nlp.signals.reading import Mention, Reading, Section
from cart_nlp.signals.units import single

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from cart_nlp.lexicon import Lexicon


@Language.factory("cart_diseases", requires=["doc.spans"], assigns=["doc._.cart"])
class Diseases(Component):
    """Writes indications and disease groups of a trial that is about CAR cells."""

    _known: tuple[Lexicon, Reader] | None = None

    def reader(self, lexicon: Lexicon) -> Reader:
        """The reader of conditions of a lexicon; built once."""
        if self._known is None or self._known[0] is not lexicon:
            self._known = lexicon, Reader(lexicon, Ontology(lexicon))
        return self._known[1]

    def __call__(self, doc: Doc) -> Doc:
        state = decided(doc)
        if state.get("car_trial") not in INCLUDED:
            return doc
        reading = self.reading(doc)
        lexicon = reading.vocabulary.lexicon
        reader = self.reader(lexicon)
        chosen, state["doubts"] = participants(reading, reader)
        state["values"]["indications"] = [_value(one.concept, one, lexicon) for one in chosen]
        state["values"]["disease_group"] = [
            _value(group, one, lexicon) for one in chosen for group in groups((one.concept,), reader.ontology)
        ]
        state["indication_ids"] = list(reader.ontology.ids_of({one.concept for one in chosen}))
        return doc


def participants(reading: Reading, reader: Reader) -> tuple[list[Named], list[str]]:
    """What the participants have, and the signals of how sure that is."""
    named = list(_named(reading, reader))
    chosen = population(named, reader.ontology, partial(_aside, reading))
    return chosen, sorted(doubts(reading, named, chosen, reader.ontology))


_WHERE = (("condition", frozenset(["conditions"])), ("title", TITLES), ("summary", SUMMARY | NAMES))
"""Name of a tier of sections → their kinds; the rest is `detail`."""


def doubts(
    reading: Reading, named: Sequence[Named], chosen: Sequence[Named], ontology: Ontology
) -> Iterator[str]:
    """Signals of how sure the participants' disease is: how many, from where, what was not understood."""
    found = groups((one.concept for one in chosen), ontology)
    yield f"groups={min(len(found), 2)}"
    yield f"diseases={min(len({one.concept for one in chosen}), 4)}"
    yield "from=" + _where({one.kind for one in chosen})
    if any(not ontology.group(one.concept) for one in chosen):
        yield "broad"
    if all(one.guarded for one in chosen):
        yield "guarded"
    yield from _unlike(found, named, ontology)
    yield from _conditions(reading, named)


def _where(kinds: set[str]) -> str:
    """The first part of the record that names what was chosen."""
    return next((name for name, tier in _WHERE if kinds & tier), "detail" if kinds else "nothing")


def _unlike(found: Sequence[str], named: Sequence[Named], ontology: Ontology) -> Iterator[str]:
    """Parts of the record that name a disease of another group than was chosen."""
    for name, kinds in _WHERE:
        told = groups((one.concept for one in named if one.kind in kinds), ontology)
        if set(told) - set(found):
            yield "other_group@" + name
        elif told:
            yield "same_group@" + name


def _conditions(reading: Reading, named: Sequence[Named]) -> Iterator[str]:
    """Conditions of which nothing is known, and whether there are any."""
    listed = [section for section in reading.sections if section.kind == "conditions"]
    known = {reading.section(one.start) for one in named if one.kind == "conditions"}
    if not listed:
        yield "no_condition"
    elif not known:
        yield "no_condition_known"
    elif len(known) < len(listed):
        yield "condition_unknown"


def _value(concept: str, one: Named, lexicon: Lexicon) -> Value:
    row = lexicon.get(LABEL, one.concept)
    return concept, one.start, one.end, row.row if row else "", "text", 1.0


def _named(reading: Reading, reader: Reader) -> Iterator[Named]:
    """The diseases that the sections name: lists and titles read as such, prose by its mentions."""
    mentions = [Named(m.start, m.end, m.concept, "", m.guarded) for m in reading.of(LABEL)]
    defined = definitions(reading.text, mentions)
    at = 0
    for section in reading.sections:
        first = at
        while at < len(mentions) and mentions[at].start < section.end:
            at += 1
        inside: Iterable[Named] = mentions[first:at]
        if section.kind in LISTS or (section.kind in TITLES and at > first):
            inside = _read(reading.raw, section, mentions[first:at], defined, reader)
        for one in inside:
            concept = defined.get(reading.text[one.start : one.end], one.concept) if defined else one.concept
            yield one._replace(concept=concept, kind=section.kind)


def _read(
    text: str, section: Section, mentions: list[Named], defined: dict[str, str], reader: Reader
) -> Iterator[Named]:
    """What a list of names or a title says, and mentions that this reading leaves out."""
    own = text[section.start : section.end]
    found = [*reader.read(own, listed=section.kind in LISTS), *occurrences(own, defined)]
    guarded = {one.concept for one in mentions if one.guarded}
    taken: set[int] = set()
    for start, end, concept in found:
        taken.update(range(section.start + start, section.start + end))
        yield Named(section.start + start, section.start + end, concept, section.kind, concept in guarded)
    yield from (one for one in mentions if taken.isdisjoint(range(one.start, one.end)))


def _aside(reading: Reading, one: Named) -> bool:
    """Whether the words around a disease make it a complication, a vaccine's or a code's."""
    unit = single(reading, Mention(one.start, one.end, LABEL, one.concept, ""))
    return bool(turns(reading, unit) & {"disease_aside", "disease_aside_right"})
