"""Normalization keeps length, and the tokenizer cuts where the domain cuts."""

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from cart_nlp import paths
from cart_nlp.text import fold, lower, tokenizer

ANY = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)


@given(ANY)
def test_folding_keeps_length(text: str) -> None:
    assert len(fold(text)) == len(text)
    assert len(lower(fold(text))) == len(text)


@given(ANY)
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(ANY, ANY)
def test_folding_is_per_character(a: str, b: str) -> None:
    assert fold(a) + fold(b) == fold(a + b)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("CD‑19", "CD-19"),
        ("4–1BB", "4-1BB"),
        ("IL13Rα2", "IL13Ra2"),
        ("CD3ζ", "CD3z"),
        ("ＣＤ１９", "CD19"),
        ("CD19×CD22", "CD19xCD22"),
        ("（CAR-T）", "(CAR-T)"),
        ("CD19\u00a0CAR", "CD19 CAR"),
        ("CD19⁺", "CD19+"),
        ("γδ", "gd"),
        ("CD₂₂", "CD22"),
        ("CD¹⁹", "CD19"),
        ("2×10⁶", "2x106"),
    ],
)
def test_variants_of_one_character(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_lower_case_that_would_grow_is_kept() -> None:
    assert len("İ".lower()) == 2
    assert lower("İCAR") == "İcar"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("CD19/22", "CD 19 / 22"),
        ("CD19xCD22", "CD 19 x CD 22"),
        ("CD19×CD22", "CD 19 × CD 22"),
        ("CD19;CD22", "CD 19 ; CD 22"),
        ("CD19+CD22", "CD 19 + CD 22"),
        ("CD19,CD20,CD22", "CD 19 , CD 20 , CD 22"),
        ("1,000", "1,000"),
        ("CD28/4-1BB", "CD 28 / 4 - 1 BB"),
        ("CD19CAR", "CD 19 CAR"),
        ("抗CD19", "抗 CD 19"),
    ],
)
def test_tokens(text: str, tokens: str) -> None:
    doc = tokenizer(spacy.blank("en"))(text)
    assert [token.text for token in doc] == tokens.split()


@given(st.text(max_size=60))
def test_tokens_lose_nothing(text: str) -> None:
    assert _CUT(text).text == text


def test_stored_tokenizer_is_the_code_s_own() -> None:
    """The model's folder holds the tokenizer that `text.tokenizer` makes."""
    stored = spacy.load(paths.model()).tokenizer
    made = tokenizer(spacy.blank("en"))
    assert stored.infix_finditer.__self__.pattern == made.infix_finditer.__self__.pattern
    assert stored.prefix_search.__self__.pattern == made.prefix_search.__self__.pattern
    assert stored.suffix_search is made.suffix_search is None
    assert stored.rules == made.rules


_CUT = tokenizer(spacy.blank("en"))
