from __future__ import annotations

import time

import pytest
from registry_inputs import CTGOV_XML, ICTRP_TRIAL, ICTRP_XML, feed, split

from cart_nlp.registries import Entry, Reject, Rejected
from cart_nlp.registries.containers.xmlrecords import cut, element, plain, reflowed, search_text
from cart_nlp.registries.readers import xmlreader
from cart_nlp.registries.reading import read_feed

GOOD = [CTGOV_XML.format(number=f"NCT0000000{at}", title="T").split("?>", 1)[1] for at in (1, 2)]


def read(data: str | bytes, size: int = 1 << 16) -> tuple[list[str], list[str]]:
    ids, reasons = [], []
    raw = data if isinstance(data, bytes) else data.encode()
    for each in xmlreader.read(feed(raw, size), shape="ctgov-xml"):
        try:
            if isinstance(each, Entry):
                ids.append(each.trial().id)
            else:
                reasons.append(each.reason)
        except Rejected as reason:
            reasons.append(str(reason))
    return ids, reasons


@pytest.mark.parametrize("size", [1, 10, 1 << 16])
@pytest.mark.parametrize(
    ("middle", "reason"),
    [
        (
            "<clinical_study><id_info><nct_id>NCT9</nct_id></id_info>",
            "the element <clinical_study> is not closed",
        ),
        (
            "<clinical_study><nct_id>NCT9</nct_id><a></b></clinical_study>",
            "not well-formed XML: Opening and ending",
        ),
        ("<clinical_study><brief_title>x</brief_title></clinical_study>", "record without an id (<nct_id>)"),
        ("<clinical_study><nct_id> </nct_id></clinical_study>", "record without an id (<nct_id>)"),
        ("<clinical_study/>", "the element <clinical_study> is not closed"),
    ],
)
def test_a_broken_record_harms_no_other(middle: str, reason: str, size: int) -> None:
    ids, reasons = read(f"<all>{GOOD[0]}{middle}{GOOD[1]}</all>", size)
    assert ids == ["NCT00000001", "NCT00000002"]
    assert [each[: len(reason)] for each in reasons] == [reason]


def test_a_truncated_dump() -> None:
    ids, reasons = read("<all>" + GOOD[0] + GOOD[1][:300])
    assert ids == ["NCT00000001"]
    assert reasons == ["the input ends within this record"]


def test_an_entity_bomb_stays_text() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">' + "".join(
        f'<!ENTITY c{at} "{"&b;" * 10}">' for at in range(50)
    )
    ids, reasons = read(f"<?xml version='1.0'?>{bomb}]>" + GOOD[0].replace(">T<", ">&c9; T<"))
    assert (ids, reasons) == (["NCT00000001"], [])


def test_an_external_entity_is_not_fetched() -> None:
    head = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY leak SYSTEM "file:///etc/passwd">]>'
    record = next(iter(cut(feed((head + GOOD[0].replace(">T<", ">&leak;<")).encode()), "clinical_study"))).raw
    assert element(record).findtext("brief_title") == "&leak;"


def test_a_declaration_within_a_record_does_nothing() -> None:
    _, reasons = read(GOOD[0].replace("<id_info>", '<!DOCTYPE a [<!ENTITY b "c">]><id_info>'))
    assert len(reasons) == 1


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (b"a\x0bb", "a b"),
        (b"a&#x1F;b", "a b"),
        (b"a&#0;b", "a b"),
        (b"5 &lt; 6", "5 < 6"),
        (b"A & B", "A & B"),
        (b"A&nbsp;B &alpha; &x", "A\xa0B α &x"),
        (b"&#945;&#x3b1;", "αα"),
        (b"&#x11;&bogus;", " &bogus;"),
        ("CAR‑T \u202e \u2066".encode(), "CAR‑T \u202e \u2066"),
    ],
)
def test_what_xml_forbids_and_exports_hold(said: bytes, meant: str) -> None:
    assert element(b"<a>" + said + b"</a>").text == meant


@pytest.mark.parametrize("declared", ["", '<?xml version="1.0" encoding="UTF-8"?>'])
def test_faulty_utf8_is_mended_in_its_own_record(declared: str) -> None:
    data = (
        f"{declared}<all>{GOOD[0]}".encode().replace(b">T<", b">caf\xe9<")
        + GOOD[1].replace(">T<", ">嵌合抗原<").encode()
    )
    source = feed(data + b"</all>")
    found = [
        each.trial().title() for each in xmlreader.read(source, shape="ctgov-xml") if isinstance(each, Entry)
    ]
    assert found == ["café", "嵌合抗原"]
    assert list(source.notes) == ["not in UTF-8: read as CP1252"]


