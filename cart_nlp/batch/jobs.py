"""What travels between the reader, the workers and the journal, and the one function that tags a job."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, runtime_checkable

import orjson

from cart_nlp.batch import left_out
from cart_nlp.pipeline import unread
from cart_nlp.registries.entry import Entry, Reject, Rejected
from cart_nlp.schema import INCLUDED, Record, Trial

if TYPE_CHECKING:
    from cart_nlp.curation.ledger import Decided

Kind = Literal["record", "below", "screened", "reject", "same", "still", "again", "run", "end"]
Tagger = Callable[..., Record]
"""Tags a trial; given a level of car_trial too, as one that is known to be of that level."""


@runtime_checkable
class Stepwise(Protocol):
    """A tagger that can tag a trial a step at a time, so that others have their turn in between."""

    def steps(self, trial: Trial) -> Generator[None, None, Record]:
        """The same as to call it; the record is what the generator returns."""
        ...


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


class ReaderGone(BatchError):
    """Nobody reads standard output any more: one line with how much was written."""


@dataclass(frozen=True, slots=True)
class Job:
    """One record to tag; `number` is its position over all inputs, counted from 0.

    `decided` are a curator's decisions on it, `id` is the number that it gives itself.
    """

    number: int
    source: str
    place: str
    data: Any
    parse: Callable[[Any], Trial]
    digest: str = ""
    candidate: bool = True
    size: int = 0
    decided: Decided | None = None
    id: str = ""


class Outcome(NamedTuple):
    """What became of a job.

    `record`: written, payload is its JSON; `below`: tagged, neither product nor related; `screened`: let go
    by the text screen, where that is to be listed or a store has a record of it; `reject`: payload is the
    line for the rejects file, as it is the line of what was not written for `below` and `screened`, and id is
    empty where it may be of any trial; `same`: the store has its record already; `still`: the store knows
    that it is neither product nor related; `again`: an identical repetition.
    `run` and `end` frame a journal. `unread` counts characters of its text that were too many to be read.
    """

    number: int
    kind: Kind
    id: str
    digest: str
    payload: bytes
    unread: int = 0


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


def job(number: int, entry: Entry, candidate: bool = True, decided: Decided | None = None) -> Job:
    """A job of an entry that a worker is to parse."""
    size = len(entry.text)
    found = Job(number, entry.source, entry.place, entry.data, entry.parse, "", candidate, size, decided)
    return replace(found, id=entry.id)


class Packed(NamedTuple):
    """Jobs on their way to a worker: as bytes, the jobs that are in them, and what came of the others."""

    data: bytes
    jobs: list[Job]
    refused: list[Outcome]


def packed(jobs: list[Job]) -> Packed:
    """Jobs as bytes for a worker.

    One that cannot be pickled is parsed here, and refused if it makes no trial.
    """
    try:
        return Packed(pickle.dumps(jobs, pickle.HIGHEST_PROTOCOL), jobs, [])
    except (pickle.PicklingError, *FAULTS):
        made = [_portable(each) for each in jobs]
    good = [each for each in made if isinstance(each, Job)]
    refused = [each for each in made if isinstance(each, Outcome)]
    return Packed(pickle.dumps(good, pickle.HIGHEST_PROTOCOL), good, refused)


def _portable(job: Job) -> Job | Outcome:
    try:
        pickle.dumps(job, pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, *FAULTS):
        found = parsed(job)
        return found if isinstance(found, Outcome) else replace(job, data=found, parse=itself)
    return job


def parsed(job: Job) -> Trial | Outcome:
    """The trial of a record, or the reject that it makes."""
    try:
        return job.parse(job.data)
    except Rejected as refusal:
        return rejected(job, str(refusal))
    except FAULTS as fault:
        return rejected(job, f"its reader failed on it: {type(fault).__name__}: {str(fault)[:300]}")


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
        return orjson.dumps(without_surrogates(record.to_json()))


def without_surrogates(value: Any) -> Any:
    """A JSON value without lone surrogates, as a name that is no UTF-8 has them: they become U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(item) for key, item in value.items()}
    return [without_surrogates(item) for item in value] if isinstance(value, list | tuple) else value


def rejected(job: Job, reason: str) -> Outcome:
    """The outcome of a record that cannot be used, with its line for the rejects file."""
    return refused(job.number, Reject(job.source, job.place, job.id or None, reason))


def refused(number: int, reject: Reject) -> Outcome:
    """The outcome of a record that its reader rejected."""
    reason = " ".join(reject.reason.split())
    line = {"source": reject.source, "place": reject.place, "id": reject.id, "reason": reason}
    return Outcome(number, "reject", "" if reject.lost else reject.id or "", "", _line(line))


def screened(number: int, entry: Entry) -> Outcome:
    """The outcome of a record that the text screen lets go, where these are listed."""
    return Outcome(number, "screened", entry.id, "", _line(left_out.of_entry(entry)))


def _line(said: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(said)
    except TypeError:
        return orjson.dumps(without_surrogates(said))


def tag_job(tagger: Tagger, job: Job, keep_all: bool) -> Outcome:
    """Parse and tag one record; whatever is wrong with it becomes a reject with the reason."""
    steps = tagging(tagger, job, keep_all)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome


def tagging(tagger: Tagger, job: Job, keep_all: bool) -> Generator[None, None, Outcome]:
    """`tag_job` a step at a time, as far as the tagger knows steps; the outcome is what it returns."""
    try:
        trial = job.parse(job.data)
        yield
        left = 0
        if keep_all and not job.candidate:
            record = bare_record(trial)
        else:
            record = (yield from tagger.steps(trial)) if isinstance(tagger, Stepwise) else tagger(trial)
            left = sum(len(trial.sections[key]) - read for key, read in unread(trial).items())
        yield
        if job.decided is not None:
            record = job.decided.applied(record, trial, tagger)
        if keep_all or record.car_trial in INCLUDED:
            return Outcome(job.number, "record", trial.id, job.digest, record_json(record), left)
        return Outcome(job.number, "below", trial.id, job.digest, _line(left_out.of_record(record)), left)
    except Rejected as refusal:
        return rejected(job, str(refusal))
    except FAULTS as fault:
        return rejected(job, f"the tagger failed on it: {type(fault).__name__}: {str(fault)[:300]}")


def bare_record(trial: Trial) -> Record:
    """The record of a trial that names no CAR anywhere: its registry fields only."""
    from cart_nlp.assembly import COPIED
    from cart_nlp.registries.values.normalize import funding

    fields = {name: getattr(trial, name) for name in COPIED}
    return Record(
        trial_id=trial.id,
        title=trial.title(),
        funding=funding(trial.sponsor_class, trial.collaborator_classes, trial.sponsor, trial.collaborators),
        **fields,
    )
