"""Signals of a candidate: one value that a field of the trial may have, with all its mentions together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from cart_nlp.signals.mention import zone
from cart_nlp.signals.reading import Mention
from cart_nlp.vocabulary import BUCKETS

STEPS = (-4, -3, -2, -1, 0, 1, 2, 3, 4)


class Instance(NamedTuple):
    """One mention that may state a value: the value, its mention, and the signals of the mention."""

    concept: str
    mention: Mention
    signals: tuple[str, ...]
    place: str
    unit: int
    """Number of the coordination that it belongs to."""


class Scored(NamedTuple):
    """An instance with the log-odds that it states the value of the study's own product."""

    instance: Instance
    logit: float


def steps(name: str, value: float, at: Sequence[float] = STEPS) -> list[str]:
    """`name>step` for every step below a value."""
    return [signal for step, signal in _steps(name, at) if value > step]


@cache
def _steps(name: str, at: Sequence[float]) -> list[tuple[float, str]]:
    return [(step, f"{name}>{step}") for step in at]


class Table:
    """The scored instances of a field, by candidate, with what all of them together tell."""

    def __init__(self, scored: Iterable[Scored]) -> None:
        self.by_concept: dict[str, list[Scored]] = {}
        for item in scored:
            self.by_concept.setdefault(item.instance.concept, []).append(item)
        self.best = {name: max(s.logit for s in items) for name, items in self.by_concept.items()}
        self.zones = {name: _by_zone(items) for name, items in self.by_concept.items()}
        sure = ((s.instance, s.logit > 0) for items in self.by_concept.values() for s in items)
        self.clear = {one.concept for one, good in sure if good and DENIALS.isdisjoint(one.signals)}

    def signals(self) -> Mapping[str, list[str]]:
        """Candidate → its signals."""
        leader = max(self.best, key=lambda name: (self.best[name], name), default="")
        led = {s.instance.unit for s in self.by_concept.get(leader, ()) if s.logit > 0}
        return {name: self._of(name, leader, led) for name in self.by_concept}

    def _of(self, name: str, leader: str, led: set[int]) -> list[str]:
        items = self.by_concept[name]
        top = max(items, key=lambda s: s.logit)
        found = [*steps("best", top.logit), *self._denials(name, items)]
        for where, logit in self.zones[name].items():
            found += steps(where, logit) if logit > _NONE else ["no_" + where]
        found += ["@" + signal for signal in top.instance.signals if signal.startswith(_KEPT)]
        return [*found, *(self._rivals(name, leader, led) if len(self.best) > 1 else ["only"])]

    def _denials(self, name: str, items: Iterable[Scored]) -> list[str]:
        """Whether cues deny it wherever it stands, and another not: "CD22 CAR-T after CD19 CAR-T"."""
        denied = [not DENIALS.isdisjoint(scored.instance.signals) for scored in items]
        if not all(denied):
            return ["some_denied"] if any(denied) else []
        return ["denied", "denied_beside_clear" if self.clear - {name} else "denied_alone"]

    def _rivals(self, name: str, leader: str, led: set[int]) -> list[str]:
        others = [other for other in self.best if other != name]
        strongest = max(self.best[other] for other in others)
        named = max(self.zones[other]["named"] for other in others)
        found = [*steps("rival", strongest), *steps("rival_named", named, (0, 2))]
        if named > 0 and self.zones[name]["named"] == _NONE:
            found.append("rival_named_not_this")
        found += self._kinds(name, [other for other in others if self.best[other] > 0])
        own = set(self._units([name]))
        if name != leader and not led.isdisjoint(own):
            found.append("beside_leader")
        elif "novel_beside_known" in found and own.isdisjoint(self._units(others)):
            found.append("novel_apart")
        return found

    def _units(self, names: Iterable[str]) -> Iterator[int]:
        return (scored.instance.unit for name in names for scored in self.by_concept[name])

    def _kinds(self, name: str, rivals: Iterable[str]) -> Iterator[str]:
        """What kind of rivals a candidate has: other cells, names that a lexicon knows."""
        first, *others = (self.by_concept[each][0].instance for each in (name, *rivals))
        if first.mention.label in ("cell_type", "cell_source"):
            yield from (f"{name}~{other.concept}" for other in others)
        if "novel" in first.signals and any("novel" not in other.signals for other in others):
            yield "novel_beside_known"


_DENY = "prior prior_right after denied denied_right elsewhere failed_right negative_right drug_left general"
DENIALS = frozenset(cue + side + near for cue in _DENY.split() for side in "<>" for near in BUCKETS)
"""Signals of a mention that is hardly the study's own: cues of earlier treatment, of drugs, of markers."""
_NONE = -9.0
"""Stands for the log-odds of a part of the record without a mention."""


def _by_zone(items: Iterable[Scored]) -> dict[str, float]:
    """The best log-odds in each part of the record."""
    best = dict.fromkeys(("named", "told", "rest"), _NONE)
    for item in items:
        where = zone(item.instance.place)
        best[where] = max(best[where], item.logit)
    return best


_KEPT = ("guarded", "rule=", "label=", "usual=", "spelled", "concept=", "number:", "novel",
         "drug_binds", "tight&drug_binds", "other_product")  # fmt: skip
