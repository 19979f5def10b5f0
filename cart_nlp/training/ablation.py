"""What each category of cues changes: predictions without its signals, on labeled and unlabeled trials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cart_nlp.scoring.candidates import FieldScorer
from cart_nlp.scoring.linear import Linear
from cart_nlp.signals.fields import instances
from cart_nlp.training.build import values
from cart_nlp.training.data import Example


def categories(examples: Sequence[Example]) -> list[str]:
    """All categories of cues that reach something."""
    for example in examples:
        if example.reading is not None:
            lexicon = example.reading.vocabulary.lexicon
            return sorted({cue.category for cue in lexicon.cue_rows if cue.scope != "inside"})
    return []


def about(signal: str, category: str) -> bool:
    """Whether a signal is made of a category of cues, alone or together with something else."""
    parts = signal.replace("@", "&").replace(":", "&").split("&")
    return any(part.split("<")[0].split(">")[0] == category for part in parts)


def masked(scorer: Linear, category: str) -> Linear:
    """A scorer without the weights of a category."""
    return Linear(
        {
            name: {signal: weight for signal, weight in table.items() if not about(signal, category)}
            for name, table in scorer.weights.items()
        }
    )


def report(examples: Sequence[Example], scorers: Mapping[str, FieldScorer]) -> list[dict[str, Any]]:
    """For each category: the weights that hang on it, and the trials whose values change without it."""
    held = {
        name: [(e, instances(e.reading, name)) for e in examples if e.reading is not None] for name in scorers
    }
    before = {name: [chosen(scorer, row) for _, row in held[name]] for name, scorer in scorers.items()}
    found = []
    for category in categories(examples):
        row: dict[str, Any] = {
            "category": category,
            "weights": 0,
            "changed": 0,
            "right_lost": 0,
            "right_won": 0,
        }
        for name, scorer in scorers.items():
            weights = sum(about(signal, category) for signal in scorer.mention.weights["yes"])
            row["weights"] += weights
            if weights:
                less = FieldScorer(masked(scorer.mention, category), scorer.candidate)
                _compare(name, less, held[name], before[name], row)
        found.append(row)
    return sorted(found, key=lambda one: (-one["changed"], one["category"]))


def _compare(
    name: str,
    scorer: FieldScorer,
    held: Iterable[tuple[Example, Any]],
    before: Sequence[Any],
    row: dict[str, Any],
) -> None:
    for (example, found), old in zip(held, before, strict=True):
        new = chosen(scorer, found)
        if new == old:
            continue
        row["changed"] += 1
        if example.included and example.sure(name) and name in example.labels:
            stated = values(example, name)
            row["right_lost"] += old == stated
            row["right_won"] += new == stated


def chosen(scorer: FieldScorer, found: Any) -> frozenset[str]:
    """The values that a scorer gives."""
    return frozenset(one.concept for one in scorer.score(found) if one.probability >= 0.5)
