"""Figures over time: growth by region, disease groups, technology."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cart_nlp.landscape.cohort import GROUPS, REGIONS
from cart_nlp.landscape.plots.style import MARKERS, PALETTE, Plot, canvas, empty, label, spoken, styled, whole
from cart_nlp.landscape.table import Table

ENOUGH = 10
"""Trials with a target that a year needs for a share."""
PANELS = ("costimulation", "vector", "cell source", "cell type")


def _whole(axes: Any) -> None:
    whole(axes.xaxis)
    whole(axes.yaxis)
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    axes.set_ylim(bottom=0)


def _lines(axes: Any, years: Sequence[int], series: Mapping[str, Sequence[float]]) -> None:
    for n, (name, values) in enumerate(series.items()):
        axes.plot(
            years,
            values,
            color=PALETTE[n % 8],
            marker=MARKERS[n % 8],
            markersize=4,
            linewidth=1.5,
            label=name,
        )


def _dated(table: Table) -> pd.DataFrame:
    frame = table.frame
    frame = frame[frame["year"].map(lambda year: str(year).isdigit()).astype(bool)].copy()
    frame["year"] = frame["year"].astype(int)
    return frame


def _mark_open(
    axes: Any, tables: Mapping[str, Table], say: bool = True, table: str = "trials_by_year"
) -> None:
    """Shade the years that are not over: their fall is no fall."""
    years = tables[table].frame
    still = [int(y) for y, over in zip(years["year"], years["year over"], strict=True) if over == "no"]
    low, high = axes.get_xlim()
    if still and still[0] - 0.5 < high:
        axes.axvspan(still[0] - 0.5, high, color="#F6E7D2", alpha=0.6, linewidth=0, zorder=0)
        if say:
            across = axes.get_xaxis_transform()
            axes.text(high, 1.0, "year not over ", transform=across, ha="right", va="bottom", fontsize=7)
        axes.set_xlim(low, high)


def _filled(frame: pd.DataFrame) -> pd.DataFrame:
    """With the years between in which no trial began: a line over them would tell trials that are not."""
    if frame.empty:
        return frame
    by = frame.set_index("year")
    return by.reindex(range(by.index.min(), by.index.max() + 1), fill_value=0).reset_index()


def targets_over_time(tables: Mapping[str, Table], top: int = 8) -> Plot:
    """Trials of the leading targets by start year, and their share of the year's trials with a target."""
    frame = tables["targets_by_year"].frame
    names = list(dict.fromkeys(frame["target"]))[:top]
    data = frame[frame["target"].isin(names)].reset_index(drop=True)
    with styled():
        figure, (left, right) = canvas(10.5, 4.2, 1, 2)
        if data.empty:
            empty(left, "no trial with a target states a start date")
            empty(right, "")
        else:
            years = list(range(int(data["year"].min()), int(data["year"].max()) + 1))
            of = {
                int(y): int(n) for y, n in zip(data["year"], data["year's trials with a target"], strict=True)
            }
            told = [y for y in years if of.get(y, 0) >= ENOUGH]
            for axes, column, what in (
                (left, "trials", "trials"),
                (right, "% of these", "% of the year's trials with a target"),
            ):
                at = {
                    (t, int(y)): float(v)
                    for t, y, v in zip(data["target"], data["year"], data[column], strict=True)
                }
                shown = years if axes is left else told
                _lines(axes, shown, {label(n, 16): [at.get((n, y), 0.0) for y in shown] for n in names})
                axes.set(xlabel="start year", ylabel=what)
                _whole(axes)
                _mark_open(axes, tables, say=axes is left)
            left.set_title("Leading targets by start year")
            left.legend(loc="upper left", fontsize=8)
    alt = (
        "Lines: trials of each leading target by start year; right: percent of the year's trials with a "
        f"target, for years with {ENOUGH} or more of them."
    )
    return Plot("targets_over_time", "Targets over time", figure, data, alt)


def growth(tables: Mapping[str, Table]) -> Plot:
    """Trials by start year with regions, and the cumulative count."""
    return _growth(tables, "trials_by_year", "start")


