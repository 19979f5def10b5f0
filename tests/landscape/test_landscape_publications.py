"""A built export: each publication linked by the right number and graded for what it is, in every format."""

import gzip
import json

import pytest

from cart_nlp.landscape import Options, frame, tables
from cart_nlp.landscape.exports import entries
from cart_nlp.landscape.plots.outcomes import publication_time
from cart_nlp.landscape.publications import (
    BACKGROUND,
    EARLY,
    ERRATUM,
    PRECLINICAL,
    PROTOCOL,
    RESULTS,
    RETRACTED,
    REVIEW,
    SECONDARY,
    Export,
    Link,
    links_of,
    numbers,
    read_publications,
)
from cart_nlp.landscape.transparency import survival
from cart_nlp.registries.entry import InputError
from cart_nlp.schema import Record, Reference

NCT = "NCT03000001"
PAPERS = [
    # pmid, title, abstract, data bank, types, relation, mesh, date, grade (None: not linked)
    ("1", "Cells in relapsed lymphoma", "Ten patients were infused; nine responded.", NCT,
     ["Clinical Trial, Phase I"], None, ["Humans"], "2021-03-05", RESULTS),
    ("2", "Cell therapy, where it stands", f"Trials such as {NCT} are reviewed.", None,
     ["Review"], None, ["Humans"], "2022-01", REVIEW),
    ("3", "Protocol of a phase I study of engineered cells", f"Registered as {NCT}.", None,
     ["Journal Article"], None, [], "2019-02", PROTOCOL),
    ("4", "Correction to: cells in relapsed lymphoma", f"{NCT}", None,
     ["Published Erratum"], "ErratumFor", [], "2021-06", ERRATUM),
    ("5", "Cells in relapsed lymphoma, extended", f"Patients of {NCT} responded.", None,
     ["Retracted Publication"], "RetractionIn", [], "2021-08", RETRACTED),
    ("6", "Another story", "Nothing of it here.", None,
     ["Journal Article"], None, [], "2022-02", None),
    ("7", "Receptor cells clear tumors in a mouse model", f"As a basis of {NCT}.", None,
     ["Journal Article"], None, ["Mice", "Animals"], "2021-01", PRECLINICAL),
    ("8", "Safety in patients treated with cells", f"Patients, responses, {NCT}.", None,
     ["Clinical Trial"], None, ["Humans"], "2001", EARLY),
    ("9", "Post hoc analysis of responders to cells", f"Patients of {NCT}.", None,
     ["Journal Article"], None, ["Humans"], "2022-09", SECONDARY),
]  # fmt: skip
TRIAL = Record(
    trial_id=NCT,
    car_trial="product",
    status="COMPLETED",
    start_date="2018-05",
    completion_date="2020-03-05",
    first_posted="2018-01-01",
)

NEWEST = Record(trial_id="NCT03100000", first_posted="2024-06-30")
"""A record that is not included, and with which the data end."""


def nbib():
    relations = {"ErratumFor": "EFR", "RetractionIn": "RIN"}
    out = []
    for pmid, title, abstract, bank, types, relation, mesh, date, _ in PAPERS:
        lines = [f"PMID- {pmid}", f"TI  - {title}", f"AB  - {abstract}", f"DP  - {date.replace('-', ' ')}"]
        lines += [f"SI  - ClinicalTrials.gov/{bank}"] if bank else []
        lines += [f"PT  - {t}" for t in types] + [f"MH  - {m}" for m in mesh]
        lines += [f"{relations[relation]} - Blood. 2021"] if relation else []
        out.append("\n".join(lines))
    return "\n\n".join(out) + "\n"


