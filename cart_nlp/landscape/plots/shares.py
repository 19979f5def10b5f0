"""Figures of shares and counts: countries, targets, phases, sponsors, transparency, reasons to stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cart_nlp.landscape.cohort import PHASE_NAMES, PHASES
from cart_nlp.landscape.coverage import ABSENT
from cart_nlp.landscape.phases import WIDE
from cart_nlp.landscape.plots.style import (
    BLUE,
    GREEN,
    ORANGE,
    PHASE_COLORS,
    Plot,
    bars,
    canvas,
    empty,
    label,
    styled,
    whole,
)
from cart_nlp.landscape.table import Table

LOW, HIGH = "95 % low", "95 % high"


def countries(tables: Mapping[str, Table], top: int = 20) -> Plot:
    """The countries with most trials."""
    data = tables["countries"].frame.head(top)
    with styled():
        figure, axes = canvas(7, 0.9 + 0.24 * max(len(data), 4))
        bars(axes, list(data["country"]), [int(n) for n in data["trials"]])
        axes.set(title="Trials by country; a multinational trial counts in each", xlabel="trials")
    return Plot(
        "countries",
        "Trials by country",
        figure,
        data,
        "Bars: trials in each country, the most frequent first.",
    )


def organs(tables: Mapping[str, Table]) -> Plot:
    """Solid tumors by organ system, split by phase."""
    data: Any = tables["organ_systems"].frame
    names = [*(PHASE_NAMES[p] for p in PHASES), "no phase"]
    colors = [*PHASE_COLORS, "#DDDDDD"]
    with styled():
        figure, axes = canvas(9, 1.3 + 0.3 * max(len(data), 4))
        if data.empty or not data["trials"].sum():
            empty(axes, "no solid tumor trial")
        else:
            rows = list(range(len(data)))
            left = [0] * len(data)
            known = [name for name in names if data[name].notna().all() and data[name].sum()]
            for name in known:
                part = [int(n) for n in data[name]]
                axes.barh(rows, part, left=left, color=colors[names.index(name)], label=name, height=0.74)
                left = [a + b for a, b in zip(left, part, strict=True)]
            if not known:
                left = [int(n) for n in data["trials"]]
                axes.barh(rows, left, color=BLUE, height=0.74)
            for row, n, share in zip(rows, data["trials"], data["%"], strict=True):
                axes.text(
                    int(n) + max(left) * 0.01,
                    row,
                    f"{int(n)} ({float(share):.1f} %)",
                    va="center",
                    fontsize=8,
                )
            axes.set_yticks(rows, [label(n, 40) for n in data["organ system"]])
            axes.set(
                xlim=(0, max(left) * 1.18),
                ylim=(len(data) - 0.4, -0.6),
                xlabel="trials (% of the solid tumor trials)",
            )
            if known:
                axes.legend(
                    title="phase", loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=8, alignment="left"
                )
            axes.set_title(f"Solid tumors by organ system{' and phase' if known else ''}")
            whole(axes.xaxis)
    alt = (
        "Stacked bars: solid tumor trials of each organ system by phase; a trial of several organs "
        "counts in each."
    )
    return Plot("organ_systems", "Solid tumors by organ system", figure, data, alt)


def targets(tables: Mapping[str, Table], top: int = 12) -> Plot:
    """Target shares within hematological, solid and autoimmune trials, with Wilson intervals."""
    groups = ("hematological", "solid", "autoimmune")
    frames = {g: tables[f"targets_{g}"].frame.head(top) for g in groups}
    with styled():
        figure, panels = canvas(11, 4.4, 1, 3)
        for axes, color, (group, part) in zip(panels, (BLUE, ORANGE, GREEN), frames.items(), strict=True):
            names = list(part["target"])
            values, low, high = ([float(v) for v in part[c]] for c in ("%", LOW, HIGH))
            bars(axes, names, values, color, " %", (low, high), width=16)
            axes.set_title(group)
            if names:
                axes.set_xlabel("% of trials with a target")
    held = [part.assign(group=g) for g, part in frames.items() if len(part)]
    data = pd.concat(held, ignore_index=True) if held else frames["solid"].assign(group="")
    alt = "Bars in three panels: share of trials aimed at each target, with 95 % Wilson intervals."
    return Plot("targets", "Targets by disease group", figure, data, alt)


def phases(tables: Mapping[str, Table], top: int = 6) -> Plot:
    """Phase mix by country or region and by disease group, of the trials with a phase."""
    place, disease = tables["phases_by_country"].frame, tables["phases_by_disease"].frame
    parts = {
        "country or region": place.rename(columns={"country or region": "group"}).pipe(
            lambda f: pd.concat([f[~f["group"].isin(WIDE)].head(top), f[f["group"].isin(WIDE)]])
        ),
        "disease group": disease.rename(columns={"disease group": "group"}),
    }
    held = [part.assign(kind=kind) for kind, part in parts.items() if len(part)]
    data = pd.concat(held, ignore_index=True) if held else place.assign(group="", kind="")
    data = data.drop_duplicates(["kind", "group"])
    data = data[pd.to_numeric(data["with a phase"]).fillna(0).astype(int) > 0].reset_index(drop=True)
    with styled():
        figure, axes = canvas(9, 1.6 + 0.3 * max(len(data), 3))
        if data.empty:
            empty(axes, "no trial states a phase")
        else:
            _stack(axes, data)
    alt = (
        "Stacked bars: share of each phase among the trials with a phase, by country or region "
        "and by disease group."
    )
    return Plot("phases", "Phase mix", figure, data, alt)


def _stack(axes: Any, data: pd.DataFrame) -> None:
    names, at = [PHASE_NAMES[p] for p in PHASES], []
    for row in range(len(data)):
        at.append(row + (0.7 if data["kind"][row] != data["kind"][0] else 0.0))
    left = [0.0] * len(data)
    for name, color in zip(names, PHASE_COLORS, strict=True):
        part = [100 * int(n) / int(of) for n, of in zip(data[name], data["with a phase"], strict=True)]
        axes.barh(at, part, left=left, color=color, label=name, height=0.78, edgecolor="white", linewidth=0.5)
        for y, width, start in zip(at, part, left, strict=True):
            if width >= 6:
                dark = color in PHASE_COLORS[3:]
                axes.text(
                    start + width / 2,
                    y,
                    f"{width:.0f}",
                    ha="center",
                    va="center",
                    fontsize=7.5,
                    color="white" if dark else "black",
                )
        left = [a + b for a, b in zip(left, part, strict=True)]
    rows = [f"{label(g, 28)} ({int(n)})" for g, n in zip(data["group"], data["with a phase"], strict=True)]
    axes.set_yticks(at, rows)
    axes.set(
        xlim=(0, 100),
        ylim=(max(at) + 0.6, -0.6),
        xlabel="% of the trials with a phase (their number in brackets)",
    )
    axes.legend(
        ncols=len(names),
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        fontsize=8,
        title="phase",
        alignment="left",
    )


def sponsors(tables: Mapping[str, Table]) -> Plot:
    """The sponsors with most trials, as lead and as collaborator."""
    data: Any = tables["sponsors"].frame
    with styled():
        figure, axes = canvas(9.5, 1.1 + 0.26 * max(len(data), 4))
        if data.empty:
            empty(axes, "no trial names a sponsor")
        else:
            rows = range(len(data))
            lead, other = (
                data["as lead"].astype(int),
                data["either"].astype(int) - data["as lead"].astype(int),
            )
            kinds = [
                f"{label(name, 60)} ({kind})" if kind else label(name, 66)
                for name, kind in zip(data["sponsor"], data["class"], strict=True)
            ]
            axes.barh(rows, lead, color=BLUE, label="lead", height=0.72)
            told = data["as collaborator"].notna().all()
            if told:
                axes.barh(rows, other, left=lead, color=ORANGE, label="collaborator only", height=0.72)
            for row, n in zip(rows, data["either"].astype(int), strict=True):
                axes.text(n + max(data["either"]) * 0.01, row, str(n), va="center", fontsize=8)
            axes.set_yticks(rows, kinds)
            axes.set(ylim=(len(data) - 0.4, -0.6), xlim=(0, max(data["either"]) * 1.08))
            axes.set_xlabel("trials" if told else f"trials as lead (collaborators: {ABSENT})")
            axes.set_title("Sponsors with most trials")
            whole(axes.xaxis)
            axes.legend(loc="lower right", fontsize=8)
    return Plot(
        "sponsors",
        "Sponsors with most trials",
        figure,
        data,
        "Stacked bars: trials as lead and as collaborator only.",
    )
