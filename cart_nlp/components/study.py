"""Whether a trial is about CAR cells (product, related, mention, no) and what its main purpose is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spacy.language import Language

from cart_nlp.components.chains import car_words
from cart_nlp.components.context import ARMS, NAMES, OUTCOMES, PRIOR, PROSE, RECIPIENT, TITLES, clause_left
from cart_nlp.components.state import Hit, State, state

if TYPE_CHECKING:
    from spacy.tokens import Doc

# Care or study of recipients, said in the title.
_FOCUS = (
    ("long_term_follow_up", re.compile(r"long[\s-]?term (?:follow|safety|surveil|effect|monitor|outcome|toxicit)|follow[\s-]?up (?:study|protocol|trial|of)|rollover|late effects|长期随访|post-?marketing|post-?authori[sz]ation|lifelong")),
    ("quality_of_life_or_cost", re.compile(r"quality of life|\bcosts?\b|\bcost-|economic|patient[\s-]reported|(?:symptom|financial|treatment|caregiver) burden|caregiver|psycho|experience of|virtual reality|needs assessment|financial|satisfaction|preferences|distress|生活质量")),
    ("manufacturing", re.compile(r"manufactur|leukapheresis (?:collection|product|procedure)|apheresis collection|production (?:and|of)|optimi[sz]ation of (?:collection|production)|collection of (?:cells|leuk)")),
    ("toxicity_management", re.compile(
        r"cytokine release|\bcrs\b|neurotoxic|icans|toxicit(?:y|ies)|tocilizumab|siltuximab|anakinra|prophyla\w+|infection|immunoglobulin|cytopeni|immune deficienc|immunodeficien|hypogamma|"
        r"attenuat|mitigat|supportive|hlh\b|macrophage activation|seizure|fever|dexamethasone|ruxolitinib|itacitinib|thrombopoietin|eltrombopag|neutropeni|hematopoietic recovery|preventi(?:on|ng) of|defibrotide|lenzilumab|emapalumab")),
    ("biomarker_or_observational", re.compile(
        r"biomarker|observational|registry|retrospective|real[\s-]world|predict\w+|imaging|\bpet\b|\bmri\b|microbio|monitor\w+|cohort|outcomes?|prevalence|incidence|epidemiolog|sampl\w+|biobank|correlat\w+|"
        r"cardiovascular|characteri[sz]ation|mechanism|assessment of|prospective collection|immune reconstitution|cognitive|ctdna|database|detect\w+|注册登记|真实世界")),
    ("other", re.compile(r"exercise|vaccin|nutrition|prehabilitation|rehabilitation|education|decision|telehealth|wearable|smartphone|mobile app|outpatient|sexual|fertility|palliative|geriatric")),
)  # fmt: skip
_RECIPIENTS = re.compile(
    r"(?:patients?|people|participants?|subjects?|recipients?|adults?|children|survivors|individuals|candidates|those|who|persons)\b[^.;]{0,60}?"
    r"(?:who (?:have |has )?(?:received|receive|are receiving|undergo|underwent|will receive|were treated)|receiving|treated (?:with|by)|undergoing|after|following|given|getting|under|preparing for|scheduled (?:for|to receive)|eligible for|candidates? for|referred for|awaiting|planned for|who get|who had|exposed to|previously)"
    r"[^.;]{0,60}$|(?:after|following|post|before|during|associated with|related to|induced by|prior to|undergoing|recipients of|bridging to|bridge to|in the context of|in the setting of|caused by|outcomes? of|response to|failure of|relapse after|induced|progress\w+ (?:after|on))[\s-][^.;]{0,60}$|"
    r"(?:toxicit\w+|complications?|adverse events?|side effects?|syndrome)[^.;]{0,50}\b(?:of|from|with|by|in)\s*$"
)
_AFTER_WORD = re.compile(
    r"^[\s-]*(?:(?:therapy|cells?|treatment|t|immunotherapy|infusion|recipients?|patients?|product|-t|cell)[\s-]*)*(?:recipients?|patients?\b|associated|related|induced|toxicit|survivors|eligible|candidates|failure|"
    r"outcomes?|complications?|cytokine|neurotox|crs\b|icans|mediated|adverse|manufacturing|follow)"
)
_DESIGNER = re.compile(
    r"designer t[\s-]cells?|\bt[\s-]?bod(?:y|ies)\b|zetakine|chimeric (?:immune |t[\s-]?cell |immuno)?receptors?|universal immune receptor|"
    r"(?:gene|genetically)[\s-](?:modified|engineered|altered)[^.;]{0,40}(?:antibody|scfv|single[\s-]chain)"
)
_GENE_CELLS = re.compile(
    r"gene(?:tically)?[\s-](?:modif|engineer|alter|chang|transfer)|transduc|redirected|retrovir|lentivir|electroporat|gene therapy|modified|engineered|designer"
)
_GENE_DOC = re.compile(
    r"gene transfer|genetically (?:modif|engineer|alter|chang)|gene[- ]modified|re-?directed|transduced"
)
_TCR_DOC = re.compile(r"\btcrs?\b|t[\s-]cell receptor|peptide|vaccin|virus[\s-]specific|viral")
_BACKGROUND = re.compile(
    r"\balthough\b|such as|\be\. ?g\b|\blike\b|represented by|landscape|have (?:significantly |greatly |markedly )?(?:improved|broadened|changed|shown|transformed|revolution)|"
    r"has (?:significantly |greatly |markedly )?(?:improved|broadened|changed|shown|transformed|revolution)|revolution|known to|\betc\b|options?\b|advances|emerging|emergence|in recent years|\bother\b|"
    r"including|e\.g|available|approved|\bor other\b|for example|success|breakthrough|nowadays|currently|many|several|various"
)
_MAKING = re.compile(
    r"transduc|genetically|modif|engineer|express\w*|vector|retrovir|lentivir|encod|re-?program|electroporat|prepared|\binfus|administ|will receive|\bwill be\b|we (?:have|will|propose|aim)|this (?:study|trial)"
)
_CELL_TITLE = re.compile(
    r"cells?\b|lymphocyte|\bnk\b|cellular|immunotherap|gene\b|genetically|redirected|re-directed|engineered|modified|immune|细胞"
)
_ADDED = re.compile(
    r"(?:combin\w+(?: [^.;]{0,60})?|\bplus|\bbefore|\bbridging[^.;]{0,60}|\bwith|in addition to|\badded to) (?:\S+ ){0,4}$"
)
_CELL_NAME = re.compile(
    r"cells?\b|leucel|\bt\b|infusion|injection|transfus|细胞|cyclophosphamide|fludarabine|therapy|immunotherapy"
)
_NOT_CAR = re.compile(
    r"\btcrs?\b|t[\s-]cell receptor|tcr-?t|peptide|vaccin|\bctls?\b|cytotoxic t|virus[\s-]specific|bispecific antibod|armed|\bbats\b|antibody|tumor[\s-]infiltrating"
)


def car_evidence(view: State) -> list[tuple[int, int, str, bool]]:
    """CAR words, study products and targeting phrases that name a CAR: start, end, section kind, about recipients or others."""
    known = view.notes.get("car_evidence")
    if known is not None:
        return known  # type: ignore[return-value]
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
        about = kind not in NAMES and bool(
            PRIOR.search(clause)
            or RECIPIENT.search(clause)
            or _RECIPIENTS.search(clause)
            or _AFTER_WORD.match(right)
        )
        found.append((start, end, kind, about))
    for hit in view.values.get("products", ()):
        kind = view.section(hit.start).kind
        clause = clause_left(view, hit.start, 110)
        about = bool(
            RECIPIENT.search(clause)
            or _RECIPIENTS.search(clause)
            or _AFTER_WORD.match(low[hit.end : hit.end + 60])
        )
        found.append((hit.start, hit.end, kind, about and kind not in NAMES))
    for match in _DESIGNER.finditer(low):
        kind = view.section(match.start()).kind
        found.append(
            (
                *match.span(),
                kind,
                PRIOR.search(clause_left(view, match.start())) is not None or kind == "eligibility",
            )
        )
    for chain in view.chains:
        if chain.rule == "slot.specific-cells" and chain.role == "target":
            first, last = view.sentence(chain.start)
            sentence = low[first:last]
            if _NOT_CAR.search(sentence):
                continue
            if _GENE_CELLS.search(sentence) or (_GENE_DOC.search(low) and not _TCR_DOC.search(low)):
                found.append((chain.start, chain.end, view.section(chain.start).kind, False))
    found.sort()
    view.notes["car_evidence"] = found
    return found


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
    told = [e for e, sentence in sentences if not _BACKGROUND.search(sentence) and _MAKING.search(sentence)]
    titles = " ".join(view.low[s.start : s.end] for s in view.sections if s.kind in TITLES)
    slots = {c.role for c in view.chains if c.slot == 3 and view.section(c.start).kind in PROSE | ARMS}
    if told:
        why = "prose"
        early = any(e[2] != "detailed_description" for e in told)
        if _CELL_TITLE.search(titles) or ("target" in slots and early) or len(told) > 3:
            return ("product" if focus == "treatment" else "related"), 0.8 if early else 0.65, hits(told), why
        if early and len(evidence) > 2:
            return ("product" if focus == "treatment" else "related"), 0.6, hits(told), why
        return "mention", 0.3, hits(own), why
    why = "aside"
    summary = [e for e in prose + arms if e[2] == "brief_summary"]
    if (
        len(summary) > 1
        and any(e[3] for e in summary)
        and not all(_BACKGROUND.search(view.low[slice(*view.sentence(e[0]))]) for e in summary)
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
    if all(_CELL_NAME.search(name) for name in others):
        return False
    start = title[0][0]
    before = view.low[view.section(start).start : start]
    return _ADDED.search(before) is not None and not any(_CELL_NAME.search(name) for name in others)


def focus_of(view: State) -> str:
    """The main purpose, from the titles first; treatment unless they speak of the care or study of recipients."""
    trial = view.notes.get("study_type")
    titles = [view.low[s.start : s.end] for s in view.sections if s.kind in TITLES and s.kind != "acronym"]
    for name, pattern in _FOCUS:
        if any(pattern.search(title) for title in titles):
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
