"""Every pattern of lexicons/patterns, and every cue, as the tool runs them: hits, misses, and time."""

import re
import time
from collections.abc import Callable, Iterator

import pytest

from cart_nlp import lexicon
from cart_nlp.components import patterns
from cart_nlp.components.state import Section, State

LEXICON = lexicon.load()
HITS = [(p, text) for p in LEXICON.patterns for text in p.hits]
MISSES = [(p, text) for p in LEXICON.patterns for text in p.misses]
# Pieces that long expressions repeat: words, blanks, joints, brackets, digits.
PIECES = [
    "a", "a ", " ", "- ", "/", "1", "(", "CAR", "CAR-T ", "t cells ", "cd19 ", "cd19/", "cells and ",
    "donor ",
    "the patient's ", "from the ", "own white blood ", "first generation ", "targeting the ", "knock out of ",
    "autologous ", "anti ", "expressing ", "the of and or in ", "human ", "中", "的", "\n", "x,",
]  # fmt: skip
LENGTHS = (60, 250, 1_000)
CLAUSE = 250
LIMIT = 1.0
"""Seconds for one expression over the longest text: a linear one needs some milliseconds."""


def view(text: str) -> State:
    return State(text, [Section.of("text", 0, len(text))])


@pytest.mark.parametrize(("pattern", "text"), HITS, ids=[f"{p.name}-{t[:30]}" for p, t in HITS])
def test_hit(pattern: lexicon.Pattern, text: str) -> None:
    found = patterns.Patterns([pattern]).find(view(text))
    assert found
    assert {hit.label for hit in found} == {pattern.label}


@pytest.mark.parametrize(("pattern", "text"), MISSES, ids=[f"{p.name}-{t[:30]}" for p, t in MISSES])
def test_miss(pattern: lexicon.Pattern, text: str) -> None:
    assert patterns.Patterns([pattern]).find(view(text)) == []


CUES = sorted(LEXICON.patterns_of_cues.items())


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def texts() -> Iterator[str]:
    """Texts that repeat one piece, each piece in growing lengths."""
    for piece in PIECES:
        for length in LENGTHS:
            yield (piece * length)[:length] + "!"


def check(work: Callable[[str], object]) -> None:
    """The growth stops the test before it hangs."""
    for text in texts():
        took = seconds(lambda text=text: work(text))  # type: ignore[misc]
        limit = LIMIT * len(text) / LENGTHS[-1] + 0.05
        assert took < limit, f"{took:.2f} s for {len(text)} characters of {text[:20]!r}"


@pytest.mark.parametrize("pattern", LEXICON.patterns, ids=lambda p: p.name)
def test_pattern_takes_time_by_length_only(pattern: lexicon.Pattern) -> None:
    check(lambda text: list(pattern.regex.finditer(text)))


@pytest.mark.parametrize(("name", "cue"), CUES, ids=[name for name, _ in CUES])
def test_cue_takes_time_by_length_only(name: str, cue: re.Pattern[str]) -> None:
    """Cues are matched at one place, and searched for within a clause."""
    check(lambda text: (cue.match(text), cue.search(text[:CLAUSE])))
