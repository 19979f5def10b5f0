"""Coined names: words that may be the name of a product that no lexicon has, and how they are built."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from cart_nlp.lexicon import Lexicon
from cart_nlp.signals.mention import PLACES, zone
from cart_nlp.signals.reading import Mention, Reading, Section
from cart_nlp.text import lower

CODE, BUILT, WORD = "code", "built", "word"
"""What shows that a word may be a name: capitals with digits, a CAR and something else in one word, or
capitals before the word for cells."""
COINED = frozenset(["novel", CODE, BUILT, WORD])
"""Rows of mentions of products that stand in no lexicon."""
_TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(?=[A-Za-z0-9][-a-z./+_]{0,40}[A-Z0-9])(?!\d{1,40}(?:[-./]\d{1,40}){0,7}(?![A-Za-z0-9]))"
    r"(?<![A-Za-z0-9][-./+_])"
    r"[A-Za-z0-9]{1,40}(?:[-/+_][A-Za-z0-9]{1,40}|(?<![a-z]{3})\.[A-Za-z0-9]{1,40}){0,7}"
    r"(?:\(s\)|\([A-Z][a-z]{2}\)(?= T))?(?![A-Za-z0-9])"
)
"""A word with what hyphens, slashes and stops join to it, if it has a capital or digit past its first letter;
"limited.CD19" is a sentence without its blank."""
_BUILT = r"<<name_car>>s?(?![a-z])|<<name_built>>"
_SAYS = r"[-/][A-Za-z][a-z]{3,}(?![A-Za-z])|^<<name_says>>(?:-|(?=[A-Z]))"
"""A part that is a plain word: "CD19-targeted" and "CAR-positive" say what something is, and name nothing."""
_CELLS = (
    r"[ -](?:(?P<kind>(?:<<name_car>>[ -]?)?<<name_cells>>(?:[ -]<<name_cell_word>>)?)"
    r"|<<name_car>>|<<name_cell_word>>)\b"
)
_PLAIN = r"<<name_car>>|-?<<name_cells>>(?![A-Za-z0-9])|[-/.+_s]"
_PART = re.compile(r"[-/+._]")
_HEAD = re.compile(r"[A-Za-z]+")
_LEAST, _MOST = 3, 40
"""Characters of a name."""
_MARK = 5
"""Characters of the longest word for CAR cells alone, with one more: "UCART", "CAR-T"."""


def names(reading: Reading) -> list[Mention]:
    """The coined names of a Reading, each under the form in which it is printed first."""
    first: dict[str, str] = {}
    found = []
    for section in reading.sections:
        if zone(PLACES.get(section.kind, "other")) != "rest":
            for mention in _in_section(reading, section):
                key = re.sub(r"[\s_-]+", "-", lower(mention.concept))
                found.append(mention._replace(concept=first.setdefault(key, mention.concept)))
    return found


def _in_section(reading: Reading, section: Section) -> Iterator[Mention]:
    lexicon = reading.vocabulary.lexicon
    for match in _TOKEN.finditer(reading.text, section.start, section.end):
        token, start, end = match[0], match.start(), match.end()
        if not _may_name(token, lexicon):
            continue
        why = _built_or_code(token, lexicon)
        if why == BUILT:
            end -= token.endswith("s") and not token[-2].islower()
        elif not why and _is_word(token, lexicon):
            why, end = _before_cells(reading.text, end, "-" in token, lexicon)
        if why:
            yield Mention(start, end, "product", reading.text[start:end], why)


def _may_name(token: str, lexicon: Lexicon) -> bool:
    """Whether a word has the length and the letters of a name, is unknown and has no plain word as a part."""
    return (
        _LEAST <= len(token) <= _MOST
        and not token.islower()
        and not (token.isalpha() and token[1:].islower())
        and not lexicon.expression(_SAYS).search(token)
        and lower(token) not in lexicon.folded
    )


def _before_cells(text: str, end: int, joined: bool, lexicon: Lexicon) -> tuple[str, int]:
    """Whether cells stand behind a word, and where the name ends: in "STAR T cells" they are part of it."""
    cells = lexicon.expression(_CELLS).match(text, end)
    if cells is None:
        return "", end
    return WORD, cells.end() if cells["kind"] and not joined else end


def _built_or_code(token: str, lexicon: Lexicon) -> str:
    if lexicon.expression(_BUILT).search(token):
        return BUILT if len(token) > _MARK and lexicon.expression(_PLAIN).sub("", token) else ""
    return CODE if _is_code(token, lexicon) else ""


def _is_code(token: str, lexicon: Lexicon) -> bool:
    """Whether a word is written as sponsors number their products."""
    digits = sum(map(str.isdigit, token))
    head = _HEAD.match(token)
    not_code = lexicon.words("not_code")
    if not digits or head is None or not any(map(str.isupper, token)) or lower(token) in not_code:
        return False
    if lower(head[0]) in not_code and (len(head[0]) > 1 or digits < 3):
        return False
    return not all(part.isdigit() or _named(part, lexicon) for part in _PART.split(token))


def _named(part: str, lexicon: Lexicon) -> bool:
    """Whether a part names something that is no product: with more behind it a product is another."""
    return any(concept.label != "product" for concept in lexicon.folded.get(lower(part), ()))


def _is_word(token: str, lexicon: Lexicon) -> bool:
    """Whether a word is written as an acronym that is new, or has a new one in it."""
    if sum(map(str.isupper, token)) < 3:
        return False
    parts = _PART.split(token)
    new = [part for part in parts if lower(part) not in lexicon.folded]
    return len(new) == len(parts) or any(len(part) > 3 and part.isupper() for part in new)


_MARKS = r"(?P<C><<name_car>>)(?=s?(?![a-z]))(?P<T>-?<<name_cells>>(?![a-z]))?|(?P<t>-<<name_cells>>\b)"
_SIGNS = {
    "A": "antigen", "C": "car", "T": "tail", "9": "number", "x": "letters", ".": "dot", "/": "slash",
    "-": "dash",
}  # fmt: skip


def build(reading: Reading, mention: Mention) -> Iterator[str]:
    """How a name is built: antigens (A), a CAR (C), a word for cells (T), numbers (9), other letters (x)."""
    text = reading.text[mention.start : mention.end]
    plan = _plan(reading, mention, text)
    yield "form=" + plan
    yield from ("has_" + name for sign, name in _SIGNS.items() if sign in plan)
    if plan[0] in "AC":
        yield _SIGNS[plan[0]] + "_first"
    if re.search(r"[A9x]C", plan):
        yield "glued_car"
    if digits := re.findall(r"\d+", text):
        yield f"digits={min(max(map(len, digits)), 5)}"
    if head := _HEAD.match(text):
        yield f"head={min(len(head[0]), 6)}"
        yield "head_upper" if head[0].isupper() else "head_mixed"


def _plan(reading: Reading, mention: Mention, text: str) -> str:
    marks = list(re.sub("[a-zA-Z]", "x", re.sub(r"\d", "9", text)))
    for found in reading.vocabulary.lexicon.expression(_MARKS).finditer(text):
        for sign, part in found.groupdict().items():
            if part:
                marks[found.start(sign) : found.end(sign)] = sign.upper() * len(part)
    for other in reading.inside(mention.start, mention.end):
        if other.label in ("antigen", "ligand"):
            marks[other.start - mention.start : other.end - mention.start] = "A" * (other.end - other.start)
    return "".join(mark for mark, run in groupby(marks) for _ in (run if mark in "-./+" else (mark,)))
