"""A tagger, a screen and a reader quick enough for tests of the stream; worker processes import this."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import os
import re
import signal
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import orjson

from cart_nlp.batch.jobs import Tagger, TaggerSource
from cart_nlp.batch.journal import Journal
from cart_nlp.batch.running import Parts
from cart_nlp.registries.entry import Entry, InputError, Reject, Rejected
from cart_nlp.schema import Construct, Evidence, Record, Trial

NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


def dump(path: Path, trials: list[dict[str, Any]] | int) -> Path:
    """Write trials (or so many made-up ones) as JSON lines; every second one is a candidate."""
    if isinstance(trials, int):
        trials = [
            {"id": f"T{n:05}", "title": f"CAR study {n}" if n % 2 == 0 else f"Other {n}"}
            for n in range(trials)
        ]
    lines = b"".join(orjson.dumps(trial) + b"\n" for trial in trials)
    path.write_bytes(gzip.compress(lines) if path.suffix == ".gz" else lines)
    return path


def parse(line: bytes) -> Trial:
    fields = orjson.loads(line)
    if not fields.get("id"):
        raise Rejected("record without an id")
    return Trial(id=fields["id"], registry="Test", sections={"brief_title": fields.get("title", "")})


def read(source: str, report: Callable[[str], None]) -> Iterator[Entry | Reject]:
    path = Path(source)
    if not path.is_file():
        raise InputError(f"{source}: no such file")
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.startswith(b"{"):
                found = re.search(rb'"id": ?"([^"]+)"', line)
                yield Entry(source, f"line {number}", line, line, parse, found[1].decode() if found else "")
            else:
                yield Reject(source, f"line {number}", None, "not JSON")


def screen() -> Callable[[bytes | str], bool]:
    return lambda text: b"CAR" in text if isinstance(text, bytes) else "CAR" in text


def record_of(trial: Trial, level: str = "") -> Record:
    title = trial.title()
    kind = level or ("mention" if "only mentioned" in title else "product")
    named = sorted(word for word in title.split() if word.startswith(("CD", "BCMA")))
    targets = tuple(named) if kind == "product" else ()
    return Record(
        trial_id=trial.id,
        registry=trial.registry,
        title=title,
        car_trial=kind,  # type: ignore[arg-type]
        car_score=0.9,
        targets=targets,
        multi_target=len(targets) > 1,
        constructs=(Construct(targets=targets, format="tandem"),) if targets else (),
        evidence=tuple(
            Evidence(
                field="targets",
                value=target,
                basis="text",
                section="brief_title",
                start=title.index(target),
                end=title.index(target) + len(target),
                text=target,
                rule="fake",
            )
            for target in targets
        ),
    )


class FakeTagger:
    """Does what the title says: fail, die, die once, sleep, spin; otherwise makes a record."""

    def __init__(self, folder: str, pace: float) -> None:
        self._folder = Path(folder)
        self._pace = pace
        self._note("loads")

    def _note(self, name: str) -> None:
        with (self._folder / name).open("a") as notes:
            notes.write(f"{os.getpid()}\n")

    def __call__(self, trial: Trial, level: str = "") -> Record:
        title = trial.title()
        if self._pace:
            time.sleep(self._pace)
        self._note("tagged")
        if "raises" in title:
            raise ValueError("bad luck\nover two lines")
        if "kills once" in title and not (self._folder / f"once-{trial.id}").exists():
            (self._folder / f"once-{trial.id}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if "kills always" in title:
            os.kill(os.getpid(), signal.SIGKILL)
        if "exits" in title:
            os._exit(3)
        if "hangs" in title:
            time.sleep(60)
        if "spins" in title:
            re.match(r"(?:a+)+$", "a" * 60 + "b")  # for years, holding the interpreter's lock
        return record_of(trial, level)


class Stepwise(FakeTagger):
    """The same in four steps, of which the third does what the title says; "slow" takes time in each."""

    def steps(self, trial: Trial) -> Generator[None, None, Record]:
        for step in range(4):
            if "slow" in trial.title():
                time.sleep(0.3)
            if step == 2:
                found = self(trial)
            yield
        return found


def load_stepwise(folder: str, pace: float) -> Tagger:
    return Stepwise(folder, pace)


def load(folder: str, pace: float) -> Tagger:
    return FakeTagger(folder, pace)


def refuse(folder: str, pace: float) -> Tagger:
    raise OSError("no model there")


def die_loading(folder: str, pace: float) -> Tagger:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def parts(folder: Path, pace: float = 0.0, loader: Any = load, now: datetime.datetime = NOW) -> Parts:
    """A run's parts with the fakes; what the tagger does is noted in files of the folder."""
    return Parts(TaggerSource(loader, (str(folder), pace)), screen, read, lambda: now)


@contextlib.contextmanager
def kept_journals() -> Iterator[list[bytes]]:
    """The journal of each run that ends meanwhile, as it is when all is tagged and nothing is written."""
    from unittest import mock

    kept: list[bytes] = []
    remove = Journal.remove

    def keep(journal: Journal) -> None:
        kept.append(journal.path.read_bytes())
        remove(journal)

    with mock.patch.object(Journal, "remove", keep):
        yield kept


def noted(folder: Path, name: str) -> list[int]:
    with contextlib.suppress(FileNotFoundError):
        return [int(line) for line in (folder / name).read_text().split()]
    return []
