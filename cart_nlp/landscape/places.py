"""Countries and the regions that tables are cut by."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

DATA = Path(__file__).resolve().parent / "data"
REGIONS = ("China", "United States", "Europe", "Asia-Pacific, other", "Other regions")


@cache
def _regions() -> dict[str, str]:
    with (DATA / "countries.csv").open(encoding="utf-8", newline="") as lines:
        return {row["country"].casefold(): row["region"] for row in csv.DictReader(lines)}


def region(country: str) -> str:
    """Region of a country name as registries print it; what is unknown belongs to the other regions."""
    return _regions().get(country.strip().casefold(), "Other regions")
