"""Where values come from: a trial's own words and fields, a product that it names, or a default."""

from __future__ import annotations

from collections.abc import Mapping

from cart_nlp.landscape.cohort import Cohort
from cart_nlp.landscape.table import Ids
from cart_nlp.text import construct_text

KINDS = ("stated", "product", "default", "unknown")


def origins(cohort: Cohort) -> dict[tuple[str, str, str], str]:
    """(trial, field, value) -> stated, product or default; the first of these that any evidence gives.

    Values without evidence (records from a CSV) have no entry: then nobody can tell. A construct's origin is
    that of its format, under its written form.
    """
    found: dict[tuple[str, str, str], str] = {}
    df = cohort.df
    for i, evidence, constructs in zip(df["trial_id"], df["evidence"], df["constructs"], strict=True):
        for one in evidence:
            kind = one.basis if one.basis in ("product", "default") else "stated"
            key = (i, one.field, one.value)
            if KINDS.index(kind) < KINDS.index(found.get(key, "unknown")):
                found[key] = kind
        if evidence:
            for c in constructs:
                basis = c.basis or "unknown"
                stated = basis in ("text", "curator")
                found[(i, "constructs", written(c))] = "stated" if stated else basis
    return found


def written(construct: object) -> str:
    """A construct as flat tables write it: CD19+CD22 (tandem)."""
    return construct_text(construct.targets, construct.format)  # type: ignore[attr-defined]


def by_origin(cohort: Cohort, field: str, origin: Mapping[tuple[str, str, str], str]) -> dict[str, Ids]:
    """stated, product (only derived), default, unknown, silent -> ids; a trial goes to its best origin."""
    split: dict[str, list[str]] = {kind: [] for kind in (*KINDS, "silent")}
    for i, values in zip(cohort.df["trial_id"], cohort.df[field], strict=True):
        names = [written(v) if field == "constructs" else str(v) for v in values]
        kinds = {origin.get((i, field, name), "unknown") for name in names}
        split[next((k for k in KINDS if k in kinds), "silent")].append(i)
    return {k: tuple(v) for k, v in split.items()}


def having(cohort: Cohort, what: str) -> str:
    """How a note calls trials with a value under the basis of the analysis."""
    if cohort.options.basis == "text":
        return f"that state {what}"
    return f"that state {what} or name a product of which it is known"
