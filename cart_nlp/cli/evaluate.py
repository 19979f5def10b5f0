"""`cart-nlp evaluate`: options and printing; the work is in cart_nlp.evaluation."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cart_nlp import console
from cart_nlp.cli._commands import CORRECTIONS, RECORDS

if TYPE_CHECKING:
    from cart_nlp.evaluation.run import Evaluation

_ALLOWED = {
    "basis": ("both", "text", "all"),
    "mode": ("end-to-end", "tagging"),
    "split": ("all", "dev", "test"),
    "others": ("auto", "not-included", "ignore"),
}


def command(
    gold: Annotated[
        str | None,
        typer.Option(
            help="Gold file or folder; registry, registry-2, registry-blind or registry-last: labels by id; "
            "conditions: how the condition strings of a dump are read. Default: the bundled set."
        ),
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option(help=f"{RECORDS}; without them the gold's text is tagged."),
    ] = None,
    dump: Annotated[
        Path | None, typer.Option(help="With --gold registry: the registry dump that holds the text.")
    ] = None,
    others: Annotated[
        str,
        typer.Option(
            help="Trials of the dump without a label: not-included, ignore, or auto: not-included in the "
            "dump that the labels cover, otherwise ignore."
        ),
    ] = "auto",
    split: Annotated[str, typer.Option(help="Half of the gold set: dev, test or all.")] = "all",
    basis: Annotated[
        str, typer.Option(help="both; text: leave product knowledge out; all: count it in everywhere.")
    ] = "both",
    mode: Annotated[
        str, typer.Option(help="end-to-end; tagging: trials that belong in, whatever screening says.")
    ] = "end-to-end",
    prevalence: Annotated[
        float, typer.Option(min=0, max=1, help="Share of CAR trials to project screening precision to.")
    ] = 0.002,
    lexicon: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of your own lexicon rows, layered over the shipped ones; repeatable."),
    ] = None,
    corrections: Annotated[
        Path | None, typer.Option(help=f"A curator's decisions ({CORRECTIONS}), laid over the records first.")
    ] = None,
    errors: Annotated[bool, typer.Option("--errors", help="List each wrong value, grouped.")] = False,
    compare: Annotated[
        Path | None, typer.Option(help="Result of another run (--json): what got better and worse.")
    ] = None,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(help="FIELD.RATE=SHARE, as targets.exact=0.95; exit 1 if it falls short. Repeatable."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a self-contained page.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over the page, whatever it is.")] = False,
) -> None:
    """Score records against gold labels; tags the gold's text if no records are given."""
    from cart_nlp.evaluation.gold import GoldError
    from cart_nlp.evaluation.run import Options, floor_faults, run

    if gold == "conditions":
        _conditions(dump, lexicon or [], json)
        return
    for name, value in (("basis", basis), ("mode", mode), ("split", split), ("others", others)):
        if value not in _ALLOWED[name]:
            _stop([f"--{name} {value}: give one of {', '.join(_ALLOWED[name])}"])
    options = Options(
        gold=gold,
        records=records,
        dump=dump,
        split=split,
        mode=mode,  # type: ignore[arg-type]
        basis=basis,  # type: ignore[arg-type]
        prevalence=prevalence,
        others=others,
        compare=compare,
        lexicons=tuple(lexicon or ()),
        corrections=corrections,
    )
    if html is not None:
        from cart_nlp.outputs import claim
        from cart_nlp.pages import MARK
        from cart_nlp.places import PlaceError

        read = [records, dump, compare, corrections, Path(gold) if gold else None, *options.lexicons]
        try:
            html = claim(html, [each for each in read if each], ours=(MARK,), force=force)
        except PlaceError as fault:
            _stop([str(fault)])
    try:
        scored = run(options, partial(console.say, "cart-nlp evaluate"))
        short = floor_faults(scored, fail_under or [])
    except GoldError as error:
        _stop(error.faults)
    _show(scored, errors, json, html)
    for line in short:
        console.say("cart-nlp evaluate", line)
    if short:
        raise typer.Exit(1)


def _conditions(dump: Path | None, layers: list[Path], json: bool) -> None:
    from cart_nlp import registries
    from cart_nlp.evaluation import conditions
    from cart_nlp.evaluation.gold import GoldError
    from cart_nlp.lexicon import LexiconError

    if dump is None:
        _stop(["--gold conditions needs --dump FILE: the strings are known by their hashes alone"])
    try:
        scored = conditions.score([dump], layers)
    except GoldError as error:
        _stop(error.faults)
    except (registries.InputError, LexiconError) as error:
        _stop([str(error)])
    if json:
        console.put_json(scored.result())
        return
    for line in scored.lines():
        console.put(str(line))


def _show(scored: Evaluation, errors: bool, json: bool, html: Path | None) -> None:
    import shutil

    from cart_nlp.evaluation import breakdown, layout, report

    if html:
        from cart_nlp.evaluation import page
        from cart_nlp.outputs import write
        from cart_nlp.places import PlaceError

        try:
            write(html, page.render(scored))
        except PlaceError as fault:
            _stop([str(fault)])
        console.say("cart-nlp evaluate", f"→ {html}")
    if json:
        console.put_json(scored.result)
        return
    # In full where no terminal is known: a file has no width.
    width = shutil.get_terminal_size((10_000, 0)).columns
    shown = list(layout.fitted(report.lines(scored.result), width))
    if errors:
        shown += layout.fitted(breakdown.errors(scored.result["errors"]), width)
    for line in shown:
        console.put(line)


def _stop(faults: list[str]) -> NoReturn:
    console.stop_all("cart-nlp evaluate", faults)
