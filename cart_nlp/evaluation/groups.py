"""The same scores for parts of the gold set: registry, year, language, disease, length of the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cart_nlp.evaluation import metrics
from cart_nlp.evaluation.gold import GoldRecord
from cart_nlp.evaluation.matching import TrialMatch
from cart_nlp.evaluation.metrics import prf

_CJK = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_LATIN = re.compile("[A-Za-z]")


def language(gold: GoldRecord) -> str:
    """`Chinese`, `bilingual` or `English`, from the share of Chinese characters."""
    text = "".join(gold.trial.sections.values())
    chinese, latin = len(_CJK.findall(text)), len(_LATIN.findall(text))
    if chinese < 5:
        return "English"
    return "Chinese" if chinese > latin else "bilingual"


def year(gold: GoldRecord) -> str:
    """Year of registration or, failing that, of the start, in spans of five; `unknown` without a date."""
    date = gold.trial.first_posted or gold.trial.start_date or ""
    found = re.search(r"\b(?:19|20)\d\d\b", date)
    if not found:
        return "unknown"
    first = int(found.group()) // 5 * 5
    return f"{first}–{first + 4}"


GROUPINGS: dict[str, Callable[[GoldRecord], Iterable[str]]] = {
    "registry": lambda g: [g.trial.registry or "unknown"],
    "year": lambda g: [year(g)],
    "language": lambda g: [language(g)],
    "disease group": lambda g: g.labels.get("disease_group") or ["none labeled"],
    "eligibility text": lambda g: ["with" if g.trial.sections.get("eligibility") else "without"],
    "source": lambda g: [g.source or "unknown"],
}
"""Name of a grouping -> the groups of a gold record; a trial may be in several."""


def summary(matches: Sequence[TrialMatch]) -> dict[str, Any]:
    """The few scores that a group is told by."""
    fields = metrics.field_scores(matches)
    scores = {name: score.as_dict() for name, score in fields.items()}
    stated = [score for name, score in fields.items() if name not in ("targets_all", "constructs")]
    counts = [sum(getattr(score, kind) for score in stated) for kind in ("tp", "fp", "fn")]
    screening = metrics.screening(matches, 0.5)
    empty: dict[str, Any] = {}
    targets, constructs = scores.get("targets", empty), scores.get("constructs", empty)
    return {
        "trials": len(matches),
        "targets": {
            key: targets.get(key) for key in ("support", "precision", "recall", "f1", "exact", "exact_n")
        },
        "constructs": {
            key: constructs.get(key) for key in ("exact", "exact_n", "exact_multi", "exact_multi_n")
        },
        "all_fields": prf(counts[0], counts[1], counts[2]),
        "screening": {key: screening[key] for key in ("support", "recall", "precision", "specificity")},
    }


def add_groups(result: dict[str, Any], gold: Iterable[GoldRecord], matches: Iterable[TrialMatch]) -> None:
    """Write `groups` into the result: grouping -> group -> scores."""
    outcomes = {m.id: m for m in matches if m.labeled}
    labeled = [g for g in gold if g.id in outcomes]
    result["groups"] = {}
    for name, groups_of in GROUPINGS.items():
        members: dict[str, list[TrialMatch]] = {}
        for g in labeled:
            for group in groups_of(g):
                members.setdefault(group, []).append(outcomes[g.id])
        if len(members) > 1:
            result["groups"][name] = {group: summary(members[group]) for group in sorted(members)}
