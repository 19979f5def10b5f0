"""`cart-nlp gold`: options and printing; the work is in cart_nlp.evaluation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

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
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N trials.")] = None,
) -> None:
    """Write trials with their labels as tasks of an annotation tool."""
    from cart_nlp.evaluation import gold as gold_set
    from cart_nlp.evaluation.exchange import formats

    try:
        formats.named(to)
        if tag:
            from cart_nlp.evaluation.predictions import tag_dump

            lines = [formats.preannotated(*tagged) for tagged in tag_dump(source, limit)]
        else:
            lines = [formats.line_of(record) for record in gold_set.read(source).records[:limit]]
        count = formats.export(lines, to, output)
    except gold_set.GoldError as error:
        _stop(error.faults)
    print(f"{count} trials to {output} for {to}", file=sys.stderr)


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(help="What the annotation tool exported.")],
    from_: Annotated[str, typer.Option("--from", help=_FORMATS)],
    output: Annotated[Path, typer.Option("--out", "-o", help="Gold file to write (.jsonl).")],
) -> None:
    """Read corrected tasks back as a gold file."""
    from cart_nlp.evaluation.exchange import formats
    from cart_nlp.evaluation.gold import GoldError

    try:
        lines = formats.imported(from_, source)
    except GoldError as error:
        _stop(error.faults)
    formats.save(lines, output)
    print(f"{len(lines)} trials to {output}", file=sys.stderr)


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
        import orjson

        print(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode())
        return
    print("\n".join(agreement.lines(result)))


def _stop(faults: list[str]) -> None:
    for fault in faults:
        print(f"cart-nlp gold: {fault}", file=sys.stderr)
    raise typer.Exit(2)
