"""Corrections as a run carries them: found by trial, resolved where the dump is read, counted at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from cart_nlp.curation.applying import Read, apply, is_stale, put_in
from cart_nlp.curation.contradictions import rows_of
from cart_nlp.curation.decisions import Correction, by_trial, digest
from cart_nlp.curation.known_values import names
from cart_nlp.schema import Record, Trial
from cart_nlp.search import any_of

SHOWN = 20
"""Stale decisions and trials that are told one by one."""


class Decided(NamedTuple):
    """The decisions on one trial, and the lexicon folders that give their names ids."""

    rows: tuple[Correction, ...]
    lexicons: tuple[str, ...] = ()

    def applied(self, record: Record, trial: Trial, read: Read) -> Record:
        """The trial's record as the curator has it; `read` tags a trial that the tool leaves out."""
        found = put_in(record, self.rows, trial, read)
        return apply(found, self.rows, names(self.lexicons), trial.sections)

    def digest(self) -> str:
        """Hash of the decisions."""
        return digest(self.rows)


@dataclass
class Ledger:
    """All corrections of a run, and what became of them."""

    rows: tuple[Correction, ...]
    lexicons: tuple[str, ...] = ()
    seen: set[str] = field(default_factory=set)
    stale: list[Correction] = field(default_factory=list)
    merged: set[str] = field(default_factory=set)
    """Ids that something is decided on, of trials that were met under another such id."""
    left_out: dict[Correction, str] = field(default_factory=dict)
    """Decisions that contradict one under another id of their trial, with what is told of each."""

    def __post_init__(self) -> None:
        """Sort the rows by trial."""
        self._by_trial = by_trial(self.rows)

    @property
    def ids(self) -> frozenset[str]:
        """Ids of the trials that something is decided on."""
        return frozenset(self._by_trial)

    @cached_property
    def names(self) -> Callable[[bytes | str], bool]:
        """A test whether a raw record may be of a trial that something is decided on."""
        return any_of(self.ids)

    def of(self, trial: Trial, merged: Iterable[str] = ()) -> Decided | None:
        """The decisions on a trial, noted as met; `merged` are further ids that it was registered under."""
        own = dict.fromkeys((trial.id, *merged))
        rows, left_out = rows_of(self._by_trial, own)
        if not rows:
            return None
        self.left_out |= left_out
        met = [one for one in own if one in self._by_trial]
        self.merged.update(met[1:])
        fresh = [one for one in met if one not in self.seen]
        self.seen.update(fresh)
        self.stale += [row for row in rows if row.trial_id in fresh and is_stale(row, trial.sections)]
        return Decided(tuple(rows), self.lexicons)

    def digest(self) -> str:
        """Hash of all decisions."""
        return digest(self.rows)

    def tally(self) -> dict[str, Any]:
        """What the run's summary and its provenance file say of the corrections."""
        return {
            "rows": sum(row.trial_id in self.seen and row not in self.left_out for row in self.rows),
            "trials": len(self.seen - self.merged),
            "left_out": list(self.left_out.values()),
            "stale": [
                [row.trial_id, row.field, row.value, row.date]
                for row in self.stale
                if row not in self.left_out
            ],
            "unseen": sorted(self.ids - self.seen),
            "without_fingerprint": sum(not row.text_sha256 for row in self.rows),
        }


def opened(path: str | None, lexicons: tuple[str, ...] = ()) -> Ledger | None:
    """The ledger of a corrections file, if one is given; raises CorrectionsError with every fault in it."""
    if path is None:
        return None
    from cart_nlp.curation.laying import opened as read

    return Ledger(read(Path(path), lexicons), lexicons)


def lines(tally: Mapping[str, Any]) -> list[str]:
    """A tally for a terminal."""
    stale, unseen = tally["stale"], tally["unseen"]
    said = f"corrections: {tally['rows']:,} applied in {tally['trials']:,} trials, {len(stale):,} stale"
    if unseen:
        said += f", {len(unseen):,} trials not in the input"
    found = [said, *tally.get("left_out", ())]
    for trial, name, value, date in stale[:SHOWN]:
        when = f" since {date}" if date else ""
        what = f"stale: {trial} {name} {value or 'as it stood'}"
        found.append(f"{what}: the text changed{when}; it is applied, read it again")
    if len(stale) > SHOWN:
        found.append(f"… and {len(stale) - SHOWN:,} more stale decisions")
    if unseen:
        more = f" … and {len(unseen) - SHOWN:,} more" if len(unseen) > SHOWN else ""
        found.append(f"not in the input: {', '.join(unseen[:SHOWN])}{more}")
    if tally["without_fingerprint"]:
        rows = f"{tally['without_fingerprint']:,} corrections carry no text_sha256"
        found.append(f"{rows}: whether the text under them changed cannot be told")
    return found