def registrations(tables: Mapping[str, Table]) -> Plot:
    """The same by year of registration."""
    return _growth(tables, "trials_by_registration_year", "registration")


def _growth(tables: Mapping[str, Table], table: str, axis: str) -> Plot:
    data = _dated(tables[table])
    with styled():
        figure, (left, right) = canvas(10, 4, 1, 2, width_ratios=(3, 2))
        if data.empty:
            empty(left, f"no trial has a date of {axis}")
            empty(right, "")
        else:
            years = list(data["year"])
            left.bar(years, data["trials"].astype(int), color="#D9D9D9", label="all trials", width=0.8)
            shown = [name for name in REGIONS if data[name].notna().all() and data[name].sum()]
            _lines(left, years, {name: list(data[name].astype(int)) for name in shown})
            left.set(title=f"Trials by {axis} year and region", xlabel=f"{axis} year", ylabel="trials")
            left.legend(loc="upper left", fontsize=8)
            right.step(years, data["cumulative"].astype(int), where="mid", color="black", linewidth=1.5)
            right.fill_between(years, data["cumulative"].astype(int), step="mid", color="#D9D9D9")
            right.set(title="Cumulative", xlabel=f"{axis} year", ylabel="trials")
            for axes in (left, right):
                _whole(axes)
                _mark_open(axes, tables, table=table)
    alt = (
        f"Bars: trials by {axis} year; lines: trials by region, a multinational trial in each of "
        "its regions; right: cumulative count."
    )
    return Plot("growth", f"Growth by region, by {axis} year", figure, data, alt)


def diseases(tables: Mapping[str, Table]) -> Plot:
    """Trials of each disease group by start year."""
    data = _filled(_dated(tables["disease_groups_by_year"]))
    with styled():
        figure, axes = canvas(7, 3.8)
        if data.empty:
            empty(axes, "no trial states a start date")
        else:
            _lines(
                axes,
                list(data["year"]),
                {name: list(data[name].astype(int)) for name in GROUPS if data[name].sum()},
            )
            axes.set(title="Disease groups by start year", xlabel="start year", ylabel="trials")
            if axes.lines:
                axes.legend(loc="upper left", fontsize=8)
            _whole(axes)
            _mark_open(axes, tables)
    return Plot(
        "disease_groups",
        "Disease groups over time",
        figure,
        data,
        "Lines: trials of each disease group by start year.",
    )


def technology(tables: Mapping[str, Table]) -> Plot:
    """The most frequent values of four fields by start year, counts of the trials that state them."""
    frame = (
        _dated(tables["technology_by_year"])
        if tables["technology_by_year"].rows
        else tables["technology_by_year"].frame
    )
    said = tables["technology_stated"]
    parts = []
    with styled():
        figure, grid = canvas(10, 6.4, 2, 2)
        for axes, field in zip(grid.flat, PANELS, strict=True):
            part = frame[frame["field"] == field]
            percent = said.value(field, "silent %")
            axes.set_title(
                f"{field} ({percent:.0f} % of product trials silent)" if isinstance(percent, float) else field
            )
            if part.empty:
                empty(axes, "no trial states it")
                continue
            wide = part.pivot(index="year", columns="value", values="trials").fillna(0).astype(int)
            top = list(wide.sum().sort_values(ascending=False, kind="stable").index[:6])
            wide = wide.reindex(range(wide.index.min(), wide.index.max() + 1), fill_value=0)[top]
            _lines(axes, list(wide.index), {label(spoken(str(name))): list(wide[name]) for name in top})
            axes.set(ylabel="trials that have it")
            axes.legend(loc="upper left", fontsize=7.5)
            _whole(axes)
            _mark_open(axes, tables, say=False)
            parts.append(part[part["value"].isin(top)])
        for axes in grid[1]:
            axes.set_xlabel("start year")
    data = pd.concat(parts) if parts else frame
    alt = (
        "Four panels of lines: trials by start year for the most frequent costimulatory "
        "domains, vectors, cell sources and cell types; shaded: the year is not over."
    )
    return Plot("technology", "Technology over time", figure, data, alt)
