"""Figures of a landscape: each function takes the tables and returns a Plot."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cart_nlp.landscape.plots.combined import reach, upset
from cart_nlp.landscape.plots.flowchart import flow
from cart_nlp.landscape.plots.shares import countries, phases, sponsors, stopped, targets, transparency
from cart_nlp.landscape.plots.style import Plot
from cart_nlp.landscape.plots.years import diseases, growth, technology
from cart_nlp.landscape.table import Table

FIGURES: dict[str, tuple[Callable[[Mapping[str, Table]], Plot], str]] = {
    "flow": (flow, "Screening"),
    "growth": (growth, "Growth and geography"),
    "countries": (countries, "Growth and geography"),
    "phases": (phases, "Phases"),
    "sponsors": (sponsors, "Funding"),
    "diseases": (diseases, "Diseases"),
    "targets": (targets, "Targets"),
    "upset": (upset, "Targets"),
    "reach": (reach, "Targets"),
    "technology": (technology, "Technology"),
    "transparency": (transparency, "Transparency"),
    "stopped": (stopped, "Stopped trials"),
}
"""Name of the function -> the function and the section of the report that shows it."""

__all__ = [
    "FIGURES",
    "Plot",
    "countries",
    "diseases",
    "flow",
    "growth",
    "phases",
    "reach",
    "sponsors",
    "stopped",
    "targets",
    "technology",
    "transparency",
    "upset",
]
