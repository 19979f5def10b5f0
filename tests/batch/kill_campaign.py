"""Kill -9 real `cart-nlp tag` runs at random moments, resume, compare: `python kill_campaign.py --help`."""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
GOLD = ROOT / "benchmarks" / "gold" / "trials.jsonl"
COMMAND = (sys.executable, "-c", "from cart_nlp.cli import main; main()", "tag")
FAULTY = b'{"brief_title": "CAR-T cells, but no number"}\n'
KINDS: dict[str, tuple[str, ...]] = {
    "jsonl": (),
    "csv": (),
    "parquet": (),
    "xlsx": (),
    "duckdb": (),
    "update": (),
    "dedupe": ("--dedupe",),
    "dask": ("--engine", "dask"),
}
"""Suffixes of the output, and further ways to run, with their options; `update` is a DuckDB store that has
an older dump already."""
SUFFIXES = {"update": "duckdb", "dedupe": "jsonl", "dask": "jsonl"}
PATIENCE = 600.0


class Fault(Exception):
    """A resumed run whose files are not those of the unbroken one."""


@dataclass
class Whole:
    """The unbroken run of one kind: the folder of its files, how long it took and how it ended."""

    folder: Path
    out: Path
    seconds: float
    code: int


@dataclass
class Tally:
    """What the campaign found."""

    runs: int = 0
    kills: int = 0
    missed: int = 0
    moments: list[float] = field(default_factory=list)
    stages: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)


def lines_of(dump: Path) -> list[bytes]:
    """The lines of a dump, every 50th followed by one that must be rejected."""
    with gzip.open(dump) if dump.suffix == ".gz" else dump.open("rb") as source:
        lines = [line for line in source if line.strip()]
    return [made for at, line in enumerate(lines) for made in ((line, FAULTY) if at % 50 == 7 else (line,))]


def older(lines: list[bytes]) -> list[bytes]:
    """A dump before it: some trials are not there yet, some vanish later, some had another text."""
    found = []
    for at, line in enumerate(lines):
        if at % 5 == 1:
            continue
        if at % 7 == 2 and line != FAULTY:
            trial = json.loads(line)
            trial["brief_summary"] = "An earlier text, of CAR-T cells against CD19."
            line = json.dumps(trial).encode() + b"\n"
        found.append(line)
        if at % 40 == 3 and line != FAULTY:
            trial = json.loads(line)
            trial["id"] = "NCT9" + f"{at:07}"
            found.append(json.dumps(trial).encode() + b"\n")
    return found


def start(source: Path, out: Path, workers: int, *more: str) -> subprocess.Popen[bytes]:
    """Start a run as the head of its own process group."""
    command = [*COMMAND, str(source), "-o", str(out), "--workers", str(workers), *more]
    with out.with_name("said.txt").open("wb") as said:
        return subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=said, start_new_session=True)


def ended(source: Path, out: Path, workers: int, *more: str) -> int:
    """Run to the end; the exit code."""
    job = start(source, out, workers, *more)
    try:
        return job.wait(PATIENCE)
    finally:
        _kill(job)


def unbroken(kind: str, source: Path, base: Path | None, folder: Path) -> Whole:
    """What a run of this kind gives when nothing happens to it."""
    folder.mkdir()
    out = _place(kind, folder, base)
    began = time.monotonic()
    code = ended(source, out, 1, *KINDS[kind])
    seconds = time.monotonic() - began
    if code != 1 or not out.exists() or not Path(f"{out}.rejects.jsonl").exists():
        raise Fault(
            f"{kind}: the unbroken run ended with {code}: {out.with_name('said.txt').read_text()[-500:]}"
        )
    return Whole(folder, out, seconds, code)


