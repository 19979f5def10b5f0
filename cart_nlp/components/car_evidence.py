"""Which words of a trial name a CAR, and whether they speak of recipients or of other products."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cart_nlp.components.chains import car_words
from cart_nlp.components.context import (
    NAMED,
    NAMES,
    OUTCOMES,
    TITLES,
    about_recipients,
    clause_left,
    prior,
    prior_in,
)
from cart_nlp.components.state import Chain, State

# Start, end, kind of section, and whether it is about recipients, other products or routine care.
CarMention = tuple[int, int, str, bool]

_SURFACE = frozenset(["protein", "glycolipid", "carbohydrate", "isoform"])
_TCR_DOC = re.compile(r"\btcrs?\b|t[\s-]cell receptor|peptide|vaccin|virus[\s-]specific|viral")


def car_evidence(view: State) -> list[CarMention]:
    """What names a CAR: start, end, section kind, and whether it is about recipients or other products."""
    known = view.notes.get("car_evidence")
    if known is not None:
        return known
    found = []
    low = view.low
    for start, end in car_words(view):
        section = view.section(start)
        kind = section.kind
        if kind in TITLES and start and low[start - 1].isalpha() and _free_word(view):
            # "ALSOCART study": the letters of an acronym beside a title that names the cells in full.
            continue
        if kind in OUTCOMES or kind == "eligibility":
            found.append((start, end, kind, True))
            continue
        first = max(view.clause(start), start - 110)
        clause = low[first:start]
        right = low[end : end + 60]
        if kind in TITLES and (
            view.cue("study.aside_title").search(clause) or view.cue("study.aside_title_right").match(right)
        ):
            kind = "aside"
        if kind in NAMES:
            about = view.cue("study.supplied").search(clause) is not None
            found.append((start, end, kind, about))
            continue
        about = bool(
            prior_in(view, first, start)
            or about_recipients(view, start, clause)
            or view.cue("study.recipients").search(clause)
            or view.cue("study.recipients_right").match(right)
            or (
                kind in TITLES
                and view.cue("study.setting").search(clause)
                and view.cue("study.setting_right").match(right)
            )
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
    for match in _unnamed(view):
        kind = view.section(match.start()).kind
        found.append(
            (
                *match.span(),
                kind,
                prior(view, match.start()) or kind == "eligibility",
            )
        )
    for chain in view.chains:
        if chain.rule == "names.signal" and chain.role == "target":
            found.append((chain.start, chain.end, chain.kind, False))
        if chain.rule == "slot.specific-cells" and chain.role == "target":
            first, last = view.sentence(chain.start)
            sentence = low[first:last]
            if view.cue("study.not_car").search(sentence):
                continue
            named = chain.kind in NAMED and _surface(chain)
            if (
                named
                or view.cue("study.gene_cells").search(sentence)
                or (view.cue("study.gene_trial").search(low) and not _TCR_DOC.search(low))
            ):
                found.append((chain.start, chain.end, chain.kind, False))
    found.sort()
    view.notes["car_evidence"] = found
    return found


def _unnamed(view: State) -> Iterator[re.Match[str]]:
    """The words for a chimeric receptor that do not say CAR, sought in the sentences that may hold some."""
    cue = view.cue("study.unnamed_car")
    places = view.places_of("study.unnamed_car")
    if places is None:
        yield from cue.finditer(view.low)
        return
    done = -1
    for at in places:
        if at >= done:
            first, done = view.sentence(at)
            yield from cue.finditer(view.low, first, done)


def _free_word(view: State) -> bool:
    """Whether a title holds a CAR word that is no part of a longer word."""
    return any(
        view.section(start).kind in TITLES and not (start and view.low[start - 1].isalpha())
        for start, _ in car_words(view)
    )


def _surface(chain: Chain) -> bool:
    """Whether every antigen of a chain is a surface antigen: cells "targeted" to it carry a receptor."""
    return all(h.row is not None and h.row.fields.get("kind") in _SURFACE for h in chain.hits)
