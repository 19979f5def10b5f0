"""Which values a field may have: the lists of the schema, and the names of the lexicons with their ids."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, cached_property
from typing import get_args

from cart_nlp.curation.decisions import FIELDS
from cart_nlp.lexicon import WITHOUT_ROW, Lexicon, load
from cart_nlp.ontology import Ontology
from cart_nlp.schema import DISEASE_GROUPS, GENERATIONS, CarTrial, Focus
from cart_nlp.text import fold, lower

CLOSED: dict[str, tuple[str, ...]] = {
    "car_trial": get_args(CarTrial),
    "focus": get_args(Focus),
    "generation": tuple(map(str, GENERATIONS)),
    "disease_group": DISEASE_GROUPS,
}
"""Field -> the only values that it takes."""

LABELS = {
    "targets": "antigen",
    "disease_markers": "antigen",
    "products": "product",
    "costim": "costim",
    "vector": "vector",
    "cell_source": "cell_source",
    "cell_type": "cell_type",
    "edits": "edit",
    "armoring": "armoring",
    "safety_switch": "safety_switch",
    "indications": "disease",
}
"""Field -> label of the lexicon rows that its values come from; others are taken with a warning."""
NEAREST = 3
_NEAR_ENOUGH = 60


class Names:
    """The values that are known, of the shipped lexicons and a user's folders on top."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon

    @cached_property
    def _canonical(self) -> Mapping[str, Mapping[str, str]]:
        """Label -> spelling in lower case -> name; a spelling of several concepts is left out."""
        found: dict[str, dict[str, str | None]] = {}
        for term in self.lexicon.terms:
            table = found.setdefault(term.concept.label, {})
            key = lower(fold(term.text))
            table[key] = None if table.get(key, term.concept.name) != term.concept.name else term.concept.name
        for label, name in self.lexicon.concepts:
            found.setdefault(label, {})[lower(fold(name))] = name
        return {
            label: {key: name for key, name in table.items() if name is not None}
            for label, table in found.items()
        }

    def known(self, field: str) -> tuple[str, ...]:
        """All values of a field that are known, in the order of their names."""
        if field in CLOSED:
            return CLOSED[field]
        label = LABELS.get(field)
        names = {name for kind, name in self.lexicon.concepts if kind == label}
        return tuple(sorted({*names, *WITHOUT_ROW.get(field, ())}, key=str.casefold))

    def canonical(self, field: str, value: str) -> str | None:
        """The name under which a value of a field is known, None for an unknown one."""
        if field in CLOSED:
            folded = value.strip().lower().replace(" ", "_")
            return folded if folded in CLOSED[field] else None
        if value in WITHOUT_ROW.get(field, ()):
            return value
        return self._canonical.get(LABELS[field], {}).get(lower(fold(value.strip())))

    def near(self, field: str, value: str) -> list[str]:
        """Known names that are written like an unknown one, the nearest first."""
        from rapidfuzz import fuzz, process

        table = self._canonical.get(LABELS.get(field, ""), {}) or {name: name for name in self.known(field)}
        asked = lower(fold(value))
        best = process.extract(asked, table.keys(), scorer=fuzz.ratio, limit=20, score_cutoff=_NEAR_ENOUGH)
        return list(dict.fromkeys(table[text] for text, *_ in best))[:NEAREST]

    @cached_property
    def ontology(self) -> Ontology:
        """The diseases of these names, as a tree with ids."""
        return Ontology(self.lexicon)

    def target_ids(self, targets: tuple[str, ...]) -> tuple[str, ...]:
        """HGNC ids of targets, by number."""
        found = {one for target in targets for one in self.lexicon.hgnc(target)}
        return tuple(sorted(found, key=lambda one: int(one.partition(":")[2])))

    def product_targets(self, product: str) -> tuple[str, ...]:
        """The targets that are known of a product, sorted; none where it is not known."""
        row = self.lexicon.get("product", product)
        return tuple(sorted(row.values("targets"))) if row is not None else ()


@cache
def names(layers: tuple[str, ...] = ()) -> Names:
    """The names of the shipped lexicons with a user's folders on top, read once a process.

    Raises LexiconError if a lexicon cannot be used.
    """
    return Names(load(*layers))


def lists(known: Names) -> dict[str, list[str]]:
    """Field -> the values to offer, for every field that has some."""
    return {field: list(known.known(field)) for field in FIELDS if field in CLOSED or field in LABELS}
