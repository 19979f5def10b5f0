"""The diseases as a tree: what stands above a concept, its group, its organ system, its ids.

`lexicons/diseases.csv` is the only source. `parent` gives the one path on which trials are reported
(hematological disease, hematological malignancy, lymphoid malignancy, lymphoma …); `also` names further
broader concepts, so that lupus nephritis counts as lupus and as a kidney disease. A concept that the table
does not know (of older records, say) has no ancestors, group or ids, and is no fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from typing import NamedTuple

from cart_nlp.lexicon import Concept, Lexicon, LexiconError, load

LABEL = "disease"
PREFIXES = {"doid": "", "ncit": "NCIT:", "oncotree": "ONCOTREE:"}
"""Column of ids -> what is put before an id in records."""


class _Node(NamedTuple):
    parents: tuple[str, ...]
    group: str
    system: str
    ids: tuple[str, ...]


def _node(concept: Concept) -> _Node:
    fields = concept.fields
    above = (*concept.values("parent"), *concept.values("also"))
    ids = tuple(f"{prefix}{value}" for column, prefix in PREFIXES.items() for value in concept.values(column))
    return _Node(tuple(dict.fromkeys(above)), fields.get("group", ""), fields.get("system", ""), ids)


class Ontology:
    """Answers about the diseases of a lexicon; built once, immutable.

    Raises LexiconError if a row names a parent that is no disease, or if a disease is its own ancestor.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self._concepts = {name: c for (label, name), c in lexicon.concepts.items() if label == LABEL}
        self._nodes: Mapping[str, _Node] = {name: _node(c) for name, c in self._concepts.items()}
        self._above: dict[str, tuple[str, ...]] = {}
        for name in self._nodes:
            self._collect(name, ())

    def _collect(self, name: str, below: tuple[str, ...]) -> tuple[str, ...]:
        if name in below:
            chain = " → ".join((*below[below.index(name) :], name))
            raise LexiconError(f"{self._concepts[name].row}: {chain} is a circle; correct a parent")
        known = self._above.get(name)
        if known is None:
            found: dict[str, None] = {}
            for parent in self._nodes[name].parents:
                if parent not in self._nodes:
                    row = self._concepts[name].row
                    raise LexiconError(f"{row}: {parent!r} above {name!r} is no disease; add its row")
                found[parent] = None
                found.update(dict.fromkeys(self._collect(parent, (*below, name))))
            known = self._above[name] = tuple(found)
        return known

    def __contains__(self, concept: str) -> bool:
        return concept in self._nodes

    def parent(self, concept: str) -> str | None:
        """The concept above it on the reporting path; None for a root and for what is not known."""
        node = self._concepts.get(concept)
        above = node.values("parent") if node else ()
        return above[0] if above else None

    def ancestors(self, concept: str) -> tuple[str, ...]:
        """All concepts above it, by any parent, nearest first along each path; itself left out."""
        return self._above.get(concept, ())

    def path(self, concept: str) -> tuple[str, ...]:
        """The reporting path from the root to the concept itself."""
        path = [concept]
        while (above := self.parent(path[-1])) is not None:
            path.append(above)
        return tuple(reversed(path))

    def group(self, concept: str) -> str:
        """hematological, solid, autoimmune, infectious or other; empty where the concept fits several."""
        node = self._nodes.get(concept)
        return node.group if node else ""

    def organ_system(self, concept: str) -> str:
        """The system of the concept or of the nearest one above it on its path (lymphoid, digestive …)."""
        step: str | None = concept
        while step is not None:
            if (node := self._nodes.get(step)) and node.system:
                return node.system
            step = self.parent(step)
        return ""

    def ids(self, concept: str) -> tuple[str, ...]:
        """Its ids as `DOID:…`, `NCIT:C…`, `ONCOTREE:…`, in that order."""
        node = self._nodes.get(concept)
        return node.ids if node else ()

    def ids_of(self, concepts: Iterable[str]) -> tuple[str, ...]:
        """The ids of several concepts, concept by concept in alphabetical order, each id once."""
        return tuple(dict.fromkeys(an_id for concept in sorted(concepts) for an_id in self.ids(concept)))

    def rolls_up_to(self, concept: str, ancestor: str) -> bool:
        """Whether a trial of `concept` counts as one of `ancestor`: the same concept, or one below it."""
        return concept == ancestor or ancestor in self.ancestors(concept)

    def most_specific(self, concepts: Iterable[str]) -> tuple[str, ...]:
        """The concepts without those that another of them implies; sorted."""
        given = set(concepts)
        implied = {above for concept in given for above in self.ancestors(concept)}
        return tuple(sorted(given - implied))

    @cached_property
    def below(self) -> Mapping[str, tuple[str, ...]]:
        """Concept -> every concept that rolls up to it, itself first; sorted otherwise."""
        table: dict[str, list[str]] = {name: [] for name in self._nodes}
        for name, above in self._above.items():
            for ancestor in above:
                table[ancestor].append(name)
        return {name: (name, *sorted(found)) for name, found in table.items()}


@cache
def shipped() -> Ontology:
    """The ontology of the shipped lexicons, for readers of records."""
    return Ontology(load())
