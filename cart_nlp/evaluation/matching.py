"""One trial's labels against its record: what agrees, field by field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from cart_nlp.evaluation.gold import GoldRecord
from cart_nlp.evaluation.labels import ALL_TARGETS, LIST_FIELDS, OPTIONAL_FIELDS
from cart_nlp.schema import INCLUDED, Record

Mode = Literal["end-to-end", "tagging"]
Basis = Literal["both", "text", "all"]
Construct = tuple[frozenset[str], str]
"""A construct as scoring sees it: its targets and its format."""

_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")


@dataclass(frozen=True, slots=True)
class FieldMatch:
    """Gold and predicted values of one list field of one trial."""

    gold: frozenset[Any]
    predicted: frozenset[Any]
    credit: float = 0.0
    """Constructs only: summed partial credit of the best one-to-one pairing."""

    @property
    def exact(self) -> bool:
        """Whether the two sets are equal."""
        return self.gold == self.predicted


@dataclass(frozen=True, slots=True)
class TrialMatch:
    """One trial's outcome; a field that is missing from `fields` is not scored for it."""

    id: str
    gold_car: str | None
    """None where the labelers were not sure."""
    predicted_car: str
    car_score: float
    gold_included: bool
    fields: Mapping[str, FieldMatch] = field(default_factory=dict)
    focus: tuple[str, str | None] | None = None
    """Gold and predicted focus, or None where it is not scored."""
    labeled: bool = True
    """False for a trial of a dump that only counts as not included."""


def name_key(value: str) -> str:
    """The form under which two printed product names are the same: case, blanks and dashes folded."""
    return re.sub(r"\s+", " ", _DASHES.sub("-", value)).strip().casefold()


def product_only(record: Record) -> dict[str, set[str]]:
    """Field -> values whose only evidence is knowledge of a product."""
    bases: dict[tuple[str, str], set[str]] = {}
    for item in record.evidence:
        bases.setdefault((item.field, item.value), set()).add(item.basis)
    found: dict[str, set[str]] = {}
    for (name, value), kinds in bases.items():
        if kinds == {"product"}:
            found.setdefault(name, set()).add(value)
    return found


def predicted_values(record: Record, name: str, without: Mapping[str, set[str]]) -> frozenset[Any]:
    """A record's values of one list field, less those that `without` names for it."""
    left_out = without.get(name, set())
    values = [v for v in getattr(record, name) if str(v) not in left_out]
    return frozenset(name_key(v) for v in values) if name == "products" else frozenset(values)


def printed_products(
    record: Record, wanted: frozenset[str], without: Mapping[str, set[str]]
) -> frozenset[str]:
    """A record's products under the names that the gold has for them.

    Gold products are named as printed, records name them as the lexicon does. A value stands for each gold
    name that is its own or that its evidence shows; one that stands for none keeps its own name.
    """
    printed: dict[str, set[str]] = {}
    for item in record.evidence:
        if item.field == "products" and item.basis == "text":
            printed.setdefault(name_key(item.value), set()).add(name_key(item.text))
    found: set[str] = set()
    for value in predicted_values(record, "products", without):
        found |= ({value, *printed.get(value, ())} & wanted) or {value}
    return frozenset(found)


def predicted_constructs(record: Record, without: Mapping[str, set[str]]) -> frozenset[Construct]:
    """A record's constructs; targets in `without` are taken out, and constructs left empty go."""
    left_out = without.get("targets", set())
    pairs = ((frozenset(c.targets) - left_out, c.format) for c in record.constructs)
    return frozenset((targets, form) for targets, form in pairs if targets)


def gold_constructs(labels: Mapping[str, Any]) -> frozenset[Construct]:
    """The labeled constructs as a set."""
    return frozenset((frozenset(c["targets"]), c["format"]) for c in labels.get("constructs", ()))


