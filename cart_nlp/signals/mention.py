"""Signals of a mention or coordination: where it stands, what it is attached to, which cues reach it."""

from __future__ import annotations

from bisect import bisect_left

from cart_nlp.signals.reading import Mention, Reading
from cart_nlp.signals.units import Unit

PLACES = {
    "brief_title": "title", "official_title": "title", "acronym": "title", "brief_title_zh": "title",
    "official_title_zh": "title", "text": "title",
    "interventions.name": "name", "interventions.other_names": "name", "arms.label": "arm",
    "interventions.description": "armtext", "arms.description": "armtext",
    "brief_summary": "summary", "detailed_description": "description", "keywords": "keyword",
    "study_design": "description", "conditions": "condition", "eligibility": "eligibility",
    "primary_outcomes": "outcome", "secondary_outcomes": "outcome", "why_stopped": "outcome",
}  # fmt: skip
"""Kind of section -> the name of the place."""
NAMED = frozenset(["title", "name", "arm"])
TOLD = frozenset(["armtext", "summary", "description", "keyword"])
_NEAR = 4
"""Words between a cue and what it is near."""


def place(unit: Unit) -> str:
    """Where a unit stands: title, name (of an intervention), arm, armtext, summary …"""
    return PLACES.get(unit.kind, "other")


def place_at(reading: Reading, offset: int) -> str:
    """The place of a character."""
    return PLACES.get(reading.section(offset).kind, "other")


def zone(place: str, other: str = "rest") -> str:
    """Which part of a record a place belongs to: named, told, rest or `other`."""
    return "named" if place in NAMED else "told" if place in TOLD else other


def attachment(reading: Reading, unit: Unit) -> list[str]:
    """How a unit is bound to CAR words: `car>touch`, `car>mod` (past modifiers), `near`; `<` before."""
    cars, starts, words = reading.cars, reading.car_starts, reading.vocabulary.lexicon.words
    found = []
    at = bisect_left(starts, unit.start)
    if at and starts[at - 1] >= unit.first:
        end = cars[at - 1].end
        if end > unit.start:
            found.append("car=inside")
        elif _listed(reading, end, unit.start):
            found.append("car<joint")
        else:
            found.append("car<" + _bond(reading, end, unit.start, words("between_right")))
    at = bisect_left(starts, unit.end, at)
    if at < len(cars) and cars[at].end <= unit.last:
        found.append("car>" + _bond(reading, unit.end, starts[at], words("between_left")))
    return found or ["car=none"]


def _listed(reading: Reading, start: int, end: int) -> bool:
    """Whether nothing but words of listing part two places: a CAR word and the antigen of the next CAR."""
    words = set(reading.words(start, end))
    if not words or ". " in reading.low[start:end]:
        return False
    lexicon = reading.vocabulary.lexicon
    return all(word.isdigit() for word in words - lexicon.words("joint") - lexicon.words("joint_products"))


def _bond(reading: Reading, start: int, end: int, modifiers: frozenset[str]) -> str:
    gap = reading.low[start:end]
    if ". " in gap or ";" in gap:
        return "sent"
    words = reading.words(start, end)
    if not words:
        return "mod" if "," in gap else "touch"
    if all(word in modifiers or word.isdigit() for word in words):
        return "mod" if len(words) <= 12 else "near"
    if not reading.same_clause(start, end):
        return "sent"
    return "near" if len(words) <= 5 else "clause"


def cues(reading: Reading, unit: Unit) -> frozenset[str]:
    """The cues that reach a unit: `category<bucket` before it, `category>bucket` after it; see BUCKETS."""
    return _reaching(reading, unit)[0]


def turns(reading: Reading, unit: Unit) -> frozenset[str]:
    """The categories of the cues that reach a unit, however near."""
    return _reaching(reading, unit)[1]


