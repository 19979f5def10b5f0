"""Every real export reads with the right number of trials, and with what its format holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from registry_inputs import trials

from cart_nlp.schema import Trial

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus"
pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="the real registry text (../shared/corpus) is absent"),
]

FULL = {"title", "brief_summary", "conditions", "interventions", "eligibility", "primary_outcomes"}
FILES: list[tuple[str, int, set[str]]] = [
    ("chictr-html/detail.html", 1, FULL | {"brief_title_zh", "official_title_zh", "arms"}),
    ("chictr-html/search_list.html", 10, {"title", "brief_title_zh"}),
    ("chictr-xml/ChiCTR2000034346.xml", 1, FULL - {"brief_summary"}),
    ("ctgov-csv-classic-site/SearchResults.csv", 1000, {"title", "conditions"}),
    ("ctgov-csv-new-site/ctg-studies.csv", 245, FULL - {"eligibility"}),
    ("ctgov-legacy-xml/NCT02028676.xml", 1, FULL | {"arms", "keywords", "detailed_description"}),
    ("ctgov-legacy-xml/NCT02317510.xml", 1, FULL | {"arms", "keywords", "detailed_description"}),
    ("ctgov-legacy-xml/NCT02465060.xml", 1, FULL | {"arms", "detailed_description"}),
    ("ctgov-legacy-xml/NCT03191552.xml", 1, FULL | {"arms", "keywords", "detailed_description"}),
    ("ctgov-legacy-xml/NCT03424005.xml", 1, FULL | {"arms", "acronym"}),
    ("ctgov-legacy-xml/NCT04349592_covid_19_hcq.xml", 1, FULL | {"arms", "keywords"}),
    ("ctgov-v1-json/NCT04780763.full_studies.json", 1, FULL | {"arms", "keywords"}),
    ("ctgov-v1-json/covid-19-search.full_studies_100.json", 100, {"title", "brief_summary", "conditions"}),
    ("ctgov-v2-json-list/condition_query_response.json", 10, FULL - {"interventions"}),
    ("ctgov-v2-json-single/NCT03630471.json", 1, FULL | {"arms", "keywords", "detailed_description"}),
    ("ctgov-v2-json-single/NCT05594173.json", 1, FULL | {"acronym", "detailed_description"}),
    ("ctgov-v2-json-single/NCT06008288.json", 1, FULL | {"arms", "detailed_description"}),
    ("ctis-json-ctrdata/2022-500244-37-00.json", 1, FULL),
    ("ctis-json-ctrdata/2023-505613-24-00.json", 1, FULL),
    ("ctis-json-ctrdata/2023-508143-51-01.json", 1, FULL),
    ("ctis-json-ctrdata/2024-510663-34-00.json", 1, FULL),
    ("euctr-txt/euctr_full_details.txt", 2, FULL | {"detailed_description", "secondary_outcomes"}),
    ("ictrp-xml/ICTRP-Results(1).xml", 95, {"title"}),
    ("nci-cts-json/NCI-2020-08118.v1.json", 1, FULL | {"arms", "detailed_description"}),
    ("nci-cts-json/NCI-2020-08118.v2.json", 1, FULL | {"arms", "detailed_description"}),
    ("nci-cts-json/list-v2.json", 10, {"title", "brief_summary"}),
]


def _filled(trial: Trial) -> set[str]:
    found = {key.partition("[")[0] for key in trial.sections}
    return found | {"title"} if trial.title() else found


@pytest.mark.parametrize(("name", "count", "fields"), FILES, ids=[name for name, _, _ in FILES])
def test_real_export(name: str, count: int, fields: set[str]) -> None:
    found = trials(CORPUS / "formats" / name)
    assert len(found) == count
    assert len({trial.id for trial in found}) == count
    for trial in found:
        assert fields <= _filled(trial), f"{trial.id} lacks {fields - _filled(trial)}"


def test_no_export_is_left_out_of_the_list() -> None:
    present = {
        f"{path.parent.name}/{path.name}"
        for path in (CORPUS / "formats").glob("*/*")
        if path.name != "SOURCE.txt"
    }
    assert present == {name for name, _, _ in FILES}


def test_every_structured_value_of_the_exports_is_normalized() -> None:
    left = []
    for name, _, _ in FILES:
        for trial in trials(CORPUS / "formats" / name):
            left += [
                (trial.id, field, raw)
                for field, raw in trial.raw.items()
                if field != "sponsor_affiliation"  # stands beside the sponsor, normalized to nothing
                and getattr(trial, field) is None
                and not (field == "start_date" and raw == "null")
            ]
    assert left == []


@pytest.mark.parametrize(("name", "count"), [("car-trials.jsonl.gz", 1276), ("gold-dev.jsonl", 400)])
def test_corpus_files(name: str, count: int) -> None:
    found = trials(CORPUS / name)
    assert len(found) == count
    assert all(trial.title() and trial.registry for trial in found)


def test_the_two_versions_of_one_nci_trial_agree() -> None:
    first, second = (
        trials(CORPUS / "formats" / "nci-cts-json" / f"NCI-2020-08118.{version}.json")[0]
        for version in ("v1", "v2")
    )
    assert first.id == second.id == "NCT04681105"
    differing = {field for field in Trial.model_fields if getattr(first, field) != getattr(second, field)}
    assert differing <= {"sections", "raw", "secondary_ids", "url"}
    assert first.sections["brief_title"] == second.sections["brief_title"]
    assert first.sections["eligibility"] == second.sections["eligibility"]


def test_json_and_csv_of_the_same_trial_agree() -> None:
    """The new site's CSV and the corpus' JSON lines share trials: titles and conditions are the same."""
    table = {trial.id: trial for trial in trials(CORPUS / "formats/ctgov-csv-new-site/ctg-studies.csv")}
    lines = {trial.id: trial for trial in trials(CORPUS / "car-trials.jsonl.gz")}
    shared = table.keys() & lines.keys()
    assert len(shared) >= 20
    same_conditions = 0
    for number in shared:
        one, other = table[number], lines[number]
        assert one.phase == other.phase or None in (one.phase, other.phase)
        conditions = [
            {text for key, text in trial.sections.items() if key.startswith("conditions")}
            for trial in (one, other)
        ]
        same_conditions += conditions[0] == conditions[1]
        for key, text in one.sections.items():
            if re.match(r"interventions\[\d+\]\.name", key):
                assert not re.match(r"[A-Z_]{4,}: ", text)
    assert same_conditions >= len(shared) * 0.8


def test_a_transitioned_trial_names_its_old_number() -> None:
    folder = CORPUS / "formats" / "ctis-json-ctrdata"
    numbers = {
        number for path in folder.glob("*.json") for trial in trials(path) for number in trial.secondary_ids
    }
    assert {"2019-001588-63", "2019-003842-34", "2021-004994-30"} <= numbers
