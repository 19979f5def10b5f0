"""Countries by their ISO 3166-1 names and codes, from the many ways in which registries write them."""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).with_name("countries.csv")
_LONGEST = 200


def _key(said: str) -> str:
    plain = unicodedata.normalize("NFKD", said[:_LONGEST]).casefold()
    return re.sub(r"[\W_]+", " ", "".join(sign for sign in plain if not unicodedata.combining(sign))).strip()


@cache
def _names() -> dict[str, tuple[str, str]]:
    """Key of a name, alias or code -> ISO 3166 name and two-letter code."""
    found: dict[str, tuple[str, str]] = {}
    with _TABLE.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            for said in (row["alpha2"], row["alpha3"], row["name"], *row["aliases"].split(";")):
                if said:
                    found[_key(said)] = (row["name"], row["alpha2"])
    return found


@cache
def country(raw: str) -> str:
    """The ISO 3166 name in its everyday form ("South Korea", "Taiwan"); an unknown name as it is."""
    return _names().get(_key(raw), (raw.strip(), ""))[0]


def country_code(raw: str) -> str | None:
    """The two-letter code of a country, or None for a name that is no country's."""
    return _names().get(_key(raw), ("", ""))[1] or None
