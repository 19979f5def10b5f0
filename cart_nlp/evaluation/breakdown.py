"""The parts of the report beyond the main table: groups, calibration, mentions, comparison, errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from cart_nlp.evaluation.layout import NAMES, percent, table


def dump(part: Mapping[str, Any]) -> Iterator[str]:
    """What the join with a dump found."""
    counted = "count as not included" if part["others_counted"] else "are left out: nobody labeled them"
    yield (
        f"{part['file']}: {part['labeled']} labeled trials found, {part['missing']} not; "
        f"the text of {len(part['changed'])} differs from the labeled version; "
        f"{part['others']} other trials {counted}; {part['rejected']} records make no trial"
    )
    for identifier, keys in list(part["changed"].items())[:10]:
        yield f"  {identifier}: {', '.join(keys[:6])}{' …' if len(keys) > 6 else ''}"
    if len(part["changed"]) > 10:
        yield f"  … and {len(part['changed']) - 10} more"


def renamed(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Which labels are compared under another name, the lexicon's."""
    if found:
        told = ", ".join(f"{one['label']} as {one['name']} ({one['trials']})" for one in found)
        yield f"labels compared under the lexicon's name (trials): {told}"


GROUP_HEADER = (
    *("group", "trials", "targets F1", "targets exact", "n", "constructs exact", "n"),
    *("all fields F1", "screening R", "screening P"),
)


def group_rows(parts: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row of GROUP_HEADER's columns for each group."""
    rows: list[tuple[str, ...]] = []
    for name, members in parts.items():
        for group, s in members.items():
            targets, constructs, screening = s["targets"], s["constructs"], s["screening"]
            rows.append(
                (
                    f"{name}: {group}",
                    str(s["trials"]),
                    percent(targets["f1"]),
                    percent(targets["exact"]),
                    str(targets["exact_n"] or 0),
                    percent(constructs["exact"]),
                    str(constructs["exact_n"] or 0),
                    percent(s["all_fields"]["f1"]),
                    percent(screening["recall"]),
                    percent(screening["precision"]),
                )
            )
    return rows


def groups(parts: Mapping[str, Any]) -> Iterator[str]:
    """The few scores of each group."""
    yield from table(GROUP_HEADER, group_rows(parts))


def calibration(part: Mapping[str, Any]) -> Iterator[str]:
    """Brier score, calibration error and the bins of the scores."""
    for name, s in (("car_score", part["car_score"]), ("evidence scores", part["evidence"])):
        if not s["n"]:
            yield f"calibration of {name}: –"
            continue
        auc = "–" if s["auc"] is None else f"{s['auc']:.3f}"
        yield f"calibration of {name}: Brier {s['brier']:.3f}, error {s['ece']:.3f}, AUC {auc} of {s['n']}"
        for b in s["bins"]:
            yield (
                f"  {b['from']:.1f}–{b['to']:.1f}: mean score {percent(b['score'])}, "
                f"right {percent(b['right'])} of {b['n']}"
            )


def mentions(part: Mapping[str, Any]) -> Iterator[str]:
    """Mention level by scheme and label, and the role confusion."""
    yield f"mention level, {part['trials']} trials"
    rows: list[tuple[str, ...]] = []
    for scheme, scores in part["schemes"].items():
        for label, s in (("all", scores["all"]), *scores["labels"].items()):
            counts = (str(s[key]) for key in ("support", "tp", "fp", "fn"))
            rates = (percent(s[key]) for key in ("precision", "recall", "f1"))
            rows.append((scheme if label == "all" else f"  {label}", *counts, *rates))
    yield from table(("matching", "gold", "TP", "FP", "FN", "P", "R", "F1"), rows)
    if part["roles"]:
        yield ""
        found = list(next(iter(part["roles"].values())))
        rows = [(wanted, *(str(row[name] or "·") for name in found)) for wanted, row in part["roles"].items()]
        yield from table(("gold role \\ predicted", *found), rows)


def compare(part: Mapping[str, Any]) -> Iterator[str]:
    """What got better and worse, by field and by trial."""
    old = part["old"]["tool"] or {}
    yield f"compared with {old.get('name', '?')} {old.get('version', '?')}: {part['trials']} trials in both"
    if not part["same_gold"]:
        yield "the gold set is not the same version: differences may be the labels'"
    rows = []
    for name, s in part["fields"].items():
        if not s["better"] and not s["worse"]:
            continue
        rates = s["rates"]
        key = next((k for k in ("exact", "accuracy", "f1", "recall") if k in rates), None)
        shown = f"{percent(rates[key][0])} → {percent(rates[key][1])} ({key})" if key else "–"
        p = "–" if s["p"] is None else f"{s['p']:.3f}"
        rows.append((NAMES.get(name, name), str(len(s["better"])), str(len(s["worse"])), p, shown))
    if not rows:
        yield "no trial changed"
        return
    yield from table(("field", "better", "worse", "McNemar p", "rate"), rows)
    for name, s in part["fields"].items():
        for word in ("better", "worse"):
            if s[word]:
                more = f" and {len(s[word]) - 20} more" if len(s[word]) > 20 else ""
                yield f"  {name}, {word}: {', '.join(s[word][:20])}{more}"


def errors(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The errors grouped by field and guessed kind."""
    for (name, kind), members in groupby(found, key=lambda e: (e["field"], e["kind"])):
        rows = list(members)
        yield ""
        yield f"{name}: {kind} ({len(rows)})"
        for e in rows:
            yield f"  {e['id']}  {e['error']} {e['value']}; gold: {e['gold']}"
            for item in e["evidence"][:3]:
                place = f"{item['section']}[{item['start']}:{item['end']}]" if item["section"] else ""
                yield f"      from {place or item['basis']} {item['text']!r}, rule {item['rule'] or '–'}"
            for quote in e["gold_evidence"][:3]:
                yield f"      gold saw {quote!r}"
            if e["note"]:
                yield f"      note: {e['note']}"
