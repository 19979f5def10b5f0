from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from registry_inputs import CTGOV_CSV, feed, split, trials

from cart_nlp.registries import InputError, Reject, tablereader, tablerows
from cart_nlp.registries.tablerows import Row, delimiter, rows

HEADER = "id,brief_title,conditions"
CELL = st.text(st.characters(exclude_characters="\r\0", exclude_categories=["Cs"]), max_size=12)


def read(text: str, size: int = 1 << 16) -> tuple[list[list[str]], list[Reject]]:
    good, bad = [], []
    for row in rows(feed(text.encode("utf-8", "surrogateescape"), size)):
        if isinstance(row, Row):
            good.append(row.cells)
        else:
            bad.append(row)
    return good, bad


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=5), st.sampled_from(",;\t|"), st.integers(1, 40)
)
def test_what_python_writes_comes_back(table: list[list[str]], mark: str, size: int) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=mark)
    writer.writerow(["id", "title", "x"])
    writer.writerows(table)
    good, bad = read(out.getvalue(), size)
    assert bad == []
    assert good[1:] == [row for row in table if any(row)]


@pytest.mark.parametrize(
    ("lines", "ids", "faults"),
    [
        (["A,b", "B,b,c"], ["B"], ["line 2: 2 fields where the header has 3"]),
        (["A,b,c,d", "B,b,c"], ["B"], ["line 2: 4 fields where the header has 3"]),
        (['A,"no end,c', "B,b,c", "C,b,c"], ["B", "C"], ["line 2: not valid CSV"]),
        (['A,"no end,c', "B,b,c", 'C,"q",c', "D,b,c"], ["B", "C", "D"], ["line 2: "]),
        (['A,5" needle,c', "B,b,c"], ["A", "B"], []),
        (['A,"two\nlines",c', "B,b,c"], ["A", "B"], []),
        (['A,"a ""quote""",c', "B,b,c"], ["A", "B"], []),
        (["A,\udcff,c", "B,b,c"], ["B"], ["line 2: invalid UTF-8 in this row"]),
        (["A,b,c", "", "   ", "B,b,c"], ["A", "B"], ["line 4: 1 fields"]),
        (["A,b,c\r", "B,b,c"], ["A", "B"], []),
        (["A,x\x00y,c", "B,b,c"], ["A", "B"], []),
    ],
)
def test_broken_rows(lines: list[str], ids: list[str], faults: list[str]) -> None:
    good, bad = read("\n".join([HEADER, *lines]))
    assert [cells[0].strip() for cells in good[1:]] == ids
    said = [f"{each.place}: {each.reason}" for each in bad]
    assert [text[: len(fault)] for text, fault in zip(said, faults, strict=True)] == faults


def test_a_rejected_row_keeps_its_number() -> None:
    _, bad = read(CTGOV_CSV + "NCT00000003,too short\n")
    assert [each.id for each in bad] == ["NCT00000003"]


def test_unclosed_quotes_everywhere_cost_bounded_time() -> None:
    text = HEADER + "\n" + 'A,"b\n' * 20_000
    good, bad = read(text)
    assert len(good) - 1 + len(bad) <= 20_000
    assert bad


def test_rereading_has_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tablerows, "_REREADING", 50)
    text = HEADER + "\n" + 'A,"b,c\n' + "B,b,c\n" * 50 + 'C,"b,c\n' + "D,b,c\n" * 50
    good, bad = read(text)
    assert 1 <= len(bad) <= 3
    assert len(good) > 1


def test_a_huge_field_is_read() -> None:
    good, bad = read(f'{HEADER}\nA,"{"long " * 10_000_000}",c\nB,b,c')
    assert [cells[0] for cells in good] == ["id", "A", "B"]
    assert len(good[1][1]) == 50_000_000
    assert bad == []


def test_a_field_beyond_the_limit_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tablerows, "MAX_FIELD", 100)
    good, bad = read(f'{HEADER}\nA,"{"x" * 1000}",c\nB,b,c')
    assert [cells[0] for cells in good] == ["id", "B"]
    assert [each.reason for each in bad] == ["not valid CSV: field larger than field limit (100)"]


@pytest.mark.parametrize(
    ("head", "mark"), [("a,b;c,d", ","), ('"a;b;c",d', ","), ("a\tb", "\t"), ("a|b|c", "|")]
)
def test_delimiter(head: str, mark: str) -> None:
    assert delimiter(head.encode()) == mark


def test_mapping_names_columns(tmp_path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "Nr;Name der Studie;Land;Was\nDRKS00000001;CAR-T;Deutschland|Italia;Lymphom; \n".replace("; ", "")
    )
    found = trials(
        path, mapping={"id": "Nr", "title": "Name der Studie", "countries": "Land", "condition": "Was"}
    )
    assert found[0].sections == {"brief_title": "CAR-T", "conditions[0]": "Lymphom"}
    assert found[0].countries == ("Germany", "Italy")
    assert found[0].registry == "German Clinical Trials Register"


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"id": "Nr", "title": "Nome"}, "--map brief_title=Nome: no such column; there are Nr, Name"),
        ({"id": "Nr", "colour": "Name"}, "--map colour=…: no such field; there are title, summary"),
        ({"title": "Name"}, "no column for the trial's id; name it with --map id=COLUMN; there are Nr, Name"),
    ],
)
def test_mappings_that_do_not_fit(mapping: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(tablereader.read(feed(b"Nr,Name\n1,x\n"), mapping=mapping))


def test_rows_without_an_id_are_rejected() -> None:
    ids, rejects = split(tablereader.read(feed(b"id,title\nA,x\n,y\nB,z\n")))
    assert ids == ["A", "B"]
    assert [(each.place, each.reason) for each in rejects] == [("line 3", "record without an id")]


def test_phase_na_and_none_stay_what_they_say() -> None:
    found = list(tablereader.read(feed(b"id,title,phase,conditions\nA,None,N/A,NA\n")))
    trial = found[0].trial()
    assert trial.sections == {"brief_title": "None", "conditions[0]": "NA"}
    assert trial.phase == "NA"
