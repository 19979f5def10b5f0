"""The worker's side of the pool: load once, then tag chunk after chunk."""

from __future__ import annotations

import functools
import os
import signal
import threading
import time
from collections.abc import Generator, Iterable, Iterator, MutableSequence
from dataclasses import dataclass
from multiprocessing import parent_process
from typing import TYPE_CHECKING, Any

from cart_nlp.batch import processes
from cart_nlp.batch.alarm import end_with_parent, limit
from cart_nlp.batch.jobs import FAULTS, Job, Outcome, Tagger, TaggerSource, tagging, unpacked
from cart_nlp.kept import state_of
from cart_nlp.lean import import_spacy, nothing_to_collect, settle
from cart_nlp.schema import Record, Trial

if TYPE_CHECKING:
    from spacy.language import Language

GRACE = 5.0
"""Seconds beyond the time-out after which a stuck worker ends itself: its parent is gone."""
IDLE = -1
"""What a worker shows that is at no record."""
AT_REST = (IDLE, 0)
"""What a worker shows that is at no record. Else: the record's number, and the milliseconds that its earlier
steps took."""
TOGETHER = 1 << 20
"""Bytes of records that are tagged side by side, a longer one by itself: their Docs are all in memory."""

_at: MutableSequence[int]
_work: tuple[Tagger, bool, float]


@dataclass(frozen=True, slots=True)
class PipelineTagger:
    """The real tagger: the shipped pipeline, of which the record alone is asked for."""

    nlp: Language

    def __call__(self, trial: Trial, level: str = "") -> Record:
        """The record of a trial; with `level`, as of one whose car_trial is known to be that."""
        from cart_nlp.pipeline import tag_trial

        return tag_trial(self.nlp, trial, level, brief=True)

    def steps(self, trial: Trial) -> Generator[None, None, Record]:
        """The same of a trial of unknown level, a step at a time."""
        from cart_nlp.pipeline import steps

        return steps(self.nlp, trial, brief=True)


def load_tagger(lexicons: tuple[str, ...]) -> Tagger:
    """The real tagger, loaded in the process that calls."""
    import_spacy()
    from cart_nlp.pipeline import load

    nlp = load(lexicons)
    _note_less(nlp)
    return PipelineTagger(nlp)


def _note_less(nlp: Any) -> None:
    """Let spaCy note of a new word what patterns ask for, not twenty things (its shape, is it like a URL)."""
    from spacy.attrs import IDS

    patterns = [entry["pattern"] for entry in nlp.get_pipe("cart_patterns").patterns]
    asked = {"LOWER", *(key.upper() for pattern in patterns for token in pattern for key in token)}
    kept = {IDS[name] for name in asked & IDS.keys()}
    noted = nlp.vocab.lex_attr_getters
    nlp.vocab.lex_attr_getters = {number: get for number, get in noted.items() if number in kept}


def tagger_of(source: TaggerSource) -> Tagger:
    """The tagger of a source, loaded once in a process and all that are copied from it.

    Anew where the folders of a user's lexicons are no longer what they were.
    """
    return _tagger_of(source, state_of(source.arguments[0]) if source.load is load_tagger else "")


@functools.cache
def _tagger_of(source: TaggerSource, state: str) -> Tagger:
    with nothing_to_collect():
        tagger = source()
    settle()
    return tagger


def begin(at: MutableSequence[int]) -> None:
    """Make this process a worker; in `at`, shared with its parent, it shows what AT_REST tells."""
    global _at
    _at = at
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    end_with_parent()
    processes.let_go()
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def load(source: TaggerSource, keep_all: bool = False, seconds: float = 0.0) -> str | None:
    """Load what tags the chunks to come; why it cannot be loaded, if it cannot."""
    global _work
    try:
        _work = tagger_of(source), keep_all, seconds
    except (OSError, ImportError, *FAULTS) as fault:
        return f"{type(fault).__name__}: {fault}"
    return None


def tag_chunk(data: bytes) -> list[Outcome]:
    """The outcomes of packed jobs, in their order.

    Several are tagged side by side, one step of each in turn: `pipeline.steps` tells why. The time of a
    record is that of its own steps.
    """
    tagger, keep_all, seconds = _work
    jobs = unpacked(data)
    found: dict[int, Outcome] = {}
    with limit(seconds + GRACE) as anew:
        for some in _side_by_side(jobs):
            going = {job.number: tagging(tagger, job, keep_all) for job in some}
            spent = dict.fromkeys(going, 0.0)
            while going:
                for number, steps in list(going.items()):
                    # First the time: who looks in between takes it for the record before, for a moment.
                    _at[1], _at[0] = int(1000 * spent[number]), number
                    anew(seconds + GRACE - spent[number])
                    start = time.monotonic()
                    try:
                        next(steps)
                    except StopIteration as end:
                        found[number] = end.value
                        del going[number]
                    spent[number] += time.monotonic() - start
    _at[0], _at[1] = AT_REST
    return [found[job.number] for job in jobs]


def _side_by_side(jobs: Iterable[Job]) -> Iterator[list[Job]]:
    """The jobs in their order, as many together as TOGETHER allows."""
    some: list[Job] = []
    for job in jobs:
        if some and sum(one.size for one in some) + job.size > TOGETHER:
            yield some
            some = []
        some.append(job)
    if some:
        yield some


def _leave_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
