# ruff: noqa: E501  (sample records stand on one line)
"""One small well-formed input of each format, for the fuzzers to break."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import zstandard

NATIVE = {
    "id": "NCT00000001",
    "brief_title": "Anti-CD19/CD22 CAR-T cells (4-1BB, CD3ζ) in B‑cell lymphoma",
    "brief_title_zh": "靶向CD19的嵌合抗原受体T细胞",
    "brief_summary": "Autologous T cells transduced with a lentiviral vector.\nDual-target CAR-T.",
    "conditions": ["Lymphoma", "Leukemia"],
    "interventions": [{"name": "CD19 CAR-T", "description": "infused", "other_names": ["CTL019"]}],
    "arms": [{"label": "Arm 1", "description": "CAR-T after fludarabine"}],
    "phase": "PHASE1|PHASE2", "status": "RECRUITING", "enrollment": 24, "start_date": "2021-03",
    "sponsor": "A University", "sponsor_class": "OTHER", "collaborators": ["B Biotech Co., Ltd."],
    "countries": ["China"], "secondary_ids": ["ChiCTR1800014870"],
}  # fmt: skip
V2 = {
    "protocolSection": {
        "identificationModule": {"nctId": "NCT00000002", "briefTitle": "BCMA CAR-T", "secondaryIdInfos": [{"id": "2019-001234-56"}]},
        "statusModule": {"overallStatus": "COMPLETED", "startDateStruct": {"date": "2020-01"}},
        "descriptionModule": {"briefSummary": "Anti-BCMA chimeric antigen receptor T cells."},
        "conditionsModule": {"conditions": ["Multiple Myeloma"]},
        "designModule": {"phases": ["PHASE1"], "studyType": "INTERVENTIONAL", "enrollmentInfo": {"count": 12}},
        "armsInterventionsModule": {"interventions": [{"type": "BIOLOGICAL", "name": "bb2121"}], "armGroups": [{"label": "A"}]},
        "sponsorCollaboratorsModule": {"leadSponsor": {"name": "C", "class": "INDUSTRY"}},
        "contactsLocationsModule": {"locations": [{"country": "United States"}]},
    },
    "hasResults": False,
}  # fmt: skip
V1 = {
    "FullStudiesResponse": {
        "NStudiesFound": 1,
        "FullStudies": [{"Rank": 1, "Study": {"ProtocolSection": {
            "IdentificationModule": {"NCTId": "NCT00000003", "BriefTitle": "CAR-NK"},
            "StatusModule": {"OverallStatus": "Recruiting", "StartDateStruct": {"StartDate": "March 4, 2021"}},
            "ConditionsModule": {"ConditionList": {"Condition": ["Lymphoma"]}},
            "DesignModule": {"PhaseList": {"Phase": ["Phase 1"]}},
        }}}],
    }
}  # fmt: skip
CTIS = {
    "ctNumber": "2023-500000-11-00", "ctStatus": 4, "trialPhase": "Therapeutic exploratory (Phase II)",
    "authorizedApplication": {"authorizedPartI": {
        "products": [{"productName": "Kymriah"}],
        "trialDetails": {"clinicalTrialIdentifiers": {"fullTitle": "Tisagenlecleucel", "publicTitle": "CAR-T"}},
        "sponsors": [{"primary": True, "organisation": {"name": "N", "type": "Pharmaceutical company"}}],
    }, "authorizedPartsII": [{"mscInfo": {"countryName": "Spain"}}]},
}  # fmt: skip
NCI = {
    "total": 1,
    "data": [{"nci_id": "NCI-2020-00001", "nct_id": "NCT00000004", "brief_title": "CAR T", "phase": "I_II",
              "current_trial_status": "Active", "diseases": [{"name": "Lymphoma"}],
              "arms": [{"name": "A", "interventions": [{"name": "CAR", "inclusion_indicator": "TRIAL"}]}]}],
}  # fmt: skip
NEW_CSV = (
    "NCT Number,Study Title,Study Status,Brief Summary,Conditions,Interventions,Sponsor,Phases\r\n"
    'NCT00000001,"CAR-T, ""a"" study",COMPLETED,"Two\nlines",Lymphoma|Leukemia,BIOLOGICAL: CD19 CAR-T,A University,PHASE1\r\n'
    "NCT00000002,Aspirin,RECRUITING,Summary,Headache,DRUG: Aspirin,A Company,PHASE3\r\n"
)
CLASSIC_CSV = (
    '"Rank","NCT Number","Title","Status","Conditions","Interventions","Sponsor/Collaborators","Funded Bys","Locations"\n'
    '1,"NCT00000001","CAR-T","Completed","Lymphoma","Drug: X|Biological: Y","A|B","Other|Industry","H, Seoul, Korea, Republic of"\n'
)
XML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE a [<!ENTITY b "c">]>
<clinical_study><id_info><nct_id>NCT00000005</nct_id><secondary_id>U1111-1111-1111</secondary_id></id_info>
<brief_title>GD2 CAR &amp; neuroblastoma &#945;</brief_title><brief_summary><textblock>
   A   text
     - point </textblock></brief_summary><phase>Phase 1/Phase 2</phase><condition>N</condition>
<intervention><intervention_name>GD2 CAR</intervention_name><other_name>x</other_name></intervention></clinical_study>"""
SEARCH_XML = """<?xml version="1.0"?><search_results count="1"><study rank="1"><nct_id>NCT00000006</nct_id><title>CAR</title>
<status open="Y">Recruiting</status><phases><phase>Phase 1</phase></phases></study></search_results>"""
ICTRP = """<?xml version='1.0' encoding='UTF-8' ?><Trials_downloaded_from_ICTRP>
<Trial><TrialID>JPRN-jRCT2033200149</TrialID><Public_title>CAR-T &lt;br&gt; x</Public_title><Scientific_title>S</Scientific_title>
<Date_registration3>20240408</Date_registration3><Phase>Human pharmacology (Phase I): no
Therapeutic exploratory (Phase II): yes</Phase><Countries>Japan;Europe</Countries></Trial>
<Trial><TrialID>ISRCTN12345678</TrialID><Public_title>y</Public_title></Trial></Trials_downloaded_from_ICTRP>"""
CHICTR = """<?xml version="1.0" encoding="UTF-8"?><trials subjects="1"><Triall><main><trial_id>ChiCTR2000034346</trial_id>
<public_title>CAR-T 嵌合</public_title><target_size>a:20;b:10;</target_size><phase>0</phase></main>
<countries><country2>China</country2></countries></Triall></trials>"""
CHICTR_PAGE = """<!DOCTYPE html><html><body><table><tr><td>注册号： Registration number：</td><td>ChiCTR2400084905</td></tr>
<tr><td>Public title：</td><td>CD19 CAR-T</td></tr><tr><td>注册题目：</td><td>嵌合抗原受体</td></tr></table></body></html>"""
CHICTR_LIST = """<html><body><table class="table1"><tr><td>x</td><td>ChiCTR2500111173</td><td><a title="嵌合">嵌</a><p>医院</p></td>
<td>干预性研究</td><td>2025/10/27</td></tr></table></body></html>"""
EUCTR = """Summary
EudraCT Number: 2022-002568-62
Trial Status: Ongoing
Date on which this record was first entered in the EudraCT database: 2023-01-16

A.1 Member State Concerned: Spain - AEMPS
A.2 EudraCT number: 2022-002568-62
A.3 Full title of the trial: A study of CAR-T cells
A.3 Full title of the trial (es): Estudio
A.5.2 US NCT (ClinicalTrials.gov registry) number: NCT00000007
D.IMP: 1
D.3.1 Product name: Kymriah
D.3.8 INN - Proposed INN: tisagenlecleucel
E.1.1 Medical condition(s) being investigated: Lymphoma
E.3 Principal inclusion criteria: 1. Adults
2. CD19 positive
E.7.1 Human pharmacology (Phase I): Yes
P. End of Trial Status: Ongoing
"""
TABLE = "Trial ID;Title;Summary;Phase;Country\nDRKS00000001;CAR-T;A text;I/II;Germany|France\n"


