"""What every format carries: a gold record's text, spans and choices, and the way back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from cart_nlp.evaluation.exchange.choices import Choices, choices_of, labels_of
from cart_nlp.evaluation.exchange.one_text import Layout, layout
from cart_nlp.evaluation.sections import sections_of


@dataclass(frozen=True, slots=True)
class Span:
    """A marked stretch of a task's text."""

    start: int
    end: int
    label: str
    role: str = ""
    concept: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """One trial for an annotation tool; `gold` is the whole line that it was made of."""

    gold: Mapping[str, Any]
    layout: Layout
    spans: tuple[Span, ...]
    choices: Choices

    @property
    def id(self) -> str:
        """The trial's id."""
        return str(self.gold["id"])

    @property
    def text(self) -> str:
        """The text that the spans point into."""
        return self.layout.text


def task_of(gold: Mapping[str, Any]) -> Task:
    """The task of a gold line."""
    shown = layout(gold["id"], sections_of(gold["trial"]))
    spans = tuple(_span(shown, row) for row in gold.get("mentions") or ())
    return Task(gold, shown, spans, choices_of(gold["labels"]))


def _span(shown: Layout, row: Mapping[str, Any]) -> Span:
    at = shown.offset(row["section"])
    return Span(at + row["start"], at + row["end"], row["label"], row.get("role", ""), row.get("concept", ""))


def words(text: str, spans: Iterable[Span]) -> tuple[list[str], list[bool]]:
    """Words and whether a space follows each, cut at every edge of a span, so that no span is lost."""
    starts = {s.start for s in spans}
    ends = {s.end for s in spans}
    edges = starts | ends
    found: list[str] = []
    spaces: list[bool] = []
    at = 0
    for match in re.finditer(r"\w+|[^\w\s]|\s", text):
        if match.start() < at:
            continue
        cuts = [match.start(), *(i for i in range(match.start() + 1, match.end()) if i in edges), match.end()]
        for start, end in pairwise(cuts):
            found.append(text[start:end])
            spaces.append(False)
        at = match.end()
        # A blank belongs to the word before it, unless a span starts or ends with the blank.
        if text[at : at + 1] == " " and at not in starts and at + 1 not in ends:
            spaces[-1] = True
            at += 1
    return found, spaces


def merge(
    gold: Mapping[str, Any], spans: Iterable[Span], choices: Mapping[str, Sequence[str]], text: str | None
) -> dict[str, Any]:
    """The gold line with an annotator's spans and choices; raises ValueError with what is wrong.

    `text` is the text as the tool returns it, None where the format does not.
    """
    before = task_of(gold)
    if text is not None and text != before.text:
        raise ValueError("text changed in the tool; offsets no longer hold: export it again")
    after = dict(gold)
    after["labels"] = labels_of(choices, gold["labels"])
    rows: dict[Span, list[Mapping[str, Any]]] = {}
    for span, row in zip(before.spans, gold.get("mentions") or (), strict=True):
        rows.setdefault(span, []).append(row)
    sections = sections_of(gold["trial"])
    found = []
    for span in spans:
        kept = rows.get(span)
        found.append(kept.pop(0) if kept else _mention(before.layout, sections, span))
    if _in_order(found) != _in_order(gold.get("mentions") or ()):
        after["mentions"] = _in_order(found)
    return after


def _in_order(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(rows, key=lambda r: (r["section"], r["start"], r["end"], sorted(map(repr, r.items()))))


def _mention(shown: Layout, sections: Mapping[str, str], span: Span) -> dict[str, Any]:
    place = shown.locate(span.start, span.end)
    if place is None:
        raise ValueError(f"span [{span.start}:{span.end}] ({span.label}) lies outside the sections; move it")
    section, start, end = place
    text = sections[section][start:end]
    return {
        "section": section,
        "start": start,
        "end": end,
        "text": text,
        "label": span.label,
        # An annotator who marks a new span without a concept means what it says.
        "concept": span.concept or text,
        "role": span.role,
    }
