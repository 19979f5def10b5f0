"""What is wrong with corrections: values that nobody knows, decisions that contradict each other."""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cart_nlp.curation.applying import is_stale
from cart_nlp.curation.contradictions import contradictions
from cart_nlp.curation.correction_files import CorrectionsError, read_all
from cart_nlp.curation.decisions import SINGLE, Correction, construct_of, shown, text_sha256
from cart_nlp.curation.known_values import CLOSED, Names
from cart_nlp.registries.values.identifiers import identities, registry_of
from cart_nlp.schema import INCLUDED

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass
class Checked:
    """Rows under their canonical values, and what is to be said of them, a line each.

    With `faults` the file is not to be applied; `warnings` are for the curator to look at.
    """

    rows: tuple[Correction, ...] = ()
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def checked(path: Path, known: Names) -> tuple[Correction, ...]:
    """The rows of a file that can be applied; raises CorrectionsError with every fault."""
    found = check(path, known)
    if found.faults:
        raise CorrectionsError(found.faults)
    return found.rows


def check(
    path: Path,
    known: Names,
    ids: Collection[str] | None = None,
    texts: Mapping[str, Mapping[str, str]] | None = None,
) -> Checked:
    """Read and judge a file.

    `ids` are the trials that there are, and so are those of `texts` (trial -> section -> text), which tell
    what is stale. A row of another trial is a fault, unless the file puts that in; where the file takes it
    out, which may be done already, it is a warning. Raises CorrectionsError if it is no such file.
    """
    read, faults = read_all(path)
    found = Checked(faults=faults)
    rows = []
    for row in read:
        try:
            rows.append(_canonical(row, known, found.warnings))
        except ValueError as fault:
            found.faults.append(f"{row.place}: {fault}")
    found.rows = tuple(rows)
    found.faults += contradictions(rows)
    found.warnings += _unused(rows)
    found.warnings += [line for row in rows for line in _form(row)]
    if ids is not None:
        _judge_ids(rows, {*ids, *(texts or ())}, found)
    if texts is not None:
        for row in rows:
            if row.trial_id in texts and is_stale(row, texts[row.trial_id]):
                found.warnings.append(
                    f"{row.place}: {row.trial_id}: stale: its text changed since {row.date or 'then'}"
                )
    return found


def stamped(rows: Iterable[Correction], texts: Mapping[str, Mapping[str, str]]) -> list[Correction]:
    """Rows with the fingerprint of their trial's text (trial -> section -> text), where they have none."""
    return [
        row._replace(text_sha256=text_sha256(texts[row.trial_id]))
        if not row.text_sha256 and row.trial_id in texts
        else row
        for row in rows
    ]


def _canonical(row: Correction, known: Names, warnings: list[str]) -> Correction:
    """The row with each value under its name in the lexicons; raises ValueError for one that cannot be."""
    if row.field == "constructs":
        values = []
        for text in row.values:
            construct = construct_of(text)
            targets = [_value(row, "targets", target, known, warnings) for target in construct.targets]
            values.append(shown(construct.model_copy(update={"targets": tuple(sorted(set(targets)))})))
    else:
        values = [_value(row, row.field, value, known, warnings) for value in row.values]
    return row._replace(values=tuple(sorted(set(values))))


def _value(row: Correction, field: str, value: str, known: Names, warnings: list[str]) -> str:
    name = known.canonical(field, value)
    if name is not None:
        if name != value and field not in CLOSED:
            warnings.append(f"{row.place}: {value!r} is {name} in the lexicons and is applied as that")
        return name
    if field in CLOSED:
        raise ValueError(f"unknown {field} {value!r}; there are {', '.join(CLOSED[field])}")
    if row.action != "remove":
        near = known.near(field, value)
        hint = f"; did you mean {', '.join(near)}?" if near else "; it is taken as it stands"
        kind = "antigen" if field in ("targets", "disease_markers") else field
        warnings.append(f"{row.place}: unknown {kind} {value!r}{hint}")
    return value


def _unused(rows: Iterable[Correction]) -> list[str]:
    """Values given to trials that the same file takes out."""
    rows = list(rows)
    out = {
        row.trial_id: row
        for row in rows
        if row.field == "car_trial" and row.values and row.values[0] not in INCLUDED
    }
    return [
        f"{row.place}: {row.trial_id} is taken out by {out[row.trial_id].place}; its {row.field} is not used"
        for row in rows
        if row.trial_id in out and row.field != "car_trial"
    ]


def _form(row: Correction) -> Iterable[str]:
    if row.text_sha256 and not _SHA256.fullmatch(row.text_sha256):
        yield f"{row.place}: text_sha256 {row.text_sha256[:20]!r} is no SHA-256; leave it empty"
    if row.date:
        try:
            datetime.date.fromisoformat(row.date[:10])
        except ValueError:
            yield f"{row.place}: date {row.date!r}; write it like 2026-11-28"
    if row.open and row.field not in SINGLE:
        yield (
            f"{row.place}: {row.trial_id}: confirms {row.field} as it happens to stand; name the values, or "
            "(none), to keep them when the tool changes its mind"
        )


def _judge_ids(rows: Iterable[Correction], known: Collection[str], found: Checked) -> None:
    """Tell the rows of trials that are not `known`."""
    rows = list(rows)
    levels = {r.trial_id: r.values[0] for r in rows if r.field == "car_trial" and r.values}
    for row in rows:
        level = levels.get(row.trial_id)
        if row.trial_id in known or level in INCLUDED:
            continue
        same = next(iter(identities([row.trial_id])), None)
        hint = f"; is {same} meant?" if same in known else ""
        shape = "" if registry_of(row.trial_id) else ", and no registry's number looks like that"
        told = f"not among the records{shape}{hint}"
        if level is None or hint:
            found.faults.append(f"{row.place}: unknown trial_id {row.trial_id!r}: {told}")
        else:
            found.warnings.append(f"{row.place}: {row.trial_id}: {told}; it may be taken out already")