def broken(
    kind: str, source: Path, base: Path | None, folder: Path, whole: Whole, chance: random.Random,
    workers: int, kills: int, tally: Tally,
) -> int:  # fmt: skip
    """Kill one run so many times, resume it to its end and compare; how many of the kills struck.

    Seven in ten kills fall anywhere in the run, the others after the first file of its end has shown:
    outputs are written in a small part of the time and would be met too seldom.
    """
    folder.mkdir()
    out = _place(kind, folder, base)
    struck = 0
    for turn in range(kills):
        before = dict(_left(out))
        # The first start goes without --resume, as a user's would.
        job = start(source, out, workers, *KINDS[kind], *(["--resume"] if turn else []))
        began = time.monotonic()
        late = chance.random() < 0.3
        moment = chance.uniform(0.0, whole.seconds)
        try:
            if late:
                _until_written(job, out, before, whole.seconds * 5)
                moment = chance.choice((0.0, chance.uniform(0.0, 0.03), chance.uniform(0.0, 0.2)))
            with contextlib.suppress(subprocess.TimeoutExpired):
                job.wait(moment)
        finally:
            _kill(job)
        if job.returncode != -signal.SIGKILL:  # it had ended before
            tally.missed += 1
            break
        struck += 1
        stage = _stage(out, before)
        tally.stages[stage] += 1
        tally.moments.append(time.monotonic() - began)
        _check_place(kind, out, whole, base)
    if not struck:
        return 0
    code = ended(source, out, workers, *KINDS[kind], "--resume")
    if code != whole.code:
        raise Fault(f"exit {code} instead of {whole.code}: {out.with_name('said.txt').read_text()[-500:]}")
    difference = compared(out, whole.out)
    if difference:
        raise Fault(difference)
    return struck


def compared(out: Path, whole: Path) -> str | None:
    """What differs between the files of two runs; None if nothing does."""
    names = ({path.name for path in folder.iterdir()} for folder in (out.parent, whole.parent))
    first, second = (found - {"said.txt"} for found in names)
    if first != second:
        return f"other files: {sorted(first ^ second)}"
    for name in sorted(first):
        ours, theirs = out.with_name(name), whole.with_name(name)
        if name.endswith(".run.json"):
            counts = [
                {key: json.loads(path.read_bytes())[key] for key in ("counts", "key")}
                for path in (ours, theirs)
            ]
            if counts[0] != counts[1]:
                return f"{name}: {counts[0]} instead of {counts[1]}"
        elif name.endswith(".duckdb"):
            if tables(ours) != tables(theirs):
                return f"{name}: {_differing(tables(ours), tables(theirs))}"
        elif ours.read_bytes() != theirs.read_bytes():
            return f"{name}: other bytes ({ours.stat().st_size:,} instead of {theirs.stat().st_size:,})"
    return None


def tables(store: Path) -> dict[str, list[Any]]:
    """All rows of all tables of a store, sorted, but `marks` and `marking`, which only spare the next run
    work; of times only their order counts."""
    import duckdb

    with duckdb.connect(str(store), read_only=True) as base:
        times = base.execute("SELECT started FROM runs ORDER BY started").fetchall()
        rank = {time: number for number, (time,) in enumerate(times)} | {None: None}
        found: dict[str, list[Any]] = {}
        names = "SELECT table_name FROM duckdb_tables() WHERE table_name NOT LIKE 'mark%' ORDER BY 1"
        for (name,) in base.execute(names).fetchall():
            rows = base.execute(f"SELECT * FROM {name}").fetchall()
            heads = [column[0] for column in base.description or ()]
            timed = {"since", "until", "first_seen", "last_seen", "vanished", "started"}
            found[name] = sorted(
                repr(
                    [
                        rank[cell] if head in timed else cell
                        for head, cell in zip(heads, row, strict=True)
                        if head != "session"
                    ]
                )
                for row in rows
            )
    return found


def _differing(ours: dict[str, list[Any]], theirs: dict[str, list[Any]]) -> str:
    for name in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(name, []), theirs.get(name, [])
        if one != other:
            rows = sorted(set(one) ^ set(other))[:2]
            return (
                f"table {name}: {len(one)} rows instead of {len(other)}, e.g. {[row[:200] for row in rows]}"
            )
    return "nothing"


