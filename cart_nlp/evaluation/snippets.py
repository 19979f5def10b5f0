"""The words around an error, with what was taken and what the labelers saw marked; all text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

AROUND = 140
"""Characters shown on both sides of a mark."""

Mark = tuple[int, int, str]


def highlighted(text: str, marks: Iterable[Mark]) -> str:
    """The text as HTML with its marks, cut AROUND characters before the first and after the last one.

    Where marks overlap, the first to start keeps its stretch.
    """
    ordered = sorted(m for m in marks if 0 <= m[0] < m[1] <= len(text))
    if not ordered:
        return ""
    first, last = max(0, ordered[0][0] - AROUND), min(len(text), max(m[1] for m in ordered) + AROUND)
    parts, at = ["…" if first else ""], first
    for start, end, kind in ordered:
        start = max(start, at)
        if start >= end:
            continue
        # A long way between two marks is cut out.
        if start - at > 3 * AROUND:
            parts.append(escape(text[at : at + AROUND]) + " … ")
            at = start - AROUND
        parts.append(escape(text[at:start]))
        parts.append(f'<mark class="{escape(kind)}">{escape(text[start:end])}</mark>')
        at = end
    parts += [escape(text[at:last]), "…" if last < len(text) else ""]
    return "".join(parts)


def of_error(error: Mapping[str, Any], sections: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(section, HTML) of each section that holds a word of the error."""
    marks: dict[str, list[Mark]] = {}
    for item in error["evidence"]:
        if item["section"]:
            marks.setdefault(item["section"], []).append((item["start"], item["end"], "wrong"))
    for quote in error["gold_evidence"]:
        for key, text in sections.items():
            at = text.find(quote) if quote else -1
            if at >= 0:
                marks.setdefault(key, []).append((at, at + len(quote), "gold"))
                break
    if not marks and error["error"] == "missed":
        marks = _literal(str(error["value"]), sections)
    if not marks and sections:
        key = next(iter(sections))
        yield key, escape(sections[key][: 2 * AROUND])
        return
    for key in sections:
        if key in marks and (shown := highlighted(sections[key], marks[key])):
            yield key, shown


def _literal(value: str, sections: Mapping[str, str]) -> dict[str, list[Mark]]:
    for key, text in sections.items():
        # Lower case may change the length of a text; then the offsets would not hold.
        low = text.lower() if len(text.lower()) == len(text) else text
        at = low.find(value.lower())
        if at >= 0:
            return {key: [(at, at + len(value), "gold")]}
    return {}
