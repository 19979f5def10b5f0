"""What is stated and what is known of a product; organizations; the reporting tree; planned follow-up."""

import csv
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from landscape_data import TARGETS

from cart_nlp import paths
from cart_nlp.followup import mentions, planned
from cart_nlp.landscape import Options, cohort, coverage, frame, read_records, reference, tables
from cart_nlp.landscape.diseases import (
    AUTOIMMUNE,
    COLUMNS,
    HEMATOLOGICAL,
    ORGANS,
    column,
    columns_of,
    organ_system,
    under,
)
from cart_nlp.landscape.emerging import TOOLS, tool_of, tools_of_products
from cart_nlp.landscape.keyproducts import chao
from cart_nlp.landscape.organizations import KINDS, funding, is_person, kind
from cart_nlp.landscape.plots.worldmap import by_place, outlines, place, world
from cart_nlp.landscape.regions import DATA
from cart_nlp.ontology import shipped
from cart_nlp.schema import Construct, Evidence, Record
from cart_nlp.writers import writer


def evidence(field, value, basis, text=""):
    return Evidence(field=field, value=value, basis=basis, section="brief_title", text=text)


SAID = Record(
    trial_id="A1",
    car_trial="product",
    targets=("BCMA", "CD19"),
    multi_target=True,
    edits=("TRAC",),
    vector=("lentiviral",),
    constructs=(Construct(targets=("BCMA", "CD19"), format="tandem", basis="default"),),
    evidence=(
        evidence("targets", "CD19", "text"),
        evidence("targets", "BCMA", "product"),
        evidence("edits", "TRAC", "product"),
        evidence("vector", "lentiviral", "curator"),
    ),
)


def test_stated_is_not_known_of_a_product():
    made = tables(frame([SAID]))
    assert made["targets"].value("BCMA", "trials") == 1 and made["targets"].value("BCMA", "stated") == 0
    assert made["targets"].value("CD19", "stated") == 1
    classes = made["technology_classes"]
    assert [classes.value("gene-edited", c) for c in ("trials", "stated", "from the product only")] == [
        1,
        0,
        1,
    ]
    assert made["technology_stated"].value("format of the construct", "by a default") == 1
    assert made["combinations"].value("BCMA + CD19", "format not stated") == 1


def test_basis_text_counts_what_is_stated_alone():
    made = tables(frame([SAID]), Options(basis="text"))
    assert [row[0].value for row in made["targets"].rows] == ["CD19", "not stated"]
    assert made["multi_target"].value("all", "multi-target") == 0
    assert made["technology_classes"].value("gene-edited", "trials") == 0
    assert made["technology_classes"].value("vector: viral", "trials") == 1, "a curator's word is a statement"
    assert made["combinations"].rows == []


def several(number, *constructs, basis="text"):
    """A trial of two or more targets, each with words of its own; constructs are (targets, format, basis)."""
    made = tuple(Construct(targets=t, format=f, basis=b) for t, f, b in constructs)
    targets = tuple(sorted({t for one in made for t in one.targets}))
    said = tuple(evidence("targets", t, basis) for t in targets)
    said += (evidence("disease_group", "solid", basis),)
    return Record(trial_id=f"M{number}", car_trial="product", disease_group=("solid",), targets=targets,
                  multi_target=len(targets) > 1, constructs=made, evidence=said)  # fmt: skip


PAIR = ("BCMA", "CD19")
MANY = [
    several(1, (PAIR, "tandem", "text")),
    several(2, (PAIR, "bicistronic", "product")),
    several(3, (PAIR, "bispecific", "curator")),
    *(several(n, (PAIR, "bispecific", "default")) for n in (4, 5)),
    several(6, (("CD19",), "cocktail", "text"), (("CD22",), "cocktail", "text")),
    several(7, (("CD19",), "selectable", "default"), (("CD22",), "selectable", "default")),
    several(8, (PAIR, "tandem", "text"), (("CD7",), "sequential", "text"), (("CD5",), "sequential", "text")),
    several(9, (("CD19",), "single", "text")),
]


@pytest.mark.parametrize(
    ("basis", "one", "silent"), [("all", (1, 2, 3, 8), (4, 5, 7)), ("text", (1, 3, 8), (2, 4, 5, 7))]
)
def test_a_default_format_says_nothing_of_one_product_or_several(basis, one, silent):
    df = frame(MANY)
    made = tables(df, Options(basis=basis))
    table, open_ = made["multi_target"], "format not stated"
    for group in ("all", "solid"):
        ids = {column: table.ids(group, column) for column in table.columns[1:]}
        assert ids["in one product"] == tuple(f"M{n}" for n in one)
        assert ids[open_] == tuple(f"M{n}" for n in silent)
        assert ids["several products"] == ("M6", "M8") and ids["both"] == ("M8",)
        count = {column: len(ids[column]) for column in ("in one product", "several products", "both", open_)}
        assert count["in one product"] + count["several products"] - count["both"] + count[open_] == 8
        assert table.value(group, "multi-target") == 8 and table.value(group, "with a target") == 9
        assert table.cell(group, "one product %").of == table.ids(group, "with a target")
    assert "a default is no statement" in table.note
    ours = reference.tables(made, "study", coverage.measure(cohort(df)))[0].value(
        "multi-target, solid", "reason"
    )
    assert f"in one product, where its format is told: {100 * len(one) / 9:.1f}" in ours
    assert f"format not stated: {100 * len(silent) / 9:.1f}" in ours


