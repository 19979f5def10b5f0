"""What a file of corrections did to the records of a report: decisions that hold in them, and trials."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cart_nlp.curation.applying import STALE
from cart_nlp.curation.decisions import Correction
from cart_nlp.schema import Record


@dataclass(frozen=True)
class Curated:
    """A file of corrections: its name and hash, its decisions, and how many hold in how many trials."""

    file: str
    sha256: str
    decisions: int
    applied: int
    trials: int

    def sentence(self) -> str:
        """What Methods say of it."""
        left = self.decisions - self.applied
        return (
            f"A curator's corrections were laid over the records ({self.file}, SHA-256 {self.sha256[:16]}…): "
            f"{self.applied:,} decisions on {self.trials:,} trials"
            + (f"; {left:,} of the {self.decisions:,} in the file were not applied." if left else ".")
        )


def curated(path: Path, rows: Sequence[Correction], records: Iterable[Record]) -> Curated:
    """What became of the corrections of a file, by the evidence that they left in the laid-over records.

    A decision that the tagging run applied before holds too; one on a trial without a record, or that
    contradicts another, does not.
    """
    records = list(records)
    alone = {record.trial_id for record in records}
    mine: dict[str, list[Correction]] = {}
    for row in rows:
        mine.setdefault(row.trial_id, []).append(row)
    holding: set[Correction] = set()
    trials: set[str] = set()
    for record in records:
        ids = (record.trial_id, *(one for one in record.secondary_ids if one not in alone))
        left = {
            (e.field, e.rule.removesuffix(STALE), e.by, e.date, e.note)
            for e in record.evidence
            if e.basis == "curator"
        }
        held = [row for one in ids for row in mine.get(one, ()) if _mark(row) in left]
        holding.update(held)
        trials.update(record.trial_id for _ in held)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Curated(path.name, digest, len(rows), len(holding), len(trials))


def _mark(row: Correction) -> tuple[str, str, str, str, str]:
    """How a decision shows in the evidence."""
    return row.field, f"curator:{row.action}", row.by, row.date, row.note
