"""A field's scorer: log-odds of each mention, then of each candidate with all its mentions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from cart_nlp.scoring.linear import Linear
from cart_nlp.signals.candidate import Instance, Scored, Table
from cart_nlp.signals.products import together


@dataclass(frozen=True)
class Candidate:
    """One value that a field may have: its probability, its mentions and what spoke for and against it."""

    concept: str
    probability: float
    scored: list[Scored] = field(default_factory=list)
    signals: list[str] = field(default_factory=list)


class FieldScorer:
    """Two linear scorers: `mention` over the signals of a mention, `candidate` over those of all together."""

    def __init__(self, mention: Linear, candidate: Linear) -> None:
        self.mention = mention
        self.candidate = candidate

    def score(self, instances: Iterable[Instance]) -> list[Candidate]:
        """The candidates among some instances, the most probable first."""
        chance = self.candidate.probability
        found = [
            Candidate(name, chance(told), scored, told) for name, scored, told in self.table(list(instances))
        ]
        return sorted(found, key=lambda c: (-c.probability, c.concept))

    def table(self, instances: Sequence[Instance]) -> Iterator[tuple[str, list[Scored], list[str]]]:
        """Each candidate with its scored mentions, and the signals of these together."""
        table = Table([Scored(one, self.mention.logit(one.signals)) for one in instances])
        return ((name, table.by_concept[name], told) for name, told in table.signals().items())

    def to_json(self) -> dict[str, object]:
        return {"mention": self.mention.to_json(), "candidate": self.candidate.to_json()}


class NameScorer(FieldScorer):
    """One scorer for all that the mentions of a candidate tell together, and for each of them alone."""

    def __init__(self, together: Linear) -> None:
        super().__init__(together, together)

    def table(self, instances: Sequence[Instance]) -> Iterator[tuple[str, list[Scored], list[str]]]:
        """The same. A mention alone says little: it has the log-odds that it states the name if any does."""
        by_name: dict[str, list[Scored]] = {}
        for one in instances:
            by_name.setdefault(one.concept, []).append(Scored(one, self.mention.logit(one.signals)))
        for name, told in together(instances).items():
            best = max(one.logit for one in by_name[name])
            scored = [one._replace(logit=round(one.logit - best + _BEHIND, 9)) for one in by_name[name]]
            yield name, scored, told

    def to_json(self) -> dict[str, object]:
        return {"together": self.candidate.to_json()}


_BEHIND = 4.0
"""How far behind the best mention of a name one may be that still states it: log-odds."""
SILENT = 0.99
"""Certainty of a field for which the text has no candidate at all, before calibration."""


def certainty(candidates: Iterable[Candidate], silence: float = SILENT) -> float:
    """The probability that a field is right as it stands: every candidate on its side of one half.

    `silence` is that of a field for which the text has no candidate at all.
    """
    sure = [max(one.probability, 1 - one.probability) for one in candidates]
    return math.prod(sure) if sure else silence
