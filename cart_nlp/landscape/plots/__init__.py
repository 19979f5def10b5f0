"""Figures of a landscape: each function takes the tables and returns a Plot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from cart_nlp.landscape.cohort import Cohort
from cart_nlp.landscape.coverage import LABELS
from cart_nlp.landscape.plots.combined import reach, upset
from cart_nlp.landscape.plots.flowchart import flow
from cart_nlp.landscape.plots.outcomes import publication_time, stopped, transparency
from cart_nlp.landscape.plots.shares import countries, organs, phases, sponsors, targets
from cart_nlp.landscape.plots.style import Plot, absent
from cart_nlp.landscape.plots.worldmap import world
from cart_nlp.landscape.plots.years import diseases, growth, registrations, targets_over_time, technology
from cart_nlp.landscape.table import Table


@dataclass(frozen=True)
class Figure:
    """How a figure is made, the section that shows it, and the table that it shows."""

    make: Callable[[Mapping[str, Table]], Plot]
    section: str
    table: str


FIGURES: dict[str, Figure] = {
    "flow": Figure(flow, "Screening", "flow"),
    "growth": Figure(growth, "Growth and geography", "trials_by_year"),
    "registrations": Figure(registrations, "Growth and geography", "trials_by_registration_year"),
    "world": Figure(world, "Growth and geography", "countries"),
    "countries": Figure(countries, "Growth and geography", "countries"),
    "phases": Figure(phases, "Phases", "phases"),
    "sponsors": Figure(sponsors, "Funding", "sponsors"),
    "diseases": Figure(diseases, "Diseases", "disease_groups_by_year"),
    "organs": Figure(organs, "Diseases", "organ_systems"),
    "targets": Figure(targets, "Targets", "targets"),
    "targets_over_time": Figure(targets_over_time, "Targets", "targets_by_year"),
    "upset": Figure(upset, "Targets", "combinations"),
    "reach": Figure(reach, "Targets", "target_column_phase"),
    "technology": Figure(technology, "Technology", "technology_by_year"),
    "transparency": Figure(transparency, "Transparency", "transparency"),
    "publication_time": Figure(publication_time, "Transparency", "time_to_publication"),
    "stopped": Figure(stopped, "Stopped trials", "stop_reasons"),
}
"""Name -> figure."""


def draw(name: str, tables: Mapping[str, Table], chosen: Cohort) -> Plot:
    """A figure with its caption: what it shows, of how many trials, and how its numbers are defined."""
    figure = FIGURES[name]
    table = tables[figure.table]
    if table.missing:
        made = absent(name, table.title, [LABELS[f] for f in table.missing])
    else:
        made = figure.make(tables)
    only = "product trials" if figure.section in ("Targets", "Technology") else "trials included"
    n = len(chosen.products) if only == "product trials" else len(chosen)
    caption = f"{made.title}. {made.alt} n = {n:,} {only}; data to {chosen.end.isoformat()}. {table.note}"
    return replace(made, name=name, caption=caption)


__all__ = [
    "FIGURES",
    "Figure",
    "Plot",
    "countries",
    "diseases",
    "draw",
    "flow",
    "growth",
    "organs",
    "phases",
    "publication_time",
    "reach",
    "registrations",
    "sponsors",
    "stopped",
    "targets",
    "targets_over_time",
    "technology",
    "transparency",
    "upset",
    "world",
]
