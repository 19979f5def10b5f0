"""Which diseases the study population has: normalized indications, their ids and their groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache, partial

from spacy.language import Language

from cart_nlp.components.context import near
from cart_nlp.components.state import Component, Hit, Section, State
from cart_nlp.components.store import lexicon_of
from cart_nlp.conditions import Reader
from cart_nlp.lexicon import Lexicon
from cart_nlp.ontology import LABEL, Ontology
from cart_nlp.population import LISTS, TITLES, Named, groups, population
from cart_nlp.short_forms import definitions, occurrences


@lru_cache(maxsize=4)
def reader_of(lexicons: tuple[str, ...]) -> Reader:
    """The reader of conditions of the shipped lexicons with a user's folders on top; built once a process."""
    lexicon = lexicon_of(lexicons)
    return Reader(lexicon, Ontology(lexicon))


@Language.factory("cart_diseases", default_config={"lexicons": []})
def make(nlp: Language, name: str, lexicons: list[str]) -> Diseases:
    """Create the component; `lexicons` are folders layered over the shipped ones."""
    folders = tuple(lexicons)
    return Diseases(reader_of(folders), lexicon_of(folders))


class Diseases(Component):
    """Writes indications and disease groups of a Doc."""

    def __init__(self, reader: Reader, lexicon: Lexicon) -> None:
        self.reader = reader
        self.lexicon = lexicon

    def apply(self, view: State) -> None:
        ontology = self.reader.ontology
        named = list(self._named(view))
        chosen = [self._hit(one) for one in population(named, ontology, partial(_aside, view))]
        view.values["indications"] = chosen
        view.values["disease_group"] = [
            Hit(h.start, h.end, "disease_group", group, h.rule, h.row)
            for h in chosen
            for group in groups((h.concept,), ontology)
        ]
        view.notes["indication_ids"] = ontology.ids_of({hit.concept for hit in chosen})

    def _named(self, view: State) -> Iterator[Named]:
        """The diseases that the sections name: lists and titles read as such, prose by its mentions."""
        mentions = [Named(h.start, h.end, h.concept, "", h.guarded) for h in view.of(LABEL)]
        defined = definitions(view.text, mentions)
        at = 0
        for section in view.sections:
            first = at
            while at < len(mentions) and mentions[at].start < section.end:
                at += 1
            inside: Iterable[Named] = mentions[first:at]
            if section.kind in LISTS or (section.kind in TITLES and at > first):
                inside = self._read(view, section, mentions[first:at], defined)
            for one in inside:
                concept = defined.get(view.text[one.start : one.end], one.concept) if defined else one.concept
                yield one._replace(concept=concept, kind=section.kind)

    def _read(
        self, view: State, section: Section, mentions: list[Named], defined: dict[str, str]
    ) -> Iterator[Named]:
        """What a list of names or a title says, and mentions that this reading leaves out."""
        text = view.original[section.start : section.end]
        found = [*self.reader.read(text, listed=section.kind in LISTS), *occurrences(text, defined)]
        guarded = {one.concept for one in mentions if one.guarded}
        taken: set[int] = set()
        for start, end, concept in found:
            taken.update(range(section.start + start, section.start + end))
            yield Named(section.start + start, section.start + end, concept, section.kind, concept in guarded)
        yield from (one for one in mentions if taken.isdisjoint(range(one.start, one.end)))

    def _hit(self, one: Named) -> Hit:
        row = self.lexicon.get(LABEL, one.concept)
        return Hit(one.start, one.end, LABEL, one.concept, row.row if row else "", row, one.guarded)


def _aside(view: State, one: Named) -> bool:
    """Whether the words around a disease say that participants need not have it."""
    before, after = near(view, one.start, one.end, 60, 30)
    return bool(view.cue("disease.aside").search(before) or view.cue("disease.aside_right").match(after))
