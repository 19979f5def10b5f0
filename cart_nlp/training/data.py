"""Labeled trials for training: labels by id or with text, joined with the dumps that hold the text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cart_nlp import paths, shallow
from cart_nlp.evaluation import gold as gold_set
from cart_nlp.evaluation.exchange.decided import CORRECTED
from cart_nlp.evaluation.labels import label_faults
from cart_nlp.evaluation.sections import section_hashes
from cart_nlp.registries import from_mapping
from cart_nlp.registries.entry import Rejected
from cart_nlp.schema import INCLUDED, Trial
from cart_nlp.signals.reading import Reading

TAUGHT = "taught"
"""Own-worded texts that teach what few registry labels show; they train and never measure."""

UNLABELED = {"products": "registry dump"}
"""Field → sources whose trials have none labeled, whatever their text says."""


@dataclass
class Example:
    """One labeled trial: its text, its labels, where they come from, and what it must not be parted from."""

    id: str
    trial: Trial
    labels: Mapping[str, Any]
    source: str
    group: str
    reading: Reading | None = field(default=None, repr=False)

    def sure(self, name: str) -> bool:
        """Whether a field is labeled without doubt; every field hangs on car_trial.

        Who corrects a field of a trial takes it for one about CAR cells, whatever is said of its level; so
        does who writes a text that is to teach this field and not the level.
        """
        doubts = self.labels.get("uncertain", ())
        level = "car_trial" not in doubts or (
            name != "car_trial" and self.source.startswith((CORRECTED, TAUGHT))
        )
        return name not in doubts and level and not self.source.startswith(UNLABELED.get(name, "-"))

    @property
    def included(self) -> bool:
        """Whether the trial is about CAR cells."""
        return self.labels["car_trial"] in INCLUDED


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON-lines file, plain or packed; raises GoldError where a line is none."""
    for _, row in numbered(path):
        yield row


