"""Whether a trial is about CAR cells (product, related, mention, no) and what its main purpose is."""

from __future__ import annotations

import re

from spacy.language import Language

from cart_nlp.components.car_evidence import CarMention, car_evidence
from cart_nlp.components.context import ARMS, NAMES, PROSE, TITLES, TOLD, clause_left
from cart_nlp.components.state import Component, Hit, State

_FOCUS = (
    "long_term_follow_up", "quality_of_life_or_cost", "manufacturing", "toxicity_management",
    "biomarker_or_observational", "other",
)  # fmt: skip
_FOCUS_CUES = tuple((name, f"focus.{name}") for name in _FOCUS)
_LONG_TERM = re.compile(r"long[\s-]?term (?:safety|follow|effect|surveil|monitor)")
_TIME = re.compile(r"\b(?:after|post|following|before|prior to|bridging)\b")
_STEM = re.compile(r"[a-z\d][a-z\d-]{3,}")
_COMMON = frozenset(["ther", "trea", "cell", "anti", "stud", "infu", "pati", "with", "comb", "immu", "medi"])
_TRANSPLANT = re.compile(r"transplant|\bhsct\b")
_LATER = re.compile(r"\b(?:next|subsequent|proceed\w*|eligib\w+|prior|previous|bridg\w+)\b")


def decide(view: State) -> tuple[str, float, list[Hit], str]:
    """car_trial, its confidence, the hits that it rests on, and why."""
    evidence = car_evidence(view)
    if not evidence:
        return "no", 0.01, [], "no CAR"

    def hits(spans: list[CarMention]) -> list[Hit]:
        return [Hit(s, e, "car_trial", "", "study." + why) for s, e, _, _ in spans]

    title = [e for e in evidence if e[2] in TITLES]
    names = [e for e in evidence if e[2] in NAMES]
    arms = [e for e in evidence if e[2] in ARMS]
    prose = [e for e in evidence if e[2] in PROSE or e[2] == "conditions"]
    focus = focus_of(view)
    giving = [e for e in title if not e[3]]
    given = [e for e in names if not e[3] and e[2] != "arms.label"]
    if (
        giving
        and not given
        and (_supplied(view, evidence) or not names + arms)
        and _add_on(view, giving, names)
    ):
        why = "add-on"
        return "related", 0.7, hits(giving), why
    if title and not giving and focus == "treatment" and _companion(view, title[0], names):
        why = "add-on"
        return "related", 0.7, hits(title), why
    if giving and not names and not arms and _only_measured(view):
        why = "sampling"
        return "related", 0.7, hits(giving), why
    if names and not (title and not giving) and focus == "treatment":
        why = "intervention"
        return "product", 0.98, hits(names), why
    if giving:
        why = "title"
        if focus == "treatment" or names:
            return ("product" if focus == "treatment" else "related"), 0.97, hits(giving), why
        return "related", 0.9, hits(giving), why
    if title or names:
        why = "recipients"
        if names and focus == "treatment":
            return "product", 0.85, hits(names), why
        return "related", 0.85, hits(title or names), why
    own = [e for e in arms + prose if not e[3]]
    sentences = [(e, view.low[slice(*view.sentence(e[0]))]) for e in own]
    told = [
        e
        for e, sentence in sentences
        if not view.cue("study.background").search(sentence) and view.cue("study.making").search(sentence)
    ]
    titles = " ".join(view.low[s.start : s.end] for s in view.sections if s.kind in TITLES)
    aimed = any(c.role == "target" and c.slot and c.kind in TITLES for c in view.chains)
    slots = {c.role for c in view.chains if c.slot == 3 and c.kind in TOLD}
    if told:
        why = "prose"
        early = any(e[2] != "detailed_description" for e in told)
        if (
            view.cue("study.cell_title").search(titles)
            or (("target" in slots or aimed) and early)
            or len(told) > 3
        ):
            return ("product" if focus == "treatment" else "related"), 0.8 if early else 0.65, hits(told), why
        if early and len(evidence) > 2:
            return ("product" if focus == "treatment" else "related"), 0.6, hits(told), why
        return "mention", 0.3, hits(own), why
    if measured := _measured(view, evidence, titles, focus):
        return measured
    if prose and focus != "treatment" and view.cue("study.therapy_title").search(titles):
        why = "care"
        return "related", 0.55, hits(prose), why
    why = "aside"
    summary = [e for e in prose + arms if e[2] == "brief_summary"]
    if (
        len(summary) > 1
        and any(e[3] for e in summary)
        and not all(
            view.cue("study.background").search(view.low[slice(*view.sentence(e[0]))]) for e in summary
        )
    ):
        return "related", 0.55, hits(summary), why
    return "mention", 0.15, hits(evidence), why


def _supplied(view: State, evidence: list[CarMention]) -> bool:
    """Whether the text calls the CAR cells standard or planned care."""
    return any(
        kind in TOLD | NAMES and view.cue("study.supplied").search(clause_left(view, start, 40)) is not None
        for start, _, kind, _ in evidence
    )


