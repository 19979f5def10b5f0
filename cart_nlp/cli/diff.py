"""`cart-nlp diff`: options and printing; the work is in cart_nlp.differences."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def command(
    old: Annotated[
        str,
        typer.Argument(help="Earlier output of `cart-nlp tag`; STORE.duckdb@2026-01-31 for a store's past."),
    ],
    new: Annotated[str, typer.Argument(help="Later output, of the same format or another.")],
    field: Annotated[list[str] | None, typer.Option(help="Compare this field only; repeatable.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List trials that are new, have vanished, or say something else. Exit 1 if anything differs."""
    from cart_nlp.differences import COMPARED, compare, read_rows
    from cart_nlp.registries.entry import InputError

    unknown = [name for name in field or () if name not in COMPARED]
    if unknown:
        print(
            f"cart-nlp diff: --field {unknown[0]}: no such field; there are {', '.join(COMPARED)}",
            file=sys.stderr,
        )
        raise typer.Exit(2)
    try:
        found = compare(read_rows(old), read_rows(new), tuple(field) if field else COMPARED)
    except InputError as fault:
        print(f"cart-nlp diff: {fault}", file=sys.stderr)
        raise typer.Exit(2) from None
    try:
        if json:
            import dataclasses

            import orjson

            print(orjson.dumps(dataclasses.asdict(found)).decode())
        else:
            for trial in found.new:
                print(f"+ {trial}")
            for trial in found.vanished:
                print(f"- {trial}")
            for change in found.changes:
                print(f"~ {change.trial_id} {change.field}: {change.old or '–'} → {change.new or '–'}")
            print(
                f"{len(found.new):,} new, {found.changed:,} changed, {found.unchanged:,} unchanged, "
                f"{len(found.vanished):,} vanished"
            )
        sys.stdout.flush()
    except BrokenPipeError:
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(1 if found.new or found.vanished or found.changes else 0)
