"""The gold file: its records, and every fault in it told in one line."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cart_nlp import paths, shallow
from cart_nlp.evaluation.labels import ALL_TARGETS, LIST_FIELDS, label_faults, read_mentions
from cart_nlp.evaluation.sections import trial_of
from cart_nlp.places import no_file
from cart_nlp.schema import INCLUDED, Mention, Trial
from cart_nlp.text import half_in


@dataclass(frozen=True, slots=True)
class GoldRecord:
    """One labeled trial: its text, its record-level labels and, if labeled so far, its mentions."""

    id: str
    trial: Trial
    labels: dict[str, Any]
    mentions: tuple[Mention, ...] | None = None
    split: str = ""
    source: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    """The line as it was read, so that an export can give everything back."""
    unlabeled: frozenset[str] = frozenset()
    """Fields that nobody labeled in any included trial of the set."""

    @property
    def uncertain(self) -> frozenset[str]:
        """Fields that are left out of scoring for this trial; constructs stand and fall with the targets."""
        found = frozenset(self.labels.get("uncertain", ()))
        return self.unlabeled | (found | {"constructs"} if "targets" in found else found)

    @property
    def included(self) -> bool:
        """Whether screening should include the trial."""
        return self.labels["car_trial"] in INCLUDED


class GoldError(Exception):
    """A gold file that cannot be used; `faults` holds one line for each fault."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = list(faults)
        super().__init__("\n".join(self.faults))


@dataclass(frozen=True, slots=True)
class Gold:
    """A gold set: its records in file order, its name and the version that its bytes make."""

    name: str
    version: str
    records: tuple[GoldRecord, ...]

    def split(self, name: str) -> Gold:
        """The half called `name`; `all` gives everything."""
        if name == "all":
            return self
        return Gold(
            f"{self.name}, {name} half", self.version, tuple(r for r in self.records if r.split == name)
        )


NAMES = ("trials.jsonl", "gold.jsonl", "dev.jsonl", "test.jsonl")
"""Names of gold files in a folder that may hold other .jsonl files, such as the labelings they come from."""


def half(identifier: str) -> str:
    """`dev` or `test` for a trial whose line does not say, by the first hex digit of its id's SHA-256."""
    return "dev" if int(hashlib.sha256(identifier.encode()).hexdigest()[0], 16) % 2 == 0 else "test"


