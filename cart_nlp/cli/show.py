"""`cart-nlp show`: one text or one trial, its record and its evidence."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cart_nlp import console
from cart_nlp.lean import import_spacy, leave_at_once, nothing_to_collect

if TYPE_CHECKING:
    from cart_nlp.schema import Trial

_ID = re.compile(r"(?:NCT\d{8}|ChiCTR[\w-]+|jRCT\w+|ISRCTN\d+|EUCTR[\d-]+|20\d\d-\d{6}-\d\d(?:-\d\d)?)", re.I)


def command(
    text: Annotated[
        str,
        typer.Argument(
            metavar="TEXT|ID", help="Text to tag, or with --file the id of a trial; - reads standard input."
        ),
    ],
    file: Annotated[
        str | None, typer.Option("--file", "-f", help="Dump of any supported registry format that holds ID.")
    ] = None,
    lexicon: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of your own lexicon rows, layered over the shipped ones; repeatable."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
    all_: Annotated[bool, typer.Option("--all", help="Print sections without marks too.")] = False,
    why: Annotated[
        bool,
        typer.Option(
            "--why", help="Print for each value, and each rejected one, what spoke for and against it."
        ),
    ] = False,
) -> None:
    """Tag one text or one trial and print it with its evidence."""
    leave_at_once()
    with nothing_to_collect():
        import_spacy()
    from cart_nlp.lexicon import LexiconError
    from cart_nlp.schema import Trial

    if file is not None:
        trial = _from_file(text.strip(), file)
    else:
        if text == "-":
            text = sys.stdin.buffer.read().decode("utf-8", "replace")
        # Bytes that are no text in the terminal's encoding came in as surrogates; most often they are UTF-8.
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if not text.strip():
            _stop("the text is empty: nothing to tag")
        if _ID.fullmatch(text.strip()):
            _stop(f"{text.strip()} looks like a trial's id: name the dump that holds it with --file")
        trial = Trial(id="text", sections={"text": text})
    try:
        with nothing_to_collect():
            _print(trial, lexicon or [], json, all_, why)
    except LexiconError as fault:
        _stop(str(fault))


def _print(trial: Trial, layers: list[Path], json: bool, everything: bool, why: bool) -> None:
    from cart_nlp.assembly import record
    from cart_nlp.pipeline import load, make_doc
    from cart_nlp.reasons import reasons
    from cart_nlp.terminal import marks, render, render_reasons

    nlp = load(layers)
    doc = nlp(make_doc(nlp, trial))
    found = record(doc, trial)
    told = reasons(nlp, doc) if why else []
    if json:
        content = found.to_json()
        console.put_json({"record": content, "why": [w.to_json() for w in told]} if why else content)
        return
    screen = console.screen()
    render(screen, found, trial.sections.items(), marks(doc, found), everything=everything)
    if why:
        render_reasons(screen, told)


def _from_file(wanted: str, file: str) -> Trial:
    """The trial of that id, or of that secondary id, in a dump."""
    from cart_nlp.batch.provenance import shown_source
    from cart_nlp.registries import read
    from cart_nlp.registries.entry import InputError, Reject, Rejected

    count, broken = 0, ""
    second: Trial | None = None
    try:
        for entry in read(file):
            if isinstance(entry, Reject):
                broken = broken or f"{entry.place}: {entry.reason}"
                continue
            count += 1
            raw = entry.text.encode() if isinstance(entry.text, str) else entry.text
            if wanted.casefold().encode() not in raw.lower() and len(raw) > 0 and not _without_id(raw):
                continue
            try:
                trial = entry.trial()
            except Rejected as fault:
                broken = broken or f"{entry.place}: {fault}"
                continue
            if trial.id.casefold() == wanted.casefold():
                return trial
            if second is None and wanted.casefold() in (other.casefold() for other in trial.secondary_ids):
                second = trial
    except InputError as fault:
        _stop(str(fault))
    if second is not None:
        return second
    more = f"; the first record that could not be read is at {broken}" if broken else ""
    _stop(f"{shown_source(file)}: no trial {wanted!r} among its {count:,} records{more}")


def _without_id(raw: bytes) -> bool:
    """Whether the searched text is of a format whose text leaves the id out (then every record is built)."""
    return not raw.lstrip().startswith((b"{", b"<", b"["))


def _stop(line: str) -> NoReturn:
    console.stop("cart-nlp show", line)
