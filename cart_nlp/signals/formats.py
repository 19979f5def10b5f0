"""Signals of how the targets of a trial share its products."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, permutations

from cart_nlp.signals.mention import place, place_at, turns, zone
from cart_nlp.signals.reading import Reading
from cart_nlp.signals.units import Unit, units

Own = Sequence[tuple[Unit, frozenset[str]]]
"""The coordinations of the study's targets, each with the targets that it names."""
_JOINTS = (("/", "/"), ("+", "+"), (",", ","), ("&", "and"), (" x", "x"))
_JOINT_WORDS = {word: word for word in ("and", "or", "with", "then")} | {"plus": "+", "和": "and", "或": "or"}
_BEFORE = 20  # characters before a coordination in which the name of a platform can stand
_PARTING = frozenset([",", "or", "and/or", "with", "then"])
"""What parts the names of one product from those of the next, where others join them."""


def signals(reading: Reading, own: Own, targets: frozenset[str]) -> list[str]:
    """All signals of a trial's constructs."""
    found = {f"targets={min(len(targets), 5)}"}
    for unit, named in own:
        found.update(_of_unit(reading, unit, named, targets))
    found.update(_alone(own, targets))
    if len(targets) > 1 and apart(reading, own, targets):
        found.add("sets_overlap")
    if _parted(own, targets):
        found.add("sets_parted")
    telling = reading.vocabulary.lexicon.words("tells_format")
    for hit in reading.trial_hits:
        for category in telling.intersection(hit.trial):
            found.add(f"{category}@{zone(place_at(reading, hit.start))}")
    return sorted(found)


def _alone(own: Own, targets: frozenset[str]) -> Iterator[str]:
    """Whether each target or some stand alone in titles and the like, and in what is told."""
    for where in ("named", "told"):
        if alone := [named for unit, named in own if len(named) == 1 and zone(place(unit)) == where]:
            yield f"{'each' if targets == frozenset().union(*alone) else 'some'}_{where}_alone"


def _parted(own: Own, targets: frozenset[str]) -> bool:
    """Whether titles and the like part the targets into products: "A/B CAR-T, then C CAR-T"."""
    sets = {named for unit, named in own if zone(place(unit)) == "named"}
    return 1 < len(sets) < len(targets) == sum(map(len, sets)) == len(frozenset().union(*sets))


def apart(reading: Reading, own: Own, targets: frozenset[str]) -> set[frozenset[str]]:
    """Sets of targets that overlap, as of products that share some: "A or A/B", "A/B, A/C and B/C"."""
    told: dict[tuple[int, int], set[frozenset[str]]] = {}
    for unit, _ in own:
        if zone(place(unit)) == "named":
            # A sentence on both of two targets has one of them alone where it names an earlier product, too.
            where = reading.sentence(unit.start) if len(targets) > 2 else (unit.start, unit.end)
            told.setdefault(where, set()).update(_sets(reading, unit, targets))
    overlap = (sets for sets in told.values() if any(a & b for a, b in permutations(sets, 2)))
    return next(overlap, None) or _crossing(reading, {unit.start for unit, _ in own}, targets)


def _crossing(reading: Reading, own: set[int], targets: frozenset[str]) -> set[frozenset[str]]:
    """Sets of several targets that overlap and hold not one another, where no product binds all of them."""
    pairs = {
        part
        for unit in units(reading, reading.of("antigen", "ligand"))
        if unit.start in own or not {"/", "+"}.isdisjoint(reading.low[unit.start : unit.end])
        for part in _sets(reading, unit, targets)
        if len(part) > 1
    }
    if targets in pairs:
        return set()
    return {a for a, b in permutations(pairs, 2) if a & b and not a < b and not b < a}


def _sets(reading: Reading, unit: Unit, targets: frozenset[str]) -> set[frozenset[str]]:
    """The targets of a coordination, parted where a word or comma parts them; beside one "and" does, too."""
    joints = [_joints(reading, left.end, right.start) for left, right in pairwise(unit.mentions)]
    parting = _PARTING | {"and"} if ["/"] in joints or [","] in joints else _PARTING
    parts = [{unit.mentions[0].concept}]
    for mention, joint in zip(unit.mentions[1:], joints, strict=True):
        if not parting.isdisjoint(joint):
            parts.append(set())
        parts[-1].add(mention.concept)
    return {targets & part for part in parts} - {frozenset()}


def _of_unit(reading: Reading, unit: Unit, named: frozenset[str], targets: frozenset[str]) -> Iterator[str]:
    """The cues that reach a coordination, and what stands in and between its names."""
    where, lexicon = zone(place(unit)), reading.vocabulary.lexicon
    for cue in turns(reading, unit) & lexicon.words("tells_format"):
        yield f"{cue}:{where}"
    around = reading.low[max(0, unit.start - _BEFORE) : unit.end]
    yield from ("platform=" + word for word in lexicon.words("platform") if word in around)
    if named == targets:
        yield f"together:{where}"
    if len(named) > 1:
        for left, right in pairwise(unit.mentions):
            yield from (f"gap{joint}:{where}" for joint in _joints(reading, left.end, right.start))
        if unit.mentions[0].row.startswith("product:"):
            yield f"name_spells_several:{where}"


def _joints(reading: Reading, start: int, end: int) -> list[str]:
    """What stands between two names of a coordination: `/`, `and`, `or`, `and/or`, `,`, `+`, `x`, `none`."""
    gap = reading.low[start:end]
    if "and/or" in gap:
        return ["and/or"]
    found = [name for sign, name in _JOINTS if sign in gap]
    found += [_JOINT_WORDS[word] for word in reading.words(start, end) if word in _JOINT_WORDS]
    return found if gap.strip() else ["none"]
