"""The gold set's files: labelings, decisions, and the sections of a trial."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
LEXICON = HERE.parents[1] / "lexicons" / "antigens.csv"
SINGLE = ("car_trial", "focus")
SETS = (
    *("targets", "product_targets", "constructs", "products", "costim", "generation", "vector"),
    *("cell_source", "cell_type", "edits", "armoring", "safety_switch", "disease_group"),
)
ORDER = ("car_trial", *SETS, "focus", "uncertain", "note")
"""Keys of `labels`, in the order in which they are written."""

Record = dict[str, Any]
Key = tuple[str, str]


def read(name: str) -> list[Record]:
    """The records of a JSONL file of this folder."""
    return [json.loads(line) for line in (HERE / name).read_text("utf-8").splitlines()]


def canonical(field: str, value: Any) -> Any:
    """The value with lists sorted, so that order never counts as a difference."""
    if field == "constructs":
        entries = ({"targets": sorted(c["targets"]), "format": c["format"]} for c in value)
        return sorted(entries, key=lambda c: (c["targets"], c["format"]))
    return sorted(value, key=str) if isinstance(value, list) else value


def show(mention: Record | None) -> str:
    """A mention as adjudication.csv writes it: `antigen=CD19 (target)`; empty where nothing is marked."""
    if mention is None:
        return ""
    return f"{mention['label']}={mention['concept']}" + (f" ({mention['role']})" if mention["role"] else "")


def spans(record: Record) -> dict[tuple[str, int, int], Record]:
    """Mentions of a labeled trial by place."""
    return {(m["section"], m["start"], m["end"]): m for m in record.get("mentions") or ()}


def decisions() -> dict[Key, Record]:
    """(trial, field) -> row of adjudication.csv; a mention's field is its place alone."""
    found: dict[Key, Record] = {}
    with (HERE / "adjudication.csv").open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            field = row["field"]
            if field.startswith("mention "):
                field = field[: field.index("]", field.index(":")) + 1]
            if (row["id"], field) in found or not row["reason"]:
                raise SystemExit(f"adjudication.csv: {row['id']} {field}: decided twice, or without a reason")
            found[row["id"], field] = row
    return found


def section_text(trial: Record, section: str) -> str:
    """The text that a section key such as `arms[0].label` names."""
    value: Any = trial
    for name, index in re.findall(r"(\w+)(?:\[(\d+)\])?", section):
        value = value[name][int(index)] if index else value[name]
    return str(value)


def section_names(trial: Record) -> Iterator[str]:
    """Section keys of a trial in reading order."""
    for name in ("brief_title", "official_title", "acronym", "brief_title_zh", "official_title_zh"):
        yield name
    yield from ("brief_summary", "detailed_description")
    for name in ("conditions", "keywords"):
        yield from (f"{name}[{i}]" for i in range(len(trial.get(name) or ())))
    for name, parts in (("interventions", ("name", "description")), ("arms", ("label", "description"))):
        for i in range(len(trial.get(name) or ())):
            yield from (f"{name}[{i}].{part}" for part in parts)
    yield "eligibility"
    yield from (f"primary_outcomes[{i}]" for i in range(len(trial.get("primary_outcomes") or ())))
    yield "why_stopped"


def has(trial: Record, section: str) -> bool:
    """Whether the trial has text under this section key."""
    try:
        return bool(section_text(trial, section))
    except (KeyError, IndexError):
        return False


def dump(value: Any) -> str:
    """JSON as it stands in the files: readable Unicode, one space behind commas and colons."""
    return json.dumps(value, ensure_ascii=False)


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def half_of(identifier: str) -> str:
    """`dev` or `test`, by the first hex digit of the SHA-256 of the id."""
    return "dev" if int(digest(identifier.encode())[0], 16) % 2 == 0 else "test"
