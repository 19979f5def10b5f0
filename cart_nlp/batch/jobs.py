"""What travels between the reader, the workers and the journal, and the one function that tags a job."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import orjson

from cart_nlp.registries.entry import Entry, Reject, Rejected
from cart_nlp.schema import Record, Trial

Kind = Literal["record", "below", "reject", "same", "still", "again", "run", "end"]
Tagger = Callable[[Trial], Record]
INCLUDED = ("product", "related")

FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What a record may raise and be rejected for; anything else ends the worker, as a crash does."""


class BatchError(Exception):
    """The run cannot go on: one line with what failed and what to do about it."""


class Interrupted(BatchError):
    """The user stopped the run; what is done so far is kept for `--resume`."""


@dataclass(frozen=True, slots=True)
class Job:
    """One record to tag; `number` is its position over all inputs, counted from 0."""

    number: int
    source: str
    place: str
    data: Any
    parse: Callable[[Any], Trial]
    digest: str = ""
    candidate: bool = True
    size: int = 0


class Outcome(NamedTuple):
    """What became of a job.

    `record`: written, payload is its JSON; `below`: tagged, neither product nor related; `reject`: payload
    is the line for the rejects file; `same`: the store has its record already; `still`: the store knows that
    it is neither product nor related; `again`: an identical repetition.
    `run` and `end` frame a journal.
    """

    number: int
    kind: Kind
    id: str
    digest: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class TaggerSource:
    """How a worker gets its tagger: `load(*arguments)`, both of which can be pickled."""

    load: Callable[..., Tagger]
    arguments: tuple[Any, ...] = field(default=())

    def __call__(self) -> Tagger:
        """Load the tagger; costs a second or two with the real pipeline."""
        return self.load(*self.arguments)


def itself(trial: Trial) -> Trial:
    """The trial that is there already: the `parse` of a job that was built early."""
    return trial


def job(number: int, entry: Entry, candidate: bool = True) -> Job:
    """A job of an entry that a worker is to parse."""
    return Job(number, entry.source, entry.place, entry.data, entry.parse, "", candidate, len(entry.text))


def packed(jobs: list[Job]) -> bytes:
    """Jobs as bytes for a worker; one whose parser cannot be pickled is parsed here first.

    Raises Rejected with the reason if such a job makes no trial (then there is only this one in `jobs`).
    """
    try:
        return pickle.dumps(jobs, pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, AttributeError, TypeError):
        built = [
            Job(j.number, j.source, j.place, j.parse(j.data), itself, j.digest, j.candidate, j.size)
            for j in jobs
        ]
        return pickle.dumps(built, pickle.HIGHEST_PROTOCOL)


def unpacked(data: bytes) -> list[Job]:
    """Jobs from what `packed` made of them; the bytes come from our own parent process only."""
    return pickle.loads(data)  # noqa: S301


def digest_of(trial: Trial) -> str:
    """Hash of all that the tagger sees of a trial: equal digests give equal records."""
    return hashlib.blake2b(
        trial.model_dump_json().encode("utf-8", "surrogatepass"), digest_size=16
    ).hexdigest()


def record_json(record: Record) -> bytes:
    """A record as one line of JSON, without the line end; lone surrogates become U+FFFD."""
    try:
        return record.model_dump_json().encode()
    except ValueError:
        return orjson.dumps(_mended(record.to_json()))


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_mended(key): _mended(item) for key, item in value.items()}
    return [_mended(item) for item in value] if isinstance(value, list | tuple) else value


def rejected(number: int, source: str, place: str, trial_id: str | None, reason: str) -> Outcome:
    """The outcome of a record that cannot be used, with its line for the rejects file."""
    line = {"source": source, "place": place, "id": trial_id, "reason": " ".join(reason.split())}
    return Outcome(number, "reject", trial_id or "", "", orjson.dumps(_mended(line)))


def refused(number: int, reject: Reject) -> Outcome:
    """The outcome of a record that its reader rejected."""
    return rejected(number, reject.source, reject.place, reject.id, reject.reason)


def tag_job(tagger: Tagger, job: Job, keep_all: bool) -> Outcome:
    """Parse and tag one record; whatever is wrong with it becomes a reject with the reason."""
    trial_id = None
    try:
        trial = job.parse(job.data)
        trial_id = trial.id
        if keep_all and not job.candidate:
            record = bare_record(trial)
        else:
            record = tagger(trial)
        if keep_all or record.car_trial in INCLUDED:
            return Outcome(job.number, "record", trial.id, job.digest, record_json(record))
        return Outcome(job.number, "below", trial.id, job.digest, b"")
    except Rejected as refusal:
        return rejected(job.number, job.source, job.place, trial_id, str(refusal))
    except FAULTS as fault:
        reason = f"the tagger failed on it: {type(fault).__name__}: {str(fault)[:300]}"
        return rejected(job.number, job.source, job.place, trial_id, reason)


def bare_record(trial: Trial) -> Record:
    """The record of a trial that names no CAR anywhere: its registry fields only."""
    from cart_nlp.assembly import COPIED
    from cart_nlp.registries.normalize import funding

    fields = {name: getattr(trial, name) for name in COPIED}
    return Record(
        trial_id=trial.id,
        title=trial.title(),
        funding=funding(trial.sponsor_class, trial.collaborator_classes, trial.sponsor, trial.collaborators),
        **fields,
    )
