"""The page on which a curator decides: the queue's items, their fields, doubts, evidence and text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from cart_nlp import __version__
from cart_nlp.curation.decisions import FIELDS, SINGLE, Correction, text_sha256, values_of
from cart_nlp.curation.known_values import CLOSED, lists, names
from cart_nlp.curation.queue import Item, Queue
from cart_nlp.curation.why_doubted import told
from cart_nlp.pages import Strings, embed, render, web
from cart_nlp.schema import Evidence, Format, Mention, Trial
from cart_nlp.viewer import units


def page(
    found: Queue,
    items: Sequence[Item],
    trials: Mapping[str, Trial],
    marks: Mapping[str, Sequence[Mention]],
    corrections: Sequence[Correction] = (),
    lexicons: tuple[str, ...] = (),
) -> str:
    """The page of some items of a queue, in their order.

    `trials` and `marks` are their texts and mentions, where these are at hand. With `corrections` the page
    goes on where they end; those on trials that it does not show are kept as they are.
    """
    strings = Strings()
    shown = {item.record.trial_id for item in items}
    data = {
        "fields": list(FIELDS),
        "single": list(SINGLE),
        "closed": sorted(CLOSED),
        "formats": list(get_args(Format)),
        "known": lists(names(lexicons)),
        "key": _key(items),
        "calibrated": found.calibrated,
        "trials": [
            _trial(item, trials.get(item.record.trial_id), marks.get(item.record.trial_id, ()), strings)
            for item in items
        ],
        "rows": [row.cells() for row in corrections if row.trial_id in shown],
        "others": [row.cells() for row in corrections if row.trial_id not in shown],
    }
    data["strings"] = strings.pool()
    return render(
        "review",
        version=__version__,
        count=len(items),
        calibrated=found.calibrated,
        data=embed(data),
    )


def _key(items: Sequence[Item]) -> str:
    """By which a browser knows the page again: its trials and what the tool says of them."""
    found = hashlib.sha256()
    for item in sorted(items, key=lambda item: item.record.trial_id):
        found.update(item.record.trial_id.encode("utf-8", "replace"))
        for field in FIELDS:
            found.update("\x1f".join((field, *values_of(item.record, field))).encode("utf-8", "replace"))
    return found.hexdigest()[:24]


def _evidence(entry: Evidence, text: str, strings: Strings) -> list[int]:
    """An entry as the page holds it: its words by number, and their place if they stand there."""
    stands = entry.end > entry.start and entry.basis in ("text", "curator")
    fits = stands and text[entry.start : entry.end] == entry.text != ""
    place = [units(text, entry.start), units(text, entry.end)] if fits else [-1, -1]
    who = " ".join(filter(None, (entry.by, entry.date, entry.note and f"“{entry.note}”")))
    said = (entry.field, entry.value, entry.basis, entry.section, entry.text, entry.rule, who, entry.replaced)
    return [*map(strings.number, said), *place]


def _spans(marks: Sequence[Mention], sections: Mapping[str, str], strings: Strings) -> Iterator[list[int]]:
    """The mentions of antigens whose role is known, with their places."""
    for one in marks:
        if one.label in ("antigen", "ligand") and one.role and one.section in sections:
            text = sections[one.section]
            words = (one.section, one.concept, one.role.replace("_", " "))
            yield [*map(strings.number, words), units(text, one.start), units(text, one.end)]


def _trial(item: Item, trial: Trial | None, marks: Sequence[Mention], strings: Strings) -> dict[str, Any]:
    record = item.record
    doubts = {doubt.field: doubt for doubt in item.doubts}
    sections = trial.sections if trial else {}
    evidence = [_evidence(e, sections.get(e.section, ""), strings) for e in record.evidence]
    spans = list(_spans(marks, sections, strings))
    return {
        "i": record.trial_id,
        "t": record.title,
        "u": web(record.url),
        "x": round(item.error, 4),
        "d": told(record),
        "f": [[strings.number(value) for value in values_of(record, field)] for field in FIELDS],
        "c": [record.confidence.get(field) for field in FIELDS],
        "p": [round(doubts[field].error, 4) if field in doubts else 0 for field in FIELDS],
        "w": [list(doubts[field].reasons) if field in doubts else [] for field in FIELDS],
        "e": evidence,
        "m": spans,
        "s": [[strings.number(name), text] for name, text in sections.items() if text],
        "h": text_sha256(sections) if trial else "",
    }
