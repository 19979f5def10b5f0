"""The instances of products: names of the lexicon and coined ones, and what speaks for the study's own."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from cart_nlp.signals.candidate import DENIALS, Instance
from cart_nlp.signals.mention import AT_CAR, NAMED, attachment, cues, place, shape, zone
from cart_nlp.signals.names import COINED, build, names
from cart_nlp.signals.reading import Mention, Reading, Section
from cart_nlp.signals.units import single, units
from cart_nlp.text import bare

_CELLS_BEFORE = r"(?:<<name_car>>[ -]?<<name_cells>>?|<<name_cell_word>>|<<name_cells_before>>) ?$"
_CELLS_AFTER = r"[ -](?:<<name_cells>>|<<name_car>>)\b"
_AFTER = "/(?P<list_goes_on><<number_of>>|[1-3])|[ -](?P<study_name><<name_study>>)"
_TAIL = r"-?(?:(?:<<name_car>>-?)?<<name_cells>>|<<name_car>>|<<name_cell_word>>)s?"
"""What makes a name longer and yet no other: a word for cells."""
_REACH = 40
"""Characters within which the rest of a name that was cut stands."""
_PAIRED = (
    "in=", "rivals", "mentions", "not_named", "places", "cells_after", "bracket", "prior", "after",
    "whole_section", "combined", "general", "denied",
)  # fmt: skip
"""Signals that count for a name of the lexicon otherwise than for a coined one."""


def instances(reading: Reading) -> Iterator[Instance]:
    """Each product as a unit of its own: two names side by side need not be one kind of thing."""
    mentions = _apart(reading)
    bound = _bound(reading)
    cars = {reading.section(car.start) for car in reading.cars}
    listed = {one.start: unit for unit in units(reading, reading.of("product")) for one in unit.mentions}
    for number, mention in enumerate(sorted(mentions, key=lambda m: (m.start, -m.end))):
        unit = single(reading, mention)
        where, bonds = place(unit), attachment(reading, unit)
        found = ["in=" + where, *bonds, *(f"{zone(where, where)}&{bond}" for bond in bonds)]
        if mention.row in COINED:
            found += ["new&" + signal for signal in (*found, *build(reading, mention))]
        found += (*_kind(reading, mention, bound), *_placed(reading, mention, cars), *shape(reading, unit))
        found += [cue for cue in cues(reading, unit) if cue.endswith(("adj", "near"))]
        if len(listed.get(mention.start, unit).mentions) > 1:  # "after axi-cel, liso-cel or tisa-cel"
            found += sorted(DENIALS.intersection(cues(reading, listed[mention.start])).difference(found))
        yield Instance(mention.concept, mention, tuple(found), where, number)


def _bound(reading: Reading) -> set[str]:
    """The antigens that titles and the like bind to a CAR."""
    named = (one for one in units(reading, reading.of("antigen")) if zone(place(one)) == "named")
    at_cars = (one for one in named if not AT_CAR.isdisjoint(attachment(reading, one)))
    return {mention.concept for one in at_cars for mention in one.mentions}


def _apart(reading: Reading) -> list[Mention]:
    """Known names that no longer name holds, coined ones that are no known one."""
    known = list(_known(reading))
    coined = [new for new in names(reading) if not any(_same(reading, one, new) for one in known)]
    return [one for one in known if not any(_longer(reading, one, new) for new in coined)] + coined


def _same(reading: Reading, known: Mention, coined: Mention) -> bool:
    """Whether a coined name is a known one, or a piece of it, or has but a word for cells more."""
    if coined.start != known.start or coined.end <= known.end:
        return known.start <= coined.start and coined.end <= known.end
    tail = reading.vocabulary.lexicon.expression(_TAIL)
    return tail.fullmatch(reading.text, known.end, coined.end) is not None


def _longer(reading: Reading, known: Mention, coined: Mention) -> bool:
    """Whether a coined name holds a known one and is another: "ABC-12X", but not "ABC-12/X", of "ABC-12"."""
    if known.start < coined.start or coined.end < known.end:
        return False
    return coined.start < known.start or reading.text[known.end] not in "/+"


def _known(reading: Reading) -> Iterator[Mention]:
    """The names of the lexicon, but those whose rest a blank behind a hyphen has cut off: "CART-ABC- DEF"."""
    reached, found = -1, reading.of("product")
    for mention in found:
        if mention.start < reached:
            continue  # the "CART-meso cells" of "huCART-meso cells"
        reached = mention.end
        if reading.low.startswith("- ", reached):
            rest = reading.words(reached, min(reading.sentence(mention.start)[1], reached + _REACH))
            whole = bare(reading.low[mention.start : reached]) + "".join(rest[:1])
            if any(bare(reading.low[other.start : other.end]).startswith(whole) for other in found):
                continue
        yield mention


def _kind(reading: Reading, mention: Mention, bound: Container[str]) -> Iterator[str]:
    """What kind of name it is; `bound` are the antigens that titles and the like bind to a CAR."""
    low, lexicon = reading.low, reading.vocabulary.lexicon
    if mention.guarded:
        yield "guarded_name"
    if mention.row in COINED:
        yield "new=" + mention.row
    else:
        row = lexicon.get("product", mention.concept)
        targets = row.values("targets") if row is not None else ()
        yield "known_targets" if targets else "known"
        if targets and bound:
            yield "binds_named" if any(one in bound for one in targets) else "binds_other"
    has_car = lexicon.expression("<<name_car>>", low=True).search(low, mention.start, mention.end)
    yield "name_has_car" if has_car else "name_no_car"
    if lexicon.expression("<<name_end>>$", low=True).search(low, mention.start, mention.end):
        yield "name_cel"
    if after := lexicon.expression(_AFTER, low=True).match(low, mention.end):
        yield str(after.lastgroup)


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
    if before.endswith("("):
        cells = lexicon.expression(_CELLS_BEFORE, low=True).search(before[-14:-1])
        yield "bracket&cells" if cells else "bracket&other"
        yield "bracket&closed" if after.startswith(")") else "bracket&open"
    if lexicon.expression(_CELLS_AFTER, low=True).match(after[:6]):
        yield "cells_after"


def together(found: Iterable[Instance]) -> Mapping[str, list[str]]:
    """Candidate → what all its mentions tell, and how it stands beside the other candidates."""
    by_name: dict[str, list[Instance]] = {}
    for one in found:
        by_name.setdefault(one.concept, []).append(one)
    known = {name for name, ones in by_name.items() if ones[0].mention.row not in COINED}
    table = {}
    for name, ones in by_name.items():
        told = {signal for one in ones for signal in one.signals}
        told.update(_beside(name, by_name, known), _places(ones))
        kind = "known" if name in known else "new"
        paired = [f"{kind}&{signal}" for signal in told if signal.startswith(_PAIRED)]
        table[name] = sorted(told.union(paired, [kind]))
    return table


def _places(ones: Sequence[Instance]) -> Iterator[str]:
    """Where a candidate is named, and whether cues deny it wherever that is: "relapsed after axi-cel"."""
    places = {one.place for one in ones}
    where = "not_named" if places.isdisjoint(NAMED) else "named"
    yield f"places={min(len(places), 3)}"
    if where == "not_named":
        yield where
    if all(not DENIALS.isdisjoint(one.signals) for one in ones):
        yield from ("denied", "denied&" + where)
        yield from ("denied&" + binds for binds in ("binds_named", "binds_other") if binds in ones[0].signals)


def _beside(name: str, by_name: Mapping[str, Sequence[Instance]], known: set[str]) -> Iterator[str]:
    """How often a candidate is named, alone and among all."""
    count, counts = len(by_name[name]), [len(ones) for ones in by_name.values()]
    rivals = by_name.keys() - {name}
    for what, number, steps in (
        ("mentions", count, (2, 3, 5, 9)),
        ("rivals_known", len(rivals & known), (1, 2, 4)),
        ("rivals_new", len(rivals - known), (1, 2, 4)),
    ):
        yield from (f"{what}>={step}" for step in steps if number >= step)
    yield from (f"share>{step}" for step in (0.2, 0.5, 0.8) if count > step * sum(counts))
    if count == max(counts):
        yield "most"