def test_a_curators_format_is_stated():
    made = tables(frame([MANY[2]]))["technology_stated"]
    assert made.value("format of the construct", "stated") == 1


def test_basis_text_never_counts_more(found, records, df):
    stated = tables(df, Options(basis="text", as_of=Options().as_of))
    for name in TARGETS:
        less, more = stated["targets"].value(name, "trials"), found["targets"].value(name, "trials")
        assert (less or 0) == found["targets"].value(name, "stated") <= more


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("Provincial Hospital of Example", "OTHER_GOV", "academic"),
        ("Example University", "OTHER_GOV", "academic"),
        ("Ministry of Health, Exampleland", "OTHER_GOV", "government"),
        ("Health Agency of Exampleland", "OTHER_GOV", "government"),
        ("National Cancer Institute (NCI)", "NIH", "government"),
        ("Veterans Hospital of Example", "FED", "academic"),
        ("Novartis", "OTHER", "industry"),
        ("Novartis", None, "industry"),
        ("Atara Biotherapeutics", "OTHER", "industry"),
        ("KAEDI", None, "industry"),
        ("Celgene", None, "industry"),
        ("Example Gene Therapeutics", "OTHER", "industry"),
        ("Example Biotech (Suzhou) Co., Ltd.", "OTHER", "industry"),
        ("Anything at all", "INDUSTRY", "industry"),
        ("Horizon 2020 - European Commission", None, "government"),
        ("European Union program", "OTHER", "government"),
        ("Jane Q. Doe, MD, PhD", "OTHER", "individual"),
        ("Wei Zhang", "OTHER_GOV", "individual"),
        ("zhangxiaoming", "OTHER", "individual"),
        ("A name", "INDIV", "individual"),
        ("Example Study Group", "NETWORK", "academic"),
        ("某大学附属医院", None, "academic"),
        ("Fonds", None, None),
        ("CIRM", None, "government"),
        ("Celyad Oncology SA", "OTHER", "industry"),
        ("Charité", None, "academic"),
    ],
)
def test_kinds_of_organizations(name, given, expected):
    assert kind(name, given) == expected


@given(st.text(max_size=200), st.sampled_from([None, "INDUSTRY", "OTHER", "OTHER_GOV", "NIH", "odd"]))
def test_any_name_has_a_kind_or_none(name, given_class):
    assert kind(name, given_class) in (*KINDS, None)
    assert is_person(name) in (True, False)


@pytest.mark.parametrize(
    ("sponsor", "given", "others", "expected"),
    [
        ("Example University", "OTHER", (), "academic"),
        ("Example University", "OTHER", ("Acme Co., Ltd.",), "mixed"),
        ("Acme Co., Ltd.", "INDUSTRY", ("Example Hospital",), "mixed"),
        ("Acme Co., Ltd.", "INDUSTRY", ("Other Inc.",), "industry"),
        ("Example University", "OTHER", ("National Cancer Institute (NCI)",), "academic"),
        ("Jane Q. Doe, MD", "OTHER", (), "individual"),
        (None, None, ("Example Hospital",), "academic"),
        (None, None, (), None),
    ],
)
def test_funding(sponsor, given, others, expected):
    assert funding(sponsor, given, others) == expected


def test_a_person_is_the_institution_that_the_record_names():
    person = Record(trial_id="A1", car_trial="product", sponsor="Jane Q. Doe, MD", sponsor_class="OTHER")
    placed = person.model_copy(
        update={"trial_id": "A2", "raw": {"sponsor_affiliation": "Example University"}}
    )
    other = placed.model_copy(
        update={"trial_id": "A3", "sponsor": "Acme Co., Ltd.", "sponsor_class": "INDUSTRY"}
    )
    table = tables(frame([person, placed, other]))["sponsors"]
    assert {row[0].value: row[1].value for row in table.rows} == {
        "Jane Q. Doe, MD": "individual",
        "Example University": "academic",
        "Acme Co., Ltd.": "industry",
    }


