"""Annotated trials as corrections, and corrections as labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from cart_nlp.curation.correction_files import correction
from cart_nlp.curation.decisions import FIELDS, SINGLE, Correction, text_sha256
from cart_nlp.curation.laying import laid
from cart_nlp.evaluation.exchange.choices import choices_of
from cart_nlp.evaluation.exchange.formats import SHOWN, preannotated
from cart_nlp.evaluation.sections import sections_of
from cart_nlp.schema import INCLUDED, Trial

CORRECTED = "corrected"
"""Begins the source of a label that comes from corrections."""
Pair = tuple[Mapping[str, Any], Mapping[str, Any]]
"""A gold line before and after its annotation."""


def corrections(pairs: Iterable[Pair], by: str, date: str) -> list[Correction]:
    """What annotators changed, a `set` a field; what is known of a product stays beside what they state.

    The targets of a record are those that the text states and those known of its product: a change of either
    label is one of `targets`.
    """
    found = []
    for before, after in pairs:
        out = after["labels"]["car_trial"] not in INCLUDED
        for field in ("car_trial",) if out else FIELDS:
            if not _changed(before, after, field):
                continue
            values = dict.fromkeys(
                [*choices_of(after["labels"]).get(field, ()), *_known(before, after, field)]
            )
            found.append(
                correction(
                    {
                        "trial_id": after["id"],
                        "field": field,
                        "action": "set",
                        "value": "; ".join(values) or "(none)",
                        "text_sha256": before.get("text_sha256") or text_sha256(sections_of(before["trial"])),
                        "by": by,
                        "date": date,
                        "note": after["labels"].get("note") or "",
                    },
                    f"{after['id']} {field}",
                )
            )
    return found


def _changed(before: Mapping[str, Any], after: Mapping[str, Any], field: str) -> bool:
    old, new = choices_of(before["labels"]), choices_of(after["labels"])
    names = (field, "product_targets") if field == "targets" else (field,)
    return any(sorted(old.get(name, ())) != sorted(new.get(name, ())) for name in names)


def _known(before: Mapping[str, Any], after: Mapping[str, Any], field: str) -> list[str]:
    """Values of a field that are known of the product: of targets as annotated, else as the tool has them."""
    if field == "targets":
        return list(after["labels"].get("product_targets") or ())
    return [] if field in SINGLE else list(map(str, before.get("product_knowledge", {}).get(field, ())))


def not_corrections(pairs: Iterable[Pair]) -> list[str]:
    """What annotators changed that no correction can say, a line for each kind of it."""
    kinds: dict[str, list[str]] = {"mentions": [], "uncertain": []}
    for before, after in pairs:
        if (before.get("mentions") or []) != (after.get("mentions") or []):
            kinds["mentions"].append(after["id"])
        if _changed(before, after, "uncertain"):
            kinds["uncertain"].append(after["id"])
    no_field = "corrections have no such field; import them --as gold to keep that"
    return [
        f"{name} of {len(ids):,} trials changed ({', '.join(ids[:SHOWN])}{more}): {no_field}"
        for name, ids in kinds.items()
        if ids
        for more in [" …" if len(ids) > SHOWN else ""]
    ]


def label_lines(
    rows: Sequence[Correction], trials: Mapping[str, Trial], lexicons: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """Gold lines of the decided trials whose text is at hand (by id), tagged and corrected."""
    from pathlib import Path

    from cart_nlp.assembly import record
    from cart_nlp.evaluation.predictions import mentions_of, pipeline
    from cart_nlp.pipeline import make_doc, tag_trial

    nlp = pipeline(tuple(map(Path, lexicons)))
    records, mentions = [], {}
    for one in dict.fromkeys(row.trial_id for row in rows if row.trial_id in trials):
        doc = nlp(make_doc(nlp, trials[one]))
        records.append(record(doc, trials[one]))
        mentions[one] = mentions_of(doc)
    corrected = laid(records, rows, lexicons, trials, partial(tag_trial, nlp))
    lines = [preannotated(trials[r.trial_id], r, mentions[r.trial_id]) for r in corrected]
    return labeled(lines, rows)


def labeled(lines: Iterable[Mapping[str, Any]], rows: Sequence[Correction]) -> list[dict[str, Any]]:
    """Gold lines of the trials that a curator has decided on, for training and scoring.

    `lines` hold the records after the corrections (`formats.preannotated`). A field that is not settled is
    marked uncertain, which leaves it out of scoring and training: only what a person said is a label.
    """
    settled: dict[str, set[str]] = {}
    for row in rows:
        held = settled.setdefault(row.trial_id, set())
        if row.pins:
            held.add(row.field)
    by_trial: dict[str, list[Correction]] = {}
    for row in rows:
        by_trial.setdefault(row.trial_id, []).append(row)
    found = []
    for line in lines:
        if line["id"] not in by_trial:
            continue
        labels = dict(line["labels"])
        whole = settled[line["id"]] | _covered(labels, by_trial[line["id"]])
        labels["uncertain"] = [field for field in _MARKED if field not in whole]
        names = sorted({row.by for row in by_trial[line["id"]] if row.by})
        source = f"{CORRECTED} by {' + '.join(names)}" if names else CORRECTED
        found.append({**line, "labels": labels, "source": source})
    return found


_MARKED = tuple(field for field in FIELDS if field != "disease_markers")
"""Fields that a gold line can mark as uncertain."""


def _covered(labels: Mapping[str, Any], rows: Iterable[Correction]) -> set[str]:
    """Fields each of whose values a curator has given or confirmed."""
    given: dict[str, set[str]] = {}
    for row in rows:
        if row.action != "remove":
            given.setdefault(row.field, set()).update(row.values)
        if row.open:
            given.setdefault(row.field, set()).update(choices_of(labels).get(row.field, ()))
    shown = choices_of(labels)
    return {field for field, values in given.items() if values and set(shown.get(field, ())) <= values}
