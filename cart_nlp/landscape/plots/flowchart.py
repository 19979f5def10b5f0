"""The screening flow as a PRISMA-style diagram."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from cart_nlp.landscape.plots.style import Plot, canvas, styled
from cart_nlp.landscape.table import Table
from cart_nlp.writers.flat import clean

LINE = 0.2
WIDTH = 40


def flow(tables: Mapping[str, Table]) -> Plot:
    """Boxes of what stayed on the left, of what fell out on the right."""
    data = tables["flow"].frame
    steps: list[tuple[str, list[str]]] = []
    for step, kind, n in zip(data["step"], data["kind"], data["records"], strict=True):
        number = "not known" if n is None or n != n else f"n\u00a0=\u00a0{int(n):,}"
        if kind in ("in", "kept"):
            steps.append((_wrapped(f"{step}\n({number})"), []))
        elif steps and kind in ("out", "detail"):
            steps[-1][1].append(_wrapped(f"{step} ({number})", WIDTH + 3))
        elif steps:
            steps[-1] = (f"{steps[-1][0]}\n{_wrapped(f'{step}: {number}')}", steps[-1][1])
    heights = [LINE * max(_lines(kept) + 1, sum(map(_lines, out)) + 1) + 0.12 for kept, out in steps]
    total = sum(heights) + 0.42 * (len(steps) - 1) + 0.2
    with styled():
        figure, axes = canvas(8, max(total, 1.5))
        axes.axis("off")
        axes.set(xlim=(0, 8), ylim=(max(total, 1.5), 0))
        top = 0.1
        for row, ((kept, out), height) in enumerate(zip(steps, heights, strict=True)):
            own = LINE * (_lines(kept) + 1) + 0.12
            _box(axes, 0.1, top, 3.6, own, kept, "#E8F1F8", "center")
            if out:
                side = LINE * (sum(map(_lines, out)) + 1) + 0.12
                _box(axes, 4.3, top, 3.6, side, "\n".join(out), "#F4F4F4", "left")
                _arrow(
                    axes,
                    (3.7, top + own / 2 if own < side else top + side / 2),
                    (4.3, top + own / 2 if own < side else top + side / 2),
                )
            if row + 1 < len(steps):
                _arrow(axes, (1.9, top + own), (1.9, top + height + 0.42))
            top += height + 0.42
    alt = "Flow diagram: " + "; ".join(
        f"{s} {'' if n is None or n != n else int(n)}".strip()
        for s, n in zip(data["step"], data["records"], strict=True)
    )
    return Plot("flow", "Screening flow", figure, data, alt)


def _wrapped(text: str, width: int = WIDTH) -> str:
    return "\n".join(textwrap.fill(clean(line), width) for line in text.splitlines())


def _lines(text: str) -> int:
    return text.count("\n") + 1


def _box(
    axes: Any, x: float, y: float, width: float, height: float, text: str, color: str, align: str
) -> None:
    from matplotlib.patches import FancyBboxPatch

    axes.add_patch(
        FancyBboxPatch(
            (x, y),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor=color,
            edgecolor="#555555",
            linewidth=0.9,
        )
    )
    at = x + width / 2 if align == "center" else x + 0.12
    axes.text(at, y + height / 2, text, ha=align, va="center", fontsize=9, linespacing=1.25)


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops={"arrowstyle": "-|>", "color": "#333333", "linewidth": 1, "shrinkA": 0, "shrinkB": 0},
    )
