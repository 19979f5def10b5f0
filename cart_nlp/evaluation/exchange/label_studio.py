"""Label Studio: a labeling interface, tasks with predictions, and its JSON export."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from cart_nlp import outputs
from cart_nlp.evaluation.exchange.choices import CHOICES, SINGLE, Choices
from cart_nlp.evaluation.exchange.tasks import Span, Task, merge
from cart_nlp.evaluation.labels import CLOSED, MENTION_LABELS, ROLES
from cart_nlp.shallow import json_of

SUFFIX = ".json"
MODEL = "cart-nlp"
_AREAS = ("concept", *(name for name in CHOICES if name not in CLOSED))
"""Fields with an open list of values: one text a value."""


def interface(tasks: Iterable[Task] = ()) -> str:
    """The labeling interface (its XML); labels and roles of `tasks` beyond the usual ones are added."""
    spans = [s for task in tasks for s in task.spans]
    labels = dict.fromkeys([*MENTION_LABELS, *(s.label for s in spans)])
    roles = dict.fromkeys([*ROLES, *(s.role for s in spans if s.role)])
    lines = ["<View>", '  <Labels name="label" toName="text">']
    lines += [f"    <Label value={quoteattr(name)}/>" for name in labels]
    lines += ["  </Labels>", '  <Text name="text" value="$text" granularity="symbol"/>']
    lines += ['  <Choices name="role" toName="text" perRegion="true" choice="single" whenTagName="label">']
    lines += [f"    <Choice value={quoteattr(name)}/>" for name in roles]
    lines.append("  </Choices>")
    lines.append('  <TextArea name="concept" toName="text" perRegion="true" maxSubmissions="1"/>')
    for name in CHOICES:
        lines.append(f'  <Header value="{name}" size="5"/>')
        if name in _AREAS:
            lines.append(f'  <TextArea name="{name}" toName="text" rows="1"/>')
            continue
        kind = "single-radio" if name in SINGLE else "multiple"
        lines += [f'  <Choices name="{name}" toName="text" choice="{kind}" showInline="true">']
        lines += [f"    <Choice value={quoteattr(str(value))}/>" for value in CLOSED[name]]
        lines += ["  </Choices>"]
    return "\n".join([*lines, "</View>", ""])


def results(task: Task) -> list[dict[str, Any]]:
    """The regions and choices of a task, as predictions and annotations hold them."""
    found: list[dict[str, Any]] = []

    def add(identifier: str, name: str, place: Mapping[str, Any], values: Sequence[str]) -> None:
        kind = "labels" if name == "label" else "textarea" if name in _AREAS else "choices"
        value = {**place, {"textarea": "text"}.get(kind, kind): list(values)}
        found.append({"id": identifier, "from_name": name, "to_name": "text", "type": kind, "value": value})

    for i, s in enumerate(task.spans):
        place = {"start": s.start, "end": s.end}
        add(f"m{i}", "label", {**place, "text": task.text[s.start : s.end]}, [s.label])
        if s.role:
            add(f"m{i}", "role", place, [s.role])
        if s.concept:
            add(f"m{i}", "concept", place, [s.concept])
    for name, values in task.choices.items():
        add(f"r-{name}", name, {}, values)
    return found


def to_json(task: Task) -> dict[str, Any]:
    """One task of Label Studio's import."""
    return {
        "data": {"text": task.text, "trial": task.id, "gold": task.gold},
        "predictions": [{"model_version": MODEL, "result": results(task)}],
    }


def _annotations(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The annotations of a task that were not cancelled, the newest first."""
    done = [a for a in row.get("annotations") or () if not a.get("was_cancelled")]
    return sorted(done, key=lambda a: (a.get("updated_at") or "", a.get("id") or 0), reverse=True)


def taken(row: Mapping[str, Any]) -> str:
    """Whose annotation `from_json` takes of a task that has several; empty for a task with one or none."""
    done = _annotations(row)
    if len(done) < 2:
        return ""
    who = done[0].get("completed_by") or done[0].get("created_username") or ""
    if isinstance(who, dict):
        who = who.get("email") or who.get("id") or ""
    return f"by {who}" if who else f"annotation {done[0].get('id')}"


def _answer(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if done := _annotations(row):
        return list(done[0]["result"])
    # A task that nobody opened comes back with its predictions, or with only their ids.
    guesses = [p for p in row.get("predictions") or () if isinstance(p, dict)]
    if guesses:
        return list(guesses[-1]["result"])
    raise ValueError("no annotation and no prediction; export the tasks as JSON, with predictions")


def from_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """The gold line of an annotated task; raises ValueError or KeyError with what is wrong."""
    data = row["data"]
    regions: dict[str, dict[str, Any]] = {}
    choices: Choices = {}
    for item in _answer(row):
        value, name = item["value"], item["from_name"]
        if name in ("label", "role", "concept"):
            region = regions.setdefault(item["id"], {})
            region[name] = value[{"label": "labels", "role": "choices", "concept": "text"}[name]]
            if name == "label":
                region["start"], region["end"] = _offsets(data["text"], value)
        elif name in CHOICES:
            values = value["text"] if name in _AREAS else value["choices"]
            choices.setdefault(name, []).extend([values] if isinstance(values, str) else values)
        else:
            raise ValueError(f"control {name!r} is not of the exported interface; label in that one")
    spans = []
    for region in regions.values():
        if "label" not in region:
            raise ValueError("a region has a role or a concept and no label; give it one")
        concept = region.get("concept", "")
        spans.append(
            Span(
                region["start"],
                region["end"],
                region["label"][0],
                (region.get("role") or [""])[0],
                concept if isinstance(concept, str) else (concept or [""])[0],
            )
        )
    return merge(data["gold"], spans, choices, data["text"])


def _offsets(text: str, value: Mapping[str, Any]) -> tuple[int, int]:
    start, end, quote = value["start"], value["end"], value.get("text")
    if not isinstance(quote, str) or text[start:end] == quote:
        return start, end
    # Versions before 1.5 counted UTF-16 units, as JavaScript does: astral characters are two.
    units = text.encode("utf-16-le")
    start, end = (len(units[: 2 * i].decode("utf-16-le", "ignore")) for i in (start, end))
    if text[start:end] != quote:
        raise ValueError(f"region {quote!r} is not at [{value['start']}:{value['end']}]; export it again")
    return start, end


def write(tasks: Iterable[Task], path: Path) -> int:
    """Write the tasks, and the labeling interface beside them as `.xml`; returns how many."""
    found = list(tasks)
    text = json.dumps([to_json(task) for task in found], ensure_ascii=False, indent=1)
    outputs.write(path, text + "\n")
    outputs.write(path.with_suffix(".xml"), interface(found))
    return len(found)


def _skipped(row: Any) -> bool:
    """Whether annotators did nothing but skip a task: its predictions are no labels of theirs."""
    if not isinstance(row, dict):
        return False
    made = row.get("annotations")
    if isinstance(made, list) and made:
        return all(isinstance(one, dict) and one.get("was_cancelled") for one in made)
    return bool(row.get("cancelled_annotations"))


def read(path: Path) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """(place, annotated task) of Label Studio's JSON export; None in place of a task that was skipped."""
    rows = json_of(path.read_text("utf-8"))
    if not isinstance(rows, list):
        raise ValueError("not a list of tasks; export from Label Studio as JSON")
    for number, row in enumerate(rows, 1):
        yield f"{path.name}: task {number}", None if _skipped(row) else row
