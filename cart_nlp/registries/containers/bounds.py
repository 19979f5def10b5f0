"""How much of an untrusted input is held at once: one bound a record, the same for every way in."""

from __future__ import annotations

MAX_RECORD = 1 << 25
"""Bytes of the longest record that is read (32 MiB); in a table, of the longest row.

The largest study of ClinicalTrials.gov has some 20 MB. A text of this size with one emoji takes four times as
much in memory, and is held twice while it is read."""
TOO_LONG = f"longer than {MAX_RECORD >> 20} MiB: not read"
MAX_VALUES = 250 << 20
"""Bytes that the values of one record may take in memory by a cautious estimate."""
TOO_MANY = "holds too many values: not read"
BOMB_SIZE = 1 << 30
"""Bytes that any stream may inflate to, whatever its ratio."""
BOMB_RATIO = 200
"""Beyond BOMB_SIZE, how many times its compressed size a stream may inflate to; text reaches about 10."""


def is_bomb(given: int, taken: int) -> bool:
    """Whether so much came out of so little that it can be no registry's export."""
    return given > BOMB_SIZE and given > taken * BOMB_RATIO


LIGHT = 1 << 21
"""Bytes of JSON that are always parsed: the values in them cannot fill the memory."""


def heavy(raw: bytes) -> bool:
    """Whether JSON would fill the memory once parsed: many small lists, objects or numbers."""
    if len(raw) < LIGHT:
        return False
    return raw.count(b"{") * 300 + raw.count(b"[") * 80 + raw.count(b",") * 60 > MAX_VALUES
