"""Makes trials.jsonl, agreement.json, the README's tables and SHA256SUMS from the two labelings.

    python benchmarks/gold/build.py           writes them
    python benchmarks/gold/build.py --check   exits 1 and names what differs from what is on file

Where the labelings differ, adjudication.csv must decide; a missing or a stale decision is a fault.
Standard library only, so that the set can be rebuilt without the tool that is scored on it.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable

from figures import agreement, dictionary, tables
from files import (
    HERE,
    ORDER,
    Key,
    Record,
    canonical,
    decisions,
    digest,
    dump,
    read,
    section_names,
    section_text,
    show,
    spans,
)

DERIVED = re.compile(
    r"(product|related|near miss|multi-target|costimulation|generation|vector|armoring|edits|safety switch"
    r"|(related|format|cell|source|disease): .*|antigen as .*|target not stated"
    r"|target known by product name only|product name)"
)
"""Phenomena that follow from the final labels; the others were noted by hand and are kept."""


def shown(text: str, section: str, start: int, end: int, words: str) -> Record:
    """The mention that `show` wrote as `text`."""
    match = re.fullmatch(r"(\w+)=(.+?)(?: \((\w+)\))?", text)
    if not match:
        raise SystemExit(f"adjudication.csv: {text!r} is no mention; write label=concept (role)")
    label, concept, role = match.groups()
    place: Record = {"section": section, "start": start, "end": end, "text": words}
    return place | {"label": label, "concept": concept, "role": role or ""}


def decide(row: Record | None, where: str, a: str, b: str) -> str | None:
    """The decision of a row, None if there is none and none is needed."""
    if row is None:
        if a != b:
            raise SystemExit(f"{where}: the labelings differ ({a} | {b}); decide it in adjudication.csv")
        return None
    if (row["a"], row["b"]) != (a, b):
        raise SystemExit(f"{where}: adjudication.csv is about {row['a']} | {row['b']}, on file: {a} | {b}")
    return str(row["decision"])


def final_labels(a: Record, b: Record, rows: dict[Key, Record], used: set[Key]) -> Record:
    """Record-level labels after adjudication."""
    labels: Record = {}
    reasons: list[str] = []
    for field in ORDER[:-1]:
        x, y = canonical(field, a["labels"][field]), canonical(field, b["labels"][field])
        key = (a["id"], field)
        text = decide(rows.get(key), " ".join(key), dump(x), dump(y))
        labels[field] = x if text is None else json.loads(text)
        if text is not None:
            used.add(key)
            reasons.append(f"{field}: {rows[key]['reason']}")
    labels["note"] = "; ".join(reasons) or a["labels"]["note"]
    return labels


def final_mentions(
    text: Record, a: Record, b: Record, rows: dict[Key, Record], used: set[Key]
) -> list[Record]:
    """Mentions after adjudication, in reading order."""
    left, right = spans(a), spans(b)
    kept: list[Record] = []
    for place in left.keys() | right.keys():
        section, start, end = place
        key = (a["id"], f"mention {section}[{start}:{end}]")
        x, y = left.get(place), right.get(place)
        choice = decide(rows.get(key), " ".join(key), show(x), show(y))
        if choice is None:
            kept.append(x or {})
            continue
        used.add(key)
        if choice:
            kept.append(shown(choice, section, start, end, section_text(text["trial"], section)[start:end]))
    order = {name: i for i, name in enumerate(section_names(text["trial"]))}
    return sorted(kept, key=lambda m: (order[m["section"]], m["start"], m["end"]))


def phenomena(labels: Record, mentions: list[Record] | None, noted: Iterable[str]) -> list[str]:
    """What makes the trial worth having: what follows from the labels, and what was noted by hand."""
    found = set(noted)
    kind = labels["car_trial"]
    if kind not in ("product", "related"):
        return sorted({*found, "near miss"})
    found |= {kind} | ({f"related: {labels['focus']}"} if kind == "related" else set())
    found |= {f"format: {c['format']}" for c in labels["constructs"] if c["format"] != "single"}
    found |= {f"cell: {value}" for value in labels["cell_type"] if value != "T"}
    found |= {f"source: {value}" for value in labels["cell_source"]}
    found |= {f"disease: {value}" for value in labels["disease_group"]}
    names = {"costim": "costimulation", "safety_switch": "safety switch", "products": "product name"}
    for field in ("costim", "generation", "vector", "armoring", "edits", "safety_switch", "products"):
        found |= {names.get(field, field)} if labels[field] else set()
    found |= {"multi-target"} if len(labels["targets"]) > 1 else set()
    if not labels["targets"]:
        by_name = bool(labels["product_targets"])
        found.add("target known by product name only" if by_name else "target not stated")
    return sorted(found | roles_of(mentions))


def roles_of(mentions: list[Record] | None) -> set[str]:
    """The roles other than target in which antigens stand in the text."""
    roles = {m["role"] for m in mentions or () if m["label"] == "antigen"} - {"target", ""}
    return {f"antigen as {role.replace('_', ' ')}" for role in roles}


def trials() -> list[Record]:
    """The final records, in the order of the texts."""
    rows, used = decisions(), set[Key]()
    first, second = ({r["id"]: r for r in read(f"labelings/labeling_{side}.jsonl")} for side in "ab")
    records: list[Record] = []
    for text in read("labelings/texts.jsonl"):
        name = text["id"]
        a, b = first[name], second[name]
        labels = final_labels(a, b, rows, used)
        mentions = None
        if a.get("mentions") is not None and b.get("mentions") is not None:
            mentions = final_mentions(text, a, b, rows, used)
        noted = [p for p in a["phenomena"] if not DERIVED.fullmatch(p)]
        if (name, "phenomena") in rows:
            used.add((name, "phenomena"))
            noted += json.loads(rows[name, "phenomena"]["decision"])
        record = {key: text[key] for key in ("id", "source", "language", "trial")}
        record |= {"labels": labels, "phenomena": phenomena(labels, mentions, noted)}
        if mentions is not None:
            record["phenomena"] = sorted({*record["phenomena"], *roles_of(mentions)})
            record["mentions"] = mentions
        records.append(record)
    if stale := sorted(rows.keys() - used):
        raise SystemExit(f"adjudication.csv: {' '.join(stale[0])}: no such difference; remove the row")
    return records


def outputs() -> dict[str, bytes]:
    """File name -> content of everything that this script makes."""
    records, agreed = trials(), agreement()
    readme = (HERE / "README.md").read_text("utf-8")
    head, _, rest = readme.partition("<!-- tables by build.py -->\n")
    tail = rest.partition("<!-- end of tables -->")[2]
    body = f"{head}<!-- tables by build.py -->\n\n{tables(records, agreed)}\n\n<!-- end of tables -->{tail}"
    made = {
        "trials.jsonl": "".join(dump(r) + "\n" for r in records).encode(),
        "agreement.json": (json.dumps(agreed, indent=2) + "\n").encode(),
        "README.md": body.encode(),
    }
    labelings = (f"labelings/{path.name}" for path in (HERE / "labelings").glob("*.jsonl"))
    listed = (
        *("adjudication.csv", "conditions.csv", "MENTIONS.md", "build.py", "figures.py", "files.py"),
        *labelings,
    )
    content = made | {name: (HERE / name).read_bytes() for name in listed}
    made["SHA256SUMS"] = "".join(f"{digest(content[n])}  {n}\n" for n in sorted(content)).encode()
    return made


def main(check: bool) -> int:
    """Write what differs; with `check`, only name it."""
    stale = {n: d for n, d in outputs().items() if not (HERE / n).is_file() or (HERE / n).read_bytes() != d}
    for name, data in stale.items():
        print(f"{name}: {'differs from what build.py makes' if check else 'written'}")
        if not check:
            (HERE / name).write_bytes(data)
    for name, value in dictionary(trials()).items():
        print(f"dictionary tagger, {name}: {value:.3f}".replace(".000", ""))
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
