"""A file of corrections laid over records that are written already, and the texts that they came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from cart_nlp.curation.applying import Read, apply, level_put_in, put_in
from cart_nlp.curation.checking import checked
from cart_nlp.curation.contradictions import rows_of
from cart_nlp.curation.decisions import Correction, by_trial
from cart_nlp.curation.known_values import names
from cart_nlp.registries.entry import InputError
from cart_nlp.schema import Record, Trial

SHOWN = 5
"""Trials without a record, or without a text, that are told by their ids."""


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
    read: Read | None = None,
    note: Callable[[str], None] | None = None,
) -> list[Record]:
    """Records with corrections laid over them; `trials` (by id) tell which of these are stale.

    With `read` a record that the tool left out and a curator puts in gets what the tool finds in its trial.

    A decision under a secondary id reaches the record too, unless that id is a record or trial by itself.
    That is what `tag --dedupe` does for the ids that it merged; a record does not tell these from ids that
    its registration merely names. Whether such a decision is stale cannot be told, for the other text is not
    at hand. `note` hears of what is left out, decisions on trials without a record or that contradict a row
    under another id of their trial, and of trials put in without being read: they have what is decided alone.
    """
    records = list(records)
    if not rows:
        return records
    decided = by_trial(rows)
    known = names(lexicons)
    trials = trials or {}
    alone = trials.keys() | {record.trial_id for record in records}
    unmet, unread = set(decided), set()
    told: list[str] = []
    found = []
    for record in records:
        own = record.trial_id
        ids = (own, *(one for one in record.secondary_ids if one not in alone))
        unmet -= dict.fromkeys(ids).keys()
        mine, left_out = rows_of(decided, ids)
        told += left_out.values()
        mine = [row if row.trial_id == own else row._replace(text_sha256="") for row in mine]
        if own in trials and read is not None:
            record = put_in(record, mine, trials[own], read)
        elif level_put_in(record, mine):
            unread.add(own)
        text = trials[own].sections if own in trials else None
        found.append(apply(record, mine, known, text) if mine else record)
    if unmet:
        told.append(
            f"corrections of {_some(unmet)} without a record are not laid on; tag --corrections does it"
        )
    if unread:
        had = (
            "put in without a text at hand: what is not decided stays empty; tag --corrections reads the text"
        )
        told.append(f"{_some(unread)} {had}")
    if note is not None:
        for line in told:
            note(line)
    return found


def _some(ids: set[str]) -> str:
    """How many trials, and the first of them."""
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return f"{len(ids):,} trial{'s' * (len(ids) > 1)} ({', '.join(sorted(ids)[:SHOWN])}{more})"