def _check_place(kind: str, out: Path, whole: Whole, base: Path | None) -> None:
    """After a kill the output is absent, as it was before, or whole: never a half."""
    if not out.exists():
        return
    if kind not in ("duckdb", "update"):
        if out.read_bytes() != whole.out.read_bytes():
            raise Fault(f"{out.name} stands there after a kill and is not whole")
        return
    with tempfile.TemporaryDirectory() as copies:
        copy = Path(copies) / out.name
        for ending in ("", ".wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(f"{out}{ending}", f"{copy}{ending}")
        found = tables(copy)
    wanted = [tables(whole.out)] + ([tables(base)] if base and kind == "update" else [])
    if found not in wanted:
        raise Fault(
            f"{out.name} after a kill is neither what it was nor whole: {_differing(found, wanted[0])}"
        )


def _place(kind: str, folder: Path, base: Path | None) -> Path:
    out = folder / f"out.{SUFFIXES.get(kind, kind)}"
    if kind == "update":
        assert base is not None
        shutil.copy(base, out)
    return out


def _left(out: Path) -> Iterator[tuple[str, int]]:
    """The journal, and files that are only there while outputs are written, with their times."""
    for ending in (".journal", "-part", ".wal"):
        for path in out.parent.glob(f"*{ending}"):
            with contextlib.suppress(FileNotFoundError):  # renamed this moment
                yield path.name, path.stat().st_mtime_ns


def _writes(out: Path, before: dict[str, int]) -> bool:
    """Whether such a file has come or changed: an earlier kill may have left some."""
    return any(before.get(name) != time for name, time in _left(out) if not name.endswith(".journal"))


def _until_written(job: subprocess.Popen[bytes], out: Path, before: dict[str, int], seconds: float) -> None:
    """Wait for the first file that is written when all is tagged."""
    until = time.monotonic() + seconds
    while job.poll() is None and time.monotonic() < until and not _writes(out, before):
        time.sleep(0.001)


def _stage(out: Path, before: dict[str, int]) -> str:
    """Where a run was when it was killed, by the files that it has left."""
    journal = Path(f"{out}.journal")
    if before and dict(_left(out)) == before:
        return "starting"
    if _writes(out, before):
        return "writing the outputs"
    if not journal.exists():
        return "journal removed, about to exit" if Path(f"{out}.run.json").exists() else "starting"
    if Path(f"{out}.run.json").exists() or (out.suffix != ".duckdb" and out.exists()):
        return "between renames"
    return "tagging" if journal.read_bytes().count(b"\n") > 1 else "loading"


def _kill(job: subprocess.Popen[bytes]) -> None:
    if job.poll() is None:  # its number is still its own
        os.killpg(job.pid, signal.SIGKILL)
        job.wait(30)


def campaign(
    dump: Path, folder: Path, count: int, seed: int, kinds: list[str], workers: list[int], most: int,
    say: Any = print,
) -> Tally:  # fmt: skip
    """Break so many runs of each worker count in turn; raises Fault at the first that differs."""
    chance = random.Random(seed)
    lines = lines_of(dump)
    source = folder / "in.jsonl"
    source.write_bytes(b"".join(lines))
    base = None
    if "update" in kinds:
        before = folder / "before.jsonl"
        before.write_bytes(b"".join(older(lines)))
        (folder / "base").mkdir()
        base = folder / "base" / "out.duckdb"
        code = ended(before, base, 1)
        if code != 1:
            raise Fault(f"the older store: exit {code}: {base.with_name('said.txt').read_text()[-500:]}")
    wholes: dict[str, Whole] = {}
    tally = Tally()
    attempts = 0
    while tally.runs < count:
        if tally.missed > 20 + 4 * count:
            raise Fault("too few kills strike; give a larger dump")
        kind = kinds[tally.runs % len(kinds)]
        number = workers[(tally.runs // len(kinds) + tally.runs) % len(workers)]
        kills = chance.randint(1, most)
        if kind not in wholes:
            wholes[kind] = unbroken(kind, source, base, folder / f"whole-{kind}")
            say(f"unbroken {kind}: {wholes[kind].seconds:.1f} s", flush=True)
        attempts += 1
        place = folder / f"run-{attempts}"
        name = f"run {tally.runs + 1} ({kind}, workers {number}, seed {seed})"
        try:
            struck = broken(kind, source, base, place, wholes[kind], chance, number, kills, tally)
        except Fault as fault:
            raise Fault(f"{name}: {fault}; its files are in {place}") from None
        shutil.rmtree(place)
        if struck:
            tally.runs += 1
            tally.kills += struck
            tally.kinds[f"{kind}, workers {number}"] += 1
            at = ", ".join(f"{moment:.2f}" for moment in tally.moments[-struck:])
            say(f"{name}: killed after {at} s, resumed, the same", flush=True)
    return tally


def main(arguments: list[str]) -> int:
    """Run a campaign and print its figures; exit 1 at the first run that does not end with the same files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20, help="runs in which at least one kill strikes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dump", type=Path, default=GOLD, help="JSON lines with this project's field names")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=["jsonl", "csv", "duckdb", "update"])
    parser.add_argument("--most", type=int, default=3, help="kills of one run at most")
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    try:
        found = campaign(
            chosen.dump, folder, chosen.count, chosen.seed, chosen.kinds, chosen.workers, chosen.most
        )
    except Fault as fault:
        print(f"{fault}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    print(f"{found.runs} of {chosen.count} runs the same, {found.kills} kills, {found.missed} came too late")
    print(f"struck while: {dict(found.stages)}")
    print(f"runs: {dict(found.kinds)}; {time.monotonic() - began:.0f} s in all")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
