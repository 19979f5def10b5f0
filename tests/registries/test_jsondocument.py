from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from registry_inputs import LINE_1, LINE_2, feed, split

from cart_nlp.registries import Rejected
from cart_nlp.registries.containers import bounds, jsondocument
from cart_nlp.registries.containers.jsondocument import Document, Value
from cart_nlp.registries.containers.jsonvalues import is_lines, parse, search_text, split_lines, unbroken
from cart_nlp.registries.readers import jsonreader

TEXT = st.text(st.characters(exclude_categories=["Cs"]).filter(lambda sign: not "\x80" <= sign <= "\xff"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.lists(st.dictionaries(TEXT, VALUES, max_size=4).map(lambda d: {"id": "x"} | d), max_size=4)


def values(data: bytes, size: int = 1 << 16) -> list[Value]:
    return list(Document(feed(data, size), lambda found: isinstance(found, dict) and "brief_title" in found))


SIZES = st.integers(1, 60)


def test_layouts_are_told_apart() -> None:
    one, two = {"id": "a", "studies": [{"x": 1}]}, {"id": "b"}
    assert [value.data for value in values(json.dumps(one).encode())] == [one]
    page = {"total": 1, "studies": [one, two], "next": "x"}
    assert [value.data for value in values(json.dumps(page).encode())] == [one, two]
    old = {"FullStudiesResponse": {"APIVrs": "1", "FullStudies": [{"Rank": 1, "Study": two}]}}
    assert [value.data for value in values(json.dumps(old).encode())] == [{"Rank": 1, "Study": two}]


@settings(max_examples=60, deadline=None)
@given(RECORDS, SIZES, st.sampled_from([None, 2]), st.booleans())
def test_records_come_back_whatever_the_chunks(
    records: list[dict], size: int, indent: int | None, listed: bool
) -> None:
    document = {"count": 3, "studies": records} if listed else records
    data = json.dumps(document, indent=indent).encode()
    found = values(data, size)
    assert [value.data for value in found] == records
    assert [parse(data[value.position : value.position + len(value.raw)]) for value in found] == records


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), SIZES)
def test_any_bytes_end_without_an_error(data: bytes, size: int) -> None:
    whole = [(value.position, value.fault) for value in values(data)]
    assert [(value.position, value.fault) for value in values(data, size)] == whole


LINE_3 = LINE_2.replace(b"0002", b"0003")
BROKEN = [
    (b"[" + LINE_1 + b', {"id": "b" "c"}, ' + LINE_2 + b"]", ["not valid JSON"]),
    (
        b"[" + LINE_1 + b', {"id": "b"], ' + LINE_2 + b"]",
        ["not valid JSON: expecting ',' delimiter at byte 82"],
    ),
    (b"[" + LINE_1 + b', {"id": "no end, ' + LINE_2 + b"]", ["not valid JSON: expecting"]),
    (
        b"[" + LINE_1 + b', {"id": "never closed", "x": {"y": [1, ' + LINE_2 + b"]",
        ["the input ends within it"],
    ),
    (b"[" + LINE_1 + b", " + LINE_2 + b', {"id": "cut', ["the input ends within it"]),
    (b"[" + LINE_1 + b", " + LINE_2 + b",", ["the input ends before its list does: it is truncated"]),
    (b"[" + LINE_1 + b', {"brief_title": "no id"}, ' + LINE_2 + b"]", ["record without an id"]),
    (b"[" + LINE_1 + b', {"id": " "}, ' + LINE_2 + b"]", ["no known record format"]),
    (b"[" + LINE_1 + b', {"id": "\xff"}, ' + LINE_2 + b"]", ["no known record format"]),
    (b"[" + LINE_1 + b', 5, "x", null, ' + LINE_2 + b"]", ["not a JSON object, where a record should"]),
    (b"[" + LINE_1 + b", [1, {}], " + LINE_2 + b", 7]", ["not a JSON object"] * 2),
    (LINE_1 + b" rubbish " + LINE_2, ["not a JSON object"]),
    (b'{"studies": [' + LINE_1 + b"," + LINE_2 + b', true], "next": [1, "x"]}', ["not a JSON object"]),
]


