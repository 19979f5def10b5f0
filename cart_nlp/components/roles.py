"""What a mention of an antigen does there: CAR target, disease marker, prior therapy, manufacturing …

Each coordination of antigens ("CD19/CD22") is judged once, from the words on both sides of it, the
clause that it stands in and the section. `slot` says how tightly it is bound to a CAR word:
3 attached ("CD19 CAR-T", "CAR-T targeting CD19"), 2 in a targeting phrase of a sentence about a CAR,
1 a targeting phrase alone, 0 none.
"""

from __future__ import annotations

import re

from spacy.language import Language

from cart_nlp.components import chains as chain_builder
from cart_nlp.components.context import about_recipients, car_near, clause_left, prior
from cart_nlp.components.state import Chain, Component, State

ROLES = (
    "target",
    "disease_marker",
    "prior_therapy",
    "cell_marker",
    "manufacturing",
    "secreted",
    "coadministered",
    "edit",
    "tag",
    "eligibility",
    "signaling",
    "background",
    "recipients",
    "armoring",
    "unclear",
)

CELL_MARKERS = frozenset(["CD3 epsilon", "CD3e"]) | frozenset(
    [
        "CD3",
        "CD4",
        "CD8",
        "CD28",
        "CD34",
        "CD45",
        "CD62L",
        "CD45RA",
        "CD45RO",
        "CD16",
        "CD14",
        "CD25",
        "CD127",
        "CD27",
        "CD95",
        "CD107a",
        "CD69",
        "CD161",
        "CD2",
        "CD11b",
        "CD80",
        "CD86",
        "CD40L",
        "CD154",
        "CD137",
        "CD64",
        "HLA-DR",
        "LAMP1",
    ]
)
"""Antigens whose bare mention is nearly always a cell subset, a bead or a domain."""

# Proteins that a CAR cell blocks, lacks or carries far more often than it targets them.
_PAYLOADS = frozenset(
    [
        "PD-1",
        "CTLA-4",
        "TGF-beta",
        "TGFBR2",
        "LAG3",
        "TIGIT",
        "TIM-3",
        "CD47",
        "IL6R",
        "IL7R",
        "IL4R",
        "CXCR2",
        "CXCR4",
        "CCR2b",
        "CCR4",
        "CCR8",
        "IL-15",
        "IL-12",
        "IL-18",
        "IL-7",
        "CD40",
        "4-1BBL",
        "ICOS",
        "OX40",
    ]
)
_NEVER_SECOND = frozenset(
    ["HLA-A2", "CD3", "CD3 epsilon", "CD28", "CD8", "CD62L", "CD45RA", "CD45RO", "CD14", "CD95", "CD127"]
)
_SECTION_ROLE = {
    "eligibility": "eligibility",
    "primary_outcomes": "background",
    "secondary_outcomes": "background",
}


# Signaling written behind the antigen, as in HER2(EQ)BBz or IL13Ra2(BBz): the name of a receptor.
_SIGNAL = re.compile(r"r?\s?\(?(?:eq\))?\(?(?:bb|28|41bb|4-1bb)[\s-]?z(?:eta)?")
_FOR = re.compile(r"(?<!specific )\bfor\s(?:the\s)?$")
_CAR_RIGHT = re.compile(r"(?:[\s-]*(?:re)?(?:directed|targeted|specific))?[\s-]*(?:chimeric|car)")
_PHENOTYPE_RIGHT = re.compile(r"[\s+-]*(?:nk|nkt|t)[\s-]cells?\b")
_PHENOTYPES = CELL_MARKERS | {"CD56"}
# "EGFRt": a truncated receptor.
_TRUNCATED = re.compile(r"t(?![a-z])(?!-?(?:cells?|lymph))")
_FOLLOWED_BY = re.compile(r"followed\b[^.;]{0,25}\bby\b")
_NEGATIVE = re.compile(r"(?:\s?-(?=\s[A-Z])|[\s-]?neg)")


def _listed_after_product(view: State, chain: Chain) -> bool:
    """Whether a chain goes on from a product whose name spells an antigen: "4SCAR-CD22/CD123/CD38"."""
    for hit in view.of("product"):
        if 0 < chain.start - hit.end <= 3 and hit.row is not None:
            gap = view.low[hit.end : chain.start].strip()
            if gap in ("/", ",", "+", "&") and hit.row.values("spells"):
                return True
    return False


def chooses(view: State, chain: Chain) -> bool:
    """Whether an assay of the tumor decides which product is given: its antigens are what those bind."""
    _, last = view.sentence(chain.end - 1)
    following = view.sentence(last)[1] if last < view.section(chain.start).end else last
    return view.cue("role.assay_choice").search(view.low[chain.end : following]) is not None


