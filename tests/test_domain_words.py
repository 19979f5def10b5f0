"""Domain words are data: the deciding modules hold names of things as text, and no words of registries."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from spacy.attrs import IDS

from cart_nlp import lexicon, schema
from cart_nlp.components.roles import ROLES
from cart_nlp.lexicon_cells import COLUMNS
from cart_nlp.signals.mention import PLACES

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(
    path for part in ("components", "signals", "scoring") for path in (ROOT / "cart_nlp" / part).glob("*.py")
)
TABLES = {"antigen", "ligand", "costim", "vector", "cell_type", "cell_source", "car", "armoring", "edit",
          "safety_switch", "generation"}  # fmt: skip
GRAMMAR = frozenset(
    ["the", "both", "and", "or", "plus", "with", "then", "for", "in", "who", "will", "no", "dr", "fig", "vs",
     "etc", "和", "或"]
)  # fmt: skip
"""Words that part sentences, clauses and members of a list in texts of any kind."""
OWN = {"cart", "type", "number", "origin", "one", "most common", "number:construct", "number:continued"}
"""Names that the program gives by itself: a key of spans, signals, a kind of source, a verdict, rules."""
VALUES = {"allogeneic", "secreted ", " antibody", "family"}
"""Names of values that the labels have, and pieces of them; see components.attributes and armoring.csv."""
_SIGNS = re.compile(r"[&@=<>:~;. ]+")
_HEAD = re.compile(r"[a-z_]+[&@=<>:]")
"""The head of a signal's name, which something follows: `level<2`."""
_NO_WORD = re.compile(r"\\.|\(\?P<\w+>|\(\?P=\w+\)|<<\w+>>|\[[^]]*\]|\w*_\w*")
_WORD = re.compile(r"[A-Za-z]{2,}|[\u4e00-\u9fff]+")


def _words() -> set[str]:
    """Names and synonyms of one word, and the cues."""
    known = lexicon.load()
    texts = {term.text for term in known.terms if term.concept.label in TABLES}
    texts |= {cue.text.strip("*") for cue in known.cue_rows}
    return {text.lower() for text in texts if _WORD.fullmatch(text)}


def _names() -> set[str]:
    """What the program itself calls by a word: categories, labels, fields, values, roles, places, signals."""
    known = lexicon.load()
    found = {cue.category for cue in known.cue_rows} | set(lexicon.LABELS.values()) | set(ROLES) | set(IDS)
    found |= set(PLACES) | set(PLACES.values()) | set(schema.Record.model_fields) | set(known.rules)
    found |= {column for columns in COLUMNS.values() for column in columns} | VALUES | OWN
    for each in vars(schema).values():
        found |= {value for value in get_args(each) if isinstance(value, str)}
    for path in (ROOT / "models" / "cart_base").glob("cart_*/*.json"):
        found |= {path.stem, path.parent.name.removeprefix("cart_")}
        found |= set(filter(_of_no_text, _keys(json.loads(path.read_text("utf-8")))))
    values = {concept.name for concept in known.concepts.values() if concept.label in TABLES}
    return found | ({piece for name in found for piece in _SIGNS.split(name)} - values)


def _of_no_text(signal: str) -> bool:
    """Whether a signal is no word that a text has, nor a value together with something."""
    told = r"(?:in|new|usual|car|\w+@)[=<>\w]|\w{2,}&(?:in|car)[=<>]|bracket&[a-z]+$|[a-z_]+$"
    return re.match(told, signal) is not None


def _keys(table: object) -> Iterator[str]:
    """Classes and signals of a scorer."""
    if isinstance(table, dict):
        for key, value in table.items():
            yield key
            yield from _keys(value)


def _texts(tree: ast.AST) -> Iterator[ast.Constant]:
    """The string constants of a module that are no docstring, message or setting of a spaCy component."""
    aside: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            aside.update(ast.walk(node))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            aside.add(node.value)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            aside.update(inner for each in node.decorator_list for inner in ast.walk(each))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in aside:
            yield node


def domain_words(code: str, words: set[str], names: set[str]) -> list[str]:
    """Words of the domain in a module's own texts."""
    found = []
    for node in _texts(ast.parse(code)):
        text = node.value
        if text in names or _HEAD.fullmatch(text) or all(piece in names for piece in _SIGNS.split(text)):
            continue
        said = {word.lower() for word in _WORD.findall(_NO_WORD.sub(" ", text))} & (words - GRAMMAR)
        found += [f"{node.lineno}: {word} in {text!r}" for word in sorted(said)]
    return found


@pytest.fixture(scope="module")
def known() -> tuple[set[str], set[str]]:
    return _words(), _names()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_domain_word_is_in_the_code(path: Path, known: tuple[set[str], set[str]]) -> None:
    assert domain_words(path.read_text("utf-8"), *known) == []


@pytest.mark.parametrize(
    "code",
    [
        "CELLS = re.compile(r'(?:cells?|lymphocytes|receptor)$')",
        "if low.startswith((' t', '-nk', ' cell'), end): pass",
        "if name.endswith('cel'): pass",
        "known = {'CD19', 'BCMA', 'mesothelin'}",
        "if '嵌合' in low: pass",
        "if word in ('bispecific', 'lentivirus'): pass",
        "pattern = '<<name_car>>-?(?:patient|subject)'",
    ],
)
def test_each_kind_of_word_list_is_seen(code: str, known: tuple[set[str], set[str]]) -> None:
    assert domain_words(code, *known) != []


@pytest.mark.parametrize(
    "code",
    [
        "'''A receptor of lymphocytes.'''",
        "yield 'named&car>touch'",
        "yield f'level<{step}'",
        "lexicon.words('marker_right')",
        "re.compile(r'(?:and|or)\\s')",
        "raise ValueError('no cells here')",
        "lexicon.expression('-?<<name_cells>>')",
    ],
)
def test_what_names_a_thing_of_the_program_is_no_domain_word(
    code: str, known: tuple[set[str], set[str]]
) -> None:
    assert domain_words(code, *known) == []
