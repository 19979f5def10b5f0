"""Labels of real trials by id, without their text, and their join with the user's own dump."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cart_nlp import paths
from cart_nlp.evaluation.gold import Gold, GoldError, GoldRecord, open_text
from cart_nlp.evaluation.labels import label_faults
from cart_nlp.evaluation.predictions import Seen
from cart_nlp.evaluation.sections import section_hashes, sections_hash
from cart_nlp.schema import Trial

_QUOTES = ("target_evidence", "note")
"""Label fields that hold words of a registry, or on them, and are left out."""


@dataclass(frozen=True, slots=True)
class RegistryLabel:
    """Labels of one trial and the fingerprint of the text that they were made on."""

    id: str
    source: str
    labels: dict[str, Any]
    sha256: str
    sections: dict[str, str]
    """Section key -> first 16 hex digits of its SHA-256."""

    def changed(self, trial: Trial) -> list[str]:
        """Keys of the labeled sections that are missing from the trial or differ."""
        now = section_hashes(trial.sections)
        return [key for key, digest in self.sections.items() if now.get(key) != digest]


SETS = {
    "registry": "labels of registry trials by id",
    "registry-2": "labels of full registry trials by id",
    "registry-blind": "labels made blind that are trained on since",
    "registry-last": "labels made blind that only measure",
}
"""Bundled labels by id, and what each set is called in a result."""


def folder(name: str = "registry") -> Path:
    """Where the bundled labels by id of that name are."""
    return paths.gold() / name


def label_line(gold: GoldRecord) -> dict[str, Any]:
    """The line of a labeled trial that may be published: no word of its text, quotes and notes dropped."""
    return {
        "id": gold.id,
        "source": gold.source,
        "labels": {name: value for name, value in gold.labels.items() if name not in _QUOTES},
        "sha256": sections_hash(gold.trial.sections),
        "sections": section_hashes(gold.trial.sections),
    }


def write(gold: Gold, target: Path, complete_for: Iterable[str] = ()) -> None:
    """Write `labels.jsonl` and `complete.json` into a folder.

    `complete_for` are the ids of a dump of which every included trial is labeled: in that dump, and no
    other, a trial without a label counts as not included.
    """
    target.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(label_line(g), ensure_ascii=False, sort_keys=True) for g in gold.records]
    (target / "labels.jsonl").write_text("\n".join([*lines, ""]), "utf-8", newline="\n")
    ids = sorted(complete_for)
    if ids:
        known = {"trials": len(ids), "ids_sha256": ids_hash(ids)}
        (target / "complete.json").write_text(json.dumps(known, indent=1) + "\n", "utf-8", newline="\n")


def ids_hash(ids: Iterable[str]) -> str:
    """SHA-256 of the sorted ids, one a line."""
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()


def read(source: Path | None = None) -> tuple[list[RegistryLabel], str]:
    """The labels and their version; raises GoldError with every fault."""
    path = (source or folder()) / "labels.jsonl"
    if not path.is_file():
        raise GoldError([f"{path}: no such file; the labels by id come with the package"])
    found: list[RegistryLabel] = []
    faults: list[str] = []
    seen: dict[str, str] = {}
    for number, line in open_text(path):
        where = f"{path.name}:{number}"
        try:
            label = RegistryLabel(**json.loads(line))
        except (json.JSONDecodeError, TypeError) as error:
            faults.append(f"{where}: {error}; one object with id, source, labels, sha256, sections a line")
            continue
        faults += [f"{where}: {label.id}: {fault}" for fault in label_faults(label.labels)]
        if label.id in seen:
            faults.append(f"{where}: duplicate id {label.id!r}, first at {seen[label.id]}; keep one of them")
        seen[label.id] = where
        found.append(label)
    if faults:
        raise GoldError(faults)
    return found, hashlib.sha256(path.read_bytes()).hexdigest()[:12]


@dataclass(frozen=True)
class Joined:
    """Labels joined with a dump."""

    gold: Gold
    candidates: frozenset[str]
    """Ids that the fast screen lets through, labeled or not."""
    others: tuple[str, ...]
    """Ids of the dump without a label."""
    complete: bool
    """Whether the dump is the one of which every included trial is labeled."""
    missing: int
    changed: dict[str, list[str]]
    """Id -> sections that differ from the labeled version."""
    other_candidates: tuple[Trial, ...] = ()
    """Trials without a label that the fast screen lets through."""


def join(
    labels: Iterable[RegistryLabel],
    version: str,
    dump: Iterable[Seen],
    known: Mapping[str, Any],
    name: str = "",
) -> Joined:
    """Join labels with the trials of a dump; of trials with one id the first counts."""
    by_id = {label.id: label for label in labels}
    records: dict[str, GoldRecord] = {}
    changed: dict[str, list[str]] = {}
    ids: set[str] = set()
    candidates: set[str] = set()
    others: list[str] = []
    kept: list[Trial] = []
    for seen in dump:
        trial = seen.trial
        if trial.id in ids:
            continue
        ids.add(trial.id)
        if seen.candidate:
            candidates.add(trial.id)
        label = by_id.get(trial.id)
        if label is None:
            others.append(trial.id)
            if seen.candidate:
                kept.append(trial)
            continue
        records[trial.id] = GoldRecord(trial.id, trial, label.labels, source=label.source)
        if keys := label.changed(trial):
            changed[trial.id] = keys
    complete = known.get("ids_sha256") == ids_hash(ids)
    gold = Gold(name or SETS["registry"], version, tuple(records[i] for i in by_id if i in records))
    missing = len(by_id) - len(records)
    return Joined(gold, frozenset(candidates), tuple(others), complete, missing, changed, tuple(kept))


def completeness(source: Path | None = None) -> dict[str, Any]:
    """What `complete.json` says of the dump that the labels cover, {} without the file."""
    path = (source or folder()) / "complete.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}
