"""Figures of the gold set: agreement of the two labelings, counts, and what a plain dictionary reaches."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from files import (
    LEXICON,
    SETS,
    SINGLE,
    Record,
    canonical,
    decisions,
    dump,
    half_of,
    has,
    read,
    section_names,
    section_text,
    show,
    spans,
)


def kappa(pairs: list[tuple[Any, Any]]) -> float | None:
    """Cohen's kappa of two raters; None where chance alone would always agree."""
    n = len(pairs)
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(first[value] * second[value] for value in first) / n**2
    return None if chance == 1 else (sum(a == b for a, b in pairs) / n - chance) / (1 - chance)


def overlap(pairs: list[tuple[set[Any], set[Any]]]) -> Record:
    """F1 of one rater's values against the other's over all trials, and the share of equal sets."""
    total = sum(len(a) + len(b) for a, b in pairs)
    f1 = 2 * sum(len(a & b) for a, b in pairs) / total if total else None
    return {"values": total, "f1": rounded(f1), "exact": rounded(sum(a == b for a, b in pairs) / len(pairs))}


def rounded(value: float | None) -> float | None:
    """Four digits; undefined stays undefined."""
    return None if value is None else round(value, 4)


def agreement() -> Record:
    """How far the two labelings agree, before any adjudication."""
    left, right = ({r["id"]: r for r in read(f"labelings/labeling_{side}.jsonl")} for side in "ab")
    both = [(left[i], right[i]) for i in sorted(left)]
    result: Record = {"trials": len(both), "single": {}, "sets": {}, "mentions": {}}
    for field in SINGLE:
        pairs = [(a["labels"][field], b["labels"][field]) for a, b in both]
        same = sum(a == b for a, b in pairs) / len(pairs)
        result["single"][field] = {"same": rounded(same), "kappa": rounded(kappa(pairs))}
    for field in (*SETS, "uncertain"):
        sets = [(values(a, field), values(b, field)) for a, b in both]
        result["sets"][field] = overlap(sets)
    marked = [(a, b) for a, b in both if a.get("mentions") is not None and b.get("mentions") is not None]
    schemes: dict[str, Callable[[Record], set[Any]]] = {
        "span": lambda r: set(spans(r)),
        "span+label+concept": lambda r: {(k, m["label"], m["concept"]) for k, m in spans(r).items()},
        "span+role": lambda r: {(k, m["label"], m["role"]) for k, m in spans(r).items()},
        "span+label+concept+role": lambda r: {(k, show(m)) for k, m in spans(r).items()},
    }
    result["mentions"] = {"trials": len(marked)}
    for name, of in schemes.items():
        result["mentions"][name] = overlap([(of(a), of(b)) for a, b in marked])
    pairs = [
        (spans(a)[k]["role"], spans(b)[k]["role"]) for a, b in marked for k in spans(a).keys() & spans(b)
    ]
    result["mentions"]["roles of spans marked by both"] = {
        "spans": len(pairs),
        "kappa": rounded(kappa(pairs)),
    }
    result["disagreements"] = tally()
    return result


def values(record: Record, field: str) -> set[str]:
    """A set field's values as comparable strings."""
    return {dump(value) for value in canonical(field, record["labels"][field])}


def tally() -> Record:
    """How the disagreements were decided, at record and at mention level."""
    counts: dict[str, Counter[str]] = {"record": Counter(), "mention": Counter()}
    for (_, field), row in decisions().items():
        if field == "phenomena":
            continue
        level = "mention" if field.startswith("mention ") else "record"
        if row["a"] == row["b"]:
            counts[level]["agreed, changed by convention"] += 1
            continue
        counts[level]["disagreements"] += 1
        side = "first" if row["decision"] == row["a"] else "second"
        counts[level][side if row["decision"] in (row["a"], row["b"]) else "third value"] += 1
    return {level: dict(sorted(count.items())) for level, count in counts.items()}


