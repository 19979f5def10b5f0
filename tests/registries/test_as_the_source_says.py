# ruff: noqa: E501  (sample records stand on one line)
"""What a source says arrives: cells that are cut off, sponsors, countries, outcomes, dates, lists, columns."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from registry_inputs import entries, feed, split, trials

from cart_nlp.registries import InputError, Reject, Rejected, from_mapping, ictrp, read
from cart_nlp.registries.china import chictrpage
from cart_nlp.registries.clinicaltrials import ctgovtable
from cart_nlp.registries.containers.tablerows import Row, rows
from cart_nlp.registries.eu import euctr
from cart_nlp.registries.readers import tablereader
from cart_nlp.registries.values import normalize
from cart_nlp.schema import Trial

sys.path.insert(0, str(Path(__file__).parents[1] / "fuzz"))
import seeds

CUT = "a quote is not closed: the input ends within it"
OWN = "id{0}brief_title{0}brief_summary"
SITE = "NCT Number{0}Study Title{0}Brief Summary"


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("header", [OWN, SITE])
@pytest.mark.parametrize("ending", ["", "\n"])
def test_a_last_cell_that_is_cut_off_is_a_reject(tmp_path: Path, mark: str, header: str, ending: str) -> None:
    whole = [header.format(mark), f'NCT90000001{mark}CAR-T cells{mark}"a {mark} b"']
    path = tmp_path / "t.csv"
    path.write_text("\n".join([*whole, f'NCT90000002{mark}CAR-T cells{mark}"Patients rec{ending}']))
    first, cut = read(path)
    assert not isinstance(first, Reject)
    assert isinstance(cut, Reject)
    assert (cut.place, cut.id, cut.reason, cut.lost) == ("line 3", "NCT90000002", CUT, True)
    path.write_text("\n".join([*whole, f'NCT90000002{mark}CAR-T cells{mark}"Patients rec"']))
    assert len(trials(path)) == 2


def test_a_cut_is_told_behind_a_stray_quote_too() -> None:
    *_, last = rows(feed(b'id,title,note\nA,"x" y,ok\nB,"x" y,"and mo'))
    assert isinstance(last, Reject) and last.reason == CUT


def test_a_stray_quote_with_rows_behind_it_is_read() -> None:
    found = list(rows(feed(b'id,title,note\nA,"x" y,"z\nB,t,n\n')))
    assert [each.cells[0] for each in found if isinstance(each, Row)] == ["id", "A", "B"]


# ---- keys that a user names


def lines(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in records))
    return path


TITLED = {"id": "NCT90000001", "titel": "CD19 CAR-T cells"}


@pytest.mark.parametrize("document", [False, True])
def test_a_key_that_no_record_has_refuses_the_input(tmp_path: Path, document: bool) -> None:
    records = [{"id": f"NCT9000000{at}", "name": "CD19 CAR-T cells"} for at in range(3)]
    path = lines(tmp_path / "a.jsonl", records)
    if document:
        path.write_text(json.dumps(records, indent=1))
    with pytest.raises(InputError) as caught:
        list(read(path, mapping={"id": "id", "title": "titel"}))
    assert str(caught.value) == f"{path}: --map title=titel: no record has such a key; there are id, name"


def test_a_key_that_one_record_has_is_known(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", [{"id": "NCT90000002"}, {"id": "NCT90000003"}, TITLED])
    found = trials(path, mapping={"title": "titel"})
    assert [each.id for each in found] == ["NCT90000002", "NCT90000003", "NCT90000001"]
    assert found[-1].sections == {"brief_title": "CD19 CAR-T cells"}


def test_no_more_is_held_back_than_the_first_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cart_nlp.registries.reading._HELD", 2)
    path = lines(tmp_path / "a.jsonl", [{"id": "NCT90000002"}, {"id": "NCT90000003"}, TITLED])
    with pytest.raises(InputError, match=r"--map title=titel: none of 2 records has such a key"):
        list(read(path, mapping={"title": "titel"}))


def test_records_of_an_earlier_run_with_the_same_keys_need_not_have_them_again(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", [{"id": "NCT90000002"}, {"id": "NCT90000003"}])
    found = read(path, mapping={"title": "titel"}, settled=lambda raw, may_keep: "known")
    assert len(list(found)) == 2
    with pytest.raises(InputError, match="no record has such a key"):
        list(read(path, mapping={"title": "titel"}, settled=lambda raw, may_keep: "new"))


# ---- sponsors


@pytest.mark.parametrize(
    ("names", "classes", "funding"),
    [
        ("University of X|Y Hospital|Pfizer", "Other|Industry", "mixed"),
        ("University of X|Y Hospital", "Other|Industry|NIH", "mixed"),
        ("University of X|Y Hospital|Z College", "Other|Industry", "mixed"),
        ("Pfizer|Roche|Y Hospital|Z College", "Industry|Other", "mixed"),
        ("Pfizer|Roche|Y Hospital", "Industry", "industry"),
        ("Acme|Roche Hospital", "Industry|Industry", "industry"),
        ("University of X|NCI|A Therapeutics", "Other|NIH", "academic"),
        ("University of X", "Other|Industry", "mixed"),
    ],
)
def test_who_pays_by_the_classes_of_all_sponsors(
    tmp_path: Path, names: str, classes: str, funding: str
) -> None:
    row = {"NCT Number": "NCT90000001", "Title": "t", "Sponsor/Collaborators": names, "Funded Bys": classes}
    lead, *partners = names.split("|")
    path = tmp_path / "a.xml"
    path.write_text(
        "<search_results><study><nct_id>NCT90000001</nct_id><title>t</title><sponsors>"
        f"<lead_sponsor>{lead}</lead_sponsor>"
        + "".join(f"<collaborator>{name}</collaborator>" for name in partners)
        + "</sponsors><funded_bys>"
        + "".join(f"<funded_by>{each}</funded_by>" for each in classes.split("|"))
        + "</funded_bys></study></search_results>"
    )
    for trial in (ctgovtable.parse(row), *trials(path)):
        paid = trial.sponsor_class, trial.collaborator_classes, trial.sponsor, trial.collaborators
        assert normalize.funding(*paid) == funding
        assert (trial.sponsor, trial.raw["sponsor_class"]) == (lead, classes)


def test_a_class_goes_to_the_sponsor_whose_name_tells_it() -> None:
    names = ("University of X", "Y Hospital", "Pfizer", "National Cancer Institute")
    assert normalize.classes_of(names, ["Other", "NIH", "Industry"]) == ["Other", "Other", "Industry", "NIH"]
    assert normalize.classes_of(names[:3], ["Other"]) == ["Other"] * 3
    assert normalize.classes_of(names[:3], []) == []


# ---- ChiCTR pages


def page(*found: tuple[str, ...]) -> Trial:
    table = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in found)
    text = f"<html><body><table><tr><td>Registration number：</td><td>ChiCTR9000000001</td></tr>{table}</table></body></html>"
    (entry,) = chictrpage.read(feed(text.encode()))
    assert not isinstance(entry, Reject)
    return entry.trial()


SPONSOR = (
    ("国家：", "美国", "省(直辖市)：", ""),
    ("Country：", "United States", "Province：", ""),
    ("单位(医院)：", "一家公司", "具体地址：", "某处"),
    ("Institution hospital：", "A Company", "Address：", "Somewhere"),
)
PLACE = (
    ("国家：", "中国", "省(直辖市)：", "某省"),
    ("Country：", "China", "Province：", "Any"),
    ("单位(医院)：", "一家医院", "单位级别：", "三级"),
    ("Institution hospital：", "A Hospital", "Level of the institution：", "Tertiary"),
)


@pytest.mark.parametrize("kept", [slice(0, 4), slice(0, 4, 2), slice(1, 4, 2)])
def test_the_country_of_a_secondary_sponsor_is_none_of_the_trial(kept: slice) -> None:
    assert page(*SPONSOR[kept], *PLACE[kept]).countries == ("China",)
    assert page(*SPONSOR[kept]).countries == ()
    assert page(*PLACE[kept], *PLACE[kept]).countries == ("China",)


def test_outcomes_of_a_page_are_primary_or_secondary_as_they_are_typed() -> None:
    english = [
        ("Outcome：", "response", "Type：", "Primary indicator"),
        ("Outcome：", "survival", "Type：", "Secondary indicator"),
        ("Outcome：", "fever", "Type：", "Adverse events"),
        ("Outcome：", "cost", "Type：", ""),
    ]
    chinese = [
        ("指标中文名：", "缓解", "指标类型：", "主要指标"),
        ("指标中文名：", "生存", "指标类型：", "次要指标"),
    ]
    wanted = {"primary_outcomes[0]": "response", "primary_outcomes[1]": "cost",
              "secondary_outcomes[0]": "survival", "secondary_outcomes[1]": "fever"}  # fmt: skip
    assert page(*english).sections == wanted
    assert page(*english, *chinese).sections == wanted
    assert page(*chinese).sections == {"primary_outcomes[0]": "缓解", "secondary_outcomes[0]": "生存"}


# ---- EUCTR


def euctr_trial(*added: str, **changed: str) -> Trial:
    blocks = []
    for sponsor in changed.get("sponsors", "").split("|"):
        block = seeds.EUCTR.replace("D.IMP: 1", f"B.1.1 Name of Sponsor: {sponsor}\nD.IMP: 1")
        blocks.append(block + "".join(f"{line}\n" for line in added))
    (entry,) = euctr.read(feed("\n".join(blocks).encode()))
    assert not isinstance(entry, Reject)
    return entry.trial()


def test_the_end_of_a_eu_trial_is_its_completion() -> None:
    assert euctr_trial("P. Date of the global end of the trial: 2021-04-30").completion_date == "2021-04-30"
    assert euctr_trial().completion_date is None


def test_another_spelling_of_a_sponsor_is_no_other_sponsor() -> None:
    trial = euctr_trial(sponsors="AB Example|ABExample|A.B. EXAMPLE|Other Body|other body")
    assert (trial.sponsor, trial.collaborators) == ("AB Example", ("Other Body",))


# ---- countries, dates


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Palestinian Territories, Occupied", "Palestine, State of"),
        ("Palestinian Territory, occupied", "Palestine, State of"),
        ("Libyan Arab Jamahiriya", "Libya"),
    ],
)
def test_countries_under_their_former_names(tmp_path: Path, said: str, name: str) -> None:
    place = f"A Hospital, A City, {said}"
    row = {"NCT Number": "NCT90000001", "Title": "t", "Locations": place}
    path = tmp_path / "a.xml"
    path.write_text(
        "<search_results><study><nct_id>NCT90000001</nct_id><title>t</title>"
        f"<locations><location>{place}</location></locations></study></search_results>"
    )
    own = from_mapping({"id": "NCT90000001", "brief_title": "t", "countries": [said]})
    for trial in (ctgovtable.parse(row), *trials(path), own):
        assert trial.countries == (name,)
        assert trial.raw["countries"] == said


def test_days_that_cannot_be_read_are_kept_in_their_words() -> None:
    data = {
        "id": "NCT90000001",
        "brief_title": "t",
        "completion_date": "some day",
        "first_posted": "5th of May",
    }
    trial = from_mapping(data)
    assert (trial.completion_date, trial.first_posted) == (None, None)
    assert (trial.raw["completion_date"], trial.raw["first_posted"]) == ("some day", "5th of May")
    who = {"TrialID": "NCT90000001", "Public title": "t", "Scientific title": "t"}
    assert ictrp.parse_row(who | {"Date registration3": "some day"}).raw["first_posted"] == "some day"
    both = ictrp.parse_row(who | {"Date registration3": "some day", "Date registration": "2021-03-05"})
    assert (both.first_posted, both.raw) == ("2021-03-05", {})
    entered = "Date on which this record was first entered in the EudraCT database: 2023-01-16"
    text = seeds.EUCTR.replace(entered, entered.replace("2023-01-16", "unknown day"))
    (entry,) = euctr.read(feed(text.encode()))
    assert not isinstance(entry, Reject)
    assert entry.trial().raw["first_posted"] == "unknown day"


# ---- lists and texts of this project's own field names


def test_lists_in_one_text_are_taken_apart_in_json_as_in_csv(tmp_path: Path) -> None:
    said = {
        "countries": "China|Japan",
        "collaborators": "A; B",
        "conditions": "Lymphoma|Leukemia",
        "pmids": "2;1",
    }
    record = {"id": "NCT90000001", "brief_title": "CD19 CAR-T cells", **said}
    (tmp_path / "a.csv").write_text(f"{','.join(record)}\n{','.join(record.values())}\n")
    (table,) = trials(tmp_path / "a.csv")
    (other,) = trials(lines(tmp_path / "a.jsonl", [record]))
    assert other == table
    assert (other.countries, other.collaborators, other.pmids) == (("China", "Japan"), ("A", "B"), ("1", "2"))


def test_a_text_that_came_as_a_list_is_joined() -> None:
    data = {
        "id": "NCT90000001",
        "brief_title": ["CD19", "CAR-T"],
        "brief_summary": ["One.", "Two."],
        "phase": ["PHASE1", "PHASE2"],
    }
    trial = from_mapping(data)
    assert trial.sections == {"brief_title": "CD19 CAR-T", "brief_summary": "One.\nTwo."}
    assert trial.phase == "PHASE1|PHASE2"


@pytest.mark.parametrize("value", [{"en": "CD19 CAR-T"}, [{"en": "CD19 CAR-T"}], True])
def test_a_title_that_is_no_text_is_a_reject(tmp_path: Path, value: object) -> None:
    (entry,) = entries(lines(tmp_path / "a.jsonl", [{"id": "NCT90000001", "brief_title": value}]))
    with pytest.raises(Rejected, match="brief_title is no text but"):
        entry.trial()


# ---- columns


class Watched(dict[str, str]):
    """A row that notes which columns are asked for."""

    asked: set[str]

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return super().__contains__(name)


def test_the_columns_of_the_exports_are_those_that_are_read() -> None:
    asked: set[str] = set()
    for rest in ({}, {"Sponsor/Collaborators": "A"}):
        row = Watched({"NCT Number": "NCT90000001", **rest})
        row.asked = asked
        ctgovtable.parse(row)
    assert asked == ctgovtable.COLUMNS
    found = Watched({"trialid": "NCT90000001"})
    found.asked = set()
    ictrp._trial(found)
    assert found.asked == ictrp.COLUMNS


@pytest.mark.parametrize(
    "header", ["NCT Number,Study Title,Foo,Foo", "TrialID,Public title,Scientific title,Foo,FOO"]
)
def test_a_column_that_is_not_read_may_stand_twice(header: str) -> None:
    cells = ["NCT90000001", *"abcd"][: header.count(",") + 1]
    assert split(tablereader.read(feed(f"{header}\n{','.join(cells)}\n".encode()))) == (["NCT90000001"], [])


def test_a_forced_format_that_finds_nothing_is_named(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", [TITLED])
    with pytest.raises(InputError, match=r"a\.jsonl: holds no records in the format ctgov-xml$"):
        list(read(path, "ctgov-xml"))
