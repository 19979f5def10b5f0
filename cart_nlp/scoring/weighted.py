"""What the components that decide have in common: weights that go with the model."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import srsly

from cart_nlp import paths
from cart_nlp.scoring.candidates import Candidate, FieldScorer, NameScorer
from cart_nlp.scoring.linear import Linear
from cart_nlp.signals.candidate import Scored
from cart_nlp.signals.doc import Component
from cart_nlp.signals.fields import instances
from cart_nlp.signals.reading import Reading
from cart_nlp.vocabulary import GUARDED

if TYPE_CHECKING:
    from spacy.language import Language

Scorer = Linear | FieldScorer
Value = tuple[str, int, int, str, str, float]
"""A value as it stands on the Doc: concept, start, end, rule, basis (text, product, default), probability."""


def scorer_of(data: Mapping[str, Any]) -> Scorer:
    """A scorer from its JSON: two tables for a field, one for a decision."""
    if set(data) == {"mention", "candidate"}:
        return FieldScorer(Linear(data["mention"]), Linear(data["candidate"]))
    if set(data) == {"together"}:
        return NameScorer(Linear(data["together"]))
    return Linear(data)


class Weighted(Component):
    """A component with scorers, each a JSON file of its folder in the model."""

    def __init__(self, nlp: Language, name: str) -> None:
        super().__init__(nlp, name)
        self._own: dict[str, Scorer] = {}
        self._whole = False

    @property
    def scorers(self) -> dict[str, Scorer]:
        """By name: those of the model that was loaded, and of the shipped one those that it lacks.

        The shipped ones are read when first asked for: a model that is loaded brings its own.
        """
        if not self._whole:
            self._own = {**_read(paths.model() / self.name, self._own), **self._own}
            self._whole = True
        return self._own

    def field(self, name: str) -> FieldScorer | None:
        """The scorer of a field, if the model has one."""
        found = self.scorers.get(name)
        return found if isinstance(found, FieldScorer) else None

    def scored(self, reading: Reading, name: str) -> list[Candidate]:
        """The candidates of a field, the most probable first; scored once for a Reading."""
        scorer = self.field(name)
        if scorer is None:
            return []
        known = reading.candidates.get(name)
        if known is None or known[0] is not scorer:
            known = reading.candidates[name] = scorer, scorer.score(instances(reading, name))
        return known[1]

    def linear(self, name: str) -> Linear | None:
        """The scorer of a decision, if the model has one."""
        found = self.scorers.get(name)
        return found if isinstance(found, Linear) else None

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write every scorer, sorted and one weight a line."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        for name, scorer in self.scorers.items():
            text = json.dumps(scorer.to_json(), ensure_ascii=False, indent=1) + "\n"
            (folder / f"{name}.json").write_text(text, "utf-8", newline="\n")

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Weighted:
        """Read the scorers of a folder; those that it lacks stay as they are."""
        self._own.update(_read(Path(path), ()))
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """The scorers as bytes."""
        return bytes(srsly.msgpack_dumps({name: s.to_json() for name, s in self.scorers.items()}))

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> Weighted:
        """Read what `to_bytes` gave."""
        self._own = {name: scorer_of(table) for name, table in srsly.msgpack_loads(data).items()}
        self._whole = True
        return self


def _read(folder: Path, but: Container[str]) -> dict[str, Scorer]:
    """The scorers of a folder, but for some."""
    files = (file for file in sorted(folder.glob("*.json")) if file.stem not in but)
    return {file.stem: scorer_of(orjson.loads(file.read_bytes())) for file in files}


def supporting(candidate: Candidate) -> list[Scored]:
    """The mentions that state a candidate's value: those more likely than not, else the likeliest alone."""
    sure = [scored for scored in candidate.scored if scored.logit > 0]
    return sure or [max(candidate.scored, key=lambda scored: scored.logit)]


def stated(candidates: Iterable[Candidate], scorer: FieldScorer | None) -> list[Value]:
    """The values that stand, one entry a supporting mention.

    A field that rules decide has no scorer: the signals of its candidates are the rows of these rules.
    """
    return [
        (
            one.concept,
            scored.instance.mention.start,
            scored.instance.mention.end,
            rule_of(scored, scorer) if scorer else "; ".join((_row(scored), *one.signals)),
            "text",
            one.probability,
        )
        for one in candidates
        if one.probability >= 0.5
        for scored in supporting(one)
    ]


def _row(scored: Scored) -> str:
    return scored.instance.mention.row.rstrip(GUARDED)


def rule_of(scored: Scored, scorer: FieldScorer) -> str:
    """The lexicon row of a mention and the signal that spoke most for it."""
    best = scorer.mention.strongest(scored.instance.signals)
    return f"{_row(scored)}; {best}" if best else _row(scored)
