"""Signals of a trial: what names a CAR in it, where and how, and what kind of study it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from cart_nlp.signals.candidate import steps
from cart_nlp.signals.mention import part, place, place_at, turns
from cart_nlp.signals.reading import Reading
from cart_nlp.signals.units import Unit, single
from cart_nlp.vocabulary import CueHit

AGAINST = frozenset(
    ["prior", "prior_right", "after", "recipient", "recipient_right", "caused", "supplied", "general",
     "aside"]
)  # fmt: skip
"""Cues that make a CAR another one than the study's own."""
_TURNS = AGAINST | frozenset(
    ["own", "will_get", "added", "before", "definition", "manufacture", "laboratory", "making", "combined",
     "not_car", "gene_cells", "vector_near", "binds", "bound", "counting", "antibody_right", "drug_left"]
)  # fmt: skip
_TRIAL = frozenset(
    ["focus_biomarker_or_observational", "focus_long_term_follow_up", "focus_manufacturing",
     "focus_quality_of_life_or_cost", "focus_toxicity_management", "focus_other", "radiation", "observe",
     "measure", "cell_name", "car_company", "other_car", "lnp_study"]
)  # fmt: skip
_BARE = r"(?s)(?<![\d\u2070-\u2079])(?<![\d\u2070-\u2079].)<<name_car>>t?s*(?!\d|<<car_goes_on>>)"
"""A CAR word that is the letters alone, no number before it and nothing that makes it a receptor after."""


def evidence(reading: Reading) -> Iterator[tuple[Unit, str]]:
    """What names a CAR: CAR words, receptors of another name, products; with the kind of name."""
    lexicon, reached = reading.vocabulary.lexicon, -1
    for mention in reading.of("car", "product"):
        if mention.row == "novel" or (mention.start < reached and mention.label != "product"):
            continue
        if mention.label == "product":
            kind = "code" if mention.guarded else "product"
        elif mention.concept not in lexicon.words("name_car"):
            kind = "unnamed"
        else:
            bare = lexicon.expression(_BARE, low=True).match(reading.low, mention.start)
            kind = "bare" if bare and bare.end() == mention.end else "car"
        reached = max(reached, mention.end)
        yield single(reading, mention), kind


def signals(reading: Reading, targets: Mapping[str, float], study_type: str = "") -> list[str]:
    """All signals of a trial. `targets` are the log-odds of its candidate targets by place."""
    found = {*_of_interventions(reading)}
    counts: Counter[str] = Counter()
    for unit, kind in evidence(reading):
        where = place(unit)
        zone, told = part(where), turns(reading, unit)
        counts[kind] += 1
        found.add(f"{kind}@{where}")
        if told.isdisjoint(AGAINST):
            counts.update(("clean", "clean_" + zone))
            found.update((f"{kind}@{where}&clean", f"any@{where}&clean"))
        for cue in told & _TURNS:
            found.update((f"any@{where}&{cue}", f"any@{zone}&{cue}", f"{kind}&{cue}"))
    for name, number in counts.items():
        found.update(f"n_{name}>={k}" for k in (1, 2, 3, 5, 9) if number >= k)
    if not counts["car"]:
        found.add("no_plain_car" if counts.total() else "no_car")
    for hit in reading.trial_hits:
        found.update(_told(reading, hit))
    for where, logit in targets.items():
        found.update(steps("target_" + where, logit, (-2, 0, 2, 4)))
    if study_type:
        found.add("type=" + study_type.lower())
    return sorted(found)


def _told(reading: Reading, hit: CueHit) -> Iterator[str]:
    where = place_at(reading, hit.start)
    for category in hit.trial:
        if category in _TRIAL:
            yield f"{category}@{where if where in ('title', 'name', 'summary') else 'rest'}"


def stating(reading: Reading, signals: Iterable[str]) -> list[tuple[int, int]]:
    """Start and end of the words that make signals of cues (`category@place`) hold, the longest each."""
    wanted = frozenset(signals)
    hits = [hit for hit in reading.trial_hits if wanted.intersection(_told(reading, hit))]
    found: list[tuple[int, int]] = []
    for hit in sorted(hits, key=lambda h: (h.start, -h.end)):
        if not found or hit.start >= found[-1][1]:
            found.append((hit.start, hit.end))
    return found


def _of_interventions(reading: Reading) -> Iterator[str]:
    names = [s for s in reading.sections if s.kind == "interventions.name"]
    if not names:
        yield "no_names"
        return
    holding = {reading.section(m.start) for m in reading.of("car", "product")}
    yield "names_no_car" if holding.isdisjoint(names) else "names_car"
    if holding.issuperset(names):
        yield "names_all_car"
    hits = (hit for hit in reading.trial_hits if reading.section(hit.start) in names)
    told = {category for hit in hits for category in hit.trial}
    if "cell_name" in told:
        yield "names_cells"
    if "measure" in told:
        yield "names_measure"
