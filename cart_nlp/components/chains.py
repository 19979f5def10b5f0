"""Coordinations of antigens: which mentions stand together, and where the CAR words are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cart_nlp.components.state import Chain, Hit, State

CAR_WORD = re.compile(
    r"(?<![a-z])(?:hu|4s|[usdcimt]|tan|tri|bi|dual|fast|auto|allo|in ?vivo-?|multi-?)?car(?:[- ]?(?:t|nk|nkt|m|til|treg|dc|"
    r"cik|gdt|gt|mac|macrophage|ink|inkt)(?![a-z]))?s?(?![a-z])|(?<![a-z])(?:hu|u|tan|bi|mb-)?carts?(?![a-z])|"
    r"chimeric[- ](?:t[- ]?cell |antigens?[- ]|immuno|immune )?(?:antigens? )?\s?(?:t[- ]cell )?receptors?|chimeric[- ]antigens?[- ]recepto|"
    r"chimeric antigen|嵌合抗原受体|キメラ抗原受容体|嵌合体?抗原受体|car(?=-?t(?:[ -]?cells?)?(?![a-z]))|(?<=\d)-?cart?s?(?![a-z])|(?<=[a-z\d])\.car(?![a-z])|"
    r"(?<=[a-z])car(?:-t|t)?(?![a-z])(?<=(?:bcma|msln|meso|gpc3|psma|her2|mcar|scar)car)"
)
_JOINT = re.compile(
    r"(?:\s|[/,+&x;.·:()\[\]*-]|\band\b|\bor\b|\bplus\b|\bas well as\b|\bwith\b|\bboth\b|\beither\b|\banti\b|"
    r"\bantigens?\b|\bplus\b|\bthe\b|\btogether\b|\bhuman\b|\btargets?\b|\bdual\b|\band/or\b|\bits\b|\bthen\b|"
    r"\bpositive\b|\bnegative\b|\bexpressing\b|\bspecific\b|和|及|或|与|、|双|联合|联|抗|靶向)*"
)


_CAR_SHAPE = re.compile(
    r"CAR|Car-?T|C[Aa][Rr] T|[Cc][Hh][Ii][Mm]|嵌合|キメラ|car-?t\b|cart-?\d|car-nk|car t[- ]cell|[a-z]CAR"
)
# Words that make a bare "CAR" or "CART" a chimeric antigen receptor and not a tree, a street or a nuclear receptor.
_CELLS = re.compile(
    r"\bt[- ]?(?:cells?|lymphocytes?)\b|\bnk\b|lymphodeplet|leukapheres|scfv|infus|chimeric|immunotherap|细胞"
)
_FIRM_RIGHT = re.compile(r"[\s-]{0,2}(?:t[\s-]?)?(?:cells?\b|therap|\d{2})|-(?:bcma|cd|psma|meso)")
_FIRM_LEFT = re.compile(r"(?:\d|bcma|cd\d+|gd2|her2|gpc3|msln|psma)[\s.-]{0,2}$")
_PLAIN = re.compile(r"[a-z\d]{0,5}cars?|[a-z\d-]{0,3}carts?")
_OTHER_CART = re.compile(
    r"regression tree|antiretroviral|anti-retroviral|decision tree|coxsackie|constitutive androstane|carto\b|cocaine[- ]and[- ]amphetamine|cardiac (?:autonomic|arrest)|"
    r"coronary artery|central apnea|community-acquired|cancer[- ]associated retinopathy|c-reactive protein.{0,6}albumin|conditional approach|calcium|"
    r"clotting assay|computer assisted|auto(?:mobile|motive)|vehicle|shopping|seat|driver|medication cart|crash cart"
)


def _near_literals(low: str) -> Iterator[re.Match[str]]:
    """The matches of CAR_WORD, which can only stand around one of a few literals."""
    done = 0
    places = []
    for literal in ("car", "chimeric", "嵌合", "キメラ"):
        at = low.find(literal)
        while at >= 0:
            places.append(at)
            at = low.find(literal, at + 1)
    for at in sorted(places):
        if at < done:
            continue
        found = CAR_WORD.search(low, max(done, at - 12), at + 60)
        if found:
            done = found.end()
            yield found


def car_words(view: State) -> list[tuple[int, int]]:
    """Start and end of every word that names a chimeric antigen receptor, in reading order.

    A plain "CAR" or "CART" counts only in upper case and in a text that speaks of cells or of a chimeric receptor.
    """
    found = view.notes.get("car_words")
    if found is None:
        low, text = view.low, view.text
        firm, plain = [], []
        for match in _near_literals(low):
            if not _CAR_SHAPE.match(text, match.start()) and not _CAR_SHAPE.search(
                text[match.start() : match.end() + 7]
            ):
                continue
            if text.startswith("cART", match.start()):
                continue
            bare = _PLAIN.fullmatch(match[0]) and not _FIRM_RIGHT.match(low, match.end())
            bare = bare and not _FIRM_LEFT.search(low, max(0, match.start() - 12), match.start())
            (plain if bare else firm).append(match.span())
        if plain and not firm:
            if _OTHER_CART.search(low) or not _CELLS.search(low):
                plain = []
        found = sorted(firm + plain)
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
