"""A single figure: its value, trials, interval, and the fields that it rests on."""

from __future__ import annotations

from dataclasses import dataclass

from cart_nlp.landscape.cohort import Cohort, Period
from cart_nlp.landscape.intervals import poisson
from cart_nlp.landscape.table import Cell, Ids, share


@dataclass(frozen=True)
class Figure:
    """A value with what it rests on; `of` makes it a percentage, `low` and `high` its interval."""

    label: str
    value: Cell
    unit: str
    rests: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


def counted(label: str, ids: Ids, rests: tuple[str, ...] = (), unit: str = "trials") -> Figure:
    """A number of trials with its Poisson interval."""
    low, high = poisson(len(ids))
    return Figure(label, Cell(len(ids), ids), unit, rests, low, high)


def counted_in(period: Period, cohort: Cohort, label: str, ids: Ids, rests: tuple[str, ...]) -> Figure:
    """The same of a period: undefined where the data do not reach it; the unit tells where they cut it."""
    if not cohort.reaches(period):
        return Figure(label, Cell(None), "trials", rests)
    return counted(label, ids, rests, "trials (cut short)" if cohort.cuts(period) else "trials")


def shared(label: str, ids: Ids, of: Ids, rests: tuple[str, ...] = ()) -> Figure:
    """A percentage with its Wilson interval."""
    percent, low, high = share(ids, of)
    return Figure(label, percent, "%", rests, low.value, high.value)  # type: ignore[arg-type]
