"""`cart-nlp review`: options and printing; the work is in cart_nlp.curation and cart_nlp.reviewing."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cart_nlp import console
from cart_nlp.cli._bounds import MOST
from cart_nlp.cli._commands import CORRECTIONS, RECORDS

if TYPE_CHECKING:
    from cart_nlp.curation.queue import Item, Queue

BLIND = "without --text the page has no words, and its corrections no fingerprint of the text"
_SHOWN = 30
"""Records in the table on the terminal, where no budget is given."""


def command(
    records: Annotated[Path, typer.Argument(help=f"{RECORDS}.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Queue to write: .csv, .html for the page, or with --to a tool's tasks."
        ),
    ] = None,
    budget: Annotated[
        int | None, typer.Option(min=1, max=MOST, help="How many records you can read.")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            help="Share of records to be right after reading: exact=0.99 over all fields, or FIELD=0.99."
        ),
    ] = None,
    fields: Annotated[
        str | None, typer.Option(help="Only these fields, e.g. car_trial,targets,constructs.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Earlier records, in any format too: only trials that are new or changed since."),
    ] = None,
    text: Annotated[
        list[Path] | None,
        typer.Option(help="Dump of the records: more reasons, and the words on the page. Repeatable."),
    ] = None,
    corrections: Annotated[
        Path | None,
        typer.Option(help=f"Corrections so far ({CORRECTIONS}): what they settle is not asked again."),
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="Tasks for label-studio, doccano, prodigy, brat or docbin.")
    ] = None,
    lexicon: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of your own lexicon rows, layered over the shipped ones; repeatable."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over OUT, whatever it is.")] = False,
) -> None:
    """Tell which records to read first, and why."""
    from cart_nlp.evaluation.gold import GoldError
    from cart_nlp.lexicon import LexiconError
    from cart_nlp.places import PlaceError
    from cart_nlp.registries.entry import InputError
    from cart_nlp.reviewing.run import Asked, review

    asked = Asked(
        records=records,
        budget=budget,
        target=target,
        fields=fields,
        since=since,
        texts=tuple(text or ()),
        corrections=corrections,
        lexicons=tuple(map(str, lexicon or ())),
    )
    try:
        done = review(asked, out, to, force=force, note=partial(console.say, "cart-nlp review"))
    except (InputError, PlaceError, GoldError, LexiconError) as fault:
        console.stop_all("cart-nlp review", str(fault).splitlines())
    if out is None:
        shown = done.items if budget or target else done.items[:_SHOWN]
        for line in _table(shown):
            console.put(line)
    for line in _summary(done.queue, done.items, done.wanted):
        console.say("cart-nlp review", line)
    if out is not None:
        console.say("cart-nlp review", f"{len(done.items):,} records → {out}")
        if out.suffix.lower() == ".html" and not text:
            console.say("cart-nlp review", BLIND)


def _table(items: tuple[Item, ...]) -> list[str]:
    from cart_nlp.curation.why_doubted import told

    lines = []
    for rank, item in enumerate(items, 1):
        said = told(item.record) or "no target"
        lines.append(
            f"{rank:4}  {100 * item.error:5.1f} %  {item.record.trial_id}  {said}  {item.record.title[:70]}"
        )
        lines.append(f"{'':16}{item.line()}")
    return lines


def _summary(queue: Queue, items: tuple[Item, ...], wanted: str) -> list[str]:
    lines = []
    if not queue.calibrated:
        lines.append("these records carry no confidence: ordered by scores of the evidence, not calibrated")
    said = f"{queue.total:,} records, {queue.settled:,} settled"
    if queue.screened:
        said += f", {queue.screened:,} let go by the text screen"
    if queue.calibrated:
        rest = queue.expected(len(items))
        said += f"; {queue.expected():.1f} with an error expected, {rest:.1f} after reading {len(items):,}"
    lines.append(said)
    if wanted:
        lines.append(wanted)
    return lines
