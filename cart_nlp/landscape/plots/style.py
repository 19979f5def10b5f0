"""How figures look: colors that the color-blind tell apart, fonts, and saving as SVG and PNG."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from cart_nlp.writers.flat import clean

# Okabe and Ito's palette; yellow last, it is faint on paper.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, GREY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#F0E442",
    "#8A8A8A",
)
FORMATS = ("svg", "png", "pdf", "tiff")
PALETTE = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, GREY)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
# Phases run from light to dark (viridis reversed): the order survives a grey print.
PHASE_COLORS = ("#FDE725", "#A5DB36", "#4AC16D", "#1FA187", "#277F8E", "#365C8D", "#46327E")
_FONTS = (
    "DejaVu Sans",
    "Noto Sans CJK SC",
    "Noto Serif CJK SC",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Noto Sans Arabic",
    "Noto Naskh Arabic",
)


@dataclass(frozen=True)
class Plot:
    """A figure, the numbers that it shows, and a sentence for those who cannot see it."""

    name: str
    title: str
    figure: Any
    data: pd.DataFrame
    alt: str
    caption: str = ""

    def __post_init__(self) -> None:
        """Lay out once: each of the three savings would do it anew, and it is most of their time."""
        from matplotlib.text import Text

        with styled():
            for text in self.figure.findobj(Text):
                if not all(ord(c) in _charmaps()[0] for c in text.get_text()):
                    text.set_fontfamily(list(_fonts()))
            for _ in range(
                2
            ):  # what the first pass makes room for changes the ticks that the second measures
                self.figure.get_layout_engine().execute(self.figure)
            self.figure.set_layout_engine("none")

    def _repr_png_(self) -> bytes:
        """How a notebook shows it."""
        return self.png()

    def png(self, dpi: int = 300) -> bytes:
        """The figure as PNG."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        out, before = io.BytesIO(), self.figure.dpi
        with styled():
            self.figure.set_dpi(dpi)
            FigureCanvasAgg(self.figure).print_png(
                out, metadata={"Software": None}, pil_kwargs={"compress_level": 4, "dpi": (dpi, dpi)}
            )
            self.figure.set_dpi(before)
        return out.getvalue()

    @cached_property
    def svg(self) -> bytes:
        """The figure as SVG, text as text, the same bytes for the same numbers."""
        from matplotlib.backends.backend_svg import FigureCanvasSVG

        # The canvas itself: savefig would draw each figure once more to find its layout, which is fixed.
        out, before = io.BytesIO(), self.figure.dpi
        with styled(**{"svg.hashsalt": self.name}):
            FigureCanvasSVG(self.figure).print_svg(out, metadata={"Date": None, "Creator": None})
            self.figure.set_dpi(before)
        # Where the font is missing, Verdana has its widths.
        return out.getvalue().replace(b"'DejaVu Sans'", b"'DejaVu Sans', Verdana, sans-serif")

    def pdf(self) -> bytes:
        """The figure as PDF, fonts embedded, without the time of writing."""
        from matplotlib.backends.backend_pdf import FigureCanvasPdf

        out = io.BytesIO()
        with styled(**{"pdf.fonttype": 42}):
            FigureCanvasPdf(self.figure).print_pdf(
                out, metadata={"CreationDate": None, "Creator": None, "Producer": None, "Title": self.title}
            )
        return out.getvalue()

    def tiff(self, dpi: int = 300) -> bytes:
        """The figure as TIFF, compressed without loss, without an alpha channel: what journals take."""
        from PIL import Image

        out = io.BytesIO()
        with Image.open(io.BytesIO(self.png(dpi))) as image:
            image.convert("RGB").save(out, "TIFF", compression="tiff_lzw", dpi=(dpi, dpi))
        return out.getvalue()

    def save(self, folder: Path, formats: Sequence[str] = ("svg", "png")) -> list[Path]:
        """Write NAME in these formats of FORMATS, and NAME.csv; returns the paths."""
        from cart_nlp.landscape.export import write_csv

        made = {"svg": lambda: self.svg, "png": self.png, "pdf": self.pdf, "tiff": self.tiff}
        paths = [folder / f"{self.name}.{kind}" for kind in formats]
        for kind, path in zip(formats, paths, strict=True):
            path.write_bytes(made[kind]())
        paths.append(folder / f"{self.name}.csv")
        write_csv(self.data, paths[-1])
        return paths


