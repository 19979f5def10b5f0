"""Records whose letters came to harm: not UTF-8 like the rest of the input, or encoded twice, or lost."""

from __future__ import annotations

import re
from collections.abc import Callable

Note = Callable[[str], None]
"""Hears what was done with a record; it reads on from "3 records "."""

TWICE = "encoded twice (Î² for β): mended"
LOST = (
    "with letters that were lost before ('?' or U+FFFD, as in 'IFN-?') and that nothing brings back: "
    "get the dump again in UTF-8"
)
FAULTY = "with faulty UTF-8: single bytes were read as CP1252, the rest became U+FFFD"
_OTHER = "not in UTF-8: read as "
_ESCAPED = re.compile("[\udc80-\udcff]")
_STRAY = re.compile("[\udc80-\udcff]+")
_HIGH_RUNS = re.compile(rb"[\x80-\xff]+")
_HIGH = re.compile("[\x80-\U0010ffff]+")
_TWICE = re.compile(
    rb"\xc3[\x82-\xb4](?:\xc2[\x80-\xbf]|\xe2[\x80\x82\x84]|\xc6\x92|\xcb[\x86\x9c]|\xc5[\x92\x93\xa0\xa1\xb8\xbd\xbe])"
)
_C1252 = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ"
_BYTES = {chr(at): at for at in range(0x80, 0x100)} | {sign: at for at, sign in enumerate(_C1252, 0x80)}
_REST = f"[\x80-\xbf{_C1252}]"
_TWICE_TEXT = re.compile(f"[\xc2-\xdf]{_REST}|[\xe0-\xef]{_REST}{{2}}|[\xf0-\xf4]{_REST}{{3}}")
"""UTF-8 that was read as CP1252 or Latin-1."""
_LIKELY = re.compile(
    "[\x80-\xff\u0370-\u045f\u1e00-\u1eff\u2000-\u22ff\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff00-\uffef]"
)
"""What registries hold. Two letters that would make one of another script are two letters."""
_LATIN = re.compile("[\u0100-\u017f]")
_LOST_GREEK = re.compile(r"(?:IFN|TGF|TNF|IL-1|interferon|CD3|TCR)[ -]?\?(?=[\w\s/,;.)-])", re.IGNORECASE)
_LOST_BYTES = re.compile(_LOST_GREEK.pattern.encode(), re.IGNORECASE)
_HINTS = ("N-?", "n-?", "F-?", "f-?", "1-?", "CD3?", "D3-?", "TCR?", "IFN?", "TGF?")
_HINT_BYTES = tuple(hint.encode() for hint in _HINTS)
_REPLACED = "\ufffd".encode()


def legacy(data: bytes) -> str:
    """The encoding of bytes that are no UTF-8: gb18030 or cp1252.

    Chinese stands in runs of high bytes that are common characters in GB18030, Western European text in
    single ones.
    """
    runs = _HIGH_RUNS.findall(data)
    if sum(len(run) > 1 for run in runs) * 2 < len(runs):
        return "cp1252"
    read = [sign for sign in data.decode("gb18030", "replace") if sign > "\x7f"]
    common = sum(
        "\u4e00" <= sign <= "\u9fff" or "\u3000" <= sign <= "\u303f" or sign >= "\uff00" for sign in read
    )
    lost = read.count("\ufffd")
    return "gb18030" if common - lost >= 2 and (common - lost) * 10 > (len(read) - lost) * 7 else "cp1252"


def balance(data: bytes) -> tuple[int, int]:
    """Characters beyond ASCII that are good UTF-8, and bytes that are none."""
    text = data.decode("utf-8", "surrogateescape")
    bad = len(_ESCAPED.findall(text))
    return sum(map(len, _HIGH.findall(text))) - bad, bad


def mended(raw: bytes, note: Note) -> bytes:
    """The bytes of a record as UTF-8 with whole letters; `note` hears what was done, if anything was."""
    if not raw.isascii():
        try:
            raw.decode()
        except UnicodeDecodeError:
            raw = _decoded(raw, note).encode("utf-8", "replace")
        if _TWICE.search(raw):
            text = raw.decode()
            once = _once(text)
            if once != text:
                note(TWICE)
                raw = once.encode()
        if _REPLACED in raw:
            note(LOST)
            return raw
    if b"?" in raw and _is_hinted(raw) and _LOST_BYTES.search(raw):
        note(LOST)
    return raw


def _is_hinted(raw: bytes) -> bool:
    """Whether a question mark stands where one for a lost letter may: quicker than to look for each hint."""
    at = raw.find(b"?")
    while at >= 0 and not raw.endswith(_HINT_BYTES, 0, at + 1):
        at = raw.find(b"?", at + 1)
    return at >= 0


def mended_text(text: str, note: Note) -> str:
    """The same for text, in which bytes that are no UTF-8 are lone surrogates."""
    if not text.isascii():
        if _ESCAPED.search(text):
            text = _decoded(text.encode("utf-8", "surrogateescape"), note)
        if _TWICE_TEXT.search(text):
            once = _once(text)
            if once != text:
                note(TWICE)
                text = once
        if "\ufffd" in text:
            note(LOST)
            return text
    if "?" in text and any(hint in text for hint in _HINTS) and _LOST_GREEK.search(text):
        note(LOST)
    return text


def _decoded(raw: bytes, note: Note) -> str:
    good, bad = balance(raw)
    if good >= bad:
        note(FAULTY)
        return _STRAY.sub(_stray, raw.decode("utf-8", "surrogateescape"))
    encoding = legacy(raw)
    note(_OTHER + encoding.upper())
    return raw.decode(encoding, "replace")


def _stray(found: re.Match[str]) -> str:
    """A byte alone is a letter of Western Europe; several are the ruins of a longer character."""
    if len(found[0]) == 1:
        return found[0].encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    return "\ufffd"


def _once(text: str) -> str:
    """Text without double encoding, told letter by letter, so that what is right beside it stays."""
    return _TWICE_TEXT.sub(_letter, text)


def _letter(found: re.Match[str]) -> str:
    try:
        once = bytes(_BYTES[sign] for sign in found[0]).decode()
    except UnicodeDecodeError:
        return found[0]
    # "5 Å”" ends in a quotation mark, while "Å¡" is nothing but an s with a caron.
    if _LIKELY.match(once) or (_LATIN.match(once) and found[0][1] < "\u2000"):
        return once
    return found[0]
