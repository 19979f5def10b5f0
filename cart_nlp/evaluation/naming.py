"""Labels under the names that records have: who labels by hand writes a name as the text prints it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from cart_nlp.curation.known_values import LABELS
from cart_nlp.evaluation.gold import Gold
from cart_nlp.lexicon import Lexicon, Spellings
from cart_nlp.schema import Record
from cart_nlp.text import fold, lower

_FIELDS = {name: name for name in LABELS if name != "products"} | {"product_targets": "targets"}
"""Field of labels → the field whose names it has; products are compared by what the text prints."""

Renamed = list[dict[str, Any]]
"""What was renamed: `field`, `label`, the lexicon's `name`, and in how many `trials`."""


def under_names(gold: Gold, records: Mapping[str, Record], lexicon: Lexicon) -> tuple[Gold, Renamed]:
    """Gold whose values have the lexicon's names ("BAFFR" is BAFF-R), and what was renamed.

    A name stays as it is where the record has it so, and where the lexicon does not know it, knows it of
    several concepts, or guards it: it may be that of something else ("BCAM").
    """
    names = _Names(lexicon)
    trials: Counter[tuple[str, str, str]] = Counter()
    found = []
    for one in gold.records:
        labels, changed = names.of(one.labels, records.get(one.id))
        trials.update(changed)
        found.append(replace(one, labels=labels))
    told = [
        {"field": field, "label": label, "name": name, "trials": number}
        for (field, label, name), number in sorted(trials.items())
    ]
    return replace(gold, records=tuple(found)), told


class _Names:
    """The names of a lexicon by their spellings that can mean nothing else."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._spelled = Spellings([term for term in lexicon.terms if not term.guarded])
        self._known = lexicon.concepts.keys()

    def of(
        self, labels: Mapping[str, Any], record: Record | None
    ) -> tuple[dict[str, Any], set[tuple[str, str, str]]]:
        """Labels under the lexicon's names, and field, label and name of what was renamed."""
        changed: set[tuple[str, str, str]] = set()

        def named(field: str, values: Iterable[str]) -> list[str]:
            own = getattr(record, field, ())
            pairs = [(value, value if value in own else self._name(field, value)) for value in values]
            changed.update((field, value, name) for value, name in pairs if value != name)
            return list(dict.fromkeys(name for _, name in pairs))

        found = {
            **labels,
            **{key: named(_FIELDS[key], labels[key]) for key in _FIELDS.keys() & labels.keys()},
        }
        if labels.get("constructs"):
            pairs = ({**one, "targets": named("targets", one["targets"])} for one in labels["constructs"])
            found["constructs"] = list(pairs)
        return found, changed

    def _name(self, field: str, value: str) -> str:
        if (LABELS[field], value) in self._known:
            return value
        concepts = self._spelled.get(lower(fold(value.strip())), ())
        found = {concept.name for concept in concepts if concept.label == LABELS[field]}
        return found.pop() if len(found) == 1 else value
