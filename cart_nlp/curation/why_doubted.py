"""Why a field of a record is in doubt, in words: what a curator should look at first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from cart_nlp.curation.applying import STALE
from cart_nlp.curation.decisions import shown
from cart_nlp.schema import INCLUDED, TAGGED_FIELDS, Evidence, Mention, Record

NEAR = 0.25
"""How far from one half a score of the study decision is still near the line."""
_LISTED = 3
"""Values that have a line each; more of them are counted."""
_PRODUCT_ROW = re.compile(r"(?:[^:;]*/)?products\.csv:")
"""How the rule of a product begins that the lexicons have, those of a user included."""
_NAMING = ("brief_title", "official_title", "interventions")
_BESIDE = {
    "coadministered": "co-administered antibody beside the target",
    "secreted": "secreted antibody beside the target",
    "prior_therapy": "an antigen of prior therapy beside the target",
    "disease_marker": "a marker of the disease beside the target",
}
"""Role of an antigen that is no target -> what to look at."""


class Reason(NamedTuple):
    """A field and what makes it doubtful."""

    field: str
    text: str


def reasons(record: Record, mentions: Sequence[Mention] | None = None) -> list[Reason]:
    """All reasons of a record; `mentions` are those of its text with their roles, where it is at hand."""
    found = [reason for rule in _RULES for reason in rule(record)]
    if mentions is not None and record.car_trial in INCLUDED:
        found += _from_mentions(record, mentions)
    return list(dict.fromkeys(found))


def _stale(record: Record) -> Iterator[Reason]:
    for entry in record.evidence:
        if entry.basis == "curator" and entry.rule.endswith(STALE):
            yield Reason(entry.field, "stale correction")


def _near_the_line(record: Record) -> Iterator[Reason]:
    if abs(record.car_score - 0.5) <= NEAR and not _settled(record, "car_trial"):
        yield Reason("car_trial", "text screen let it through, the study decision is near the line")


def _default_format(record: Record) -> Iterator[Reason]:
    if any(construct.basis == "default" for construct in record.constructs if len(construct.targets) > 1):
        yield Reason("constructs", "default format")


def _no_target(record: Record) -> Iterator[Reason]:
    if record.car_trial == "product" and not record.targets:
        yield Reason("targets", "no target is named")


def _not_in_a_construct(record: Record) -> Iterator[Reason]:
    covered = {target for construct in record.constructs for target in construct.targets}
    for target in record.targets:
        if target not in covered:
            yield Reason("constructs", f"{target} is in no construct")


def _product_alone(record: Record) -> Iterator[Reason]:
    for name, value, entries in _values(record):
        if {entry.basis for entry in entries} == {"product"}:
            yield Reason(name, f"{value} is known of the product only")


def _once(record: Record) -> Iterator[Reason]:
    found = [
        value
        for name, value, (first, *more) in _values(record)
        if name == "targets" and not more and first.basis == "text" and not first.section.startswith(_NAMING)
    ]
    if len(found) > _LISTED:
        yield Reason("targets", f"{len(found)} targets stand once, outside titles and interventions")
    else:
        for value in found:
            yield Reason("targets", f"{value} stands once, outside titles and interventions")


def _unknown_code(record: Record) -> Iterator[Reason]:
    for name, value, entries in _values(record):
        if name == "products" and not any(_PRODUCT_ROW.match(e.rule) for e in entries):
            yield Reason(name, f"product code unknown: {value}")


_RULES: tuple[Callable[[Record], Iterable[Reason]], ...] = (
    _stale,
    _near_the_line,
    _no_target,
    _not_in_a_construct,
    _default_format,
    _unknown_code,
    _product_alone,
    _once,
)


def _values(record: Record) -> Iterator[tuple[str, str, list[Evidence]]]:
    """(field, value, its evidence) of every value that no curator has given."""
    groups: dict[tuple[str, str], list[Evidence]] = {}
    for entry in record.evidence:
        groups.setdefault((entry.field, entry.value), []).append(entry)
    for (name, value), entries in groups.items():
        if name in TAGGED_FIELDS and value and not any(entry.basis == "curator" for entry in entries):
            yield name, value, entries


def _settled(record: Record, field: str) -> bool:
    return record.confidence.get(field) == 1.0


def _from_mentions(record: Record, mentions: Sequence[Mention]) -> Iterator[Reason]:
    roles: dict[str, set[str]] = {}
    for mention in mentions:
        if mention.label in ("antigen", "ligand") and mention.role:
            roles.setdefault(mention.concept, set()).add(mention.role)
    for target in record.targets:
        if roles.get(target) == {"prior_therapy"}:
            yield Reason("targets", f"{target}: only in prior therapy")
        elif "disease_marker" in roles.get(target, ()) and "target" not in roles[target]:
            yield Reason("targets", f"{target}: only as a marker of the disease")
    for role, text in _BESIDE.items():
        beside = sorted(name for name, held in roles.items() if role in held and name not in record.targets)
        if beside:
            yield Reason("targets", f"{text}: {', '.join(beside)}")


def told(record: Record) -> str:
    """What a record says in a line: targets, or its constructs where these say more."""
    if any(len(construct.targets) > 1 for construct in record.constructs):
        return "; ".join(map(shown, record.constructs))
    return ", ".join(record.targets)
