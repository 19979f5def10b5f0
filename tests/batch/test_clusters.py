"""The commands of docs/clusters.md, run as they stand there, give the records of one process."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DUMP = ROOT / "benchmarks" / "sample" / "trials.jsonl"
PAGE = (ROOT / "docs" / "clusters.md").read_text("utf-8")
pytestmark = pytest.mark.slow
_DASK = (
    'dask() { exec python -m dask "$@"; }\n'  # an environment that others share has no command of that name
    "cart-nlp() { python -c 'from cart_nlp.cli import main; main()' \"$@\"; }\n"
)


def blocks(title: str) -> list[str]:
    """The shell blocks of a section."""
    section = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    (text,) = [part for part in section if part.startswith(title)]
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "dump.jsonl").write_bytes(DUMP.read_bytes())
    yield tmp_path


def shell(folder: Path, script: str, **variables: str) -> None:
    place = str(Path(sys.executable).parent)
    done = subprocess.run(
        ["bash", "-euc", _DASK + script],
        cwd=folder,
        env={**os.environ, **variables, "PATH": f"{place}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def of_one(folder: Path) -> bytes:
    shell(folder, "cart-nlp tag dump.jsonl -o one.jsonl")
    found = (folder / "one.jsonl").read_bytes()
    assert found.count(b"\n") > 20
    return found


def test_a_dask_cluster_gives_the_records_of_one_process(folder: Path) -> None:
    pytest.importorskip("distributed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    start, tag = (block.replace("8786", port) for block in blocks("Dask"))
    shell(folder, f"trap 'kill $(jobs -p)' EXIT\n{start}{tag}")
    assert (folder / "dask.jsonl").read_bytes() == of_one(folder)


def test_the_tasks_of_an_array_give_the_records_of_one_process(folder: Path) -> None:
    split, task, join = blocks("A SLURM array")
    shell(folder, split)
    assert b"".join(p.read_bytes() for p in sorted((folder / "parts").iterdir())) == DUMP.read_bytes()
    for number in ("1", "2", "3"):
        shell(folder, task, SLURM_ARRAY_TASK_ID=number)
    shell(folder, join)
    assert (folder / "array.jsonl").read_bytes() == of_one(folder)