def _reaching(reading: Reading, unit: Unit) -> tuple[frozenset[str], frozenset[str]]:
    """The cues that reach a unit, and their categories."""
    start, end = place = unit.start, unit.end
    known = reading.cues_told.get(place)
    if known is not None:
        return known
    best: dict[str, int] = {}
    told: dict[str, str] = {}
    turned = set()
    words = reading.word_starts(start)
    at, until = bisect_left(words, start), bisect_left(words, end)
    for low, high, said in reading.cues_in(max(unit.first, start - _REACH), min(unit.last, end + _REACH)):
        if high <= start:
            marks, left, right = said.left, high, start
            between = at - bisect_left(words, high) if marks else 0
        elif low >= end:
            marks, left, right = said.right, end, low
            between = bisect_left(words, low) - until if marks else 0
        else:
            continue
        if between > _NEAR:
            bucket = 2 if reading.same_clause(left, right) else 3
        else:
            bucket = 1 if between else 0
        for key, category, scope, names in marks:
            if bucket <= scope and bucket < best.get(key, 9):
                best[key], told[key] = bucket, names[bucket]
                turned.add(category)
    found = reading.cues_told[place] = frozenset(told.values()), frozenset(turned)
    return found


_REACH = 400
"""Characters on each side of a mention within which a cue can reach it."""


def shape(reading: Reading, unit: Unit) -> list[str]:
    """What the unit's names are by themselves, and what the sign behind says: "CD19+"."""
    low, mentions = reading.low, unit.mentions
    found = []
    if all(mention.guarded for mention in mentions):
        found.append("guarded")
    if mentions[0].label == "ligand":
        found.append("label=ligand")
    if len(mentions) > 1:
        found.append("several")
    after = low[unit.end : unit.end + 2]
    if after[:1] in ("+", "-") and not after[1:].isalnum():
        found.append("minus" if after[0] == "-" else "plus")
    return found


def signals(reading: Reading, unit: Unit) -> list[str]:
    """All signals of a unit."""
    known = reading.told.get((unit.start, unit.end))
    if known is not None and len(unit.mentions) == 1:
        return known
    where = place(unit)
    bonds = attachment(reading, unit)
    reached, turned = _reaching(reading, unit)
    found = ["in=" + where, *bonds, *reached, *shape(reading, unit)]
    found += [f"{zone(where, where)}&{bond}" for bond in bonds]
    found += pairs(reading, found, turned)
    if len(unit.mentions) == 1 and not unit.mentions[0].guarded and unit.mentions[0].label != "ligand":
        reading.told[unit.start, unit.end] = found
    return found


_NEXT, _BESIDE, _AROUND, _SHORTEST = 2, 5, 80, 3
"""Words next to and beside a mention; characters where they stand; letters of a word that counts anywhere."""


def _sides(reading: Reading, mention: Mention) -> tuple[list[str], list[str], set[str]]:
    """The words before a mention and those after it, within its sentence; as signals the next ones."""
    first, last = reading.sentence(mention.start)
    left = reading.words(max(first, mention.start - _AROUND), mention.start)
    right = reading.words(mention.end, min(last, mention.end + _AROUND))
    told = {f"next<{word}" for word in left[-_NEXT:]}
    told.update([f"next>{word}" for word in right[:_NEXT]])
    return left, right, told


def beside(reading: Reading, mention: Mention) -> set[str]:
    """The two words before a mention and the two after it, as signals."""
    return _sides(reading, mention)[2]


def words(reading: Reading, mention: Mention, weighed: frozenset[str] | None = None) -> list[str]:
    """The words beside a mention, and those of its sentence: for roles that no list of cues exhausts.

    With `weighed`, of the words of the sentence those alone: the others count for nothing.
    """
    left, right, found = _sides(reading, mention)
    found.update([f"word<{word}" for word in left[-_BESIDE:]], [f"word>{word}" for word in right[:_BESIDE]])
    first, last = reading.sentence(mention.start)
    said = set(reading.words(max(first, mention.start - _REACH), min(last, mention.end + _REACH)))
    if weighed is not None:
        said &= weighed
    found.update([f"word={word}" for word in said if len(word) >= _SHORTEST and word.isalpha()])
    return sorted(found)


AT_CAR = frozenset(["car>touch", "car>mod", "car<touch", "car<mod", "car=inside"])
_TIGHT = AT_CAR | {"binds<adj", "bound>adj"}


def pairs(reading: Reading, found: list[str], told: frozenset[str]) -> list[str]:
    """A tight bond to a CAR together with each of the cues told that may turn its meaning, however near."""
    tight = [signal for signal in found if signal in _TIGHT]
    if tight:
        bound = ["tight&" + cue for cue in sorted(told & reading.vocabulary.lexicon.words("turns_target"))]
    else:
        bound = ["loose"]
    if "guarded" in found:
        bound += ["guarded&" + signal for signal in tight] or ["guarded&loose"]
    return bound