def construct_credit(gold: Iterable[Construct], predicted: Iterable[Construct]) -> float:
    """Summed credit of the best one-to-one pairing of two construct sets.

    A pair earns the Jaccard index of its target sets, and half of that where the formats differ.
    """
    rows, columns = sorted(gold, key=_order), sorted(predicted, key=_order)
    if not rows or not columns:
        return 0.0
    if rows == columns:
        return float(len(rows))
    from scipy.optimize import linear_sum_assignment

    credit = [[_pair_credit(g, p) for p in columns] for g in rows]
    chosen = linear_sum_assignment(credit, maximize=True)
    return float(sum(credit[i][j] for i, j in zip(*chosen, strict=True)))


def _order(construct: Construct) -> tuple[list[str], str]:
    return sorted(construct[0]), construct[1]


def _pair_credit(gold: Construct, predicted: Construct) -> float:
    union = gold[0] | predicted[0]
    jaccard = len(gold[0] & predicted[0]) / len(union) if union else 1.0
    return jaccard if gold[1] == predicted[1] else jaccard / 2


def match(
    gold: GoldRecord, record: Record | None, mode: Mode = "end-to-end", basis: Basis = "both"
) -> TrialMatch:
    """Compare a gold trial with its record; None stands for a trial that was not written, that is "no".

    `end-to-end`: values of a record that screening would not write count as not predicted, so that a
    screening fault is also a fault of every field. `tagging`: trials that belong into the output are scored
    by their values whatever screening said, the others not at all.
    """
    record = record or Record(trial_id=gold.id)
    uncertain = gold.uncertain
    sure = "car_trial" not in uncertain
    written = mode == "tagging" or not sure or record.car_trial in INCLUDED
    scored = gold.included or (mode == "end-to-end" and sure)
    outcome = TrialMatch(
        gold.id,
        gold.labels["car_trial"] if sure else None,
        record.car_trial,
        record.car_score,
        gold.included,
        _fields(gold, record if written else Record(trial_id=gold.id), basis) if scored else {},
        _focus(gold, record if written else None),
    )
    return outcome


def _fields(gold: GoldRecord, record: Record, basis: Basis) -> dict[str, FieldMatch]:
    known = product_only(record)
    without = {} if basis == "all" else known
    labels, uncertain = gold.labels, gold.uncertain
    fields: dict[str, FieldMatch] = {}
    for name in (*LIST_FIELDS, *OPTIONAL_FIELDS):
        if name in uncertain or (name in OPTIONAL_FIELDS and name not in labels):
            continue
        wanted = _gold_values(labels, name) if gold.included else frozenset()
        found_values = (
            printed_products(record, wanted, without)
            if name == "products"
            else predicted_values(record, name, without)
        )
        fields[name] = FieldMatch(wanted, found_values)
    if "targets" in fields and (basis == "all" or (basis == "both" and ALL_TARGETS not in uncertain)):
        union = fields["targets"].gold | (
            frozenset(labels.get("product_targets", ())) if gold.included else frozenset()
        )
        every = FieldMatch(union, frozenset(record.targets))
        if basis == "all":
            fields["targets"] = every
        else:
            fields[ALL_TARGETS] = every
    if "constructs" not in uncertain:
        wanted_constructs = gold_constructs(labels) if gold.included else frozenset()
        found = predicted_constructs(record, without)
        fields["constructs"] = FieldMatch(
            wanted_constructs, found, construct_credit(wanted_constructs, found)
        )
    return fields


def _gold_values(labels: Mapping[str, Any], name: str) -> frozenset[Any]:
    values: Sequence[Any] = labels.get(name, ())
    return frozenset(name_key(v) for v in values) if name == "products" else frozenset(values)


def _focus(gold: GoldRecord, record: Record | None) -> tuple[str, str | None] | None:
    wanted = gold.labels.get("focus")
    if not gold.included or wanted is None or "focus" in gold.uncertain:
        return None
    return wanted, record.focus if record else None
