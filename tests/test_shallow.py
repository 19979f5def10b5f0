"""Files that anybody may have written: what nests too deep is told in one line, whatever reads it."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import orjson
import pytest

from cart_nlp import lint, shallow
from cart_nlp.batch.earlier import _earlier
from cart_nlp.batch.options import Options
from cart_nlp.batch.target import Target
from cart_nlp.curation.correction_files import CorrectionsError
from cart_nlp.curation.correction_files import read as read_corrections
from cart_nlp.differences import read_rows
from cart_nlp.evaluation import gold
from cart_nlp.evaluation.compare import read_result
from cart_nlp.evaluation.exchange import formats
from cart_nlp.evaluation.gold import GoldError
from cart_nlp.lexicon import LexiconError, load
from cart_nlp.records import record_list
from cart_nlp.registries.entry import InputError
from cart_nlp.searches import search_of
from cart_nlp.shallow import DEEPEST, TooDeep

LEVELS = (DEEPEST + 1, 300, 985, 200_000)
"""Just too deep, deeper than orjson writes, as deep as Python can just or just not read, and far deeper."""


def nested(levels: int, opening: str = "[", closing: str = "]") -> str:
    return opening * levels + "1" + closing * levels


@pytest.mark.parametrize("loads", [json.loads, orjson.loads])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_json_is_read_down_to_a_level(loads: Callable[[str], object], opening: str, closing: str) -> None:
    levels = DEEPEST // opening.count("[{") // 2 if "[{" in opening else DEEPEST
    text = nested(levels, opening, closing)
    assert shallow.json_of(text, loads) == shallow.json_of(text.encode(), loads) == json.loads(text)
    for more in (1, 1_000, 100_000):
        with pytest.raises(ValueError, match=r"nested deeper than 100 levels|depth limit exceeded"):
            shallow.json_of(nested(levels + more, opening, closing), loads)


def test_much_that_is_not_deep_is_read() -> None:
    wide = {"a": [[], {}] * 1_000}
    assert shallow.json_of(json.dumps(wide)) == wide


@pytest.mark.parametrize("text", ["x = " + "[" * 5_000, "x = " + "{a=" * 5_000, "a." * 5_000 + "b = 1"])
def test_toml_is_read_down_to_a_level(text: str) -> None:
    with pytest.raises(TooDeep):
        shallow.toml_of(text)
    assert shallow.toml_of("a." * 50 + "b = [[1]]")["a"]


Read = Callable[[Path, str], object]
_RECORD = '{"trial_id": "NCT1", "car_trial": "no", "targets": %s}\n'


def _file(name: str, text: str, read: Callable[[Path], object]) -> Read:
    """What reads a file of a text with something deep in it."""

    def made(folder: Path, deep: str) -> object:
        (folder / name).write_text(text % deep)
        return read(folder / name)

    return made


def _tasks(tool: str, text: str) -> Read:
    return _file("t.json", text, partial(formats.pairs, tool))


def _cell(name: str, value: str) -> Read:
    def read(folder: Path, deep: str) -> None:
        with (folder / "r.csv").open("w", newline="") as file:
            csv.writer(file).writerows((("trial_id", "car_trial", name), ("NCT1", "no", value % deep)))
        record_list(folder / "r.csv")

    return read


def _lexicon(name: str, text: str) -> Read:
    def read(folder: Path, deep: str) -> None:
        path = folder / name
        path.parent.mkdir()
        path.write_text(text % deep)
        (found,) = {str(fault) for fault in lint.check(folder)}
        assert found.startswith(f"{path}:1: ") and "nested deeper than 100 levels" in found
        load(folder)

    return read


READERS = {
    "corrections": _file(
        "c.jsonl",
        '{"trial_id": %s, "field": "targets", "action": "set", "value": "CD19"}\n',
        read_corrections,
    ),
    "a result": _file("r.json", '{"outcomes": {"x": %s}}', read_result),
    "records": _file("r.jsonl", _RECORD, record_list),
    "a list of records": _file(
        "r.json", '[{"trial_id": "NCT1", "car_trial": "no", "raw": {"a": %s}}]', record_list
    ),
    "compared records": _file("r.jsonl", _RECORD, lambda path: read_rows(str(path))),
    "evidence in a cell": _cell("evidence", '[{"field": %s}]'),
    "raw values in a cell": _cell("raw", '{"a": %s}'),
    "gold": _file("g.jsonl", '{"id": "NCT1", "trial": {}, "labels": %s}\n', gold.read),
    "tasks of doccano": _tasks("doccano", '{"text": "a", "label": %s}\n'),
    "gold of a task": _tasks("doccano", '{"text": "a", "label": [], "gold": "{\\"a\\": %s}"}\n'),
    "tasks of Label Studio": _tasks("label-studio", '[{"data": %s}]'),
    "patterns": _lexicon("patterns/mine.jsonl", '{"label": "ANTIGEN", "id": "CD19", "pattern": %s}\n'),
    **{
        f"rules of {name}": _lexicon(f"rules/{name}.toml", "x = %s\n")
        for name in ("edits", "focus", "formats")
    },
}


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("what", READERS)
def test_what_is_nested_too_deep_is_one_line(tmp_path: Path, what: str, levels: int) -> None:
    with pytest.raises((CorrectionsError, GoldError, InputError, LexiconError)) as caught:
        READERS[what](tmp_path, nested(levels))
    told = str(caught.value)
    assert len(told.splitlines()) == 1 and len(told) < 1_000
    assert "nested" in told or "depth limit exceeded" in told


@pytest.mark.parametrize("levels", LEVELS)
def test_a_note_beside_a_file_that_is_nested_too_deep_is_none(tmp_path: Path, levels: int) -> None:
    dump = tmp_path / "d.jsonl"
    dump.write_bytes(b"{}\n")
    digest = hashlib.sha256(b"{}\n").hexdigest()
    note = '{"sha256": "%s", "search": {"query": %s}, "options": {}, "counts": {}}'
    for path in (tmp_path / "d.jsonl.fetch.json", tmp_path / "d.jsonl.run.json"):
        path.write_text(note % (digest, nested(levels)))
    assert search_of(dump, digest) is None
    assert _earlier(Target.of(Options(("in",), str(dump)))) is None


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("evidence", "[1]", "evidence: not a list of objects"),
        ("evidence", "[broken", "evidence: Expecting value"),
        ("evidence", '[{"field": "constructs", "value": [1]}]', "unhashable"),
        ("raw", "{broken", "raw: Expecting property name"),
    ],
)
def test_a_cell_that_is_no_value_of_a_record_is_one_line(
    tmp_path: Path, name: str, value: str, told: str
) -> None:
    with pytest.raises(InputError) as caught:
        _cell(name, "%s")(tmp_path, value)
    place = f"{tmp_path / 'r.csv'}:2: a value of another type than `cart-nlp tag` writes: {told}"
    assert str(caught.value).startswith(place)
