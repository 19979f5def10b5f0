"""What to read first: records by the chance that something in them is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from cart_nlp.curation.applying import STALE
from cart_nlp.curation.decisions import FIELDS, values_of
from cart_nlp.curation.why_doubted import Reason, reasons
from cart_nlp.schema import INCLUDED, Mention, Record

STALE_ERROR = 0.5
"""The least chance of an error under a stale correction: nobody has measured it, so it is a coin's."""
RESTS_ON = {"constructs": "targets", "focus": "car_trial"}
"""Field -> the one with which it is wrong, whatever else may be wrong with it."""
SHOWN = 0.02
"""The least chance of an error with which a field is named."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A field of a record, the chance that it is wrong as it stands, and why."""

    field: str
    error: float
    reasons: tuple[str, ...] = ()

    def line(self) -> str:
        """`targets 31 % (default format)`."""
        why = f" ({'; '.join(self.reasons)})" if self.reasons else ""
        return f"{self.field} {100 * self.error:.0f} %{why}"


@dataclass(frozen=True, slots=True)
class Item:
    """A record in the queue, the chance that one of its fields is wrong, and its doubts, largest first."""

    record: Record
    error: float
    doubts: tuple[Doubt, ...]

    def line(self) -> str:
        """The doubts that are worth naming, at least the first."""
        worth = [doubt for doubt in self.doubts if doubt.error >= SHOWN or doubt.reasons]
        return ", ".join(doubt.line() for doubt in worth or self.doubts[:1])


@dataclass(frozen=True, slots=True)
class Queue:
    """Items in the order of reading, of `total` records; `settled` and `screened` ones need none.

    Only `calibrated` chances add up. `screened`: those that the text screen let go, whose text nobody tagged.
    """

    items: tuple[Item, ...]
    settled: int
    calibrated: bool
    total: int
    screened: int = 0

    def needed(self, share: float, field: str | None = None) -> int:
        """How many to read and put right so that this share of all tagged records is expected to be right.

        With `field`, right in this field. A record that is read counts as right. Nothing is expected of those
        that the text screen let go.
        """
        errors = [_error_of(item, field) for item in self.items]
        allowed = (1 - share) * (self.total - self.screened)
        left = math.fsum(errors)
        for read, error in enumerate(errors):
            if left <= allowed + 1e-9:
                return read
            left -= error
        return len(errors)

    def expected(self, read: int = 0) -> float:
        """How many records with an error are expected among those that are not read."""
        return math.fsum(item.error for item in self.items[read:])


def _error_of(item: Item, field: str | None) -> float:
    return item.error if field is None else error_of(item.record, field)


def queue(
    records: Iterable[Record],
    fields: Sequence[str] = FIELDS,
    mentions: Callable[[Record], Sequence[Mention] | None] = lambda record: None,
    *,
    everything: bool = False,
) -> Queue:
    """The queue over some fields; `mentions` gives those of a record's text, where it is at hand.

    With `everything` the settled records stand at its end.
    """
    items, settled, calibrated, total, screened = [], 0, True, 0, 0
    for record in records:
        total += 1
        let_go = record.car_trial == "no" and not record.confidence and not record.evidence
        screened += let_go
        calibrated &= let_go or bool(record.confidence.keys() & set(fields))
        chances = chances_of(record, fields)
        error = error_among(record, fields)
        if error <= 0:
            settled += not let_go
            if not everything:
                continue
        why = _by_field(reasons(record, mentions(record)))
        doubts = [Doubt(name, chance, why.get(name, ())) for name, chance in chances.items() if chance > 0]
        doubts.sort(key=lambda doubt: (-doubt.error, FIELDS.index(doubt.field)))
        items.append(Item(record, error, tuple(doubts)))
    items.sort(key=lambda item: (-item.error, item.record.trial_id))
    return Queue(tuple(items), settled, calibrated, total, screened)


def chances_of(record: Record, fields: Sequence[str] = FIELDS) -> dict[str, float]:
    """Field -> the chance that it is wrong, of the fields that a record speaks of at all.

    Whether the trial belongs in is the doubt on car_trial; on the others, where that is not among the fields.
    """
    if "car_trial" not in fields:
        return {name: error_of(record, name) for name in fields}
    return {name: _own_error(record, name) for name in fields if _asked(record, name)}


