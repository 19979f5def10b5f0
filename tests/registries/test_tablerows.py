from __future__ import annotations

import csv
import io
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from registry_inputs import CTGOV_CSV, feed, split, trials

from cart_nlp import registries
from cart_nlp.registries import InputError, Reject
from cart_nlp.registries.containers import bounds, tablerows
from cart_nlp.registries.containers.tablerows import Row, delimiter, rows
from cart_nlp.registries.readers import frames, tablereader

HEADER = "id,brief_title,conditions"
SIGNS = st.characters(exclude_characters="\r\0", exclude_categories=["Cs"])
CELL = st.text(SIGNS.filter(lambda sign: not "\x80" <= sign <= "\xff"), max_size=12)


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
        (["A,caf\udce9,c", "B,b,c"], ["A", "B"], []),
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
    monkeypatch.setattr(tablerows, "_FREE", -(1 << 20))
    text = HEADER + "\n" + 'A,"b,c\n' + "B,b,c\n" * 50 + 'C,"b,c\n' + "D,b,c\n" * 50
    good, bad = read(text)
    assert 1 <= len(bad) <= 3
    assert "its lines up to" in bad[0].reason
    assert len(good) > 1


NUMBERED = "NCT Number,Title,Summary,Phase"


@pytest.mark.parametrize("broken", [
    'NCT00000002,"no end,s,p', 'NCT00000002,t,"two\nlines,p', 'NCT00000002,t,s,"no end',
    'NCT00000002,t,"a "" b,p\nand more, of it\n', '"NCT00000002,t,s,p', 'NCT00000002,"t"t,"s\ns",p',
    'NCT00000002,t,s', 'NCT00000002,t\nu,s,p', 'NCT00000002,t,"s" "s",p', 'NCT00000002,"t,""s,p',
])  # fmt: skip
@pytest.mark.parametrize("numbers", ["NCT{:08}", "ChiCTR{:010}", '"NCT{:08}"', "X-{:03}"])
def test_a_damaged_quote_costs_its_own_row_alone(broken: str, numbers: str) -> None:
    """In a short table and in a long one, whatever quotes stand in the rows behind."""
    rest = [
        "{},t,s,p",
        '{},"t, t","two\nlines",p',
        '{},"","",""',
        '{},t,"s ""q"" s","p"',
        '{},t,"(1, 2, 3)\n",p',
    ]
    for count in (1, 3, 40):
        whole = [numbers.format(at) for at in range(3, 3 + count)]
        text = [NUMBERED, rest[0].format(numbers.format(1)), broken.replace("NCT00000002", numbers.format(2))]
        text += [rest[at % 5].format(number) for at, number in enumerate(whole)]
        good, bad = read("\n".join(text).replace('""NCT', '"NCT').replace('""X', '"X') + "\n")
        found = {cells[0] for cells in good}
        assert found >= {number.strip('"') for number in (numbers.format(1), *whole)}
        if numbers.startswith("NCT"):
            assert [each.place for each in bad] == ([] if "NCT00000002" in found else ["line 3"])


def test_two_damaged_rows_are_two_rejects() -> None:
    lines = [
        "NCT00000001,t,s,p",
        'NCT00000002,"t,s,p',
        'NCT00000003,t,"s,p',
        "NCT00000004,t,s,p",
        'NCT00000005,t,"s',
    ]
    good, bad = read("\n".join([NUMBERED, *lines]))
    assert [cells[0] for cells in good[1:]] == ["NCT00000001", "NCT00000004"]
    assert [each.id for each in bad] == ["NCT00000002", "NCT00000003", "NCT00000005"]


def test_numbers_within_a_text_begin_no_row() -> None:
    lines = ['NCT00000001,t,"Of these:\nNCT00000007, a study\nNCT00000008,x,y\n",p', "NCT00000002,t,s,p"]
    good, bad = read("\n".join([NUMBERED, "NCT00000000,t,s,p", *lines]))
    assert [cells[0] for cells in good[1:]] == ["NCT00000000", "NCT00000001", "NCT00000002"]
    assert bad == []


