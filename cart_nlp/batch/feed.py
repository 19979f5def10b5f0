"""From inputs to jobs: read, screen, and keep what need not be tagged from the workers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cart_nlp.batch.jobs import Job, Outcome, digest_of, itself, job, parsed, refused, screened
from cart_nlp.batch.marks import Marks
from cart_nlp.registries.entry import Entry, InputError, Reject, Settled
from cart_nlp.schema import Trial

if TYPE_CHECKING:
    from cart_nlp.curation.ledger import Decided, Ledger

PAUSE = 0.01
"""Seconds of reading after which the pool gets a chance to see to its workers."""
_LOOK = 64

Report = Callable[[str], None]
Read = Callable[[str, Report], Iterable[Entry | Reject]]
Hits = Callable[[bytes | str], bool]


@dataclass
class Known:
    """What a store holds already: id -> digest of trials that need no new look, the ids of its records, and
    the marks of raw records; `now` are those of this run."""

    digests: Mapping[str, str]
    ids: frozenset[str]
    marks: Marks
    now: Marks = field(init=False)

    def __post_init__(self) -> None:
        """Mark as the store's last run did."""
        self.now = Marks(self.marks.way)

    def holds(self, trial_id: str | None) -> bool:
        """Whether the store has a trial of this id."""
        return trial_id in self.ids or trial_id in self.digests


