"""Signals of a trial: what names a CAR in it, where and how, and what kind of study it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from cart_nlp.signals.candidate import steps
from cart_nlp.signals.fields import instances
from cart_nlp.signals.mention import NAMED, TOLD, place, place_at, turns, zone
from cart_nlp.signals.reading import Reading
from cart_nlp.signals.units import Unit, single
from cart_nlp.vocabulary import CueHit

_BARE = r"(?s)(?<![a-z\d\u2070-\u2079])(?<![\d\u2070-\u2079].)<<name_car>>t?s*(?!\d|<<car_goes_on>>)"
"""A CAR word that is the letters alone, no letter or number before it and no word for a receptor after."""


def evidence(reading: Reading) -> Iterator[tuple[Unit, str]]:
    """CAR words, receptors of another name, products, with the kind of name: "CD19 CAR" is no bare CAR."""
    lexicon, reached = reading.vocabulary.lexicon, -1
    bound = {mention.end for mention in reading.of("antigen", "ligand") if not mention.guarded}
    for mention in reading.of("car", "product"):
        if mention.start < reached and mention.label != "product":
            continue
        if mention.label == "product":
            kind = "code" if mention.guarded else "product"
        elif mention.concept not in lexicon.words("name_car"):
            kind = "unnamed"
        else:
            bare = lexicon.expression(_BARE, low=True).match(reading.low, mention.start)
            alone = bare and bare.end() == mention.end and mention.start - 1 not in bound
            kind = "bare" if alone else "car"
        reached = max(reached, mention.end)
        yield single(reading, mention), kind


def signals(reading: Reading, targets: Mapping[str, float], study_type: str = "") -> list[str]:
    """All signals of a trial. `targets` are the log-odds of its candidate targets by place."""
    another = reading.vocabulary.lexicon.words("another_car")
    turning = another | reading.vocabulary.lexicon.words("turns_car")
    found = {*_of_interventions(reading), *_of_names(reading)}
    named: list[str] = []
    for unit, kind in evidence(reading):
        where = place(unit)
        region, told = zone(where, where), turns(reading, unit)
        named.append(kind)
        found.add(f"{kind}@{where}")
        if told.isdisjoint(another):
            named += ("clean", "clean_" + region)
            found.update((f"{kind}@{where}&clean", f"any@{where}&clean"))
        found.update(_turned(kind, where, sorted(told & turning)))
    for name, number in Counter(named).items():
        found.update(f"n_{name}>={k}" for k in (1, 2, 3, 5, 9) if number >= k)
    strong = [step for at, logit in targets.items() for step in steps("target_" + at, logit, _STEPS)]
    found.update(strong, (f"{category}@{at}" for category, at, _ in _telling(reading)))
    if not any(f"car@{where}" in found for where in NAMED | TOLD):
        aside = "car_aside" if "car" in named else "no_plain_car" if named else "no_car"
        found.update([aside], _unnamed(reading, strong))
    if study_type:
        found.add("type=" + study_type.lower())
    return sorted(found)


def _turned(kind: str, where: str, cues: Sequence[str]) -> Iterator[str]:
    """The cues that may turn the meaning of a CAR's name, each and all of them together."""
    region = zone(where, where)
    for cue in cues:
        yield from (f"any@{where}&{cue}", f"any@{region}&{cue}", f"{kind}&{cue}")
    if cues:
        yield f"any@{region}={'+'.join(cues)}"


def _of_names(reading: Reading) -> Iterator[str]:
    """How the text binds to a CAR what a title or intervention is named after: "QX-44 is a CAR-T product"."""
    spoken = {place_at(reading, car.start) for car in reading.cars}
    names = () if spoken.isdisjoint(TOLD) else instances(reading, "products")
    shown = {one.concept for one in names if one.place in NAMED}
    told = (one.signals for one in names if one.concept in shown and one.place in TOLD)
    return ("name&" + signal for held in told for signal in held if signal.startswith(_BINDING))


def _unnamed(reading: Reading, strong: list[str]) -> Iterator[str]:
    """What tells of cells with a receptor where no word CAR does."""
    cues = {(category, at) for category, at, _ in _telling(reading, "tells_unnamed")}
    together = "&".join(sorted({category for category, at in cues if at != "eligibility"}))
    domains = {mention.concept for mention in reading.of("costim")}
    said = (together, *strong, *domains, *_ties(reading), *map("@".join, cues))
    return ("unnamed&" + each for each in said)


def _ties(reading: Reading) -> Iterator[str]:
    """How titles bind antigens to cells, and what kind of antigen that is: T-cell receptors bind some."""
    cell = reading.vocabulary.lexicon.cell
    for one in instances(reading, "targets"):
        ties = sorted(_TIED.intersection(one.signals)) if one.place in NAMED else ()
        if ties:
            kind = cell("antigen", one.concept, "usual_role") or cell("antigen", one.concept, "kind")
            yield from (*ties, tied := "&".join(ties), f"{tied}&{kind}")


def _telling(reading: Reading, kind: str = "tells_trial") -> Iterator[tuple[str, str, CueHit]]:
    """The cues that tell what kind of study it is, each after its category and the part where it stands."""
    telling = reading.vocabulary.lexicon.words(kind)
    for hit in reading.trial_hits:
        for category in hit.trial:
            if category in telling:
                where = place_at(reading, hit.start)
                yield category, where if where in _PARTS else "rest", hit


_PARTS = ("title", "name", "summary", "eligibility")
"""Parts of a record where a cue tells something of its own; the others are the rest."""
_BINDING = ("car>", "car<", "definition")  # what binds a name to a CAR, or says what it is
_TIED = frozenset(["bound>adj", "binds<adj", "cells_right>adj", "carrier>adj"])  # "CD19-targeted T cells"
_STEPS = (-2, 0, 2, 4)
"""Log-odds of the likeliest target of a part from which on it counts."""


def stating(reading: Reading, signals: Iterable[str]) -> list[tuple[int, int]]:
    """Start and end of the words that make signals of cues (`category@place`) hold, the longest each."""
    wanted = frozenset(signals)
    hits = [hit for category, part, hit in _telling(reading) if f"{category}@{part}" in wanted]
    found: list[tuple[int, int]] = []
    for hit in sorted(hits, key=lambda h: (h.start, -h.end)):
        if not found or hit.start >= found[-1][1]:
            found.append((hit.start, hit.end))
    return found


def _of_interventions(reading: Reading) -> Iterator[str]:
    names = {s for s in reading.sections if s.kind == "interventions.name"}
    if not names:
        yield "no_names"
        return
    holding = {reading.section(m.start) for m in reading.of("car", "product")}
    yield "names_no_car" if holding.isdisjoint(names) else "names_car"
    if holding.issuperset(names):
        yield "names_all_car"
    told = {cue for hit in reading.trial_hits if reading.section(hit.start) in names for cue in hit.trial}
    kinds = {"cell_name": "names_cells", "measure": "names_measure"}
    yield from (kinds[cue] for cue in kinds.keys() & told)
