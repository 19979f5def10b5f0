"""What a pattern needs: sound for every cue, exact on the syntax that the cues use."""

from __future__ import annotations

import gzip
import json
import random
import re
from pathlib import Path

import ahocorasick_rs
import pytest

from cart_nlp import lexicon
from cart_nlp.components.literals import CueLiterals
from cart_nlp.prefilter import needs
from cart_nlp.text import fold, lower

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"
CUES = lexicon.load().patterns_of_cues


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("tandem", {"tandem"}),
        (r"\btandem\b|bivalent", {"tandem", "bivalent"}),
        (r"real[\s-]world", {"world"}),
        (r"colou?r", {"colo"}),
        (r"(?:pre|post)conditioning", {"conditioning"}),
        (r"x(?:abcdef|ghijkl)y", {"abcdef", "ghijkl"}),
        (r"(?<!un)blinded(?! study)", {"blinded"}),
        (r"bridg(?:e|ing)", {"bridg"}),
        (r"(?:abcd){2,3}", {"abcd"}),
        (r"[^abc]]defg\)\.", {"]defg)."}),
        (r"嵌合抗原", {"嵌合抗原"}),
    ],
)
def test_the_strings_of_a_pattern(pattern: str, wanted: set[str]) -> None:
    assert needs(pattern) == wanted


@pytest.mark.parametrize(
    "pattern",
    [
        r"\d+",
        "ab",
        "abcd|x",
        "(?:abcd)?",
        "(?:abcd)*e",
        "(?:abcd){0,2}",
        "therapy",
        ".*",
        "(abcd",
        "",
        "(?i)abcdef",
    ],
)
def test_no_telling(pattern: str) -> None:
    assert needs(pattern) is None


@pytest.mark.parametrize("pattern", [r"ab+cdef", r"abc?defg", r"a{2}bcd", r"ab+?cdef"])
def test_a_repeated_letter_ends_a_run(pattern: str) -> None:
    found = needs(pattern)
    assert found is not None
    for text in ("abbcdef", "abcdefg", "abdefg", "aabcd"):
        if re.fullmatch(pattern, text):
            assert any(string in text for string in found)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="needs ../shared/corpus")
@pytest.mark.corpus
def test_no_cue_matches_where_its_hint_says_that_it_cannot() -> None:
    cues = CueLiterals(CUES)
    strings = ahocorasick_rs.AhoCorasick(cues.strings)
    chance = random.Random(7)
    matched = 0
    with gzip.open(CORPUS / "car-trials.jsonl.gz") as lines:
        texts = [lower(fold("\n\n".join(map(str, json.loads(line).values())))) for line in lines]
    for low in chance.sample(texts, 250):
        found = cues.of(strings.find_matches_as_indexes(low, overlapping=True))
        for name, pattern in CUES.items():
            for match in pattern.finditer(low):
                matched += 1
                assert found.cues[name] is pattern, (name, match[0])
                assert found.within(name, *match.span()), (name, match[0])
                break
    assert matched > 2_000
    spared = sum(found.cues[name] is not pattern for name, pattern in CUES.items())
    assert spared > len(CUES) / 6


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"\x63ells only", "cells only"),
        (r"\u0063ells only", "cells only"),
        (r"\U00000063ells only", "cells only"),
        (r"\N{LATIN SMALL LETTER C}ells only", "cells only"),
        (r"\143ells only", "cells only"),
        (r"(ab)\1cd xyz", "ababcd xyz"),
    ],
)
def test_characters_by_number_or_name_are_not_taken_for_their_digits(pattern: str, text: str) -> None:
    assert re.search(pattern, text)
    found = needs(pattern)
    assert found is None or any(string in text for string in found)
