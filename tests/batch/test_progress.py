"""What is told while a run works: the share that is done and the time left, where they are known."""

from __future__ import annotations

import gzip
import io
import os
import random
import re
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import batch_fakes as fakes
import orjson
import pytest

from cart_nlp.batch import Options, run
from cart_nlp.batch.meter import Meter, Reached
from cart_nlp.batch.running import real_parts
from cart_nlp.cli import _progress
from cart_nlp.registries import read
from cart_nlp.registries.dedupe import Merge


def dump(path: Path, count: int = 3_000) -> Path:
    """A file of trials, each with a kilobyte that no packing makes smaller."""
    dice = random.Random(1)
    lines = (
        orjson.dumps(
            {"id": f"NCT{n:08}", "brief_title": "CAR study", "brief_summary": dice.randbytes(500).hex()}
        )
        for n in range(count)
    )
    path.write_bytes(b"\n".join(lines))
    return path


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_txt", ".txt"), content)
    return path


def aact(path: Path) -> Path:
    dice = random.Random(1)
    numbers = [f"NCT{n:08}" for n in range(5_000)]
    studies = "\n".join(["nct_id|brief_title", *(f"{n}|CAR-T {dice.randbytes(100).hex()}" for n in numbers)])
    given = "\n".join(["id|nct_id|name", *(f"{i}|{n}|cells" for i, n in enumerate(numbers))])
    unused = dice.randbytes(100_000).hex().encode()
    return zipped(path, studies_txt=studies.encode(), interventions_txt=given.encode(), other_txt=unused)


def parquet(path: Path) -> Path:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet as pq

    dice = random.Random(1)
    rows = [{"id": f"NCT{n:08}", "title": dice.randbytes(50).hex()} for n in range(3_000)]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize("kind", ["plain", "gz", "zip", "aact", "parquet"])
def test_all_bytes_of_a_file_are_counted_bit_by_bit(tmp_path: Path, kind: str) -> None:
    if kind == "aact":
        path = aact(tmp_path / "aact.zip")
    elif kind == "parquet":
        path = parquet(tmp_path / "dump.parquet")
    else:
        path = dump(tmp_path / "dump.jsonl")
        if kind == "gz":
            path = tmp_path / "dump.jsonl.gz"
            path.write_bytes(gzip.compress((tmp_path / "dump.jsonl").read_bytes()))
        if kind == "zip":
            content = (tmp_path / "dump.jsonl").read_bytes()
            path = zipped(tmp_path / "dump.zip", a_jsonl=content, b_jsonl=content)
    meter = Meter.of([str(path)])
    steps: list[float | None] = []
    meter.moved = lambda: steps.append(meter.share)
    for _ in read(path, meter=meter):
        pass
    assert len(steps) >= 2
    assert meter.total == path.stat().st_size
    assert 0.97 <= meter.done / meter.total <= 1.03


def test_a_pipe_has_no_share(tmp_path: Path) -> None:
    path = dump(tmp_path / "dump.jsonl", 10)
    assert Meter.of([str(path), "-"]).total is None
    assert Meter.of([str(tmp_path / "not there")]).share is None
    assert Meter.of(["a\0b"]).share is None


@pytest.mark.parametrize("dedupe", [False, True])
def test_a_run_says_which_share_is_done(tmp_path: Path, dedupe: bool) -> None:
    options = Options(
        (str(dump(tmp_path / "dump.jsonl")),), str(tmp_path / "out.jsonl"), workers=0, dedupe=dedupe
    )
    real = real_parts(options)
    parts = replace(fakes.parts(tmp_path), reader=real.reader, meter=real.meter)
    told: list[Reached] = []
    summary = run(options, parts, told.append)
    assert told[-1] == Reached(3_000, summary.written, 0, 1.0, "tagging" if dedupe else "reading")
    for stage in ("reading", "tagging") if dedupe else ("reading",):
        shares = [each.share for each in told if each.stage == stage and each.share is not None]
        assert min(shares) < 0.5 and max(shares) <= 1.0
    # What is read and not yet tagged is not done; a megabyte is read at once.
    assert all(
        each.share is None or each.share <= 0.4 + each.written / 3_000
        for each in told
        if each.stage != "reading" or not dedupe
    )


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_line_has_percent_and_time_left_and_fits_60_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(_progress, "_PAUSE", 0.0)
    monkeypatch.setitem(os.environ, "COLUMNS", "60")
    monkeypatch.setitem(os.environ, "TERM", "xterm")
    with _progress.counting() as show:
        assert show is not None
        show("1,234,567 read, 12,345 written", None)
        assert "%" not in screen.getvalue()
        for done in range(1, 43):
            show("1,234,567 read, 12,345 written", done / 100)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())
    assert " 42% 1,234,567 read, 12,345 written 0:00:00 left 00:0" in plain
    assert max(map(len, re.split(r"[\r\n]+", plain))) <= 60


def test_nothing_is_drawn_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with _progress.counting() as show:
        assert show is None
    assert capsys.readouterr().err == ""


def test_a_number_that_stands_many_times_is_told_once() -> None:
    assert str(Merge("NCT1", ("NCT1",) * 249 + ("X2",), ("NCT1",))) == (
        "NCT1: merged NCT1 (249 records), X2 (by NCT1)"
    )
