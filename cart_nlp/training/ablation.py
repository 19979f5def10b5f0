"""What each category of cues, family of signals and component changes, on labeled and on other trials.

The pipeline runs again without it, with the weights that it has: what is told is the difference of records.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spacy.language import Language

from cart_nlp.evaluation import matching
from cart_nlp.lexicon import OF_CATEGORIES
from cart_nlp.pipeline import tag_trial
from cart_nlp.registries import from_mapping
from cart_nlp.schema import INCLUDED, Record, Trial
from cart_nlp.scoring.candidates import FieldScorer, NameScorer
from cart_nlp.scoring.linear import Linear
from cart_nlp.scoring.weighted import Weighted
from cart_nlp.search import any_of
from cart_nlp.text import construct_text, fold, lower
from cart_nlp.training.data import TAUGHT, Example, rows
from cart_nlp.training.folds import as_gold
from cart_nlp.vocabulary import Vocabulary

LISTS = (
    "targets", "disease_markers", "products", "costim", "generation", "vector", "cell_source", "cell_type",
    "edits", "armoring", "safety_switch", "disease_group", "indications",
)  # fmt: skip
COMPONENTS = (
    "cart_patterns", "cart_abbreviations", "cart_linker", "cart_products", "cart_attributes", "cart_diseases",
    "cart_constructs",
)  # fmt: skip
"""Those without which a record is still made."""
_SCREEN = "screen_"
"""What the categories begin with that only the text screen asks for."""
EVERY = 50
"""Of trials without a label, besides those that look like one of CAR cells, one in so many is tagged."""

Said = dict[str, frozenset[str]]


@dataclass
class Bench:
    """What is tagged again and again: labeled trials, others, and what was said of both."""

    nlp: Language
    examples: Sequence[Example]
    others: Sequence[Trial]
    records: list[Record]
    lows: list[str]


Part = tuple[str, str]
"""What is left out: `cues`, `signals` or `component`, and its name."""


def unlabeled(dump: Path, known: frozenset[str], hits: Callable[[bytes | str], bool]) -> list[Trial]:
    """Trials of a dump without a label: those that the text screen lets through, and one of EVERY others."""
    found = []
    for number, row in enumerate(rows(dump)):
        if row["id"] not in known:
            trial = from_mapping(row)
            if number % EVERY == 0 or hits("\n".join(trial.sections.values())):
                found.append(trial)
    return found


def report(
    nlp: Language,
    examples: Sequence[Example],
    others: Sequence[Trial],
    say: Callable[[str], None] = lambda line: None,
) -> list[dict[str, Any]]:
    """For each part that can be left out the trials whose records change, those that change most first.

    `right_lost` and `right_won` count labeled values of fields that are right with it alone, or without.
    """
    bench, jobs = bench_of(nlp, examples, others), parts(nlp)
    with multiprocessing.get_context("fork").Pool(os.cpu_count(), _keep, (bench,)) as pool:
        found = []
        for row in pool.imap_unordered(_row, jobs):
            found.append(row)
            say(f"{len(found)} of {len(jobs)}: {row['part']} {row['name']}: {row['changed']} trials change")
    return sorted(found, key=lambda row: (-row["changed"] - row["others_changed"], row["part"], row["name"]))


def bench_of(nlp: Language, examples: Sequence[Example], others: Sequence[Trial]) -> Bench:
    """What the whole pipeline says of some trials."""
    trials = [*(example.trial for example in examples), *others]
    return Bench(nlp, examples, others, [tag_trial(nlp, trial) for trial in trials], list(map(_text, trials)))


def parts(nlp: Language) -> list[Part]:
    """All that can be left out."""
    lexicon = _terms(nlp).vocabulary.lexicon
    categories = {cue.category for cue in lexicon.cue_rows}
    values = {name for _, name in lexicon.concepts}
    heads = {
        _family(signal)
        for pipe in _weighted(nlp)
        for scorer in pipe.scorers.values()
        for linear in _tables(scorer)
        for table in linear.weights.values()
        for signal in table
        if "&" not in signal
    }
    families = heads - categories - values - {""}
    return [
        *(("component", name) for name in COMPONENTS),
        *(("signals", name) for name in sorted(families)),
        *(("cues", name) for name in sorted(categories) if not name.startswith(_SCREEN)),
    ]


_kept: list[Bench] = []


def _keep(bench: Bench) -> None:
    _kept[:] = [bench]


def _row(part: Part) -> dict[str, Any]:
    return difference(_kept[0], part)


def difference(bench: Bench, part: Part) -> dict[str, Any]:
    """How many trials have another record without a part, and labeled fields that were right, or are."""
    kind, name = part
    row: dict[str, Any] = {
        "part": kind,
        "name": name,
        "changed": 0,
        "right_lost": 0,
        "right_won": 0,
        "others_changed": 0,
    }
    touched = _touched(bench, name) if kind == "cues" else _registered(bench)
    labeled = len(bench.examples)
    with _without(bench.nlp, kind, name):
        for at in touched:
            example = bench.examples[at] if at < labeled else None
            trial = example.trial if example else bench.others[at - labeled]
            old, new = bench.records[at], tag_trial(bench.nlp, trial)
            if _said(old) != _said(new):
                row["changed" if example else "others_changed"] += 1
                if example:
                    before, after = _right(example, old), _right(example, new)
                    row["right_lost"] += sum(before[name] > after[name] for name in before)
                    row["right_won"] += sum(before[name] < after[name] for name in before)
    return row


def _registered(bench: Bench) -> list[int]:
    """All trials but those in own words that teach: few of them have what the parts of a pipeline are for."""
    labeled = len(bench.examples)
    return [n for n in range(len(bench.records)) if n >= labeled or bench.examples[n].source != TAUGHT]


def _touched(bench: Bench, category: str) -> list[int]:
    """The trials in whose text a word of a category stands."""
    if category in OF_CATEGORIES:  # its rows are names of categories, no words
        return list(range(len(bench.records)))
    lexicon = _terms(bench.nlp).vocabulary.lexicon
    texts = {cue.text.strip("=*\u2423 ") for cue in lexicon.cue_rows if cue.category == category}
    hit = any_of(sorted(lower(fold(text)) for text in texts))
    return [at for at, low in enumerate(bench.lows) if hit(low)]


def _without(nlp: Language, kind: str, name: str) -> AbstractContextManager[Any]:
    if kind == "component":
        return nlp.select_pipes(disable=[name])
    return _without_cues(nlp, name) if kind == "cues" else _without_signals(nlp, name)


@contextlib.contextmanager
def _without_cues(nlp: Language, category: str) -> Iterator[None]:
    terms = _terms(nlp)
    whole = terms.vocabulary
    kept = tuple(cue for cue in whole.lexicon.cue_rows if cue.category != category)
    terms.vocabulary = Vocabulary(replace(whole.lexicon, cue_rows=kept))
    try:
        yield
    finally:
        terms.vocabulary = whole


@contextlib.contextmanager
def _without_signals(nlp: Language, family: str) -> Iterator[None]:
    pipes = _weighted(nlp)
    whole = [dict(pipe.scorers) for pipe in pipes]
    for pipe in pipes:
        for name, scorer in pipe.scorers.items():
            pipe.scorers[name] = _masked(scorer, family)
    try:
        yield
    finally:
        for pipe, scorers in zip(pipes, whole, strict=True):
            pipe.scorers.update(scorers)


def _masked(scorer: Linear | FieldScorer, family: str) -> Linear | FieldScorer:
    tables = [
        Linear(
            {
                name: {
                    signal: weight
                    for signal, weight in table.items()
                    if not signal or family not in map(_family, signal.split("&"))
                }
                for name, table in linear.weights.items()
            }
        )
        for linear in _tables(scorer)
    ]
    if isinstance(scorer, NameScorer):
        return NameScorer(tables[0])
    return FieldScorer(*tables) if isinstance(scorer, FieldScorer) else tables[0]


def _tables(scorer: Linear | FieldScorer) -> list[Linear]:
    if isinstance(scorer, NameScorer):
        return [scorer.mention]
    return [scorer.mention, scorer.candidate] if isinstance(scorer, FieldScorer) else [scorer]


_HEAD = re.compile(r"@?(gap|[^=<>@:~_]*)")


@functools.lru_cache(maxsize=100_000)
def _family(signal: str) -> str:
    """What a signal is of: `car` of "car>touch", `names` of "names_all_car"."""
    found = _HEAD.match(signal)
    return found[1] if found else ""


def _weighted(nlp: Language) -> list[Weighted]:
    pipes: list[Any] = [pipe for _, pipe in nlp.pipeline]
    return [pipe for pipe in pipes if isinstance(pipe, Weighted)]


def _terms(nlp: Language) -> Any:
    return nlp.get_pipe("cart_terms")


def _text(trial: Trial) -> str:
    return lower(fold("\n".join(trial.sections.values())))


def _said(record: Record) -> Said:
    """What a record says, by field, but how sure it is."""
    told = {name: frozenset(map(str, getattr(record, name))) for name in LISTS}
    told["car_trial"] = frozenset((record.car_trial,))
    told["focus"] = frozenset((record.focus or "",))
    told["constructs"] = frozenset(
        construct_text(sorted(each.targets), each.format) for each in record.constructs
    )
    return told


def _right(example: Example, record: Record) -> dict[str, bool]:
    """Whether each labeled field of a trial is right, and whether it is let in or out rightly."""
    match = matching.match(as_gold(example), record)
    right = {name: found.exact for name, found in match.fields.items()}
    if match.focus is not None:
        right["focus"] = match.focus[0] == match.focus[1]
    if match.gold_car is not None:
        right["car_trial"] = match.gold_included == (record.car_trial in INCLUDED)
    return right
