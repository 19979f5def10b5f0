"""`cart-nlp view`: records with highlighted evidence as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    records: Annotated[
        Path, typer.Argument(help="What `cart-nlp tag` wrote: .jsonl, .csv (also .gz) or .parquet.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The page to write, e.g. page.html.")],
    text: Annotated[
        list[Path] | None,
        typer.Option(help="Dump that the records were tagged from: shows whole sections. May be repeated."),
    ] = None,
) -> None:
    """Write the trials with their evidence highlighted, filters, search and keyboard navigation."""
    from cart_nlp.registries.entry import InputError
    from cart_nlp.viewer import view

    try:
        count = view(records, out, text or ())
    except (InputError, OSError) as fault:
        typer.echo(f"cart-nlp view: {fault}", err=True)
        raise typer.Exit(2) from fault
    typer.echo(f"{count} trials: {out}", err=True)
