"""Length-preserving normalization of registry text, its sentences, and a tokenizer that cuts glued words."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokenizer import Tokenizer

_GREEK = dict(zip("αβγδεζηθικλμνξοπρστυφχψω", "abgdezhqiklmnxoprstufcyw", strict=True))
_GREEK |= {"⍺": "a", "ɑ": "a", "ϐ": "b", "ɣ": "g", "ϰ": "k", "µ": "m", "ς": "s", "Δ": "D", "Κ": "K", "Λ": "L"}
_DASHES = "‐‑‒–—―−﹘﹣－⁃"
_SPACES = (
    "\t\r\n\v\f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005"
    "\u2006\u2007\u2008\u2009\u200a\u2028\u2029"
    "\u202f\u205f\u3000\u200b\u200c\u200d\u2060\ufeff\xad\u200e\u200f"
)
_SIGNS = {
    "×": "x", "✕": "x", "’": "'", "‘": "'", "“": '"', "”": '"', "，": ",", "。": ".", "；": ";",
    "：": ":", "（": "(", "）": ")", "、": ",", "【": "(", "】": ")", "［": "[", "］": "]", "／": "/",
    "⁄": "/", "∕": "/",
    "·": ".", "•": ".", "⁺": "+", "＋": "+", "﹢": "+", "⁻": "-", "∗": "*", "＊": "*",
}  # fmt: skip


def _table() -> dict[int, str]:
    table = {ord(c): "-" for c in _DASHES} | {ord(c): " " for c in _SPACES}
    table |= {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    table |= {ord(c): s for c, s in (_GREEK | _SIGNS).items()}
    for digits in ("₀₁₂₃₄₅₆₇₈₉", "⁰¹²³⁴⁵⁶⁷⁸⁹"):
        table |= {ord(c): str(i) for i, c in enumerate(digits)}
    return table


_FOLD = _table()
_FOLDED = re.compile("[" + re.escape("".join(map(chr, _FOLD))) + "]")


def fold(text: str) -> str:
    """Text of the same length in which spelling variants of one character are one character.

    Dashes become `-`, any white space a blank, full-width forms and raised or lowered digits ASCII, Greek
    letters their Latin counterpart (α a, κ k, ζ z), Chinese punctuation its ASCII form. Case is kept.
    """
    # Few characters of a text change: an expression finds them faster than a look at each, but in ASCII.
    return text.translate(_FOLD) if text.isascii() else _FOLDED.sub(_folded, text)


def _folded(found: re.Match[str]) -> str:
    return _FOLD[ord(found[0])]


_HALVES = re.compile("[\ud800-\udfff]")


def whole(text: str) -> str:
    """Text in which each half of a character, which cannot be written, is U+FFFD.

    >>> whole("CAR\\ud800-T")
    'CAR\ufffd-T'
    """
    return text if text.isascii() else _HALVES.sub("\ufffd", text)


def half_in(text: str) -> str:
    """The first half of a character in a text, as JSON escapes it; empty where all are whole.

    >>> half_in("CAR\\ud800-T"), half_in("CAR-T")
    ('\\\\ud800', '')
    """
    found = None if text.isascii() else _HALVES.search(text)
    return f"\\u{ord(found[0]):04x}" if found else ""


def named_twice(columns: Iterable[str], read: Container[str] | None = None) -> str:
    """What is wrong with a header that names a column twice; empty where nothing is.

    A row is read by its columns' names, so one of the two would be lost unseen. Where it is known which
    columns are `read`, the others do no harm; nor do columns without a name.
    """
    seen: set[str] = set()
    for column in columns:
        if column in seen and (read is None or column in read):
            return f"the column {column[:40]!r} stands twice; rename one of them, or take it out"
        seen.update((column,) if column else ())
    return ""


def any_of(words: Iterable[str]) -> str:
    """A regular expression for any of some words, the longest first; without any it matches nothing."""
    longest = sorted(words, key=lambda word: (-len(word), word))
    return f"(?:{'|'.join(map(re.escape, longest)) or '(?!)'})"


_ASCII = bytes(range(128))
_SIGN_BYTES = {chr(code): (chr(code).encode(), sign.encode()) for code, sign in _FOLD.items() if code > 127}
_SIGN_BYTES["\u212a"] = ("\u212a".encode(), b"k")  # KELVIN SIGN, whose lower case is the letter
_WHITE = bytes.maketrans(b"\t\r\n\v\f", b"     ")
_BLANKS = re.compile(rb"  +")


def fold_bytes(raw: bytes) -> bytes:
    """`fold` of UTF-8, with one blank for several: fast where few signs of a text change.

    Bytes that are no UTF-8 stay.
    """
    if not raw.isascii():
        signs = set(raw.translate(None, _ASCII).decode("utf-8", "replace")) & _SIGN_BYTES.keys()
        for sign in signs:
            raw = raw.replace(*_SIGN_BYTES[sign])
    raw = raw.translate(_WHITE)
    return _BLANKS.sub(b" ", raw) if b"  " in raw else raw


def lower(text: str) -> str:
    """Lower case of the same length: `str.lower` changes it for a few characters, which are then kept."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := c.lower()) == 1 else c for c in text)


@lru_cache(maxsize=4096)
def bare(text: str) -> str:
    """The letters and digits of a text alone, folded and in lower case."""
    return re.sub(r"[\W_]", "", lower(fold(text)))


