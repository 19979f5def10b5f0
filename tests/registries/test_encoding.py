from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry_inputs import feed

from cart_nlp.registries.containers.encoding import as_utf8, guess
from cart_nlp.registries.containers.mending import FAULTY, LOST, TWICE, legacy, mended, mended_text

CHINESE = "靶向CD19的嵌合抗原受体T细胞治疗复发难治B细胞淋巴瘤的临床研究,安全性和有效性。\n" * 3
WESTERN = "Étude de la sécurité des cellules CAR-T chez l’enfant – « à Genève »\n" * 3


def recoded(data: bytes, size: int = 1 << 16) -> tuple[str, list[str]]:
    notes: list[str] = []
    out = b"".join(as_utf8(feed(data, size), notes.append).chunks())
    return out.decode("utf-8", "replace"), notes


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"]
)
@pytest.mark.parametrize("text", [CHINESE + "plain\n" * 90, "plain\n" * 20_000 + CHINESE])
def test_chinese(encoding: str, text: str) -> None:
    found, notes = recoded(text.encode(encoding), 1 << 14)
    if encoding in ("utf-16-le", "utf-16-be") and text.startswith("靶"):
        pytest.skip("nothing tells UTF-16 without a mark when it begins in Chinese")
    assert found == text
    assert len(notes) == (0 if encoding.startswith("utf-8") else 1)


def test_western_text_is_told_record_by_record() -> None:
    for line in WESTERN.splitlines():
        notes: list[str] = []
        assert mended(line.encode("cp1252"), notes.append).decode() == line
        assert notes == ["not in UTF-8: read as CP1252"]


@pytest.mark.parametrize("text", [CHINESE, CHINESE.replace("\n", " ")])
def test_chinese_is_told_from_western_text(text: str) -> None:
    assert legacy(text.encode("gb18030")) == "gb18030"
    assert legacy(WESTERN.encode("cp1252")) == "cp1252"
    for word in ("créée", "Überwachung", "señal", "Ærø", "naïve—“x”", "dé\xa0!", "façade"):
        assert legacy(word.encode("cp1252")) == "cp1252"


def test_the_encoding_of_a_whole_file() -> None:
    assert guess(CHINESE.encode() + b"caf\xe9") == "utf-8"
    assert guess(CHINESE.encode("gb18030")) == "gb18030"
    assert guess(WESTERN.encode("cp1252")) == "cp1252"


def test_utf8_between_gb18030_is_kept() -> None:
    mixed = CHINESE.encode("gb18030") * 3 + CHINESE.encode() + "Zürich\n".encode("cp1252")
    assert recoded(mixed)[0] == CHINESE * 4 + "Zürich\n"


def test_an_xml_declaration_counts() -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-2"?><a>Łódź</a>'
    assert recoded(text.encode("iso-8859-2"))[0] == text


def test_a_wrong_xml_declaration_does_no_harm() -> None:
    for name in ("utf-16", "rot13", "hex", "no-such", "idna"):
        text = f'<?xml version="1.0" encoding="{name}"?><a>Łódź</a>'
        assert recoded(text.encode())[0] == text


@pytest.mark.parametrize("name", ["iso-8859-1", "windows-1252", "gb18030"])
def test_a_declaration_that_the_text_belies(name: str) -> None:
    text = f'<?xml version="1.0" encoding="{name}"?><a>嵌合抗原受体 β</a>'
    found, notes = recoded(text.encode())
    assert found == text
    assert len(notes) == 1


def test_one_stray_byte_decides_nothing_for_others() -> None:
    """300 Chinese trials were read as Western text because of one byte in the first MiB."""
    stray = b'{"id": "a", "brief_title": "caf\xe9"}\n'
    data = stray + b"plain\n" * 1000 + CHINESE.encode() * 100
    assert b"".join(as_utf8(feed(data, 1000), print).chunks()) == data
    one_line = data.replace(b"\n", b" ")
    assert b"".join(as_utf8(feed(one_line, 1000), print).chunks()) == one_line


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("抗CD19 CAR‑T ".encode() + b"caf\xe9 bar", "抗CD19 CAR‑T café bar"),
        ("嵌合抗原".encode()[:-1] + b" CD19", "嵌合抗\ufffd CD19"),
        ("嵌合".encode() + b"\xff\xfe\xff" + "抗原".encode(), "嵌合\ufffd抗原"),
    ],
)
def test_faults_within_utf8(raw: bytes, text: str) -> None:
    notes: list[str] = []
    assert mended(raw, notes.append).decode() == text
    assert FAULTY in notes


@pytest.mark.parametrize(
    "text",
    [
        "TGF-β and IFN-γ",
        "CD3ζ",
        "CAR‑T cells – “new”",
        "Sjögren’s étude",
        "抗CD19嵌合抗原受体",
        "5 ± 2 µg",
        "κλ",
    ],
)
@pytest.mark.parametrize("table", ["latin-1", "cp1252"])
def test_double_encoding_is_mended(text: str, table: str) -> None:
    twice = text.encode().decode(table, "replace" if table == "latin-1" else "ignore")
    if twice.encode(table, "ignore") != text.encode():
        pytest.skip("this table cannot hold it")
    for lead in ("", "抗原 ", "plain "):
        notes: list[str] = []
        assert mended_text(lead + twice, notes.append) == lead + text
        assert mended((lead + twice).encode(), notes.append).decode() == lead + text
        assert notes == [TWICE, TWICE]


@pytest.mark.parametrize(
    "text", ["CAFÉ «x»", "Ärzte, Ã, Î, â", "naïve – “x”", "α±β", "Îles", "ÅÄÖ", "x² ³", "“5 Å”", "×²", "É™"]
)
def test_right_text_is_left_alone(text: str) -> None:
    notes: list[str] = []
    assert mended_text(text, notes.append) == text
    assert mended(text.encode(), notes.append) == text.encode()
    assert notes == []


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("IFN-? release", True), ("anti-TGF-?, CAR-T", True), ("CD3? domain", True),
        ("TNF-?/IL-1? levels", True), ("CAR\ufffdT", True), ("Is it safe? Does IL-6 fall?", False),
        ("What of IFN? We ask", True), ("see www.x.org/?CD3=1", False),
    ],
)  # fmt: skip
def test_letters_that_were_lost_are_told(text: str, lost: bool) -> None:
    for notes, found in (
        (one := [], mended_text(text, one.append)),
        (other := [], mended(text.encode(), other.append).decode()),
    ):
        assert found == text
        assert notes == ([LOST] if lost else [])


@given(st.text(max_size=60), st.sampled_from(["utf-8", "gb18030", "cp1252"]))
def test_bytes_and_text_are_mended_alike(text: str, encoding: str) -> None:
    raw = text.encode(encoding, "ignore")
    one: list[str] = []
    other: list[str] = []
    found = mended(raw, one.append)
    assert found.decode() == mended_text(raw.decode("utf-8", "surrogateescape"), other.append)
    assert one == other


@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes_are_passed_or_recoded(data: bytes, size: int) -> None:
    notes: list[str] = []
    out = b"".join(as_utf8(feed(data, size), notes.append).chunks())
    if notes:
        out.decode("utf-8")
    else:
        assert out == data.removeprefix(b"\xef\xbb\xbf")