def pubmed_xml():
    out = []
    for pmid, title, abstract, bank, types, relation, mesh, date, _ in PAPERS:
        year, *rest = date.split("-")
        day = "".join(
            f"<{t}>{v}</{t}>" for t, v in zip(("Year", "Month", "Day"), [year, *rest], strict=False)
        )
        cited = (
            f"<CommentsCorrections RefType='{relation}'><PMID>1</PMID></CommentsCorrections>"
            if relation
            else ""
        )
        held = (
            f"<DataBankList><DataBank><AccessionNumberList><AccessionNumber>{bank}</AccessionNumber>"
            "</AccessionNumberList></DataBank></DataBankList>"
            if bank
            else ""
        )
        out.append(
            f"<PubmedArticle><MedlineCitation><PMID>{pmid}</PMID><Article><Journal><JournalIssue><PubDate>{day}"
            f"</PubDate></JournalIssue></Journal><ArticleTitle>{title}</ArticleTitle><Abstract><AbstractText>"
            f"{abstract}</AbstractText></Abstract>{held}<PublicationTypeList>"
            + "".join(f"<PublicationType>{t}</PublicationType>" for t in types)
            + f"</PublicationTypeList></Article><CommentsCorrectionsList>{cited}</CommentsCorrectionsList>"
            "<MeshHeadingList>"
            + "".join(f"<MeshHeading><DescriptorName>{m}</DescriptorName></MeshHeading>" for m in mesh)
            + "</MeshHeadingList></MedlineCitation><PubmedData><ReferenceList><Reference><Citation>A study, "
            f"{NCT}.</Citation><ArticleIdList><ArticleId>1</ArticleId></ArticleIdList></Reference></ReferenceList>"
            "</PubmedData></PubmedArticle>"
        )
    return f"<PubmedArticleSet>{''.join(out)}</PubmedArticleSet>"


def europe_json():
    rows = []
    for pmid, title, abstract, bank, types, relation, mesh, date, _ in PAPERS:
        text = f"{abstract} ({bank})" if bank else abstract
        row = {"pmid": pmid, "title": title, "abstractText": text, "firstPublicationDate": date}
        row["pubTypeList"] = {"pubType": types}
        row["meshHeadingList"] = {"meshHeading": [{"descriptorName": m} for m in mesh]}
        if relation:
            row["commentCorrectionList"] = {"commentCorrection": [{"id": "1", "type": relation}]}
        rows.append(row)
    return json.dumps({"resultList": {"result": rows}})


def europe_xml():
    out = []
    for pmid, title, abstract, bank, types, relation, mesh, date, _ in PAPERS:
        cited = f"<commentCorrection><type>{relation}</type></commentCorrection>" if relation else ""
        out.append(
            f"<result><pmid>{pmid}</pmid><title>{title}</title><abstractText>{abstract} "
            f"{bank or ''}</abstractText>"
            f"<pubTypeList>{''.join(f'<pubType>{t}</pubType>' for t in types)}</pubTypeList>"
            f"<commentCorrectionList>{cited}</commentCorrectionList><meshHeadingList>"
            + "".join(f"<meshHeading><descriptorName>{m}</descriptorName></meshHeading>" for m in mesh)
            + f"</meshHeadingList><firstPublicationDate>{date}</firstPublicationDate></result>"
        )
    return f"<responseWrapper><resultList>{''.join(out)}</resultList></responseWrapper>"


def ris():
    out = []
    for pmid, title, abstract, bank, types, _, mesh, date, _ in PAPERS:
        lines = ["TY  - JOUR", f"AN  - {pmid * 7}", f"TI  - {title}", f"AB  - {abstract} {bank or ''}"]
        lines += [f"PY  - {date.replace('-', '/')}"] + [f"KW  - {w}" for w in (*types, *mesh)]
        out.append("\n".join([*lines, "ER  - "]))
    return "\n".join(out) + "\n"


@pytest.mark.parametrize("make", [nbib, pubmed_xml, europe_json, europe_xml])
def test_each_publication_is_graded_for_what_it_is(tmp_path, make):
    path = tmp_path / "export"
    path.write_text(make(), encoding="utf-8")
    row = frame([TRIAL]).assign(registered="2018-01-01").to_dict("records")[0]
    got = {one.pmid: one.grade for one in links_of(row, read_publications(path))}
    assert got == {pmid: grade for pmid, *_, grade in PAPERS if grade}


def test_ris_without_relations_still_tells_results_from_review(tmp_path):
    (tmp_path / "export").write_text(ris())
    export = read_publications(tmp_path / "export")
    assert export.grades["1111111"] == RESULTS and export.grades["2222222"] == REVIEW
    assert export.grades["3333333"] == PROTOCOL and export.grades["7777777"] == PRECLINICAL


def test_the_data_bank_goes_first_then_title_then_abstract(tmp_path):
    (tmp_path / "export").write_text(nbib())
    how = {one.pmid: one.how for one in read_publications(tmp_path / "export").links[NCT]}
    assert how["1"] == "data bank" and how["2"] == "abstract"


