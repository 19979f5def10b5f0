# ruff: noqa: E501  (sample records stand on one line)
"""Small inputs for the reader tests, written for the purpose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cart_nlp.registries import Entry, Reject, read
from cart_nlp.registries.containers.feeds import Feed
from cart_nlp.schema import Trial

LINE_1 = b'{"id": "NCT00000001", "brief_title": "CD19 CAR-T cells in lymphoma"}'
LINE_2 = b'{"id": "NCT00000002", "brief_title": "Aspirin in headache"}'

CTGOV_CSV = (
    "NCT Number,Study Title,Study Status,Brief Summary,Conditions,Interventions,Sponsor,Phases\r\n"
    'NCT00000001,"CAR-T, a study",COMPLETED,"Two\nlines with ""quotes""",Lymphoma|Leukemia,'
    "BIOLOGICAL: CD19 CAR-T|DRUG: Fludarabine,A University,PHASE1|PHASE2\r\n"
    "NCT00000002,Aspirin,RECRUITING,Summary,Headache,DRUG: Aspirin,A Company,PHASE3\r\n"
)

CTGOV_XML = """<?xml version="1.0" encoding="UTF-8"?>
<clinical_study>
  <id_info><org_study_id>X-1</org_study_id><nct_id>{number}</nct_id></id_info>
  <brief_title>{title}</brief_title>
  <sponsors><lead_sponsor><agency>A Hospital</agency><agency_class>Other</agency_class></lead_sponsor></sponsors>
  <brief_summary><textblock>
      A chimeric
      antigen receptor.

        -  First point
           goes on.
  </textblock></brief_summary>
  <overall_status>Completed</overall_status>
  <phase>Phase 1/Phase 2</phase>
  <condition>Lymphoma</condition>
</clinical_study>"""

ICTRP_XML = """<?xml version='1.0' encoding='UTF-8' ?>
<Trials_downloaded_from_ICTRP>
{trials}
</Trials_downloaded_from_ICTRP>"""
ICTRP_TRIAL = (
    "<Trial><TrialID>{number}\n</TrialID><Public_title>{title}\n</Public_title>"
    "<Scientific_title>Scientific</Scientific_title><Source_Register>JPRN</Source_Register></Trial>"
)


def feed(data: bytes, size: int = 1 << 16, name: str = "test") -> Feed:
    """A feed that gives data in chunks of some size."""
    return Feed(name, iter([data[at : at + size] for at in range(0, len(data), size)]))


def trials(path: Path | str, **options: object) -> list[Trial]:
    """The trials of an input in which nothing is rejected."""
    return [each.trial() for each in entries(path, **options)]


def entries(path: Path | str, **options: object) -> list[Entry]:
    """The entries of an input in which nothing is rejected."""
    found = list(read(path, **options))  # type: ignore[arg-type]
    assert [each for each in found if isinstance(each, Reject)] == []
    return [each for each in found if isinstance(each, Entry)]


def split(found: Iterator[Entry | Reject]) -> tuple[list[str], list[Reject]]:
    """Ids of the trials, and the rejects, of a reader's output."""
    ids, rejects = [], []
    for each in found:
        if isinstance(each, Reject):
            rejects.append(each)
        else:
            ids.append(each.trial().id)
    return ids, rejects