def packed(members: dict[str, bytes]) -> bytes:
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def _workbook() -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["id", "title", "phase", "enrollment"])
    book.active.append(["NCT00000008", "CAR-T", "1/2", 24])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _parquet() -> bytes:
    import pyarrow
    from pyarrow import parquet

    out = io.BytesIO()
    parquet.write_table(
        pyarrow.table({"id": ["NCT00000009"], "brief_title": ["CAR-T"], "conditions": [["Lymphoma"]]}), out
    )
    return out.getvalue()


def seeds() -> dict[str, bytes]:
    """Name -> bytes of one input of each format and packing."""
    lines = "\n".join(
        json.dumps(each, ensure_ascii=at % 2 == 0) for at, each in enumerate([NATIVE, V2, CTIS])
    )
    texts = {
        "lines": lines,
        "array": json.dumps([NATIVE, V2], indent=1),
        "v2": json.dumps({"totalCount": 2, "studies": [V2, V2]}),
        "v1": json.dumps(V1),
        "ctis": json.dumps(CTIS, indent=2),
        "nci": json.dumps(NCI),
        "new.csv": NEW_CSV,
        "classic.csv": CLASSIC_CSV,
        "xml": XML,
        "search.xml": SEARCH_XML,
        "ictrp.xml": ICTRP,
        "chictr.xml": CHICTR,
        "chictr.html": CHICTR_PAGE,
        "chictr-list.html": CHICTR_LIST,
        "euctr": EUCTR,
        "table": TABLE,
    }
    found = {name: text.encode() for name, text in texts.items()}
    found["gb18030"] = TABLE.replace("CAR-T", NATIVE["brief_title_zh"] * 4).encode("gb18030")  # type: ignore[operator]
    found["utf-16"] = NEW_CSV.encode("utf-16")
    found["gzip"] = gzip.compress(found["lines"], mtime=0)
    found["zstd"] = zstandard.compress(found["new.csv"])
    found["zip"] = packed({"a.json": found["v2"], "b.xml": found["xml"]})
    found["aact"] = packed(
        {
            "studies.txt": b"nct_id|brief_title|phase\nNCT00000001|CAR-T|Phase 1\nNCT00000002|x|\n",
            "interventions.txt": b'id|nct_id|name|description\n1|NCT00000001|"CD19|CAR"|d\n',
        }
    )
    found["xlsx"] = _workbook()
    found["parquet"] = _parquet()
    return found


def regressions() -> dict[str, bytes]:
    """Name -> bytes of every input that once broke a reader."""
    folder = Path(__file__).parent / "regressions"
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
