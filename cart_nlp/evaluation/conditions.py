"""Scores how condition strings of registries are read, against concepts that a person gave them.

The strings are known by their SHA-256 alone: a dump that holds them has to be brought. Right is a string
whose most specific concepts are exactly those of the gold file; each counts as often as trials had it. The
sample `frequent` is all strings that many trials share; the others were drawn from the rest.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cart_nlp import console, lexicon, paths, registries
from cart_nlp.conditions import Reader
from cart_nlp.evaluation.gold import GoldError
from cart_nlp.lexicon_cells import split
from cart_nlp.ontology import Ontology

COLUMNS = ("sha256", "sample", "trials", "concepts")


class Judged(NamedTuple):
    """One condition string: what it means by the gold file, what the tool reads, and trials that have it."""

    text: str
    sample: str
    trials: int
    gold: tuple[str, ...]
    found: tuple[str, ...]
    right: bool
    right_group: bool


class Score(NamedTuple):
    """All judged strings, and how many of the gold file no trial of the dump has."""

    judged: tuple[Judged, ...]
    missing: int

    def share(self, what: str, sample: str = "frequent") -> float | None:
        """The share of `right` or `right_group`, weighted by trials; None where nothing was judged."""
        judged = [one for one in self.judged if one.sample == sample]
        every = sum(one.trials for one in judged)
        return sum(one.trials for one in judged if getattr(one, what)) / every if every else None

    def result(self) -> dict[str, Any]:
        """The figures of each sample as plain JSON types."""
        figures: dict[str, Any] = {"missing": self.missing}
        for sample in sorted({one.sample for one in self.judged}):
            trials = [one.trials for one in self.judged if one.sample == sample]
            shares = {what: self.share(what, sample) for what in ("right", "right_group")}
            figures[sample] = {"strings": len(trials), "trials": sum(trials), **shares}
        return figures

    def lines(self) -> Iterator[str]:
        """The figures, then each string that is read wrongly."""
        yield f"conditions: {len(self.judged)} strings; {self.missing} of the gold file are not in the dump"
        for sample, told in self.result().items():
            if sample != "missing":
                shares = ", ".join(
                    f"{title} {'–' if told[what] is None else f'{told[what]:.1%}'} right"
                    for what, title in (("right", "concepts"), ("right_group", "group"))
                )
                yield f"{sample}: {told['strings']} strings of {told['trials']} trials, {shares}"
        for one in sorted(self.judged, key=lambda one: (-one.trials, one.text)):
            if not one.right:
                found, meant = (", ".join(names) or "none" for names in (one.found, one.gold))
                yield f"{one.trials:4}  {one.text!r}: {found}; gold: {meant}"


def gold(path: Path | None = None) -> dict[str, tuple[str, int, tuple[str, ...]]]:
    """SHA-256 of a string -> its sample, trials that had it, its concepts; of the bundled file by default."""
    path = path or paths.gold() / "conditions.csv"
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError) as fault:
        raise GoldError([f"{path}: cannot be read: {fault}"]) from fault
    table = {}
    for number, row in enumerate(rows, 2):
        try:
            table[row["sha256"]] = row["sample"], int(row["trials"]), split(row["concepts"] or "")
        except (KeyError, TypeError, ValueError) as fault:
            told = f"{path}:{number}: columns {', '.join(COLUMNS)} are needed ({fault})"
            raise GoldError([told]) from fault
    return table


def strings(dumps: Iterable[Path]) -> Iterator[str]:
    """Every condition of the trials of some dumps, as printed, each once."""
    seen = set()
    for dump in dumps:
        for item in registries.read(dump):
            try:
                sections = {} if isinstance(item, registries.Reject) else item.trial().sections
            except registries.Rejected:
                continue
            for name, text in sections.items():
                if name.startswith("conditions") and text not in seen:
                    seen.add(text)
                    yield text


def score(dumps: Sequence[Path], layers: Sequence[Path] = (), path: Path | None = None) -> Score:
    """Read the conditions of some dumps and judge those that the gold file knows."""
    words = lexicon.load(*layers)
    ontology = Ontology(words)
    reader, table = Reader(words, ontology), gold(path)
    judged = []
    for text in strings(dumps):
        if (known := table.pop(hashlib.sha256(text.encode()).hexdigest(), None)) is not None:
            sample, trials, meant = known
            found = reader.concepts(text)
            groups = [{ontology.group(name) for name in names} for names in (meant, found)]
            right = tuple(sorted(meant)) == found
            judged.append(Judged(text, sample, trials, meant, found, right, groups[0] == groups[1]))
    return Score(tuple(judged), len(table))


def main(dumps: Sequence[str]) -> int:
    """Print the figures of some dumps; 2 and one line for what cannot be read."""
    try:
        if not dumps:
            raise GoldError(["give the dumps that hold the conditions"])
        lines = list(score([Path(name) for name in dumps]).lines())
    except GoldError as error:
        console.put("\n".join(error.faults), sys.stderr)
        return 2
    except (registries.InputError, lexicon.LexiconError) as error:
        console.put(str(error), sys.stderr)
        return 2
    console.put("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
