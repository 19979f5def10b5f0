"""`cart-nlp view`: records with highlighted evidence as one HTML page."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from cart_nlp import console
from cart_nlp.cli._commands import CORRECTIONS, RECORDS


def command(
    records: Annotated[Path, typer.Argument(help=f"{RECORDS}.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The page to write, e.g. page.html.")],
    text: Annotated[
        list[Path] | None,
        typer.Option(help="Dump that the records were tagged from: shows whole sections. May be repeated."),
    ] = None,
    review: Annotated[
        bool,
        typer.Option("--review", help="A page to decide on: accept, change, add, remove; saves corrections."),
    ] = False,
    corrections: Annotated[
        Path | None,
        typer.Option(
            help=f"Corrections ({CORRECTIONS}) laid over the records; a --review page goes on from them."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over OUT, whatever it is.")] = False,
) -> None:
    """Write the trials with their evidence highlighted, filters, search and keyboard navigation."""
    from cart_nlp.evaluation.gold import GoldError
    from cart_nlp.outputs import claim
    from cart_nlp.pages import MARK
    from cart_nlp.places import PlaceError
    from cart_nlp.registries.entry import InputError

    note = partial(console.say, "cart-nlp view")
    texts = tuple(text or ())
    inputs = [records, *texts, *([corrections] if corrections else [])]
    try:
        place = claim(out, inputs, ours=(MARK,), force=force)
        if review:
            from cart_nlp.reviewing.run import Asked
            from cart_nlp.reviewing.run import review as reviewed

            asked = Asked(records=records, texts=texts, corrections=corrections, everything=True)
            count = len(reviewed(asked, place, force=True, note=note).items)
        else:
            from cart_nlp.viewer import view

            count = view(records, place, texts, corrections, note)
    except (InputError, PlaceError, GoldError) as fault:
        console.stop_all("cart-nlp view", str(fault).splitlines())
    console.say("cart-nlp view", f"{count:,} trials → {out}")
    if review and not texts:
        from cart_nlp.cli.review import BLIND

        console.say("cart-nlp view", BLIND)
