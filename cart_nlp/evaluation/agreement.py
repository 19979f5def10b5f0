"""How far two labelings of the same trials agree, and where they do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cart_nlp.evaluation.exchange.choices import SINGLE, show_construct
from cart_nlp.evaluation.gold import Gold, GoldRecord
from cart_nlp.evaluation.labels import LIST_FIELDS, OPTIONAL_FIELDS
from cart_nlp.evaluation.mentions import SCHEMES, pairs
from cart_nlp.evaluation.metrics import ratio

SETS = (*LIST_FIELDS, *OPTIONAL_FIELDS, "product_targets", "constructs", "uncertain")


def kappa(rows: Iterable[tuple[Any, Any]]) -> float | None:
    """Cohen's kappa of pairs of values; None where chance alone would agree always, or without pairs."""
    table = Counter(rows)
    n = table.total()
    if not n:
        return None
    first: Counter[Any] = Counter()
    second: Counter[Any] = Counter()
    for (a, b), count in table.items():
        first[a] += count
        second[b] += count
    observed = sum(count for (a, b), count in table.items() if a == b) / n
    expected = sum(first[value] * second[value] for value in first) / n**2
    return None if expected == 1 else (observed - expected) / (1 - expected)


def agree(a: Gold, b: Gold) -> dict[str, Any]:
    """Kappa of single values, F1 of sets and of spans over the trials in both, and every disagreement.

    An optional field is compared in the trials that have its label in both: `trials` counts these and
    `one_sided` those that have it in one. Where no trial has it, there is no such field.
    """
    left, right = ({g.id: g for g in gold.records} for gold in (a, b))
    shared = sorted(left.keys() & right.keys())
    both = [(left[i], right[i]) for i in shared]
    result: dict[str, Any] = {
        "a": {"name": a.name, "version": a.version, "trials": len(left)},
        "b": {"name": b.name, "version": b.version, "trials": len(right)},
        "trials": len(shared),
        "only_a": sorted(left.keys() - right.keys()),
        "only_b": sorted(right.keys() - left.keys()),
        "single": {},
        "sets": {},
    }
    values = {name: [(x.labels.get(name), y.labels.get(name)) for x, y in both] for name in SINGLE}
    values["screening"] = [(x.included, y.included) for x, y in both]
    for name, rows in values.items():
        same = sum(x == y for x, y in rows)
        result["single"][name] = {"n": len(rows), "same": ratio(same, len(rows)), "kappa": kappa(rows)}
    scores = {name: _set_score(both, name) for name in SETS}
    result["sets"] = {name: score for name, score in scores.items() if score is not None}
    marked = [(x, y) for x, y in both if x.mentions is not None and y.mentions is not None]
    result["mentions"] = {"trials": len(marked)} | {name: _spans(marked, name) for name in SCHEMES}
    result["disagreements"] = [row for x, y in both for row in disagreements(x, y)]
    return result


def _set_score(both: Sequence[tuple[GoldRecord, GoldRecord]], name: str) -> dict[str, Any] | None:
    """Agreement on a field of lists; None for an optional one that no trial has."""
    sets = [(_set(x, name), _set(y, name)) for x, y in both if _compared(x, y, name)]
    total = sum(len(x) + len(y) for x, y in sets)
    found: dict[str, Any] = {
        "n": total,
        "f1": ratio(2 * sum(len(x & y) for x, y in sets), total),
        "same": ratio(sum(x == y for x, y in sets), len(sets)),
    }
    if name not in OPTIONAL_FIELDS:
        return found
    one = sum((name in x.labels) != (name in y.labels) for x, y in both)
    return {**found, "trials": len(sets), "one_sided": one} if sets or one else None


def _compared(a: GoldRecord, b: GoldRecord, name: str) -> bool:
    """Whether a field counts in a trial: without the label of an optional one nobody has said anything."""
    return name not in OPTIONAL_FIELDS or (name in a.labels and name in b.labels)


def _set(gold: GoldRecord, name: str) -> frozenset[str]:
    values: Sequence[Any] = gold.labels.get(name) or ()
    if name == "constructs":
        return frozenset(show_construct({**v, "targets": sorted(v["targets"])}) for v in values)
    return frozenset(map(str, values))


def _spans(both: Sequence[tuple[GoldRecord, GoldRecord]], scheme: str) -> dict[str, Any]:
    common = total = 0
    for x, y in both:
        first, second = x.mentions or (), y.mentions or ()
        common += len(pairs(first, second, SCHEMES[scheme]))
        total += len(first) + len(second)
    return {"n": total, "f1": ratio(2 * common, total)}


def disagreements(a: GoldRecord, b: GoldRecord) -> list[dict[str, Any]]:
    """Each field of a trial whose values differ, with what only one side has."""
    rows: list[dict[str, Any]] = []
    for name in SINGLE:
        if a.labels.get(name) != b.labels.get(name):
            rows.append({"id": a.id, "field": name, "a": [a.labels.get(name)], "b": [b.labels.get(name)]})
    for name in SETS:
        x, y = _set(a, name), _set(b, name)
        if x != y and _compared(a, b, name):
            rows.append({"id": a.id, "field": name, "a": sorted(x - y), "b": sorted(y - x)})
    if a.mentions is not None and b.mentions is not None:
        x, y = _marks(a), _marks(b)
        if x != y:
            rows.append({"id": a.id, "field": "mentions", "a": sorted(x - y), "b": sorted(y - x)})
    return rows


def _marks(gold: GoldRecord) -> frozenset[str]:
    return frozenset(
        f"{m.section}[{m.start}:{m.end}] {m.text!r} {m.label}={m.concept}{f' ({m.role})' if m.role else ''}"
        for m in gold.mentions or ()
    )


def lines(result: Mapping[str, Any]) -> Iterable[str]:
    """The agreement for a terminal."""
    from cart_nlp.evaluation.layout import percent, table

    yield f"{result['a']['name']} and {result['b']['name']}: {result['trials']} trials in both"
    for side in ("a", "b"):
        if result[f"only_{side}"]:
            yield f"only in {result[side]['name']}: {', '.join(result[f'only_{side}'])}"
    yield ""
    rows = [
        (name, str(s["n"]), percent(s["same"]), "–" if s["kappa"] is None else f"{s['kappa']:.3f}", "")
        for name, s in result["single"].items()
    ]
    rows += [
        (name, str(s["n"]), percent(s["same"]), "", percent(s["f1"])) for name, s in result["sets"].items()
    ]
    if result["mentions"]["trials"]:
        rows += [
            (f"mentions, {name}", str(s["n"]), "", "", percent(s["f1"]))
            for name, s in result["mentions"].items()
            if name != "trials"
        ]
    yield from table(("field", "n", "same", "kappa", "F1"), rows)
    for name, s in result["sets"].items():
        if s.get("one_sided"):
            yield f"{name}: compared in {s['trials']} trials, labeled in one alone in {s['one_sided']} more"
    yield ""
    yield f"{len(result['disagreements'])} disagreements"
    for row in result["disagreements"]:
        sides = (", ".join(map(str, row[side])) or "nothing" for side in ("a", "b"))
        yield f"  {row['id']}  {row['field']}: {' | '.join(sides)}"
