"""`cart-nlp diff`: options and printing; the work is in cart_nlp.differences."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from cart_nlp import console

if TYPE_CHECKING:
    from cart_nlp.differences import Differences


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
        known = ", ".join(COMPARED)
        console.stop("cart-nlp diff", f"--field {unknown[0]}: no such field; there are {known}")
    say = functools.partial(console.say, "cart-nlp diff")
    try:
        found = compare(read_rows(old, say), read_rows(new, say), tuple(field) if field else COMPARED)
    except InputError as fault:
        console.stop("cart-nlp diff", str(fault))
    if json:
        import dataclasses

        import orjson

        from cart_nlp.writers.flat import escaped

        console.put(escaped(orjson.dumps(dataclasses.asdict(found))).decode())
    else:
        for line in _lines(found):
            console.put(console.safe(line, lines=False))
    raise typer.Exit(1 if found.new or found.vanished or found.changes else 0)


def _lines(found: Differences) -> Iterator[str]:
    yield from (f"+ {trial}" for trial in found.new)
    yield from (f"- {trial}" for trial in found.vanished)
    for change in found.changes:
        yield f"~ {change.trial_id} {change.field}: {change.old or '–'} → {change.new or '–'}"
    yield (
        f"{len(found.new):,} new, {found.changed:,} changed, {found.unchanged:,} unchanged, "
        f"{len(found.vanished):,} vanished"
    )
