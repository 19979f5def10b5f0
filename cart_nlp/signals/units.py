"""Coordinations: mentions that stand together share what the words around them say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cart_nlp.signals.reading import Mention, Reading

_REACH = 40
"""Characters between two members of one coordination."""


@dataclass(slots=True)
class Unit:
    """One mention or several in one coordination ("CD19/CD22", "BCMA and GPRC5D")."""

    mentions: list[Mention]
    start: int
    end: int
    kind: str
    """The kind of the section that it stands in."""
    first: int
    """Start of its sentence."""
    last: int
    """End of its sentence."""


def _joined(reading: Reading, joints: frozenset[str], unit: Unit, mention: Mention) -> bool:
    """Whether only joining words stand between a unit and the next mention."""
    return (
        0 <= mention.start - unit.end <= _REACH
        and mention.end <= unit.last
        and all(word in joints for word in reading.words(unit.end, mention.start))
        and ". " not in reading.low[unit.end : mention.start]
    )


def units(reading: Reading, mentions: Iterable[Mention], parting: str = "") -> list[Unit]:
    """The coordinations of some mentions, in reading order; words of a category `parting` join none."""
    joints = reading.vocabulary.lexicon.words("joint") - reading.vocabulary.lexicon.words(parting)
    found: list[Unit] = []
    for mention in mentions:
        last = found[-1] if found else None
        if last is not None and (mention.end <= last.end or _joined(reading, joints, last, mention)):
            last.mentions.append(mention)
            last.end = max(last.end, mention.end)
            continue
        found.append(single(reading, mention))
    return found


def single(reading: Reading, mention: Mention) -> Unit:
    """A mention as a unit of its own."""
    first, last = reading.sentence(mention.start)
    kind = reading.section(mention.start).kind
    return Unit([mention], mention.start, mention.end, kind, first, max(last, mention.end))
