"""What a token pattern of a lexicon may hold: nothing that costs more than the length of the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

MOST_OPTIONAL = 6
"""Tokens that a pattern may leave out: each doubles what spaCy's matcher has to try at every word."""
_OF_OTHERS = frozenset(["DEP", "LEMMA", "MORPH", "POS", "TAG"])
"""What spaCy's matcher refuses to ask of a Doc that no component has written it to."""
_COUNTED = re.compile(r"\{(\d+)(?:,(\d+))?\}")


def faults(pattern: Any) -> Iterator[str]:
    """What keeps spaCy's matcher from running a pattern, or from running it in time."""
    if not isinstance(pattern, list) or not pattern or not all(isinstance(token, dict) for token in pattern):
        yield "pattern must be a list of tokens; a plain phrase is an alias in a table"
        return
    found = list(_costly(pattern))
    yield from found or _unknown(pattern)


def _costly(pattern: list[dict[str, Any]]) -> Iterator[str]:
    optional = 0
    for token in pattern:
        for name in _keys(token):
            if name == "_":
                yield "_ asks for an extension attribute, which need not be there; use LOWER, ORTH or SHAPE"
            elif name == "REGEX" or name.startswith("FUZZY"):
                yield f"{name} can take any time on some texts; list words with IN, or as aliases in a table"
            elif name.upper() in _OF_OTHERS:
                yield f"{name}: nothing tells it here; list the forms of a word with LOWER and IN"
        low = token.get("LOWER")
        if isinstance(low, str) and low != low.lower():
            yield f"LOWER: {low!r} never matches; write it in lower case"
        often = str(token.get("OP", "1"))
        counted = _COUNTED.fullmatch(often)
        if counted:
            least, most = int(counted[1]), int(counted[2] or counted[1])
            optional += max(most - least, 0)
        elif often == "?":
            optional += 1
        elif often not in ("1", "!"):
            yield f"OP {often!r} has no end; say how often at most, as ? or {{1,3}}"
    if optional > MOST_OPTIONAL:
        yield f"leaves out up to {optional} tokens, at most {MOST_OPTIONAL} can be; write several patterns"


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _keys(inner)


def _unknown(pattern: list[dict[str, Any]]) -> Iterator[str]:
    from spacy.errors import MatchPatternError
    from spacy.matcher import Matcher
    from spacy.vocab import Vocab

    try:
        Matcher(Vocab(), validate=True).add("pattern", [pattern])
    except (MatchPatternError, ValueError, TypeError, OverflowError) as fault:
        yield f"no token pattern: {' '.join(str(fault).split())[:200]}"
