"""Product codes that no lexicon knows: "QT-019C", where the text ties the code to a CAR."""

from __future__ import annotations

import re

from cart_nlp.components.chains import car_words
from cart_nlp.components.context import NAMED, TITLES
from cart_nlp.components.state import Hit, State

CODE = re.compile(
    r"(?P<code>[A-Z](?<![\w/.-][A-Z])[A-Za-z]{0,6}-?[A-Z]{0,6}-?\d{1,4}[A-Z]{0,2}\d?(?:-\d{1,3})?)(?![\w]|-[A-Za-z]*\d|\.\d)"
)
"""Capitals with digits, as sponsors name products."""
_NO_CODE = re.compile(
    r"(?:CD|IL|HLA|PD|COVID|SARS|NCT|CTLA|TNF|VEGF|HER|EGFR|MUC|GPC|GD|CLDN|CS|BCL|FLT|HIV|HBV|HPV|CMV|EBV|HSV|ICD|ECOG|CAR|CART|"
    r"Phase|Day|Week|Month|Cohort|Arm|Part|Stage|Grade|Group|Level|Version|AZD|PF|MK|GSK|BMS|NKTR|ALT|AP)-?\d*$",
)
_OTHER = re.compile(
    r"\bwith\b|\bplus\b|combin|\band\b|followed|\bbefore\b|\bprior\sto\b|\bafter\b|\+|\bor\b|inhibitor|vaccine|bispecific|antibody"
)
_REACH = 60
# A CAR given before is not what the code names: "post CAR-T", "after CD19 CAR-T".
_EARLIER = re.compile(r"\b(?:post|after|following|prior|previous)[\s-](?:cd\d\d?[\s-])?$")


def codes(view: State, known: frozenset[str]) -> list[Hit]:
    """Hits of unknown codes that the titles or interventions name and that a sentence ties to a CAR word."""
    words: list[tuple[int, int]] | None = None
    named: dict[str, bool] = {}
    for section in view.sections:
        if section.kind in NAMED:
            # A title's "KYSA-1" or "(RELY-30)" is the study's own name more often than a product's.
            free_text = section.kind in TITLES
            for found in CODE.finditer(view.text, section.start, section.end):
                code = found["code"]
                if len(code) >= 4 and not _NO_CODE.match(code) and code.lower() not in known:
                    if words is None:
                        words = _words(view)
                    taken = any(
                        h.start < found.end() and h.end > found.start()
                        for h in view.hits
                        if h.label != "cell_type"
                    )
                    beside = not free_text or _beside(view, found.start(), found.end(), words)
                    named[code] = named.get(code, False) or (beside and not taken)
    hits: list[Hit] = []
    if not words:
        return hits
    for code, free in named.items():
        if not free:
            continue
        places = [m.span() for m in re.finditer(rf"(?<![\w-]){re.escape(code)}(?![\w])", view.text)]
        if any(_tied(view, start, end, words) for start, end in places):
            hits += [Hit(start, end, "product", code, "novel", None, score=0.5) for start, end in places]
    return hits


def _words(view: State) -> list[tuple[int, int]]:
    """The CAR words but for those of a therapy given before."""
    return [w for w in car_words(view) if not _EARLIER.search(view.low, max(0, w[0] - 12), w[0])]


def _beside(view: State, start: int, end: int, words: list[tuple[int, int]]) -> bool:
    """Whether a code touches a CAR word: "CMD63 chimeric antigen receptor", "CAR-T cells (CMD63)"."""
    if re.search(r"(?:post|after|following|prior to|before)\s$", view.low[max(0, start - 12) : start]):
        return False
    for low, high in words:
        if low >= end and not view.low[end:low].strip(" ,"):
            return True
        gap = view.low[high:start]
        if (
            high <= start
            and len(gap) <= 24
            and re.fullmatch(r"(?:[\s-]*(?:t|nk)?[\s-]*(?:cells?|injection|therapy)?)[\s(]*", gap)
        ):
            return not view.low[end:].lstrip(" )").startswith("study")
    return False


def _tied(view: State, start: int, end: int, words: list[tuple[int, int]]) -> bool:
    """Whether a CAR word of the sentence stands near a code, with nothing between that is another agent."""
    first, last = view.sentence(start)
    for low, high in words:
        if low < first or high > last:
            continue
        gap = view.low[end:low] if low >= end else view.low[high:start]
        if len(gap) <= _REACH and not _OTHER.search(gap):
            return True
    return False
