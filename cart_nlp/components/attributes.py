"""How the study's CAR cells are built: costimulation, generation, vector, cell source and cell type.

Each value is a hit of the lexicons or patterns that speaks of the study's own product. An ambiguous
("guarded") name counts only where the words around it say that it means the domain, vector or source.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from spacy.language import Language

from cart_nlp.components.chains import car_words
from cart_nlp.components.context import NAMES, OUTCOMES, TITLES, car_near, near, of_study
from cart_nlp.components.state import Hit, State, state

if TYPE_CHECKING:
    from spacy.tokens import Doc


_ALWAYS_DOMAIN = frozenset(["CD28", "4-1BB"])
_OFTEN_DOMAIN = frozenset(["CD27", "ICOS", "OX40", "CD40", "DAP10", "DAP12", "2B4", "MyD88"])


def costim(view: State, hit: Hit) -> bool:
    """Whether a hit names a costimulatory domain of the study's CAR."""
    if hit.row is None or hit.row.fields.get("kind") == "signaling" or not of_study(view, hit.start):
        return False
    before, after = near(view, hit.start, hit.end, 60, 60)
    if view.cue("costim.not_right").match(after) and not re.match(r"[\s-]*(?:co-?)?stimulatory", after):
        return False
    if view.cue("costim.not_left").search(before) and not re.match(
        r"[\s-]*(?:zeta|z\b|co-?\s?stim|intracell|signal|domain|:)", after
    ):
        return False
    tight = before[-40:] + " " + after[:45]
    bare = (
        re.fullmatch(
            r"cd\d+\w?|icos|ox40|4-1bb|41bb|4\.1bb|dap1[02]|2b4|myd88", view.low[hit.start : hit.end]
        )
        is not None
    )
    if hit.concept in _ALWAYS_DOMAIN or not (hit.guarded or bare):
        return (
            not re.search(r"dynabead|\bbeads?\b|okt3", tight)
            or view.cue("costim.domain").search(after[:30]) is not None
        )
    if hit.concept in _OFTEN_DOMAIN:
        return view.cue("costim.domain").search(tight) is not None
    return (
        re.search(
            r"costim|co-\s?stim|signal|endodomain|intracellular|cytoplasmic|domain",
            before[-25:] + " " + after[:30],
        )
        is not None
    )


def vector(view: State, hit: Hit) -> bool:
    """Whether a hit says how the CAR gene enters the cells."""
    if not of_study(view, hit.start):
        return False
    before, after = near(view, hit.start, hit.end, 80, 80)
    if view.cue("vector.testing_right").search(after) or view.cue("vector.testing_left").search(before):
        return False
    if hit.guarded and hit.concept == "crispr_knock_in":
        return (
            re.search(r"knock(?:ed)?[\s-]?in\b|insert|integrat|locus", before[-60:] + after[:60]) is not None
        )
    if hit.guarded and hit.concept in ("adenoviral", "AAV"):
        return re.search(r"vector|transduc|deliver", before[-20:] + after[:25]) is not None
    if hit.guarded:
        return view.cue("vector.making").search(before[-50:] + after[:50]) is not None
    return True


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
    if kind not in TITLES | NAMES and (
        view.cue("context.conventional_left").search(before)
        or view.cue("context.conventional_right").match(after)
    ):
        return False
    if view.low[hit.start : hit.end] == "autoleucel" or view.low[hit.start : hit.end].endswith("移植"):
        return False
    if view.low[hit.start : hit.end] == "cb" and re.match(r"-\d", after):
        return False
    product = next((h for h in view.hits if h.label == "product" and 0 <= h.start - hit.end <= 3), None)
    if product is not None:
        return True
    if view.cue("source.no_head").match(after):
        return False
    if hit.row is None:
        return True
    word = view.low[hit.start : hit.end]
    if hit.concept == "in_vivo" and hit.guarded:
        return re.match(
            r"[\s-]*(?:(?:(?:cd\d+|bcma|gprc5d|anti|dual|target\w*|lentiviral|mrna|chimeric|bispecific|lnp)[\s/-]*){0,5}(?:car|cart|car-t|chimeric)\b|(?:generat|produc|engineer|transduc|program|edit))",
            after,
        ) is not None or (
            bool(
                re.search(
                    r"(?:car|car-t|generat\w+|engineer\w+|produc\w+|transduc\w+)[\s-]*(?:t )?(?:cells? )?$",
                    before,
                )
            )
            and kind in TITLES | NAMES
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
                or (kind in NAMES | TITLES and bool(car_words(view)))
            )
    return not (
        hit.concept == "off_the_shelf"
        and word == "universal"
        and view.cue("source.head").match(" " + after) is None
    )