@pytest.mark.parametrize(("data", "reasons"), BROKEN)
def test_a_broken_record_harms_no_other(data: bytes, reasons: list[str]) -> None:
    ids, rejects = split(jsonreader.read(feed(data)))
    assert ids == ["NCT00000001", "NCT00000002"]
    assert [each.reason[: len(reason)] for each, reason in zip(rejects, reasons, strict=True)] == reasons


LINES = [
    (b'{"id": "b", ', "not valid JSON"),
    (b"[1, 2]", "a JSON list, not an object"),
    (b'"text"', "a JSON str, not an object"),
    (b"12", "a JSON int, not an object"),
    (b'{"id": "\xff\xfe"}', "no known record format: its keys are id"),
    (b'{"brief_title": "x"}', "record without an id"),
    (b'{"id": null, "brief_title": "x"}', "record without an id"),
    (b'{"id": ["x"], "brief_title": "x"}', "record without an id"),
    (b'{"id": "a\\u001b[31m", "brief_title": "x"}', "the id 'a\\x1b[31m' is too long or holds control"),
    (b'{"id": "' + b"9" * 200 + b'", "brief_title": "x"}', "the id '999"),
    (
        b'{"id": 12345678901234567890123, "brief_title": "x"}',
        "the id 1.2345678901234568e+22 is a number too long to be read digit by digit; write it in quotes",
    ),
    (b'{"protocolSection": 5}', "record without an NCT number (nctId)"),
    (b"[" * 100_000, "not valid JSON"),
    (b'{"a":' * 100_000, "not valid JSON"),
    (b"\0\0\0", "not valid JSON"),
    (b'{"foo": "bar"}', "no known record format: its keys are foo"),
]


@pytest.mark.parametrize(("line", "reason"), LINES, ids=[reason for _, reason in LINES])
def test_a_broken_line_harms_no_other(line: bytes, reason: str) -> None:
    ids, rejects = split(jsonreader.read(feed(b"\n".join((LINE_1, line, LINE_2)))))
    assert ids == ["NCT00000001", "NCT00000002"]
    assert [(each.place, each.reason[: len(reason)]) for each in rejects] == [("line 2", reason)]


def test_a_long_number_that_is_read_digit_by_digit_is_an_id() -> None:
    numbers = ["9007199254740993", str(2**64 - 1)]
    found = [b'{"id": ' + one.encode() + b', "brief_title": "x"}' for one in numbers]
    assert split(jsonreader.read(feed(b"\n".join(found)))) == (numbers, [])


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": NaN, "b": [Infinity, -Infinity]}', {"a": None, "b": [None, None]}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"a": "tab\there\x01"}', {"a": "tab\there\x01"}),
        (b'{"a": "\\ud800"}', {"a": "\ud800"}),
    ],
)
def test_what_json_forbids_and_exports_hold(raw: bytes, value: object) -> None:
    assert parse(raw) == value


def test_a_lone_surrogate_becomes_a_replacement_character() -> None:
    line = b'{"id": "NCT00000001", "brief_title": "CAR \\ud83d T", "eligibility": "\\udc00"}'
    found = list(jsonreader.read(feed(line + b"\n" + LINE_2)))
    assert found[0].trial().sections == {"brief_title": "CAR \ufffd T", "eligibility": "\ufffd"}
    assert b"CAR" in found[0].text


def test_the_screen_sees_words_not_escapes() -> None:
    raw = json.dumps({"id": "x", "t": "抗CD19 chimeric\nantigen\u2011receptor"}).encode()
    assert "抗CD19 chimeric antigen\u2011receptor" in search_text(raw, json.loads(raw)).decode()
    raw = rb'{"t": "CD19\/CD22"}'
    assert b"CD19/CD22" in search_text(raw, json.loads(raw))
    assert search_text(LINE_1, None) is LINE_1


