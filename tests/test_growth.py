"""A text that is four times as long takes four times as long to tag, whatever it repeats."""

from __future__ import annotations

import pytest
from growth import KINDS, Clock

SIZE = 4_000
MOST = 7.5
"""Times as long at four times the size: linear is 4, quadratic 16; a busy machine takes its part."""


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize("kind", KINDS)
def test_time_grows_with_the_text(clock: Clock, kind: str) -> None:
    ratios = []
    for _ in range(3):  # again where the machine was busy
        ratios.append(clock(KINDS[kind](4 * SIZE)) / clock(KINDS[kind](SIZE), 2))
        if ratios[-1] <= MOST:
            return
    pytest.fail(f"{kind}: {min(ratios):.1f} times the time for four times the text")