def test_an_end_without_a_beginning_is_told() -> None:
    ids, reasons = read(
        f"<all>{GOOD[0]}{GOOD[1].replace('<clinical_study', '<clinikal_study')}{GOOD[0]}</all>"
    )
    assert ids == ["NCT00000001"] * 2
    assert reasons == ["an end of <clinical_study> without a beginning"]


def test_a_dump_cut_between_two_records_is_told() -> None:
    ids, reasons = read(f"<?xml version='1.0'?><!-- <old> --><all>{GOOD[0]}")
    assert ids == ["NCT00000001"]
    assert reasons == ["the input ends before its root element does: it is truncated"]


@pytest.mark.parametrize("piece", ["<clinical_study>", "</clinical_study>", "<clinical_study a='", "<!--"])
def test_time_is_linear(piece: str) -> None:
    start = time.process_time()
    read("<all>" + piece * ((1 << 20) // len(piece)))
    assert time.process_time() - start < 5


def test_a_record_of_very_many_elements_is_rejected() -> None:
    _, reasons = read(GOOD[0].replace(">T<", ">" + "<a/>" * 5_000_000 + "<"))
    assert reasons == ["holds too many values: not read"]


def test_deep_nesting_is_rejected_fast() -> None:
    start = time.perf_counter()
    _, reasons = read(GOOD[0].replace(">T<", ">" + "<a>" * 500_000 + "<"))
    assert reasons[0].startswith("not well-formed XML")
    assert time.perf_counter() - start < 5


def test_thirty_megabytes_in_one_field() -> None:
    long = "CAR-T " * (30_000_000 // 6)
    found = list(
        xmlreader.read(feed(GOOD[0].replace(">T<", f">{long}<").encode(), 1 << 20), shape="ctgov-xml")
    )
    assert isinstance(found[0], Entry)
    assert len(found[0].trial().sections["brief_title"]) > 29_000_000


def test_records_are_not_confused_with_longer_names() -> None:
    data = ICTRP_XML.format(trials=ICTRP_TRIAL.format(number="JPRN-UMIN000000001", title="a"))
    ids, rejects = split(xmlreader.read(feed(data.encode(), 3), shape="ictrp-xml"))
    assert (ids, rejects) == (["JPRN-UMIN000000001"], [])


def test_the_screen_sees_characters_not_references() -> None:
    assert search_text(b"<a>CAR&#8209;T   cells\n  &amp; &#x3B1;</a>") == "<a>CAR‑T cells & α</a>".encode()
    assert search_text(b"<a>chimeric\n     antigen</a>") == b"<a>chimeric antigen</a>"


def test_tags_of_registries_go_and_comparisons_stay() -> None:
    assert plain("<p>Age <br/> > 18 and x<5 <b>bold</b></p><br>End") == "Age\n> 18 and x<5 bold\n\nEnd"


def test_wrapped_text_flows() -> None:
    said = "\n   One\n   line.\n\n\n     -  A\n        b\n     1. C\n"
    assert reflowed(said) == "One line.\n\n-  A b\n1. C"


@pytest.mark.parametrize(
    ("dump", "ids"),
    [
        (  # the damaged start is the first, and as frequent as the sound one
            "<all><clinical_sTudy><id_info><nct_id>NCT00000001</nct_id></id_info></clinical_study>"
            "<clinical_study><id_info><nct_id>NCT00000002</nct_id></id_info>"
            "<brief_title>CAR</brief_title></clinical_study></all>",
            ["NCT00000002"],
        ),
        (  # the id's element of another format, within a damaged record
            "<trials><Triall><main><trial_id>ChiCTR2000000001</trial_id><public_title>CAR</public_title></main></Triall>"
            "<Triall><main><trialid>Ch</trials>",
            ["ChiCTR2000000001"],
        ),
        (  # a first record of which nothing is left but a tag without an end
            "<trials><Trial\n<Triall><main><trial_id>ChiCTR2000000001</trial_id></main></Triall></trials>",
            ["ChiCTR2000000001"],
        ),
    ],
)
def test_damage_at_one_record_does_not_decide_how_all_are_read(dump, ids):
    found = list(read_feed(feed(dump.encode()), format=None, mapping=None, report=lambda line: None))
    assert [entry.id for entry in found if isinstance(entry, Entry)] == ids
    assert [entry for entry in found if isinstance(entry, Reject)]
