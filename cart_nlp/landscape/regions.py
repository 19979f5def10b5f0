"""Countries and the regions that tables are cut by."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

DATA = Path(__file__).resolve().parent / "data"
REGIONS = ("China", "United States", "Europe", "Asia-Pacific, other", "Other regions")


@cache
def _rows() -> dict[str, dict[str, str]]:
    with (DATA / "countries.csv").open(encoding="utf-8", newline="") as lines:
        return {row["country"].casefold(): row for row in csv.DictReader(lines)}


def region(country: str) -> str:
    """Region of a country name as registries print it; what is unknown belongs to the other regions."""
    row = _rows().get(country.strip().casefold())
    return row["region"] if row else "Other regions"


def on_map(country: str) -> str:
    """What the map calls a country; its own name where nothing else is listed."""
    name = country.strip()
    row = _rows().get(name.casefold())
    return (row and row["map"]) or name
