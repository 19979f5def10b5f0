# ruff: noqa: E501  (sample records stand on one line)
"""Write → read gives the same trial, for every text format; the writers here know each format's layout."""

from __future__ import annotations

import csv
import datetime
import io
import json
import zipfile
from collections.abc import Callable
from html import escape
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from registry_inputs import feed

from cart_nlp.registries import Entry
from cart_nlp.registries.containers.mending import mended_text
from cart_nlp.registries.reading import read_feed
from cart_nlp.schema import Trial

WORDS = st.text(
    st.characters(categories=["L", "N", "P", "S"], exclude_characters="\ufffe\uffff|;"),
    min_size=1,
    max_size=12,
).filter(lambda word: mended_text(word, str) == word)  # not what double encoding makes of a letter
LINE = st.lists(WORDS, min_size=1, max_size=4).map(lambda words: " ".join(["T", *words]))
NUMBER = st.integers(1, 99_999_999).map(lambda at: f"NCT{at:08d}")
TRIALS = st.fixed_dictionaries(
    {
        "id": NUMBER,
        "brief_title": LINE,
        "brief_summary": LINE,
        "conditions": st.lists(LINE, min_size=1, max_size=3, unique=True),
        "intervention": LINE,
        "phase": st.sampled_from(["PHASE1", "PHASE1|PHASE2", "PHASE3", "NA"]),
        "status": st.sampled_from(["RECRUITING", "COMPLETED", "TERMINATED"]),
        "enrollment": st.integers(0, 5000),
        "start_date": st.dates(datetime.date(1990, 1, 1), datetime.date(2040, 1, 1)).map(str),
        "sponsor": LINE,
        "countries": st.lists(st.sampled_from(["China", "France", "South Korea"]), unique=True).map(sorted),
    }
)
Fields = dict[str, Any]
COMMON = (
    "brief_title",
    "brief_summary",
    "conditions",
    "intervention",
    "phase",
    "status",
    "enrollment",
    "sponsor",
)


def seen(trial: Trial) -> Fields:
    """A trial as the fields that were written."""
    return {
        "id": trial.id,
        "brief_title": trial.sections.get("brief_title", ""),
        "brief_summary": trial.sections.get("brief_summary", ""),
        "conditions": [text for key, text in trial.sections.items() if key.startswith("conditions[")],
        "intervention": trial.sections.get("interventions[0].name", ""),
        "phase": trial.phase,
        "status": trial.status,
        "enrollment": trial.enrollment,
        "start_date": trial.start_date,
        "sponsor": trial.sponsor,
        "countries": list(trial.countries),
    }


def native(each: Fields) -> Fields:
    return {key: value for key, value in each.items() if key != "intervention"} | {
        "interventions": [{"name": each["intervention"]}]
    }


def as_lines(trials: list[Fields]) -> bytes:
    return "\n".join(json.dumps(native(each)) for each in trials).encode()


def as_gold(trials: list[Fields]) -> bytes:
    rows = [{"id": each["id"], "trial": native(each), "labels": {}} for each in trials]
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


def v2(each: Fields) -> Fields:
    return {
        "protocolSection": {
            "identificationModule": {"nctId": each["id"], "briefTitle": each["brief_title"]},
            "descriptionModule": {"briefSummary": each["brief_summary"]},
            "conditionsModule": {"conditions": each["conditions"]},
            "armsInterventionsModule": {"interventions": [{"type": "DRUG", "name": each["intervention"]}]},
            "designModule": {
                "phases": each["phase"].split("|"),
                "enrollmentInfo": {"count": each["enrollment"]},
            },
            "statusModule": {
                "overallStatus": each["status"],
                "startDateStruct": {"date": each["start_date"]},
            },
            "sponsorCollaboratorsModule": {"leadSponsor": {"name": each["sponsor"]}},
            "contactsLocationsModule": {"locations": [{"country": name} for name in each["countries"]]},
        }
    }


def as_v2_pages(trials: list[Fields]) -> bytes:
    return json.dumps({"studies": [v2(each) for each in trials], "nextPageToken": "x"}).encode()


