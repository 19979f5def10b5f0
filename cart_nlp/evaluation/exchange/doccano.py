"""doccano: JSON lines of a sequence labeling project that allows overlapping spans.

doccano knows no attributes of a span, so that its label is `label/role` and the concepts travel in the task's
meta data. Its only project type with spans and categories together drops nested spans when it imports, so the
record's choices are spans too, over the head line with the trial's id: `cell_type=NK`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cart_nlp.evaluation.exchange import json_lines
from cart_nlp.evaluation.exchange.choices import CHOICES, pack, unpack
from cart_nlp.evaluation.exchange.prodigy import join_label, split_label
from cart_nlp.evaluation.exchange.tasks import Span, Task, merge, task_of
from cart_nlp.shallow import json_of

SUFFIX = ".jsonl"
LONGEST = 100
"""Characters that doccano's database takes in a label."""


def label_of(choice: str) -> str:
    """A choice as a label: a longer one is cut and marked with a digest of the whole."""
    if len(choice) <= LONGEST:
        return choice
    return f"{choice[: LONGEST - 10]}…#{hashlib.sha256(choice.encode()).hexdigest()[:8]}"


def to_json(task: Task) -> dict[str, Any]:
    """One line of doccano's import."""
    head = [[0, len(task.id), label_of(choice)] for choice in pack(task.choices)]
    return {
        "text": task.text,
        "label": [*head, *([s.start, s.end, join_label(s)] for s in task.spans)],
        # A string: doccano would turn the values of a nested object into columns of its own.
        "gold": json.dumps(task.gold, ensure_ascii=False),
    }


def from_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """The gold line of an annotated one; raises ValueError or KeyError with what is wrong."""
    gold = json_of(row["gold"]) if isinstance(row["gold"], str) else row["gold"]
    before = task_of(gold)
    whole = {label_of(choice): choice for choice in pack(before.choices)}
    concepts: dict[tuple[int, int, str], list[str]] = {}
    for s in before.spans:
        concepts.setdefault((s.start, s.end, join_label(s)), []).append(s.concept)
    spans, choices = [], []
    for start, end, name in row.get("label", ()):
        # `vector` alone is the label of a mention, `vector=mrna` a choice.
        if "=" in name and name.partition("=")[0] in CHOICES:
            choices.append(whole.get(name, name))
            continue
        known = concepts.get((start, end, name))
        label, role = split_label(name)
        spans.append(Span(start, end, label, role, known.pop(0) if known else ""))
    return merge(gold, spans, unpack(choices), row["text"])


def write(tasks: Iterable[Task], path: Path) -> int:
    """Write the tasks; returns how many."""
    return json_lines.write(map(to_json, tasks), path)


def read(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, annotated line) of every line."""
    return json_lines.read(path)
