"""From records to the tables, tests and figures of a landscape review.

df = landscape.read_records("records.jsonl")
tables = landscape.tables(df)
tables["targets"].frame              # a DataFrame
tables["targets"].ids("CD19", "trials")
plots.targets(tables)                # a matplotlib figure (from cart_nlp.landscape import plots)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cart_nlp.landscape.cohort import Cohort, Options, Period, cohort
from cart_nlp.landscape.dataframe import frame, read_records, run_facts
from cart_nlp.landscape.table import Cell, Table

__all__ = [
    "Cell",
    "Cohort",
    "Options",
    "Period",
    "Table",
    "analyze",
    "cohort",
    "frame",
    "read_records",
    "run_facts",
    "tables",
]


def tables(
    df: pd.DataFrame, options: Options | None = None, run: Mapping[str, Any] | None = None
) -> dict[str, Table]:
    """All tables of a landscape by name, in reading order.

    `df` is what `read_records` returns: one row a record; `run` the facts of the tagging run, if known.
    Shares are in percent, intervals Wilson's at 95 %; undefined values are None.
    """
    return analyze(cohort(df, options, (run or {}).get("unwritten")), run or {})


def analyze(chosen: Cohort, run: Mapping[str, Any]) -> dict[str, Table]:
    """The same from a cohort that was chosen before."""
    from cart_nlp.landscape import (
        combinations,
        comparisons,
        conduct,
        coverage,
        diseases,
        emerging,
        flow,
        funding,
        growth,
        indications,
        key,
        models,
        phases,
        statistics,
        targets,
        technology,
        transparency,
    )

    seen = coverage.measure(chosen)
    links = transparency.links(chosen)
    results = transparency.published(links)
    found = [flow.table(chosen, run), coverage.table(chosen, seen), key.table(chosen, results)]
    subjects = (growth, phases, funding, indications, diseases, targets, combinations, technology, emerging)
    for subject in (*subjects, conduct):
        found += subject.tables(chosen)
    found += transparency.tables(chosen, links)
    tests = comparisons.comparisons(chosen, transparency.outcome(chosen, results, seen), seen)
    found += [statistics.summary(tests), *models.tables(chosen, seen, tests)]
    found += [*(one.contingency for one in tests), flow.duplicates(chosen), flow.excluded(chosen)]
    for table in found:
        table.section = table.section or "Statistics"
        coverage.enforce(table, seen)
    return {table.name: table for table in found}
