"""Labels under the names that records have: who labels by hand writes a name as the text prints it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from cart_nlp.curation.known_values import LABELS, Names
from cart_nlp.evaluation.gold import Gold

_FIELDS = {name: name for name in LABELS if name != "products"} | {"product_targets": "targets"}
"""Field of labels → the field whose names it has; products are compared by what the text prints."""

Renamed = dict[str, dict[str, Any]]
"""Label → `name`, the lexicon's, and `trials`, in how many trials it stood."""


def under_names(gold: Gold, known: Names) -> tuple[Gold, Renamed]:
    """Gold whose values have the lexicon's names ("BAFFR" is BAFF-R), and what was renamed.

    A name that the lexicon does not know, or knows of several concepts, stays as it is.
    """
    trials: Counter[tuple[str, str]] = Counter()
    records = []
    for record in gold.records:
        trials.update({(value, name) for value, name in _names(record.labels, known) if value != name})
        records.append(replace(record, labels=_named(record.labels, known)))
    found = {label: {"name": name, "trials": number} for (label, name), number in sorted(trials.items())}
    return replace(gold, records=tuple(records)), found


def _names(labels: Mapping[str, Any], known: Names) -> Iterator[tuple[str, str]]:
    """Each labeled value with the lexicon's name for it."""
    for key in _FIELDS.keys() & labels.keys():
        yield from ((value, _name(_FIELDS[key], value, known)) for value in labels[key])
    for construct in labels.get("constructs", ()):
        yield from ((target, _name("targets", target, known)) for target in construct["targets"])


def _named(labels: Mapping[str, Any], known: Names) -> dict[str, Any]:
    def named(field: str, values: Iterable[str]) -> list[str]:
        return list(dict.fromkeys(_name(field, value, known) for value in values))

    found = {key: named(_FIELDS[key], labels[key]) for key in _FIELDS.keys() & labels.keys()}
    pairs = [{**one, "targets": named("targets", one["targets"])} for one in labels.get("constructs", ())]
    return {**labels, **found, **({"constructs": pairs} if pairs else {})}


def _name(field: str, value: str, known: Names) -> str:
    return known.canonical(field, value) or value
