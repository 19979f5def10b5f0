"""Sponsors, publications, reasons, combinations, periods, changes, published figures, reading."""

import csv
import datetime
import hashlib
import json
import tomllib
from dataclasses import replace

import duckdb
import pytest

from cart_nlp.differences import compare, flat_row
from cart_nlp.landscape import (
    Options,
    Period,
    changes,
    cohort,
    coverage,
    frame,
    read_records,
    reference,
    tables,
)
from cart_nlp.landscape.combinations import of_trial
from cart_nlp.landscape.conduct import planned_years, reasons, stop_groups
from cart_nlp.landscape.options import OptionError, options_from
from cart_nlp.landscape.phases import phase_of
from cart_nlp.landscape.publications import read_publications
from cart_nlp.landscape.regions import DATA, region
from cart_nlp.landscape.report import Asked, build
from cart_nlp.landscape.sponsors import merge, normal, read_decisions
from cart_nlp.landscape.technology import vector_class
from cart_nlp.registries import dedupe
from cart_nlp.registries.entry import InputError
from cart_nlp.schema import Construct, Record, Trial

APART = [
    ("First Hospital of Example University", "Second Hospital of Example University"),
    ("Example Children's Hospital", "Example Women's Hospital"),
    ("920th Hospital of Example", "923th Hospital of Example"),
    ("Example University Cancer Hospital", "Example University Hospital"),
    ("North Example Medical Center", "South Example Medical Center"),
    ("Abc", "Abd"),
]
TOGETHER = [
    ("Acme Bio Co., Ltd.", "Acme Bio Co Ltd"),
    ("National Cancer Institute (NCI)", "National Cancer Institute"),
    ("The Example University", "Example University"),
    ("Hospital of Example, University Medical School", "University Medical School, Hospital of Example"),
    ("Kite, A Gilead Company", "Gilead Sciences"),
]


@pytest.mark.parametrize("one, two", APART)
def test_sponsors_kept_apart(one, two):
    home, _ = merge([one, two])
    assert home[one] != home[two]


@pytest.mark.parametrize("one, two", TOGETHER)
def test_sponsors_brought_together(one, two):
    home, merges = merge([one, one, two])
    assert home[one] == home[two]
    assert {m.decision for m in merges} == {"applied"}


