"""An export without a field: nothing that rests on it is printed as zero, nothing is tested on it."""

import math

import pytest
from matplotlib.text import Text

from cart_nlp.landscape import Options, coverage, frame, plots, reference, tables
from cart_nlp.landscape.cohort import cohort

FIELDS = {
    "countries": {"countries": ()},
    "dates": {"start_date": None, "completion_date": None},
    "phase": {"phase": None},
    "sponsor": {"sponsor": None, "sponsor_class": None},
    "collaborators": {"collaborators": ()},
    "pmids": {"pmids": (), "references": ()},
    "results": {"has_results": False},
    "results and pmids": {"pmids": (), "references": (), "has_results": False},
    "status": {"status": None},
    "enrollment": {"enrollment": None},
    "reasons": {"why_stopped": None},
    "follow-up": {"follow_up_years": None},
}
TELL = {"coverage", "flow", "excluded", "placed", "publication_grades"}
"""Tables that count the records themselves, or say what is missing."""


def without(records, field):
    return [r.model_copy(update=FIELDS[field]) for r in records]


def cells(made):
    """(table, leading texts, column) -> value; the same label twice keeps the first."""
    found = {}
    for table in made.values():
        for row in table.rows:
            lead = []
            for cell in row:
                if not isinstance(cell.value, str) or cell.ids is not None:
                    break
                lead.append(cell.value)
            for column, cell in zip(table.columns, row, strict=True):
                found.setdefault((table.name, tuple(lead[:2]) or row[0].text(), column), cell.value)
    return found


@pytest.fixture(scope="module")
def full(found):
    return cells(found)


@pytest.mark.parametrize("field", FIELDS)
def test_silence_is_no_zero(field, records, options, full):
    made = tables(frame(without(records, field)), options)
    turned = [
        (key, full[key])
        for key, value in cells(made).items()
        if key[0] not in TELL and value == 0 and value is not False and full.get(key) not in (0, None)
    ]
    assert turned == []
    said = [made[name].note for name in made if "Not in this export" in made[name].note]
    assert said, "the notes say what is missing"


@pytest.mark.parametrize(
    ("field", "tests"),
    [
        ("countries", {"phase_by_place", "funding_by_place", "results_by_place"}),
        ("dates", {"disease_by_period"}),
        ("phase", {"phase_by_place", "phase_by_disease", "phase_by_target"}),
        ("sponsor", {"funding_by_place", "stopped_by_funding"}),
        (
            "results and pmids",
            {"results_by_place", "results_by_disease", "results_by_size", "results_by_size_all"},
        ),
    ],
)
def test_no_test_on_what_is_missing_and_no_share_of_the_correction(field, tests, records, options):
    made = tables(frame(without(records, field)), options)["tests"]
    told = {row[0].value: row for row in made.rows}
    for name in tests:
        assert told[name][3].value == "none" and "not in this export" in told[name][-1].value
    ps = sorted((row[7].value, row[8].value) for row in made.rows if row[7].value is not None)
    smallest, adjusted = ps[0]
    assert math.isclose(adjusted, min(1, smallest * len(ps)))


def test_under_a_floor_is_missing(records, options):
    """Three references among many records are no sign that the export has them."""
    bare = without(records, "results and pmids")
    few = [r.model_copy(update={"references": records[0].references}) for r in bare[:1]]
    many = [
        r.model_copy(update={"trial_id": f"NCT{5_000_000 + 40 * n:08d}"}) for n, r in enumerate(3 * bare[1:])
    ]
    seen = coverage.measure(cohort(frame([*few, *many]), options))
    assert not seen["pmids"].enough and not seen["results"].enough


def test_figures_say_so(records, options):
    chosen = cohort(frame(without(records, "countries")), options)
    made = tables(frame(without(records, "countries")), options)
    for name in ("world", "countries"):
        assert plots.draw(name, made, chosen).data["missing"].tolist() == ["countries"]
    text = plots.draw("growth", made, chosen).figure.axes[0].get_legend().get_texts()
    assert [t.get_text() for t in text] == ["all trials"]


@pytest.mark.parametrize(
    ("field", "name", "gone", "said"),
    [
        ("collaborators", "sponsors", "collaborator only", "collaborators: not in this export"),
        ("phase", "organs", "no phase", None),
        ("phase", "reach", "no phase", "not in this export"),
        ("dates", "growth", "China", "start date: not in this export"),
        ("dates", "diseases", "solid", "start date: not in this export"),
        ("status", "stopped", "accrual", "status: not in this export"),
    ],
)
def test_figures_name_nothing_that_the_export_lacks(records, options, field, name, gone, said):
    df = frame(without(records, field))
    drawn = plots.draw(name, tables(df, options), cohort(df, options)).figure
    words = [text.get_text() for text in drawn.findobj(Text)]
    assert gone not in words
    assert said is None or any(said in one for one in words)


def test_published_figures_have_no_number_of_ours(records, options):
    df = frame(without(records, "results and pmids"))
    made = tables(df, options)
    table, _ = reference.tables(made, "study", coverage.measure(cohort(df, options)))
    row = table.find("published results")
    assert row[3].value is None and "not in this export: publications" in row[-1].value


def test_coverage_is_told_by_registry(records, options):
    changed = [
        r.model_copy(update={"registry": "ChiCTR", "phase": None}) if n % 4 == 0 else r
        for n, r in enumerate(records)
    ]
    made = tables(frame(changed), options)
    row = dict(zip(made["coverage"].columns, made["coverage"].find("phase"), strict=True))
    assert row["ChiCTR"].value == 0 and row["ClinicalTrials.gov"].value > 0
    assert "ChiCTR 0 of" in made["phases"].note


def test_with_an_export_publications_are_complete(records):
    from cart_nlp.landscape.publications import Export

    df = frame(without(records, "results and pmids"))
    made = tables(df, Options(publications=Export({}, {}, {}, 1)))
    assert made["transparency"].value(("all", "all"), "published") == 0
    assert made["transparency"].value(("all", "all"), "results posted") is None
