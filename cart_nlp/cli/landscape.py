"""`cart-nlp landscape`: records to the tables, tests and figures of a review."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from cart_nlp import console
from cart_nlp.cli._commands import CORRECTIONS, RECORDS


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Tell each step on a terminal; where nobody watches, say nothing."""
    screen = console.screen(stderr=True)
    if not screen.is_terminal:
        yield lambda step: None
        return
    with screen.status("landscape") as status:
        yield lambda step: status.update(f"landscape: {step}")


def command(
    records: Annotated[
        Path,
        typer.Argument(help=f"{RECORDS}."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the report; made if needed.")],
    until: Annotated[
        str | None, typer.Option(help="Only trials registered up to this date: 2024, 2024-04 or 2024-04-30.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="Only trials registered from this date on.")] = None,
    registry: Annotated[
        list[str] | None, typer.Option(help="Only trials of this registry; may be repeated.")
    ] = None,
    basis: Annotated[
        str,
        typer.Option(help="all, or text: only what trials state, nothing known of a product or by default."),
    ] = "all",
    axis: Annotated[
        str, typer.Option(help="Years of growth, trends and the model: start or registration.")
    ] = "start",
    reference: Annotated[str | None, typer.Option(help="Print published figures beside ours: study.")] = None,
    compare: Annotated[Path | None, typer.Option(help="Older records: tell what changed since.")] = None,
    pubmed: Annotated[
        Path | None,
        typer.Option(
            help=(
                "Export of PubMed (XML, “PubMed” format), Europe PMC (JSON, XML, CSV) or RIS, joined on "
                "registration numbers."
            )
        ),
    ] = None,
    accuracy: Annotated[
        Path | None, typer.Option(help="Result of `cart-nlp evaluate --json` on unseen labels, for Methods.")
    ] = None,
    corrections: Annotated[
        Path | None, typer.Option(help=f"A curator's decisions ({CORRECTIONS}), laid over the records.")
    ] = None,
    sponsors: Annotated[
        Path | None, typer.Option(help="Reviewed copy of an earlier report's sponsor_merges.csv.")
    ] = None,
    periods: Annotated[str, typer.Option(help="Phases of growth.")] = "-2016,2017-2021,2022-",
    growth: Annotated[
        str, typer.Option(help="The two periods that growth rates compare, by the year.")
    ] = "2015-2019:2020-2024",
    as_of: Annotated[
        str | None, typer.Option(help="Date of the analysis (default: today), for the same bytes later.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=1_000_000, help="Sponsors listed.")] = 20,
    title: Annotated[str | None, typer.Option(help="Title of the report.")] = None,
    search_text: Annotated[str | None, typer.Option(help="Search that found the dump, for the flow.")] = None,
    search_date: Annotated[str | None, typer.Option(help="Date of that search.")] = None,
    figures: Annotated[
        str | None, typer.Option(help="Figures to draw, by name and comma; the default is all of them.")
    ] = None,
    formats: Annotated[str, typer.Option(help="Files of each figure: svg,png,pdf,tiff.")] = "svg,png",
    images: Annotated[
        bool,
        typer.Option(
            "--images/--no-images", help="Write the figures as files too; the page has them anyway."
        ),
    ] = True,
) -> None:
    """Write report.html, report.md, landscape.xlsx, tables/ and figures/ into a folder."""
    from cart_nlp.landscape.options import OptionError, names_from, options_from
    from cart_nlp.landscape.plots import FIGURES
    from cart_nlp.landscape.plots.style import FORMATS
    from cart_nlp.landscape.report import Asked, EmptyReport, build
    from cart_nlp.places import PlaceError
    from cart_nlp.registries.entry import InputError

    try:
        options = options_from(
            until=until,
            since=since,
            registries=registry or (),
            basis=basis,
            axis=axis,
            title=title,
            search_text=search_text,
            search_date=search_date,
            periods=periods,
            growth=growth,
            as_of=as_of,
            top=top,
            pubmed=pubmed,
            sponsors=sponsors,
        )
        asked = Asked(
            reference=reference,
            compare=compare,
            accuracy=accuracy,
            corrections=corrections,
            image_files=images,
            figures=names_from("--figures", figures, tuple(FIGURES)),
            formats=names_from("--formats", formats, FORMATS),
            sources=tuple(filter(None, (pubmed, sponsors))),
        )
        notes: list[str] = []
        with _progress() as say:
            built = build(records, out, options, asked, say, notes.append)
    except (InputError, PlaceError, OptionError, EmptyReport) as fault:
        lines = str(fault).splitlines()  # corrections have a line for each fault
        console.stop_all("cart-nlp landscape", lines, 1 if isinstance(fault, EmptyReport) else 2)
    for line in notes:
        console.say("cart-nlp landscape", line)
    if reference:
        from cart_nlp.landscape.reference import printed

        console.put(printed(built.tables))
    console.say(
        "cart-nlp landscape",
        f"{built.included:,} trials, {len(built.tables)} tables, in {built.seconds:.1f} s → {built.page}",
    )
