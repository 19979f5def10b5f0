"""What must hold for any input whatever; both fuzzers and the tests call it."""

from __future__ import annotations

import contextlib
import importlib.util
from collections import Counter
from collections.abc import Callable
from functools import cache

from cart_nlp.batch.jobs import job, packed, parsed, unpacked
from cart_nlp.registries import Entry, InputError, Rejected
from cart_nlp.registries.containers.feeds import Feed, decompressed
from cart_nlp.registries.reading import read_feed
from cart_nlp.schema import Trial
from cart_nlp.search import CAR, Engine, Needle, Search
from cart_nlp.text import fold_bytes

NOTES: list[str] = []


def check_readers(data: bytes, size: int = 1 << 16) -> Counter[str]:
    """Read an input to its end: only the two named exceptions, one line each, and trials fit to be written.

    Returns how many records were entries, rejects at reading, and rejects at building.
    """
    counts: Counter[str] = Counter()
    held: list[Entry] = []
    feed = Feed("input", iter([data[at : at + size] for at in range(0, len(data), size)]))
    try:
        for each in read_feed(decompressed(feed), None, None, NOTES.append):
            if isinstance(each, Entry):
                assert isinstance(each.text, str | bytes)
                check_screen(each.text)
                held = [*held[-7:], each]
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
    check_passage(held)
    return counts


def check_passage(entries: list[Entry]) -> None:
    """All records of a chunk reach a worker or are refused, whatever the others in it are."""
    jobs = [job(number, entry) for number, entry in enumerate(entries)]
    data, sent, refused = packed(jobs)
    assert sorted([*(each.number for each in sent), *(each.number for each in refused)]) == [
        each.number for each in jobs
    ]
    for each in unpacked(data):
        assert parsed(jobs[each.number]) == parsed(each)


@cache
def _screens() -> list[Callable[[bytes | str], bool]]:
    """The screen of a few words, with each engine that there is."""
    words = [CAR, Needle(b"chimeric", context="cells"), Needle(b"ctl019", left=True, right=True)]
    engines: list[Engine] = ["ahocorasick"]
    if importlib.util.find_spec("hyperscan"):
        engines.append("hyperscan")
    contexts = {"cells": [b"t cell"], "car": [b"cell", b"car-t"]}
    return [Search(words, contexts, engine, fold_bytes).hits for engine in engines]


def check_screen(text: bytes | str) -> None:
    """Both engines say the same of a record, as bytes and as text."""
    forms: list[bytes | str] = [text]
    if isinstance(text, str):
        forms.append(text.encode("utf-8", "surrogatepass"))
    else:
        with contextlib.suppress(UnicodeDecodeError):
            forms.append(text.decode())
    assert len({hits(form) for hits in _screens() for form in forms}) == 1


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