def numbered(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The same, each with its file and line."""
    try:
        for number, line in gold_set.open_text(path):
            where = f"{path}:{number}"
            try:
                row = shallow.json_of(line)
            except ValueError as fault:
                raise gold_set.GoldError([f"{where}: not JSON ({fault}); one object a line"]) from None
            if not isinstance(row, dict):
                raise gold_set.GoldError([f"{where}: a JSON {type(row).__name__}; one object a line"])
            yield where, row
    except (UnicodeDecodeError, OSError, EOFError) as fault:
        raise gold_set.GoldError(
            [f"{path}: cannot be read: {fault}; give UTF-8 JSON lines, plain or .gz"]
        ) from None


def group(trial: Trial) -> str:
    """What keeps trials together in cross-validation: the sponsor, whose texts repeat, else the id."""
    return (trial.sponsor or trial.id).strip().lower()


def labeled(path: Path, texts: Mapping[str, Sequence[Trial]]) -> Iterator[Example]:
    """The labeled trials of a file whose text is beside the labels or in one of the dumps.

    Raises GoldError for a line that is none.
    """
    for where, row in numbered(path):
        if not isinstance(row.get("id"), str):
            raise gold_set.GoldError([f"{where}: id is {row.get('id')!r}; give a registration number"])
        labels = row.get("labels")
        if isinstance(labels, dict) and labels.get("focus") == "":  # so the bundled labels leave it open
            labels = {**labels, "focus": None}
        if faults := list(label_faults(labels)):
            raise gold_set.GoldError([f"{where}: {row['id']}: {faults[0]}"])
        try:
            trial = from_mapping(row["trial"]) if "trial" in row else version(texts.get(row["id"], ()), row)
        except Rejected as fault:
            raise gold_set.GoldError([f"{where}: {row['id']}: trial: {fault}"]) from None
        if trial is not None:
            yield Example(row["id"], trial, row["labels"], row.get("source", path.parent.name), group(trial))


def written(split: str) -> Iterator[Example]:
    """The bundled gold set of written trials: `dev` to train on, `test` to measure."""
    for one in gold_set.read(None).split(split).records:
        yield Example(one.id, one.trial, one.labels, "written", one.id)


def texts(files: Iterable[Path]) -> dict[str, list[Trial]]:
    """The versions of each trial in some dumps, by id."""
    found: dict[str, list[Trial]] = {}
    for path in files:
        for row in rows(path):
            row = row.get("trial", row)
            found.setdefault(row["id"], []).append(from_mapping(row))
    return found


def version(trials: Sequence[Trial], row: Mapping[str, Any]) -> Trial | None:
    """The version of a trial that was labeled, by the fingerprints of its sections; the nearest one else."""
    wanted = row.get("sections") or {}

    def same(trial: Trial) -> int:
        now = section_hashes(trial.sections)
        return sum(now.get(key) == digest for key, digest in wanted.items()) - abs(len(now) - len(wanted))

    return max(trials, key=same) if trials else None


def negatives(dump: Path, known: Iterable[str]) -> Iterator[Example]:
    """Trials of a dump that are not about CAR cells, though a glance at their words may take them so."""
    names, seen = (paths.gold() / "registry" / "negatives.txt").read_text("utf-8").split(), set(known)
    wanted = frozenset(names) - seen
    for row in rows(dump):
        if row["id"] in wanted:
            yield Example(row["id"], from_mapping(row), {"car_trial": "other"}, "dump", row["id"])


def merged(old: Example | None, new: Example) -> Example:
    """A trial that is labeled twice: what the later label leaves open stays as it was labeled before."""
    if old is None or (new.sure("car_trial") and not new.labels.get("uncertain")):
        return new
    doubts = set(new.labels.get("uncertain", ()))
    before = set(old.labels.get("uncertain", ()))
    labels = {**new.labels, **{name: value for name, value in old.labels.items() if name in doubts}}
    labels["uncertain"] = sorted(doubts & (before | (doubts - old.labels.keys())))
    return Example(new.id, old.trial, labels, old.source, old.group)


def training_set(corpus: Path, extra: Iterable[Path] = ()) -> list[Example]:
    """All labels that are not for measuring, with their text; without the corpus the written trials."""
    files = [corpus / name for name in TEXTS if (corpus / name).is_file()]
    known = texts(files)
    found: dict[str, Example] = {}
    sets = [
        paths.gold() / name / "labels.jsonl" for name in ("registry", "registry-2", "registry-blind", TAUGHT)
    ]
    for path in sets:
        if path.is_file():
            for example in labeled(path, known):
                found[example.id] = example
    for example in written("dev"):
        found[example.id] = example
    for path in extra:
        for example in labeled(path, known):
            found[example.id] = merged(found.get(example.id), example)
    for name in roles():
        if name not in found and name in known:
            # Labeled mention by mention alone.
            trial, doubt = known[name][0], {"car_trial": "other", "uncertain": ["car_trial"]}
            found[name] = Example(name, trial, doubt, "roles", group(trial))
    dump = corpus / "registry-dump.jsonl.gz"
    if dump.is_file():
        for example in negatives(dump, found):
            found[example.id] = example
    return list(found.values())


def first_labeled() -> frozenset[str]:
    """The trials of the first set of labels, on which 0.1.0 was developed."""
    return frozenset(str(row["id"]) for row in rows(paths.gold() / "registry" / "labels.jsonl"))


TEXTS = (
    "gold-dev.jsonl", "gold-dev-2.jsonl", "car-trials.jsonl.gz", "car-trials-2.jsonl.gz",
    "full-trials.jsonl.gz",
)  # fmt: skip
"""Files of the corpus that hold the text of labeled trials; a labeled version of a trial comes first."""


def roles(path: Path | None = None) -> dict[str, list[dict[str, Any]]]:
    """Labels of single mentions by trial: section, start, end and role."""
    found: dict[str, list[dict[str, Any]]] = {}
    file = path or paths.gold() / "roles" / "labels.jsonl"
    for row in rows(file) if file.is_file() else ():
        found.setdefault(row["id"], []).append(row)
    return found
