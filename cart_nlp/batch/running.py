"""One run: options in, an output file or store out, and a summary whose numbers add up."""

from __future__ import annotations

import contextlib
import datetime
import functools
import sys
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cart_nlp.batch import earlier, finish
from cart_nlp.batch.feed import Feed, Hits, Known, Read, Report
from cart_nlp.batch.jobs import (
    BatchError,
    Interrupted,
    Job,
    Outcome,
    ReaderGone,
    TaggerSource,
    without_surrogates,
)
from cart_nlp.batch.journal import Journal
from cart_nlp.batch.marks import Marks
from cart_nlp.batch.meter import Meter, Reached
from cart_nlp.batch.options import Options, Summary
from cart_nlp.batch.pool import Pool, inline
from cart_nlp.batch.provenance import Hashing, fingerprint, shown_source, tagger_identity
from cart_nlp.batch.target import Target, guard_inputs, is_same, writable
from cart_nlp.batch.worker import load_tagger
from cart_nlp.schema import UNREAD
from cart_nlp.writers import STORES, OutputError, require

if TYPE_CHECKING:
    from cart_nlp.batch.store import Store
    from cart_nlp.curation.ledger import Ledger
    from cart_nlp.registries.entry import Settled


@dataclass(frozen=True)
class Parts:
    """What a run is made of; each can be replaced, which is how the tests run without the real tagger."""

    source: TaggerSource
    hits: Callable[[], Hits]
    reader: Read
    today: Callable[[], datetime.datetime]
    meter: Meter = field(default_factory=Meter)
    reader_past: Callable[[Callable[[bytes, bool], Settled]], Read] | None = None
    """A reader that does not hand on records of which a function says that it has settled them."""


Progress = Callable[[Reached], None]
"""Called with what is reached so far, some hundred times a second."""


def real_parts(options: Options) -> Parts:
    """Screen, readers and tagger of the package."""

    meter = Meter.of(options.inputs)

    def hits() -> Hits:
        from cart_nlp.screening import hits_of

        return hits_of(options.lexicons)

    def reader(
        source: str, report: Report, settled: Callable[[bytes, bool], Settled] | None = None
    ) -> Iterator[Any]:
        from cart_nlp.registries import read

        return read(source, options.format, options.mapping, report, meter, settled)

    return Parts(
        TaggerSource(load_tagger, (options.lexicons,)),
        hits,
        reader,
        lambda: datetime.datetime.now(datetime.UTC),
        meter,
        lambda settled: functools.partial(reader, settled=settled),
    )


def run(options: Options, parts: Parts | None = None, progress: Progress | None = None) -> Summary:
    """Tag the inputs and write the output; returns what became of them.

    Raises BatchError or OutputError with one line if nothing could be done, Interrupted on Ctrl-C (what
    is done stays in `OUT.journal` for `resume`), ReaderGone if nobody reads standard output any more.
    Unreadable inputs are in the summary's `faults`.
    """
    parts = parts or real_parts(options)
    if options.out == "-":
        return _to_stdout(options, parts, progress)
    target = Target.of(options)
    identity = tagger_identity(options.lexicons)
    ledger = _ledger(options)
    header = _header(options, identity, target, parts.today(), ledger)
    if options.resume and not target.journal.exists():
        found = earlier.finished(target, header, options.guard, options.rejects is not None)
        if found:
            return earlier.summary(found, target)
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        journal = _journal(target, header, options.resume)
        stack.callback(journal.close)
        hashing = Hashing(options.inputs)
        stack.callback(hashing.stop)
        store = _store(target, header)
        work = _Work(options, parts, target, journal, hashing, store, ledger, progress)
        try:
            summary = work.confirmed() or work.done()
        except KeyboardInterrupt:
            raise _interrupted(journal) from None
        except OSError as fault:
            raise OutputError(
                f"{fault.filename or target.out}: {fault.strerror or fault}; {_REMEDY}"
            ) from None
        summary.seconds = time.monotonic() - started
        return summary


def _ledger(options: Options) -> Ledger | None:
    """A curator's decisions, if there are some; their names need the lexicons."""
    if options.corrections is None:
        return None
    from cart_nlp.curation.ledger import opened

    return opened(options.corrections, options.lexicons)


def _store(target: Target, header: dict[str, Any]) -> Store | None:
    """The store that is written to, if one is."""
    if target.suffix not in STORES:
        return None
    from cart_nlp.batch.store import Store

    return Store(target.out, earlier.tagger_key(header))


def _interrupted(journal: Journal) -> Interrupted:
    advice = "--resume with the same arguments goes on from there"
    if None in journal.header["inputs"]:
        advice = "what came through a pipe cannot be resumed"
    return Interrupted(f"interrupted after {journal.last + 1:,} records; {advice}")