def test_a_monster_number_is_rejected_or_dropped() -> None:
    line = b'{"id": "x", "brief_title": "t", "enrollment": ' + b"9" * 100_000 + b"}"
    _, rejects = split(jsonreader.read(feed(line + b"\n" + LINE_1)))
    assert len(rejects) == 1


def test_a_record_too_long_is_told_and_the_next_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_RECORD", 1000)
    long = b'{"id": "x", "brief_title": "' + b"a" * 5000 + b'"}'
    ids, rejects = split(jsonreader.read(feed(b"\n".join((LINE_1, long, LINE_2)), 300)))
    assert ids == ["NCT00000001", "NCT00000002"]
    assert [(each.place, each.reason) for each in rejects] == [("line 2", "longer than 32 MiB: not read")]


@given(st.lists(st.binary(max_size=9).filter(lambda b: b"\n" not in b and b"\r" not in b)), st.integers(1, 5))
def test_lines_are_numbered_as_an_editor_does(lines: list[bytes], size: int) -> None:
    wanted = [(at, line) for at, line in enumerate(lines, 1) if line and not line.isspace()]
    assert list(split_lines(feed(b"\n".join(lines), size))) == wanted


@pytest.mark.parametrize("size", [1, 2, 3, 50, 1 << 16])
def test_a_mark_before_a_line_is_no_part_of_it(size: int) -> None:
    mark = b"\xef\xbb\xbf"
    lines = [mark + LINE_1, mark, mark + b" ", LINE_2, mark + LINE_1]
    found = list(split_lines(feed(b"\n".join(lines), size)))
    assert found == [(1, LINE_1), (4, LINE_2), (5, LINE_1)]
    assert is_lines(b"\n".join([b"{", *[mark + LINE_1] * 3]))


def test_parse_says_where_utf8_breaks() -> None:
    with pytest.raises(Rejected, match="invalid UTF-8 at byte 7 of the record"):
        parse(b'{"a": \xff}')


@pytest.mark.parametrize("piece", [b'{"id": "a", ', b'{"id": "a', b'{"id": [', b'{"id": "a" "'])
def test_records_that_never_end_cost_bounded_time(piece: bytes) -> None:
    found = values(b"[" + piece * 20_000, 1 << 20)
    assert all(value.fault for value in found)
    assert found


@given(st.lists(st.sampled_from([" ", "a", "\\n", "\\r", "\\t", "\\", "n"]), max_size=12))
@settings(max_examples=300, deadline=None)
def test_escaped_line_ends_are_one_blank(parts: list[str]) -> None:
    text = "".join(parts)
    wanted = re.sub(r" ?(?:\\[nrt] *)+", " ", text)
    assert unbroken(text.encode()).decode() == wanted


@pytest.mark.parametrize("left", [b'["id",', b'[[1, "id",', b'["id", [', b'"id", [{}, {"a": []},'])
def test_what_is_left_of_a_record_takes_no_neighbor(left: bytes) -> None:
    for before, after in (((), (LINE_2,)), ((LINE_1,), ()), ((LINE_1,), (LINE_2,))):
        records = [*before, left + b" " + LINE_3, *after]
        ids, rejects = split(jsonreader.read(feed(b"[" + b",\n".join(records) + b"\n]")))
        assert ids == [parse(each)["id"] for each in (*before, LINE_3, *after)]
        assert rejects


