"""Plots of the report as SVG text; every word in them is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any


def _text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}>{escape(words)}</text>'


def _open(width: float, height: float, title: str) -> str:
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"'
    return f'<svg {size} role="img" aria-label="{escape(title)}">'


@dataclass(frozen=True)
class _Square:
    """Axes from 0 to 1 inside a margin."""

    width: float
    height: float
    pad: float

    def x(self, value: float) -> float:
        """Where a value stands from the left."""
        return self.pad + value * (self.width - 2 * self.pad)

    def y(self, value: float) -> float:
        """Where a value stands from the top."""
        return self.height - self.pad - value * (self.height - 2 * self.pad)

    def lines(self, start: float, end: float) -> str:
        """The two axes, and a diagonal from `start` on the left to `end` on the right."""
        axes = f"M{self.x(0):.1f} {self.y(1):.1f}V{self.y(0):.1f}H{self.x(1):.1f}"
        diagonal = f"M{self.x(0):.1f} {self.y(start):.1f}L{self.x(1):.1f} {self.y(end):.1f}"
        return f'<path d="{axes}{diagonal}" fill="none" stroke="var(--line)" stroke-width="1.5"/>'

    def words(self, below: str, ticks: Sequence[float], form: str) -> list[str]:
        """The numbers at both axes and the name of the one below."""
        found = [_text(self.width / 2, self.height - 6, below, "middle", "soft")]
        for tick in ticks:
            said = form.format(tick).replace("%", " %")
            found.append(_text(self.x(tick), self.height - self.pad + 15, said, "middle", "soft"))
            found.append(_text(self.pad - 6, self.y(tick) + 4, said, "end", "soft"))
        return found


def intervals(rows: Sequence[tuple[str, float | None, Sequence[float] | None]], title: str) -> str:
    """A dot and its 95 % interval a row, on a scale from the lowest bound to 1; undefined rows stay empty."""
    left, width, step, top = 150.0, 560.0, 22.0, 24.0
    lows = [bounds[0] if bounds else value for _, value, bounds in rows if value is not None]
    floor = min(0.9, int(min((v for v in lows if v is not None), default=0.9) * 10) / 10)
    height = top + step * len(rows) + 8

    def at(value: float) -> float:
        return left + (value - floor) / (1 - floor) * (width - left - 50)

    parts = [_open(width, height, title)]
    for i in range(round((1 - floor) * 10) + 1):
        tick = min(1.0, floor + i / 10)
        parts.append(
            f'<line x1="{at(tick):.1f}" x2="{at(tick):.1f}" y1="{top - 6:.1f}" y2="{height - 6:.1f}" '
            'stroke="var(--line)"/>'
        )
        parts.append(_text(at(tick), top - 10, f"{100 * tick:.0f}", "middle", "soft"))
    for i, (name, value, bounds) in enumerate(rows):
        y = top + step * i + step / 2
        parts.append(_text(left - 10, y + 4, name, "end"))
        if value is None:
            parts.append(_text(at(floor) + 4, y + 4, "–", "start", "soft"))
            continue
        if bounds:
            parts.append(
                f'<line x1="{at(bounds[0]):.1f}" x2="{at(bounds[1]):.1f}" y1="{y:.1f}" y2="{y:.1f}" '
                'stroke="var(--blue)" stroke-width="2.5"/>'
            )
        parts.append(f'<circle cx="{at(value):.1f}" cy="{y:.1f}" r="4.5" fill="var(--blue)"/>')
        parts.append(_text(width - 42, y + 4, f"{100 * value:.1f}", "start", "soft"))
    return "".join([*parts, "</svg>"])


def confusion(table: Mapping[str, Mapping[str, int]], title: str) -> str:
    """A grid of counts, gold in rows, shaded by the share of the row."""
    if not table:
        return ""
    found = list(dict.fromkeys(name for row in table.values() for name in row))
    columns = [*(name for name in table if name in found), *(name for name in found if name not in table)]
    cell, left = 58.0, 24.0 + 7 * max(map(len, table))
    top = 24.0 + 4.6 * max(map(len, columns))
    # Slanted names stand out to the right of their column.
    overhang = 7.0 * len(columns[-1])
    width, height = left + cell * len(columns) + overhang, top + 30 * len(table) + 8
    parts = [_open(width, height, title)]
    for j, name in enumerate(columns):
        x = left + cell * (j + 0.5)
        slant = f"translate({x:.1f} {top - 8:.1f}) rotate(-30)"
        parts.append(f'<text transform="{slant}" text-anchor="start">{escape(name)}</text>')
    for i, (wanted, row) in enumerate(table.items()):
        y, total = top + 30 * i, sum(row.values())
        parts.append(_text(left - 8, y + 20, wanted, "end"))
        for j, name in enumerate(columns):
            count = row.get(name, 0)
            color = "var(--blue)" if wanted == name else "#c0502e"
            parts.append(
                f'<rect x="{left + cell * j:.1f}" y="{y:.1f}" width="{cell - 2:.1f}" height="28" rx="3" '
                f'fill="{color}" fill-opacity="{0.04 + 0.56 * (count / total if total else 0):.3f}"/>'
            )
            if count:
                parts.append(_text(left + cell * (j + 0.5) - 1, y + 19, str(count), "middle"))
    return "".join([*parts, "</svg>"])


def reliability(bins: Sequence[Mapping[str, Any]], title: str) -> str:
    """Share of right ones against the mean score, a circle a bin, its area by the number in it."""
    frame = _Square(260.0, 260.0, 36.0)
    total = sum(b["n"] for b in bins) or 1
    parts = [_open(frame.width, frame.height, title), frame.lines(0, 1)]
    for b in bins:
        radius = 4 + 12 * (b["n"] / total) ** 0.5
        place = f'cx="{frame.x(b["score"]):.1f}" cy="{frame.y(b["right"]):.1f}" r="{radius:.1f}"'
        told = f"{b['n']}: score {b['score']:.2f}, right {b['right']:.2f}"
        parts.append(f'<circle {place} fill="var(--blue)" fill-opacity="0.65"><title>{told}</title></circle>')
    parts += frame.words("mean score", (0.0, 1.0), "{:g}")
    parts.append(_text(6, frame.pad - 14, "share right", "start", "soft"))
    return "".join([*parts, "</svg>"])


_STROKES = ("", ' stroke-dasharray="6 4"', ' stroke-dasharray="2 3"')


def curves(lines: Mapping[str, Sequence[Sequence[float | None]]], title: str) -> str:
    """Lines from (share read, share left) without undefined ones, and the diagonal of reading in no order."""
    frame = _Square(420.0, 300.0, 40.0)
    parts = [_open(frame.width, frame.height, title), frame.lines(1, 0)]
    for n, (name, points) in enumerate(lines.items()):
        known = [(read, left) for read, left in points if read is not None and left is not None]
        if not known:
            continue
        path = "L".join(f"{frame.x(read):.1f} {frame.y(left):.1f}" for read, left in known)
        dashes = _STROKES[n % len(_STROKES)]
        parts.append(f'<path d="M{path}" fill="none" stroke="var(--blue)" stroke-width="2"{dashes}/>')
        left, top = frame.x(0.5), frame.pad + 14 + 16 * n
        parts.append(
            f'<path d="M{left:.1f} {top - 4:.1f}h26" stroke="var(--blue)" stroke-width="2"{dashes}/>'
        )
        parts.append(_text(left + 32, top, name, "start", "soft"))
    parts += frame.words("trials read", (0.0, 0.5, 1.0), "{:.0%}")
    return "".join([*parts, "</svg>"])
