"""Signals of how the targets of a trial share its products."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from cart_nlp.lexicon import Concept
from cart_nlp.signals.mention import attachment, place, place_at, turns, zone
from cart_nlp.signals.reading import Reading
from cart_nlp.signals.units import Unit

_JOINTS = (("/", "/"), ("+", "+"), (",", ","), ("&", "and"), (" x", "x"))
_JOINT_WORDS = {word: word for word in ("and", "or", "with", "then")} | {"plus": "+", "和": "and", "或": "or"}
_BEFORE = 20
"""Characters before a coordination in which the name of a platform can end."""
_TIGHT = frozenset(["car>touch", "car>mod", "car<touch", "car<mod", "car=inside"])


def signals(
    reading: Reading,
    own: Sequence[tuple[Unit, frozenset[str]]],
    targets: frozenset[str],
    products: Iterable[Concept],
) -> list[str]:
    """All signals of a trial's constructs.

    `own` are the coordinations of the study's targets, each with the targets that it names; `products` what
    the lexicon knows of the study's products.
    """
    found = {f"targets={min(len(targets), 5)}"}
    for unit, named in own:
        found.update(_of_unit(reading, unit, named, targets))
    alone = (named for unit, named in own if len(named) == 1 and zone(place(unit)) == "named")
    singles = frozenset[str]().union(*alone)
    if singles == targets:
        found.add("each_named_alone")
    elif singles:
        found.add("some_named_alone")
    if all(named != targets for _, named in own):
        found.add("never_together")
    telling = reading.vocabulary.lexicon.words("tells_format")
    for hit in reading.trial_hits:
        for category in telling.intersection(hit.trial):
            found.add(f"{category}@{zone(place_at(reading, hit.start))}")
    found.update("product_format=" + form for row in products if (form := row.fields.get("format")))
    return sorted(found)


def _of_unit(reading: Reading, unit: Unit, named: frozenset[str], targets: frozenset[str]) -> Iterator[str]:
    where, lexicon = zone(place(unit)), reading.vocabulary.lexicon
    for cue in turns(reading, unit) & lexicon.words("tells_format"):
        yield f"{cue}:{where}"
    tight = not _TIGHT.isdisjoint(attachment(reading, unit))
    if len(named) > 1:
        yield from _of_several(reading, unit, where)
        if named == targets:
            yield f"together:{where}"
            if tight:
                yield f"together_tight:{where}"
    elif tight:
        yield f"alone_tight:{where}"
    before = reading.low[max(0, unit.start - _BEFORE) : unit.start].removesuffix("-")
    name = reading.low[unit.start : unit.end]
    for word in lexicon.words("platform"):
        if before.endswith(word) or word in name:
            yield "platform=" + word


def _of_several(reading: Reading, unit: Unit, where: str) -> Iterator[str]:
    """What stands in and between the names of a coordination: `/`, `and`, `or`, `and/or`, `,`, `+`, `x`."""
    for left, right in pairwise(unit.mentions):
        gap = reading.low[left.end : right.start]
        if "and/or" in gap:
            joints = ["and/or"]
        else:
            words = reading.words(left.end, right.start)
            joints = [name for sign, name in _JOINTS if sign in gap]
            joints += [_JOINT_WORDS[word] for word in words if word in _JOINT_WORDS]
        yield from (f"gap{joint}:{where}" for joint in joints)
        if not gap.strip():
            yield f"gapnone:{where}"
    if not reading.vocabulary.lexicon.words("cells_between").isdisjoint(reading.words(unit.start, unit.end)):
        yield f"cells_between:{where}"
    if unit.mentions[0].row.startswith("product:"):
        yield f"name_spells_several:{where}"