PARTS = b'[{"id": "FG000", "title": "CD19 CAR-T Cells", "x": 1}, {"id": "9", "name": "A Clinic"}%s]'
NUMBERED = b'"applications": [{"id": 7, "ctNumber": "2023-500009-11-00", "title": "CD19 CAR-T"}%s]'
STUDY = b'"identificationModule": {"nctId": "NCT00000009", "briefTitle": "Asthma"}'
V2 = b'{"protocolSection": {%s}, "results": {"groups": %s}, "more": %s}' % (STUDY, PARTS, PARTS)
CTIS = b'{"ctStatus": 4, "ctNumber": "2023-500009-11-00", %s, "more": %s}' % (NUMBERED, PARTS)
GUESSED = b'{"nct_id": "NCT00000009", "title": "Asthma", "a": %s, "more": %s}' % (PARTS, PARTS)
OWN = b'{"id": "NCT00000009", "brief_title": "Asthma", "a": %s, "more": %s}' % (PARTS, PARTS)
"""Records with parts that have ids and titles, and two places for a fault."""


@pytest.mark.parametrize("record", [V2, CTIS, GUESSED, OWN], ids=["v2", "ctis", "guessed", "own"])
def test_parts_of_a_broken_record_are_no_records(record: bytes) -> None:
    whole = record.replace(b"%s", b"")
    good, other = whole.replace(b"0009", b"0001"), whole.replace(b"0009", b"0002")
    own = [each.id for each in jsonreader.read(feed(b"[" + whole + b", " + good + b", " + other + b"]"))]
    broken = [record % faults for faults in ((b" oh", b""), (b"", b" oh"), (b", {'x': 1}", b" oh"))]
    for each in [*broken, whole[: whole.index(b', "more"')], whole[:-9]]:
        for before, after in (((), ()), ((), (good, other)), ((good,), (other,)), ((good, other), ())):
            ids, rejects = split(jsonreader.read(feed(b"[" + b", ".join((*before, each, *after)) + b"]")))
            assert ids == own[1 : 1 + len(before) + len(after)]
            assert [reject.id for reject in rejects] == [own[0].removesuffix("-00")]
        ids, rejects = split(jsonreader.read(feed(each)))
        assert (ids, len(rejects)) == ([], 1)


@pytest.mark.parametrize(
    "begins",
    [
        b'{"ix": "b"',
        b'{"id: "b"',
        b'{id": "b", "x": {"y": [1',
        b'{"a": {"id": "b"',
        b'{"id": "NCT00000009", "x": {"y": [1',
    ],
)
def test_neighbors_of_a_broken_record_are_found_though_its_brackets_do_not_match(begins: bytes) -> None:
    first = begins + b', "z": [oh, {"key": "id"}], '
    ids, rejects = split(jsonreader.read(feed(b"[" + first + LINE_1 + b", " + LINE_2 + b"]")))
    assert ids == ["NCT00000001", "NCT00000002"]
    assert rejects


def test_what_is_broken_before_a_list_of_records_hides_none() -> None:
    page = b'{"meta": {oh, "x": 1}, "studies": [%s, %s]}' % (LINE_1.replace(b"NCT0", b"X-"), LINE_2)
    assert split(jsonreader.read(feed(page)))[0] == ["X-0000001", "NCT00000002"]