def open_text(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number, line) of a plain or gzipped UTF-8 file without empty lines."""
    opener: Any = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, line


def files(path: Path | None = None) -> list[Path]:
    """The gold files at `path`, a file or a folder; the bundled set if None.

    In a folder these are the files called as in NAMES, or without any of them every `.jsonl`.
    """
    path = path or paths.gold()
    if path.is_dir():
        found = [path / name for name in NAMES if (path / name).is_file()] or sorted(path.glob("*.jsonl"))
        if not found:
            raise GoldError([f"{path}: no .jsonl file in this folder; give --gold FILE"])
        return found
    if not path.is_file():
        raise GoldError([f"{path}: {no_file(path)}; give --gold FILE, a .jsonl of labeled trials"])
    return [path]


def read(path: Path | None = None) -> Gold:
    """Read a gold file or folder (the bundled set if None); raises GoldError with every fault.

    A field that one trial's labels lack is empty there; one that those of all included trials lack is not
    labeled.
    """
    sources = files(path)
    records: list[GoldRecord] = []
    faults = list(checksum_faults(sources))
    seen: dict[str, str] = {}
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.read_bytes())
        for number, line in _lines(source, faults):
            where = f"{source.name}:{number}"
            record = _record(line, where, faults)
            if record is None:
                continue
            if record.id in seen:
                faults.append(
                    f"{where}: duplicate id {record.id!r}, first at {seen[record.id]}; keep one of them"
                )
                continue
            seen[record.id] = where
            records.append(record)
    if faults:
        raise GoldError(faults)
    name = "bundled gold set" if path is None else Path(path).name
    unlabeled = _unlabeled([one.labels for one in records if one.included])
    found = tuple(replace(one, unlabeled=unlabeled) for one in records) if unlabeled else tuple(records)
    return Gold(name, digest.hexdigest()[:12], found)


def _unlabeled(labels: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """The fields that nobody labeled in any of the included trials; none if there is no such trial.

    All targets are those that the text states and those known of a product: it takes both labels.
    """
    if not labels:
        return frozenset()
    told = frozenset().union(*labels)
    lacking = frozenset((*LIST_FIELDS, "constructs")) - told
    return lacking if {"targets", "product_targets"} <= told else lacking | {ALL_TARGETS}


def _lines(source: Path, faults: list[str]) -> Iterator[tuple[int, str]]:
    try:
        yield from open_text(source)
    except (UnicodeDecodeError, OSError, EOFError) as error:
        faults.append(f"{source.name}: cannot be read: {error}; give UTF-8 JSON lines, plain or .gz")


def checksum_faults(sources: Iterable[Path]) -> Iterator[str]:
    """Faults of files that differ from the SHA256SUMS beside them."""
    for source in sources:
        sums = source.parent / "SHA256SUMS"
        if not sums.is_file():
            continue
        rows = [line.split(maxsplit=1) for line in sums.read_text("utf-8").splitlines() if line.strip()]
        wanted = {name.lstrip("*"): digest for digest, name in rows}.get(source.name)
        if wanted and wanted != hashlib.sha256(source.read_bytes()).hexdigest():
            yield f"{source.name}: text changed: not the file of SHA256SUMS; restore it or renew SHA256SUMS"


def _text_faults(data: Mapping[str, Any]) -> Iterator[str]:
    """Faults of what a line says of itself."""
    for name in ("source", "split"):
        said = data.get(name) or ""
        if not isinstance(said, str) or half_in(said):
            yield f"{name} is {json.dumps(said)[:40]}; give a text"


def _record(line: str, where: str, faults: list[str]) -> GoldRecord | None:
    try:
        data = shallow.json_of(line)
    except json.JSONDecodeError as error:
        faults.append(f"{where}: not JSON ({error.msg}, column {error.colno}); one object a line")
        return None
    except shallow.TooDeep:
        faults.append(f"{where}: nested too deeply for a gold record; one object a line")
        return None
    if isinstance(data, dict) and {"trial_id", "car_trial"} <= data.keys():
        raise GoldError(
            [f"{where}: a record of `cart-nlp tag`, no label; give records to evaluate with --records FILE"]
        )
    if not isinstance(data, dict) or not {"id", "trial", "labels"} <= data.keys():
        faults.append(f"{where}: a gold record needs id, trial and labels")
        return None
    before = len(faults)
    identifier = data["id"]
    if not isinstance(identifier, str) or not identifier:
        faults.append(f"{where}: id is {identifier!r}; give a registration number")
        return None
    faults.extend(f"{where}: {identifier}: {fault}" for fault in _text_faults(data))
    faults.extend(f"{where}: {identifier}: {fault}" for fault in label_faults(data["labels"]))
    if not isinstance(data["trial"], dict):
        faults.append(f"{where}: {identifier}: trial is not an object of registry fields")
        return None
    try:
        trial = trial_of({**data["trial"], "id": identifier})
    except ValueError as error:
        faults.append(f"{where}: {identifier}: {error}")
        return None
    mentions = None
    if data.get("mentions") is not None:
        found, problems = read_mentions(data["mentions"], trial)
        mentions = tuple(found)
        faults.extend(f"{where}: {identifier}: {problem}" for problem in problems)
    if len(faults) > before:
        return None
    return GoldRecord(
        identifier,
        trial,
        data["labels"],
        mentions,
        data.get("split") or half(identifier),
        data.get("source", ""),
        data,
    )
