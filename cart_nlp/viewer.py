"""Records as one self-contained page: the trials, their words highlighted, filters and search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cart_nlp import __version__
from cart_nlp.landscape.page import Strings, embed, render, web
from cart_nlp.landscape.records import read_records
from cart_nlp.registries.entry import InputError
from cart_nlp.schema import TAGGED_FIELDS

FILTERS = (
    "car_trial",
    "targets",
    "multi_target",
    "format",
    *TAGGED_FIELDS[1:],
    "phase",
    "status",
    "study_type",
    "start_year",
    "funding",
    "sponsor",
    "sponsor_class",
    "collaborators",
    "countries",
    "has_results",
    "basis",
    "registry",
)
"""Fields that the page filters by, in the order of its list; format, start_year and basis are derived."""

FACTS = (
    "constructs",
    "target_ids",
    "car_score",
    "enrollment",
    "start_date",
    "completion_date",
    "first_posted",
    "sponsor",
    "collaborators",
    "countries",
    "pmids",
    "secondary_ids",
    "why_stopped",
)
"""Fields that the page shows as they are, beside the filtered ones."""


def view(records: Path, page: Path, texts: Iterable[Path] = ()) -> int:
    """Write the page; returns the number of trials on it.

    `texts` are the dumps that the records were tagged from: with them the page shows whole sections with the
    evidence marked in place, without them the quoted words. Raises InputError for what cannot be read.
    """
    df = read_records(records)
    wanted = set(df["trial_id"])
    sections = read_sections(texts, wanted)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(html(df, sections), encoding="utf-8")
    return len(df)


def read_sections(texts: Iterable[Path], wanted: set[str]) -> dict[str, Mapping[str, str]]:
    """Trial id -> section -> original text, for the wanted trials of the dumps."""
    found: dict[str, Mapping[str, str]] = {}
    for path in texts:
        from cart_nlp.registries import read
        from cart_nlp.registries.entry import Reject, Rejected

        if not path.exists():
            raise InputError(f"{path}: no such file; --text takes a dump that the records were tagged from")
        for entry in read(path):
            if isinstance(entry, Reject):
                continue
            try:
                trial = entry.trial()
            except Rejected:
                continue  # `cart-nlp tag` reports rejects; here the trial just has no text
            if trial.id in wanted:
                found.setdefault(trial.id, trial.sections)
    return found


def html(df: pd.DataFrame, sections: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """The page for records as `landscape.read_records` returns them."""
    strings = Strings()
    sections = sections or {}
    trials = [_trial(row, sections.get(row["trial_id"], {}), strings) for row in df.to_dict("records")]
    data = {"filters": list(FILTERS), "facts": list(FACTS), "trials": trials, "strings": strings.pool()}
    return render(
        "view.html.j2",
        "view.js",
        "view.css",
        count=len(trials),
        with_text=sum(t["s"] != [] for t in trials),
        version=__version__,
        data=embed(data),
    )


def _trial(row: Mapping[Any, Any], sections: Mapping[str, str], strings: Strings) -> dict[str, Any]:
    evidence, misplaced = [], 0
    for e in row["evidence"]:
        text = sections.get(e.section)
        fits = text is not None and e.basis == "text" and text[e.start : e.end] == e.text and e.end > e.start
        misplaced += text is not None and e.basis == "text" and not fits
        # JavaScript counts UTF-16 units, Python code points: a place beyond a rare character would slip.
        start, end = (_units(text, e.start), _units(text, e.end)) if fits and text is not None else (-1, -1)
        numbers = [strings.number(part) for part in (e.field, e.value, e.basis, e.section, e.text, e.rule)]
        evidence.append([*numbers, start, end])
    return {
        "i": row["trial_id"],
        "t": row["title"],
        "u": web(row["url"]),
        "f": [[strings.number(value) for value in _values(row, name)] for name in FILTERS],
        "x": [strings.number(_plain(row[name])) for name in FACTS],
        "e": evidence,
        "s": [[strings.number(name), text] for name, text in sections.items() if text],
        "m": misplaced,
    }


def _units(text: str, at: int) -> int:
    return at + sum(ord(character) > 0xFFFF for character in text[:at])


def _values(row: Mapping[Any, Any], name: str) -> list[str]:
    if name == "format":
        return sorted({construct.format for construct in row["constructs"]})
    if name == "start_year":
        return [row["start_date"][:4]] if row["start_date"] else []
    if name == "basis":
        return sorted({e.basis for e in row["evidence"]})
    value = row[name]
    if isinstance(value, tuple):
        return [str(one) for one in value]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    return [str(value)] if value not in (None, "") else []


def _plain(value: Any) -> str:
    from cart_nlp.landscape.report import plain

    return plain(value)
