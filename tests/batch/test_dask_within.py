"""Dask without --scheduler: all within the process, no port is open, crashes and stalls are survived."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import batch_fakes as fakes
import pytest

from cart_nlp.batch import Options, run
from cart_nlp.registries.entry import Entry, Reject

pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # distributed and tornado warn about their own shutdown
    pytest.mark.slow,
]


def listening(pids: set[int]) -> list[str]:
    """Addresses at which one of these processes waits for connections."""
    sockets = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            sockets |= {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
    found = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if f"socket:[{columns[9]}]" in sockets and columns[3] in ("0A", "07"):
                found.append(columns[1])
    return found


def family(pid: int) -> set[int]:
    children = Path(f"/proc/{pid}/task").glob("*/children")
    found = {pid}
    with contextlib.suppress(OSError):
        for child in {int(word) for path in children for word in path.read_text().split()}:
            found |= family(child)
    return found


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="needs /proc")
def test_the_dask_of_a_run_listens_nowhere_and_keeps_to_the_time(tmp_path: Path) -> None:
    """Without --scheduler all is within the process: the same bytes, crashes and stalls survived."""
    trials = [{"id": f"T{n}", "title": ["CAR of CD19", "CAR raises", "x"][n % 3]} for n in range(120)]
    trials[30]["title"], trials[60]["title"] = "CAR kills always", "CAR spins"
    source = fakes.dump(tmp_path / "in.jsonl", trials)
    local = Options((str(source),), str(tmp_path / "local.jsonl"), timeout=1.5, workers=2)
    run(local, fakes.parts(tmp_path))
    spread = dataclasses.replace(local, out=str(tmp_path / "dask.jsonl"), engine="dask")
    seen: list[str] = []
    over = threading.Event()

    def watch() -> None:
        before = set(listening({os.getpid()}))
        while not over.wait(0.05):
            own = family(os.getpid())
            if len(fakes.noted(tmp_path, "tagged")) > 100:  # in the midst of it
                seen.extend(set(listening(own)) - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    summary = run(spread, fakes.parts(tmp_path))
    over.set()
    watcher.join()
    assert (summary.written, summary.rejected) == (38, 42)
    assert Path(spread.out).read_bytes() == Path(local.out).read_bytes()
    rejects = [(tmp_path / f"{name}.jsonl.rejects.jsonl").read_bytes() for name in ("local", "dask")]
    assert rejects[0] == rejects[1]
    assert seen == []
    pids = set(fakes.noted(tmp_path, "tagged"))
    until = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_record_whose_parser_cannot_be_pickled_beside_one_that_makes_no_trial(tmp_path: Path) -> None:
    def reader(source: str, report: Callable[[str], None]) -> Iterator[Entry | Reject]:
        for entry in fakes.read(source, report):
            assert isinstance(entry, Entry)
            yield (entry._replace(parse=lambda line: fakes.parse(line)) if b"0" in entry.text else entry)

    source = fakes.dump(tmp_path / "in.jsonl", [{"id": "T0", "title": "CAR"}, {"id": "", "title": "CAR"}])
    parts = dataclasses.replace(fakes.parts(tmp_path), reader=reader)
    summary = run(Options((str(source),), str(tmp_path / "o.jsonl"), engine="dask"), parts)
    assert (summary.written, summary.rejected) == (1, 1)
