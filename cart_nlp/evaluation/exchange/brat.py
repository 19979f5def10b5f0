"""brat: a folder with a text and a standoff file a trial, and the configuration.

brat has no labels of a document: the record's choices hang on a span `Record` over the head line,
car_trial and focus as attributes and the rest as JSON in its note. The gold line is kept in a `.json` beside.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from cart_nlp import outputs
from cart_nlp.evaluation.exchange.choices import MULTIPLE, SINGLE, Choices
from cart_nlp.evaluation.exchange.tasks import Span, Task, merge
from cart_nlp.evaluation.labels import CLOSED, MENTION_LABELS, ROLES
from cart_nlp.shallow import json_of

SUFFIX = ""
_SUFFIXES = (".txt", ".ann", ".json")
_RECORD = "Record"
_T = re.compile(r"(T\d+)\t(\S+) ((?:\d+ \d+)(?:;\d+ \d+)*)(?:\t(.*))?")
_A = re.compile(r"A\d+\t(\S+) (T\d+)(?: (.+))?")
_N = re.compile(r"N\d+\tReference (T\d+) [^:\s]+:(\S+)(?:\t(.*))?")
_NOTE = re.compile(r"#\d+\tAnnotatorNotes (T\d+)\t(.*)")


def _code(text: str) -> str:
    # brat takes letters, digits, `-` and `_` in a type; the rest is percent-coded with `_` for `%`.
    return quote(text, safe="").replace(".", "%2E").replace("~", "%7E").replace("_", "%5F").replace("%", "_x")


def _decode(text: str) -> str:
    return unquote(text.replace("_x", "%"))


def _plain(name: str) -> str:
    usual = name.isascii() and name.replace("_", "").isalnum() and "_x" not in name
    return name if usual else "x-" + _code(name)


def _name(text: str) -> str:
    return _decode(text[2:]) if text.startswith("x-") else text


def standoff(task: Task) -> str:
    """The standoff file of a task."""
    lines = [f"T1\t{_RECORD} 0 {len(task.id)}\t{task.id}"]
    number = 0
    for name in SINGLE:
        for value in task.choices.get(name, ()):
            number += 1
            lines.append(f"A{number}\t{name} T1 {value}")
    rest = {name: values for name, values in task.choices.items() if name in MULTIPLE}
    lines.append(f"#1\tAnnotatorNotes T1\t{json.dumps(rest, ensure_ascii=True)}")
    references = 0
    for i, s in enumerate(task.spans, 2):
        words = task.text[s.start : s.end]
        pieces = [(s.start + m.start(), s.start + m.end()) for m in re.finditer(r"[^\n]+", words)]
        if [(s.start, s.end)] == pieces:
            places, shown = f"{s.start} {s.end}", words
        else:
            # A span over a line end is written in pieces; one of line ends only cannot be.
            pieces = pieces or [(s.start, s.end)]
            places = ";".join(f"{a} {b}" for a, b in pieces)
            shown = " ".join(task.text[a:b] for a, b in pieces)
        lines.append(f"T{i}\t{_plain(s.label)} {places}\t{shown.replace(chr(9), ' ').replace(chr(10), ' ')}")
        if s.role:
            number += 1
            lines.append(f"A{number}\trole T{i} {_plain(s.role)}")
        if s.concept:
            references += 1
            shown = re.sub(r"\s", " ", s.concept)
            lines.append(f"N{references}\tReference T{i} lexicon:{quote(s.concept, safe='')}\t{shown}")
    return "\n".join([*lines, ""])


def parse(text: str) -> tuple[list[Span], Choices]:
    """Spans and choices of a standoff file; raises ValueError with the line that is wrong."""
    places: dict[str, tuple[str, int, int]] = {}
    role: dict[str, str] = {}
    concept: dict[str, str] = {}
    choices: Choices = {}
    for line in text.split("\n"):
        if not line.strip():
            continue
        if found := _T.match(line):
            numbers = [int(n) for n in re.split("[ ;]", found[3])]
            places[found[1]] = (_name(found[2]), numbers[0], numbers[-1])
        elif found := _A.match(line):
            if found[1] == "role":
                role[found[2]] = _name(found[3] or "")
            else:
                choices.setdefault(found[1], []).append(found[3] or "")
        elif found := _N.match(line):
            concept[found[1]] = unquote(found[2])
        elif found := _NOTE.match(line):
            if places.get(found[1], ("",))[0] == _RECORD or found[1] == "T1":
                choices.update(_note(found[2]))
        else:
            raise ValueError(f"standoff line {line!r} is not one of T, A, N, #")
    spans = [
        Span(start, end, label, role.get(key, ""), concept.get(key, ""))
        for key, (label, start, end) in places.items()
        if label != _RECORD
    ]
    return spans, choices


def _note(text: str) -> Choices:
    try:
        found = json_of(text)
    except ValueError as error:
        raise ValueError(f"note of the Record span is not JSON: {error}") from None
    return {name: [str(v) for v in values] for name, values in found.items()}


def from_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """The gold line of an annotated document; raises ValueError or KeyError with what is wrong."""
    spans, choices = parse(row["ann"])
    return merge(row["gold"], spans, choices, row["text"])


def configuration(tasks: Iterable[Task]) -> dict[str, str]:
    """brat's annotation.conf, visual.conf and tools.conf for the labels and roles of the tasks."""
    spans = [s for task in tasks for s in task.spans]
    labels = [_plain(n) for n in dict.fromkeys([*MENTION_LABELS, *sorted({s.label for s in spans})])]
    roles = [_plain(n) for n in dict.fromkeys([*ROLES, *sorted({s.role for s in spans if s.role})])]
    attributes = [f"role\tArg:{'|'.join(labels)}, Value:{'|'.join(roles)}"]
    attributes += [f"{name}\tArg:{_RECORD}, Value:{'|'.join(CLOSED[name])}" for name in SINGLE]
    text = ["[entities]", _RECORD, *labels, "", "[relations]"]
    # Nested spans are refused unless the configuration says that they may be.
    text += ["<OVERLAP>\tArg1:<ENTITY>, Arg2:<ENTITY>, <OVL-TYPE>:<ANY>", "", "[events]", "", "[attributes]"]
    return {
        "annotation.conf": "\n".join([*text, *attributes, ""]),
        "visual.conf": "[labels]\n\n[drawing]\nSPAN_DEFAULT\tfgColor:black, bgColor:lightgreen\n",
        "tools.conf": "[options]\nValidation validate:none\n\n[normalization]\nlexicon\tDB:lexicon\n",
    }