def judge(view: State, chain: Chain) -> None:
    """Set slot, role and rule of one chain."""
    low = view.low
    first, last = view.sentence(chain.start)
    left, right = low[first : chain.start], low[chain.end : last]
    kind = chain.kind
    before, after = car_near(view, chain.start, chain.end)
    concepts = {h.concept for h in chain.hits}
    rules = chain.hits[0].rule

    slot, rule = 0, ""
    if rules in ("names.car-number", "names.signal"):
        slot, rule = 3, rules
    if (
        after is not None
        and after[0] - chain.end <= 90
        and view.cue("slot.between").fullmatch(low, chain.end, after[0])
    ) or (after is not None and after[0] - chain.end <= 3 and not low[chain.end : after[0]].strip(" -(.")):
        slot, rule = 3, "slot.antigen-car"
    if (
        slot < 3
        and before is not None
        and chain.start - before[1] <= 120
        and view.cue("slot.after_car").fullmatch(low, before[1], chain.start)
    ):
        slot, rule = 3, "slot.car-antigen"
    left_slot = view.cue("slot.targeting").search(left[-120:])
    if slot < 3 and left_slot:
        slot, rule = (2, "slot.targeting") if (before or after) else (1, "slot.targeting-alone")
    if slot < 3 and view.cue("slot.specific_cells").match(right):
        slot, rule = max(slot, 2), "slot.specific-cells"

    if slot < 3 and _SIGNAL.match(low, chain.end):
        slot, rule = 3, "names.signal"
    if slot < 3 and _listed_after_product(view, chain):
        slot, rule = 3, "slot.product-list"
    marker = view.cue("role.marker_right").match(right) is not None
    if marker and len(concepts) == 1 and rule == "slot.car-antigen" and _FOR.search(left[-40:]):
        # "CAR-T for CD19+ leukemia": what the disease carries.
        slot, rule = 0, "no-slot"
    marker_left = view.cue("role.marker_left").search(left[-80:]) is not None
    near_left, near_right = left[-70:], right[:60]
    role = ""
    if (
        concepts <= _PHENOTYPES
        and (concepts <= CELL_MARKERS or (len(chain.hits) > 1 and _PHENOTYPE_RIGHT.match(right)))
        and not (
            slot == 3
            and (
                rules == "names.car-number"
                or "car" in low[chain.start : chain.end]
                or _CAR_RIGHT.match(right)
                or low[max(0, chain.start - 5) : chain.start].rstrip("- ").endswith("cart")
            )
        )
    ):
        role = (
            "manufacturing"
            if view.cue("role.manufacturing").search(near_left + near_right)
            else "cell_marker"
        )
    elif right.startswith("t") and _TRUNCATED.match(right) and low[chain.end - 1].isdigit():
        role = "tag"
    elif view.cue("role.edit_right").match(right) or (
        slot < 3 and view.cue("role.edit").search(near_left[-25:])
    ):
        role = "edit"
    elif concepts <= _PAYLOADS and (
        slot < 3
        or view.cue("role.payload_right").match(right)
        or view.cue("role.antibody").search(near_left[-30:] + right[:40])
    ):
        role = "armoring"
    elif slot < 3 and view.cue("role.antibody").search(right[:30]):
        role = "prior_therapy" if prior(view, chain.start) else "coadministered"
    elif slot < 3 and before and view.cue("slot.binds_cells").search(left[-160:]):
        slot, rule, role = 2, "slot.binds-cells-that-express", "target"
    elif (marker and slot < 3) or (marker_left and slot < 3):
        role = "disease_marker"
    elif kind == "eligibility":
        role = "eligibility"
    if not role and rule != "slot.antigen-car" and _NEGATIVE.match(view.text, chain.end):
        role = "disease_marker"
    if not role and not slot and view.cue("role.assay_left").search(left[-80:]):
        role, rule = "disease_marker", "assay"
    if not role and slot:
        role = "target"
    if role == "target" or (not role and slot == 0):
        if kind in ("interventions.name", "arms.label"):
            pass
        elif prior(view, chain.start):
            role = "prior_therapy"
        elif view.cue("role.background_right").match(right[:120]):
            role = "background"
        elif kind in _SECTION_ROLE:
            role = _SECTION_ROLE[kind]
        elif (
            slot
            and about_recipients(view, chain.start, clause := clause_left(view, chain.start))
            and not _FOLLOWED_BY.search(clause)
        ):
            role = "recipients"
    chain.slot, chain.role, chain.rule = slot, role or "unclear", rule or "no-slot"
    for hit in chain.hits:
        hit.role = chain.role


@Language.factory("cart_roles")
def make(nlp: Language, name: str) -> Roles:
    """Create the component."""
    return Roles()


class Roles(Component):
    """Builds the antigen chains of a Doc and judges the role of each."""

    def apply(self, view: State) -> None:
        view.chains = chain_builder.build(view, view.of("antigen", "ligand"))
        for chain in view.chains:
            judge(view, chain)
            if len(chain.hits) > 1 and chain.role == "target":
                # CD3, CD28 and the like beside a target are domains or beads, not a second target.
                chain.hits = [h for h in chain.hits if h.concept not in _NEVER_SECOND] or chain.hits
