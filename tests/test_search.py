"""The string search: both engines accept the same texts, each string at the edges that it asks for."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cart_nlp.search import CAR, Engine, Needle, Search, reduced

NEEDLES = [
    CAR,
    Needle(b"jcar017", left=True, right=True),
    Needle(b"ct041", left=True, right=True),
    Needle(b"zetakine"),
    Needle(b"t-bod", left=True),
    Needle(b"engineered", context="cells", reach=30),
    Needle(b"genetically", context="cells", reach=30, unless="changed"),
    Needle(b"specific t cell", unless="native"),
    Needle("嵌合".encode()),
]
CONTEXTS = {
    "cells": [b"t cell"],
    "car": [b"cell", b"cart", b"car-t"],
    "native": [b"virus", b"antigen"],
    "native_after": [b"respons"],
    "changed_after": [b"distinct"],
}
ENGINES: tuple[Engine, ...] = ("hyperscan", "ahocorasick")


@pytest.fixture(params=ENGINES, scope="module")
def search(request: pytest.FixtureRequest) -> Search:
    if request.param == "hyperscan":
        pytest.importorskip("hyperscan")
    return Search(NEEDLES, CONTEXTS, request.param)


@pytest.mark.parametrize(
    "text",
    [
        "CD19 CAR-T cells",
        "cell therapy with a CAR",
        "huCART19",
        "4SCAR19 cells",
        "sCART cells",
        "SCAR19 cells",
        "sCARs19 cells",
        "cells: sCARNK",
        "ABsCAR cells",
        "scars of CAR cells",
        "CARs on cells",
        "CARNK cells",
        "uCART123",
        "CAR\u2011T cell",
        "CAR\u00a0T cell",
        "\\nCAR T cells",
        "[JCAR017]",
        "with CT041.",
        "\\nct041",
        "IL13-ZETAKINE",
        "T-bodies",
        "engineered T cells",
        "T cells, which are at last engineered",
        "genetically modified T cells",
        "WT1-specific T cells; response",
        "CarT cells",
        "car t cells",
        "a car on T cells",
        "cart-19 cells",
        "hucart19 cells",
        "cells: gd2-car",
        "CD19-specific T cells",
        "antigen CD19-specific T cells",
        "嵌合抗原受体",
    ],
)
def test_hits(search: Search, text: str) -> None:
    assert search.hits(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "scar tissue, cells",
        "cells, scars",
        "\\nscar, cells",
        "cells of cartilage",
        "cardiac cells",
        "carboplatin, cell count",
        "Madagascar, cell",
        "cells through a trocar.",
        "carmustine; cell",
        "child seat of a car",
        "NCT04100000",
        "percent-body",
        "engineered tissue",
        "engineered tissue, of which the count of each T cell is told",
        "a metabolic cart, and cells",
        "stable cART, CD4+ cells",
        "Modified ride-on Cars, cells",
        "Cathcart, cell",
        "virus-specific T cells",
        "antigen (TAA)-specific and virus specific T cells",
        "WT1-specific T cell responses",
        "genetically distinct T cells",
        "MJCAR0172",
    ],
)
def test_misses(search: Search, text: str) -> None:
    assert not search.hits(text.encode())


PIECES = st.sampled_from(
    [
        "CAR",
        "car",
        "s",
        "t",
        "m",
        "nk",
        "-",
        "19",
        "scar",
        "cart",
        "ilage",
        "cell",
        "T‑",
        "\\n",
        '"',
        " ",
        ".",
        "ct041",
        "n",
        "4",
        "jcar017",
        "zetakine",
        "engineered",
        "specific t cell",
        "virus-",
        "嵌合",
        "x",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=12))
@example(["s", "cart", " ", "cell"])
@example(["n", "ct041"])
@example(["\\n", "ct041"])
@example([".", "ct041"])
@example([".", "scar", "19", " ", "cell"])
@example(["cell", " ", "scar", "t", "."])
@example(["scar", "-", "t", " ", "cell"])
@example(["CAR", "CAR", "s", "engineered", "engineered", "cart", "s"])
def test_both_engines_accept_the_same_texts(pieces: list[str]) -> None:
    pytest.importorskip("hyperscan")
    text = "".join(pieces).encode()
    first, second = (Search(NEEDLES, CONTEXTS, engine) for engine in ENGINES)
    assert first.hits(text) == second.hits(text)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=12))
@example(["cell", " ", "car", " "])
@example(["\\n", "car", " ", "cell"])
@example(["oscar", " ", "cell"])
def test_a_car_word_that_needs_the_same_company_is_found_anyway(pieces: list[str]) -> None:
    words = [Needle(text, True, True, "car") for text in (b"car", b"gd2 car", b"car-19", b"oscar")]
    text = "".join(pieces).encode()
    both, without, alone = (
        Search(reduced(asked, CONTEXTS), CONTEXTS, "ahocorasick").hits(text)
        for asked in ([*NEEDLES, *words], NEEDLES, words)
    )
    assert both == (without or alone)
