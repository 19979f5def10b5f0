"""How far two labelings of the same trials agree, and where they do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cart_nlp.evaluation.exchange.choices import SINGLE, show_construct
from cart_nlp.evaluation.gold import Gold, GoldRecord
from cart_nlp.evaluation.labels import LIST_FIELDS
from cart_nlp.evaluation.mentions import SCHEMES, pairs
from cart_nlp.evaluation.metrics import ratio

SETS = (*LIST_FIELDS, "product_targets", "constructs", "uncertain")


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
    """Kappa of single values, F1 of sets and of spans over the trials in both, and every disagreement."""
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
    for name in SETS:
        sets = [(_set(x, name), _set(y, name)) for x, y in both]
        common = sum(len(x & y) for x, y in sets)
        total = sum(len(x) + len(y) for x, y in sets)
        same = sum(x == y for x, y in sets)
        result["sets"][name] = {"n": total, "f1": ratio(2 * common, total), "same": ratio(same, len(sets))}
    marked = [(x, y) for x, y in both if x.mentions is not None and y.mentions is not None]
    result["mentions"] = {"trials": len(marked)} | {name: _spans(marked, name) for name in SCHEMES}
    result["disagreements"] = [row for x, y in both for row in disagreements(x, y)]
    return result


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
        if x != y:
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
    yield ""
    yield f"{len(result['disagreements'])} disagreements"
    for row in result["disagreements"]:
        sides = (", ".join(map(str, row[side])) or "nothing" for side in ("a", "b"))
        yield f"  {row['id']}  {row['field']}: {' | '.join(sides)}"
