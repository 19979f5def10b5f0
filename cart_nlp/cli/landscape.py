"""`cart-nlp landscape`: records to the tables, tests and figures of a review."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    records: Annotated[
        Path, typer.Argument(help="What `cart-nlp tag` wrote: .jsonl, .csv (also .gz) or .parquet.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the report; made if needed.")],
    until: Annotated[
        str | None,
        typer.Option(
            help="Only trials first posted (else started) up to this date: 2024, 2024-04 or 2024-04-30."
        ),
    ] = None,
    reference: Annotated[str | None, typer.Option(help="Print published figures beside ours: study.")] = None,
    compare: Annotated[Path | None, typer.Option(help="Older records: tell what changed since.")] = None,
    pubmed: Annotated[
        Path | None, typer.Option(help="Export of PubMed or Europe PMC, joined on registration numbers.")
    ] = None,
    sponsors: Annotated[
        Path | None, typer.Option(help="Reviewed sponsor_merges.csv of an earlier report.")
    ] = None,
    periods: Annotated[str, typer.Option(help="Phases of growth, by start year.")] = "-2016,2017-2021,2022-",
    growth: Annotated[
        str, typer.Option(help="The two periods that growth rates compare.")
    ] = "2015-2019:2020-2024",
    as_of: Annotated[
        str | None, typer.Option(help="Date of the analysis (default: today), for the same bytes later.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Sponsors listed.")] = 20,
    images: Annotated[
        bool,
        typer.Option(
            "--images/--no-images", help="Write the figures as files too; the page has them anyway."
        ),
    ] = True,
) -> None:
    """Write report.html, report.md, landscape.xlsx, tables/ and figures/ into a folder."""
    from cart_nlp.landscape.options import OptionError, options_from
    from cart_nlp.landscape.report import build
    from cart_nlp.registries.entry import InputError

    try:
        options = options_from(
            until=until,
            periods=periods,
            growth=growth,
            as_of=as_of,
            top=top,
            pubmed=pubmed,
            sponsors=sponsors,
        )
        built = build(records, out, options, reference, compare, images)
    except (InputError, OptionError, OSError) as fault:
        typer.echo(f"cart-nlp landscape: {fault}", err=True)
        raise typer.Exit(2) from fault
    if reference:
        from cart_nlp.landscape.reference import printed

        typer.echo(printed(built.tables))
    typer.echo(
        f"{built.included} trials, {len(built.tables)} tables, in {built.seconds:.1f} s: {built.page}",
        err=True,
    )
