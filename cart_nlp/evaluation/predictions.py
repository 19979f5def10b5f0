"""Records to score: tagged from the gold's own text, or read from a file that `cart-nlp tag` wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cart_nlp.evaluation.gold import GoldError, GoldRecord
from cart_nlp.evaluation.labels import MENTION_LABELS
from cart_nlp.schema import Mention, Record, Trial

if TYPE_CHECKING:
    from cart_nlp.curation.applying import Read

_TOLD = 10
"""So many rejected records are told one by one."""

Lexicons = tuple[Path, ...]
"""A user's lexicon folders, layered over the shipped ones."""


def pipeline(lexicons: Lexicons = ()) -> Any:
    """The shipped pipeline; raises GoldError where a lexicon cannot be used."""
    from cart_nlp import load
    from cart_nlp.lexicon import LexiconError

    try:
        return load(lexicons=lexicons)
    except LexiconError as error:
        raise GoldError(str(error).splitlines()) from None


def tagger(lexicons: Lexicons = ()) -> Read:
    """Tags a trial whose car_trial is known; loads the pipeline with the first one."""
    loaded = cache(pipeline)

    def read(trial: Trial, level: str) -> Record:
        from cart_nlp.pipeline import tag_trial

        return tag_trial(loaded(lexicons), trial, level)

    return read


def tag_gold(
    records: Iterable[GoldRecord], lexicons: Lexicons = ()
) -> tuple[dict[str, Record], dict[str, tuple[Mention, ...]]]:
    """Tag gold records: id -> record, and id -> mentions of those that have gold mentions."""
    from cart_nlp.assembly import record
    from cart_nlp.pipeline import make_doc

    nlp = pipeline(lexicons)
    found: dict[str, Record] = {}
    marks: dict[str, tuple[Mention, ...]] = {}
    for gold in records:
        doc = nlp(make_doc(nlp, gold.trial))
        found[gold.id] = record(doc)
        if gold.mentions is not None:
            marks[gold.id] = mentions_of(doc)
    return found, marks


def corrected(
    records: Mapping[str, Record],
    gold: Iterable[GoldRecord],
    corrections: Path | None,
    lexicons: Lexicons = (),
    note: Callable[[str], None] | None = None,
) -> dict[str, Record]:
    """Records with a file of corrections laid over them; raises GoldError with every fault in it.

    A trial that the file puts in gets a record of its own, if it is among the gold. `note` hears of the
    decisions that are left out.
    """
    if corrections is None:
        return dict(records)
    from cart_nlp.batch.jobs import bare_record
    from cart_nlp.curation.correction_files import CorrectionsError
    from cart_nlp.curation.laying import laid, opened

    folders = tuple(map(str, lexicons))
    try:
        rows = opened(corrections, folders)
    except CorrectionsError as error:
        raise GoldError(error.faults) from None
    trials = {g.id: g.trial for g in gold}
    missing = {row.trial_id for row in rows} & trials.keys() - records.keys()
    everything = [*records.values(), *(bare_record(trials[one]) for one in sorted(missing))]
    found = laid(everything, rows, folders, trials, tagger(lexicons), note)
    return {record.trial_id: record for record in found}


def mentions_of(doc: Any) -> tuple[Mention, ...]:
    """The mentions of a tagged Doc whose labels gold marks, with offsets into their sections."""
    from cart_nlp.pipeline import mentions

    return tuple(mention for mention in mentions(doc) if mention.label in MENTION_LABELS)


def tag_dump(dump: Dump, limit: int | None = None) -> Iterator[tuple[Trial, Record, tuple[Mention, ...]]]:
    """Trial, record and mentions of the first `limit` trials of a dump that the fast screen lets through."""
    from itertools import islice

    from cart_nlp.assembly import record
    from cart_nlp.pipeline import make_doc

    nlp = pipeline()
    candidates = (seen.trial for seen in dump if seen.candidate)
    for trial in islice(candidates, limit):
        doc = nlp(make_doc(nlp, trial))
        yield trial, record(doc, trial), mentions_of(doc)


@dataclass(frozen=True, slots=True)
class Seen:
    """A trial of a dump, and whether the fast screen lets it through."""

    trial: Trial
    candidate: bool


class Dump:
    """The trials of a dump, to be gone through once; `rejected` counts the records that make none.

    `told` has the first of them, a line each: source, place, id where there is one, reason.
    Raises GoldError if the dump, or a lexicon that the screen is made of, cannot be read.
    """

    def __init__(self, path: Path, lexicons: Lexicons = ()) -> None:
        self.path = path
        self.lexicons = lexicons
        self.rejected = 0
        self.told: list[str] = []

    def _reject(self, source: str, place: str, trial_id: str | None, reason: str) -> None:
        self.rejected += 1
        if len(self.told) < _TOLD:
            self.told.append(": ".join(filter(None, (source, place, trial_id, reason))))

    def __iter__(self) -> Iterator[Seen]:
        from cart_nlp import lexicon, registries
        from cart_nlp.registries.entry import InputError, Reject, Rejected
        from cart_nlp.screening import Screen

        try:
            screen = Screen(lexicon.load(*map(str, self.lexicons)))
            for entry in registries.read(self.path):
                if isinstance(entry, Reject):
                    self._reject(entry.source, entry.place, entry.id, entry.reason)
                    continue
                try:
                    trial = entry.trial()
                except Rejected as reason:
                    self._reject(entry.source, entry.place, entry.id, str(reason))
                    continue
                yield Seen(trial, screen.hits(entry.text))
        except (InputError, lexicon.LexiconError) as error:
            raise GoldError(str(error).splitlines()) from None


def read_records(path: Path) -> dict[str, Record]:
    """Records of a file that `cart-nlp tag` wrote, by id; raises GoldError with one line a fault."""
    from cart_nlp import records
    from cart_nlp.registries.entry import InputError

    found: dict[str, Record] = {}
    faults: list[str] = []
    try:
        for place, row in records.typed_rows(path):
            try:
                record = records.record_of(path, place, row)
            except InputError as fault:
                faults.append(f"{fault}; give records of `cart-nlp tag`")
                continue
            if record.trial_id in found:
                faults.append(
                    f"{path}:{place}: duplicate trial_id {record.trial_id!r}; keep one record a trial"
                )
            found[record.trial_id] = record
    except InputError as fault:
        faults.append(str(fault))
    if faults:
        raise GoldError(faults)
    return found
