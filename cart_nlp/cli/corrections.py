"""`cart-nlp corrections`: options and printing; the work is in cart_nlp.curation."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cart_nlp import console
from cart_nlp.cli._commands import CORRECTIONS, RECORDS

if TYPE_CHECKING:
    from cart_nlp.curation.merging import Merged

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Check a curator's corrections, and lay those of two curators together.",
)
_LEXICON = typer.Option(help="Folder of your own lexicon rows, layered over the shipped ones; repeatable.")
_COMMAND = "cart-nlp corrections"
_PREFER = ("a", "b", "newest")


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help=f"Corrections: {CORRECTIONS}.")],
    records: Annotated[
        Path | None, typer.Option(help=f"{RECORDS}: tells ids that are not among them.")
    ] = None,
    text: Annotated[
        list[Path] | None, typer.Option(help="Dump of the trials: tells stale decisions. Repeatable.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Write them again, names as in the lexicons, with --text fingerprints too."
        ),
    ] = None,
    lexicon: Annotated[list[Path] | None, _LEXICON] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over OUT, whatever it is.")] = False,
) -> None:
    """Tell what is wrong in a file of corrections. Exit 1 if it cannot be applied."""
    from cart_nlp import outputs
    from cart_nlp.curation import checking, writing
    from cart_nlp.curation.correction_files import read_all
    from cart_nlp.curation.known_values import names
    from cart_nlp.lexicon import LexiconError
    from cart_nlp.places import PlaceError
    from cart_nlp.registries.entry import InputError

    try:
        inputs = [file, *(text or ()), *filter(None, [records])]
        place = output and outputs.claim(output, inputs, ours=writing.MARKS, force=force)
        known = names(tuple(map(str, lexicon or ())))
        ids = None
        if records is not None:
            from cart_nlp.records import record_list

            ids = {one for each in record_list(records) for one in (each.trial_id, *each.secondary_ids)}
        texts = None
        if text:
            from cart_nlp.curation.laying import read_trials

            there = read_trials(text, {row.trial_id for row in read_all(file)[0]})
            texts = {one: trial.sections for one, trial in there.items()}
        found = checking.check(file, known, ids, texts)
        if place and not found.faults:
            writing.write(checking.stamped(found.rows, texts or {}), place)
    except (InputError, LexiconError, PlaceError) as fault:
        _stop(fault)
    _say(found.faults)
    _say(f"warning: {line}" for line in found.warnings)
    trials = len({row.trial_id for row in found.rows})
    console.put(
        f"{file}: {len(found.rows)} corrections of {trials} trials, {len(found.faults)} faults, "
        f"{len(found.warnings)} warnings"
    )
    if found.faults:
        raise typer.Exit(1)


@app.command("merge")
def merge(
    a: Annotated[Path, typer.Argument(help=f"One curator's corrections: {CORRECTIONS}.")],
    b: Annotated[Path, typer.Argument(help=f"The other's: {CORRECTIONS}.")],
    output: Annotated[
        Path | None, typer.Option("--out", "-o", help="Merged corrections to write: .csv or .jsonl.")
    ] = None,
    adjudicated: Annotated[
        Path | None, typer.Option(help=f"Corrections ({CORRECTIONS}) that settle what the two disagree on.")
    ] = None,
    prefer: Annotated[
        str, typer.Option(help="Settle the rest for a, b or newest; default: leave it out.")
    ] = "",
    records: Annotated[
        Path | None,
        typer.Option(help=f"{RECORDS}: compares what the decisions come to."),
    ] = None,
    lexicon: Annotated[list[Path] | None, _LEXICON] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over OUTPUT, whatever it is.")] = False,
) -> None:
    """Lay two curators' corrections together: disagreements, kappa per field, and the merged file.

    Exit 1 where a disagreement is not settled.
    """
    from cart_nlp import outputs
    from cart_nlp.curation import merging, writing
    from cart_nlp.curation.checking import checked
    from cart_nlp.curation.contradictions import contradictions
    from cart_nlp.curation.known_values import names
    from cart_nlp.lexicon import LexiconError
    from cart_nlp.places import PlaceError
    from cart_nlp.registries.entry import InputError

    if prefer and prefer not in _PREFER:
        _stop(f"--prefer {prefer}: give one of {', '.join(_PREFER)}")
    try:
        read = [a, b, *filter(None, [adjudicated, records])]
        place = output and outputs.claim(output, read, ours=writing.MARKS, force=force)
        known = names(tuple(map(str, lexicon or ())))
        first, second = checked(a, known), checked(b, known)
        last = checked(adjudicated, known) if adjudicated else ()
        by_id = None
        if records is not None:
            from cart_nlp.records import record_list

            by_id = {record.trial_id: record for record in record_list(records)}
        found = merging.merge(first, second, known, adjudicated=last, prefer=prefer, records=by_id)
    except (InputError, LexiconError, PlaceError) as fault:
        _stop(fault)
    for line in _lines(found, a, b):
        console.put(line)
    faults = contradictions(found.rows)  # such as only the two files together have
    _say(faults)
    if place is not None:
        try:
            writing.write(found.rows, place)
        except PlaceError as fault:
            _stop(fault)
        _say([f"{len(found.rows)} corrections to {output}"])
    if faults or any(not each.by for each in found.disagreements):
        raise typer.Exit(1)


@app.command("labels")
def labels(
    file: Annotated[Path, typer.Argument(help=f"Corrections: {CORRECTIONS}.")],
    text: Annotated[list[Path], typer.Option(help="Dump that holds the text of the trials. Repeatable.")],
    output: Annotated[Path, typer.Option("--out", "-o", help="Gold file to write (.jsonl).")],
    lexicon: Annotated[list[Path] | None, _LEXICON] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over OUT, whatever it is.")] = False,
) -> None:
    """Write the decided trials as labels to score and train with; what nobody settled is marked uncertain."""
    from cart_nlp.curation.laying import opened, read_trials
    from cart_nlp.evaluation.exchange import decided, formats
    from cart_nlp.evaluation.gold import GoldError
    from cart_nlp.lexicon import LexiconError
    from cart_nlp.outputs import claim
    from cart_nlp.places import PlaceError
    from cart_nlp.registries.entry import InputError

    folders = tuple(map(str, lexicon or ()))
    try:
        place = claim(output, [file, *text], ours=(b'"labels"',), force=force)
        rows = opened(file, folders)
        trials = read_trials(text, {row.trial_id for row in rows})
        lines = decided.label_lines(rows, trials, folders)
        formats.save(lines, place)
    except (InputError, LexiconError, PlaceError, GoldError) as fault:
        _stop(fault)
    missing = len({row.trial_id for row in rows} - trials.keys())
    rest = f"; the text of {missing} more is not in the dump" if missing else ""
    _say([f"{len(lines)} labeled trials to {output}{rest}"])


def _lines(found: Merged, a: Path, b: Path) -> Iterable[str]:
    from cart_nlp.evaluation.layout import percent, table

    yield f"{found.only[0]} decisions only in {a.name}, {found.only[1]} only in {b.name}"
    if found.agreement:
        rows = [
            (
                name,
                str(s["trials"]),
                percent(s["same"] / s["trials"]),
                "–" if s["kappa"] is None else f"{s['kappa']:.3f}",
            )
            for name, s in found.agreement.items()
        ]
        yield from table(("field", "both", "same %", "kappa"), rows)
    yield f"{len(found.disagreements)} disagreements"
    for each in found.disagreements:
        yield f"  {each.line()}"


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        console.say(_COMMAND, line)


def _stop(fault: object) -> NoReturn:
    console.stop_all(_COMMAND, str(fault).splitlines())