def dictionary(records: list[Record]) -> dict[str, float]:
    """Share of product and related trials whose target set a plain dictionary look-up gets exactly.

    Every name, symbol and alias of lexicons/antigens.csv, whole words without regard to case. A trial's
    targets are the antigens found in all of its text, in its titles, or in its titles and, where these
    name none, in all of its text. Trials whose targets are marked uncertain are left out.
    """
    names: dict[str, str] = {}
    with LEXICON.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            others = f"{row['aliases']} | {row['guarded']}".split(" | ")
            for word in filter(None, (w.strip().lower() for w in (row["name"], row["symbol"], *others))):
                names.setdefault(word, row["name"])
    words = "|".join(re.escape(word) for word in sorted(names, key=len, reverse=True))
    pattern = re.compile(rf"(?<![a-z0-9])(?:{words})(?![a-z0-9])")
    scored = [r for r in records if r["labels"]["car_trial"] in ("product", "related")]
    scored = [r for r in scored if "targets" not in r["labels"]["uncertain"]]
    right: Counter[str] = Counter()
    for record in scored:
        trial = record["trial"]
        texts = {n: section_text(trial, n).lower() for n in section_names(trial) if has(trial, n)}
        found = {n: {names[word] for word in pattern.findall(text)} for n, text in texts.items()}
        everywhere: set[str] = set().union(*found.values())
        titles: set[str] = set().union(*(f for n, f in found.items() if "title" in n))
        targets = set(record["labels"]["targets"])
        right["all text"] += everywhere == targets
        right["titles"] += titles == targets
        right["titles, else all text"] += (titles or everywhere) == targets
    return {"trials": len(scored)} | {name: count / len(scored) for name, count in right.items()}


def tables(records: list[Record], agreed: Record) -> str:
    """The counts and the agreement as the README prints them."""
    half = Counter(half_of(r["id"]) for r in records)
    marks = [m for r in records for m in r.get("mentions") or ()]
    lines = ["| what | count |", "|---|---|", f"| trials | {len(records)} |"]
    levels = Counter(r["labels"]["car_trial"] for r in records)
    lines += [f"| … `{level}` | {levels[level]} |" for level in ("product", "related", "mention", "no")]
    chinese = sum(r["language"] != "en" for r in records)
    lines.append(f"| near misses (`mention` and `no`) | {levels['mention'] + levels['no']} |")
    lines.append(f"| Chinese or bilingual | {chinese} |")
    lines.append(f"| with mentions | {sum('mentions' in r for r in records)} |")
    lines.append(f"| mentions | {len(marks)} |")
    labels = Counter(m["label"] for m in marks)
    lines += [f"| … `{name}` | {count} |" for name, count in labels.most_common()]
    lines += [f"| `{name}` half | {half[name]} |" for name in ("dev", "test")]
    lines += ["", "| role of an antigen mention | count |", "|---|---|"]
    roles = Counter(m["role"] for m in marks if m["label"] == "antigen")
    lines += [f"| `{name}` | {count} |" for name, count in roles.most_common()]
    lines += ["", "| phenomenon | trials |", "|---|---|"]
    seen = Counter(p for r in records for p in r["phenomena"])
    lines += [f"| {name} | {count} |" for name, count in sorted(seen.items())]
    lines += ["", "| agreement of the two labelings | F1 | same | kappa |", "|---|---|---|---|"]
    for name, row in agreed["single"].items():
        lines.append(f"| {name} | | {row['same']:.3f} | {row['kappa']:.3f} |")
    lines += [f"| {name} | {row['f1']:.3f} | {row['exact']:.3f} | |" for name, row in agreed["sets"].items()]
    for name in ("span", "span+label+concept", "span+role", "span+label+concept+role"):
        row = agreed["mentions"][name]
        lines.append(f"| mentions, {name} | {row['f1']:.3f} | {row['exact']:.3f} | |")
    row = agreed["mentions"]["roles of spans marked by both"]
    lines.append(f"| role of the {row['spans']} spans marked by both | | | {row['kappa']:.3f} |")
    lines += ["", "| disagreements | record fields | mentions |", "|---|---|---|"]
    record, mention = agreed["disagreements"]["record"], agreed["disagreements"]["mention"]
    for name in ("disagreements", "first", "second", "third value", "agreed, changed by convention"):
        title = f"decided for the {name}" if name in ("first", "second") else name
        lines.append(f"| {title} | {record.get(name, 0)} | {mention.get(name, 0)} |")
    return "\n".join(lines)
