"""What trials state of the product's make, and how many say nothing."""

from __future__ import annotations

from typing import Any

from cart_nlp.landscape.cohort import Cohort
from cart_nlp.landscape.table import SHARE, Cell, Ids, Table, count, ratio, share, share_columns

SECTION = "Technology"
FIELDS = ("costim", "generation", "vector", "cell_source", "cell_type", "edits", "armoring", "safety_switch")
NAMES = {
    "costim": "costimulation",
    "generation": "generation",
    "vector": "vector",
    "cell_source": "cell source",
    "cell_type": "cell type",
    "edits": "edits",
    "armoring": "armoring",
    "safety_switch": "safety switch",
}
VIRAL = frozenset({"lentiviral", "retroviral", "AAV", "adenoviral"})
NON_VIRAL = frozenset(
    {"sleeping_beauty", "piggybac", "transposon", "mrna", "crispr_knock_in", "plasmid", "lnp"}
)


def tables(cohort: Cohort) -> list[Table]:
    """Tables over product trials: silence, values, vector classes, years."""
    products = cohort.products
    origin = origins(products)
    return [_silence(products, origin), _values(products, origin), _classes(products), _by_year(products)]


def origins(cohort: Cohort) -> dict[tuple[str, str, str], str]:
    """(trial, field, value) -> "stated" or "product"; stated if any words or field state it.

    Values without evidence (records from a CSV) have no entry: then nobody can tell.
    """
    found: dict[tuple[str, str, str], str] = {}
    for i, evidence in zip(cohort.df["trial_id"], cohort.df["evidence"], strict=True):
        for one in evidence:
            key = (i, one.field, one.value)
            if one.basis != "product":
                found[key] = "stated"
            else:
                found.setdefault(key, "product")
    return found


def _by_origin(cohort: Cohort, field: str, origin: dict[tuple[str, str, str], str]) -> dict[str, Ids]:
    """stated, product (only derived), unknown -> ids, for trials that have any value of the field."""
    split: dict[str, list[str]] = {"stated": [], "product": [], "unknown": [], "silent": []}
    for i, values in zip(cohort.df["trial_id"], cohort.df[field], strict=True):
        kinds = {origin.get((i, field, str(v)), "unknown") for v in values}
        kind = next((k for k in ("stated", "product", "unknown") if k in kinds), "silent")
        split[kind].append(i)
    return {k: tuple(v) for k, v in split.items()}


def _silence(cohort: Cohort, origin: dict[tuple[str, str, str], str]) -> Table:
    note = (
        "Of all product trials. Stated: in the trial's text or registry fields. From the "
        "product only: known of a product "
        "that the trial names. Silence is counted, not filled in: a silent trial is not "
        "one without the feature."
    )
    columns = (
        "field",
        "product trials",
        "stated",
        *share_columns("stated"),
        "from the product only",
        "origin unknown",
        "silent",
        "silent %",
    )
    table = Table("technology_stated", "Who states what", columns, note=note, section=SECTION)
    every = cohort.pick()
    for field in ("targets", *FIELDS):
        split = _by_origin(cohort, field, origin)
        cells = (
            count(split["product"]),
            count(split["unknown"]),
            count(split["silent"]),
            ratio(split["silent"], every),
        )
        table.add(
            NAMES.get(field, field),
            count(every),
            count(split["stated"]),
            share(split["stated"], every),
            cells,
        )
    return table


def _values(cohort: Cohort, origin: dict[tuple[str, str, str], str]) -> Table:
    note = (
        "Share of the product trials that have any value of the field, silent trials left out: "
        "it describes those that speak, and they may differ from the rest."
    )
    columns = ("field", "value", "trials", "stated", "from the product only", *SHARE)
    table = Table("technology", "Technology of the products", columns, note=note, section=SECTION)
    for field in FIELDS:
        speaking = cohort.pick([bool(v) for v in cohort.df[field]])
        for value, ids in cohort.by(field).items():
            stated = tuple(i for i in ids if origin.get((i, field, str(value))) == "stated")
            derived = tuple(i for i in ids if origin.get((i, field, str(value))) == "product")
            table.add(
                NAMES[field], str(value), count(ids), count(stated), count(derived), share(ids, speaking)
            )
    return table


def vector_class(values: tuple[str, ...]) -> str | None:
    """viral, non-viral, both, or None if no vector is stated."""
    kinds = {"viral" if v in VIRAL else "non-viral" for v in values if v in VIRAL | NON_VIRAL}
    return "both" if len(kinds) > 1 else next(iter(kinds), None)


def _classes(cohort: Cohort) -> Table:
    note = (
        "A gene-edited product has a stated knock-out or knock-down; off-the-shelf is a "
        "universal or banked donor product. Share of all product trials."
    )
    table = Table(
        "technology_classes",
        "Vector classes, editing and off-the-shelf products",
        ("class", "trials", *SHARE, "phase II and later"),
        note=note,
        section=SECTION,
    )
    df, every = cohort.df, cohort.pick()
    late = set(cohort.pick(df["late"].astype(bool)))
    vector = [vector_class(v) for v in df["vector"]]
    plans: list[tuple[str, Any]] = [
        (f"vector: {kind}", [v == kind for v in vector]) for kind in ("viral", "non-viral", "both")
    ]
    plans += [
        ("gene-edited", [bool(v) for v in df["edits"]]),
        ("off the shelf (universal)", ["off_the_shelf" in v for v in df["cell_source"]]),
        ("in vivo", ["in_vivo" in v for v in df["cell_source"]]),
        ("armored", [bool(v) for v in df["armoring"]]),
        ("safety switch", [bool(v) for v in df["safety_switch"]]),
    ]
    for name, mask in plans:
        ids = cohort.pick(mask)
        table.add(name, count(ids), share(ids, every), count(i for i in ids if i in late))
    return table


def _by_year(cohort: Cohort) -> Table:
    note = (
        "Percent of the year's product trials that have any value of the field. Few trials a "
        "year state a field: read the counts first."
    )
    columns = ("field", "value", "year", "trials", "year's trials that state the field", "% of these")
    table = Table("technology_by_year", "Technology by start year", columns, note=note, section=SECTION)
    df = cohort.df
    for field in FIELDS:
        speaking: dict[int, list[str]] = {}
        having: dict[tuple[str, int], list[str]] = {}
        for i, year, values in zip(df["trial_id"], df["year"], df[field], strict=True):
            if year is not None and values:
                speaking.setdefault(year, []).append(i)
                for value in values:
                    having.setdefault((value, year), []).append(i)
        for value in cohort.by(field):
            for year in sorted(speaking):
                if ids := having.get((value, year)):
                    of = speaking[year]
                    table.add(NAMES[field], str(value), str(year), count(ids), count(of), ratio(ids, of))
    return table


__all__ = ["FIELDS", "NAMES", "Cell", "origins", "tables", "vector_class"]
