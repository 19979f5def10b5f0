"""Functions from DataFrame to DataFrame, for Spark and for programs that hold their trials in pandas."""

from __future__ import annotations

import functools
import json
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

import orjson

from cart_nlp import kept
from cart_nlp.batch.jobs import Job, Outcome, Tagger, itself, parsed, tag_job
from cart_nlp.curation.decisions import Correction
from cart_nlp.paths import Folders, folders
from cart_nlp.registries.containers.jsonvalues import unbroken
from cart_nlp.schema import Record

if TYPE_CHECKING:
    import pandas as pd

    from cart_nlp.batch.feed import Hits
    from cart_nlp.curation.ledger import Ledger


def _ddl(annotation: Any) -> str:
    plain = {str: "string", bool: "boolean", int: "bigint", float: "double"}
    if annotation in plain:
        return plain[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple and arguments[0] in plain:
        return f"array<{plain[arguments[0]]}>"
    if origin is Literal:
        return "string"
    if origin in (Union, types.UnionType):
        return _ddl(next(part for part in arguments if part is not type(None)))
    return "string"  # nested models and mappings, as JSON text


FRAME_COLUMNS = {name: _ddl(field.annotation) for name, field in Record.model_fields.items()} | {
    "error": "string"
}
"""Column of a tagged frame -> its Spark SQL type."""
FRAME_SCHEMA = ", ".join(f"{name} {kind}" for name, kind in FRAME_COLUMNS.items())
"""The schema of tagged frames, as `mapInPandas` takes it."""


Decisions = str | PathLike[str] | Sequence[Correction] | None
"""A corrections file, or its rows: these go with a function to where Spark runs it, and a file may not."""


def tag_frame(
    frame: pd.DataFrame,
    lexicons: Folders = (),
    keep_all: bool = True,
    corrections: Decisions = None,
) -> pd.DataFrame:
    """Tag a DataFrame of trials: one row a trial in, one row a record out, in the same order.

    For Spark: `cart_nlp.tag_frame` gives the same as Python objects. The columns of `frame` are those that it
    takes. The result has the columns of FRAME_COLUMNS: lists as lists, `constructs`, `references`,
    `confidence`, `evidence` and `raw` as JSON text, and `error` with the reason for a row that could not be
    tagged. With `keep_all=False` only rows that are product or related, or failed, come back. `corrections`
    are a curator's decisions, laid over what the tool finds; raises CorrectionsError for a faulty file.
    """
    import pandas as pd

    rows = []
    for _, found in frame_outcomes(frame, lexicons, keep_all, decided=ledger(corrections, lexicons)):
        if found.kind == "record":
            rows.append(_frame_row(orjson.loads(found.payload)))
        elif found.kind == "reject":
            rows.append({"trial_id": found.id or None, "error": orjson.loads(found.payload)["reason"]})
    return pd.DataFrame(
        {name: pd.Series([row.get(name) for row in rows], dtype=object) for name in FRAME_COLUMNS}
    )


def frame_outcomes(
    frame: pd.DataFrame,
    lexicons: Folders = (),
    keep_all: bool = True,
    columns: Mapping[str, str] | None = None,
    decided: Ledger | None = None,
) -> Iterator[tuple[int, Outcome]]:
    """Number and outcome of each row of a frame of trials; raises InputError where no column is its id."""
    from cart_nlp.registries.readers import frames

    names = [str(name) for name in frame.columns]
    parse = frames.parser(names, columns)
    layers = folders(lexicons)
    state = kept.state_of(layers)
    tagger, hits = _tagger(layers, state), _hits(layers, state)
    for number, values in enumerate(frame.itertuples(index=False, name=None)):
        fields = {name: _present(value) for name, value in zip(names, values, strict=True)}
        job = Job(number, "frame", f"row {number + 1}", fields, parse)
        trial = parsed(job)
        if isinstance(trial, Outcome):
            yield number, trial
            continue
        rows = decided.of(trial) if decided else None
        # As in a dump, what the screen cannot take for a CAR study costs next to nothing.
        candidate = rows is not None or hits(_searched(fields))
        if candidate or keep_all:
            job = replace(job, data=trial, parse=itself, id=trial.id, candidate=candidate, decided=rows)
            yield number, tag_job(tagger, job, keep_all)


def tag_frames(
    frames: Iterable[pd.DataFrame],
    lexicons: Folders = (),
    keep_all: bool = True,
    corrections: Decisions = None,
) -> Iterator[pd.DataFrame]:
    """`tag_frame` over many DataFrames: the function that Spark's `mapInPandas` takes."""
    rows = _rows(corrections, folders(lexicons))
    for frame in frames:
        yield tag_frame(frame, lexicons, keep_all, rows)


def ledger(corrections: Decisions, lexicons: Folders = ()) -> Ledger | None:
    """The decisions of a file or of rows by trial; raises CorrectionsError with every fault of a file."""
    from cart_nlp.curation.ledger import Ledger

    layers = folders(lexicons)
    rows = _rows(corrections, layers)
    return Ledger(rows, layers) if rows else None


def _rows(corrections: Decisions, lexicons: tuple[str, ...]) -> tuple[Correction, ...]:
    from cart_nlp.curation.ledger import opened

    if corrections is None or isinstance(corrections, str | PathLike):
        found = opened(None if corrections is None else fspath(corrections), lexicons)
        return found.rows if found else ()
    return tuple(corrections)


def _searched(fields: dict[str, Any]) -> bytes:
    """A row as the screen is to see it."""
    said = json.dumps(fields, ensure_ascii=False, default=str)  # orjson refuses some
    return unbroken(said.encode("utf-8", "surrogatepass"))


def _present(value: Any) -> Any:
    """A cell in plain Python types, its parts too; what pandas holds for a missing value is None."""
    import pandas as pd

    if hasattr(value, "tolist") and type(value).__name__ != "datetime64":  # numpy scalars and arrays
        value = value.tolist()
    if isinstance(value, dict):
        return {str(name): _present(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_present(part) for part in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)  # pandas holds all as floats where one is missing
    return None if not isinstance(value, str) and pd.isna(value) else value


@functools.lru_cache(maxsize=2)
def _tagger(lexicons: tuple[str, ...], state: str) -> Tagger:
    """The tagger of this process, loaded once as long as the folders stay as they are."""
    from cart_nlp.batch.worker import load_tagger

    return load_tagger(lexicons)


@functools.lru_cache(maxsize=2)
def _hits(lexicons: tuple[str, ...], state: str) -> Hits:
    """The screen of this process, loaded once as long as the folders stay as they are."""
    from cart_nlp.screening import hits_of

    return hits_of(lexicons)


def _frame_row(record: dict[str, Any]) -> dict[str, Any]:
    return {name: _column_value(FRAME_COLUMNS[name], value) for name, value in record.items()}


def _column_value(kind: str, value: Any) -> Any:
    """A value as its column declares it: what is nested and has a column of text is JSON text."""
    if kind == "string" and isinstance(value, list | dict):
        return orjson.dumps(value).decode()
    return value
