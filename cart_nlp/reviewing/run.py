"""One review from its options to what it writes: records, corrections and texts in, the queue out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cart_nlp import outputs, pages
from cart_nlp.curation.applying import STALE
from cart_nlp.curation.decisions import FIELDS, values_of
from cart_nlp.curation.laying import laid, opened, read_trials
from cart_nlp.curation.queue import Item, Queue, queue
from cart_nlp.evaluation.predictions import tagger
from cart_nlp.records import record_list
from cart_nlp.registries.entry import InputError
from cart_nlp.reviewing.mentions import looked_up, mentions_of
from cart_nlp.reviewing.page import page
from cart_nlp.schema import Mention, Record, Trial

HEAD = ("rank", "trial_id", "error", "doubts", "targets", "constructs", "title", "url")
"""Columns of a queue in a file."""


@dataclass(frozen=True)
class Asked:
    """What a review was asked for; the fields are the options of `cart-nlp review`."""

    records: Path
    budget: int | None = None
    target: str | None = None
    fields: str | None = None
    since: str | None = None
    texts: tuple[Path, ...] = ()
    corrections: Path | None = None
    lexicons: tuple[str, ...] = ()
    everything: bool = False


@dataclass(frozen=True)
class Done:
    """The whole queue, the items of it that were asked for, and what was said of a target."""

    queue: Queue
    items: tuple[Item, ...]
    wanted: str = ""


def review(
    asked: Asked,
    out: Path | None = None,
    to: str | None = None,
    *,
    force: bool = False,
    note: Callable[[str], None] | None = None,
) -> Done:
    """Read, order and, if there is a place to write to, write the queue; `note` as in `laid`.

    Raises InputError, PlaceError, GoldError or LexiconError with one line a fault.
    """
    place = _place(asked, out, to, force)
    fields = _fields(asked.fields)
    trials: dict[str, Trial] = {}
    records = record_list(asked.records)
    if asked.texts:
        trials = read_trials(asked.texts, {record.trial_id for record in records})
    rows = opened(asked.corrections, asked.lexicons)
    records = laid(records, rows, asked.lexicons, trials, tagger(tuple(map(Path, asked.lexicons))), note)
    if asked.since is not None:
        records = _changed(asked, records)
    marks = mentions_of(trials.values(), asked.lexicons) if trials else {}
    found = queue(records, fields, looked_up(marks), everything=asked.everything)
    count, wanted = _wanted(asked, found)
    items = found.items[:count]
    if place is not None:
        if to is not None:
            _tasks(to, place, items, trials, marks)
        elif place.suffix.lower() == ".html":
            outputs.write(place, page(found, items, trials, marks, rows, asked.lexicons))
        else:
            outputs.write(place, as_csv(items))
    return Done(found, items, wanted)


def _place(asked: Asked, out: Path | None, to: str | None, force: bool) -> Path | None:
    if out is None:
        if to is not None:
            raise InputError(f"--to {to}: needs --out, the file or folder of its tasks")
        return None
    if to is not None:
        from cart_nlp.evaluation.exchange import formats

        formats.named(to)
        if not asked.texts:
            raise InputError(f"--to {to}: needs --text DUMP, the text to annotate")
    elif out.suffix.lower() not in (".csv", ".html"):
        raise InputError(f"{out}: a queue is written as .csv or .html, or as tasks with --to")
    inputs: list[Path | str] = [asked.records, *asked.texts, *asked.lexicons]
    inputs += [each for each in (asked.corrections, asked.since) if each is not None]
    if to is not None:
        from cart_nlp.evaluation.exchange import claiming

        return claiming.claim(to, out, inputs, force)
    return outputs.claim(out, inputs, ours=(pages.MARK, ",".join(HEAD).encode()), force=force)


def _fields(text: str | None) -> tuple[str, ...]:
    if text is None:
        return FIELDS
    asked = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [name for name in asked if name not in FIELDS]
    if unknown or not asked:
        raise InputError(f"--fields {text}: no field {', '.join(unknown)}; there are {', '.join(FIELDS)}")
    return tuple(name for name in FIELDS if name in asked)


def _changed(asked: Asked, records: Sequence[Record]) -> list[Record]:
    """Records that are new or say something else than before; those with a stale correction stay."""
    from cart_nlp.differences import compare, read_rows

    found = compare(read_rows(str(asked.since)), read_rows(str(asked.records)))
    wanted = {*found.new, *(change.trial_id for change in found.changes)}
    stale = {r.trial_id for r in records if any(e.rule.endswith(STALE) for e in r.evidence)}
    return [record for record in records if record.trial_id in wanted | stale]


def _wanted(asked: Asked, found: Queue) -> tuple[int, str]:
    """How many items to read, and what to say of a target."""
    count, said = len(found.items), ""
    if asked.target is not None:
        name, equals, share = asked.target.partition("=")
        name = name.strip()
        try:
            wanted = float(share)
        except ValueError:
            wanted = -1.0
        if not equals or (name != "exact" and name not in FIELDS) or not 0 <= wanted <= 1:
            raise InputError(f"--target {asked.target}: write it like exact=0.99, or FIELD=0.99")
        if not found.calibrated:
            raise InputError("--target: these records carry no confidence; nothing can be expected of them")
        count = found.needed(wanted, None if name == "exact" else name)
        said = f"{count:,} to read for {name} {wanted:g}"
    if asked.budget is not None:
        count = min(count, asked.budget)
    return count, said


def _tasks(
    to: str,
    place: Path,
    items: Sequence[Item],
    trials: Mapping[str, Trial],
    marks: Mapping[str, Sequence[Mention]],
) -> None:
    from cart_nlp.evaluation.exchange import formats

    chosen = [item for item in items if item.record.trial_id in trials]
    lines = [
        formats.preannotated(trials[one], item.record, marks[one])
        for item in chosen
        for one in (item.record.trial_id,)
    ]
    formats.export(lines, to, place)


def rows(items: Iterable[Item]) -> Iterable[list[str]]:
    """The queue as rows of HEAD."""
    for rank, item in enumerate(items, 1):
        record = item.record
        constructs = "; ".join(values_of(record, "constructs"))
        yield [
            str(rank),
            record.trial_id,
            f"{item.error:.4f}",
            item.line(),
            "; ".join(record.targets),
            constructs,
            record.title,
            record.url,
        ]


def as_csv(items: Iterable[Item]) -> bytes:
    """The queue as CSV; equal queues give equal bytes."""
    return outputs.as_csv(HEAD, rows(items))