DEPTH = 3000
DEEP = b'{"id": "NCT00000009", "brief_title": "CAR-T", "x": %s}'
CHAIN, ENDS = b'{"a":' * DEPTH, b"}" * DEPTH
TOO_DEEP = [
    pytest.param(DEEP % (CHAIN + b"1" + ENDS), id="objects"),
    pytest.param(DEEP % (CHAIN + b'"\\"}]{"' + ENDS), id="brackets in a text"),
    pytest.param(DEEP % (b"[" * DEPTH + b"]" * DEPTH), id="lists"),
    pytest.param(DEEP % (b'{"a": [' * DEPTH + b"]}" * DEPTH), id="both"),
    pytest.param(DEEP % (b'{"a": [], "b":' * DEPTH + b"1" + ENDS), id="with neighbors"),
    pytest.param(DEEP % (b'{"id":' * DEPTH + b'"x"' + ENDS), id="keys of a record"),
    pytest.param(DEEP % (CHAIN + b"1" + ENDS[1:]), id="one end missing"),
    pytest.param(DEEP % (CHAIN + b"1" + ENDS[DEPTH // 2 :]), id="half of the ends missing"),
    pytest.param(DEEP % (CHAIN + b"1"), id="no end"),
    pytest.param((DEEP % (CHAIN + b"1" + ENDS))[:-1] + b', "y": [1, 2', id="a list not closed"),
]


@pytest.mark.parametrize("deep", TOO_DEEP)
@pytest.mark.parametrize("layout", [b"[%s]", b'{"records": [%s]}', b'{"total": 3, "data": [%s], "next": ""}'])
@pytest.mark.parametrize("size", [1000, 1 << 20])
def test_nesting_too_deep_takes_no_other_record(deep: bytes, layout: bytes, size: int) -> None:
    good = [LINE_2.replace(b"0002", b"%04d" % number) for number in range(1000)]
    for before in (0, 1, 1000):
        records = [*good[:before], deep, *good[before:]]
        ids, rejects = split(jsonreader.read(feed(layout % b",\n".join(records), size)))
        assert ids == [parse(each)["id"] for each in good]
        assert [each.id for each in rejects if each.id] == ["NCT00000009"]


def test_what_stands_beside_the_records_may_be_deep() -> None:
    deep = CHAIN + b"1" + ENDS
    page = b'{"meta": %s, "studies": [%s, %s], "more": %s}' % (deep, LINE_1, LINE_2, deep)
    assert split(jsonreader.read(feed(page))) == (["NCT00000001", "NCT00000002"], [])


def test_records_in_lists_too_deep_are_found() -> None:
    lists = b"[" * DEPTH + LINE_2 + b"]" * DEPTH
    ids, rejects = split(jsonreader.read(feed(b"[" + LINE_1 + b", " + lists + b"]")))
    assert ids == ["NCT00000001", "NCT00000002"]
    assert len(rejects) == 1


@pytest.mark.parametrize("depth", [300, 985, 1010, 1020, 1100])
@pytest.mark.parametrize("layout", [b"%s\n%s\n", b"[%s,\n%s]"])
def test_a_record_that_can_be_read_and_not_written_is_rejected(depth: int, layout: bytes) -> None:
    deep = (
        b'{"id": "NCT00000001", "brief_title": "CAR\\u2011T", "x": ' + b'{"a":' * depth + b"1" + b"}" * depth
    )
    ids, rejects = split(jsonreader.read(feed(layout % (deep + b"}", LINE_2))))
    assert [*(each.id for each in rejects), *ids] == ["NCT00000001", "NCT00000002"]


def test_it_is_told_when_not_every_record_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsondocument, "_FREE", 1 << 16)
    good = b", ".join([LINE_1] * 100)
    data = b"[" + b'{"x": [], "y":' * DEPTH + b" oh " + good + b"]"
    ids, rejects = split(jsonreader.read(feed(data)))
    assert len(ids) < 100
    assert [each.reason[:22] for each in rejects] == ["not valid JSON: nested", "too much is broken to "]
    assert rejects[-1].id is None  # so that a store takes no trial for vanished


@pytest.mark.parametrize("piece", [b'{"a":', b"[", b'{"id":', b'{"a":[],"b":'])
def test_nesting_without_end_costs_bounded_time(piece: bytes) -> None:
    start = time.process_time()
    found = values(b"[" + b", ".join([LINE_1] * 4) + b", " + piece * (4_000_000 // len(piece)), 1 << 20)
    assert time.process_time() - start < 8
    assert len([value for value in found if not value.fault]) == 4


def test_lists_within_lists_cost_bounded_time() -> None:
    record = b'{"id": "NCT00000001", "brief_title": "CAR-T"}'
    deep = b"[" * 400 + b",".join([record] * 20_000) + b"]" * 400
    start = time.process_time()
    ids, _ = split(jsonreader.read(feed(b"[1, " + deep + b"]", 1 << 20)))
    assert time.process_time() - start < 8
    assert set(ids) <= {"NCT00000001"}
