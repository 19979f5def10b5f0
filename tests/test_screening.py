"""The text screen sees what the tagger sees: one verdict, however a text is spelled, packed and read."""

from __future__ import annotations

import csv
import gzip
import html
import importlib.util
import io
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cart_nlp import lexicon
from cart_nlp.registries import Entry, read
from cart_nlp.screening import Screen, hits_of
from cart_nlp.search import Engine
from cart_nlp.text import _FOLD, fold, fold_bytes

ENGINES: list[Engine] = ["ahocorasick"]
if importlib.util.find_spec("hyperscan"):
    ENGINES.append("hyperscan")
VARIANTS: dict[str, list[str]] = {}
"""Character -> all that are folded to it."""
for code, sign in _FOLD.items():
    VARIANTS.setdefault(sign, []).append(chr(code))


@cache
def screens() -> tuple[Callable[[bytes | str], bool], ...]:
    return tuple(Screen(lexicon.load(), engine).hits for engine in ENGINES)


def verdict(text: str) -> bool:
    """What both engines say of a text and of its bytes, and of the text folded beforehand."""
    found = {hits(form) for hits in screens() for form in (text, text.encode("utf-8", "surrogatepass"))}
    assert len(found) == 1, "engines, or text and bytes, do not agree"
    return found.pop()


WORDS = [
    *("CD19 CAR-T", "chimeric antigen receptor", "targeted T cell", "CTL019", "嵌合抗原受体", "zetakine"),
    *("axicabtagene ciloleucel", "engineered lymphocytes", "BBz", "CAR", "car", "T", "cells", "cardiac"),
    *("care", "scars", "leukemia", "NCT04100000", "ct041", "4SCAR19", "patients with cancer", "a", "-"),
    *(" ", "x", "19", "\\n", "\n", "é", "ß", "İ"),
]


def spelled(text: str, choices: list[int]) -> str:
    """The text with some of its characters as variants that are folded to them."""
    made = []
    for at, char in enumerate(text):
        variants = [char, *VARIANTS.get(char, [])]
        made.append(variants[choices[at % len(choices)] % len(variants)])
    return "".join(made)


CHOICES = st.lists(st.integers(0, 40), min_size=1, max_size=30)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=7), CHOICES)
@example(["CD19 CAR-T"], [1])
@example(["CAR", "-", "T", "cells"], [2])
@example(["patients with cancer", "car", "\n", "19"], [0])
@example(["targeted ", " T cell"], [0])
def test_one_verdict_for_every_spelling_engine_and_form(words: list[str], choices: list[int]) -> None:
    text = " ".join(words)
    assert verdict(spelled(text, choices)) == verdict(fold(spelled(text, choices)))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(WORDS[:9]), CHOICES)
def test_a_candidate_stays_one_in_every_spelling(word: str, choices: list[int]) -> None:
    said = f"Study of {word} in leukemia"
    assert verdict(said)
    assert verdict(spelled(said, choices))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_bytes_are_folded_as_text_is(text: str) -> None:
    clean = text.encode("utf-8", "replace").decode()
    folded = fold(clean).replace("\u212a", "k")
    assert fold_bytes(clean.encode()).split() == folded.encode().split()


@given(st.binary(max_size=80))
def test_bytes_that_are_no_text_are_searched_too(raw: bytes) -> None:
    assert len({hits(raw) for hits in screens()}) == 1


FULL_WIDTH = "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in "CD19 CAR-T")
TITLES = [
    FULL_WIDTH,
    "CD19 CAR\u2011T",
    "CD19\u00a0CAR\u00a0T",
    "CD19 CAR\u00adT",
    "CD19\u200bCAR\uff0dT",
    "targeted\u00a0T\u202fcell",
    "targeted\nT cell",
    "targeted  T cell",
    "anti-CD19 BBζ construct",
    "嵌合抗原受体T细胞",
    "cardiac \u2011 care",
    "Ｍａｄａｇａｓｃａｒ",
]


def forms(title: str) -> dict[str, str]:
    """A trial with that title in several formats of registries."""
    trial = {"id": "NCT00000001", "brief_title": title}
    page = {
        "studies": [
            {"protocolSection": {"identificationModule": {"nctId": "NCT00000001", "briefTitle": title}}}
        ]
    }
    table = io.StringIO()
    csv.writer(table).writerows([["id", "title"], ["NCT00000001", title]])
    study = "<clinical_study><id_info><nct_id>NCT00000001</nct_id></id_info><brief_title>%s"
    study += "</brief_title></clinical_study>"
    return {
        "plain.jsonl": json.dumps(trial, ensure_ascii=False),
        "escaped.jsonl": json.dumps(trial),
        "page.json": json.dumps(page, ensure_ascii=False, indent=1),
        "table.csv": table.getvalue(),
        "plain.xml": study % html.escape(title),
        "references.xml": study % "".join(f"&#{ord(char)};" for char in title),
    }