def test_reviewed_decisions_overrule(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text(
        "name,merged_into,decision,score,rule\nAcme Bio Co Ltd,Acme Bio "
        "Co.,refused,100,x\nFoo,Bar,applied,,\nBaz,Bar,proposed,,\n"
    )
    decisions = read_decisions(path)
    assert decisions == {"Acme Bio Co Ltd": "Acme Bio Co Ltd", "Foo": "Bar"}
    home, _ = merge(["Acme Bio Co.", "Acme Bio Co Ltd", "Foo"], decisions)
    assert home == {"Acme Bio Co.": "Acme Bio Co.", "Acme Bio Co Ltd": "Acme Bio Co Ltd", "Foo": "Bar"}


def test_decisions_on_names_that_a_spreadsheet_would_run_are_those_of_the_names(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("name,merged_into,decision\n'=A,'@B,applied\n")
    assert read_decisions(path) == {"=A": "@B"}


@pytest.mark.parametrize(
    "text, fault",
    [
        ("a,b\n", "no column name"),
        ("name,merged_into,decision\nx,y,maybe\n", "decision 'maybe'"),
        ("name,merged_into,decision\nx\n", "decision ''"),
        (f"name,merged_into,decision\nx,{'y' * 200_000},applied\n", "cannot be read"),
    ],
)
def test_bad_decisions_in_one_line(tmp_path, text, fault):
    path = tmp_path / "m.csv"
    path.write_text(text)
    before = csv.field_size_limit(131_072)  # one for all of Python: reading records raises it
    try:
        with pytest.raises(InputError, match=fault):
            read_decisions(path)
    finally:
        csv.field_size_limit(before)


def test_a_sponsor_without_letters():
    assert normal("(???)") == "" and merge(["(???)", "---"])[0] == {"(???)": "(???)", "---": "---"}


@pytest.mark.parametrize("name, text", [("a.csv", "Title\nA trial of NCT01234567\n")])
def test_an_export_without_ids_is_refused(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match="no column PMID"):
        read_publications(tmp_path / name)


NBIB = (
    "PMID- 11\nTI  - A trial\nPT  - Clinical Trial, Phase I\nSI  - ClinicalTrials.gov/NCT01234567\n\nPMID- "
    "12\nAB  - "
    "no\n      number nct 01234568 here\n"
)
XML = (
    "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>11</PMID>"
    "<Article><PublicationTypeList><PublicationType>Clinical Trial</PublicationType></PublicationTypeList>"
    "<DataBankList><DataBank><AccessionNumberList><AccessionNumber>NCT01234567</AccessionNumber>"
    "</AccessionNumberList></DataBank></DataBankList></Article>"
    "</MedlineCitation></PubmedArticle></PubmedArticleSet>"
)
EUROPE = json.dumps(
    {
        "resultList": {
            "result": [
                {
                    "id": "x",
                    "pmid": "11",
                    "abstractText": "Patients of NCT01234567 and NCT01234567 responded",
                }
            ]
        }
    }
)
CSV = 'PMID,Title\n11,"Responses of patients, NCT01234567"\n'


@pytest.mark.parametrize("name, text", [("a.nbib", NBIB), ("a.xml", XML), ("a.json", EUROPE), ("a.csv", CSV)])
def test_publications_join_on_numbers(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    found = read_publications(path)
    assert [link.pmid for link in found.links["NCT01234567"]] == ["11"]
    records = [
        Record(trial_id="NCT01234567", car_trial="product", status="COMPLETED"),
        Record(trial_id="NCT09999999", car_trial="product", status="COMPLETED"),
    ]
    table = tables(frame(records), Options(publications=found))["transparency"]
    assert table.value(("all", "all"), "published %") == 50.0 and table.ids(("all", "all"), "published") == (
        "NCT01234567",
    )


@pytest.mark.parametrize("text", ["", "hello", "<a><b>", "{", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"])
def test_a_bad_export_is_one_line(tmp_path, text):
    path = tmp_path / "x"
    path.write_text(text)
    with pytest.raises(InputError) as fault:
        read_publications(path)
    assert str(path) in str(fault.value) and "\n" not in str(fault.value)


def test_results_unknown_are_not_results_absent():
    done = [Record(trial_id=f"T{n}", car_trial="product", status="COMPLETED") for n in range(3)]
    table = tables(frame(done))["transparency"]
    assert table.value(("all", "all"), "%") is None and table.note.startswith("Not in this export")
    posted = Record(trial_id="T9", car_trial="product", status="COMPLETED", has_results=True)
    table = tables(frame([*done, posted]))["transparency"]
    assert table.value(("all", "all"), "results posted") == 1
    assert table.value(("all", "all"), "published") is None
    assert table.value(("all", "all"), "%") is None, "of publications the export tells nothing"


ROWS = tomllib.loads((DATA / "stop-reasons.toml").read_text(encoding="utf-8"))["group"]


@pytest.mark.parametrize("name, text", [(g["name"], t) for g in ROWS for t in g["hits"]])
def test_reason_hits(name, text):
    assert name in reasons(text)


@pytest.mark.parametrize("name, text", [(g["name"], t) for g in ROWS for t in g["misses"]])
def test_reason_misses(name, text):
    assert name not in reasons(text)


def test_reasons_of_silence():
    assert reasons(None) == reasons("  ") == ("not stated",) and reasons("xyz") == ("other",)
    assert len(stop_groups()) == len(ROWS)


@pytest.mark.parametrize(
    "targets, constructs, expected",
    [
        ("AB", [("AB", "tandem")], [("AB", "tandem")]),
        ("AB", [("A", "cocktail"), ("B", "cocktail")], [("AB", "cocktail")]),
        (
            "ABC",
            [("AB", "tandem"), ("C", "sequential"), ("A", "sequential")],
            [("AB", "tandem"), ("AC", "sequential")],
        ),
        ("A", [("A", "single")], []),
        ("AB", [("A", "single"), ("B", "single")], [("AB", "format not stated")]),
        ("AB", [], [("AB", "format not stated")]),
        ("", [], []),
    ],
)
def test_combinations(targets, constructs, expected):
    made = tuple(Construct(targets=tuple(t), format=f) for t, f in constructs)
    assert of_trial(tuple(targets), made) == [(tuple(t), f) for t, f in expected]


@pytest.mark.parametrize(
    "text, first, last",
    [("2017-2021", 2017, 2021), ("2022-", 2022, None), ("-2016", None, 2016), ("2020", 2020, 2020)],
)
def test_periods(text, first, last):
    assert Period.parse(text) == Period(first, last)
    assert Period.parse(text).holds(None) is False


@pytest.mark.parametrize("text", ["", "-", "x", "2021-2017", "20"])
def test_bad_periods(text):
    with pytest.raises(ValueError):
        Period.parse(text)


@pytest.mark.parametrize(
    "given, named",
    [
        ({"until": "April"}, "--until April"),
        ({"growth": "2019"}, "--growth 2019"),
        ({"periods": "x"}, "--periods x"),
        ({"as_of": "1"}, "--as-of 1"),
    ],
)
def test_bad_options_name_themselves(given, named):
    with pytest.raises(OptionError, match=named):
        options_from(**given)


def test_highest_phase():
    phases = {"a": "PHASE1", "b": "PHASE2|PHASE3", "c": None, "d": "NA"}
    assert phase_of(("a", "b", "c", "d"), phases) == ("II/III", ("b",))
    assert phase_of(("c", "d"), phases) == (None, ())


@pytest.mark.parametrize(
    "values, kind",
    [
        ((), None),
        (("AAV",), "viral"),
        (("lnp", "mrna"), "non-viral"),
        (("AAV", "crispr_knock_in"), "both"),
        (("other",), None),
    ],
)
def test_vector_classes(values, kind):
    assert vector_class(values) == kind


@pytest.mark.parametrize(
    "start, end, years",
    [
        ("2020-01", "2025-01", 5),
        ("2020", "2035-01-01", 15),
        (None, "2020", None),
        ("2020", "soon", None),
        ("2020-13", "2021", None),
    ],
)
def test_planned_years(start, end, years):
    assert planned_years(start, end) == (None if years is None else pytest.approx(years, abs=0.01))


def test_regions_cover_what_registries_print():
    assert [region(c) for c in ("China", "korea, republic of", "Türkiye", "Atlantis")] == [
        "China",
        "Asia-Pacific, other",
        "Other regions",
        "Other regions",
    ]


def test_duplicates_keep_one_record_and_say_which():
    records = [
        Record(trial_id=CHINESE, car_trial="product", secondary_ids=(NCT,)),
        Record(trial_id=NCT, car_trial="product"),
        Record(trial_id=NCT, car_trial="product"),
    ]
    chosen = cohort(frame(records))
    assert chosen.pick() == (NCT,)
    assert sorted(chosen.duplicates) == [(CHINESE, NCT, "secondary id"), (NCT, NCT, "same id")]


NCT, CHINESE = "NCT04700001", "ChiCTR2000034575"


@pytest.mark.parametrize(
    ("one", "other", "shared", "kept"),
    [
        (NCT, "NCT04700002", "P30CA016672", 2),
        (NCT, CHINESE, "IRB-7", 2),
        (NCT, "NCT04700002", "2019-001234-12", 2),
        (NCT, "NCT04700002", NCT, 2),
        (NCT, CHINESE, "2019-001234-12", 1),
        ("EUCTR2019-001234-12-DE", "EUCTR2019-001234-12-FR", "IRB-7", 1),
    ],
)
def test_only_a_registration_number_makes_two_records_one_trial(one, other, shared, kept):
    records = [Record(trial_id=i, car_trial="product", secondary_ids=(shared,)) for i in (one, other)]
    assert len(cohort(frame(records))) == kept
    merged = dedupe.merge(Trial(id=r.trial_id, secondary_ids=r.secondary_ids) for r in records)
    assert len(list(merged)) == kept, "tag --dedupe has the same rule"


def test_changes_between_two_dates():
    old = [
        Record(trial_id="A", car_trial="product", status="RECRUITING", targets=("CD19",)),
        Record(trial_id="B", car_trial="product"),
    ]
    new = [
        Record(trial_id="A", car_trial="product", status="COMPLETED", targets=("CD19",)),
        Record(trial_id="C", car_trial="product", targets=("CD7",)),
    ]
    summary, status, names, each = changes.tables(cohort(frame(new)), cohort(frame(old)))
    assert summary.ids("new", "trials") == ("C",) and summary.value("gone", "trials") == 1
    assert [c.value for c in status.rows[0]] == ["RECRUITING", "COMPLETED", 1]
    assert [c.value for c in names.rows[0]] == ["targets", "CD7", 1]
    assert [[c.value for c in row] for row in each.rows] == [
        ["C", "new", None, None],
        ["B", "gone", None, None],
        ["A", "status", "RECRUITING", "COMPLETED"],
    ]


def test_changes_are_those_that_diff_finds():
    """Every field but the sponsor's, which the report brings together, reads as there."""
    old = [
        Record(trial_id="A", car_trial="product", targets=("CD19",)),
        Record(trial_id="B", car_trial="product", references=({"pmid": "1", "type": "RESULT"},)),
    ]
    one = Construct(targets=("CD19",), format="single")
    new = [
        Record(
            trial_id="A",
            car_trial="product",
            targets=("CD19",),
            constructs=(one,),
            costim=("4-1BB",),
            follow_up_years=15.0,
            has_results=True,
        ),
        Record(trial_id="B", car_trial="product", references=({"pmid": "1", "type": "DERIVED"},)),
    ]
    summary, _, _, each = changes.tables(cohort(frame(new)), cohort(frame(old)))
    found = compare(*({r.trial_id: flat_row(r) for r in records} for records in (old, new)))
    assert [[c.value for c in row] for row in each.rows] == [
        [c.trial_id, c.field, c.old or "none", c.new or "none"] for c in found.changes
    ]
    assert {c.field for c in found.changes} == {
        "constructs",
        "costim",
        "follow_up_years",
        "has_results",
        "references",
    }
    assert summary.ids("other costim", "trials") == ("A",) and summary.find("other phase") is None


def test_published_figures_beside_ours(found, df, options):
    table, order = reference.tables(found, "study", coverage.measure(cohort(df, options)))
    known = reference.facts("study")
    assert len(table.rows) == len(known["fact"]) and len(order.rows) == len(known["order"])
    for fact, row in zip(known["fact"], table.rows, strict=True):
        values = dict(zip(table.columns, (cell.value for cell in row), strict=True))
        if fact["row"] != ["last"]:
            assert values["ours"] == found[fact["table"]].value(tuple(fact["row"]), fact["column"])
        scaled = values["ours"] if values["scaled"] is None else values["scaled"]
        if scaled is None:
            assert values["difference"] is None and values["reason"]
            continue
        assert values["difference"] == pytest.approx(scaled - fact["published"], abs=0.01)
        if "bound" in fact:
            as_said = scaled > fact["published"] if fact["bound"] == "over" else scaled < fact["published"]
            assert (values["verdict"] == "as published") == as_said
        elif values["low"] is not None:
            factor = known["trials"] / len(cohort(df, options)) if values["scaled"] is not None else 1
            inside = values["low"] * factor <= fact["published"] <= values["high"] * factor
            assert (values["verdict"] == "inside our interval") == inside
    assert "Kendall" in reference.printed({"reference": table, "reference_order": order})


@pytest.mark.parametrize(
    "asked",
    [
        Options(top=2),
        Options(growth=(Period(2018, 2019), Period(2021, 2022))),
        Options(periods=(Period(2020, 2021),)),
    ],
)
def test_published_figures_stand_beside_the_same_of_ours_whatever_is_asked(df, options, asked):
    def beside(options):
        made = tables(df, options)
        rows = reference.tables(made, "study", coverage.measure(cohort(df, options)))[0].rows
        return {row[0].value: [cell.value for cell in row[1:]] for row in rows}, made

    plain, _ = beside(options)
    changed, made = beside(replace(asked, as_of=options.as_of))
    assert changed == plain
    assert plain["growth of solid tumors"][2] is not None and plain["companies among the top 20"][2] == 2
    assert len(made["sponsors"].rows) == min(asked.top, len(made["sponsors_all"].rows))
    figures = [row[0].value for row in made["key_figures"].rows]
    assert len(figures) == len(set(figures)), "a pair of periods that is asked for twice stands once"


def test_a_field_that_no_trial_could_have_is_not_called_used():
    made = tables(frame([Record(trial_id="A", car_trial="product", status="COMPLETED", phase="PHASE1")]))
    used = {row[0].value: row[-1].value for row in made["coverage"].rows}
    assert used["reason of stopped trials"] == "no trial could have it"
    assert used["phase"] == "yes" and used["countries"] == "not in this export"


def test_a_trial_that_completes_before_it_starts_has_no_planned_duration():
    spans = [("2020-01", "2026-01"), ("2020-01", "2021-01"), ("2020-01", "2019-12"), ("2020", None)]
    records = [Record(trial_id=f"A{n}", car_trial="product", start_date=a, completion_date=b)
               for n, (a, b) in enumerate(spans)]  # fmt: skip
    table = tables(frame(records))["long_term"]
    row = table.find("planned duration 5 years or more")
    assert [row[1].ids, row[2].ids, row[3].value] == [("A0",), ("A0", "A1"), 50.0]
    assert "1 that complete before they start are left out" in table.note


CORRECTIONS = """trial_id,field,action,value,by,date,note
A,car_trial,set,no,somebody,2026-01-02,another disease
B,targets,set,CD19,somebody,2026-01-02,
B,vector,add,lentiviral,somebody,2026-01-02,
GONE,targets,set,CD19,somebody,2026-01-02,
"""


def test_a_curators_corrections_leave_their_trace(tmp_path):
    records, file = tmp_path / "r.jsonl", tmp_path / "corr.csv"
    rows = [Record(trial_id=i, car_trial="product", disease_group=("solid",)) for i in "ABC"]
    records.write_text(
        "".join(r.model_dump_json() + "\n" for r in [*rows, Record(trial_id="D", car_trial="no")])
    )
    file.write_text(CORRECTIONS, encoding="utf-8")
    asked = Asked(corrections=file, image_files=False, figures=("flow",))
    built = build(records, tmp_path / "out", Options(), asked)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    run = json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))
    assert run["corrections"] == {
        "file": "corr.csv", "sha256": digest, "decisions": 4, "applied": 3, "trials": 2,
    }  # fmt: skip
    for name in ("report.md", "report.html"):
        told = (tmp_path / "out" / name).read_text("utf-8")
        assert (
            f"(corr.csv, SHA-256 {digest[:16]}…): 3 decisions on 2 trials; 1 of the 4 in the file" in told
        ), name
    reason = {row[0].value: row[-1].value for row in built.tables["excluded"].rows}
    assert reason == {"A": "excluded by a curator", "D": "no CAR"}
    assert built.tables["flow"].ids("excluded by a curator", "records") == ("A",)
    plain = build(records, tmp_path / "plain", Options(), Asked(image_files=False, figures=("flow",)))
    assert "excluded by a curator" not in [row[0].value for row in plain.tables["flow"].rows]
    run = json.loads((tmp_path / "plain" / "run.json").read_text("utf-8"))
    assert run["corrections"] is None and "curator's" not in (tmp_path / "plain" / "report.md").read_text(
        "utf-8"
    )


def test_no_such_reference():
    with pytest.raises(InputError, match="there is study"):
        reference.facts("../study")


def test_run_file_fills_the_flow(records):
    run = {
        "counts": {
            "read": 1000,
            "screened": 700,
            "below": 100,
            "merged": 1,
            "written": 162,
            "rejected": 37,
            "novel": 0,
        }
    }
    flow = tables(frame(records), Options(as_of=datetime.date(2026, 6, 30)), run)["flow"]
    assert flow.value("candidates", "records") == 1000 - 700 - 37
    assert flow.value("novel (as the run names it)", "records") == 0
    assert "the file holds" not in flow.note
    assert "the file holds" in tables(frame(records[:3]), None, run)["flow"].note


def test_every_format_of_records_gives_the_same_tables(records, found, options, tmp_path):
    from cart_nlp.writers import writer

    lines = [r.model_dump_json().encode() for r in records]
    for suffix in (".jsonl", ".csv.gz", ".parquet", ".xlsx", ".duckdb"):
        path = tmp_path / f"records{suffix}"
        if suffix == ".duckdb":
            with duckdb.connect(str(path)) as base:
                base.execute(f"CREATE TABLE records AS SELECT * FROM '{tmp_path / 'records.parquet'}'")
        else:
            writer(suffix)(lines, path, True)
        again = tables(read_records(path), options)
        for name, table in found.items():
            if suffix.startswith(".csv") and name.startswith(("technology", "targets", "editing_tools")):
                continue  # a flat file has no evidence: tested below
            assert again[name].rows == table.rows, (suffix, name)
    flat = tables(read_records(tmp_path / "records.csv.gz"), options)["technology_stated"]
    assert flat.value("targets", "stated") == 0 and flat.value("targets", "origin unknown") > 0


@pytest.mark.parametrize(
    "name, text, fault",
    [
        ("r.jsonl", '{"trial_id": "A"}\n{oops', "r.jsonl:2: not JSON"),
        ("r.jsonl", '{"trial_id": "A", "car_trial": "perhaps"}\n', "r.jsonl:1: car_trial"),
        ("r.jsonl", "[1]", "r.jsonl"),
        ("r.csv", "a,b\n1,2\n", "no column trial_id"),
        ("r.csv", "trial_id,enrollment\nA,many\n", "r.csv:2: enrollment"),
        ("r.parquet", "nope", "not Parquet"),
        ("r.xlsx", "nope", "not XLSX"),
        ("r.duckdb", "nope", "no store of `cart-nlp tag`"),
        ("r.txt", "", "not from '.txt'"),
        ("r.jsonl.gz", "nope", "not JSON"),
    ],
)
def test_bad_records_in_one_line(tmp_path, name, text, fault):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_records(path)
    assert fault in str(caught.value) and "\n" not in str(caught.value)
