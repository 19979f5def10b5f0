"""Ablation of the lexicon: which targets does the scorer still find when their antigens are taken out?"""

from __future__ import annotations

import csv
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cart_nlp import pipeline
from cart_nlp.lexicon import Lexicon, load
from cart_nlp.text import lower, spellings
from cart_nlp.training.build import canonical
from cart_nlp.training.data import TAUGHT, Example

RAREST = 35
"""How many antigens are hidden."""


def rarest(examples: Iterable[Example], lexicon: Lexicon, count: int = RAREST) -> list[str]:
    """The antigens that fewest of some trials have as a target, and that the lexicon knows."""
    found: Counter[str] = Counter()
    for example in examples:
        if example.included and example.sure("targets"):
            found.update({canonical(lexicon, "antigen", value) for value in example.labels["targets"]})
    known = [name for name in found if lexicon.get("antigen", name) is not None]
    return sorted(known, key=lambda name: (found[name], name))[:count]


def without(names: Sequence[str], folder: Path) -> Path:
    """A layer of lexicons that takes some antigens away."""
    with (folder / "antigens.csv").open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(["name", "remove"])
        writer.writerows([name, "row"] for name in names)
    return folder


def recovered(examples: Sequence[Example]) -> dict[str, Any]:
    """How many targets of hidden antigens are found as symbols that no lexicon knows."""
    lexicon = load()
    names = rarest(examples, lexicon)
    forms = {name: _forms(lexicon, name) for name in names}
    wanted = found = 0
    missed: list[tuple[str, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        nlp = pipeline.load([without(names, Path(folder))])
        for example in examples:
            if not (example.included and example.sure("targets")):
                continue
            targets = {canonical(lexicon, "antigen", value) for value in example.labels["targets"]}
            hidden = targets & set(names)
            if not hidden:
                continue
            said = {lower(name) for name in pipeline.tag_trial(nlp, example.trial).targets}
            for name in sorted(hidden):
                wanted += 1
                if said & forms[name]:
                    found += 1
                else:
                    missed.append((example.id, name))
    return {"hidden": len(names), "targets": wanted, "recovered": found, "missed": missed}


def stray(examples: Sequence[Example]) -> dict[str, Any]:
    """In how many labeled trials the shipped model gives a symbol that no lexicon knows and no label has."""
    lexicon, nlp = load(), pipeline.load()
    asked = [e for e in examples if e.included and e.sure("targets") and e.source != TAUGHT]
    wrong = {}
    for example in asked:
        told = {lower(value) for value in example.labels["targets"]}
        said = pipeline.tag_trial(nlp, example.trial).targets
        if found := [n for n in said if lexicon.get("antigen", n) is None and lower(n) not in told]:
            wrong[example.id] = found
    return {"trials": len(asked), "wrong": wrong}


def _forms(lexicon: Lexicon, name: str) -> frozenset[str]:
    row = lexicon.get("antigen", name)
    texts = [name, *(row.values("aliases") if row else ()), *(row.values("guarded") if row else ())]
    return frozenset(form for text in texts for form in spellings(lower(text.removeprefix("="))))