@dataclass(frozen=True)
class _Work:
    """What a run into a file or store has at hand once its journal is open."""

    options: Options
    parts: Parts
    target: Target
    journal: Journal
    hashing: Hashing
    store: Store | None
    ledger: Ledger | None
    progress: Progress | None

    def confirmed(self) -> Summary | None:
        """The summary of a run that would find what the store's last one found, which it only notes."""
        store, journal, options = self.store, self.journal, self.options
        if store is None or journal.found:
            return None
        named = options.rejects is not None
        before = earlier.unchanged(self.target, journal.header, self.hashing, named)
        if before is None or store.session != before["session"]:
            return None
        return finish.confirm(self.target, journal, store, before, options, self.hashing)

    def done(self) -> Summary:
        """Read, tag and write; the summary."""
        options, journal, store = self.options, self.journal, self.store
        summary = Summary(notes=earlier.notes(journal, options.resume))
        warm = not journal.finished and not (store and store.digests())
        with _pool(options, self.parts, warm) as pool:  # loads while the screen is built
            feed = _feed(options, self.parts, journal, store, self.ledger)
            if not journal.finished:
                _stream(options, self.parts, feed, journal, self.progress, pool)
                if feed.read == 0 and feed.faults and len(feed.faults) == len(options.inputs):
                    summary.faults = feed.faults
                    return summary
                if not (feed.faults or feed.empty):  # else it is read anew: what it lacks was not seen
                    corrected = self.ledger.tally() if self.ledger else {}
                    journal.finish(feed.read, feed.merged, feed.merges, corrected, feed.notes)
            _count(summary, journal, feed)
            if store is not None and not options.dedupe:
                store.mark(feed.known.now if feed.known else Marks())
            finish.complete(self.target, journal, store, summary, options, self.hashing)
        return summary


_REMEDY = "free some space or choose another place; --resume then goes on"


def outcomes(
    options: Options, parts: Parts, jobs: Iterator[Job | Outcome | None], pool: Pool | None
) -> Generator[Outcome]:
    """The outcomes of jobs in their order, from the engine that the options name, or the pool there is."""
    if options.engine == "dask":
        from cart_nlp.batch.cluster import dask_outcomes

        yield from dask_outcomes(
            parts.source,
            jobs,
            keep_all=options.keep_all,
            workers=1 if options.workers is None else options.workers,
            scheduler=options.scheduler,
            timeout=options.timeout,
        )
    elif pool is None:
        yield from inline(parts.source, jobs, options.keep_all)
    else:
        yield from pool.outcomes(jobs)


@contextlib.contextmanager
def _pool(options: Options, parts: Parts, warm: bool) -> Iterator[Pool | None]:
    """The worker processes, if the options ask for some; `warm` starts the first before there is work."""
    if options.engine == "dask" or options.workers == 0:
        yield None
        return
    pool = Pool(parts.source, workers=options.workers, timeout=options.timeout, keep_all=options.keep_all)
    try:
        if warm:
            pool.warm()
        yield pool
    finally:
        pool.close()


def _stream(
    options: Options, parts: Parts, feed: Feed, sink: Any, progress: Progress | None, pool: Pool | None
) -> None:
    def moved() -> None:
        if progress is not None:
            counts = sink.counts
            settled = sum(counts.values())
            reached = Reached(feed.read, counts["record"], counts["reject"], parts.meter.share)
            if feed.merging:
                reached = reached._replace(share=settled / feed.merging, stage="tagging")
            elif reached.share and not feed.dedupe:
                done = (settled + feed.screened) / max(1, feed.read)  # what is read may still wait
                reached = reached._replace(share=reached.share * min(1.0, done))
            progress(reached)

    def watched() -> Iterator[Job | Outcome | None]:
        for item in feed.jobs():
            yield item
            if item is None:
                moved()

    parts.meter.moved = moved
    stream = outcomes(options, parts, watched(), pool)
    with contextlib.closing(stream):
        for outcome in stream:
            sink.add(outcome)
            moved()


def _feed(
    options: Options, parts: Parts, journal: Journal, store: Store | None, ledger: Ledger | None
) -> Feed:
    feed = Feed(options.inputs, parts.reader, lambda text: False, options.keep_all, journal.last)
    feed.dedupe = options.dedupe
    feed.ledger = ledger
    feed.listing = options.screened is not None
    if journal.finished:
        return feed
    feed.hits = parts.hits()
    kept = journal.outcomes() if journal.last >= 0 else iter(())
    if store is None:
        for found in kept:
            if found.kind in ("record", "below"):
                feed.met(found.id)
    else:
        feed.known = Known(store.digests(), store.ids(), store.marks())
        # A number that stands in escapes, or one to be listed, is only found in a record that is parsed.
        plain = ledger is None and not options.dedupe and not feed.listing
        if parts.reader_past is not None and plain:
            feed.reader = parts.reader_past(feed.settled)
        feed.seen = {found.id: found.digest for found in kept if found.digest}
    return feed


