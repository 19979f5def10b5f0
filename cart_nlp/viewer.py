"""Records as one self-contained page: the trials, their words highlighted, filters and search."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cart_nlp import __version__
from cart_nlp.curation.laying import laid, opened, read_trials
from cart_nlp.evaluation.predictions import tagger
from cart_nlp.landscape.dataframe import frame
from cart_nlp.outputs import write
from cart_nlp.pages import Strings, embed, render, web
from cart_nlp.records import record_list
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
    "follow_up_years",
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


def view(
    records: Path,
    page: Path,
    texts: Iterable[Path] = (),
    corrections: Path | None = None,
    note: Callable[[str], None] | None = None,
) -> int:
    """Write the page, corrections laid over the records; returns the number of trials on it.

    `texts` are the dumps that the records were tagged from: with them the page shows whole sections with the
    evidence marked in place, without them the quoted words. `note` hears of corrections that met no
    record. Raises InputError for what cannot be read.
    """
    found = record_list(records)
    trials = read_trials(texts, {record.trial_id for record in found})
    found = laid(found, opened(corrections), trials=trials, read=tagger(), note=note)
    page.parent.mkdir(parents=True, exist_ok=True)
    write(page, html(frame(found), {one: trial.sections for one, trial in trials.items()}))
    return len(found)


def html(df: pd.DataFrame, sections: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """The page for records as `landscape.read_records` returns them."""
    strings = Strings()
    sections = sections or {}
    trials = [_trial(row, sections.get(row["trial_id"], {}), strings) for row in df.to_dict("records")]
    data = {"filters": list(FILTERS), "facts": list(FACTS), "trials": trials, "strings": strings.pool()}
    return render(
        "view",
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
        start, end = (units(text, e.start), units(text, e.end)) if fits and text is not None else (-1, -1)
        numbers = [strings.number(part) for part in (e.field, e.value, e.basis, e.section, e.text, e.rule)]
        evidence.append([*numbers, start, end, e.more])
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


def units(text: str, at: int) -> int:
    """A place in a text as JavaScript counts it."""
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
    from cart_nlp.landscape.pagedata import plain

    return plain(value)