def test_families_with_class_and_country():
    sponsors = ["Nanjing Legend Biotech Co.", "Legend Biotech USA Inc", "Wuhan Union Hospital, China",
                "Union Hospital, Tongji Medical College, a university",
                "Cellular Biomedicine Group Ltd.", "AbelZeta Inc.", "Abramson Cancer Center at Penn Medicine",
                "University of Pennsylvania", "Shenzhen Pregene Biopharma Co., Ltd.",
                "The Pregene (ShenZhen) Biotechnology Company, Ltd."]  # fmt: skip
    records = [Record(trial_id=f"A{n}", car_trial="product", sponsor=s) for n, s in enumerate(sponsors)]
    table = tables(frame(records))["sponsors"]
    got = {row[0].value: [row[1].value, row[2].value, row[4].value] for row in table.rows}
    assert got == {
        "Legend Biotech": ["industry", "China", 2],
        "Wuhan Union Hospital": ["academic", "China", 2],
        "AbelZeta/Cellular Biomedicine": ["industry", "China", 2],
        "University of Pennsylvania": ["academic", "United States", 2],
        "Pregene": ["industry", "China", 2],
    }


def test_every_disease_of_the_lexicon_has_a_column_of_its_group():
    kinds = {"hematological": HEMATOLOGICAL, "solid": ORGANS, "autoimmune": AUTOIMMUNE}
    astray = [
        (name, column(name))
        for name in shipped().below
        if (group := shipped().group(name)) in kinds and column(name) not in kinds[group]
    ]
    assert astray == []


def test_columns_name_diseases_of_the_lexicon():
    named = (DATA / "diseases.csv").read_text(encoding="utf-8").splitlines()[1:]
    for line in named:
        name, where = line.split(",", 1)[0], line.split(",", 1)[1].strip('"')
        assert name in shipped() and where in COLUMNS, line


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (("lymphoma", "B-cell non-Hodgkin lymphoma", "diffuse large B-cell lymphoma"), ("B-cell lymphoma",)),
        (("lymphoma",), ("other or unstated hematological",)),
        (("solid tumor", "hepatocellular carcinoma"), ("liver, biliary tract and pancreas",)),
        (("solid tumor",), ("other or unstated solid",)),
        (("glioblastoma", "gastric cancer"), ("stomach and intestine", "glioma")),
        (("never heard of",), ("other",)),
        ((), ()),
    ],
)
def test_columns_do_not_overlap(names, columns):
    assert columns_of(names) == columns


@pytest.mark.parametrize(("counts", "estimate"), [([5, 4, 3], 3), ([1, 1, 1, 2, 9], 5 + 3 / 2), ([], 0)])
def test_chao_as_the_textbook_has_it(counts, estimate):
    assert chao(counts) == estimate


def test_what_lies_below():
    names = ["mantle cell lymphoma", "lymphoma", "multiple myeloma"]
    records = [Record(trial_id=n, car_trial="product", indications=(n,)) for n in names]
    assert under(cohort(frame(records)), "lymphoma") == ("mantle cell lymphoma", "lymphoma")
    assert organ_system("pancreatic cancer") in ORGANS and organ_system("multiple myeloma") is None


@pytest.mark.parametrize(
    ("words", "tools"),
    [
        ("CRISPR/Cas9 knock-out of TRAC", ("CRISPR",)),
        ("base-edited cells", ("base editing",)),
        ("TALEN-edited", ("TALEN",)),
        ("TRAC knock-out", ()),
        ("Professor Marcus edits", ()),
    ],
)
def test_editing_tools(words, tools):
    assert tool_of(words) == tools


def test_editing_tools_of_a_title_and_of_products_but_no_product_for_stated_ones():
    trials = [
        Record(
            trial_id=f"NCT0000000{n}",
            car_trial="product",
            title=title,
            products=products,
            edits=("TRAC",),
            evidence=(
                evidence("edits", "TRAC", "text", "TCR"),
                *(evidence("products", p, "text") for p in products),
            ),
        )
        for n, (title, products) in enumerate(
            [("A TALEN product", ()), ("Cells", ("CTX130",)), ("Cells", ())]
        )
    ]
    for basis, crispr, told in (("all", 1, 2), ("text", 0, 1)):
        made = tables(frame(trials), Options(basis=basis))["editing_tools"]
        values = {row[0].value: [row[1].value, row[2].value] for row in made.rows}
        assert values["CRISPR"] == [crispr, 100 * crispr / told] and values["TALEN"] == [1, 100 / told]
        assert values["tool not stated"] == [3 - told, None]


