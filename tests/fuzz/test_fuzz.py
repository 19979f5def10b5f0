"""A short run of the campaign in every test run, and all inputs that once broke something."""

from __future__ import annotations

import random
import time

import pytest
import structural
from campaign import main, mutated
from checks import check_readers
from hypothesis import given, settings
from hypothesis import strategies as st
from seeds import regressions, seeds


@pytest.mark.parametrize("name", seeds())
def test_seeds_are_well_formed(name: str) -> None:
    counts = check_readers(seeds()[name])
    assert counts["trials"] >= 1
    assert counts["refused"] == counts["rejected late"] == counts["rejected"] == 0


@pytest.mark.parametrize("name", regressions())
@pytest.mark.parametrize("size", [1, 64, 1 << 16])
def test_regressions(name: str, size: int) -> None:
    start = time.perf_counter()
    check_readers(regressions()[name], size)
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("name", seeds())
def test_every_prefix_is_survived(name: str) -> None:
    data = seeds()[name]
    for end in range(0, len(data), max(1, len(data) // 60)):
        check_readers(data[:end])


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_survived(data: bytes) -> None:
    check_readers(data)


def test_a_short_campaign(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--count", "400", "--seed", "11"]) == 0
    assert "400 inputs, seed 11" in capsys.readouterr().out


@pytest.mark.parametrize("layout", structural.LAYOUTS)
def test_one_damaged_record_harms_no_other(layout: str) -> None:
    """Each neighbor comes out as it was, and the damaged one as a trial or a reject."""
    for at in range(25):
        structural.check(random.Random(f"tests/{at}"), layout)


def test_the_campaign_is_the_same_every_time() -> None:
    pool = [*seeds().values()]
    pool = [each for each in pool if not each.startswith(b"PK")]  # archives carry the time of day
    runs = [[mutated(random.Random(at), pool) for at in range(50)] for _ in range(2)]
    same = [one == other for one, other in zip(*runs, strict=True)]
    assert same.count(False) <= 5  # those that were packed as an archive
