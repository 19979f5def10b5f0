"""Figures of what became of trials: results, time to publication, reasons to stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cart_nlp.landscape.plots.shares import HIGH, LOW
from cart_nlp.landscape.plots.style import (
    BLUE,
    GREY,
    MARKERS,
    PALETTE,
    Plot,
    bars,
    canvas,
    empty,
    label,
    styled,
)
from cart_nlp.landscape.table import Table


def publication_time(tables: Mapping[str, Table]) -> Plot:
    """Kaplan–Meier: percent of completed trials with a results paper by the months since completion."""
    frame: Any = tables["time_to_publication"].frame
    months = [c for c in frame.columns if c.removesuffix(" months").isdigit()]
    data = frame[frame[months].notna().any(axis=1)].reset_index(drop=True)
    with styled():
        figure, axes = canvas(7, 3.6)
        if data.empty:
            empty(axes, "no dates of publications: join an export with --pubmed")
            data = frame
        else:
            for n, (_, row) in enumerate(data.iterrows()):
                points = [(0, 0.0)] + [
                    (int(m.split()[0]), float(row[m]))
                    for m in months
                    if row[m] == row[m] and row[m] is not None
                ]
                axes.plot(
                    *zip(*points, strict=True),
                    marker=MARKERS[n],
                    color=PALETTE[n],
                    label=f"{row['group']} ({int(row['followed'])})",
                )
            axes.set(
                xlabel="months since completion",
                ylabel="% with published results",
                ylim=(0, None),
                xlim=(0, None),
            )
            axes.legend(title="completed trials followed", fontsize=8, loc="upper left", alignment="left")
            axes.set_title("Time from completion to publication (Kaplan–Meier)")
            axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    alt = (
        "Lines: estimated percent of completed trials whose results were published by so many months "
        "after completion."
    )
    return Plot("time_to_publication", "Time to publication", figure, data, alt)


def transparency(tables: Mapping[str, Table]) -> Plot:
    """Share of completed trials with results, with Wilson intervals."""
    frame = tables["transparency"].frame
    data = frame[(frame["group"] != "country") & frame["%"].notna()].reset_index(drop=True)
    with styled():
        figure, axes = canvas(7.5, 1.0 + 0.29 * max(len(data), 4))
        if data.empty:
            empty(
                axes,
                "no completed trial"
                if frame["either"].notna().any()
                else "posted results or publications: not in this export",
            )
        else:
            rows: list[float] = []
            step = 0.0
            for row in range(len(data)):
                step += 0.6 if row and data["group"][row] != data["group"][row - 1] else 0.0
                rows.append(row + step)
            axes.hlines(rows, data[LOW].astype(float), data[HIGH].astype(float), color=GREY, linewidth=2)
            axes.plot(data["%"].astype(float), rows, "o", color=BLUE)
            for at, value, n, of in zip(rows, data[HIGH], data["either"], data["trials"], strict=True):
                axes.text(float(value) + 1.5, at, f"{n}/{of}", va="center", fontsize=8)
            names = [
                str(v) if g == "all" else f"{g}: {v}"
                for g, v in zip(data["group"], data["value"], strict=True)
            ]
            axes.set_yticks(
                rows, [label(n.replace("all", "all completed trials", 1) if n == "all" else n) for n in names]
            )
            axes.set(
                xlim=(0, 112),
                ylim=(max(rows) + 0.6, -0.6),
                xlabel="% with posted results or a publication (95 % Wilson interval)",
            )
            axes.set_xticks(range(0, 101, 20))
            axes.grid(axis="x", color="#DDDDDD", linewidth=0.6)
            axes.set_title("Results of completed trials")
    return Plot(
        "transparency",
        "Results of completed trials",
        figure,
        data,
        "Dots with intervals: share of completed trials with results.",
    )


def stopped(tables: Mapping[str, Table]) -> Plot:
    """Reasons why trials were stopped."""
    data = tables["stop_reasons"].frame
    with styled():
        figure, axes = canvas(7, 0.9 + 0.28 * max(len(data), 4))
        names, values = list(data["reason"]), [int(n) for n in data["trials"]]
        bars(axes, names, values)
        for bar, name in zip(axes.patches, names, strict=False):
            bar.set_color(GREY if name in ("other", "not stated") else BLUE)
        axes.set(
            title="Reasons of stopped trials; a reason may fall into several groups",
            xlabel="trials" if names else "",
        )
    return Plot(
        "stop_reasons", "Why trials were stopped", figure, data, "Bars: stopped trials by group of reason."
    )
