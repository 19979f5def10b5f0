"""The instances of products: names of the lexicon and coined ones, and what speaks for the study's own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from cart_nlp.signals.candidate import Instance
from cart_nlp.signals.mention import NAMED, attachment, cues, part, place, shape
from cart_nlp.signals.names import COINED, build, names
from cart_nlp.signals.reading import Mention, Reading, Section
from cart_nlp.signals.units import single

_CELLS_BEFORE = r"(?:<<name_car>>[ -]?<<name_cells>>?|<<name_cell_word>>|<<name_cells_before>>) ?$"
_CELLS_AFTER = r"[ -](?:<<name_cells>>|<<name_car>>)\b"
_TAIL = r"-?(?:(?:<<name_car>>-?)?<<name_cells>>|<<name_car>>|<<name_cell_word>>)s?"
"""What makes a name longer and yet no other: a word for cells."""
_HEAD = re.compile(r"[A-Za-z]{2,}")


def instances(reading: Reading) -> Iterator[Instance]:
    """Each product as a unit of its own: two names side by side need not be one kind of thing."""
    mentions, about = _apart(reading)
    cars = {reading.section(car.start) for car in reading.cars}
    for number, mention in enumerate(sorted(mentions, key=lambda m: (m.start, -m.end))):
        found = [*_about(reading, mention), *_placed(reading, mention, cars)]
        if mention.concept in about:
            found.append(about[mention.concept])
        yield Instance(mention.concept, mention, tuple(found), place(single(reading, mention)), number)


def _apart(reading: Reading) -> tuple[list[Mention], dict[str, str]]:
    """Known names that no longer name holds, coined ones that are no known one; what some of these are."""
    known = list(_known(reading))
    coined = list(_coined(reading, known))
    pairs = [(m, c) for m in known for c in coined if _longer(reading, m, c)]
    held, longer = {m for m, _ in pairs}, {c.concept for _, c in pairs}
    return [m for m in known if m not in held] + coined, _siblings(coined) | dict.fromkeys(
        longer, "holds_known"
    )


def _coined(reading: Reading, known: Sequence[Mention]) -> Iterator[Mention]:
    return (mention for mention in names(reading) if not any(_same(reading, one, mention) for one in known))


def _siblings(coined: Iterable[Mention]) -> dict[str, str]:
    """The names that begin with the letters of another one, as a whole if those are fewer than two."""
    heads = {m.concept: (_HEAD.match(m.concept) or [m.concept])[0] for m in coined}
    counts = Counter(heads.values())
    return {name: "sibling" for name, head in heads.items() if counts[head] > 1}


def _within(mention: Mention, other: Mention) -> bool:
    return other.start <= mention.start and mention.end <= other.end


def _same(reading: Reading, known: Mention, coined: Mention) -> bool:
    """Whether a coined name is a known one, or a piece of it, or has but a word for cells more."""
    if coined.start != known.start or coined.end <= known.end:
        return _within(coined, known)
    tail = reading.vocabulary.lexicon.expression(_TAIL)
    return tail.fullmatch(reading.text, known.end, coined.end) is not None


def _longer(reading: Reading, known: Mention, coined: Mention) -> bool:
    """Whether a coined name holds a known one and is another: "ABC-12X", but not "ABC-12/X", of "ABC-12"."""
    return _within(known, coined) and (coined.start < known.start or reading.text[known.end] not in "/+")


def _known(reading: Reading) -> Iterator[Mention]:
    reached = -1
    found = reading.of("product")
    for mention in found:
        if mention.start >= reached:  # not the "CART-meso cells" of "huCART-meso cells"
            reached = mention.end
            if not _broken(reading, mention, found):
                yield mention


def _broken(reading: Reading, mention: Mention, others: Iterable[Mention]) -> bool:
    """Whether a blank behind a hyphen has cut the name of another product: "CART-ABC- DEF"."""
    if not reading.low.startswith("- ", mention.end):
        return False
    last = reading.sentence(mention.start)[1]
    words = reading.words(mention.end, min(last, mention.end + _REACH))
    whole = _bare(reading.low[mention.start : mention.end]) + "".join(words[:1])
    return any(_bare(reading.low[other.start : other.end]).startswith(whole) for other in others)


_REACH = 40
"""Characters within which the rest of a name that was cut stands."""


def _about(reading: Reading, mention: Mention) -> Iterator[str]:
    """Where a name stands, what is beside it, and what kind of name it is."""
    unit = single(reading, mention)
    bonds = attachment(reading, unit)
    where = place(unit)
    found = ["in=" + where, *bonds, *(f"{part(where)}&{bond}" for bond in bonds)]
    yield from (*found, *_kind(reading, mention), *shape(reading, unit))
    yield from (cue for cue in cues(reading, unit) if cue.endswith(("adj", "near")))
    if mention.row in COINED:
        yield from ("new&" + signal for signal in (*found, *build(reading, mention)))


def _kind(reading: Reading, mention: Mention) -> Iterator[str]:
    low, lexicon = reading.low, reading.vocabulary.lexicon
    if mention.guarded:
        yield "guarded_name"
    if mention.row in COINED:
        yield "new=" + mention.row
    else:
        row = lexicon.get("product", mention.concept)
        yield "known_targets" if row is not None and row.values("targets") else "known"
    has_car = lexicon.expression("<<name_car>>", low=True).search(low, mention.start, mention.end)
    yield "name_has_car" if has_car else "name_no_car"
    if lexicon.expression("<<name_end>>$", low=True).search(low, mention.start, mention.end):
        yield "name_cel"
    if lexicon.expression("/(?:<<number_of>>|[1-3])", low=True).match(low, mention.end):
        yield "list_goes_on"
    if lexicon.expression("[ -]<<name_study>>", low=True).match(low, mention.end):
        yield "study_name"


def _placed(reading: Reading, mention: Mention, cars: Container[Section]) -> Iterator[str]:
    """What the section around a name tells, and what brackets and cells beside it do."""
    section = reading.section(mention.start)
    low, lexicon = reading.low, reading.vocabulary.lexicon
    before, after = low[section.start : mention.start], low[mention.end : section.end]
    if not before.strip():
        yield "starts_section"
        if not after.strip(" s"):
            yield "whole_section"
    if section not in cars:
        yield "no_car_in_section"
    if after.startswith(":"):
        yield "colon_after"
    if before.endswith("("):
        cells = lexicon.expression(_CELLS_BEFORE, low=True).search(before[-14:-1])
        yield "bracket&cells" if cells else "bracket&other"
        yield "bracket&closed" if after.startswith(")") else "bracket&open"
    if lexicon.expression(_CELLS_AFTER, low=True).match(after[:6]):
        yield "cells_after"


_PAIRED = (
    "in=", "rivals", "mentions", "not_named", "places", "cells_after", "bracket", "prior", "after",
    "combined", "general",
)  # fmt: skip
"""Signals that count for a name of the lexicon otherwise than for a coined one."""


def together(found: Iterable[Instance]) -> Mapping[str, list[str]]:
    """Candidate → what all its mentions tell, and how it stands beside the other candidates."""
    by_name: dict[str, list[Instance]] = {}
    for one in found:
        by_name.setdefault(one.concept, []).append(one)
    known = {name for name, ones in by_name.items() if ones[0].mention.row not in COINED}
    return {name: sorted(_together(name, by_name, known)) for name in by_name}


def _together(name: str, by_name: Mapping[str, Sequence[Instance]], known: set[str]) -> set[str]:
    ones = by_name[name]
    found = {signal for one in ones for signal in one.signals}
    found.update(_counted(len(ones), [len(others) for others in by_name.values()]))
    found.update(_reached("rivals_known", len(known - {name}), (1, 2, 4)))
    found.update(_reached("rivals_new", len(by_name.keys() - known - {name}), (1, 2, 4)))
    found.update(_parts(name, by_name))
    places = {one.place for one in ones}
    found.add(f"places={min(len(places), 3)}")
    if places.isdisjoint(NAMED):
        found.add("not_named")
    kind = "known" if name in known else "new"
    return found | {f"{kind}&{signal}" for signal in found if signal.startswith(_PAIRED)} | {kind}


def _parts(name: str, names: Iterable[str]) -> Iterator[str]:
    """Whether a name is a piece of another candidate's, or has one as a piece."""
    own, others = _bare(name), [_bare(other) for other in names if other != name]
    if any(own in other for other in others):
        yield "part_of_rival"
    if any(other in own for other in others):
        yield "rival_is_part"


def _bare(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _counted(count: int, counts: Sequence[int]) -> Iterator[str]:
    """How often a candidate is named, alone and among all."""
    yield from _reached("mentions", count, (2, 3, 5, 9))
    yield from (f"share>{step}" for step in (0.2, 0.5, 0.8) if count > step * sum(counts))
    if count == max(counts):
        yield "most"


def _reached(what: str, count: int, steps: Iterable[int]) -> Iterator[str]:
    return (f"{what}>={step}" for step in steps if count >= step)