def test_unclosed_quotes_far_apart_lose_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of six swallowed up to the longest cell, and the budget for reading again was spent."""
    monkeypatch.setattr(tablerows, "_FREE", 1000)
    for numbers in ("NCT{:08}", "X{}"):
        lines = [numbers.format(at) + (',"t,s,p' if at % 3000 == 2999 else ",t,s,p") for at in range(20_000)]
        good, bad = read("\n".join([NUMBERED, *lines]))
        assert len(good) - 1 == 20_000 - 6
        assert len(bad) == 6


@pytest.mark.parametrize("hint", ["sep=;", '"sep=;"', "SEP=;\r"])
def test_excels_hint_is_passed_over(hint: str) -> None:
    good, bad = read(f"{hint}\nid;title, or so;phase\nA;b;c\n")
    assert good == [["id", "title, or so", "phase"], ["A", "b", "c"]]
    assert bad == []


def test_a_huge_field_is_read() -> None:
    good, bad = read(f'{HEADER}\nA,"{"long " * 5_000_000}",c\nB,b,c')
    assert [cells[0] for cells in good] == ["id", "A", "B"]
    assert len(good[1][1]) == 25_000_000
    assert bad == []


@pytest.mark.parametrize("field", ["x" * 1000, "x\n" * 500])
def test_a_row_beyond_the_limit_is_rejected(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    monkeypatch.setattr(bounds, "MAX_RECORD", 100)
    good, bad = read(f'{HEADER}\nNCT00000001,b,c\nNCT00000002,"{field}",c\nNCT00000003,b,c')
    assert [cells[0] for cells in good[1:]] == ["NCT00000001", "NCT00000003"]
    assert len(bad) == 1


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
        ({"id": "Nr", "title": "Nome"}, "--map title=Nome: no such column; there are Nr, Name"),
        ({"id": "Nr", "colour": "Name"}, "--map colour=…: no such field; there are title, summary"),
        ({"title": "Name"}, "no column for the trial's id; name it with --map id=COLUMN; there are Nr, Name"),
    ],
)
def test_mappings_that_do_not_fit(mapping: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(tablereader.read(feed(b"Nr,Name\n1,x\n"), mapping=mapping))


TWICE = [
    ("id,brief_title,brief_title", None, "brief_title"),
    ("id,brief_title,conditions, id ", None, "id"),
    ("NR,TITLE,TITLE", {"id": "NR", "title": "TITLE"}, "TITLE"),
    ("NCT Number,Study Title,Study Title", None, "Study Title"),
    ("TrialID,Public title,Scientific title,Public_title", None, "public_title"),
]


@pytest.mark.parametrize(("header", "mapping", "column"), TWICE)
def test_a_column_that_stands_twice_is_refused(
    tmp_path: Path, header: str, mapping: dict[str, str] | None, column: str
) -> None:
    names = header.split(",")
    cells = [f"X{at}" for at in range(len(names))]
    (tmp_path / "t.csv").write_text(f"{header}\n{','.join(cells)}\n")
    book = openpyxl.Workbook()
    book.active.append(names)
    book.active.append(cells)
    book.save(tmp_path / "t.xlsx")
    columns = [name.strip() for name in names]
    parquet.write_table(pyarrow.table([[cell] for cell in cells], names=columns), tmp_path / "t.parquet")
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(InputError) as caught:
            list(registries.read(path, mapping=mapping))
        told = f"{path}: the column '{column}' stands twice; rename one of them, or take it out"
        assert str(caught.value) == told
    with pytest.raises(InputError, match=r"the frame: the column .* stands twice"):
        frames.parser(columns, mapping)


def test_columns_that_are_not_read_may_have_any_names() -> None:
    ids, rejects = split(tablereader.read(feed(b"id,title,note,note,,\nA,x,1,2,3,4\n")))
    assert (ids, rejects) == (["A"], [])


def test_rows_without_an_id_are_rejected() -> None:
    ids, rejects = split(tablereader.read(feed(b"id,title\nA,x\n,y\nB,z\n")))
    assert ids == ["A", "B"]
    assert [(each.place, each.reason) for each in rejects] == [("line 3", "record without an id")]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet", ".json"])
def test_results_are_told_by_a_cell_of_any_kind(tmp_path, suffix: str) -> None:
    said = {"true": True, "TRUE": True, "Yes": True, "1": True, "Has Results": True,
            "false": False, "No": False, "0": False, "No Results": False, "": False}  # fmt: skip
    for values in ([True, False], list(said)):
        frame = pd.DataFrame({"id": [f"NCT{at:08d}" for at in range(len(values))], "has_results": values})
        frame["brief_title"] = "CAR-T"
        path = tmp_path / f"table{suffix}"
        writers = {".csv": frame.to_csv, ".xlsx": frame.to_excel, ".parquet": frame.to_parquet}
        if suffix == ".json":
            frame.to_json(path, orient="records")
        else:
            writers[suffix](path, index=False)
        assert [each.has_results for each in trials(path)] == [said.get(value, value) for value in values]


def test_phase_na_and_none_stay_what_they_say() -> None:
    found = list(tablereader.read(feed(b"id,title,phase,conditions\nA,None,N/A,NA\n")))
    trial = found[0].trial()
    assert trial.sections == {"brief_title": "None", "conditions[0]": "NA"}
    assert trial.phase == "NA"