def generation(view: State, hit: Hit) -> bool:
    """Whether a hit states the generation of the study's CAR."""
    before, _ = near(view, hit.start, hit.end, 40, 0)
    return of_study(view, hit.start) and not view.cue("context.conventional_left").search(before)


def cell_type(view: State, hit: Hit) -> bool:
    """Whether a hit names the kind of cell that carries the CAR."""
    kind = view.section(hit.start).kind
    if kind == "eligibility" or kind in OUTCOMES or kind == "conditions":
        return False
    if not of_study(view, hit.start) and view.notes.get("car_trial") != "related":
        return False
    word = view.low[hit.start : hit.end]
    if "car" in word or word.startswith("嵌合"):
        return True
    before, after = near(view, hit.start, hit.end, 70, 50)
    if re.match(
        r"[\s-]*(?:lymphoma|leuk|malignan|tumou?r|neoplasm|acute|counts?|subset|engager|deplet|dysfunction|mediated|exhaust|epitop|responses?|immunity|淋巴瘤|白血病)",
        after,
    ):
        return False
    if hit.concept == "T" and re.search(r"natural killer[\s-]*$|nk[\s-]*$|nk/$", before):
        return False
    if hit.concept == "virus_specific_T" and "specific" not in word and not car_adjacent(view, hit):
        return False
    span = before + word + after
    return view.cue("carrier.near").search(span) is not None


JUDGES: dict[str, Callable[[State, Hit], bool]] = {
    "costim": costim,
    "vector": vector,
    "cell_source": cell_source,
    "cell_type": cell_type,
    "generation": generation,
}


def _keep_sources(view: State, values: list[Hit]) -> list[Hit]:
    """Resolve what several source words say together.

    Cord blood, iPSC, a cell line and in-vivo need no second value. Plain "allogeneic" is off the shelf where
    the product is universal, banked or gene-edited, else donor-derived. Where the titles or interventions
    call the product allogeneic or universal, "autologous" in the prose speaks of other products.
    """
    found = {h.concept for h in values}
    named = {h.concept for h in values if view.section(h.start).kind in TITLES | NAMES}
    drop: set[str] = set()
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


def _keep_types(view: State, values: list[Hit]) -> list[Hit]:
    """Prefer the carriers named with CAR or in titles and interventions; T only where no rarer carrier explains it."""
    found = {h.concept for h in values}
    if len(found) < 2:
        return values
    named = {h.concept for h in values if view.section(h.start).kind in TITLES | NAMES}
    if named:
        found = named
    car = {h.concept for h in values if "car" in view.low[h.start : h.end] or car_adjacent(view, h)}
    if car & found:
        found = car & found
    if "virus_specific_T" in found or "gamma_delta_T" in found or "Treg" in found:
        plain = any(
            h.concept == "T"
            and re.fullmatch(r"car-?ts?|carts?", view.low[h.start : h.end])
            and view.section(h.start).kind in TITLES | NAMES
            for h in values
        )
        if not plain or "Treg" in found:
            found = found - {"T"}
    return [h for h in values if h.concept in found]


_T_NAME = re.compile(r"(?:car[- ]?t|cart)s?(?![a-z])")


def _named_types(view: State) -> list[Hit]:
    """T cells where only the CAR word itself says so: CART19, huCART-meso, CAR-T."""
    spans = list(car_words(view)) + [(h.start, h.end) for h in view.values.get("products", ())]
    hits = []
    for start, end in spans:
        kind = view.section(start).kind
        named = _T_NAME.search(view.low[start:end])
        if named is None or kind == "eligibility" or kind in OUTCOMES or kind == "conditions":
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


@Language.factory("cart_attributes")
def make(nlp: Language, name: str) -> Attributes:
    """Create the component."""
    return Attributes()


class Attributes:
    """Writes the attribute values of a Doc."""

    def __call__(self, doc: Doc) -> Doc:
        view = state(doc)
        stated = {
            label: [hit for hit in view.hits if hit.label == label and judge(view, hit)]
            for label, judge in JUDGES.items()
        }
        stated["cell_source"] = _keep_sources(view, stated["cell_source"])
        stated["cell_type"] = _keep_types(view, stated["cell_type"] + _named_types(view))
        if {h.concept for h in stated["vector"]} & {"sleeping_beauty", "piggybac", "transposon"}:
            # The transposase comes as mRNA and the transposon as a plasmid: the system is the vector.
            stated["vector"] = [h for h in stated["vector"] if h.concept not in ("mrna", "plasmid")]
        if any(h.concept == "lnp" for h in stated["vector"]):
            stated["vector"] = [h for h in stated["vector"] if h.concept not in ("mrna", "plasmid")]
        for label, hits in stated.items():
            view.values[label] = hits + view.values.get(label, [])
        return doc
