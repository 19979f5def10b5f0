"""What a mention of an antigen does there: CAR target, disease marker, prior therapy, manufacturing …

Each coordination of antigens ("CD19/CD22") is judged once, from the words on both sides of it, the
clause that it stands in and the section. `slot` says how tightly it is bound to a CAR word:
3 attached ("CD19 CAR-T", "CAR-T targeting CD19"), 2 in a targeting phrase of a sentence about a CAR,
1 a targeting phrase alone, 0 none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spacy.language import Language

from cart_nlp.components import chains as chain_builder
from cart_nlp.components.context import PRIOR, RECIPIENT, car_near, clause_left
from cart_nlp.components.state import Chain, State, state

if TYPE_CHECKING:
    from spacy.tokens import Doc

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

_SPAN = r"[\s\-()/,.:+;'\"*&]*"
_BETWEEN = re.compile(
    r"(?:[\s\-()/,.:+'\"*&_]|\b(?:target(?:ed|ing|s|td)?|specific|directed|redirected|re-directed|dual|double|bi|tri|multi|"
    r"bispecific|trispecific|tandem|single|chain|chimeric|autologous|allogeneic|allogenic|universal|humani[sz]ed|human|fully|murine|"
    r"lentiviral|retroviral|gamma|delta|gene|genetically|modified|engineered|edited|off|the|shelf|t|b|nk|nkt|cells?|lymphocytes?|"
    r"second|third|fourth|2nd|3rd|4th|first|1st|next|generations?|antigens?|scfv|sdab|vhh|nanobody|nanobodies|variant|based|armou?red|enhanced|"
    r"safety|in|vivo|mrna|transduced|expressing|a|an|novel|new|loop|compound|or|and|fast|with|immune|loaded|"
    r"ligands?|receptors?|protein|target|derived|donor|related|ectodomain|memory|stem|naive|central|specificity|"
    r"biparatopic|bivalent|parallel|switchable|logic|gated|if|better|rapid|personali[sz]ed|mutated|truncated|"
    r"peptide|hla|dr|light|chains?|third-party|healthy|induced|reactive|t-cells|virus|viral|vectored|vector|macrophages?|"
    r"bicistronic|co|non|integrated|precision|killer|natural|cord|blood|cb|umbilical|ipsc|electroporated|redirected|dual-target(?:ed|ing)?)\b|"
    r"双特异性|双靶点|双靶|靶点|靶向|特异性|自体|异体|通用型|人源化|全人源|的|抗|自体)*"
)
_LEFT_SLOT = re.compile(
    r"(?:anti|dual[\s-]antigens?:?|target(?:s|ing|ed)?(?: (?:to|at|against|towards?|for|the|b[- ]cell|tumor|antigens?|of|on|is|are|including|such|as|cells|expressing|via|both|against))*|"
    r"against|directed (?:against|to|at|towards?)|direct (?:to|against)|specific(?:ity|ities)? (?:for|to|against|of)|recogni[sz](?:e|es|ing|ed)|"
    r"bind(?:s|ing)?(?: to)?|reactive (?:to|with|against)|redirected (?:to|against|towards?)|aimed at|靶向|针对|抗|特异性识别)"
    r"(?:[\s\-:(/\"']|\b(?:the|both|human|tumou?r|antigens?|surface|b[- ]cell|such|as|including|either|one|or|more|of|following|target|protein|"
    r"cell|molecules?|associated|specific|namely|is|are|e\.g|two|three|different|a|an|cancer|antigen-|lymphocyte|several|dual|proteins?|on|called|named|known|marker|found|present|cells)\b|,)*$"
)
_CAR_LEFT = re.compile(
    r"(?:[\s\-:(/,\"'_.]|\b(?:t|nk|nkt|m|cells?|lymphocytes?|macrophages?|anti|target(?:s|ing|ed)?|against|to|specific|for|directed|direct|at|towards?|that|which|"
    r"recogni[sz](?:e|es|ing)|bind(?:s|ing)?|with|the|a|an|tumou?r|antigens?|surface|therapy|therapies|immunotherapy|treatment|infusion|products?|specificity|"
    r"both|dual|human|is|are|can|modified|engineered|genetically|gene|expressing|using|on|of|b|b-cell|cd|named|called|consisting|"
    r"single|bispecific|tandem|combination|ligands?|injection|dose|including|such|as|e\.g|i\.e|will|product|redirected|transduced|construct|targets|"
    r"either|one|or|more|following|different|multiple|platform|system|cart|car|car-t|binding|domain|scfv|third|second|fourth|generation|"
    r"specifically|simultaneously|selectively|able|capable|recognizing|developed|cytotoxic|directly|designed|proteins?|called|named|known|marker|found|present|regulatory|autologous|allogeneic|antigen-specific|therapeutic)\b|细胞|靶向|针对|抗|治疗|回输|注射液|产品)*$"
)
_CELLS_RIGHT = re.compile(
    r"[\s\-)]*(?:antigen)?[\s-]*(?:specific|targeted|targeting|directed|redirected|reactive)[\s-]+(?:[a-z\d()/\-]+[\s-]+){0,5}?"
    r"(?:t[\s-]?(?:cells?|lymphocytes?)|t(?= injection)|nk[\s-]?cells?|immune cells?|lymphocytes?|ctls?|macrophages?|effector cells)"
)
_MARKER_RIGHT = re.compile(
    r"[\s)]*(?:\+(?!\s?(?:cd\d|car|il-?\d|4-1bb|[a-z]{0,4}\d))|-?\s?(?:\(?\+\)?|pos(?:itive)?\b|neg(?:ative)?\b|-(?= )|express(?:ion|ing|ed|es)?\b(?!\s(?:car|chimeric))|over-?express\w*|"
    r"antigen (?:expression|loss|escape|positive|negative|density)|loss|low\b|high\b|dim\b|bright\b|positivity|status|levels?\b|"
    r"阳性|阴性|表达|\(阳性\)|antigen-positive|mutat\w+|amplif\w+|is (?:positive|expressed|an?|highly)|are expressed|staining|positivity))"
)
_MARKER_LEFT = re.compile(
    r"(?:express(?:ion|ing|es|ed)?|over-?express\w*|expression of|positive for|positivity (?:of|for)|presence of|loss of|levels? of|"
    r"absence of|detection of|lack of|soluble|serum|negative for|express the|express high levels of|percentage of|staining (?:for|of))(?:[\s:(]|\bthe\b|\btarget\b|\bantigens?\b|\bsurface\b|\bof\b|\bhigh\b|\bhuman\b|\bat least one of\b)*$"
)
_AFTER_CAR = r"(?:[\s\-()/,]|\b(?:car|cart|car-t|t|nk|cells?|therap(?:y|ies)|treatments?|infusions?|immunotherap(?:y|ies)|products?|chimeric antigen receptor|targeted|specific|directed|modified)\b)*"
_PRIOR_RIGHT = re.compile(
    _AFTER_CAR
    + r"(?:failures?|failed|exposed|experienced|resistan\w+|relapses?\b(?! (?:or|and|/))|previously|has (?:shown|been|demonstrated|revolutioni\w+|emerged|achieved|proven)|"
    r"have (?:shown|been|demonstrated|achieved|had|revolutioni\w+|emerged|proven|produced|led)|was shown|were shown|demonstrated|achieved|is approved|are approved|approved|"
    r"success\w*|escape|before enrollment|prior to|naive|治疗后|失败|复发后|is one of|are now|is now|is effective|are effective|is currently)"
)
_MAKING = re.compile(
    r"bead|dynabead|stimulat|activat(?:e|ed|ion|ing)|expand(?:ed|ing)|expansion|select(?:ed|ion)|enrich|deplet|ratio|isolat|purif|magnetic|cultur|clinimacs|"
    r"microbead|okt3|antibod(?:y|ies) coated|coated|subset|immunophenotyp|phenotyp|flow cytometry|memory t|t cell count|counts?\b|percentage|磁珠|刺激|激活|扩增"
)
_SECRETED = re.compile(
    r"secret\w+|antibod(?:y|ies)|inhibitor|blockade|mab\b|checkpoint|scfv-secret|monoclonal|bispecific t[- ]cell engager|bite\b|drug conjugate|adc\b|immunotoxin|单抗|抗体"
)
_EDIT = re.compile(
    r"knock(?:ed)?[- ]?(?:out|down)|\bko\b|knock-?in|delet\w+|disrupt\w+|ablat\w+|edited|gene[- ]edit\w+|crispr|talen|silenc\w+|null\b|lacking|-/-|deficien\w+|"
    r"敲除|uCART|eliminat\w+"
)
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
_PAYLOAD_RIGHT = re.compile(
    r"[\s\-()]*(?:r(?:ii|2)?[\s-]*ko|r?dn\b|enabled|enhanced|integrated|knock|secret|resistant|blockade|switch|armou?red|modified|silenc|disrupt|express|co-?express|antibod|nanobod|dominant)"
)
_EDIT_RIGHT = re.compile(
    r"[\s-]*(?:gene[\s-]*)?(?:ko\b|knock(?:ed)?[\s-]?(?:out|down)|-/-|null\b|deleted|deletion|edited|disrupted|deficient|敲除|negative (?:car|t cells))"
)
_BINDS_CELLS = re.compile(
    r"\b(?:bind|target|recogni[sz]e|kill|attack|destroy|find|eliminate|identify)s?\w*\b.{0,40}\b(?:cells?|tumou?rs?|cancers?|leukemia|lymphoma|myeloma|lymphocytes)\b.{0,30}?"
    r"\b(?:express(?:ing|es)?|with|have|has|carry(?:ing)?|made up of|positive for)\b(?:\s|\bthe\b|\ba\b|\bprotein\b|\bcalled\b|\bantigens?\b|\bon\b|\bcertain\b|\bmarkers?\b|\bsuch\b|\bas\b|,)*$"
)
_SECTION_ROLE = {
    "eligibility": "eligibility",
    "primary_outcomes": "background",
    "secondary_outcomes": "background",
}


def judge(view: State, chain: Chain) -> None:
    """Set slot, role and rule of one chain."""
    low = view.low
    first, last = view.sentence(chain.start)
    left, right = low[first : chain.start], low[chain.end : last]
    section = view.section(chain.start)
    before, after = car_near(view, chain.start, chain.end)
    concepts = {h.concept for h in chain.hits}
    rules = chain.hits[0].rule

    slot, rule = 0, ""
    if rules in ("names.car-number", "names.signal"):
        slot, rule = 3, rules
    if (
        after is not None and after[0] - chain.end <= 90 and _BETWEEN.fullmatch(low, chain.end, after[0])
    ) or (after is not None and after[0] - chain.end <= 3 and not low[chain.end : after[0]].strip(" -(.")):
        slot, rule = 3, "slot.antigen-car"
    if (
        slot < 3
        and before is not None
        and chain.start - before[1] <= 120
        and _CAR_LEFT.fullmatch(low, before[1], chain.start)
    ):
        slot, rule = 3, "slot.car-antigen"
    left_slot = _LEFT_SLOT.search(left[-120:])
    if slot < 3 and left_slot:
        slot, rule = (2, "slot.targeting") if (before or after) else (1, "slot.targeting-alone")
    if slot < 3 and _CELLS_RIGHT.match(right):
        slot, rule = max(slot, 2), "slot.specific-cells"

    marker = _MARKER_RIGHT.match(right) is not None
    marker_left = _MARKER_LEFT.search(left[-80:]) is not None
    near_left, near_right = left[-70:], right[:60]
    named = rules == "names.car-number" or re.match(r"[\s-]*(?:chimeric|car)", right) is not None
    role = ""
    if concepts <= CELL_MARKERS and not (
        slot == 3 and (named or low[max(0, chain.start - 5) : chain.start].rstrip("- ").endswith("cart"))
    ):
        role = "manufacturing" if _MAKING.search(near_left + near_right) else "cell_marker"
    elif re.match(r"t(?![a-z-])", right) and low[chain.end - 1].isdigit():
        role = "tag"
    elif _EDIT_RIGHT.match(right) or (slot < 3 and _EDIT.search(near_left[-25:])):
        role = "edit"
    elif concepts <= _PAYLOADS and (
        slot < 3 or _PAYLOAD_RIGHT.match(right) or _SECRETED.search(near_left[-30:] + right[:40])
    ):
        role = "armoring"
    elif slot < 3 and _SECRETED.search(right[:30]):
        role = "coadministered"
    elif slot < 3 and before and _BINDS_CELLS.search(left[-160:]):
        slot, rule, role = 2, "slot.binds-cells-that-express", "target"
    elif (marker and slot < 3) or (marker_left and slot < 3):
        role = "disease_marker"
    elif section.kind == "eligibility":
        role = "eligibility"
    if not role and slot:
        role = "target"
    if role == "target" or (not role and slot == 0):
        clause = clause_left(view, chain.start)
        if section.kind in ("interventions.name", "arms.label"):
            pass
        elif PRIOR.search(clause):
            role = "prior_therapy"
        elif _PRIOR_RIGHT.match(right[:120]):
            role = "background"
        elif section.kind in _SECTION_ROLE:
            role = _SECTION_ROLE[section.kind]
        elif RECIPIENT.search(clause) and slot and not re.search(r"followed\b[^.;]{0,25}\bby\b", clause):
            role = "recipients"
    chain.slot, chain.role, chain.rule = slot, role or "unclear", rule or "no-slot"
    for hit in chain.hits:
        hit.role = chain.role


@Language.factory("cart_roles")
def make(nlp: Language, name: str) -> Roles:
    """Create the component."""
    return Roles()


class Roles:
    """Builds the antigen chains of a Doc and judges the role of each."""

    def __call__(self, doc: Doc) -> Doc:
        view = state(doc)
        view.chains = chain_builder.build(view, view.of("antigen", "ligand"))
        for chain in view.chains:
            judge(view, chain)
        return doc