@lru_cache(maxsize=4096)
def bare_ascii(text: str) -> str:
    """The same, of ASCII: what a name in Latin letters has in common with one in others."""
    return re.sub(r"[^a-z0-9]", "", bare(text))


_JOINTS = re.compile(r"([ -]+|(?<=[a-z])(?=[0-9])|(?<=[0-9])(?=[a-z])|(?<=[0-9])\.(?=[0-9]))", re.IGNORECASE)
_MOST_JOINTS = 4


@cache
def spellings(alias: str) -> frozenset[str]:
    """The ways in which an alias is written: separators and letter-digit joints as blank, hyphen or none.

    >>> sorted(spellings("cd19"))
    ['cd 19', 'cd-19', 'cd19']
    """
    parts = _JOINTS.split(alias)
    if len(parts) == 1:
        return frozenset((alias,))
    if len(parts) > 2 * _MOST_JOINTS + 1:
        return frozenset((alias, alias.replace("-", " ")))
    written = [parts[0]]
    for at in range(1, len(parts), 2):
        choices = _joint(parts[at - 1], parts[at], parts[at + 1])
        written = [head + joint + parts[at + 1] for head in written for joint in choices]
    return frozenset(written)


def _joint(before: str, joint: str, after: str) -> tuple[str, ...]:
    """The ways to write one joint."""
    if joint == ".":
        return (".", ". ")
    digit_before, digit_after = before[-1:].isdigit(), after[:1].isdigit()
    if digit_before and digit_after:
        return (joint,)
    if digit_before or digit_after:
        # "CD 19" and "CD-19", but not "4 scar": a joint after a digit stays closed unless it was open.
        return (joint,) if joint == "" and digit_before else ("", "-", " ")
    return ("-", " ")


# Boundaries inside a written unit: letter|digit, lower|Upper, CJK|anything, …CAR; and runs of joining signs.
# A comma between digits cuts only a list (CD19,20), not a thousands separator.
_INFIX = (
    r"(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[a-z]{2})(?<!\b[A-Z])"
    r"|(?<=[A-Z][A-Z])(?=CAR)|(?<=CAR)(?=[A-Z])"
    r"|(?<=[\u4e00-\u9fff])|(?=[\u4e00-\u9fff])"
    r"|,(?![0-9]{3}(?![0-9]))|[^\w\s,'’]+|_+"
)
# Signs at the front come off in one piece: one at a time, spaCy would copy the rest of the word for each.
_PREFIX = r"^[^\w\s]+"
_CACHED = 100_000
"""Words whose tokens are remembered: a dump has more than the 10,000 of spaCy, and cutting a word is slow."""


def tokenizer(nlp: Language) -> Tokenizer:
    """spaCy's tokenizer with cuts between letters, digits, case changes, joiners and CJK characters.

    Any mention that starts and ends at such a boundary is then a whole number of tokens.
    """
    from spacy.tokenizer import Tokenizer

    return Tokenizer(
        nlp.vocab,
        rules={},
        prefix_search=re.compile(_PREFIX).match,
        infix_finditer=re.compile(_INFIX).finditer,
        max_cache_size=_CACHED,
    )


def create_tokenizer() -> Callable[[Language], Tokenizer]:
    """For the pipeline's config: `@tokenizers = "cart_nlp.tokenizer.v1"`."""
    return tokenizer


# A sentence ends at a stop followed by a capital, a digit list mark or CJK, or at a line break or bullet.
_SENTENCE_END = re.compile(
    r"[.!?;\n。；！？](?:(?<=[.!?;])['\")\]]?\s+(?=[A-Z\u4e00-\u9fff(\[*•-])|(?<=[。；！？])"
    r"|(?<=\n)(?:\s*\n|\s*(?=[-*•\d(])))"
)
_NO_END = re.compile(r"(?:\b(?:e\. ?g|i\. ?e|vs|etc|al|approx|no|dr|inc|fig)|\b[A-Z])$", re.I)
_LONGEST = 2000
"""Characters after which a sentence is cut, so that work a mention stays bounded on text without stops."""


def sentence_bounds(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Start and end of every sentence of a section of a text, none longer than _LONGEST characters."""
    found, first = [], start
    for match in _SENTENCE_END.finditer(text, start, end):
        stop, after = match.span()
        if text[stop] == "." and _NO_END.search(text, max(start, stop - 6), stop):
            continue
        if start < after < end:
            found.append((first, after))
            first = after
    found.append((first, end))
    if all(stop - begin <= _LONGEST for begin, stop in found):
        return found
    return [
        (part, min(part + _LONGEST, stop))
        for begin, stop in found
        for part in range(begin, max(stop, begin + 1), _LONGEST)
    ]


def occupied(spans: Iterable[tuple[int, int]]) -> bytearray:
    """A byte for each character up to the last span's end: 1 where a span has it, else 0.

    Whether one more span overlaps any of many is then told at once, however many these are.

    >>> occupied([(1, 3)]).find(1, 2, 5), occupied([(1, 3)]).find(1, 3, 5)
    (2, -1)
    """
    spans = list(spans)
    found = bytearray(max((end for _, end in spans), default=0))
    for start, end in spans:
        found[start:end] = bytes([1]) * (end - start)
    return found


def construct_text(targets: Iterable[str], form: str) -> str:
    """A construct as people read and write it, the targets in the order given.

    >>> construct_text(["CD19", "CD22"], "tandem")
    'CD19+CD22 (tandem)'
    """
    return f"{'+'.join(targets)} ({form})"