@cache
def _fonts() -> tuple[str, ...]:
    from matplotlib import font_manager

    known = {font.name for font in font_manager.fontManager.ttflist}
    return tuple(name for name in _FONTS if name in known)


def _settings() -> Any:
    return {
        "font.family": list(_fonts()[:1]),
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid.axis": "x",
        "text.parse_math": False,
        "svg.fonttype": "none",
        "legend.frameon": False,
        "axes.titlelocation": "left",
        "figure.facecolor": "white",
        "axes.axisbelow": True,
    }


def styled(**more: Any) -> Any:
    """Context in which a figure is drawn; the caller's own matplotlib settings stay as they are."""
    import matplotlib

    settings: Any = {**_settings(), **more}
    return matplotlib.rc_context(settings)


def canvas(width: float, height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Any, Any]:
    """A figure of its own (no pyplot, no display) and its axes; sizes in inches."""
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.09, h_pad=0.09)
    return figure, figure.subplots(rows, columns, **options)


def label(text: str, width: int = 44) -> str:
    """Text that fits beside a bar: one line, cut with an ellipsis, glyphs that no font has as □.

    Control and direction characters are left out, as in every table.
    """
    flat = clean(" ".join(str(text).split()))
    flat = "".join(c if _drawable(c) else "□" for c in flat)
    return (
        textwrap.shorten(flat, width, placeholder=" …")
        if " " in flat[:width]
        else flat[: width - 1] + "…" * (len(flat) >= width)
    )


@cache
def _charmaps() -> tuple[frozenset[int], ...]:
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    paths = [font_manager.findfont(font_manager.FontProperties(family=[name])) for name in _fonts()]
    return tuple(frozenset(FT2Font(path).get_charmap()) for path in paths)


def _drawable(character: str) -> bool:
    return any(ord(character) in charmap for charmap in _charmaps())


LABELS = {
    "lnp": "lipid nanoparticle",
    "mrna": "mRNA",
    "ipsc": "iPSC",
    "crispr_knock_in": "CRISPR knock-in",
    "sleeping_beauty": "Sleeping Beauty",
    "piggybac": "piggyBac",
    "off_the_shelf": "off the shelf",
    "in_vivo": "in vivo",
    "gamma_delta_T": "γδ T",
    "virus_specific_T": "virus-specific T",
    "DC": "dendritic cell",
    "donor_derived": "donor-derived",
    "cord_blood": "cord blood",
    "cell_line": "cell line",
}
"""Codes of the records as a reader writes them."""


def spoken(code: str) -> str:
    """A code as words: lnp → lipid nanoparticle; others without underscores."""
    return LABELS.get(code, code.replace("_", " "))


def absent(name: str, title: str, fields: Sequence[str]) -> Plot:
    """The figure of a table whose fields the export lacks: it says so, and shows no zero."""
    with styled():
        figure, axes = canvas(6, 1.6)
        empty(axes, f"{' and '.join(fields)}: not in this export")
    return Plot(name, title, figure, pd.DataFrame({"missing": list(fields)}), "Nothing to show.")


def empty(axes: Any, text: str = "no trials to show") -> None:
    """Say so where there is nothing to draw."""
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, color=GREY)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)


def whole(axis: Any, most: int = 9) -> None:
    """Ticks at whole numbers only: there is no quarter of a trial."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(most, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))


def bars(
    axes: Any,
    names: Sequence[str],
    values: Sequence[float],
    color: str = BLUE,
    unit: str = "",
    errors: Any = None,
    width: int = 44,
) -> None:
    """Horizontal bars, first on top, each with its number at the end."""
    if not names:
        empty(axes)
        return
    rows = range(len(names))
    axes.barh(rows, values, color=color, height=0.72)
    ends = list(values)
    if errors is not None:
        low, high = errors
        axes.hlines(rows, low, high, color="#333333", linewidth=1)
        ends = [max(v, h) for v, h in zip(values, high, strict=True)]
    top = max([*ends, 1e-9])
    for row, value, end in zip(rows, values, ends, strict=True):
        text = f"{value:.1f}{unit}" if unit else f"{value:.0f}"
        axes.text(end + top * 0.015, row, text, va="center", fontsize=8)
    axes.set_yticks(rows, [label(name, width) for name in names])
    axes.set_xlim(0, top * 1.15)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    if not unit:
        whole(axes.xaxis)
