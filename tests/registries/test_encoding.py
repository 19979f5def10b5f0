from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry_inputs import feed

from cart_nlp.registries.encoding import as_utf8, guess

CHINESE = "靶向CD19的嵌合抗原受体T细胞治疗复发难治B细胞淋巴瘤的临床研究,安全性和有效性。\n" * 3
WESTERN = "Étude de la sécurité des cellules CAR-T chez l’enfant – « à Genève »\n" * 3


def recoded(data: bytes, size: int = 1 << 16) -> tuple[str, list[str]]:
    notes: list[str] = []
    out = b"".join(as_utf8(feed(data, size), notes.append).chunks())
    return out.decode("utf-8"), notes


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


@pytest.mark.parametrize("lead", ["", "plain\n" * 20_000])
def test_western(lead: str) -> None:
    found, notes = recoded((lead + WESTERN).encode("cp1252"), 1 << 14)
    assert found == lead + WESTERN
    assert notes == ["test: read as CP1252"]


def test_an_xml_declaration_counts() -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-2"?><a>Łódź</a>'
    assert recoded(text.encode("iso-8859-2"))[0] == text


def test_a_wrong_xml_declaration_does_no_harm() -> None:
    for name in ("utf-16", "rot13", "hex", "no-such", "idna"):
        text = f'<?xml version="1.0" encoding="{name}"?><a>Łódź</a>'
        assert recoded(text.encode())[0] == text


def test_faulty_utf8_stays_utf8() -> None:
    good = "CAR‑T für α\n".encode()
    assert guess(good * 5 + b"\xff\xfe bad\n") == "utf-8"
    assert guess(b'{"id": "\xff"}\n' + b'{"id": "a"}\n', records_are_lines=True) == "utf-8"
    data = good * 5 + b"\xff bad\n"
    assert b"".join(as_utf8(feed(data), print).chunks()) == data


@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes_are_passed_or_recoded(data: bytes, size: int) -> None:
    notes: list[str] = []
    out = b"".join(as_utf8(feed(data, size), notes.append).chunks())
    if notes:
        out.decode("utf-8")
    else:
        assert out == data.removeprefix(b"\xef\xbb\xbf")
