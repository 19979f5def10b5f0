"""Decisions that cannot both hold: within a file, and under the several ids of one trial."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cart_nlp.curation.decisions import Correction, construct_of


def contradictions(rows: Iterable[Correction]) -> list[str]:
    """A line for each two rows that cannot both hold."""
    groups: dict[tuple[str, str], list[Correction]] = {}
    for row in rows:
        groups.setdefault((row.trial_id, row.field), []).append(row)
    found = [line for group in groups.values() for line in _contradicting(group)]
    for (trial, name), group in groups.items():
        if name != "constructs":
            continue
        targets = groups.get((trial, "targets"), [])
        gone = {value: row for row in targets if row.action == "remove" for value in row.values}
        pins = next((row for row in targets if row.pins), None)
        for row in group:
            if row.action == "remove":
                continue
            for target in (t for value in row.values for t in construct_of(value).targets):
                other = gone.get(target) or (pins if pins and target not in pins.values else None)
                if other is not None:
                    found.append(
                        f"{row.place}: {trial}: a construct has {target}, which {_told(other)} leaves out"
                    )
    return found


def _contradicting(group: Sequence[Correction]) -> Iterable[str]:
    for at, row in enumerate(group):
        for other in group[:at]:
            shared = sorted(set(row.values) & set(other.values))
            actions = {row.action, other.action}
            fault = ""
            if row.pins and other.pins:
                fault = "" if row.values == other.values else f"{_says(row)} here"
            elif row.pins or other.pins:
                whole, part = (row, other) if row.pins else (other, row)
                wrong = shared if part.action == "remove" else sorted(set(part.values) - set(whole.values))
                if wrong:
                    fault = f"{_says(row)} here"
            elif "remove" in actions and actions != {"remove"} and shared:
                fault = f"{row.action} {', '.join(shared)} here"
            if fault:
                what = f"{fault} contradicts {_told(other)}; keep one of them"
                yield f"{row.place}: {row.trial_id} {row.field}: {what}"


def _says(row: Correction) -> str:
    return f"{row.action} {row.value}"


def _told(row: Correction) -> str:
    return f"{row.action} {row.value} of {row.place.rpartition(': ')[2] or 'another row'}"


def rows_of(
    decided: Mapping[str, Sequence[Correction]], ids: Iterable[str]
) -> tuple[list[Correction], dict[Correction, str]]:
    """What counts for a trial of several ids, and the rows that are left out with a line on each.

    All rows count but for those that contradict a row of an id before theirs.
    """
    kept: list[Correction] = []
    left: dict[Correction, str] = {}
    own = ""
    for one in dict.fromkeys(ids):
        own = own or one
        before = [row._replace(trial_id=own) for row in kept]
        for row in decided.get(one, ()):
            lines = contradictions([*before, row._replace(trial_id=own)]) if before else []
            if lines:
                what = f"{one} {row.field} {_says(row)}, one trial with {own}"
                left[row] = f"left out: {what}: {lines[0].removeprefix(': ')}"
            else:
                kept.append(row)
    return kept, left