def test_each_tool_of_a_product_has_a_source_that_can_be_looked_up():
    with (DATA / "editing-tools.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["product"] for row in rows] == sorted({row["product"] for row in rows})
    kinds = re.compile(r"https?://[\w.-]+\.\w+/\S+|doi:10\.\d{4,}/\S+|NCT\d{8}\b|NCIT:C\d+|PMC\d+")
    assert [row["product"] for row in rows if not kinds.match(row["source"])] == []


def test_products_whose_tool_is_known_are_products_of_the_lexicon():
    with (paths.lexicons() / "products.csv").open(encoding="utf-8", newline="") as lines:
        known = {row["name"] for row in csv.DictReader(lines)}
    assert set(tools_of_products()) <= known and set(tools_of_products().values()) <= set(TOOLS)


@pytest.mark.parametrize(
    "country", ["China", "Korea, Republic of", "Türkiye", "Singapore", "Hong Kong", "Czech Republic"]
)
def test_countries_are_on_the_map(country):
    assert place(country) is not None


def test_every_listed_country_is_on_the_map():
    with (DATA / "countries.csv").open(encoding="utf-8", newline="") as lines:
        assert [row["country"] for row in csv.DictReader(lines) if place(row["country"]) is None] == []
    assert place("Scotland") == "United Kingdom" and place("Republic of Korea") == "South Korea"


def test_a_trial_in_two_parts_of_a_country_counts_once_on_the_map():
    trials = [Record(trial_id=str(n), car_trial="product", countries=("England", "Wales")) for n in range(3)]
    made = world(tables(frame(trials)))
    assert "1 countries" in made.alt and set(made.data["place"]) == {"United Kingdom"}
    assert by_place(tables(frame(trials))["countries"]) == {"United Kingdom": 3}


def test_the_map_has_outlines():
    assert len(outlines()["countries"]) > 170 and place("Atlantis") is None
    for rings in outlines()["countries"].values():
        assert all(len(ring) % 2 == 0 and len(ring) >= 8 for ring in rings)


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("Participants will be followed for up to 15 years after infusion.", 15),
        ("There is a 15-year long-term follow-up.", 15),
        ("Follow-up visits continue for five years; they are contacted yearly for fifteen years.", 15),
        ("They are monitored for 24 months.", 2),
        ("Follow-up visits are every three months.", None),
        ("They are followed up every 1-2 months while they respond.", None),
        ("Follow-up takes place within 1 month.", None),
        ("Follow-up visits are every 6 to 12 months for 5 years.", 5),
        ("They are followed every month for 15 years.", 15),
        ("The five-year survival rate is low.", None),
        ("No history of malignancy within 5 years of follow-up.", None),
        ("Adults followed by a doctor, aged 18 years and older.", None),
        ("In the past 15 years, patients were followed closely.", None),
        ("Cells are given once.", None),
        ("Followed for 150 years.", None),
        ("The study duration is 5 years.", None),
        ("The total duration of the study is estimated at three years.", None),
        ("The study duration of each participant is 5 years.", 5),
        ("The duration of the study is 15 years after the infusion.", 15),
        ("The trial lasts 6 years, from the first patient's consent to the last patient's follow-up.", None),
        ("The last participant is followed for 2 years.", 2),
    ],
)
def test_planned_follow_up(text, years):
    found = planned({"brief_summary": text})
    assert (found and found.years) == years
    if found:
        assert text[found.start : found.end] == found.text


def test_eligibility_plans_nothing():
    assert planned({"eligibility": "Unable to be followed for 15 years."}) is None


@given(st.text(alphabet="follow up for 15 years.;\n年随访", max_size=400))
def test_offsets_point_at_the_words(text):
    for one in mentions({"brief_summary": text}):
        assert text[one.start : one.end] == one.text and 0 < one.years <= 30


@pytest.mark.parametrize("suffix", [".xlsx", ".parquet", ".csv"])
@pytest.mark.parametrize("years", [None, 1.5, 15.0])
def test_the_tables_count_the_follow_up_that_records_of_any_format_carry(tmp_path, suffix, years):
    path = tmp_path / f"r{suffix}"
    trials = [SAID.model_copy(update={"trial_id": f"NCT0000000{n}", "follow_up_years": years}) for n in "123"]
    writer(suffix)([r.model_dump_json().encode() for r in trials], path, True)
    df = read_records(path)
    assert list(df["follow_up_years"]) == [years] * 3
    row = tables(df)["long_term"].find("stated follow-up 5 years or more, of all trials")
    assert [c.value for c in row[1:4]] == (
        [None] * 3 if years is None else [3, 3, 100] if years > 5 else [0, 3, 0]
    )


@pytest.mark.parametrize("suffix", [".xlsx", ".parquet"])
def test_records_read_back_whole(tmp_path, suffix):
    record = SAID.model_copy(update={"title": "=1+1", "sponsor": "+49 Lab", "countries": ("China",)})
    path = tmp_path / f"r{suffix}"
    writer(suffix)([record.model_dump_json().encode()], path, True)
    row = read_records(path).iloc[0]
    for name in ("trial_id", "title", "sponsor", "targets", "constructs", "edits", "evidence", "countries"):
        assert row[name] == getattr(record, name), name
