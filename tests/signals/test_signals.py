"""Signals: what holds of them in any text, and what single ones say."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language

from cart_nlp.pipeline import load, make_doc
from cart_nlp.schema import Trial
from cart_nlp.signals import study
from cart_nlp.signals.candidate import Scored, Table
from cart_nlp.signals.doc import vocabulary_of
from cart_nlp.signals.fields import LABELS, instances
from cart_nlp.signals.mention import attachment, cues, signals
from cart_nlp.signals.reading import Reading, read
from cart_nlp.signals.units import units
from cart_nlp.training.build import FINDERS

NLP: list[Language] = []


def reading(**sections: str) -> Reading:
    """A trial as the signals see it: names found, nothing decided."""
    if not NLP:
        NLP.append(load())
    nlp = NLP[0]
    doc = make_doc(nlp, Trial(id="t", sections=sections))
    for name in FINDERS:
        doc = nlp.get_pipe(name)(doc)
    return read(doc, vocabulary_of(nlp, "test"))


def of(text: str, concept: str, section: str = "brief_title") -> set[str]:
    """The signals of the coordination that names an antigen."""
    found = reading(**{section: text})
    for unit in units(found, found.of("antigen")):
        if any(mention.concept == concept for mention in unit.mentions):
            return set(signals(found, unit))
    raise AssertionError(f"{concept} is not found in {text!r}")


def together(text: str, concept: str, leading: bool = False) -> list[str]:
    """What all mentions of a candidate target tell together, where those of others are likelier or not."""
    found = instances(reading(brief_title=text), "targets")
    return Table([Scored(one, 1.0 + (leading == (one.concept == concept))) for one in found]).signals()[
        concept
    ]


@pytest.mark.parametrize(
    ("text", "apart"),
    [
        ("XKB7 CAR-T cells against mesothelin", True),
        ("CAR-T cells against mesothelin and XKB7", False),  # in one coordination with what is known
        ("XKB7 CAR-T cells in lymphoma", False),  # nothing known beside it
    ],
)
def test_an_unknown_symbol_stands_apart_from_a_known_antigen(text: str, apart: bool) -> None:
    for leading in (False, True):
        assert ("novel_apart" in together(text, "XKB7", leading)) is apart


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("CD22 CAR-T cells for leukemia relapsed after CD19 CAR-T", {"denied", "denied_beside_clear"}),
        ("CAR-T cells for leukemia relapsed after CD19 CAR-T", {"denied", "denied_alone"}),
        ("CD19 CAR-T cells for leukemia relapsed after CD19 CAR-T", {"some_denied"}),
        ("CD22 and CD19 CAR-T cells for leukemia", set()),
    ],
)
def test_what_is_denied_wherever_it_stands_is_told_from_what_once_is(text: str, told: set[str]) -> None:
    assert {signal for signal in together(text, "CD19") if "denied" in signal} == told


# One text, one signal that must hold there, and one that must not.
TABLE = [
    ("CD19 CAR-T cells", "car>touch", "car<touch"),
    ("CAR-T cells against CD19", "binds<adj", "car>touch"),
    ("CD19-targeted CAR-T cells", "bound>adj", "car=none"),
    ("CD19 expression in lymphoma", "car=none", "car>touch"),
    ("CAR-T cells for CD19+ lymphoma", "marker_right>adj", "car>touch"),
    ("BCMA CAR-T after prior CD19 CAR-T", "prior<adj", "marker_right>adj"),
    ("CAR-T cells with CD19 knockout", "knock_right>adj", "prior<adj"),
    ("CD19 knockout CAR-T cells", "knock_right>adj", "car>touch"),
    ("CD19 and CD22 CAR-T cells", "several", "guarded"),
]


@pytest.mark.parametrize(("text", "holds", "not_"), TABLE)
def test_what_a_signal_says(text: str, holds: str, not_: str) -> None:
    found = of(text, "CD19")
    assert holds in found
    assert not_ not in found


def test_the_place_is_a_signal() -> None:
    for section, place in (
        ("brief_title", "title"),
        ("interventions[0].name", "name"),
        ("eligibility", "eligibility"),
    ):
        assert f"in={place}" in of("CD19 CAR-T cells", "CD19", section)


ANTIGENS = ["CD19", "BCMA", "CD22", "GPC3", "CD70", "CLDN18.2"]
FRAMES = [
    "{} CAR-T cells in lymphoma",
    "CAR-T cells targeting {} after prior therapy",
    "patients with {}+ disease get chimeric antigen receptor T cells",
    "T cells with {} knocked out and a CAR",
    "relapse after {} CAR-T; the drug is given",
    "a CAR of an anti-{} scFv, CD28 and zeta",
]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(FRAMES), st.sampled_from(ANTIGENS), st.sampled_from(ANTIGENS))
def test_signals_know_no_name(frame: str, one: str, two: str) -> None:
    """What is said of one antigen would be said of another in its place."""
    assert of(frame.format(one), one) == of(frame.format(two), two)


WORDS = st.sampled_from(
    [
        "CD19",
        "BCMA",
        "CAR-T",
        "cells",
        "prior",
        "after",
        "and",
        "or",
        ",",
        ";",
        ".",
        "positive",
        "anti-",
        "the",
        "4-1BB",
        "autologous",
        "knockout",
        "lentiviral",
        "(",
        ")",
        "\n",
        "CD22/CD20",
        "CAR",
        "targeting",
        "X",
    ]
)
TEXTS = st.lists(WORDS, max_size=14).map(" ".join)
BONDS = re.compile(r"car(?:[<>](?:touch|mod|joint|near|clause|sent)|=inside|=none)")
CUES = re.compile(r"[a-z0-9_]+[<>](?:adj|near|clause|sent)")


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_signals_of_any_text_are_well_formed(text: str) -> None:
    found = reading(brief_title=text)
    for unit in units(found, found.of("antigen", "ligand")):
        assert unit.first <= unit.start < unit.end <= unit.last
        bonds = attachment(found, unit)
        assert bonds
        assert len(bonds) <= 2
        assert all(BONDS.fullmatch(bond) for bond in bonds)
        assert all(CUES.fullmatch(cue) for cue in cues(found, unit))
        assert len(signals(found, unit)) == len(set(signals(found, unit)))


@settings(max_examples=80, deadline=None)
@given(TEXTS, TEXTS)
def test_another_section_says_nothing_of_a_mention(text: str, other: str) -> None:
    alone = reading(brief_title=text)
    beside = reading(brief_title=text, brief_summary=other)
    end = alone.sections[0].end if alone.sections and text else 0
    wanted = [signals(alone, unit) for unit in units(alone, alone.of("antigen")) if unit.end <= end]
    found = [signals(beside, unit) for unit in units(beside, beside.of("antigen")) if unit.start < end]
    assert [set(held) for held in found] == [set(held) for held in wanted]


@settings(max_examples=80, deadline=None)
@given(TEXTS)
def test_every_mention_of_a_field_is_in_one_coordination(text: str) -> None:
    found = reading(brief_summary=text)
    for name, labels in LABELS.items():
        grouped = [mention for unit in units(found, found.of(*labels)) for mention in unit.mentions]
        assert sorted(grouped) == sorted(found.of(*labels))
        for one in instances(found, name):
            assert found.low[one.mention.start : one.mention.end] != ""
            assert one.place == "summary"


def test_a_cue_does_not_reach_past_its_sentence() -> None:
    near = of("CD19 knockout is done", "CD19", "brief_summary")
    far = of("CD19 was seen. Knockout is done", "CD19", "brief_summary")
    assert any(signal.startswith("knock_right>") for signal in near)
    assert not any(signal.startswith("knock_right>") for signal in far)


def test_a_user_s_category_makes_a_car_another_one(tmp_path: Path) -> None:
    rows = ["text,category,direction,scope,hits,misses,source", "borrowed,lent,left,clause,,,me"]
    own = []
    for name, row in (("without", ""), ("with", "lent,another_car,both,inside,,,me")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cues.csv").write_text("\n".join([*rows, row]), "utf-8")
        nlp = load([tmp_path / name])
        doc = make_doc(nlp, Trial(id="t", sections={"brief_title": "Borrowed CAR-T cells"}))
        for finder in FINDERS:
            doc = nlp.get_pipe(finder)(doc)
        own.append(study.signals(read(doc, vocabulary_of(nlp, "test")), {}))
    assert "car@title&clean" in own[0]
    assert "car@title&clean" not in own[1]
    assert {"any@title&lent", "any@named&lent", "car&lent"} <= set(own[1]) - set(own[0])
