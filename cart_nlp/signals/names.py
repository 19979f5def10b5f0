"""Coined names: words that may be the name of a product that no lexicon has, and how they are built."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from cart_nlp.lexicon import Lexicon
from cart_nlp.signals.mention import PLACES, zone
from cart_nlp.signals.reading import Mention, Reading
from cart_nlp.text import lower

CODE, BUILT, WORD, ALONE = "code", "built", "word", "alone"
"""What shows that a word may be a name: capitals with digits, a CAR and something else in one word,
capitals before the word for cells, or that an intervention is called so and no more."""
COINED = frozenset([CODE, BUILT, WORD, ALONE])
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
_SAYS = r"^[A-Za-z][a-z]*$|[-/][A-Za-z][a-z]{3,}(?![A-Za-z])|^<<name_says>>(?:-|(?=[A-Z]))"
"""A plain word, alone or as a part: "CD19-targeted" and "CAR-positive" say what it is and name nothing."""
_CELLS = (
    r"[ -](?:(?P<kind>(?:<<name_car>>[ -]?)?<<name_cells>>(?:[ -]<<name_cell_word>>)?)"
    r"|<<name_car>>|<<name_cell_word>>)\b"
)
_PLAIN = r"<<name_car>>|-?<<name_cells>>(?![A-Za-z0-9])|[-/.+_s]"
_MARKS = r"(?P<C><<name_car>>)(?=s?(?![a-z]))(?P<T>-?<<name_cells>>(?![a-z]))?|(?P<t>-<<name_cells>>\b)"
_SIGNS = {
    "A": "antigen", "C": "car", "T": "tail", "9": "number", "x": "letters", ".": "dot", "/": "slash",
    "-": "hyphen",
}  # fmt: skip
_WHOLE = r"[A-Za-z0-9][A-Za-z0-9./+_-]{2,39}(?=(?: <<name_cells>>)?(?: <<name_form>>)?$| <<name_form>>)"
_PART = re.compile(r"[-/+._]")
_HEAD = re.compile(r"[A-Za-z]+")
_LEAST, _MOST = 3, 40
"""Characters of a name."""
_MARK = 5
"""Characters of the longest word for CAR cells alone, with one more: "UCART", "CAR-T"."""


def names(reading: Reading) -> list[Mention]:
    """The coined names of a Reading, each under the form in which it is printed first."""
    first: dict[str, str] = {}
    found, lexicon = [], reading.vocabulary.lexicon
    shown = [section for section in reading.sections if PLACES.get(section.kind) == "name"]
    called = (lexicon.expression(_WHOLE).match(reading.text, each.start, each.end) for each in shown)
    plain = lexicon.words("not_code")
    alone = {n[0] for n in called if n and lower(n[0]) not in lexicon.folded and lower(n[0]) not in plain}
    for section in reading.sections:
        if zone(PLACES.get(section.kind, "other")) == "rest":
            continue
        for match in _TOKEN.finditer(reading.text, section.start, section.end):
            why, end = _named_by(match, lexicon)
            if not why and match[0] in alone:
                why = ALONE
            if why:
                name = reading.text[match.start() : end]
                concept = first.setdefault(re.sub(r"[\s_-]+", "-", lower(name)), name)
                found.append(Mention(match.start(), end, "product", concept, why))
    return found


def _named_by(match: re.Match[str], lexicon: Lexicon) -> tuple[str, int]:
    """Why a word may be a name, if it may, and where the name ends: "STAR T cells" is one with its cells."""
    token, end, why = match[0], match.end(), _coined(match[0], lexicon)
    if why == BUILT:
        return why, end - (token.endswith("s") and not token[-2].islower())
    cells = why == WORD and lexicon.expression(_CELLS).match(match.string, end)
    if not cells:
        return why if why == CODE else "", end
    return why, cells.end() if cells["kind"] and "-" not in token else end


@lru_cache(maxsize=4096)
def _coined(token: str, lexicon: Lexicon) -> str:
    """How a word is written, if as a name; one that is written as a WORD is one before a word for cells."""
    if not _LEAST <= len(token) <= _MOST or token.islower():
        return ""
    if lexicon.expression(_SAYS).search(token) or lower(token) in lexicon.folded:
        return ""
    if lexicon.expression(_BUILT).search(token):
        if len(token) > _MARK and lexicon.expression(_PLAIN).sub("", token):
            return BUILT
    elif _is_code(token, lexicon):
        return CODE
    return WORD if _is_word(token, lexicon) else ""


def _is_code(token: str, lexicon: Lexicon) -> bool:
    """Whether a word is written as sponsors number their products."""
    digits = sum(map(str.isdigit, token))
    head = _HEAD.match(token)
    not_code = lexicon.words("not_code")
    if not digits or head is None or not any(map(str.isupper, token)) or lower(token) in not_code:
        return False
    if lower(head[0]) in not_code and (len(head[0]) > 1 or digits < 3):
        return False
    # With more behind what is no product, a product is another; "D7-D42" counts days twice.
    return not all(
        part.rstrip("0123456789") in ("", *not_code)
        or any(one.label != "product" for one in lexicon.folded.get(part, ()))
        for part in _PART.split(lower(token))
    )


def _is_word(token: str, lexicon: Lexicon) -> bool:
    """Whether a word is written as an acronym that is new, or has a new one in it."""
    if sum(map(str.isupper, token)) < 3:
        return False
    parts = _PART.split(token)
    new = [part for part in parts if lower(part) not in lexicon.folded]
    return len(new) == len(parts) or any(len(part) > 3 and part.isupper() for part in new)


def build(reading: Reading, mention: Mention) -> Iterator[str]:
    """How a name is built: antigens (A), a CAR (C), a word for cells (T), numbers (9), other letters (x)."""
    text = reading.text[mention.start : mention.end]
    marks = list(re.sub("[a-zA-Z]", "x", re.sub(r"\d", "9", text)))
    for found in reading.vocabulary.lexicon.expression(_MARKS).finditer(text):
        for sign in found.groupdict():  # one that is not there is an empty slice
            marks[found.start(sign) : found.end(sign)] = sign.upper() * len(found[sign] or "")
    for other in reading.inside(mention.start, mention.end):
        if other.label in ("antigen", "ligand"):
            marks[other.start - mention.start : other.end - mention.start] = "A" * (other.end - other.start)
    plan = re.sub(r"([^-./+])\1+", r"\1", "".join(marks))
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
