"""What an earlier run of the same output has left, and whether it spares this one the work."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from cart_nlp import shallow
from cart_nlp.batch.jobs import without_surrogates
from cart_nlp.batch.journal import Journal
from cart_nlp.batch.options import Summary
from cart_nlp.batch.provenance import Hashing
from cart_nlp.batch.target import Target
from cart_nlp.writers import STORES

UNGUARDED = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz", ".parquet", *STORES)
"""Suffixes of the outputs in which the formula guard does not show."""


def notes(journal: Journal, resume: bool) -> list[str]:
    """What the user should know about an earlier run that was not finished."""
    if journal.found and not resume:
        return ["an earlier run was not finished; started over (--resume would have continued it)"]
    if resume and journal.last >= 0:
        tagged = len(journal) - journal.counts["screened"]
        return [f"resumed: {tagged:,} tagged records were kept from the earlier run"]
    return []


def finished(target: Target, header: dict[str, Any], guard: bool, rejects: bool) -> dict[str, Any] | None:
    """What an equal run said that was completed and whose files are still what it wrote, or None.

    With `rejects` there has to be a file of them, as one is asked for by name.
    """
    before = _earlier(target)
    if before is None or before.get("key") != tagger_key(header) or before.get("prints") != header["inputs"]:
        return None
    if before.get("corrections") != header["corrections"]:
        return None
    if target.suffix not in UNGUARDED and before["options"].get("formula_guard") != guard:
        return None
    if before["options"].get("screened") != header["options"]["screened"]:
        return None
    if not _lists_stand(target, before, header, rejects):
        return None
    if target.suffix in STORES:
        return before if _session(target) == before.get("session") else None
    written = hashes((target.out, *target.beside, target.rejects, target.screened))
    return before if before.get("outputs") == written else None


def summary(before: dict[str, Any], target: Target) -> Summary:
    """The summary of a run that was completed before."""
    rest = dict(before["counts"])
    counts = {name: rest.pop(name) for name in Summary().counts() if name in rest}
    found = Summary(**counts, store=rest, already=True, files=[target.shown(target.out)])
    found.corrections = before.get("corrected", {})
    return found


def _earlier(target: Target) -> dict[str, Any] | None:
    """What the last run said of itself, where that can be read."""
    try:
        before = shallow.json_of(target.run.read_bytes(), orjson.loads)
    except (OSError, ValueError):
        return None
    if not isinstance(before, dict) or not isinstance(before.get("options"), dict):
        return None
    counts = before.get("counts")
    whole = isinstance(counts, dict) and all(isinstance(count, int) for count in counts.values())
    return before if whole else None


def _session(target: Target) -> str | None:
    """The run that brought a store to its present state."""
    if not target.out.is_file():
        return None
    from cart_nlp.batch.store import Store

    return Store(target.out, "").session


def hashes(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Name, bytes and hash of the files that are there."""
    found = []
    for path in paths:
        if path.is_file():
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                found.append({"name": without_surrogates(path.name), "bytes": file.tell(), "sha256": digest})
    return found


def unchanged(
    target: Target, header: dict[str, Any], hashing: Hashing, rejects: bool
) -> dict[str, Any] | None:
    """What the last run said of itself, if this one would read the same bytes with the same tagger.

    Only a whole run counts that saw all that the store holds, with its lists, naming these files. With
    `rejects` there has to be a file of them.
    """
    before = _earlier(target)
    if before is None or not _by_the_same(before, header):
        return None
    if not _lists_stand(target, before, header, rejects):
        return None
    try:
        paths, sizes, known = (
            [source[name] for source in before["inputs"]] for name in ("path", "bytes", "sha256")
        )
        rejected = before["counts"]["rejected"] > 0
        kept = before["counts"]["stored"] != before["counts"]["written"]
    except (KeyError, TypeError):
        return None
    if kept or None in known:
        return None
    if rejected and paths != _told(header, "path"):
        return None
    if sizes != _told(header, "bytes"):
        return None
    return before if known == [source["sha256"] for source in hashing.result()] else None


def _by_the_same(before: dict[str, Any], header: dict[str, Any]) -> bool:
    """Whether a run was a whole one, with the tagger, the decisions and the list of another."""
    return (
        before.get("key") == tagger_key(header)
        and not before.get("faults")
        and "session" in before
        and before.get("corrections") == header["corrections"]
        and before["options"].get("screened") == header["options"]["screened"]
    )


def _told(header: dict[str, Any], name: str) -> list[Any]:
    """What a header tells of each input; None of what is no file."""
    return [source and source[name] for source in header["inputs"]]


def _lists_stand(target: Target, before: dict[str, Any], header: dict[str, Any], rejects: bool) -> bool:
    """Whether the lists that a run would write are there, as the last one has written them, and no others."""
    needed = {
        target.rejects: rejects or before["counts"].get("rejected", 0) > 0,
        target.screened: header["options"]["screened"] or before["counts"].get("below", 0) > 0,
    }
    outputs = before.get("outputs")
    if not isinstance(outputs, list):
        return False
    for path, wanted in needed.items():
        name = without_surrogates(path.name)
        told = [one for one in outputs if isinstance(one, dict) and one.get("name") == name]
        if bool(told) != wanted or told != hashes((path,)):
            return False
    return True


def tagger_key(header: dict[str, Any]) -> str:
    """Hash of what a value depends on besides the trial's text: versions, lexicons and options."""
    options = {**header["options"], "store": None}
    options.pop("screened", None)
    parts = {name: header[name] for name in ("version", "lexicons", "model")} | {"options": options}
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()
