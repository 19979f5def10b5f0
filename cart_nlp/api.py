"""What a program calls: dumps and frames in, records or a DataFrame out. All of it is in `cart_nlp` itself.

Every DataFrame here has a row a record and the columns of `Record`, in that order; lists are tuples,
`constructs` and `evidence` hold `Construct` and `Evidence` objects, dates are ISO text, partial ones too.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from os import PathLike
from typing import TYPE_CHECKING

from cart_nlp.paths import Folders, folders
from cart_nlp.registries.entry import InputError, in_a_call
from cart_nlp.schema import Record

if TYPE_CHECKING:
    import pandas as pd

    from cart_nlp.batch.feed import Feed
    from cart_nlp.batch.jobs import TaggerSource
    from cart_nlp.batch.options import Options

Path = str | PathLike[str]
OnReject = Callable[[str], None]


class RejectWarning(UserWarning):
    """A record of the input could not be used; the message has its place and the reason."""


def iter_records(
    *paths: Path,
    everything: bool = False,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    lexicons: Folders = (),
    dedupe: bool = False,
    corrections: Path | None = None,
    workers: int = 0,
    timeout: float = 120.0,
    on_reject: OnReject | None = None,
) -> Iterator[Record]:
    """Records of dumps, one by one in input order, in constant memory.

    `paths` are dumps of any supported registry format, plain or compressed; `format` forces one, `columns`
    names the columns of a table (trial field -> column). As `cart-nlp tag` does, it leaves out trials that
    are neither product nor related unless `everything` is set. `lexicons` is a folder of your own
    rows, or several, `corrections` a curator's decisions, laid over what the tool finds.
    `workers=0` tags in this process; more start processes, which pays from some thousand CAR trials on
    (your script needs no `if __name__ == "__main__":` for that), and `timeout` bounds the seconds of one
    record. A record that cannot be used is passed to `on_reject` as one line, or is a `RejectWarning`.
    Raises `InputError` for an input that cannot be read, and at once, before anything is read, for an
    option that no run can work with, `LexiconError` for a lexicon that cannot be used, and `BatchError`
    where workers cannot be started.
    """
    from cart_nlp.batch.feed import Feed
    from cart_nlp.batch.options import Options
    from cart_nlp.batch.running import real_parts
    from cart_nlp.curation.ledger import opened

    options = Options(
        inputs=tuple(map(str, paths)),
        out="-",
        keep_all=everything,
        workers=workers,
        format=format,
        mapping=columns,
        lexicons=folders(lexicons),
        dedupe=dedupe,
        timeout=timeout,
    )
    parts = real_parts(options)
    ledger = opened(None if corrections is None else str(corrections), options.lexicons)
    feed = Feed(options.inputs, parts.reader, parts.hits(), everything, dedupe=dedupe, ledger=ledger)
    return _records(options, parts.source, feed, on_reject or _warned)


def _records(options: Options, source: TaggerSource, feed: Feed, on_reject: OnReject) -> Iterator[Record]:
    from cart_nlp.batch.pool import Pool, inline

    with contextlib.ExitStack() as stack:
        if options.workers:
            pool = Pool(source, workers=options.workers, timeout=options.timeout, keep_all=options.keep_all)
            stack.callback(pool.close)
            found = pool.outcomes(feed.jobs())
        else:
            found = inline(source, feed.jobs(), options.keep_all)
        for outcome in found:
            if outcome.kind == "record":
                yield Record.model_validate_json(outcome.payload)
            elif outcome.kind == "reject":
                on_reject(_reason(outcome.payload))
    if feed.faults:
        raise InputError(in_a_call("; ".join(feed.faults)))


def tag_file(
    *paths: Path,
    everything: bool = False,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    lexicons: Folders = (),
    dedupe: bool = False,
    corrections: Path | None = None,
    workers: int = 0,
    timeout: float = 120.0,
    on_reject: OnReject | None = None,
) -> pd.DataFrame:
    """The records of dumps as a DataFrame; the options are those of `iter_records`.

    `landscape.tables` takes the result as it is.
    """
    found = iter_records(
        *paths,
        everything=everything,
        format=format,
        columns=columns,
        lexicons=lexicons,
        dedupe=dedupe,
        corrections=corrections,
        workers=workers,
        timeout=timeout,
        on_reject=on_reject,
    )
    return _frame(list(found))


def tag_frame(
    frame: pd.DataFrame,
    *,
    columns: Mapping[str, str] | None = None,
    lexicons: Folders = (),
    corrections: Path | None = None,
    everything: bool = True,
) -> pd.DataFrame:
    """The records of a DataFrame of trials: a row a trial in, a row a record out, with the index of `frame`.

    Its columns may have this project's names (`id`, `brief_title`, `brief_summary`, `conditions` …), those of
    a registry's export (`NCT Number`, `Study Title` …; `nct_id`, `official_title` …), or others that
    `columns` names (trial field -> column). A last column `error` has the reason for a row that could not be
    tagged. `corrections` are a curator's decisions, laid over what the tool finds. With `everything=False`
    only rows that are product or related, or failed, come back. Raises `InputError` where no column can be
    taken for the trial's id, and for faulty corrections.
    """
    import pandas as pd

    from cart_nlp.engines import frame_outcomes, ledger

    records: list[Record] = []
    errors: list[str | None] = []
    rows: list[int] = []
    layers = folders(lexicons)
    decided = ledger(corrections, layers)
    for row, outcome in frame_outcomes(frame, layers, everything, columns, decided):
        if outcome.kind == "record":
            records.append(Record.model_validate_json(outcome.payload))
            errors.append(None)
        elif outcome.kind == "reject":
            records.append(Record.model_construct(trial_id=outcome.id))
            errors.append(_reason(outcome.payload).partition(": ")[2])
        else:
            continue
        rows.append(row)
    found = _frame(records)
    found["error"] = pd.Series(errors, dtype=object)
    found.index = frame.index[rows]
    return found


def read(path: Path) -> pd.DataFrame:
    """The records of a file that `cart-nlp tag` wrote, as the DataFrame that `tag_file` gives.

    A CSV or TSV holds evidence only in short, so that the column is empty there, and of each construct only
    targets, format and, in its evidence, the basis (None where that is missing): `products` and `costim` of
    single constructs are empty. Raises `InputError` with file, place and fault.
    """
    from cart_nlp.landscape.dataframe import read_records

    return read_records(str(path))


def _frame(records: list[Record]) -> pd.DataFrame:
    from cart_nlp.landscape.dataframe import frame

    return frame(records)


def _reason(payload: bytes) -> str:
    import orjson

    line = orjson.loads(payload)
    return in_a_call(f"{line['source']}, {line['place']}: {line['reason']}")


def _warned(line: str) -> None:
    warnings.warn(line, RejectWarning, stacklevel=4)
