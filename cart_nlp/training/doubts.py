"""How sure diseases and the focus are: the share of trials in which they are right, by what is doubtful."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from cart_nlp.components.confidence import BY_DOUBTS
from cart_nlp.components.diseases import participants
from cart_nlp.components.study import focus, focus_doubts
from cart_nlp.conditions import Reader
from cart_nlp.evaluation import conditions
from cart_nlp.ontology import Ontology
from cart_nlp.population import groups
from cart_nlp.schema import INCLUDED
from cart_nlp.scoring.linear import Linear
from cart_nlp.training.build import Outcome, reading_of
from cart_nlp.training.data import TAUGHT, Example
from cart_nlp.training.fit import cross, fit_candidates
from cart_nlp.training.gain import level_of
from cart_nlp.training.report import quality_of

STRENGTH = {"disease_group": 1.0, "indications": 1.0, "focus": 0.3}


class Row(NamedTuple):
    """A trial: the signals of its doubts, and whether the field is right."""

    example: Example
    signals: list[str]
    right: bool


def add(examples: Sequence[Example], outcome: Outcome) -> dict[str, Any]:
    """Fit the scorers of doubts in grouped cross-validation and on everything; returns their quality."""
    quality = {}
    every = (*_rows(examples), list(_focuses(examples, outcome)))
    for name, rows in zip(BY_DOUBTS, every, strict=True):
        if not rows:
            continue

        def fit(numbers: Iterable[int], rows: Sequence[Row] = rows, name: str = name) -> Linear:
            use = [rows[n] for n in numbers]
            right = [row.right for row in use]
            return fit_candidates(
                [row.signals for row in use], right, range(len(use)), strength=STRENGTH[name]
            )

        def apply(scorer: Linear, number: int, rows: Sequence[Row] = rows) -> float:
            return scorer.probability(rows[number].signals)

        chances = cross(len(rows), [row.example.group for row in rows], fit, apply)
        quality[name] = quality_of([(c, row.right) for c, row in zip(chances, rows, strict=True)])
        outcome.add("cart_confidence", name, fit(range(len(rows))))
    return quality


def _rows(examples: Iterable[Example]) -> tuple[list[Row], list[Row]]:
    """Trials with a labeled disease group, and those of whose conditions each has a labeled meaning."""
    kept = [e for e in examples if e.included and e.source != TAUGHT and e.reading is not None]
    if not kept:
        return [], []
    lexicon = reading_of(kept[0]).vocabulary.lexicon
    reader = Reader(lexicon, Ontology(lexicon))
    meant = conditions.gold()
    by_group, by_name = [], []
    for example in kept:
        reading = reading_of(example)
        chosen, signals = participants(reading, reader)
        concepts = {one.concept for one in chosen}
        if example.sure("disease_group") and "disease_group" in example.labels:
            right = set(groups(concepts, reader.ontology)) == set(example.labels["disease_group"])
            by_group.append(Row(example, signals, right))
        stated = _stated(example, meant, reader.ontology)
        if stated is not None:
            by_name.append(Row(example, signals, _fits(concepts, stated, reader.ontology)))
    return by_group, by_name


def _focuses(examples: Iterable[Example], outcome: Outcome) -> Iterator[Row]:
    """Trials with a labeled focus that are found, read at the level that they were given unseen."""
    for example in examples:
        said = outcome.unseen["car_trial"].get(example.id)
        labeled = example.included and example.sure("focus") and example.labels.get("focus")
        if said is None or not labeled or example.source == TAUGHT or level_of(said) not in INCLUDED:
            continue
        level, held = level_of(said), said["signals"]
        sure = said["include"] * max(said["product"], 1 - said["product"])
        verdict = focus(reading_of(example), level, held, sure, named=[(0, 0)])[0][0]
        yield Row(example, focus_doubts(level, verdict, held, sure), verdict == labeled)


def _fits(found: set[str], stated: set[str], ontology: Ontology) -> bool:
    """Whether each stated disease is found and none beside them; a title may say which of it."""
    pairs = {(one, wide) for one in found for wide in stated if ontology.rolls_up_to(one, wide)}
    return {one for one, _ in pairs} == found and {wide for _, wide in pairs} == stated


def _stated(example: Example, meant: dict[str, Any], ontology: Ontology) -> set[str] | None:
    """What the conditions of a trial mean by the labels of condition strings; None if one has no label."""
    texts = [text for key, text in example.trial.sections.items() if key.startswith("conditions")]
    known = [meant.get(hashlib.sha256(text.encode()).hexdigest()) for text in texts]
    if not texts or any(one is None for one in known):
        return None
    return set(ontology.most_specific(name for one in known if one is not None for name in one[2]))
