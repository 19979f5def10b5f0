"""Prodigy: JSON lines with spans, tokens and a list of options; a span's label is `label/role`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cart_nlp.evaluation.exchange import json_lines
from cart_nlp.evaluation.exchange.choices import pack, unpack
from cart_nlp.evaluation.exchange.tasks import Span, Task, merge, words

SUFFIX = ".jsonl"


def join_label(span: Span) -> str:
    """`antigen/target`; `/` and `%` inside a part are percent-coded."""
    parts = [part.replace("%", "%25").replace("/", "%2F") for part in (span.label, span.role)]
    return "/".join(parts) if span.role else parts[0]


def split_label(text: str) -> tuple[str, str]:
    """Label and role of `antigen/target`."""
    label, _, role = text.partition("/")
    return tuple(p.replace("%2F", "/").replace("%25", "%") for p in (label, role))  # type: ignore[return-value]


def tokens(text: str, spans: Iterable[Span]) -> list[dict[str, Any]]:
    """Words of the text with their offsets: Prodigy shows spans of whole tokens only."""
    found: list[dict[str, Any]] = []
    at = 0
    for word, space in zip(*words(text, spans), strict=True):
        end = at + len(word)
        found.append({"text": word, "start": at, "end": end, "id": len(found), "ws": space})
        at = end + space
    return found


def to_json(task: Task) -> dict[str, Any]:
    """One Prodigy task."""
    cut = tokens(task.text, task.spans)
    first = {word["start"]: word["id"] for word in cut}
    last = {word["end"]: word["id"] for word in cut}
    accepted = pack(task.choices)
    return {
        "text": task.text,
        "meta": {"trial": task.id},
        "tokens": cut,
        "spans": [
            {
                "start": s.start,
                "end": s.end,
                "token_start": first[s.start],
                "token_end": last[s.end],
                "label": join_label(s),
                "concept": s.concept,
            }
            for s in task.spans
        ],
        "options": [{"id": name, "text": name} for name in dict.fromkeys([*accepted, *OPTIONS])],
        "accept": accepted,
        "gold": task.gold,
    }


def from_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """The gold line of an annotated task; raises ValueError or KeyError with what is wrong."""
    spans = []
    for s in row.get("spans", ()):
        label, role = split_label(s["label"])
        spans.append(Span(s["start"], s["end"], label, role, s.get("concept", "")))
    return merge(row["gold"], spans, unpack(row.get("accept", ())), row["text"])


def write(tasks: Iterable[Task], path: Path) -> int:
    """Write the tasks; returns how many."""
    return json_lines.write(map(to_json, tasks), path)


def read(path: Path) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """(place, annotated task) of every line; None in place of one that was rejected or ignored."""
    for place, row in json_lines.read(path):
        out = isinstance(row, dict) and row.get("answer", "accept") != "accept"
        yield place, None if out else row


def _options() -> list[str]:
    from cart_nlp.evaluation.labels import CLOSED

    return [f"{name}={value}" for name, values in CLOSED.items() for value in values]


OPTIONS = _options()
"""Every choice of the fields with a closed list."""
