"""Publications of a trial keep the type that the registry gives them, in every format that tells it."""

import json

import pytest

from cart_nlp.landscape import read_records
from cart_nlp.registries import read
from cart_nlp.registries.values import shapes
from cart_nlp.schema import Record, Reference
from cart_nlp.writers import writer

JSON = {
    "protocolSection": {
        "identificationModule": {"nctId": "NCT01234567", "briefTitle": "A CAR T study"},
        "referencesModule": {
            "references": [
                {"pmid": "11", "type": "RESULT"},
                {"pmid": "12", "type": "BACKGROUND"},
                {"pmid": "13", "type": "DERIVED"},
                {"citation": "no number"},
                {"pmid": "14"},
            ]
        },
    }
}
XML = (
    "<clinical_study><id_info><nct_id>NCT01234567</nct_id></id_info><brief_title>A CAR T study</brief_title>"
    "<reference><PMID>12</PMID></reference><results_reference><PMID>11</PMID></results_reference></clinical_study>"
)
OWN = {
    "id": "NCT01234567",
    "brief_title": "A CAR T study",
    "references": [{"pmid": "11", "type": "result"}, "x"],
}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.json", json.dumps(JSON), {"11": "RESULT", "12": "BACKGROUND", "13": "DERIVED", "14": ""}),
        ("a.xml", XML, {"11": "RESULT", "12": "BACKGROUND"}),
        ("a.jsonl", json.dumps(OWN) + "\n", {"11": "RESULT"}),
    ],
)
def test_types_are_kept(tmp_path, name, text, expected):
    path = tmp_path / name
    path.write_text(text)
    (entry,) = read(path)
    trial = entry.trial()
    assert {r.pmid: r.type for r in trial.references} == expected
    assert set(trial.pmids) == set(expected)


def test_the_institution_of_a_person_is_kept(tmp_path):
    module = {
        "leadSponsor": {"name": "Jane Q. Doe", "class": "OTHER"},
        "responsibleParty": {"type": "SPONSOR_INVESTIGATOR", "investigatorAffiliation": "Example University"},
    }
    study = {"protocolSection": JSON["protocolSection"] | {"sponsorCollaboratorsModule": module}}
    (tmp_path / "a.json").write_text(json.dumps(study))
    (entry,) = read(tmp_path / "a.json")
    assert entry.trial().raw["sponsor_affiliation"] == "Example University"


def test_one_vocabulary_the_first_type_told_wins():
    pairs = [
        ("1", ""),
        ("1", "results_reference"),
        ("2", "reference"),
        ("2", "result"),
        ("", "result"),
        ("3", "odd"),
    ]
    assert shapes.references(pairs) == (
        {"pmid": "1", "type": "RESULT"},
        {"pmid": "2", "type": "BACKGROUND"},
        {"pmid": "3", "type": ""},
    )


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_records_written_and_read_back_keep_them(tmp_path, suffix):
    record = Record(
        trial_id="NCT01234567",
        car_trial="product",
        pmids=("11", "12"),
        references=(Reference(pmid="11", type="RESULT"), Reference(pmid="12")),
    )
    path = tmp_path / f"records{suffix}"
    writer(suffix)([record.model_dump_json().encode()], path, True)
    assert read_records(path)["references"][0] == record.references
