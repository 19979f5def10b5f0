"""A file of corrections laid over records that are written already, and the texts that they came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cart_nlp.curation.applying import apply
from cart_nlp.curation.checking import checked
from cart_nlp.curation.decisions import Correction
from cart_nlp.curation.names import names
from cart_nlp.registries.entry import InputError
from cart_nlp.schema import Record, Trial


def read_trials(texts: Iterable[Path], wanted: set[str]) -> dict[str, Trial]:
    """The wanted trials of some dumps, by id; raises InputError for a dump that cannot be read."""
    from cart_nlp.registries import read
    from cart_nlp.registries.entry import Reject, Rejected

    found: dict[str, Trial] = {}
    for path in texts:
        if not path.exists():
            raise InputError(f"{path}: no such file; --text takes a dump that the records were tagged from")
        for entry in read(path):
            if isinstance(entry, Reject):
                continue
            try:
                trial = entry.trial()
            except Rejected:
                continue  # `cart-nlp tag` reports rejects; here the trial just has no text
            if trial.id in wanted:
                found.setdefault(trial.id, trial)
    return found


def opened(path: Path | None, lexicons: tuple[str, ...] = ()) -> tuple[Correction, ...]:
    """The corrections of a file, none without one; raises CorrectionsError with a line for each fault."""
    return checked(path, names(lexicons)) if path is not None else ()


def laid(
    records: Iterable[Record],
    rows: Sequence[Correction],
    lexicons: tuple[str, ...] = (),
    trials: Mapping[str, Trial] | None = None,
) -> list[Record]:
    """Records with corrections laid over them; `trials` (by id) tell which of these are stale.

    A trial that a curator has put in and that is not among the records cannot be told here: tag again.
    """
    if not rows:
        return list(records)
    by_trial: dict[str, list[Correction]] = {}
    for row in rows:
        by_trial.setdefault(row.trial_id, []).append(row)
    known = names(lexicons)
    texts = {one: trial.sections for one, trial in (trials or {}).items()}
    return [
        apply(record, by_trial[record.trial_id], known, texts.get(record.trial_id))
        if record.trial_id in by_trial
        else record
        for record in records
    ]
