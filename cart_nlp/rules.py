"""Ordered tables of rules over signals, for decisions that too few labels carry to train a scorer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its verdict holds where all of `needs`, one of `any_of` (if given) and none of `bars` hold.

    A signal that ends in `*` stands for every signal that begins so.
    """

    name: str
    verdict: str
    needs: tuple[str, ...]
    any_of: tuple[str, ...]
    bars: tuple[str, ...]
    hits: tuple[str, ...]
    misses: tuple[str, ...]
    row: str

    def holds(self, signals: frozenset[str]) -> bool:
        """Whether the rule decides for these signals."""
        return (
            (not self.any_of or _any(self.any_of, signals))
            and (signals.issuperset(self.needs) or all(_any((one,), signals) for one in self.needs))
            and not _any(self.bars, signals)
        )


def _any(wanted: tuple[str, ...], signals: frozenset[str]) -> bool:
    """Whether one of some signals is among others."""
    if not signals.isdisjoint(wanted):
        return True
    heads = _heads(wanted)
    return bool(heads) and any(one.startswith(heads) for one in signals)


@cache
def _heads(wanted: tuple[str, ...]) -> tuple[str, ...]:
    """What signals begin with, of those that end in `*`."""
    return tuple(signal[:-1] for signal in wanted if signal.endswith("*"))


def first(rules: Sequence[Rule], signals: Iterable[str]) -> Rule | None:
    """The first rule that holds: it decides, those behind it are not asked."""
    held = frozenset(signals)
    return next((rule for rule in rules if rule.holds(held)), None)


def rules_of(table: Mapping[str, Any], file: str) -> tuple[Rule, ...]:
    """The rules of a TOML file's `rule` tables, in their order.

    Raises KeyError with the name of what a rule lacks.
    """
    return tuple(
        Rule(
            name=entry["name"],
            verdict=entry["verdict"],
            needs=tuple(entry.get("needs", ())),
            any_of=tuple(entry.get("any_of", ())),
            bars=tuple(entry.get("bars", ())),
            hits=tuple(entry["hits"]),
            misses=tuple(entry["misses"]),
            row=f"{file}#{entry['name']}",
        )
        for entry in table.get("rule", ())
    )
