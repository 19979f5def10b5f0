"""What must hold for any input whatever; both fuzzers and the tests call it."""

from __future__ import annotations

from collections import Counter

from cart_nlp.registries import Entry, InputError, Rejected
from cart_nlp.registries.reading import read_feed
from cart_nlp.registries.sources import Feed, decompressed
from cart_nlp.schema import Trial

NOTES: list[str] = []


def check_readers(data: bytes, size: int = 1 << 16) -> Counter[str]:
    """Read an input to its end: only the two named exceptions, one line each, and trials fit to be written.

    Returns how many records were entries, rejects at reading, and rejects at building.
    """
    counts: Counter[str] = Counter()
    feed = Feed("input", iter([data[at : at + size] for at in range(0, len(data), size)]))
    try:
        for each in read_feed(decompressed(feed), None, None, NOTES.append):
            if isinstance(each, Entry):
                assert isinstance(each.text, str | bytes)
                try:
                    check_trial(each.trial())
                    counts["trials"] += 1
                except Rejected as reason:
                    check_line(str(reason))
                    counts["rejected late"] += 1
            else:
                check_line(each.reason)
                check_line(each.source + each.place)
                counts["rejected"] += 1
    except InputError as error:
        check_line(str(error))
        counts["refused"] += 1
    NOTES.clear()
    return counts


def check_line(said: str) -> None:
    """A message is one line that can be printed."""
    assert said
    assert "\n" not in said
    assert len(said) < 2000
    said.encode("utf-8")


def check_trial(trial: Trial) -> None:
    """A trial has an id, its texts can be written, and it survives being written."""
    assert trial.id.isprintable()
    assert all(trial.sections.values())
    assert Trial.model_validate_json(trial.model_dump_json()) == trial
