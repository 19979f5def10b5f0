"""Whether a trial is about CAR cells (product, related, mention, no) and what its main purpose is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spacy.language import Language

from cart_nlp.components.chains import car_words
from cart_nlp.components.context import ARMS, NAMES, OUTCOMES, PROSE, TITLES, about_recipients, clause_left
from cart_nlp.components.state import Chain, Hit, State, state

if TYPE_CHECKING:
    from spacy.tokens import Doc

# Care or study of recipients, said in the title.
_SURFACE = frozenset(["protein", "glycolipid", "carbohydrate", "isoform"])
_FOCUS = (
    "long_term_follow_up", "quality_of_life_or_cost", "manufacturing", "toxicity_management",
    "biomarker_or_observational", "other",
)  # fmt: skip
_TCR_DOC = re.compile(r"\btcrs?\b|t[\s-]cell receptor|peptide|vaccin|virus[\s-]specific|viral")


def car_evidence(view: State) -> list[tuple[int, int, str, bool]]:
    """What names a CAR: start, end, section kind, and whether it is about recipients or other products."""
    known = view.notes.get("car_evidence")
    if known is not None:
        return known
    found = []
    low = view.low
    for start, end in car_words(view):
        section = view.section(start)
        kind = section.kind
        if kind in OUTCOMES or kind == "eligibility":
            found.append((start, end, kind, True))
            continue
        clause = clause_left(view, start, 110)
        right = low[end : end + 60]
        if kind in TITLES and (
            view.cue("study.aside_title").search(clause) or view.cue("study.aside_title_right").match(right)
        ):
            kind = "aside"
        about = kind not in NAMES and bool(
            view.cue("context.prior").search(clause)
            or about_recipients(view, start, clause)
            or view.cue("study.recipients").search(clause)
            or view.cue("study.recipients_right").match(right)
        )
        found.append((start, end, kind, about))
    for hit in view.values.get("products", ()):
        if hit.rule == "novel":
            continue
        kind = view.section(hit.start).kind
        clause = clause_left(view, hit.start, 110)
        about = bool(
            about_recipients(view, hit.start, clause)
            or view.cue("study.recipients").search(clause)
            or view.cue("study.recipients_right").match(low[hit.end : hit.end + 60])
        )
        found.append((hit.start, hit.end, kind, about and kind not in NAMES))
    for match in view.cue("study.unnamed_car").finditer(low):
        kind = view.section(match.start()).kind
        found.append(
            (
                *match.span(),
                kind,
                view.cue("context.prior").search(clause_left(view, match.start())) is not None
                or kind == "eligibility",
            )
        )
    for chain in view.chains:
        if chain.rule == "names.signal" and chain.role == "target":
            found.append((chain.start, chain.end, view.section(chain.start).kind, False))
        if chain.rule == "slot.specific-cells" and chain.role == "target":
            first, last = view.sentence(chain.start)
            sentence = low[first:last]
            if view.cue("study.not_car").search(sentence):
                continue
            named = view.section(chain.start).kind in TITLES | NAMES and _surface(chain)
            if (
                named
                or view.cue("study.gene_cells").search(sentence)
                or (view.cue("study.gene_trial").search(low) and not _TCR_DOC.search(low))
            ):
                found.append((chain.start, chain.end, view.section(chain.start).kind, False))
    found.sort()
    view.notes["car_evidence"] = found
    return found


def _surface(chain: Chain) -> bool:
    """Whether every antigen of a chain is a surface antigen: cells "targeted" to it carry a receptor."""
    return all(h.row is not None and h.row.fields.get("kind") in _SURFACE for h in chain.hits)


def decide(view: State) -> tuple[str, float, list[Hit], str]:
    """car_trial, its confidence, the hits that it rests on, and why."""
    evidence = car_evidence(view)
    if not evidence:
        return "no", 0.01, [], "no CAR"

    def hits(spans: list[tuple[int, int, str, bool]]) -> list[Hit]:
        return [Hit(s, e, "car_trial", "", "study." + why) for s, e, _, _ in spans]

    title = [e for e in evidence if e[2] in TITLES]
    names = [e for e in evidence if e[2] in NAMES]
    arms = [e for e in evidence if e[2] in ARMS]
    prose = [e for e in evidence if e[2] in PROSE or e[2] == "conditions"]
    focus = focus_of(view)
    giving = [e for e in title if not e[3]]
    if giving and not names and not arms and _add_on(view, giving):
        why = "add-on"
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
    aimed = any(c.role == "target" and c.slot and view.section(c.start).kind in TITLES for c in view.chains)
    slots = {c.role for c in view.chains if c.slot == 3 and view.section(c.start).kind in PROSE | ARMS}
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


def _add_on(view: State, title: list[tuple[int, int, str, bool]]) -> bool:
    """Whether the interventions name only something else, given together with the CAR cells of the title."""
    if not any(s.kind == "interventions.name" for s in view.sections):
        return False
    if any(c.role == "target" and c.slot and view.section(c.start).kind in NAMES for c in view.chains):
        return False
    others = [view.low[s.start : s.end] for s in view.sections if s.kind == "interventions.name"]
    if all(view.cue("study.cell_name").search(name) for name in others):
        return False
    start = title[0][0]
    before = view.low[view.section(start).start : start]
    return view.cue("study.added").search(before) is not None and not any(
        view.cue("study.cell_name").search(name) for name in others
    )


def focus_of(view: State) -> str:
    """The main purpose, from the titles first; treatment unless they speak of care or study of recipients."""
    trial = view.notes.get("study_type")
    titles = [view.low[s.start : s.end] for s in view.sections if s.kind in TITLES and s.kind != "acronym"]
    for name in _FOCUS:
        pattern = view.cue(f"focus.{name}")
        if any(pattern.search(title) for title in titles):
            if name == "manufacturing" and any("for the treatment" in title for title in titles):
                continue
            if name in ("long_term_follow_up", "quality_of_life_or_cost", "manufacturing"):
                return name
            if _recipients_title(view):
                return name
            if name == "biomarker_or_observational" and trial == "OBSERVATIONAL":
                return name
    if trial == "OBSERVATIONAL":
        return "biomarker_or_observational"
    return "treatment"


def _recipients_title(view: State) -> bool:
    """Whether the titles speak of people who get CAR cells, or name no CAR product as given."""
    named = [e for e in car_evidence(view) if e[2] in TITLES]
    return all(e[3] for e in named)


@Language.factory("cart_study")
def make(nlp: Language, name: str) -> Study:
    """Create the component."""
    return Study()


class Study:
    """Writes car_trial, its score and the focus of a Doc."""

    def __call__(self, doc: Doc) -> Doc:
        view = state(doc)
        trial = doc.user_data.get("trial")
        view.notes["study_type"] = (trial.study_type or "").upper() if trial else ""
        level, score, hits, why = decide(view)
        view.notes |= {"car_trial": level, "car_score": score, "why": why}
        for hit in hits:
            hit.concept = level
        view.values["car_trial"] = hits
        if level in ("product", "related"):
            focus = focus_of(view)
            if level == "product" or (focus == "treatment" and why == "aside"):
                focus = "treatment"
            view.values["focus"] = [Hit(h.start, h.end, "focus", focus, h.rule) for h in hits[:1]]
        return doc
