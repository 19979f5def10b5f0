"""Find thousands of strings in raw records at near parsing speed, each at the edges that it asks for.

Two engines find the strings: Hyperscan where its wheel is installed (the fastest: about the speed of orjson
on the same bytes), else the Aho-Corasick automaton of ahocorasick_rs (about four times slower). What a found
string must have around it is checked here, so both accept the same texts.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from cart_nlp import kept

Engine = Literal["hyperscan", "ahocorasick"]


class Needle(NamedTuple):
    """A string to find, in lower case, as UTF-8.

    `left`, `right`: no ASCII letter or digit may touch that end of it where it has one there itself.
    `context`: it counts only in a text that also has one of the search's strings of that name, of which the
    likeliest come first; with a `reach`, at most that many bytes to one of its sides. `unless`: it does not
    count behind one of the strings of that name, nor where its word is followed by one of those of that name
    with `_after`.
    """

    text: bytes
    left: bool = False
    right: bool = False
    context: str = ""
    reach: int = 0
    unless: str = ""


CAR = Needle(b"car", context="car")
"""Stands for the word CAR in all its forms (CAR, CARs, CART, CAR19, CARNK), everyday words left out."""
_SMALL_CAR = Needle(b"car", context="cells", reach=40)
"""What CAR is where it is not spelled as a receptor: a car, a cart, cART, unless cells stand beside it."""

_CAR_TAIL = rb"t(?:[^aeilorwy]|$)|nk|m(?:[^aeiou]|$)"
_CAR = re.compile(rb"car(?:s?(?:[^a-z]|$)|" + _CAR_TAIL + rb")")
# For the scan: without the words "scar" and "scars", by far the commonest of those that are no CAR.
_CAR_NO_SCAR = rb"(?:^|[^s]|[a-z0-9]s)" + _CAR.pattern + rb"|scar(?:s?[0-9]|" + _CAR_TAIL + rb")"
_CAR_LITERALS = sorted(
    {b"carnk", *(b"car" + stem for stem in (b"s", b"t", b"m"))}
    | {b"car" + bytes([code]) for code in range(256) if not 97 <= code <= 122 and not 65 <= code <= 90}
)
_EVERYDAY = re.compile(
    rb"(?:car[bcdefgilopruvw]|car[aey]|carn(?!k)|cars[a-z]|cart(?:ag|el|er|es|il|o|r|w|y)|carm[aeiou]).*"
    rb"|s?scars?|trocars?|madagascar|oscars?|proscar|loncar|macvicar|vicars?|nascar|sidecars?"
)
"""Words with `car` in them that no writer uses for a receptor; all others are let through."""
# Every record has a number like NCT04100000, which holds the codes CT041 and CT0410.
_CODE_IN_NCT = re.compile(rb"ct\d")
_TWO_BLANKS = b"  "
"""Where they stand in a text, a phrase may be found only once it is folded."""
_REACH = 24
"""Bytes to each side in which a word ends, and what stands before a name."""
_JOINTS = b" -_()"
"""What may stand between a name and the words beside it."""
_LETTERS = bytes(range(97, 123))


class Search:
    """Tells whether a text holds one of the needles; built once, used for millions of texts."""

    def __init__(
        self,
        needles: Sequence[Needle],
        contexts: Mapping[str, Iterable[bytes]] | None = None,
        engine: Engine | None = None,
        fold: Callable[[bytes], bytes] = bytes,
        *,
        keep: bool = False,
    ) -> None:
        """`fold` makes of a text that is not printable ASCII, as UTF-8, what is searched.

        With `keep`, what is compiled of the needles is kept for the next time.
        """
        self._words = {name: tuple(words) for name, words in (contexts or {}).items()}
        self._contexts = {name: _likely(words) for name, words in self._words.items()}
        self._text = b""
        self._told: dict[str, bool] = {}
        self._needles = [each for each in needles if each != CAR]
        if CAR in needles:
            self._needles.insert(0, CAR)
        self.engine: Engine = engine or ("hyperscan" if _has_hyperscan() else "ahocorasick")
        self.hits: Callable[[bytes | str], bool]
        if self.engine == "hyperscan":
            self.hits = _hyperscan(self._needles, self._accepts, fold, keep)
        else:
            self.hits = _ahocorasick(self._needles, self._accepts, fold)
        """Whether a text, or its UTF-8, holds one of the needles where it counts."""

    def _accepts(self, raw: bytes, needle: Needle, end: int) -> bool:
        """Whether a needle that was found up to `end` stands as it should."""
        start = end - len(needle.text)
        if needle.left and _touches(raw, start - 1, start):
            return False
        if needle.right and _touches(raw, end - 1, end):
            return False
        if needle is CAR:
            start = max(0, end - 5) + raw[max(0, end - 5) : end].lower().rfind(b"car")
            end = start + len(CAR.text)  # how much of what follows it was found differs by engine
            if _is_everyday(raw, start):
                return False
            needle = needle if _is_spelled(raw, start) else _SMALL_CAR
        if needle.unless and self._stands_beside(raw, needle.unless, start, end):
            return False
        return self._has_company(raw, needle, start, end)

    def _stands_beside(self, raw: bytes, name: str, start: int, end: int) -> bool:
        """Whether one of the strings of a name stands just before what was found, or just after its word."""
        before = raw[max(0, start - _REACH) : start].lower().rstrip(_JOINTS)
        after = raw[end : end + 2 * _REACH].lower().lstrip(_LETTERS).lstrip(_JOINTS)
        told = self._words.get
        return before.endswith(told(name, ())) or after.startswith(told(f"{name}_after", ()))

    def _has_company(self, raw: bytes, needle: Needle, start: int, end: int) -> bool:
        """Whether a needle that was found from `start` to `end` has the company that it needs."""
        found = self._contexts.get(needle.context)
        if found is None:
            return True
        if needle.reach:
            return found(raw[max(0, start - needle.reach) : end + needle.reach])
        if raw is not self._text:
            self._text, self._told = raw, {}
        if needle.context not in self._told:  # asked again for every word that is found
            self._told[needle.context] = found(raw)
        return self._told[needle.context]


def names_car(raw: bytes) -> bool:
    """Whether the search for CAR finds a name as it is written, given the company that it needs."""
    found = _CAR.search(raw.lower())
    place = found.start() if found else -1
    return place >= 0 and _CAPITALS.match(raw, place) is not None and not _is_everyday(raw, place)


def reduced(needles: Iterable[Needle], contexts: Mapping[str, Iterable[bytes]]) -> list[Needle]:
    """Needles in an order of their own, without those that a search for CAR finds anyway."""
    asked = set(needles)
    if CAR not in asked:
        return sorted(asked)
    words = contexts.get(CAR.context)
    company = None if words is None else tuple(words)
    return [CAR, *sorted(each for each in asked if each != CAR and not _is_covered(each, company))]


def _is_covered(needle: Needle, company: tuple[bytes, ...] | None) -> bool:
    """Whether the search for CAR finds every text with this needle anyway (`cart-19`, not `jcar017`)."""
    found = _CAR.search(needle.text)
    if found is None or _EVERYDAY.fullmatch(needle.text) is not None or b"scar" in needle.text:
        return False
    if not _is_spelled(needle.text, found.start()):
        return False
    if needle.context == CAR.context and needle.left and needle.right:
        return True  # it needs the same company; "car" alone would be found twice in every "care"
    return company is None or any(word in needle.text for word in company)


def _likely(words: tuple[bytes, ...]) -> Callable[[bytes], bool]:
    """A test whether a raw text holds one of some words; the first two, the likeliest, mostly tell it."""
    first, any_word = words[:2], any_of(words)
    return lambda raw: any(word in raw for word in first) or any_word(raw.lower())


_ALNUM = bytes(chr(code).isalnum() and code < 128 for code in range(256))


def _touches(raw: bytes, before: int, after: int) -> bool:
    """Whether letters or digits stand on both sides of a boundary; a JSON escape (`\\n`) is no letter."""
    if before < 0 or after >= len(raw) or not (_ALNUM[raw[before]] and _ALNUM[raw[after]]):
        return False
    return not (before > 0 and raw[before - 1] == 92)


def _is_everyday(raw: bytes, place: int) -> bool:
    """Whether the `car` at a place is part of an everyday word, or no form of CAR."""
    window = raw[max(0, place - _REACH) : place + 3 + _REACH].lower()
    at = min(place, _REACH)
    if _CAR.match(window, at) is None:
        return True
    left = len(window[:at].rstrip(_LETTERS))
    if 0 < left < at and window[left - 1] == 92:
        left += 1  # the n of an escaped line end
    right = len(window) - len(window[at:].lstrip(_LETTERS))
    digits = (left > 0 and 48 <= window[left - 1] <= 57) or window[right : right + 1].isdigit()
    return not digits and _EVERYDAY.fullmatch(window[left:right]) is not None


def _is_spelled(raw: bytes, place: int) -> bool:
    """Whether the `car` at a place is in capitals, or its word is joined to a number or by a hyphen."""
    if _CAPITALS.match(raw, place):
        return True
    before = raw[max(0, place - _REACH) : place].rstrip(_LETTERS)[-1:]
    after = raw[place + 3 : place + 3 + _REACH].lower().lstrip(_LETTERS)[:1]
    return before in _JOINING or after in _JOINING


# "CarT" as a word of its own; a name goes on ("CarThera").
_CAPITALS = re.compile(rb"CAR|CarT(?![a-z])")
_JOINING = frozenset(bytes([sign]) for sign in b"-0123456789")


def _has_hyperscan() -> bool:
    try:
        import hyperscan
    except ImportError:
        return False
    return hyperscan is not None


Accepts = Callable[[bytes, Needle, int], bool]
Fold = Callable[[bytes], bytes]


def _folded(given: bytes | str, fold: Fold) -> bytes:
    """A text as it is searched."""
    raw = given if isinstance(given, bytes) else given.encode("utf-8", "surrogatepass")
    return raw if raw.isascii() and not (10 in raw or 9 in raw or 13 in raw) else fold(raw)


def _database(needles: list[Needle], keep: bool) -> Any:
    """What Hyperscan makes of the needles, without regard to case; compiling them takes 0.1 s."""
    import hyperscan

    made = []

    def compiled() -> bytes:
        base = hyperscan.Database()
        base.compile(
            expressions=[*map(_expression, needles), _TWO_BLANKS],
            ids=list(range(len(needles) + 1)),
            elements=len(needles) + 1,
            flags=[hyperscan.HS_FLAG_CASELESS] * len(needles) + [hyperscan.HS_FLAG_SINGLEMATCH],
        )
        made.append(base)
        return bytes(hyperscan.dumpb(base))

    machine = f"{getattr(hyperscan, '__version__', '')} {platform.machine()}".encode()
    # What it finds is told by number: it has to be of these very needles, in this order.
    told = [b"%d%d%d%b" % (each is CAR, each.left, each.right, each.text) for each in needles]
    key = b"\0".join([machine, *told]) if keep else b""
    data = kept.kept_bytes("screen", key, [__name__], compiled)
    if not made:
        try:
            found = hyperscan.loadb(data, hyperscan.HS_MODE_BLOCK)
            found.scratch = hyperscan.Scratch(found)
        except (hyperscan.error, TypeError, AttributeError):  # another processor's; a release that cannot
            compiled()
        else:
            return found
    return made[0]


def _hyperscan(
    needles: list[Needle], accepts: Accepts, fold: Fold, keep: bool
) -> Callable[[bytes | str], bool]:
    import hyperscan

    base = _database(needles, keep)
    scan = base.scan
    stopped = hyperscan.ScanTerminated
    # The last expression: within the scan two blanks cost nothing, looked for before it as much as itself.
    blanks = len(needles)
    again: list[bytes] = []
    # Most of what is found falls at its left edge: tried first, without a call.
    edges = [*(len(needle.text) if needle.left else 0 for needle in needles), 0]

    def on_match(number: int, start: int, end: int, flags: int, raw: Any) -> bool:
        if number == blanks:
            folded = fold(raw)
            again.extend([folded] if folded != raw else [])
            return folded != raw
        edge = edges[number]
        if edge and _touches(raw, end - edge - 1, end - edge):
            return False
        return accepts(raw, needles[number], end)  # True ends the scan

    def hits(raw: bytes | str) -> bool:
        raw = _folded(raw, fold)
        try:
            scan(raw, on_match, 0, raw)
        except stopped:
            return hits(again.pop()) if again else True
        return False

    return hits


def _expression(needle: Needle) -> bytes:
    """What Hyperscan looks for; most of what would be refused afterwards is left out of it."""
    if needle is CAR:
        return _CAR_NO_SCAR
    if needle.left and _CODE_IN_NCT.match(needle.text):
        return rb"(?:^|[^n]|\\n)" + re.escape(needle.text)
    return re.escape(needle.text)


def _ahocorasick(needles: list[Needle], accepts: Accepts, fold: Fold) -> Callable[[bytes | str], bool]:
    import ahocorasick_rs

    literals = [
        (text, needle) for needle in needles for text in (_CAR_LITERALS if needle is CAR else [needle.text])
    ]
    automaton = ahocorasick_rs.BytesAhoCorasick(
        [text for text, _ in literals], implementation=ahocorasick_rs.Implementation.DFA
    )
    find = automaton.find_matches_as_indexes

    def hits(given: bytes | str) -> bool:
        raw = _folded(given, fold)
        raw = fold(raw) if _TWO_BLANKS in raw else raw
        text = raw.lower()
        if any(accepts(raw, literals[number][1], end) for number, _, end in find(text, overlapping=True)):
            return True
        return text.endswith(b"car") and bool(needles) and needles[0] is CAR and accepts(raw, CAR, len(raw))

    return hits


def any_of(names: Iterable[str | bytes]) -> Callable[[bytes | str], bool]:
    """A test whether one of many names occurs in raw text, wherever it stands."""
    import ahocorasick_rs

    encoded = {name if isinstance(name, bytes) else name.encode() for name in names}
    find = ahocorasick_rs.BytesAhoCorasick(sorted(encoded)).find_matches_as_indexes
    return lambda text: bool(find(text if isinstance(text, bytes) else text.encode("utf-8", "replace")))
