"""Mention level: which stretches of text were found, under which label, concept and role.

nervaluate is not used: it walks through the predictions in their order, gives each to the first gold span
that it overlaps, and takes that gold span out even when the pair is wrong. With spans that nest, as an
antigen in a product name does, an exact prediction is then counted as spurious because a longer one came
first; docs/evaluation.md has the example and a test holds it. Here pairs are chosen by maximum matching.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cart_nlp.evaluation.labels import JOINED_ROLES
from cart_nlp.evaluation.metrics import prf
from cart_nlp.schema import Mention

Test = Callable[[Mention, Mention], bool]
NOT_FOUND = "(not found)"


def _same_span(a: Mention, b: Mention) -> bool:
    return (a.section, a.start, a.end) == (b.section, b.start, b.end)


def _overlap(a: Mention, b: Mention) -> bool:
    return a.section == b.section and a.start < b.end and b.start < a.end


def role(mention: Mention) -> str:
    """The role that a mention is scored by."""
    return JOINED_ROLES.get(mention.role, mention.role)


SCHEMES: dict[str, Test] = {
    "strict": lambda a, b: _same_span(a, b) and a.label == b.label,
    "boundaries": _same_span,
    "overlapping": _overlap,
    "type only": lambda a, b: _overlap(a, b) and a.label == b.label,
    "strict + concept": lambda a, b: _same_span(a, b) and (a.label, a.concept) == (b.label, b.concept),
    "strict + concept + role": lambda a, b: (
        _same_span(a, b) and (a.label, a.concept, role(a)) == (b.label, b.concept, role(b))
    ),
}
"""Name -> when a predicted mention may stand for a gold one; each stands for one only.

nervaluate's names for the first four: strict, exact, partial (here with full credit), ent_type."""


def pairs(gold: Sequence[Mention], predicted: Sequence[Mention], fits: Test) -> list[tuple[int, int]]:
    """A largest one-to-one pairing of gold and predicted mentions that fit, as indices.

    Exact spans are paired before others, so that a pair says as much as it can.
    """
    edges = [
        sorted(
            (j for j, found in enumerate(predicted) if fits(wanted, found)),
            key=lambda j: (not _same_span(gold[i], predicted[j]), j),
        )
        for i, wanted in enumerate(gold)
    ]
    owner: dict[int, int] = {}

    def place(i: int, tried: set[int]) -> bool:
        for j in edges[i]:
            if j in tried:
                continue
            tried.add(j)
            if j not in owner or place(owner[j], tried):
                owner[j] = i
                return True
        return False

    for i in sorted(
        range(len(gold)), key=lambda i: not any(_same_span(gold[i], predicted[j]) for j in edges[i])
    ):
        place(i, set())
    return sorted((i, j) for j, i in owner.items())


def score(
    gold: Mapping[str, Sequence[Mention]], predicted: Mapping[str, Sequence[Mention]]
) -> dict[str, Any]:
    """Counts and rates of every scheme, all labels together and each, over the trials of `gold`."""
    result: dict[str, Any] = {"trials": len(gold), "schemes": {}}
    for name, fits in SCHEMES.items():
        counts: dict[str, Counter[str]] = {}
        for identifier, wanted in gold.items():
            found = _unique(predicted.get(identifier, ()))
            wanted = _unique(wanted)
            paired = pairs(wanted, found, fits)
            for i, _ in paired:
                counts.setdefault(wanted[i].label, Counter())["tp"] += 1
            taken_gold, taken = {i for i, _ in paired}, {j for _, j in paired}
            for i, mention in enumerate(wanted):
                counts.setdefault(mention.label, Counter())["fn"] += i not in taken_gold
            for j, mention in enumerate(found):
                counts.setdefault(mention.label, Counter())["fp"] += j not in taken
        total: Counter[str] = Counter()
        for part in counts.values():
            total.update(part)
        result["schemes"][name] = {
            "all": _rates(total),
            "labels": {label: _rates(counts[label]) for label in sorted(counts)},
        }
    result["roles"] = roles(gold, predicted)
    return result


def _unique(mentions: Sequence[Mention]) -> list[Mention]:
    seen = {(m.section, m.start, m.end, m.label, m.concept, m.role): m for m in mentions}
    return [seen[key] for key in sorted(seen)]


def _rates(counts: Mapping[str, int]) -> dict[str, Any]:
    tp, fp, fn = (counts.get(kind, 0) for kind in ("tp", "fp", "fn"))
    return {"support": tp + fn, "tp": tp, "fp": fp, "fn": fn, **prf(tp, fp, fn)}


def roles(
    gold: Mapping[str, Sequence[Mention]], predicted: Mapping[str, Sequence[Mention]]
) -> dict[str, dict[str, int]]:
    """Gold role -> predicted role -> mentions, over gold antigens; pairs share label and some text."""
    table: Counter[tuple[str, str]] = Counter()
    for identifier, wanted in gold.items():
        antigens = [m for m in _unique(wanted) if m.role]
        found = _unique(predicted.get(identifier, ()))
        paired = dict(pairs(antigens, found, SCHEMES["type only"]))
        for i, mention in enumerate(antigens):
            table[role(mention), role(found[paired[i]]) or "(none)" if i in paired else NOT_FOUND] += 1
    names = sorted({name for pair in table for name in pair} - {NOT_FOUND})
    return {
        wanted: {found: table[wanted, found] for found in [*names, NOT_FOUND]}
        for wanted in sorted({wanted for wanted, _ in table})
    }
