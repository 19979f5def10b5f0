"""Whose cells the study's product is made of."""

from __future__ import annotations

import re

from cart_nlp.components.chains import car_words
from cart_nlp.components.context import NAMED, TITLES, car_near, elsewhere, near, of_study
from cart_nlp.components.state import Hit, State


def cell_source(view: State, hit: Hit) -> bool:
    """Whether a hit says whose cells the study's product is made of."""
    kind = view.section(hit.start).kind
    before, after = near(view, hit.start, hit.end, 60, 110)
    if kind == "eligibility":
        return (
            hit.concept == "autologous"
            and hit.row is not None
            and re.match(r"[^.;]{0,60}(?:transduc|car\b|cart|car-t|used for)", after) is not None
            and not view.cue("source.no_head").match(after)
        )
    if not of_study(view, hit.start):
        return False
    if kind not in NAMED and (
        view.cue("context.conventional_left").search(before)
        or view.cue("context.conventional_right").match(after)
    ):
        return False
    if view.low[hit.start : hit.end] == "autoleucel" or view.low[hit.start : hit.end].endswith("移植"):
        return False
    first, last = view.sentence(hit.start)
    if kind not in NAMED and (
        view.cue("source.definition").search(view.low[first:last]) or elsewhere(view, hit.start, hit.end)
    ):
        return False
    if hit.row is None and view.cue("source.depleted").search(before):
        return False
    if hit.concept == "donor_derived" and view.cue("source.no_donor").search(view.low[first : hit.end]):
        return False
    if view.text[hit.start : hit.end] == "UNIVERSAL" and re.match(r"\)|\s(?:study|trial)", after):
        # "(UNIVERSAL)": the study's acronym.
        return False
    if (
        kind in TITLES
        and view.low.startswith("allogen", hit.start)
        and view.notes.get("car_trial") == "related"
        and car_near(view, hit.start, hit.end) == (None, None)
    ):
        # "Allogeneic Cell Therapies": as likely a graft.
        return False
    if after.startswith(" immune receptor"):
        return False
    if view.low[hit.start : hit.end] == "cb" and re.match(r"-\d", after):
        return False
    product = next((h for h in view.hits if h.label == "product" and 0 <= h.start - hit.end <= 3), None)
    if product is not None:
        return True
    if view.cue("source.no_head").match(after):
        return False
    if hit.row is None:
        first, last = view.sentence(hit.start)
        return not ("apheresis" in hit.rule and "donor" in view.low[first:last])
    if hit.concept == "cell_line" and hit.guarded:
        return "nk" in before[-12:] and not after.startswith("s")
    word = view.low[hit.start : hit.end]
    if hit.concept == "in_vivo" and hit.guarded:
        return re.match(
            r"[\s-]*(?:(?:(?:\(?cd\d+\)?|cluster\sof\sdifferentiation\s\d+|bcma|gprc5d|anti|dual|target\w*|lentiviral|mrna|chimeric|bispecific|lnp)[\s/-]*){0,5}(?:car|cart|car-t|chimeric)\b|(?:generat|produc|engineer|transduc|program|edit))",
            after,
        ) is not None or (
            bool(
                re.search(
                    r"(?:car|car-t|generat\w+|engineer\w+|produc\w+|transduc\w+)[\s-]*(?:t )?(?:cells? )?$",
                    before,
                )
            )
            and kind in NAMED
        )
    if hit.guarded or hit.concept in ("autologous", "donor_derived"):
        if word in ("donor", "sibling", "haplo", "allo", "haploidentical", "供者", "供体"):
            return False
        if re.search(
            r"(?:after|following|post|underg\w+|received|with|plus) (?:an? )?$", before[-24:]
        ) and view.cue("source.no_head").search(after):
            return False
        if word.startswith(("autol", "allog", "universal", "banked", "third", "自体", "异")):
            return (
                any("一" <= c <= "鿿" for c in word)
                or view.cue("source.head").match(" " + after) is not None
                or not hit.guarded
                or (kind in NAMED and bool(car_words(view)))
            )
    return not (
        hit.concept == "off_the_shelf"
        and word == "universal"
        and view.cue("source.head").match(" " + after) is None
    )


def resolve(view: State, values: list[Hit]) -> list[Hit]:
    """Resolve what several source words say together.

    Cord blood, iPSC, a cell line and in-vivo need no second value. Plain "allogeneic" is off the shelf where
    the product is universal, banked or gene-edited, else donor-derived. Where the titles or interventions
    call the product allogeneic or universal, "autologous" in the prose speaks of other products.
    """
    found = {h.concept for h in values}
    named = {h.concept for h in values if view.section(h.start).kind in NAMED}
    drop: set[str] = set()
    if not values:
        return _collected(view)
    if named == {"autologous"} and "donor_derived" in found:
        drop |= {h.concept for h in values if h.concept == "donor_derived" and not _both(view, h, values)}
    if found & {"cord_blood", "ipsc", "cell_line"}:
        drop |= {"off_the_shelf", "donor_derived"}
    if "in_vivo" in found:
        drop |= {"off_the_shelf", "autologous", "donor_derived"}
    if "autologous" in found and named - {"autologous"} and "autologous" not in named:
        drop.add("autologous")
    if "donor_derived" in found and "off_the_shelf" not in found and "autologous" not in named:
        plain = all(
            view.low[h.start : h.end].startswith("allo") for h in values if h.concept == "donor_derived"
        )
        if plain and view.cue("source.gene_edited").search(view.low):
            values = [
                Hit(h.start, h.end, h.label, "off_the_shelf", h.rule + "; gene-edited allogeneic", h.row)
                if h.concept == "donor_derived"
                else h
                for h in values
            ]
    elif {"donor_derived", "off_the_shelf"} <= found:
        related = [
            h
            for h in values
            if h.concept == "donor_derived"
            and view.cue("source.related_donor").search(view.low[h.start : h.end + 20])
        ]
        shelf = [h for h in values if h.concept == "off_the_shelf"]
        if related and all("healthy" in view.low[h.start : h.end] for h in shelf):
            drop.add("off_the_shelf")
        elif not related:
            drop.add("donor_derived")
    return [h for h in values if h.concept not in drop]


def _both(view: State, hit: Hit, values: list[Hit]) -> bool:
    """Whether "autologous" stands in the sentence of a donor word: two sources, not a slip."""
    home = view.sentence(hit.start)
    return any(h.concept == "autologous" and view.sentence(h.start) == home for h in values)


def _collected(view: State) -> list[Hit]:
    """The participant's cells where an intervention is their collection and no word speaks of a donor's."""
    if any(h.concept != "autologous" for h in view.values.get("cell_source", ())):
        return []
    found = []
    for section in view.sections:
        if section.kind == "interventions.name":
            match = view.cue("source.collection").match(view.low, section.start, section.end)
            if match:
                found.append(
                    Hit(*match.span(), "cell_source", "autologous", "attributes.collection", score=0.8)
                )
    return [] if found and view.cue("source.foreign").search(view.low) else found
