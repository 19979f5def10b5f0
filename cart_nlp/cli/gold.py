"""`cart-nlp gold`: options and printing; the work is in cart_nlp.evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cart_nlp import console
from cart_nlp.cli._bounds import MOST

if TYPE_CHECKING:
    from cart_nlp.evaluation.predictions import Dump

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Exchange gold records with annotation tools, and compare two labelings.",
)
_FORMATS = "label-studio, doccano, prodigy, brat or docbin."


@app.command("export")
def export(
    source: Annotated[Path, typer.Argument(help="Gold file (.jsonl), or with --tag a dump of trials.")],
    to: Annotated[str, typer.Option(help=_FORMATS)],
    output: Annotated[Path, typer.Option("--out", "-o", help="File, or for brat a folder, to write.")],
    tag: Annotated[
        bool, typer.Option("--tag", help="Tag the trials of SOURCE and write the records to correct.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, max=MOST, help="Only the first N trials.")] = None,
    ids: Annotated[
        Path | None,
        typer.Option(help="Only these trials, in this order: ids one a line, or a queue of `review`."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(help="With --tag, only trials with a value, e.g. targets=CD19; repeatable."),
    ] = None,
    doubt: Annotated[
        int | None,
        typer.Option(min=1, max=MOST, help="With --tag, only the N least sure trials, these first."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="With --tag, only trials that are new or changed since these records.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over OUTPUT, whatever it is.")] = False,
) -> None:
    """Write trials with their labels as tasks of an annotation tool."""
    from cart_nlp.evaluation import gold as gold_set
    from cart_nlp.evaluation.exchange import claiming, formats, selection
    from cart_nlp.evaluation.predictions import Dump
    from cart_nlp.places import PlaceError

    if not tag and (where or doubt or since):
        _stop(["--where, --doubt and --since choose among tagged trials: give --tag"])
    dump = Dump(source)
    inputs: list[Path | str] = [source, *filter(None, [ids])]
    inputs += [since] if since else []
    try:
        place = claiming.claim(to, output, inputs, force)
        wanted = selection.read_ids(ids) if ids else None
        if tag:
            from cart_nlp.evaluation.predictions import tag_dump

            ordered = wanted is not None or doubt is not None
            found = selection.chosen(
                tag_dump(dump, None if ordered or where or since else limit),
                ids=wanted,
                where=where or (),
                doubt=doubt,
                since=since,
            )[:limit]
            lines = [
                formats.preannotated(*tagged, rank=rank if ordered else None)
                for rank, tagged in enumerate(found, 1)
            ]
        else:
            lines = selection.listed(gold_set.read(source).records, wanted)[:limit]
        count = formats.export(lines, to, place)
    except gold_set.GoldError as error:
        _stop(error.faults)
    except PlaceError as error:
        _stop([str(error)])
    _say(f"{count} trials to {output} for {to}")
    _tell_rejected(dump)


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(help="What the annotation tool exported.")],
    from_: Annotated[str, typer.Option("--from", help=_FORMATS)],
    output: Annotated[Path, typer.Option("--out", "-o", help="Gold file (.jsonl) or corrections to write.")],
    as_: Annotated[
        str, typer.Option("--as", help="gold, or corrections: what was changed, for `tag --corrections`.")
    ] = "gold",
    by: Annotated[str, typer.Option(help="Who annotated, for corrections.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Write over OUTPUT, whatever it is.")] = False,
) -> None:
    """Read corrected tasks back, as a gold file or as corrections."""
    import datetime

    from cart_nlp.curation import writing
    from cart_nlp.evaluation.exchange import decided, formats
    from cart_nlp.evaluation.gold import GoldError
    from cart_nlp.outputs import claim
    from cart_nlp.places import PlaceError

    if as_ not in ("gold", "corrections"):
        _stop([f"--as {as_}: give gold or corrections"])
    try:
        pairs = formats.pairs(from_, source, _say)
        marks = (b'"labels"',) if as_ == "gold" else writing.MARKS
        place = claim(output, [source], ours=marks, force=force)
        if as_ == "corrections":
            rows = decided.corrections(pairs, by, datetime.date.today().isoformat())
            writing.write(rows, place)
            for told in decided.not_corrections(pairs):
                _say(told)
            _say(f"{len(rows)} corrections of {len(pairs)} trials to {output}")
            return
        formats.save([after for _, after in pairs], place)
    except GoldError as error:
        _stop(error.faults)
    except (PlaceError, ValueError) as error:
        _stop([str(error)])
    _say(f"{len(pairs)} trials to {output}")


@app.command("agree")
def agree(
    a: Annotated[Path, typer.Argument(help="One labeling (.jsonl).")],
    b: Annotated[Path, typer.Argument(help="The other one.")],
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Agreement of two labelings of the same trials, and the list of disagreements."""
    from cart_nlp.evaluation import agreement
    from cart_nlp.evaluation import gold as gold_set

    try:
        result = agreement.agree(gold_set.read(a), gold_set.read(b))
    except gold_set.GoldError as error:
        _stop(error.faults)
    if json:
        console.put_json(result)
        return
    for line in agreement.lines(result):
        console.put(line)


def _tell_rejected(dump: Dump) -> None:
    """Tell which records of a dump make no trial, and end the command with 1 if there are any."""
    if not dump.rejected:
        return
    for line in dump.told:
        _say(f"rejected: {line}")
    if more := dump.rejected - len(dump.told):
        _say(f"… and {more:,} more rejected")
    _say(f"{dump.rejected:,} of the records read could not be used, and were left out")
    raise typer.Exit(1)


def _say(line: str) -> None:
    console.say("cart-nlp gold", line)


def _stop(faults: list[str]) -> NoReturn:
    console.stop_all("cart-nlp gold", faults)
