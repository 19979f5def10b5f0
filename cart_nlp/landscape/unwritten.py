"""The trials that the tagging run read and did not write, as the list beside its records tells them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from cart_nlp import readback
from cart_nlp.registries.entry import InputError

TEXT_SCREEN = "text screen"
LISTED = 5_000
"""Trials of the text screen that a report lists; whole registries let go of hundreds of thousands."""


class Trial(NamedTuple):
    """A line of the list."""

    trial_id: str
    step: str
    reason: str
    car_trial: str
    registry: str
    title: str
    url: str


@dataclass(frozen=True)
class Unwritten:
    """The lines of the list, of the text screen not more than can be shown.

    `note` says why there is no list, or what is left out of it.
    """

    trials: tuple[Trial, ...] = ()
    note: str = ""


def beside(records: Path, run: Mapping[str, Any]) -> Unwritten:
    """The list that the run file of records names; raises InputError where it cannot be read."""
    named = run.get("screened_list")
    if not isinstance(named, str) or not named:
        return Unwritten()
    path = records.parent / named
    if not path.is_file():
        return Unwritten(note=f"The run's list of what it did not write, {path.name}, is not there any more.")
    outputs = run.get("outputs")
    if not _is_as_written(path, outputs if isinstance(outputs, list) else []):
        return Unwritten(
            note=f"{path.name} is not as the run wrote it: what it lists is not taken over; tag again."
        )
    found: list[Trial] = []
    screened = 0
    for trial in _trials(path):
        screened += trial.step == TEXT_SCREEN
        if trial.step != TEXT_SCREEN or screened <= LISTED:
            found.append(trial)
    more = screened - LISTED
    left = f"{more:,} more trials of the text screen are listed in {path.name} only." if more > 0 else ""
    return Unwritten(tuple(found), left)


def _is_as_written(path: Path, outputs: list[Any]) -> bool:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return any(isinstance(one, dict) and one.get("sha256") == digest for one in outputs)


def _trials(path: Path) -> Iterator[Trial]:
    for number, line in readback.lines(path):
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as fault:
            raise InputError(f"{path}:{number}: not JSON: {fault}; tag again") from fault
        if not isinstance(row, dict):
            raise InputError(f"{path}:{number}: {type(row).__name__} where a trial is meant; tag again")
        score = row.get("score")
        chance = f" (probability of inclusion {100 * score:.1f} %)" if isinstance(score, float) else ""
        names = ("trial_id", "stage", "reason", "car_trial", "registry", "title", "url")
        cells = [str(row.get(name) or "") for name in names]
        cells[2] += chance
        yield Trial(*cells)