def as_v2_zip(trials: list[Fields]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for at, each in enumerate(trials):
            archive.writestr(f"{at}.json", json.dumps(v2(each), indent=1))
    return out.getvalue()


def as_v1(trials: list[Fields]) -> bytes:
    studies = [
        {
            "Rank": at,
            "Study": {
                "ProtocolSection": {
                    "IdentificationModule": {"NCTId": each["id"], "BriefTitle": each["brief_title"]},
                    "DescriptionModule": {"BriefSummary": each["brief_summary"]},
                    "ConditionsModule": {"ConditionList": {"Condition": each["conditions"]}},
                    "ArmsInterventionsModule": {
                        "InterventionList": {"Intervention": [{"InterventionName": each["intervention"]}]}
                    },
                    "DesignModule": {
                        "PhaseList": {"Phase": each["phase"].split("|")},
                        "EnrollmentInfo": {"EnrollmentCount": str(each["enrollment"])},
                    },
                    "StatusModule": {
                        "OverallStatus": each["status"].capitalize(),
                        "StartDateStruct": {"StartDate": each["start_date"]},
                    },
                    "SponsorCollaboratorsModule": {"LeadSponsor": {"LeadSponsorName": each["sponsor"]}},
                    "ContactsLocationsModule": {
                        "LocationList": {
                            "Location": [{"LocationCountry": name} for name in each["countries"]]
                        }
                    },
                }
            },
        }
        for at, each in enumerate(trials)
    ]
    return json.dumps({"FullStudiesResponse": {"FullStudies": studies}}, indent=2).encode()


def as_csv(trials: list[Fields], mark: str = ",") -> bytes:
    out = io.StringIO(newline="")
    table = csv.writer(out, delimiter=mark)
    table.writerow(["NCT Number", "Study Title", "Study Status", "Brief Summary", "Conditions", "Interventions",
                    "Sponsor", "Phases", "Enrollment", "Start Date", "Locations"])  # fmt: skip
    for each in trials:
        table.writerow(
            [each["id"], each["brief_title"], each["status"], each["brief_summary"], "|".join(each["conditions"]),
             "DRUG: " + each["intervention"], each["sponsor"], each["phase"], each["enrollment"], each["start_date"],
             "|".join(f"Hospital, City, {name}" for name in each["countries"])]
        )  # fmt: skip
    return out.getvalue().encode()


def as_own_csv(trials: list[Fields]) -> bytes:
    out = io.StringIO(newline="")
    table = csv.writer(out)
    keys = list(trials[0])
    table.writerow([key if key != "intervention" else "interventions" for key in keys])
    for each in trials:
        cells = [each[key] for key in keys]
        table.writerow(["|".join(value) + "|" if isinstance(value, list) else value for value in cells])
    return out.getvalue().encode("utf-8-sig")


def as_xml(trials: list[Fields]) -> bytes:
    studies = []
    for each in trials:
        said = {key: escape(str(value)) for key, value in each.items()}
        conditions = "".join(f"<condition>{escape(one)}</condition>" for one in each["conditions"])
        countries = "".join(f"<country>{name}</country>" for name in each["countries"])
        studies.append(
            f"<clinical_study><id_info><nct_id>{said['id']}</nct_id></id_info><brief_title>{said['brief_title']}"
            f"</brief_title><sponsors><lead_sponsor><agency>{said['sponsor']}</agency></lead_sponsor></sponsors>"
            f"<brief_summary><textblock>\n      {said['brief_summary']}\n    </textblock></brief_summary>"
            f"<overall_status>{said['status'].capitalize()}</overall_status><start_date>{said['start_date']}"
            f"</start_date><phase>{said['phase']}</phase><enrollment type='Actual'>{said['enrollment']}</enrollment>"
            f"{conditions}<intervention><intervention_name>{said['intervention']}</intervention_name></intervention>"
            f"<location_countries>{countries}</location_countries></clinical_study>"
        )
    return ("<?xml version='1.0'?>\n<all>" + "\n".join(studies) + "</all>").encode()


FORMATS: dict[str, Callable[[list[Fields]], bytes]] = {
    "json lines": as_lines,
    "gold lines": as_gold,
    "v2 pages": as_v2_pages,
    "v2 zip": as_v2_zip,
    "v1": as_v1,
    "ctgov csv": as_csv,
    "ctgov tsv": lambda trials: as_csv(trials, "\t"),
    "own csv": as_own_csv,
    "ctgov xml": as_xml,
    "utf-16 csv": lambda trials: as_csv(trials).decode().encode("utf-16"),
}


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=8, deadline=None)
@given(trials=st.lists(TRIALS, min_size=1, max_size=4), size=st.sampled_from([13, 500, 1 << 16]))
def test_what_is_written_is_read(name: str, trials: list[Fields], size: int) -> None:
    found = list(read_feed(feed(FORMATS[name](trials), size), None, None, str))
    assert all(isinstance(each, Entry) for each in found), found
    assert [seen(each.trial()) for each in found if isinstance(each, Entry)] == trials
