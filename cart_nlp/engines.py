"""The same stream on other machinery: Dask workers, and functions from DataFrame to DataFrame for Spark."""

from __future__ import annotations

import contextlib
import functools
import json
import types
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

import orjson

from cart_nlp.batch.jobs import BatchError, Job, Outcome, TaggerSource, packed, rejected, tag_job, unpacked
from cart_nlp.registries.entry import Rejected
from cart_nlp.schema import Record

if TYPE_CHECKING:
    import pandas as pd
    from distributed import Client, Future

    from cart_nlp.batch.feed import Hits

PARTITION = 32
"""Records of a partition: about as many as a worker tags in a fifth of a second."""
PARTITION_BYTES = 8 << 20
AHEAD = 4
"""Partitions a worker that may be under way."""
_PATIENCE, _LONELY = 30, 6
"""Seconds between looks at a partition, and looks without any worker before the run is given up."""


@functools.lru_cache(maxsize=2)
def _tagger(source: TaggerSource) -> Any:
    """The tagger of this process, loaded once."""
    return source()


def tag_partition(source: TaggerSource, data: bytes, keep_all: bool) -> list[Outcome]:
    """Tag one partition, on whatever machine: jobs as bytes in, outcomes in their order out."""
    tagger = _tagger(source)
    return [tag_job(tagger, job, keep_all) for job in unpacked(data)]


def dask_outcomes(
    source: TaggerSource,
    jobs: Iterable[Job | Outcome | None],
    *,
    keep_all: bool,
    workers: int,
    scheduler: str | None,
) -> Iterator[Outcome]:
    """Outcomes in the order of the jobs, tagged on Dask: a cluster of this machine, or the one at an address.

    A partition whose worker dies is done again elsewhere; one that kills several workers is taken apart,
    and the record that does it is rejected. Raises BatchError if there is no Dask or no scheduler.
    """
    with contextlib.ExitStack() as stack:
        client = _client(stack, max(1, workers), scheduler)
        running: deque[tuple[list[Job | Outcome], Future | None]] = deque()
        for chunk in _partitions(jobs):
            running.append((chunk, _submit(client, source, chunk, keep_all)))
            while len(running) > AHEAD * max(1, len(client.ncores())):
                yield from _gathered(client, source, *running.popleft(), keep_all)
        while running:
            yield from _gathered(client, source, *running.popleft(), keep_all)


def _client(stack: contextlib.ExitStack, workers: int, scheduler: str | None) -> Client:
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise BatchError("--engine dask needs dask and distributed; pip install 'cart-nlp[dask]'") from None
    try:
        if scheduler is not None:
            return stack.enter_context(Client(scheduler, timeout="20s", set_as_default=False))
        cluster = stack.enter_context(
            LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None)
        )
        return stack.enter_context(Client(cluster, set_as_default=False))
    except (OSError, ValueError) as fault:
        where = scheduler or "a cluster on this machine"
        raise BatchError(f"no Dask scheduler at {where}: {str(fault).splitlines()[0]}") from None


def _partitions(jobs: Iterable[Job | Outcome | None]) -> Iterator[list[Job | Outcome]]:
    chunk: list[Job | Outcome] = []
    size = 0
    for item in jobs:
        if item is None:
            continue
        chunk.append(item)
        size += item.size if isinstance(item, Job) else 0
        if len(chunk) >= PARTITION or size >= PARTITION_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _submit(
    client: Client, source: TaggerSource, chunk: list[Job | Outcome], keep_all: bool
) -> Future | None:
    """Send the jobs of a partition; one that makes no trial becomes its reject in place."""
    data, todo, refused = packed([item for item in chunk if isinstance(item, Job)])
    told = {outcome.number: outcome for outcome in refused}
    chunk[:] = [told.get(item.number, item) for item in chunk]
    if not todo:
        return None
    return client.submit(tag_partition, source, data, keep_all, pure=False)


def _result(client: Client, future: Future) -> Any:
    """A partition's records; raises BatchError where no worker has been there for some minutes."""
    lonely = 0
    while True:
        try:
            return future.result(timeout=_PATIENCE)
        except TimeoutError:
            lonely = 0 if client.scheduler_info()["workers"] else lonely + 1
            if lonely >= _LONELY:
                raise BatchError(
                    "the scheduler has had no worker for some minutes; start workers and run again"
                ) from None