def error_among(record: Record, fields: Collection[str] = FIELDS) -> float:
    """The chance that any of some fields is wrong."""
    own = {name: _own_error(record, name) for name in fields if _asked(record, name)}
    apart = 0.0 if "car_trial" in fields else max((_misplaced(record, name) for name in fields), default=0.0)
    return 1 - (1 - apart) * (1 - together(own))


def together(chances: Mapping[str, float]) -> float:
    """The chance that one of several fields is wrong, each given by its own.

    Of the doubt on a field that rests on another one only what goes beyond that one's counts again.
    """
    right = 1.0
    for name, chance in chances.items():
        before = 1 - chances.get(RESTS_ON.get(name, ""), 0.0)
        right *= min(1.0, (1 - chance) / before) if before else 1.0
    return 1 - right


def error_of(record: Record, field: str) -> float:
    """The chance that a field is wrong: as it stands, or with a trial that is wrongly in or left out."""
    own = _own_error(record, field) if _asked(record, field) else 0.0
    return 1 - (1 - _misplaced(record, field)) * (1 - own)


def _misplaced(record: Record, field: str) -> float:
    """The chance that a field is wrong because its trial belongs in and was left out, or the other way round.

    The confidence of the focus tells it already. What a curator has decided stands.
    """
    decided = any(e.field == field and e.basis == "curator" for e in record.evidence)
    if field == "car_trial" or decided or not record.confidence:
        return 0.0
    sure = record.confidence.get("car_trial", 0.0)
    if record.car_trial not in INCLUDED:
        return min(record.car_score, 1 - sure)
    return 1 - max(record.car_score, sure) if field != "focus" and values_of(record, field) else 0.0


def _own_error(record: Record, field: str) -> float:
    """The chance that a field is wrong in a trial that is rightly in: by its confidence, else by its scores.

    Scores are no calibrated chances: they order, and no more.
    """
    known = record.confidence.get(field)
    if known is not None:
        error = 1.0 - known
    elif record.confidence:
        error = 0.0  # a field that is not judged
    else:
        error = _by_score(record, field)
    stale = any(e.field == field and e.basis == "curator" and e.rule.endswith(STALE) for e in record.evidence)
    return max(error, STALE_ERROR) if stale else error


def _asked(record: Record, field: str) -> bool:
    """A trial that is not included says nothing but that."""
    return field == "car_trial" or record.car_trial in INCLUDED


def _by_score(record: Record, field: str) -> float:
    if field == "car_trial":
        return min(record.car_score, 1 - record.car_score)
    best: dict[str, float] = {}
    for entry in record.evidence:
        if entry.field == field:
            best[entry.value] = max(best.get(entry.value, 0.0), entry.score)
    if field == "constructs":
        return 0.2 if any(c.basis == "default" and len(c.targets) > 1 for c in record.constructs) else 0.0
    if field == "targets" and not record.targets:
        return 0.5 if record.car_trial == "product" else 0.0
    return max((1 - best.get(value, 0.0) for value in values_of(record, field)), default=0.0)


def _by_field(found: Iterable[Reason]) -> Mapping[str, tuple[str, ...]]:
    groups: dict[str, list[str]] = {}
    for reason in found:
        groups.setdefault(reason.field, []).append(reason.text)
    return {name: tuple(texts) for name, texts in groups.items()}


def share_found(errors: Sequence[tuple[float, bool]], read: float) -> float | None:
    """Which share of the wrong ones is among the share `read` that is least sure; None without a wrong one.

    Ties at the border count by their expectation, so that the order of a file does not matter.
    """
    wrong = sum(is_wrong for _, is_wrong in errors)
    if not wrong:
        return None
    left = read * len(errors)
    found = 0.0
    for chance in sorted({chance for chance, _ in errors}, reverse=True):
        tied = [is_wrong for error, is_wrong in errors if error == chance]
        taken = min(1.0, left / len(tied))
        found += taken * sum(tied)
        left -= taken * len(tied)
        if left <= 0:
            break
    return found / wrong
