"""Named products of the study: what their names spell out, and what is publicly known of them."""

from __future__ import annotations

import re
from functools import lru_cache

from spacy.language import Language

from cart_nlp.components import codes
from cart_nlp.components.chains import car_words
from cart_nlp.components.context import (
    NAMED,
    NAMES,
    OUTCOMES,
    TITLES,
    TOLD,
    about_recipients,
    car_near,
    clause_left,
    elsewhere,
    prior,
)
from cart_nlp.components.state import Component, Hit, State
from cart_nlp.components.store import lexicon_of

KNOWN = (
    "targets",
    "costim",
    "generation",
    "vector",
    "cell_source",
    "cell_type",
    "edits",
    "armoring",
    "safety_switch",
)
"""Columns of products.csv whose values become values of the record, `basis: product`."""


_LONG_CODE = re.compile(r"[a-z]{1,6}-?\d{3,}[a-z]?")
_LISTED = re.compile(r"/(?:cd)?\d\d(?!\d)")
# "(an anti-CD19) chimeric antigen receptor (CAR19)": the receptor within the product, not a product.
_RECEPTOR = re.compile(r"receptors?\s?\($")
_CELL_STUDY = re.compile(
    r"cell (?:injection|infusion|suspension|product|therap)|cellular|fludarabine|lymphodeplet|conditioning|"
    r"leukapheres|autologous|allogeneic|t[- ]cells?\b|nk cells?\b|细胞"
)


def _open(view: State, hit: Hit, kind: str) -> bool:
    """Whether a guarded code is the product here: beside a CAR word, or as what a cell study gives."""
    if car_words(view):
        before, after = car_near(view, hit.start, hit.end)
        return kind in NAMED or before is not None or after is not None
    if kind not in NAMED:
        return False
    code = _LONG_CODE.fullmatch(view.low[hit.start : hit.end]) is not None
    return (code and kind in NAMES) or _CELL_STUDY.search(view.low) is not None


def study_products(view: State) -> list[Hit]:
    """The product hits that name a product of the study: titles and interventions first, then prose."""
    named, told = [], []
    reached = 0
    for hit in view.of("product"):
        if hit.start < reached:
            # The "CART-meso cells" of "huCART-meso cells".
            continue
        reached = hit.end
        if _LISTED.match(view.low, hit.end) and view.low[hit.end - 1].isdigit():
            # "CART-19/20": two antigens, not the product CART-19.
            continue
        kind = view.section(hit.start).kind
        if kind in OUTCOMES or kind in ("eligibility", "conditions"):
            continue
        if hit.guarded and not _open(view, hit, kind):
            continue
        if kind in NAMES:
            named.append(hit)
        elif prior(view, hit.start) or elsewhere(view, hit.start, hit.end):
            continue
        elif kind in TITLES:
            named.append(hit)
        elif kind in TOLD:
            told.append((about_recipients(view, hit.start, clause_left(view, hit.start)), hit))
    if named:
        known = {h.concept for h in named}
        bound = {h.row.values("targets") for h in named if h.row}
        receptors = {h.concept for _, h in told if _RECEPTOR.search(view.low, max(0, h.start - 14), h.start)}
        # A construct name in the prose is the same product where it binds what the named one binds.
        same = [
            h
            for weak, h in told
            if not weak
            and h.row
            and h.row.values("spells")
            and h.row.values("targets") in bound
            and h.concept not in receptors
        ]
        return (
            named + [h for _, h in told if h.concept in known] + [h for h in same if h.concept not in known]
        )
    firm = [h for weak, h in told if not weak]
    return firm or [h for _, h in told]


def _whole(view: State, hits: list[Hit]) -> list[Hit]:
    """The hits without those that a stray blank cuts off a longer name: "CART-X- Y" for "CART-X-Y"."""
    names = {view.low[h.start : h.end] for h in hits}
    return [
        h
        for h in hits
        if not view.low.startswith("- ", h.end)
        or not any(name.startswith(view.low[h.start : h.end] + "-") for name in names)
    ]


_SPELLED_AS = {
    "iCasp9": ("ic9", "icasp"), "HSV-TK": ("tk",), "MSLN": ("m28", "meso", "msln"), "GPC3": ("gly", "gbbz"),
    "dnTGFBR2": ("rdn", "dn"), "B7-H3": ("276", "b7h3"), "SLAMF7": ("cs1",), "IL-7": ("7x19", "c7r"),
    "CCL19": ("7x19",), "4-1BB": ("bb",), "4": ("4s",), "NKG2D ligands": ("nkg2d",), "BAFF-R": ("baff",),
    "kappa light chain": ("kappa", "chark"), "GUCY2C": ("gcc",), "FRa": ("fra", "folr"),
    "EGFRvIII": ("viii", "v3"), "CEA": ("cea",), "AFP": ("afp",), "LeY": ("ley",),
    "OX40": ("ox40",), "GD2": ("gd2", "gina"), "PD-1": ("pd1",), "CLL1": ("cd371", "cll1"),
    "gamma_delta_T": ("gdt",),
}  # fmt: skip
"""Values that a coined name spells in a short form of its own."""


@lru_cache(maxsize=4096)
def spelled_by(printed: str, value: str) -> bool:
    """Whether the printed form spells a value of its row: "CTL019" says CD19, "Kymriah" does not."""
    squeezed = re.sub(r"[^a-z0-9]", "", printed)
    if any(piece in squeezed for piece in _SPELLED_AS.get(value, ())):
        return True
    digits = re.sub(r"\D", "", value)
    letters = re.sub(r"[^a-z]", "", value.lower())
    return (value.startswith(("CD", "IL")) and bool(digits) and digits in squeezed) or (
        len(letters) > 2 and letters[:4] in squeezed
    )


@Language.factory("cart_products", default_config={"lexicons": []})
def make(nlp: Language, name: str, lexicons: list[str]) -> Products:
    """Create the component; `lexicons` are folders layered over the shipped ones."""
    return Products(frozenset(lexicon_of(tuple(lexicons)).folded))


class Products(Component):
    """Writes the products of a Doc and the values that they bring, stated (spelled by the name) or known."""

    def __init__(self, known: frozenset[str]) -> None:
        self.known = known

    def apply(self, view: State) -> None:
        found = _whole(view, study_products(view))
        new = codes.codes(view, self.known)
        if new:
            found += new
            view.hits = sorted([*view.hits, *new], key=lambda h: (h.start, -h.end))
        view.values["products"] = found
        for hit in found:
            if hit.row is None:
                continue
            for part in hit.row.values("spells"):
                field, _, value = part.rpartition("=")
                if not spelled_by(view.low[hit.start : hit.end], value):
                    continue
                self._add(view, field or "targets", value, hit, spells=True)
            for field in KNOWN:
                for value in hit.row.values(field):
                    self._add(view, field, value, hit, spells=False)

    def _add(self, view: State, field: str, value: str, hit: Hit, *, spells: bool) -> None:
        name = f"product:{hit.concept}" if spells else hit.rule
        view.values.setdefault(field, []).append(
            Hit(hit.start, hit.end, field, value, name, hit.row, spells=spells, score=0.9)
        )