def _gathered(
    client: Client, source: TaggerSource, chunk: list[Job | Outcome], future: Future | None, keep_all: bool
) -> Iterator[Outcome]:
    from distributed import KilledWorker

    done: dict[int, Outcome] = {}
    if future is not None:
        try:
            done = {found.number: Outcome(*found) for found in _result(client, future)}
        except KilledWorker:
            if len(chunk) == 1 and isinstance(chunk[0], Job):
                job = chunk[0]
                reason = "tagging it ended every worker process that tried"
                yield rejected(job.number, job.source, job.place, None, reason)
                return
            for item in chunk:
                alone: list[Job | Outcome] = [item]
                yield from _gathered(
                    client, source, alone, _submit(client, source, alone, keep_all), keep_all
                )
            return
        except (OSError, ImportError) as fault:
            raise BatchError(f"the tagger cannot be loaded on the workers: {fault}") from None
        finally:
            future.release()
    for item in chunk:
        yield item if isinstance(item, Outcome) else done[item.number]


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


def tag_frame(frame: pd.DataFrame, lexicons: tuple[str, ...] = (), keep_all: bool = True) -> pd.DataFrame:
    """Tag a DataFrame of trials: one row a trial in, one row a record out, in the same order.

    For Spark: `cart_nlp.tag_frame` gives the same as Python objects. The columns of `frame` are those that it
    takes. The result has the columns of FRAME_COLUMNS: lists as lists, `constructs`, `confidence`, `evidence`
    and `raw` as JSON text, and `error` with the reason for a row that could not be tagged. With
    `keep_all=False` only rows that are product or related, or failed, come back.
    """
    import pandas as pd

    rows = []
    for _, found in frame_outcomes(frame, lexicons, keep_all):
        if found.kind == "record":
            rows.append(_frame_row(orjson.loads(found.payload)))
        elif found.kind == "reject":
            rows.append({"trial_id": found.id or None, "error": orjson.loads(found.payload)["reason"]})
    return pd.DataFrame(
        {name: pd.Series([row.get(name) for row in rows], dtype=object) for name in FRAME_COLUMNS}
    )


def frame_outcomes(
    frame: pd.DataFrame,
    lexicons: tuple[str, ...] = (),
    keep_all: bool = True,
    columns: Mapping[str, str] | None = None,
) -> Iterator[tuple[int, Outcome]]:
    """Number and outcome of each row of a frame of trials; raises InputError where no column is its id."""
    from cart_nlp.batch.running import load_tagger
    from cart_nlp.registries import frames

    names = [str(name) for name in frame.columns]
    parse = frames.parser(names, columns)
    tagger = _tagger(TaggerSource(load_tagger, (tuple(lexicons),)))
    hits = _hits(tuple(lexicons))
    for number, values in enumerate(frame.itertuples(index=False, name=None)):
        fields = {name: _present(value) for name, value in zip(names, values, strict=True)}
        # As in a dump, what the screen cannot take for a CAR study costs next to nothing.
        candidate = hits(json.dumps(fields, ensure_ascii=False, default=str))  # orjson refuses some
        if not candidate and not keep_all:
            try:
                parse(fields)
            except Rejected:
                pass  # told below, as a dump's would be
            else:
                continue
        job = Job(number, "frame", f"row {number + 1}", fields, parse, candidate=candidate)
        yield number, tag_job(tagger, job, keep_all)


def tag_frames(
    frames: Iterable[pd.DataFrame], lexicons: tuple[str, ...] = (), keep_all: bool = True
) -> Iterator[pd.DataFrame]:
    """`tag_frame` over many DataFrames: the function that Spark's `mapInPandas` takes."""
    for frame in frames:
        yield tag_frame(frame, lexicons, keep_all)


def _present(value: Any) -> Any:
    """A cell in plain Python types, its parts too; what pandas holds for a missing value is None."""
    import pandas as pd

    if hasattr(value, "tolist"):  # numpy scalars and arrays
        value = value.tolist()
    if isinstance(value, dict):
        return {name: _present(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_present(part) for part in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)  # pandas holds all as floats where one is missing
    return None if not isinstance(value, str) and pd.isna(value) else value


@functools.lru_cache(maxsize=2)
def _hits(lexicons: tuple[str, ...]) -> Hits:
    """The screen of this process, loaded once."""
    from cart_nlp.lexicon import load
    from cart_nlp.screening import Screen

    return Screen(load(*lexicons)).hits


def _frame_row(record: dict[str, Any]) -> dict[str, Any]:
    return {name: orjson.dumps(value).decode() if _is_json(name) else value for name, value in record.items()}


def _is_json(name: str) -> bool:
    return name in ("constructs", "confidence", "evidence", "raw")
