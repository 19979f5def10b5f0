"""Coordinations of antigens: which mentions stand together, and where the CAR words are."""

from __future__ import annotations

import re

from cart_nlp.components.state import Chain, Hit, State

CAR_WORD = re.compile(
    r"(?<![a-z])(?:hu|4s|[usdcimt]|tan|tri|bi|dual|fast|auto|allo|in ?vivo-?|multi-?)?car(?:[- ]?(?:t|nk|nkt|m|til|treg|dc|"
    r"cik|gdt|gt|mac|macrophage|ink|inkt)(?![a-z]))?s?(?![a-z])|(?<![a-z])(?:hu|u|tan|bi|mb-)?carts?(?![a-z])|"
    r"chimeric[- ](?:t[- ]?cell |antigens?[- ]|immuno|immune )?(?:antigens? )?\s?(?:t[- ]cell )?receptors?|chimeric[- ]antigens?[- ]recepto|"
    r"chimeric antigen|嵌合抗原受体|嵌合体?抗原受体|car(?=-?t(?:[ -]?cells?)?(?![a-z]))|(?<=\d)-?cart?s?(?![a-z])|(?<=[a-z\d])\.car(?![a-z])|"
    r"(?<=[a-z])car(?:-t|t)?(?![a-z])(?<=(?:bcma|msln|meso|gpc3|psma|her2|mcar|scar)car)"
)
_JOINT = re.compile(
    r"(?:\s|[/,+&x;.·:()\[\]*-]|\band\b|\bor\b|\bplus\b|\bas well as\b|\bwith\b|\bboth\b|\beither\b|\banti\b|"
    r"\bantigens?\b|\bplus\b|\bthe\b|\btogether\b|\bhuman\b|\btargets?\b|\bdual\b|\band/or\b|\bits\b|\bthen\b|"
    r"\bpositive\b|\bnegative\b|\bexpressing\b|\bspecific\b|和|及|或|与|、|双|联合|联|抗|靶向)*"
)


def car_words(view: State) -> list[tuple[int, int]]:
    """Start and end of every word that names a CAR, in reading order."""
    found = view.notes.get("car_words")
    if found is None:
        stops = [h for h in view.hits if h.label == "not_car"]
        found = [
            m.span()
            for m in CAR_WORD.finditer(view.low)
            if not any(s.start <= m.start() < s.end for s in stops)
        ]
        view.notes["car_words"] = found
    return found  # type: ignore[return-value]


def build(view: State, hits: list[Hit]) -> list[Chain]:
    """Group antigen hits that only joining words separate, within a sentence."""
    chains: list[Chain] = []
    for hit in hits:
        last = chains[-1] if chains else None
        if last is not None and hit.start < last.end:
            continue
        if last is not None and hit.start - last.end <= 40:
            gap = view.low[last.end : hit.start]
            if _JOINT.fullmatch(gap) and view.section(last.end - 1) is view.section(hit.start):
                boundary = view.sentence(last.start) != view.sentence(hit.start)
                if not boundary:
                    last.hits.append(hit)
                    last.joint += "|" + gap
                    last.end = hit.end
                    continue
        chains.append(Chain([hit], hit.start, hit.end))
    return chains
