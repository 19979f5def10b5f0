"""`cart-nlp evaluate`: options and printing; the work is in cart_nlp.evaluation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def command(
    gold: Annotated[
        str | None,
        typer.Option(
            help="Gold file or folder, or `registry` for the labels by id; default: the bundled set."
        ),
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option(help="Records of `cart-nlp tag` (.jsonl); without them the gold's text is tagged."),
    ] = None,
    split: Annotated[str, typer.Option(help="Half of the gold set: dev, test or all.")] = "all",
    basis: Annotated[
        str, typer.Option(help="both; text: leave product knowledge out; all: count it in everywhere.")
    ] = "both",
    mode: Annotated[
        str, typer.Option(help="end-to-end, or tagging: whatever screening says.")
    ] = "end-to-end",
    prevalence: Annotated[
        float, typer.Option(min=0, max=1, help="Share of CAR trials to project screening precision to.")
    ] = 0.002,
    errors: Annotated[bool, typer.Option("--errors", help="List each wrong value, grouped.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Score records against gold labels; tags the gold's text if no records are given."""
    from cart_nlp.evaluation.gold import GoldError

    for name, value, allowed in (
        ("basis", basis, ("both", "text", "all")),
        ("mode", mode, ("end-to-end", "tagging")),
        ("split", split, ("all", "dev", "test")),
    ):
        if value not in allowed:
            _stop([f"--{name} {value}: give {', '.join(allowed)}"])
    try:
        _run(gold, records, split, basis, mode, prevalence, errors, json)
    except GoldError as error:
        _stop(error.faults)


def _run(
    gold: str | None,
    records: Path | None,
    split: str,
    basis: str,
    mode: str,
    prevalence: float,
    errors: bool,
    json: bool,
) -> None:
    from cart_nlp.evaluation import errors as error_list
    from cart_nlp.evaluation import gold as gold_set
    from cart_nlp.evaluation import predictions, report, scoring

    labeled = gold_set.read(Path(gold) if gold else None).split(split)
    found = predictions.read_records(records) if records else predictions.tag_gold(labeled.records)
    scored = scoring.evaluate(labeled, found, mode=mode, basis=basis, prevalence=prevalence)  # type: ignore[arg-type]
    if errors:
        scored.result["errors"] = error_list.find(scored.gold, found, scored.matches)
    if json:
        import orjson

        print(orjson.dumps(scored.result, option=orjson.OPT_INDENT_2).decode())
        return
    print("\n".join(report.lines(scored.result)))
    if errors:
        print("\n".join(report.error_lines(scored.result["errors"])))


def _stop(faults: list[str]) -> None:
    for fault in faults:
        print(f"cart-nlp evaluate: {fault}", file=sys.stderr)
    raise typer.Exit(2)
