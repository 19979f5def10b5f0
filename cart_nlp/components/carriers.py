"""Which kind of cell carries the CAR."""

from __future__ import annotations

import re

from cart_nlp.components.chains import car_words
from cart_nlp.components.context import NAMED, OUTCOMES, car_near, elsewhere, near, of_study
from cart_nlp.components.state import Hit, State

# A disease, a count or a function of such cells, not the product.
_OTHER_RIGHT = re.compile(
    r"[\s-]*(?:non[\s-]*hodgkin|(?:large\s|granular\s)?lympho(?!cyte)|leuk|malignan|tumou?r|neoplas|acute|cancers?|counts?|subset|engager|deplet|dysfunction|mediated|exhaust|epitop|responses?|immunity|淋巴瘤|白血病)"
)
_NATURAL_KILLER = re.compile(r"natural killer[\s-]*$|nk[\s-]*$|nk/$")


def cell_type(view: State, hit: Hit) -> bool:
    """Whether a hit names the kind of cell that carries the CAR."""
    kind = view.section(hit.start).kind
    if kind == "eligibility" or kind in OUTCOMES or kind == "conditions":
        return False
    if not of_study(view, hit.start) and view.notes.get("car_trial") != "related":
        return False
    if elsewhere(view, hit.start, hit.end):
        return False
    word = view.low[hit.start : hit.end]
    if "car" in word or word.startswith("嵌合"):
        return True
    before, after = near(view, hit.start, hit.end, 70, 50)
    if _OTHER_RIGHT.match(after):
        return False
    if hit.concept == "NK" and re.match(r"\s?[/-]\s?t\b", after):
        # "Natural Killer/T Cell Malignancies": a disease.
        return False
    if hit.concept == "T" and _NATURAL_KILLER.search(before):
        return False
    if hit.concept == "virus_specific_T" and not re.search(r"specific|virus|[ecv][bmz]v", word):
        return False
    span = before + word + after
    return view.cue("carrier.near").search(span) is not None


def resolve(view: State, values: list[Hit]) -> list[Hit]:
    """Prefer carriers named with CAR or in titles and interventions; T only where no rarer one does."""
    found = {h.concept for h in values}
    if found == {"T"} and any(h.spells for h in view.values.get("cell_type", ())):
        # OL-CD19-GDT: the product's name says more than the generic "CAR-T".
        return []
    if len(found) < 2:
        return values
    named = {h.concept for h in values if view.section(h.start).kind in NAMED}
    if named:
        found = named
    car = {h.concept for h in values if "car" in view.low[h.start : h.end] or car_adjacent(view, h)}
    if car & found:
        found = car & found
    if "virus_specific_T" in found or "gamma_delta_T" in found or "Treg" in found:
        plain = any(
            h.concept == "T"
            and re.fullmatch(r"car-?ts?|carts?", view.low[h.start : h.end])
            and view.section(h.start).kind in NAMED
            for h in values
        )
        if not plain or "Treg" in found:
            found = found - {"T"}
    return [h for h in values if h.concept in found]


_T_NAME = re.compile(r"(?:car[- ]?t|cart)s?(?![a-z])|car-?[\d/]+-t(?![a-z])|(?<![a-z])t[\s-]?cells?(?![a-z])")


def named(view: State, told: set[int]) -> list[Hit]:
    """T cells where only the CAR word itself says so: CART19, huCART-meso, CAR-T.

    `told` are the starts of names of T cells ("CAR-T cells"): prose that begins with one says it already.
    """
    spans = list(car_words(view)) + [(h.start, h.end) for h in view.values.get("products", ())]
    hits = []
    for start, end in spans:
        kind = view.section(start).kind
        named = _T_NAME.search(view.low[start:end])
        if named is None or kind == "eligibility" or kind in OUTCOMES or kind == "conditions":
            continue
        if (start in told and kind not in NAMED) or elsewhere(view, start, end):
            continue
        if of_study(view, start) or view.notes.get("car_trial") == "related":
            hits.append(Hit(start, end, "cell_type", "T", "attributes.car-word"))
    return hits


def car_adjacent(view: State, hit: Hit) -> bool:
    """Whether a CAR word stands right beside a hit."""
    before, after = car_near(view, hit.start, hit.end)
    return (before is not None and hit.start - before[1] <= 3) or (
        after is not None and after[0] - hit.end <= 3
    )
