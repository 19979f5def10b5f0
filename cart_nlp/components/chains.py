"""Coordinations of antigens: which mentions stand together, and where the CAR words are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cart_nlp.components.state import Chain, Hit, State

_FIRM_RIGHT = re.compile(r"[\s-]{0,2}(?:t[\s-]?)?(?:cells?\b|therap|\d{2})|-(?:bcma|cd|psma|meso)")
_FIRM_LEFT = re.compile(r"(?:\d|bcma|cd\d+|gd2|her2|gpc3|msln|psma)[\s.-]{0,2}$")
_OTHER_LONG = re.compile(
    r"\bc[a-z]+[\s-](?:\w+[\s-])?a[\w-]+\s(?:\w+\s)?r[a-z]+\s\(cars?\)|\(car-?t (?:study|trial|registry)\)"
)
_BESIDES = re.compile(r"\b(?:besides|except|other than|unlike|apart from)\s+(?:for\s+)?(?:anti-)?$")
_PLAIN = re.compile(r"[a-z\d]{0,5}cars?|[a-z\d-]{0,3}carts?")


# "cardiac", "carcinoma" and "careful" are sorted out here: most of what holds the letters.
_PLACE = re.compile(r"car(?![abefhj-lo-ru-z]|c(?!ik)|d(?!c)|i(?!nk))|chimeric|artificial t|嵌合|キメラ")


def _near_literals(view: State) -> Iterator[re.Match[str]]:
    """The matches of view.cue("car.word"), which can only stand around one of a few literals."""
    low = view.low
    done = 0
    for place in _PLACE.finditer(low):
        at = place.start()
        if at < done:
            continue
        found = view.cue("car.word").search(low, max(done, _word_start(low, at)), at + 60)
        if found:
            done = found.end()
            yield found


def _word_start(low: str, at: int) -> int:
    """Where a word that holds the literal at `at` may begin: a search from there finds it at once."""
    start, least = at, max(0, at - 12)
    while start > least and (low[start - 1].isalnum() or low[start - 1] in "-."):
        start -= 1
    return least if low.endswith(("vivo", "vivo "), least, start) else start


def car_words(view: State) -> list[tuple[int, int]]:
    """Start and end of every word that names a chimeric antigen receptor, in reading order.

    A plain "CAR" or "CART" counts only in upper case, in a text that speaks of cells or a chimeric receptor.
    """
    found = view.notes.get("car_words")
    if found is None:
        low, text = view.low, view.text
        firm: list[tuple[int, int]] = []
        plain: list[tuple[int, int]] = []
        for match in _near_literals(view):
            if not view.cue("car.shape").match(text, match.start()) and not view.cue("car.shape").search(
                text[match.start() : match.end() + 7]
            ):
                continue
            if text.startswith("cART", match.start()):
                continue
            bare = _PLAIN.fullmatch(match[0]) and not _FIRM_RIGHT.match(low, match.end())
            bare = bare and not _FIRM_LEFT.search(low, max(0, match.start() - 12), match.start())
            (plain if bare else firm).append(match.span())
        if "(car" in low and "chimeric" not in low and _OTHER_LONG.search(low):
            # "Compensatory anti-inflammatory response (CAR)", "(CAR-T study)": other words meant.
            firm, plain = [], []
        other = plain and not firm and view.cue("car.other").search(low)
        if plain and not firm and (other or not view.cue("car.cells").search(low)):
            plain = []
        found = sorted(firm + plain)
        view.notes["car_words"] = found
    return found


def build(view: State, hits: list[Hit]) -> list[Chain]:
    """Group antigen hits that only joining words separate, within a sentence."""
    chains: list[Chain] = []
    for hit in hits:
        last = chains[-1] if chains else None
        if last is not None and hit.start < last.end:
            continue
        if last is not None and hit.start - last.end <= 40:
            gap = view.low[last.end : hit.start]
            excluded = "," in gap and _BESIDES.search(view.low, max(0, last.start - 20), last.start)
            if (
                not excluded
                and view.cue("chain.joint").fullmatch(gap)
                and view.section(last.end - 1) is view.section(hit.start)
            ):
                boundary = view.sentence(last.start) != view.sentence(hit.start)
                if not boundary:
                    last.hits.append(hit)
                    last.joint += "|" + gap
                    last.end = hit.end
                    continue
        chains.append(Chain([hit], hit.start, hit.end, view.section(hit.start).kind))
    return chains
