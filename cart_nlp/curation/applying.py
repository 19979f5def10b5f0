"""Lay a curator's decisions over a record: values, evidence, confidence, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from cart_nlp.curation.decisions import (
    FIELDS,
    JOINT,
    SINGLE,
    Correction,
    construct_of,
    shown,
    text_sha256,
    values_of,
)
from cart_nlp.curation.known_values import Names
from cart_nlp.schema import INCLUDED, Construct, Evidence, Record, Trial

STALE = ":stale"
"""Ends the rule of evidence whose decision was made on another text of the trial."""
_ONE_PRODUCT = ("tandem", "bicistronic", "bispecific")


def is_stale(correction: Correction, sections: Mapping[str, str] | None) -> bool:
    """Whether a decision was made on another text; without a fingerprint, or a text, nobody can tell.

    A trial that was merged from several registrations has their sections under a prefix: a decision made on
    its own sections, or on those of one registration, holds as well.
    """
    if not correction.text_sha256 or sections is None:
        return False
    views = [sections]
    prefixes = sorted({key.partition("/")[0] for key in sections if "/" in key})
    if prefixes:
        views.append({key: text for key, text in sections.items() if "/" not in key})
    for prefix in prefixes:
        start = f"{prefix}/"
        views.append({k.removeprefix(start): text for k, text in sections.items() if k.startswith(start)})
    return correction.text_sha256 not in map(text_sha256, views)


Read = Callable[[Trial, str], Record]
"""Tags a trial as one whose car_trial is known."""


def level_put_in(record: Record, corrections: Iterable[Correction]) -> str:
    """The car_trial with which a curator puts in a trial that the tool leaves out; empty for any other."""
    pins = (each for each in corrections if each.field == "car_trial" and each.pins)
    level = next((value for each in pins for value in each.values), "")
    return level if record.car_trial not in INCLUDED and level in INCLUDED else ""


def put_in(record: Record, corrections: Sequence[Correction], trial: Trial, read: Read) -> Record:
    """The record with what the tool finds in a trial that it leaves out and a curator puts in.

    Its car_trial is still the tool's own: `apply` replaces it.
    """
    level = level_put_in(record, corrections)
    return read(trial, level).model_copy(update={"car_trial": record.car_trial}) if level else record


def apply(
    record: Record,
    corrections: Sequence[Correction],
    known: Names,
    sections: Mapping[str, str] | None = None,
) -> Record:
    """The record as the curator has it; the same record if every decision is in it already.

    `sections` is the trial's text, by which a decision is told to be stale: it holds none the less.
    """
    work = _Work(record, known, sections)
    given: dict[str, list[Correction]] = {}
    for correction in corrections:
        given.setdefault(correction.field, []).append(correction)
    for field in FIELDS:
        if field == "targets":
            given.setdefault(field, []).extend(_implied(given, record))
        fresh = [each for each in given.get(field, ()) if not work.holds(each)]
        if fresh:
            work.decide(field, fresh)
    return work.record() if work.touched else record


def _implied(given: Mapping[str, Sequence[Correction]], record: Record) -> list[Correction]:
    """What a decision on constructs says of the targets, where these are not set by themselves."""
    rows = [each for each in given.get("constructs", ()) if each.values and each.action != "remove"]
    if not rows or any(each.pins for each in given.get("targets", ())):
        return []
    last = rows[-1]
    targets = tuple(sorted({t for row in rows for value in row.values for t in construct_of(value).targets}))
    if any(row.action == "set" for row in rows) and not given.get("targets"):
        if set(targets) == set(record.targets):
            return []
        return [last._replace(field="targets", action="set", values=targets)]
    missing = tuple(target for target in targets if target not in record.targets)
    return [last._replace(field="targets", action="add", values=missing)] if missing else []


class _Work:
    """A record under correction."""

    def __init__(self, record: Record, known: Names, sections: Mapping[str, str] | None) -> None:
        self._record = record
        self._known = known
        self._sections = sections
        self._values = {field: values_of(record, field) for field in FIELDS}
        self._constructs = {shown(each): each for each in record.constructs}
        self._evidence = list(record.evidence)
        self._confidence = dict(record.confidence)
        self._removed: set[str] = set()
        self.touched: set[str] = set()

    def holds(self, correction: Correction) -> bool:
        """Whether the record carries this very decision already."""
        rule = f"curator:{correction.action}"
        mine = [
            entry
            for entry in self._record.evidence
            if entry.basis == "curator"
            and entry.field == correction.field
            and entry.rule.removesuffix(STALE) == rule
            and (entry.by, entry.date, entry.note) == (correction.by, correction.date, correction.note)
        ]
        if correction.open:
            return bool(mine)
        if correction.action == "remove":
            return bool(mine) and set(correction.values).isdisjoint(self._values[correction.field])
        asked, held = set(correction.values or ("",)), {entry.value for entry in mine}
        return bool(mine) and (asked == held if correction.pins else asked <= held)

    def decide(self, field: str, corrections: Sequence[Correction]) -> None:
        """Give a field the values that the decisions leave it, with their evidence and confidence."""
        self.touched.add(field)
        if field == "constructs":
            self._removed = _of(corrections, "remove")
        before = self._values[field]
        pinned = [each for each in corrections if each.pins]
        after = _left(before, corrections, pinned)
        self._values[field] = tuple(sorted(after))
        dropped = [value for value in before if value not in after]
        places = {entry.value: entry for entry in reversed(self._evidence) if entry.field == field}
        kept = [e for e in self._evidence if e.field != field or e.value in after]
        entries = [one for each in corrections for one in self._entries(each, before, dropped, places)]
        self._evidence = _placed(kept, field, entries)
        backed = {entry.value for entry in entries}
        if pinned or any(each.open for each in corrections) or (after and after <= backed):
            self._confidence[field] = 1.0

    def _entries(
        self,
        correction: Correction,
        before: Sequence[str],
        dropped: Sequence[str],
        places: Mapping[str, Evidence],
    ) -> list[Evidence]:
        """Evidence of a decision: an entry for each value that it gives, or one for what it takes away."""
        stale = STALE if is_stale(correction, self._sections) else ""
        said = {
            "field": correction.field,
            "basis": "curator",
            "rule": f"curator:{correction.action}{stale}",
            "by": correction.by,
            "date": correction.date,
            "note": correction.note,
        }
        if correction.action == "remove":
            gone = [value for value in before if value in correction.values]
            replaced = JOINT.join(gone or correction.values)
            return [
                Evidence.model_validate({**said, "value": "", "replaced": replaced, **_where(places, gone)})
            ]
        values = before if correction.open else correction.values
        changed = correction.action == "set" or (correction.pins and dropped)
        replaced = JOINT.join(before) if changed and set(before) != set(values) else ""
        if not values:
            return [
                Evidence.model_validate(
                    {**said, "value": "", "replaced": replaced, **_where(places, dropped)}
                )
            ]
        return [
            Evidence.model_validate({**said, "value": value, "replaced": replaced, **_where(places, [value])})
            for value in values
        ]

    def record(self) -> Record:
        """The corrected record, with what follows from its values."""
        if self._values["car_trial"][0] not in INCLUDED:
            self._clear()
        self._agree()
        update: dict[str, Any] = {
            field: (values[0] if values else None) if field in SINGLE else values
            for field, values in self._values.items()
            if field != "constructs"
        }
        update["generation"] = tuple(int(value) for value in update["generation"])
        targets = self._values["targets"]
        if targets != self._record.targets:
            update["target_ids"] = self._known.target_ids(targets)
        indications = self._values["indications"]
        if indications != self._record.indications:
            update["indication_ids"] = self._known.ontology.ids_of(indications)
        update |= {
            "multi_target": len(targets) > 1,
            "constructs": tuple(sorted(self._completed(), key=_order)),
            "confidence": self._confidence,
            "evidence": tuple(self._evidence),
        }
        return Record.model_validate(self._record.model_dump() | _dumped(update))

    def _construct(self, text: str) -> Construct:
        known = self._constructs.get(text)
        if known is None:
            known = construct_of(text)
        return known.model_copy(update={"basis": "curator"}) if text in self._decided() else known

    def _completed(self) -> list[Construct]:
        """The constructs with the products and costimulation of the fields, where these may have changed.

        As the tool has it, the only construct has all costimulation, and each the products that bind just
        its targets; what the fields no longer have leaves every construct.
        """
        found = [self._construct(text) for text in self._values["constructs"]]
        if self.touched.isdisjoint(("targets", "constructs", "costim", "products")):
            return found
        costim, products = (self._values[name] for name in ("costim", "products"))
        binds = {one: self._known.product_targets(one) or None for one in products}
        return [
            each.model_copy(
                update={
                    "costim": tuple(v for v in costim if len(found) == 1 or v in each.costim),
                    "products": tuple(v for v in products if v in each.products or binds[v] == each.targets),
                }
            )
            for each in found
        ]

    def _decided(self) -> set[str]:
        """The constructs that a curator has given or confirmed."""
        mine = (e for e in self._evidence if e.basis == "curator" and e.field == "constructs")
        return {entry.value for entry in mine}

    def _clear(self) -> None:
        """A trial that is not included says nothing of a product."""
        for field in FIELDS[1:]:
            self._values[field] = ()
        sure = {name: share for name, share in self._confidence.items() if name == "car_trial"}
        self._confidence = {**self._record.confidence, **sure}
        self._evidence = [entry for entry in self._evidence if entry.field == "car_trial"]

    def _agree(self) -> None:
        """Constructs that the curator has not given follow the targets that he has.

        A target that was taken away leaves its constructs; one that was added and is in no construct makes
        the field wrong as it stands, unless it is the only one: then it is a construct by itself.
        """
        if "targets" not in self.touched:
            return
        targets = set(self._values["targets"])
        found = self._following(targets)
        if not found and len(targets) == 1 and "constructs" not in self.touched:
            alone = Construct(targets=tuple(targets), format="single", basis="default")
            found[shown(alone)] = alone
        self._tell(tuple(found))
        self._constructs, self._values["constructs"] = found, tuple(found)
        covered = {target for construct in found.values() for target in construct.targets}
        if targets - covered and "constructs" not in self.touched:
            self._confidence["constructs"] = 0.0

    def _following(self, targets: set[str]) -> dict[str, Construct]:
        """The constructs that some targets leave, by their text: those of a curator as they are."""
        found: dict[str, Construct] = {}
        decided = self._decided()
        for text in self._values["constructs"]:
            construct = self._constructs.get(text) or construct_of(text)
            if text in decided:
                found[text] = construct
                continue
            left = tuple(target for target in construct.targets if target in targets)
            if left != construct.targets and left:
                construct = _narrowed(construct, left)
            if left and shown(construct) not in self._removed:
                found.setdefault(shown(construct), construct)
        return found

    def _tell(self, texts: Sequence[str]) -> None:
        """Take the evidence of constructs that are gone away, and give new ones theirs."""
        if set(texts) == set(self._values["constructs"]):
            return
        mine = ("", *texts)  # without a value: what a curator took away
        kept = [e for e in self._evidence if e.field != "constructs" or e.value in mine]
        new = [
            Evidence(field="constructs", value=text, basis="default", rule="curator:targets")
            for text in texts
            if text not in self._values["constructs"]
        ]
        self._evidence = _placed(kept, "constructs", new)


def _of(corrections: Iterable[Correction], action: str) -> set[str]:
    """The values of the decisions of one action."""
    return {value for each in corrections if each.action == action for value in each.values}


def _left(before: Iterable[str], corrections: Sequence[Correction], pinned: Sequence[Correction]) -> set[str]:
    """The values that decisions leave: those of decisions that say all, else what was, more and less."""
    if pinned:
        return {value for each in pinned for value in each.values}
    given = {value for each in corrections if each.action != "remove" for value in each.values}
    return {*before, *given} - _of(corrections, "remove")


def _narrowed(construct: Construct, left: tuple[str, ...]) -> Construct:
    """A construct with fewer targets."""
    single = len(left) == 1 and construct.format in _ONE_PRODUCT
    form = "single" if single else construct.format
    return construct.model_copy(update={"targets": left, "format": form, "basis": "default"})


def _order(construct: Construct) -> tuple[tuple[str, ...], str]:
    return construct.targets, construct.format


def _where(places: Mapping[str, Evidence], values: Sequence[str]) -> dict[str, Any]:
    """Where the words stand that the first of some values was read from."""
    for value in values:
        entry = places.get(value)
        if entry is not None and entry.text:
            return {name: getattr(entry, name) for name in ("section", "start", "end", "text")}
    return {}


def _placed(evidence: list[Evidence], field: str, entries: Sequence[Evidence]) -> list[Evidence]:
    """Evidence with entries of a field put after its others, or before the next field's."""
    order = {name: at for at, name in enumerate(FIELDS)}
    at = max((n + 1 for n, entry in enumerate(evidence) if entry.field == field), default=None)
    if at is None:
        mine = order[field]
        later = (n for n, e in enumerate(evidence) if order.get(e.field, len(order)) > mine)
        at = next(later, len(evidence))
    return [*evidence[:at], *entries, *evidence[at:]]


def _dumped(values: Mapping[str, Any]) -> dict[str, Any]:
    """Models inside as plain values, so that the record is checked as a whole."""
    return {
        name: tuple(each.model_dump() for each in value) if name in ("constructs", "evidence") else value
        for name, value in values.items()
    }