def write(tasks: Iterable[Task], path: Path) -> int:
    """Write a folder of `.txt`, `.ann` and `.json` files and the configuration; returns how many trials.

    The trials of an earlier export go, or they would come back with these.
    """
    found = list(tasks)
    path.mkdir(parents=True, exist_ok=True)
    for gold in list(path.glob("*.json")):
        if _is_gold(gold):
            for suffix in _SUFFIXES:
                gold.with_suffix(suffix).unlink(missing_ok=True)
    for task in found:
        # brat lists documents by name: a queue keeps its order by its number.
        rank = task.gold.get("rank")
        stem = quote(task.id, safe="") if rank is None else f"{rank:05}-{quote(task.id, safe='')}"
        texts = (task.text, standoff(task), json.dumps(task.gold, ensure_ascii=False) + "\n")
        for suffix, text in zip(_SUFFIXES, texts, strict=True):
            outputs.write(path / f"{stem}{suffix}", text)
    for name, text in configuration(found).items():
        outputs.write(path / name, text)
    return len(found)


def _is_gold(path: Path) -> bool:
    """Whether a file is the gold line that an export lays beside a text."""
    try:
        row = json_of(path.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(row, dict) and {"id", "trial", "labels"} <= row.keys()


def read(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, document) of every trial of the folder."""
    for file in sorted(path.glob("*.ann")):
        row = {
            "ann": file.read_bytes().decode("utf-8"),
            "text": file.with_suffix(".txt").read_bytes().decode("utf-8"),
            "gold": json_of(file.with_suffix(".json").read_text("utf-8")),
        }
        yield file.name, row
