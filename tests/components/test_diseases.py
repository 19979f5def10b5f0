"""Indications, their ids and disease groups of whole trials, in texts of our own wording."""

import json

import pytest
from spacy.language import Language

from cart_nlp.ontology import shipped
from cart_nlp.pipeline import load, tag_trial
from cart_nlp.schema import Record, Trial


def tagged(nlp: Language, title: str, *conditions: str, **sections: str) -> Record:
    named = {f"conditions[{n}]": text for n, text in enumerate(conditions)}
    return tag_trial(nlp, Trial(id="t", sections={"brief_title": title, **named, **sections}))


@pytest.mark.parametrize(
    ("title", "conditions", "group", "indications"),
    [
        ("GP350 CAR-T for EBV-positive lymphoma", [], "hematological", ["EBV-positive lymphoma"]),
        (
            "LMP1 CAR-T cells",
            ["Epstein-Barr virus infection", "Lymphoma"],
            "hematological",
            ["lymphoma"],
        ),
        ("MSLN CAR-T cells", ["Solid Malignant Tumors"], "solid", ["solid tumor"]),
        ("BCMA CAR-T cells", ["Plasma cell neoplasm"], "hematological", ["plasma cell neoplasm"]),
        ("CD19 CAR-T in aplastic anaemia", [], "other", ["aplastic anemia"]),
        ("CD19 CAR-T cells", ["Immune cytopenia"], "autoimmune", ["autoimmune cytopenia"]),
        ("CD70 CAR-T cells", ["Neoplasms"], "", ["cancer"]),
        ("CD33 CAR-T cells", ["Leukemia, Myeloid, Acute"], "hematological", ["acute myeloid leukemia"]),
        (
            "CD19 CAR-T in B-cell leukemia and lymphoma",
            [],
            "hematological",
            ["B-cell leukemia", "B-cell lymphoma"],
        ),
        ("GPRC5D CAR-T cells in myeloma", ["Cancer"], "hematological", ["multiple myeloma"]),
    ],
)
def test_group_and_indications(
    nlp: Language, title: str, conditions: list[str], group: str, indications: list[str]
) -> None:
    record = tagged(nlp, title, *conditions)
    assert (" ".join(record.disease_group), list(record.indications)) == (group, indications)


@pytest.mark.parametrize("title", ["CD19 CAR-T cells", "CD19 CAR-T cells in lymphoma", "CAR-T in adults"])
@pytest.mark.parametrize(
    ("condition", "indications"),
    [
        ("large B-cell lymphoma (excluding Burkitt lymphoma)", ("large B-cell lymphoma",)),
        ("B-cell lymphoma, excluding Burkitt lymphoma", ("B-cell lymphoma",)),
        ("B-cell lymphoma except mantle cell lymphoma (MCL)", ("B-cell lymphoma",)),
        ("Non-Hodgkin disease; lymphoma", ("lymphoma",)),
        ("Follicular lymphoma (MM)", ("follicular lymphoma",)),
    ],
)
def test_what_the_reading_of_a_condition_leaves_out_stays_out(
    nlp: Language, title: str, condition: str, indications: tuple[str, ...]
) -> None:
    assert tagged(nlp, title, condition).indications == indications


@pytest.mark.parametrize(
    ("name", "indication"),
    [
        ("Sjögren's syndrome", "Sjogren syndrome"),
        ("Sjögren syndrome", "Sjogren syndrome"),
        ("Sjogren’s disease", "Sjogren syndrome"),
        ("Behçet disease", "Behcet disease"),
        ("Behçet's syndrome", "Behcet disease"),
        ("Graves' disease", "Graves disease"),
        ("Crohn's disease", "Crohn disease"),
        ("Richter's transformation", "Richter transformation"),
        ("Hodgkin's lymphoma", "Hodgkin lymphoma"),
        ("Burkitt's lymphoma", "Burkitt lymphoma"),
        ("Wilms' tumour", "Wilms tumor"),
        ("Sézary syndrome", "Sezary syndrome"),
        ("non-Hodgkin's lymphoma", "non-Hodgkin lymphoma"),
    ],
)
def test_a_genitive_or_an_accent_hides_no_disease(nlp: Language, name: str, indication: str) -> None:
    told = (
        tagged(nlp, f"CD19 CAR-T cells for {name}"),
        tagged(nlp, "CD19 CAR-T cells", brief_summary=f"CD19 CAR-T cells are given to patients with {name}."),
        tagged(nlp, "CD19 CAR-T cells", name),
    )
    assert [record.indications for record in told] == [(indication,)] * 3