@dataclass
class Feed:
    """Jobs of all inputs in order, with running counts.

    `read` counts records, `screened` those that no screen term hits; both cover only records after
    `skip`, the last one that a resumed run has done. With `dedupe`, records of one trial become one job,
    after all inputs were read: `merged` counts those that went into another, `merges` says which, and
    `merging` how many outcomes are to come once all is read. Inputs
    that cannot be read are listed in `faults`, those of a search without a hit, which are sound and hold
    nothing, in `empty`. Trials of the `ledger` pass the screen, with its decisions.
    With `listing`, what the screen lets go is an outcome of its own instead of a count; so it is where the
    store has a record of it, which goes.
    """

    inputs: tuple[str, ...]
    reader: Read
    hits: Hits
    keep_all: bool
    skip: int = -1
    known: Known | None = None
    dedupe: bool = False
    ledger: Ledger | None = None
    listing: bool = False
    seen: dict[str, str] = field(default_factory=dict)
    read: int = 0
    screened: int = 0
    merged: int = 0
    merging: int = 0
    merges: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    twins: dict[str, None] = field(default_factory=dict)

    def jobs(self) -> Iterator[Job | Outcome | None]:
        """A job for each record to tag, an outcome for each that is settled, None for a pause."""
        if self.dedupe:
            yield from self._deduped()
            return
        clock = time.monotonic()
        for handed, entry in enumerate(self._entries()):
            number = self.read
            self.read += 1
            decided = self._decided(number, entry)
            if number > self.skip:
                if isinstance(entry, Reject):
                    yield self._refused(number, entry)
                elif self.known is not None:
                    found = self._compared(number, entry, self.known, decided)
                    if found is not None:
                        yield found
                elif (candidate := decided is not None or self.hits(entry.text)) or self.keep_all:
                    self.met(entry.id)
                    yield job(number, entry, candidate, decided)
                elif (gone := self._let_go(number, entry)) is not None:
                    yield gone
            if handed % _LOOK == 0 and time.monotonic() - clock > PAUSE:
                yield None
                clock = time.monotonic()
        if self.twins:
            ids = "id stands" if len(self.twins) == 1 else "ids stand"
            self._note(
                f"{len(self.twins):,} {ids} more than once, {next(iter(self.twins))} for one: "
                "each record is tagged; --dedupe merges them"
            )

    def settled(self, raw: bytes, may_keep: bool) -> Settled:
        """Whether the store's last run knew this very record.

        One that the screen let go is counted here, if its reader may keep it instead of handing it on.
        """
        if self.known is None:
            return "new"
        mark = self.known.marks.of(raw)
        if mark not in self.known.marks.screened:
            return "known" if mark in self.known.marks.trials else "new"
        if not may_keep:
            return "known"
        if self.read > self.skip:
            self.screened += 1
            self.known.now.screened.add(mark)
        self.read += 1
        return "keep"

    def _refused(self, number: int, reject: Reject) -> Outcome:
        """The outcome of a record that its reader rejected.

        Its number may be another's that a broken record names: it counts where the store has such a trial.
        """
        if self.known is not None and not self.known.holds(reject.id):
            reject = replace(reject, lost=True)
        return refused(number, reject)

    def _let_go(self, number: int, entry: Entry) -> Outcome | None:
        """What becomes of a record that the screen lets go."""
        if self.listing or (self.known is not None and entry.id in self.known.ids):
            return screened(number, entry)
        self.screened += 1
        return None

    def met(self, identifier: str) -> None:
        """Note the id of a record that is tagged, or was before a resumed run."""
        if identifier in self.ids:
            self.twins[identifier] = None
        elif identifier:
            self.ids.add(identifier)

    def _deduped(self) -> Iterator[Job | Outcome]:
        """Settled records first, then one job a trial, numbered in this order."""
        from cart_nlp.registries.dedupe import Merge, merge

        settled: list[Outcome] = []
        candidates = 0

        def trials() -> Iterator[Trial]:
            nonlocal candidates
            for entry in self._entries():
                self.read += 1
                if isinstance(entry, Reject):
                    settled.append(self._refused(len(settled), entry))
                elif self.keep_all or self.hits(entry.text) or self._decided(len(settled), entry):
                    found = _parsed(len(settled), entry)
                    if isinstance(found, Outcome):
                        settled.append(found)
                    else:
                        candidates += 1
                        yield found
                elif (gone := self._let_go(len(settled), entry)) is not None:
                    settled.append(gone)

        merged: dict[str, tuple[str, ...]] = {}

        def note(found: Merge) -> None:
            self.merges.append(str(found))
            if not found.refused:
                merged[found.into] = found.merged

        whole = list(merge(trials(), note))
        self.merged = candidates - len(whole)
        self.merging = len(whole) + len(settled)
        yield from (found for found in settled if found.number > self.skip)
        for number, trial in enumerate(whole, len(settled)):
            decided = self.ledger.of(trial, merged.get(trial.id, ())) if self.ledger else None
            if number > self.skip:
                entry = Entry("the inputs", f"trial {trial.id}", "", trial, itself, trial.id)
                if self.known is not None:
                    yield self._job(number, entry, trial, True, self.known, decided)
                else:
                    yield job(number, entry, decided=decided)

    def _decided(self, number: int, entry: Entry | Reject) -> Decided | None:
        """A curator's decisions on the trial of an entry; those on merged ones are found later."""
        if self.ledger is None or isinstance(entry, Reject) or not self.ledger.names(entry.text):
            return None
        trial = _parsed(number, entry)
        return self.ledger.of(trial) if isinstance(trial, Trial) else None

    def _note(self, line: str) -> None:
        if line not in self.notes:
            self.notes.append(line)

    def _entries(self) -> Iterator[Entry | Reject]:
        for source in self.inputs:
            before = self.read
            try:
                yield from self.reader(source, self._note)
                if self.read == before:
                    self.empty.append(source)
            except InputError as fault:
                self.faults.append(str(fault))

    def _compared(
        self, number: int, entry: Entry, known: Known, decided: Decided | None
    ) -> Job | Outcome | None:
        """The same for a store: what it holds with the same content is not tagged again."""
        # The bytes of the record itself: what is searched may leave something out.
        mark = known.marks.of(entry.data) if isinstance(entry.data, bytes) and decided is None else None
        if mark in known.marks.screened:
            known.now.screened.add(mark)
            return self._let_go(number, entry)
        if mark in known.marks.trials:
            trial_id, digest = known.marks.trials[mark]
            if known.digests.get(trial_id) == digest:
                known.now.trials[mark] = trial_id, digest
                return self._settled(number, entry, trial_id, digest, known)
        candidate = decided is not None or self.hits(entry.text)
        if not (candidate or self.keep_all):
            if mark is not None:
                known.now.screened.add(mark)
            return self._let_go(number, entry)
        trial = _parsed(number, entry)
        if isinstance(trial, Outcome):
            return trial
        found = self._job(number, entry, trial, candidate, known, decided)
        if mark is not None and found.digest:
            known.now.trials[mark] = trial.id, found.digest
        return found

    def _job(
        self,
        number: int,
        entry: Entry,
        trial: Trial,
        candidate: bool,
        known: Known,
        decided: Decided | None,
    ) -> Job | Outcome:
        digest = digest_of(trial) + (f"+{decided.digest()[:32]}" if decided else "")
        found = self._settled(number, entry, trial.id, digest, known)
        if found is not None:
            return found
        made = job(number, entry, candidate, decided)
        return replace(made, data=trial, parse=itself, digest=digest, id=trial.id)

    def _settled(self, number: int, entry: Entry, trial_id: str, digest: str, known: Known) -> Outcome | None:
        """The outcome of a trial that came before, or that the store holds as it is; None if it is to be
        tagged."""
        before = self.seen.get(trial_id)
        if before is not None:
            if before == digest:
                return Outcome(number, "again", trial_id, digest, b"")
            reason = "this id occurs earlier in the input with another content; give --dedupe to merge them"
            return refused(number, Reject(entry.source, entry.place, trial_id, reason))
        self.seen[trial_id] = digest
        if known.digests.get(trial_id) == digest:
            return Outcome(number, "same" if trial_id in known.ids else "still", trial_id, digest, b"")
        return None


def _parsed(number: int, entry: Entry) -> Trial | Outcome:
    return parsed(job(number, entry))
