"""Which tagged trials go to an annotation tool, and in which order."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cart_nlp.curation.decisions import FIELDS, values_of
from cart_nlp.curation.queue import queue
from cart_nlp.evaluation.gold import GoldError, GoldRecord
from cart_nlp.places import no_file
from cart_nlp.schema import Mention, Record, Trial
from cart_nlp.text import named_twice

Tagged = tuple[Trial, Record, tuple[Mention, ...]]


def read_ids(path: Path) -> list[str]:
    """Trial ids of a file, in its order: the column trial_id of a table, else the first word of each line."""
    if not path.is_file():
        raise GoldError([f"{path}: {no_file(path)}; give ids, one a line, or a table with trial_id"])
    text = path.read_text("utf-8-sig", "replace")
    head = text.partition("\n")[0]
    if "trial_id" in re.split(r"[,;\t]", head.strip()):
        mark = max(",;\t", key=head.count)
        rows = csv.DictReader(text.splitlines(), delimiter=mark)
        if fault := named_twice(rows.fieldnames or (), ("trial_id",)):
            raise GoldError([f"{path}:1: {fault}"])
        found = [str(row["trial_id"] or "").strip() for row in rows]
    else:
        found = [line.split()[0].strip(",;") for line in text.splitlines() if line.strip()]
    return list(dict.fromkeys(one for one in found if one))


def listed(records: Iterable[GoldRecord], ids: Sequence[str] | None) -> list[dict[str, Any]]:
    """The lines of gold records, of all or of some ids in their order; GoldError tells an unknown one."""
    lines = {record.id: dict(record.data) for record in records}
    if ids is None:
        return list(lines.values())
    _all_there(ids, lines, "gold records")
    return [lines[one] for one in ids]


def _all_there(ids: Iterable[str], known: Iterable[str], what: str) -> None:
    there = set(known)
    missing = [one for one in ids if one not in there]
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise GoldError([f"--ids: not among the {what}: {', '.join(missing[:5])}{more}"])


def chosen(
    tagged: Iterable[Tagged],
    *,
    ids: Sequence[str] | None = None,
    where: Sequence[str] = (),
    doubt: int | None = None,
    since: str | None = None,
) -> list[Tagged]:
    """Tagged trials: those of `ids` in their order, those with the values of `where` (`field=value`), those
    that say something else than in an earlier output (`since`), and of these the `doubt` least sure ones.

    Raises GoldError with one line a fault.
    """
    found = list(tagged)
    if ids is not None:
        by_id = {trial.id: (trial, record, marks) for trial, record, marks in found}
        _all_there(ids, by_id, "trials that the text screen lets through")
        found = [by_id[one] for one in ids]
    for text in where:
        found = [each for each in found if _holds(each[1], text)]
    if since is not None:
        found = _changed(found, since)
    if doubt is not None:
        order = [item.record.trial_id for item in queue(record for _, record, _ in found).items]
        by_id = {trial.id: (trial, record, marks) for trial, record, marks in found}
        found = [by_id[one] for one in order[:doubt]]
    return found


def _holds(record: Record, text: str) -> bool:
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or name not in FIELDS:
        raise GoldError([f"--where {text}: write it like targets=CD19, with one of {', '.join(FIELDS)}"])
    values = values_of(record, name)
    return value.casefold() in (one.casefold() for one in values) if value else not values


def _changed(found: Iterable[Tagged], since: str) -> list[Tagged]:
    from cart_nlp.differences import flat_row, read_rows
    from cart_nlp.registries.entry import InputError

    try:
        before = read_rows(since)
    except InputError as fault:
        raise GoldError(str(fault).splitlines()) from None
    kept = []
    for trial, record, marks in found:
        old, now = before.get(trial.id), flat_row(record)
        if old is None or any(now[name] != old[name] for name in now.keys() & old.keys()):
            kept.append((trial, record, marks))
    return kept