def test_a_title_may_leave_out_a_disease_too(nlp: Language) -> None:
    record = tagged(nlp, "CD7 CAR-T in Acute Leukemia Except Those With T-ALL")
    assert record.indications == ("acute leukemia",)
    short = "CD19 CAR-T cells for large B-cell lymphoma other than PMBCL. MM is allowed."
    assert tag_trial(nlp, Trial(id="t", sections={"text": short})).indications == (
        "large B-cell lymphoma",
        "multiple myeloma",
    )


def test_what_a_users_pattern_finds_counts_in_a_list_unless_it_is_left_out(tmp_path) -> None:
    pattern = {
        "label": "disease",
        "id": "Burkitt lymphoma",
        "pattern": [{"LOWER": "burk"}, {"LOWER": "disease"}],
    }
    (tmp_path / "patterns").mkdir()
    more = {"hits": ["burk disease"], "misses": ["disease"]}
    (tmp_path / "patterns/mine.jsonl").write_text(json.dumps(pattern | more) + "\n")
    nlp = load([tmp_path])
    assert tagged(nlp, "CD19 CAR-T cells", "Burk disease").indications == ("Burkitt lymphoma",)
    without = tagged(nlp, "CD19 CAR-T cells", "B-cell lymphoma (excluding Burk disease)")
    assert without.indications == ("B-cell lymphoma",)


def test_ids_are_those_of_the_indications(nlp: Language) -> None:
    record = tagged(nlp, "CD19 CAR-T cells in mantle cell lymphoma", "Lupus nephritis")
    ontology = shipped()
    assert record.indications == ("lupus nephritis", "mantle cell lymphoma")
    assert record.indication_ids == tuple(i for c in record.indications for i in ontology.ids(c))
    assert "DOID:0050746" in record.indication_ids


def test_evidence_of_an_inverted_name_is_its_words(nlp: Language) -> None:
    record = tagged(nlp, "CD33 CAR-T cells", "Relapsed Leukaemia, Myeloid, Acute")
    entry = next(e for e in record.evidence if e.field == "indications")
    assert (entry.section, entry.text) == ("conditions[0]", "Leukaemia, Myeloid, Acute")
    assert entry.rule.startswith("diseases.csv:")


@pytest.mark.parametrize(
    ("title", "summary", "indications"),
    [
        # a known short form, and the same letters defined as something else
        ("GD2 CAR-T cells in MM", "They are for multiple myeloma.", ("multiple myeloma",)),
        ("GD2 CAR-T cells in MM", "They are for metastatic melanoma (MM).", ("melanoma",)),
        # a short form that only this record knows
        ("CD19 CAR-T cells in FLX", "For follicular lymphoma (FL).", ("follicular lymphoma",)),
        ("CD7 CAR-T cells in TLyL", "For T lymphoblastic lymphoma (TLyL).", ("T-lymphoblastic lymphoma",)),
    ],
)
def test_short_forms_mean_what_the_record_says(
    nlp: Language, title: str, summary: str, indications: tuple[str, ...]
) -> None:
    record = tagged(nlp, title, brief_summary=summary)
    assert record.indications == indications


def test_a_vaccine_in_the_conditions_is_no_disease(nlp: Language) -> None:
    record = tagged(nlp, "Response of CAR-T recipients with lymphoma", "RSV Immunization")
    assert record.disease_group == ("hematological",)


def test_a_users_rows_are_read_in_conditions(tmp_path) -> None:
    (tmp_path / "diseases.csv").write_text(
        "name,group,parent,aliases,source\nnode fever,hematological,lymphoma,febris nodosa,me\n", "utf-8"
    )
    record = tagged(load([tmp_path]), "CD19 CAR-T cells", "Nodosa, Febris", "Lymphoma")
    assert (record.indications, record.disease_group) == (("node fever",), ("hematological",))
