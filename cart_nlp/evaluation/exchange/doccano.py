"""doccano: JSON lines of a project for intent detection and slot filling (categories and spans).

The project must allow overlapping spans and more than one category. doccano knows no attributes of a span,
so that its label is `label/role` and the concepts travel in the task's meta data.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cart_nlp.evaluation.exchange.fields import pack, unpack
from cart_nlp.evaluation.exchange.prodigy import join_label, split_label
from cart_nlp.evaluation.exchange.tasks import Span, Task, merge, task_of

SUFFIX = ".jsonl"


def to_json(task: Task) -> dict[str, Any]:
    """One line of doccano's import."""
    return {
        "text": task.text,
        "entities": [[s.start, s.end, join_label(s)] for s in task.spans],
        "cats": pack(task.choices),
        # A string: doccano would turn the values of a nested object into columns of its own.
        "gold": json.dumps(task.gold, ensure_ascii=False),
    }


def from_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """The gold line of an annotated one; raises ValueError or KeyError with what is wrong."""
    gold = json.loads(row["gold"]) if isinstance(row["gold"], str) else row["gold"]
    concepts: dict[tuple[int, int, str], list[str]] = {}
    for s in task_of(gold).spans:
        concepts.setdefault((s.start, s.end, join_label(s)), []).append(s.concept)
    spans = []
    for item in row.get("entities", ()):
        # doccano takes lists in and gives objects out.
        start, end, name = (
            (item["start_offset"], item["end_offset"], item["label"]) if isinstance(item, dict) else item
        )
        known = concepts.get((start, end, name))
        label, role = split_label(name)
        spans.append(Span(start, end, label, role, known.pop(0) if known else ""))
    return merge(gold, spans, unpack(row.get("cats", ())), row["text"])


def write(tasks: Iterable[Task], path: Path) -> int:
    """Write the tasks; returns how many."""
    rows = [to_json(task) for task in tasks]
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text("".join(lines), "utf-8", newline="\n")
    return len(rows)


def read(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, annotated line) of every line."""
    with path.open(encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield f"{path.name}:{number}", json.loads(line)
