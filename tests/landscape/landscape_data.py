"""Records made up for the tests: seeded, with every field in use and some hostile ones."""

import datetime
import random

import pytest

from cart_nlp.landscape import Options, frame, tables
from cart_nlp.schema import Construct, Evidence, Record, Reference

AS_OF = datetime.date(2026, 6, 30)
TARGETS = ["CD19", "BCMA", "CD22", "CD20", "CD7", "MSLN", "GPC3", "GD2", "CLDN18.2", "HER2"]
PHASES = [
    "EARLY_PHASE1",
    "PHASE1",
    "PHASE1|PHASE2",
    "PHASE2",
    "PHASE2|PHASE3",
    "PHASE3",
    "PHASE4",
    "NA",
    None,
]
SPONSORS = [
    "Example University",
    "Example University Hospital",
    "Kite, A Gilead Company",
    "Acme Bio Co., Ltd.",
    "Acme Bio Co Ltd",
    "First People's Hospital",
    "Second People's Hospital",
    "National Cancer Institute (NCI)",
    None,
]
TECHNOLOGY = {
    "costim": ["CD28", "4-1BB"],
    "generation": [2, 4],
    "vector": ["lentiviral", "retroviral", "mrna", "lnp"],
    "cell_source": ["autologous", "off_the_shelf", "in_vivo"],
    "cell_type": ["T", "NK"],
    "edits": ["TRAC", "B2M"],
    "armoring": ["IL-15"],
    "safety_switch": ["iCasp9"],
    "products": ["JCAR017"],
}


def identity(number):
    """A number of the years 2016 to 2023."""
    return f"NCT{3_000_000 + 20_000 * number:08d}"


def made(number: int, rng: random.Random) -> Record:
    """One record with random but seeded values, each with evidence."""
    evidence = []

    def add(field, values):
        values = sorted(values)
        for value in values:
            for basis in rng.choice([["text"], ["product"], ["text", "product"], ["registry"]]):
                evidence.append(
                    Evidence(
                        field=field,
                        value=str(value),
                        basis=basis,
                        section="brief_title",
                        end=3,
                        text="abc",
                        rule="r",
                    )
                )
        return tuple(values)

    def some(values, most=2):
        return rng.sample(values, rng.randint(0, min(most, len(values))))

    targets = add("targets", some(TARGETS, 3))
    shape = rng.choice(["tandem", "bispecific", "cocktail", "sequential", "selectable"])
    if len(targets) == 1:
        constructs = (Construct(targets=targets, format="single"),)
    elif shape in ("tandem", "bispecific"):
        constructs = (Construct(targets=targets, format=shape),) if targets else ()
    else:
        constructs = tuple(Construct(targets=(t,), format=shape) for t in targets)
    year, car = (
        rng.choice([None, *range(2010, 2028)]),
        rng.choice(["product"] * 6 + ["related", "mention", "no"]),
    )
    included = car in ("product", "related")
    pmids = tuple(some(["111", "222"]))
    groups = add("disease_group", some(["hematological", "solid", "autoimmune", "infectious"]))
    return Record(
        trial_id=identity(number),
        registry="ClinicalTrials.gov",
        title=f"Trial {number}",
        url=f"https://example.org/{number}",
        car_trial=car,
        car_score=0.9,
        targets=targets,
        multi_target=len(targets) > 1,
        constructs=constructs,
        **{name: add(name, some(values)) for name, values in TECHNOLOGY.items()},
        disease_group=groups,
        indications=add("indications", some(["lymphoma", "myeloma", "lupus", "glioma"])),
        focus=rng.choice(["treatment", "toxicity_management", "long_term_follow_up"]) if included else None,
        follow_up_years=(None, 15.0, 2.0, 5.0)[number % 4] if included else None,
        phase=rng.choice(PHASES),
        status=rng.choice(["COMPLETED", "RECRUITING", "TERMINATED", "WITHDRAWN", "SUSPENDED", None]),
        enrollment=rng.choice([None, 0, 10, 49, 50, 150, 151, 400]),
        start_date=year and rng.choice([str(year), f"{year}-03", f"{year}-03-05"]),
        completion_date=year and rng.choice([None, f"{year + 2}-01", f"{year + 7}", f"{year + 16}-02-03"]),
        first_posted=rng.choice([None, "2024-04-01", "2024-05-01"]),
        sponsor=rng.choice(SPONSORS),
        funding=rng.choice(["academic", "industry", "government", "mixed", None]),
        collaborators=tuple(sorted(s for s in some(SPONSORS) if s)),
        countries=tuple(sorted(some(["China", "United States", "Germany", "Japan", "Brazil"], 3))),
        pmids=pmids,
        references=tuple(
            Reference(pmid=p, type=rng.choice(["RESULT", "BACKGROUND", "DERIVED", ""])) for p in pmids
        ),
        has_results=rng.random() < 0.2,
        why_stopped=rng.choice([None, "slow accrual", "lack of funding; sponsor decision", "xyz"]),
        evidence=tuple(evidence),
    )


@pytest.fixture(scope="session")
def records():
    """160 records, some of them excluded, two of them registered twice."""
    rng = random.Random(11)
    found = [made(n, rng) for n in range(160)]
    twice = found[3].model_copy(update={"car_trial": "product"})
    partner = found[5].model_copy(
        update={"trial_id": "ChiCTR2400000001", "secondary_ids": (found[5].trial_id,)}
    )
    return [*found, twice, partner]


@pytest.fixture(scope="session")
def options():
    return Options(as_of=AS_OF)


@pytest.fixture(scope="session")
def df(records):
    return frame(records)


@pytest.fixture(scope="session")
def found(df, options):
    """All tables of the records."""
    return tables(df, options)


@pytest.fixture
def records_file(records, tmp_path):
    """The records as `cart-nlp tag` writes them."""
    path = tmp_path / "records.jsonl"
    path.write_text("".join(r.model_dump_json() + "\n" for r in records), encoding="utf-8")
    return path
