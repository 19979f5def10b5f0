"""Short forms and their long forms: the same answers from scispaCy and, where there is none, from here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.vocab import Vocab

import cart_nlp
from cart_nlp.components import abbreviations
from cart_nlp.pairing import paired_by_scispacy, paired_here, pairing

VOCAB = Vocab()


def _scispacy():
    pytest.importorskip("scispacy", reason="scispaCy has no release for this Python", exc_type=ImportError)
    return paired_by_scispacy


@pytest.fixture(params=["scispacy", "here"])
def find(request):
    return _scispacy() if request.param == "scispacy" else paired_here


DEFINED = [
    ("cells against fibroblast activation protein", "FAP", "fibroblast activation protein"),
    ("B cell maturation antigen", "BCMA", "B cell maturation antigen"),
    ("specific for glypican 3", "GPC3", "glypican 3"),
    ("the prostate-specific membrane antigen", "PSMA", "prostate-specific membrane antigen"),
    ("cells that bind mesothelin", "MSLN", "mesothelin"),
    ("epidermal growth factor receptor", "EGFR", "epidermal growth factor receptor"),
    ("familial adenomatous polyposis", "FAP", "familial adenomatous polyposis"),
    ("claudin 18.2", "CLDN18.2", "claudin 18.2"),
]
NOT_DEFINED = [
    ("people with lymphoma", "BCMA"),
    ("relapse after therapy", "GPC3"),
    ("", "FAP"),
    ("ungp", "GP"),
]


@pytest.mark.parametrize(("words", "short", "long"), DEFINED)
def test_a_short_form_is_paired_with_the_words_that_spell_it(find, words, short, long):
    place = find(VOCAB, words.split(), short)
    assert place is not None
    assert " ".join(words.split()[place:]) == long


@pytest.mark.parametrize(("words", "short"), NOT_DEFINED)
def test_words_that_do_not_spell_a_short_form_are_not_its_long_form(find, words, short):
    assert find(VOCAB, words.split(), short) is None


LETTERS = st.text("abcABCß1İ-./", min_size=1, max_size=8)


@given(st.lists(LETTERS, min_size=1, max_size=8), st.text("abcABC1-./", max_size=6))
def test_both_pairings_agree_on_any_words(words, rest):
    find = _scispacy()
    for first in "aB":
        assert paired_here(VOCAB, words, first + rest) == find(VOCAB, words, first + rest)


def test_a_trial_says_what_its_short_form_means(find, monkeypatch):
    monkeypatch.setattr(abbreviations, "pairing", lambda: find)
    text = "CAR-T cells. Familial adenomatous polyposis (FAP) is excluded; FAP-targeted surgery."
    assert cart_nlp.tag(text).targets == ()
    assert cart_nlp.tag("CAR-T cells against fibroblast activation protein (FAP).").targets == ("FAP",)


def test_the_pairing_is_scispacys_where_it_is_installed():
    assert pairing() is _scispacy()