@pytest.mark.parametrize("title", TITLES)
def test_one_verdict_for_every_format(tmp_path: Path, title: str) -> None:
    found = {}
    for name, content in forms(title).items():
        (tmp_path / name).write_text(content, "utf-8")
        (entry,) = read(tmp_path / name)
        assert isinstance(entry, Entry)
        found[name] = [hits(entry.text) for hits in screens()]
    wanted = verdict(f"NCT00000001 {title}")
    assert found == {name: [wanted] * len(ENGINES) for name in found}
    assert wanted == (title not in TITLES[-2:])


@pytest.mark.corpus
def test_real_trials_are_candidates_in_full_width_and_with_other_dashes_and_blanks() -> None:
    packed = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "car-trials.jsonl.gz"
    wide = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
    other = {ord("-"): "\u2011", ord(" "): "\u00a0"}
    for line in gzip.decompress(packed.read_bytes()).splitlines():
        text = " ".join(said for said in json.loads(line).values() if isinstance(said, str))
        wanted = verdict(text)
        assert verdict(text.translate(wide)) == wanted
        assert verdict(text.translate(other)) == wanted


LAYERS = [
    ("car_words", "name,aliases,source\nCAR,frizzle receptor,me\n", "Study of frizzle receptors in cancer"),
    ("car_words", "name,aliases,source\nFRX,=FRX cells,me\n", "Study of FRX cells in cancer"),
    ("car_words", "name,aliases,source\nFRX,=FRX,me\n", "Study of FRX T cells in cancer"),
    ("car_words", "name,aliases,source\nétoile cells,,me\n", "Study of Étoile cells in cancer"),
    ("car_words", "name,aliases,source\nцелль cells,,me\n", "STUDY OF ЦЕЛЛЬ CELLS IN CANCER"),
    ("products", "name,aliases,source\nfrizzlecel,FZ-9901 | frizzle-cel,me\n", "FZ 9901 in cancer"),
    ("products", "name,aliases,guarded,source\nfrizzlecel,,FZ9,me\n", "FZ9, which are T cells, in cancer"),
    (
        "cues",
        "text,category,direction,scope,source\nfrizzled,screen_engineering,both,inside,me\n",
        "Study of frizzled T cells in cancer",
    ),
    (
        "cues",
        "text,category,direction,scope,source\nfrizzled,screen_receptor,both,inside,me\n",
        "Study of frizzled things",
    ),
    (
        "cues",
        "text,category,direction,scope,source\n=FrizzleZ,screen_receptor,both,inside,me\n",
        "Study of FrizzleZ things",
    ),
]


@pytest.mark.parametrize(("table", "rows", "text"), LAYERS)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_users_words_open_the_screen(
    tmp_path: Path, table: str, rows: str, text: str, engine: Engine
) -> None:
    assert not Screen(lexicon.load(), engine).hits(text)
    (tmp_path / f"{table}.csv").write_text(rows, encoding="utf-8")
    assert Screen(lexicon.load(tmp_path), engine).hits(text)
    assert hits_of([tmp_path])(text) and hits_of([tmp_path])(text)


@pytest.mark.parametrize(
    "text",
    ["S101 in asthma", "The CAR0001 form", "FRX 12 by car", "Trial of MB-102, a stent", "EDO-S1011 drug"],
)
def test_a_short_code_without_company_is_no_candidate(text: str) -> None:
    assert not verdict(text)


def test_whatever_the_lexicons_call_a_car_is_let_through() -> None:
    """Every word for a receptor and every product, in the company in which it counts."""
    terms = [term for term in lexicon.load().terms if term.concept.label in ("car", "product")]
    assert len(terms) > 800
    assert [term.text for term in terms if not verdict(f"Infusion of {term.text} T cells, lymphoma")] == []


WORDINGS = [
    "Modified T cells expressing a receptor for the kappa light chain",
    "T lymphocytes that carry a receptor which binds GPC3",
    "Own T cells in which a mesothelin-binding receptor was put",
    "Nanoparticles that reprogram the T cells of the subject",
    "NK-92 cells with an ErbB2-specific receptor",
    "Macrophages transfected with RNA of a CAR, in ovarian carcinoma",
    "T cells with a universal receptor, and the adaptor that steers them",
    "A chimeric autoantibody receptor on white blood cells",
    "Lymphocytes of the donor, gene-edited",
    "CD123 re-directed T cells",
    "NK cells armed with a receptor",
    "CD22 CAR in multiple sclerosis",
]


@pytest.mark.parametrize("text", WORDINGS)
def test_a_receptor_in_other_words_is_a_candidate(text: str) -> None:
    assert verdict(text)


@pytest.mark.parametrize(
    "text",
    [
        "Oxygen uptake by a metabolic cart, before and after treatment of cancer; CD4 count, lymphocytes",
        "Adults with HIV on stable cART, cancer or leukemia",
        "Virus-specific T cells after transplantation",
        "A genetically defined cause of deafness. " + "Children are seen every year. " * 8 + "T cells",
        "Artificial tears in dry eye, and the lymphocytes there",
        "Ride-on cars for children with leukemia",
    ],
)
def test_what_only_sounds_alike_is_no_candidate(text: str) -> None:
    assert not verdict(text)
