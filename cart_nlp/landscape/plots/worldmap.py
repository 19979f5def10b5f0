"""The world map: trials by country, on outlines that come with the package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pandas as pd

from cart_nlp.landscape.plots.style import Plot, canvas, empty, styled
from cart_nlp.landscape.regions import DATA, on_map
from cart_nlp.landscape.table import Table


@cache
def outlines() -> dict[str, Any]:
    """Natural Earth at 1:110m (public domain): country -> rings of lon, lat, lon, lat …; and points."""
    found: dict[str, Any] = json.loads((DATA / "world.json").read_text(encoding="utf-8"))
    return found


def place(country: str) -> str | None:
    """The name of the map for a country of a registry, or None if the map does not hold it."""
    return _drawn().get(on_map(country).casefold())


@cache
def _drawn() -> dict[str, str]:
    return {name.casefold(): name for name in (*outlines()["countries"], *outlines()["points"])}


def world(tables: Mapping[str, Table]) -> Plot:
    """Countries shaded by their trials, on a scale of powers; equirectangular."""
    from matplotlib.collections import PatchCollection
    from matplotlib.colors import LogNorm
    from matplotlib.patches import Polygon

    frame: Any = tables["countries"].frame
    data = frame.reindex(columns=["country", "trials"])
    data["place"] = pd.Series([place(str(c)) for c in data["country"]], data.index, dtype=object)
    counts = by_place(tables["countries"])
    lost = int(data["place"].isna().sum())
    with styled():
        figure, axes = canvas(9.5, 4.6)
        if not counts:
            empty(axes, "no trial names a country")
        else:
            from matplotlib import colormaps

            most = max(*counts.values(), 10)
            scale = LogNorm(1, most)
            shade = colormaps["viridis_r"]
            for with_trials in (False, True):
                names = [name for name in outlines()["countries"] if (name in counts) == with_trials]
                patches, colors = [], []
                for name in names:
                    for ring in outlines()["countries"][name]:
                        patches.append(Polygon(list(zip(ring[::2], ring[1::2], strict=True)), closed=True))
                        colors.append(shade(scale(counts[name])) if with_trials else "#ECECEC")
                axes.add_collection(
                    PatchCollection(patches, facecolor=colors, edgecolor="white", linewidth=0.3)
                )
            for name, (x, y) in outlines()["points"].items():
                if name in counts:
                    axes.plot(
                        [x],
                        [y],
                        "o",
                        color=shade(scale(counts[name])),
                        markeredgecolor="#333333",
                        markersize=5,
                        markeredgewidth=0.5,
                    )
            axes.set(xlim=(-170, 180), ylim=(-57, 84), aspect=1.15)
            axes.axis("off")
            axes.set_title("Trials by country; a multinational trial counts in each")
            bar = figure.colorbar(_scale(scale, shade), ax=axes, shrink=0.7, pad=0.01)
            ticks = [t for t in (1, 3, 10, 30, 100, 300, 1000, 3000) if t <= most]
            bar.set_ticks(ticks, labels=[str(t) for t in ticks])
            bar.minorticks_off()
            bar.set_label("trials (logarithmic)")
    alt = (
        f"World map: {len(counts)} countries shaded by their number of trials, grey without any"
        + (f"; {lost} names of countries are not on the map" if lost else "")
        + ". Outlines: Natural Earth."
    )
    return Plot("world", "Trials on the world map", figure, data, alt)


def by_place(countries: Table) -> dict[str, int]:
    """Trials of each country of the map; a trial in England and in Wales is one of the United Kingdom."""
    found: dict[str, set[str]] = {}
    column = countries.columns.index("trials")
    for row in countries.rows:
        name, cell = place(row[0].text()), row[column]
        if name is not None and cell.value is not None:
            found.setdefault(name, set()).update(cell.ids or ())
    return {name: len(ids) for name, ids in found.items()}


def _scale(scale: Any, shade: Any) -> Any:
    from matplotlib.cm import ScalarMappable

    return ScalarMappable(scale, shade)
