"""Figures of combinations: UpSet plot of multi-target trials, and target by indication by phase."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cart_nlp.landscape.cohort import PHASE_NAMES, PHASES
from cart_nlp.landscape.coverage import ABSENT
from cart_nlp.landscape.diseases import COLUMNS
from cart_nlp.landscape.plots.style import BLUE, PHASE_COLORS, Plot, canvas, empty, label, styled, whole
from cart_nlp.landscape.table import Table

NO_PHASE = "#FFFFFF"


def upset(tables: Mapping[str, Table], top: int = 25, sets: int = 18) -> Plot:
    """UpSet plot of the most frequent exact combinations of targets."""
    every = tables["combinations"].frame
    frame = every.head(top)
    data = frame[["targets", "size", "trials"]].reset_index(drop=True)
    members = [str(text).split(" + ") for text in data["targets"]]
    tally: dict[str, int] = {}
    for names, n in zip(members, data["trials"], strict=True):
        for name in names:
            tally[name] = tally.get(name, 0) + int(n)
    order = sorted(tally, key=lambda name: (-tally[name], name))[:sets]
    # A combination with a target beyond the rows shown would look like a smaller one: leave it out.
    shown = [all(name in order for name in names) for names in members]
    data, members = (
        data[shown].reset_index(drop=True),
        [m for m, keep in zip(members, shown, strict=True) if keep],
    )
    order = [name for name in order if any(name in m for m in members)]
    total = int(every["trials"].sum()) if len(every) else 0
    part = (
        f"{len(data)} of {len(every)} combinations, {int(data['trials'].sum()) if len(data) else 0} of "
        f"{total} trials"
    )
    with styled():
        if data.empty:
            figure, axes = canvas(6, 2.5)
            empty(axes, "no trial combines targets")
        else:
            figure, grid = canvas(
                3 + 0.3 * max(len(data), 8),
                2.4 + 0.22 * len(order),
                2,
                2,
                height_ratios=(2.2, 0.22 * len(order) + 0.2),
                width_ratios=(1.2, 0.3 * max(len(data), 8)),
                sharex="col",
            )
            _draw_upset(grid, data, members, order, tally, part)
    alt = (
        "UpSet plot: bars count the trials of each exact combination of targets, dots below "
        f"tell which targets it joins. Shown: {part}; a trial with two combinations counts in both."
    )
    return Plot("upset", "Combinations of targets", figure, data, alt)


def _draw_upset(
    grid: Any,
    data: pd.DataFrame,
    members: list[list[str]],
    order: list[str],
    tally: Mapping[str, int],
    part: str,
) -> None:
    (corner, top), (side, matrix) = grid
    corner.axis("off")
    columns = range(len(data))
    counts = [int(n) for n in data["trials"]]
    top.bar(columns, counts, color=BLUE, width=0.65)
    for x, n in zip(columns, counts, strict=True):
        top.text(x, n + max(counts) * 0.015, str(n), ha="center", fontsize=8)
    top.set(ylabel="trials", title=f"Exact combinations of targets\n({part})", ylim=(0, max(counts) * 1.12))
    whole(top.yaxis)
    top.tick_params(axis="x", length=0, labelbottom=False)
    for row in range(0, len(order), 2):
        matrix.axhspan(row - 0.5, row + 0.5, color="#F2F2F2", linewidth=0)
    for x, names in enumerate(members):
        rows = sorted(order.index(name) for name in names)
        matrix.plot([x] * len(order), range(len(order)), "o", color="#D5D5D5", markersize=5)
        matrix.plot([x] * len(rows), rows, "-o", color="black", markersize=5.5, linewidth=1.6)
    matrix.set(ylim=(len(order) - 0.5, -0.5), xlim=(-0.6, len(data) - 0.4))
    matrix.set_yticks(range(len(order)), [label(name, 16) for name in order])
    matrix.set_xticks([])
    matrix.tick_params(axis="y", length=0)
    for spine in matrix.spines.values():
        spine.set_visible(False)
    side.barh(range(len(order)), [tally[name] for name in order], color="#777777", height=0.6)
    side.set(ylim=(len(order) - 0.5, -0.5), xlabel="trials shown")
    whole(side.xaxis, 2)
    side.invert_xaxis()
    side.set_yticks([])
    side.spines["left"].set_visible(False)
    side.spines["right"].set_visible(True)


def reach(tables: Mapping[str, Table], targets: int = 18) -> Plot:
    """Bubbles: targets by columns of the reporting tree; size is trials, color the highest phase."""
    from matplotlib.lines import Line2D

    frame: Any = tables["target_column_phase"].frame
    if frame.empty:
        with styled():
            figure, axes = canvas(6, 2.5)
            empty(axes, "no trial has both a target and an indication")
        return Plot("target_column_phase", "Targets, diseases and phases", figure, frame, "Nothing to show.")
    rows = [name for name in tables["targets"].frame["target"] if name in set(frame["target"])][:targets]
    data = frame[frame["target"].isin(rows)].reset_index(drop=True)
    columns = [name for name in COLUMNS if name in set(data["column"])]
    with styled():
        figure, axes = canvas(3.9 + 0.46 * len(columns), 3.0 + 0.36 * len(rows))
        names = [PHASE_NAMES[p] for p in PHASES]
        most = max(int(n) for n in data["trials"])
        for one in data.itertuples():
            at = (columns.index(one.column), rows.index(one.target))
            phase = one[4]
            color = PHASE_COLORS[names.index(phase)] if phase in names else NO_PHASE
            axes.scatter(
                *at,
                s=18 + 420 * int(one.trials) / most,
                color=color,
                edgecolor="#333333",
                linewidth=0.6,
                zorder=3,
            )
        axes.set_xticks(
            range(len(columns)),
            [label(c) for c in columns],
            rotation=45,
            ha="right",
            rotation_mode="anchor",
        )
        axes.set_yticks(range(len(rows)), [label(r, 16) for r in rows])
        axes.set(xlim=(-0.7, len(columns) - 0.3), ylim=(len(rows) - 0.3, -0.7))
        axes.grid(axis="both", color="#E8E8E8", linewidth=0.6)
        seen = [n for n in names if n in set(data["highest phase"])]
        handles = [_dot(Line2D, PHASE_COLORS[names.index(n)], 8, n) for n in seen]
        if data["highest phase"].isna().any():
            lost = "phase" in tables["phases"].missing
            handles.append(_dot(Line2D, NO_PHASE, 8, ABSENT if lost else "no phase"))
        # One legend for both: the layout does not see a second one.
        handles += [Line2D([], [], linestyle="", label=""), Line2D([], [], linestyle="", label="trials")]
        sizes = sorted({1, max(1, most // 4), most})
        handles += [_dot(Line2D, "#CCCCCC", (18 + 420 * n / most) ** 0.5, str(n)) for n in sizes]
        axes.legend(
            handles=handles,
            title="highest phase",
            loc="upper left",
            bbox_to_anchor=(1.005, 1),
            fontsize=8,
            labelspacing=0.9,
            alignment="left",
        )
        axes.set_title("Highest phase by target and disease")
    alt = (
        "Bubbles: rows are the targets with most trials, columns those of the reporting tree, which do not "
        "overlap; "
        "size is the number of trials, color the highest phase reached."
    )
    return Plot("target_column_phase", "Targets, diseases and phases", figure, data, alt)


def _dot(kind: type, color: str, size: float, text: str) -> object:
    return kind(
        [],
        [],
        marker="o",
        linestyle="",
        markerfacecolor=color,
        markeredgecolor="#333333",
        markersize=size,
        label=text,
    )