def _header(
    options: Options, identity: dict[str, str], target: Target, now: datetime.datetime, ledger: Ledger | None
) -> dict[str, Any]:
    inputs = [fingerprint(source) for source in options.inputs]
    if options.resume and None in inputs:
        source = options.inputs[inputs.index(None)]
        raise BatchError(
            f"{shown_source(source)}: cannot be resumed: only files can be read again from their start"
        )
    header = {
        **identity,
        "inputs": inputs,
        "options": {
            "all": options.keep_all,
            "format": options.format,
            "map": dict(options.mapping) if options.mapping else None,
            "dedupe": options.dedupe,
            "screened": options.screened is not None,
            "store": target.suffix in STORES,
        },
        "corrections": ledger.digest() if ledger else None,
        "session": now.isoformat(timespec="microseconds"),
    }
    found: dict[str, Any] = without_surrogates(header)
    return found


def _journal(target: Target, header: dict[str, Any], resume: bool) -> Journal:
    try:
        require(target.suffix)
        return Journal(target.journal, header, resume)
    except OSError as fault:
        raise OutputError(
            f"{target.out}: cannot be written: {fault.strerror or fault}; choose another place"
        ) from None


def _count(summary: Summary, journal: Journal, feed: Feed) -> None:
    """Fill in the numbers: each record is in the journal or was screened out."""
    counts = journal.counts
    summary.read = journal.read if journal.read is not None else feed.read
    summary.written = counts["record"] + counts["same"]
    summary.below = counts["below"] + counts["still"]
    merged = journal.merged if journal.finished else feed.merged
    summary.merges = journal.merges if journal.finished else feed.merges
    summary.merged = counts["again"] + merged
    summary.corrections = journal.corrections or (feed.ledger.tally() if feed.ledger else {})
    summary.rejected = counts["reject"]
    summary.tagged = counts["record"] + counts["below"]
    summary.screened = summary.read - sum(counts.values()) - merged + counts["screened"]
    summary.faults = feed.faults
    summary.empty = feed.empty
    summary.unread = journal.unread
    summary.notes += (journal.notes if journal.finished else feed.notes) + _too_long(journal)


def _too_long(sink: Journal | finish.Stdout) -> list[str]:
    """What the user should know about trials of which some text was not read."""
    if not sink.unread:
        return []
    number, trial = sink.longest
    return [
        f"{sink.unread:,} trial{'s' * (sink.unread != 1)} longer than what is read; most in {trial}: "
        f"{number:,} characters were not; the records say which, under raw.{UNREAD}"
    ]


def _to_stdout(options: Options, parts: Parts, progress: Progress | None) -> Summary:
    if options.resume:
        raise BatchError("--resume needs an output file; standard output cannot be continued")
    lists = {"--rejects": options.rejects, "--screened": options.screened}
    files = tuple(writable(Path(name), f"{option} ") for option, name in lists.items() if name)
    guard_inputs(files, options)
    if len(files) == 2 and is_same(*files):
        raise OutputError(f"{files[0]}: is named for both lists; choose another name for one of them")
    sink = finish.Stdout(sys.stdout.buffer, options.rejects, options.screened)
    summary = Summary()
    started = time.monotonic()
    try:
        with _pool(options, parts, warm=True) as pool:
            feed = Feed(options.inputs, parts.reader, parts.hits(), options.keep_all, dedupe=options.dedupe)
            feed.ledger = ledger = _ledger(options)
            feed.listing = options.screened is not None
            _stream(options, parts, feed, sink, progress, pool)
        sink.close()
    except KeyboardInterrupt:
        raise Interrupted("interrupted; standard output ends at a whole record") from None
    except BrokenPipeError as fault:
        raise ReaderGone(sink.fault(fault)) from None
    except OSError as fault:
        raise OutputError(sink.fault(fault)) from None
    summary.read, summary.merged = feed.read, feed.merged
    summary.screened = feed.screened + sink.counts["screened"]
    summary.merges = feed.merges
    summary.written, summary.below = sink.counts["record"], sink.counts["below"]
    summary.rejected, summary.unread = sink.counts["reject"], sink.unread
    summary.notes = feed.notes + _too_long(sink) + sink.notes
    summary.tagged = summary.written + summary.below
    summary.faults = feed.faults
    summary.corrections = ledger.tally() if ledger else {}
    summary.seconds = time.monotonic() - started
    return summary