def _companion(view: State, first: CarMention, names: list[CarMention]) -> bool:
    """Whether the title sets another intervention before or after the CAR cells: that one is tested."""
    before = view.low[view.section(first[0]).start : first[0]]
    if not _TIME.search(before[-60:]):
        return False
    stems = {word[:4] for word in _STEM.findall(before)} - _COMMON
    own = {view.section(e[0]).start for e in names}
    return bool(own) and any(
        not stems.isdisjoint(word[:4] for word in _STEM.findall(view.low, s.start, s.end))
        for s in view.sections
        if s.kind == "interventions.name" and s.start not in own
    )


def _only_measured(view: State) -> bool:
    """Whether the interventions take samples or measure, and give nothing."""
    names = [view.low[s.start : s.end] for s in view.sections if s.kind == "interventions.name"]
    return bool(names) and all(view.cue("study.measure_name").search(name) for name in names)


def _measured(
    view: State, evidence: list[CarMention], titles: str, focus: str
) -> tuple[str, float, list[Hit], str] | None:
    """The level of a trial that names its CAR cells only in what it measures, or as its condition."""
    found = [
        e
        for e in evidence
        if e[2] == "conditions"
        or (e[2] == "primary_outcomes" and not _LATER.search(clause_left(view, e[0], 60)))
    ]
    if not found:
        return None
    cells = view.cue("study.cell_title").search(titles) and not _TRANSPLANT.search(titles)
    summary = any(e[2] == "brief_summary" and not e[3] for e in evidence)
    product = focus == "treatment" and (cells or (summary and found[0][2] == "conditions"))
    hits = [Hit(s, e, "car_trial", "", "study.measured") for s, e, _, _ in found]
    return ("product" if product else "related"), 0.55, hits, "measured"


def _add_on(view: State, title: list[CarMention], names: list[CarMention]) -> bool:
    """Whether the interventions name only something else, given together with the CAR cells of the title."""
    if not any(s.kind == "interventions.name" for s in view.sections):
        return False
    if any(c.role == "target" and c.slot and c.kind in NAMES for c in view.chains):
        return False
    evidence = car_evidence(view)
    if not _supplied(view, evidence) and any(
        kind in TOLD and view.cue("study.made").search(view.low[slice(*view.sentence(start))])
        for start, _, kind, about in evidence
        if not about
    ):
        return False
    others = [view.low[s.start : s.end] for s in view.sections if s.kind == "interventions.name"]
    start = title[0][0]
    before = view.low[view.section(start).start : start]
    return view.cue("study.added").search(before) is not None and (
        any(e[3] for e in names) or not any(view.cue("study.cell_name").search(name) for name in others)
    )


def focus_of(view: State) -> str:
    """The main purpose, from the titles first; treatment unless they speak of care or study of recipients."""
    known: str | None = view.notes.get("focus")
    if known is None:
        known = view.notes["focus"] = _focus_of(view)
    return known


def _focus_of(view: State) -> str:
    trial = view.notes.get("study_type")
    places = [s for s in view.sections if s.kind in TITLES and s.kind != "acronym"]
    titles = [view.low[s.start : s.end] for s in places]
    for name, cue in _FOCUS_CUES:
        if places and not view.may(cue, places[0].start, places[-1].end):
            continue
        if any(view.cue(cue).search(title) for title in titles):
            if name == "manufacturing" and any("for the treatment" in title for title in titles):
                continue
            if name in ("long_term_follow_up", "quality_of_life_or_cost", "manufacturing"):
                return name
            if _recipients_title(view):
                return name
            if name == "biomarker_or_observational" and trial == "OBSERVATIONAL":
                return name
    if trial == "OBSERVATIONAL" or (trial != "INTERVENTIONAL" and _observed(view)):
        summary = " ".join(view.low[s.start : s.end] for s in view.sections if s.kind == "brief_summary")
        opening = summary[:300]
        if _LONG_TERM.search(opening):
            return "long_term_follow_up"
        if view.cue("focus.quality_of_life_or_cost").search(opening):
            return "quality_of_life_or_cost"
        return "biomarker_or_observational"
    return "treatment"


def _observed(view: State) -> bool:
    """Whether title or summary say that the study only watches what is done anyway."""
    return any(
        view.may("study.observational", s.start, s.end)
        and view.cue("study.observational").search(view.low, s.start, s.end)
        for s in view.sections
        if s.kind in TITLES or s.kind == "brief_summary"
    )


def _recipients_title(view: State) -> bool:
    """Whether the titles speak of people who get CAR cells, or name no CAR product as given."""
    named = [e for e in car_evidence(view) if e[2] in TITLES]
    return all(e[3] for e in named)


@Language.factory("cart_study")
def make(nlp: Language, name: str) -> Study:
    """Create the component."""
    return Study()


class Study(Component):
    """Writes car_trial, its score and the focus of a Doc."""

    def apply(self, view: State) -> None:
        trial = view.trial
        view.notes["study_type"] = (trial.study_type or "").upper() if trial else ""
        level, score, hits, why = decide(view)
        view.notes |= {"car_trial": level, "car_score": score, "why": why}
        for hit in hits:
            hit.concept = level
        view.values["car_trial"] = hits
        if level in ("product", "related"):
            focus = focus_of(view)
            if why == "sampling" and focus == "treatment":
                focus = "biomarker_or_observational"
            if level == "product" or (focus == "treatment" and why == "aside"):
                focus = "treatment"
            view.values["focus"] = [Hit(h.start, h.end, "focus", focus, h.rule) for h in hits[:1]]