@pytest.mark.parametrize(
    "text, keys",
    [
        ("NCT-03000001", [NCT]),
        ("NCT No. 03000001", [NCT]),
        ("NCT003000001", [NCT]),
        ("nct 03000001", [NCT]),
        ("NCT number: NCT03000001", [NCT]),
        ("NCT0300000123", []),
        ("ChiCTR 1800012345", ["CHICTR1800012345"]),
        ("ChiCTR-OIC-17011310", ["CHICTR17011310"]),
        ("jRCTs031190001 and jRCT 2033190055", ["JRCTS031190001", "JRCT2033190055"]),
        ("ISRCTN 12345678", ["ISRCTN12345678"]),
        ("EudraCT number 2015-001234-12", ["EU2015-001234-12"]),
        ("EUCTR2015-001234-12-DE", ["EU2015-001234-12"]),
        ("EU CT 2023-505678-12-00", ["EU2023-505678-12"]),
        ("born 1999, 12345678", []),
    ],
)
def test_numbers_as_people_write_them(text, keys):
    assert numbers(text) == keys


def test_a_trial_is_joined_by_its_secondary_numbers_too(tmp_path):
    (tmp_path / "e").write_text(
        "PMID- 5\nTI  - Patients\nAB  - Patients responded (EudraCT 2015-001234-12)\n"
    )
    trial = TRIAL.model_copy(update={"trial_id": "ChiCTR1800000001", "secondary_ids": ("2015-001234-12",)})
    row = frame([trial]).assign(registered=None).to_dict("records")[0]
    assert [one.pmid for one in links_of(row, read_publications(tmp_path / "e"))] == ["5"]


def test_pubmeds_own_csv_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / "csv-cart.csv"
    path.write_text(
        "PMID,Title,Authors,Citation,First Author,Journal/Book,Publication Year,Create Date,PMCID,NIHMS "
        "ID,DOI\n"
        "1,Cells,A,B,C,D,2021,2021/01/01,,,x\n"
    )
    with pytest.raises(
        InputError, match=r"neither abstracts nor registration numbers.*save the search again"
    ):
        read_publications(path)


@pytest.mark.parametrize(
    "name, data, said",
    [
        ("papers.json", b"[" * 100_000 + b"]" * 100_000, "not JSON"),
        ("papers.csv.gz", gzip.compress(bytes(9_000))[:10] + b"\xff" * 60, "gzip"),
        ("papers.csv.gz", gzip.compress(b"PMID,Title\n1," + bytes(200 << 20)), "decompression bomb"),
        ("papers.csv", b"PMID,Title\n1,a\rb\n2,b\n" + b'3,"' + b"x" * (17 << 20) + b'"\n', "not a table"),
        ("papers.csv", b'PMID,Title\n1,a\n2,"b\n3,c\n', "a quote is not closed"),
    ],
    ids=["deep", "damaged", "bomb", "long", "cut"],
)
def test_files_that_no_export_is_are_refused(tmp_path, name, data, said):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError, match=said):
        read_publications(path)


def test_a_line_separator_in_a_cell_ends_no_row(tmp_path):
    path = tmp_path / "papers.csv"
    path.write_text(f"PMID,Title,Abstract\n1,Cells,Ten\u2028patients of {NCT}\n", encoding="utf-8")
    assert links_of(TRIAL.model_dump(), read_publications(path))[0].pmid == "1"


def test_of_the_registrys_references_only_results_count(tmp_path):
    references = (
        Reference(pmid="1", type="BACKGROUND"),
        Reference(pmid="2", type="DERIVED"),
        Reference(pmid="3", type=""),
    )
    without = TRIAL.model_copy(update={"references": references, "pmids": ("1", "2", "3")})
    result = without.model_copy(
        update={"trial_id": "NCT03000002", "references": (*references, Reference(pmid="4", type="RESULT"))}
    )
    table = tables(frame([without, result]))["transparency"]
    assert table.ids(("all", "all"), "published") == ("NCT03000002",)
    assert table.value(("all", "all"), "published %") == 50.0


