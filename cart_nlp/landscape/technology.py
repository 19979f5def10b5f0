"""What trials state of the product's make, and how many say nothing."""

from __future__ import annotations

from cart_nlp.landscape.cohort import Cohort
from cart_nlp.landscape.growth import by_end, covered
from cart_nlp.landscape.origins import by_origin, having, origins
from cart_nlp.landscape.table import SHARE, Table, count, ratio, share, share_columns

SECTION = "Technology"
FIELDS = ("costim", "generation", "vector", "cell_source", "cell_type", "edits", "armoring", "safety_switch")
NAMES = {
    "constructs": "format of the construct",
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
VECTORS: tuple[tuple[str, frozenset[str]], ...] = (
    ("viral", VIRAL),
    ("non-viral", NON_VIRAL),
    ("both", VIRAL | NON_VIRAL),
)
"""Class of a trial's vectors, and the values that it rests on."""
CLASSES: tuple[tuple[str, str, frozenset[str] | None], ...] = (
    ("gene-edited", "edits", None),
    ("off the shelf (universal)", "cell_source", frozenset({"off_the_shelf"})),
    ("in vivo", "cell_source", frozenset({"in_vivo"})),
    ("armored", "armoring", None),
    ("safety switch", "safety_switch", None),
)
"""Name, field and the values that make a trial one of the class; None: any."""


def tables(cohort: Cohort) -> list[Table]:
    """Tables over product trials: silence, values, vector classes, years."""
    products = cohort.products
    origin = origins(products)
    made = [_silence(products, origin), _values(products, origin), _classes(products, origin)]
    return [*made, _by_year(products)]


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
        "by a default",
        "origin unknown",
        "silent",
        "silent %",
    )
    table = Table("technology_stated", "Who states what", columns, note=note, section=SECTION)
    every = cohort.pick()
    for field in ("targets", "constructs", *FIELDS):
        split = by_origin(cohort, field, origin)
        cells = (
            count(split["product"]),
            count(split["default"]),
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


Feature = tuple[str, str, frozenset[str] | None, list[bool]]


def _masks(cohort: Cohort) -> list[Feature]:
    """Name, field and values of each class (None: any value), and which trials are of it."""
    df = cohort.df
    vectors = [vector_class(values) for values in df["vector"]]
    found: list[Feature] = [
        (f"vector: {kind}", "vector", wanted, [kind == one for one in vectors]) for kind, wanted in VECTORS
    ]
    for name, field, wanted in CLASSES:
        mask = [any(wanted is None or v in wanted for v in values) for values in df[field]]
        found.append((name, field, wanted, mask))
    return found


def _classes(cohort: Cohort, origin: dict[tuple[str, str, str], str]) -> Table:
    note = (
        f"Product trials {having(cohort, 'the feature')}. A gene-edited product has a knock-out or "
        f"knock-down; off "
        "the shelf is a universal or banked donor product. “Stated”: in the trial's own words or fields; "
        "“from the "
        "product only”: known of a product that it names. Share of all product trials: silence is not "
        "absence, so "
        "these shares are lower bounds."
    )
    table = Table(
        "technology_classes",
        "Vector classes, editing and off-the-shelf products",
        ("class", "trials", *SHARE, "stated", "from the product only", "phase II", "phase II and later"),
        note=note,
        section=SECTION,
        column_rests={"phase II": ("phase",), "phase II and later": ("phase",)},
    )
    df, every = cohort.df, cohort.pick()
    late = set(cohort.pick(df["late"].astype(bool)))
    second = set(cohort.pick(df["phase"] == "PHASE2"))
    for name, field, wanted, mask in _masks(cohort):
        ids = cohort.pick(mask)
        kinds = {
            i: {origin.get((i, field, str(v)), "unknown") for v in values if wanted is None or v in wanted}
            for i, values in zip(df["trial_id"], df[field], strict=True)
        }
        table.add(
            name,
            count(ids),
            share(ids, every),
            count(i for i in ids if "stated" in kinds[i]),
            count(i for i in ids if "product" in kinds[i] and "stated" not in kinds[i]),
            count(i for i in ids if i in second),
            count(i for i in ids if i in late),
        )
    return table


def _by_year(cohort: Cohort) -> Table:
    note = (
        "Percent of the year's product trials that have any value of the field. Few trials a "
        f"year state a field: read the counts first. {covered(cohort)}"
    )
    columns = ("field", "value", "year", "trials", "year's trials that state the field", "% of these")
    table = Table(
        "technology_by_year",
        "Technology by start year",
        columns,
        note=note,
        section=SECTION,
        rests=("start_date",),
    )
    df, years = cohort.df, by_end(cohort, "start")
    for field in FIELDS:
        speaking: dict[int, list[str]] = {}
        having: dict[tuple[str, int], list[str]] = {}
        for i, year, values in zip(df["trial_id"], years, df[field], strict=True):
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