def test_what_an_export_knows_overrules_the_registry_but_background_stays(tmp_path):
    (tmp_path / "e").write_text(nbib())
    export = read_publications(tmp_path / "e")
    references = (Reference(pmid="5", type="RESULT"), Reference(pmid="1", type="BACKGROUND"))
    row = (
        frame([TRIAL.model_copy(update={"references": references})])
        .assign(registered=None)
        .to_dict("records")[0]
    )
    got = {one.pmid: one.grade for one in links_of(row, export)}
    assert got["5"] == RETRACTED and got["1"] == BACKGROUND


def test_time_to_publication_is_kaplan_meier(tmp_path):
    """Against the product formula by hand: 12 trials, papers after 6, 12 and 12 months, the rest censored."""
    months = [6, 12, 12, 20, 20, 20, 20, 20, 20, 20, 20, 20]
    happened = [True, True, True] + [False] * 9
    curve = survival(list(map(float, months)), happened)
    assert curve(5) == 0 and curve(6) == pytest.approx(100 / 12, abs=0.01)
    assert curve(12) == pytest.approx(100 * (1 - 11 / 12 * 9 / 11), abs=0.01)
    assert curve(None) is None and curve(36) is None


def test_a_median_time_to_publication_is_in_the_table_and_the_figure_draws_the_months():
    made = [TRIAL.model_copy(update={"trial_id": f"NCT{3_000_001 + n:08d}"}) for n in range(12)]
    papers = {
        one.trial_id: (Link(str(n), RESULTS, "data bank", "2021-03-05"),) for n, one in enumerate(made[:9])
    }
    options = Options(publications=Export(papers, {}, {}, 9))
    found = tables(frame([*made, NEWEST]), options)
    assert found["time_to_publication"].value("all", "median, months") == 12.0
    line = publication_time(found).figure.axes[0].get_lines()[0]
    assert [*zip(line.get_xdata(), line.get_ydata(), strict=True)][:4] == [(0, 0), (6, 0), (12, 75), (24, 75)]


def test_completed_trials_without_a_time_to_publication_are_told():
    """The denominators of both tables are the same trials, and the difference has its reasons."""
    places = (("China",), ("China", "Japan"), ("United States",))
    made = [
        TRIAL.model_copy(update={"trial_id": f"NCT{3_000_001 + n:08d}", "countries": places[n % 3]})
        for n in range(15)
    ]
    made[0] = made[0].model_copy(update={"completion_date": None})
    made[1] = made[1].model_copy(update={"completion_date": "2025-01"})
    days = {2: ("2021-03-05", None), 3: ("2021-03-05",), 4: ("2025-01-01",)}
    papers = {
        made[n].trial_id: tuple(Link(f"{n}{k}", RESULTS, "title", day) for k, day in enumerate(found))
        for n, found in days.items()
    }
    found = tables(frame([*made, NEWEST]), Options(publications=Export(papers, {}, {}, 4)))
    times, results = found["time_to_publication"], found["transparency"]
    for row, beside in (("all", "all"), ("China", "region"), ("United States", "region")):
        assert times.ids(row, "completed trials") == results.ids((beside, row), "trials")
    assert [times.value("China", c) for c in times.columns[1:4]] == [10, 8, 1]
    assert [times.value("all", c) for c in times.columns[1:4]] == [15, 12, 1]
    for told in (
        "1 without a date of completion",
        "1 completed after the end of the data",
        "1 with a paper of the results that has no date",
    ):
        assert told in times.note


def test_the_day_of_an_electronic_publication_is_kept(tmp_path):
    (tmp_path / "e").write_text("PMID- 1\nDP  - 2013 Mar\nDEP - 20130217\n\nPMID- 2\nDP  - 2013 Mar\n")
    assert [one.date for one in entries(tmp_path / "e")] == ["2013-02-17", "2013-03"]


def test_months_run_from_completion_to_the_first_results_paper(tmp_path):
    (tmp_path / "e").write_text(nbib())
    made = [TRIAL.model_copy(update={"trial_id": f"NCT{3_000_001 + n:08d}"}) for n in range(12)]
    options = Options(publications=read_publications(tmp_path / "e"))
    table = tables(frame([*made, NEWEST]), options)["time_to_publication"]
    assert table.value("all", "completed trials") == 12
    assert table.ids("all", "published by the end") == (NCT,)
    assert table.value("all", "6 months") == 0 and table.value("all", "12 months") == pytest.approx(
        100 / 12, abs=0.01
    )
