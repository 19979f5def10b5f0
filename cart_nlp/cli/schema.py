"""`cart-nlp schema`: the JSON Schema of a record, or the dictionary of its fields and values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cart_nlp import console

_OURS = (b"field,type,value,meaning", b"| field | type | value", b'"title": "cart-nlp record"')
"""By which what this command writes is known."""


def command(
    table: Annotated[
        bool, typer.Option("--table", help="The dictionary of fields and values instead of the JSON Schema.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write: .json, or with --table .csv or .md."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over OUT, whatever it is.")] = False,
) -> None:
    """Print the JSON Schema of a record, or every field and value with its meaning."""
    from cart_nlp import dictionary

    if out is not None and (out.suffix not in ((".csv", ".md") if table else (".json",))):
        wanted = ".csv or .md" if table else ".json, or give --table for .csv or .md"
        console.stop("cart-nlp schema", f"{out}: name the file {wanted}")
    if not table:
        import json

        text = json.dumps(dictionary.json_schema(), indent=2, ensure_ascii=False)
        _to(out, text + "\n", force)
    elif out is None:
        _print(list(dictionary.entries()))
    elif out.suffix == ".csv":
        _to(out, _csv(list(dictionary.entries())), force)
    else:
        _to(out, _markdown(list(dictionary.entries())), force)


def _to(out: Path | None, text: str, force: bool) -> None:
    if out is None:
        console.put(text.removesuffix("\n"))
        return
    from cart_nlp import outputs
    from cart_nlp.places import PlaceError

    try:
        outputs.write(outputs.claim(out, [], ours=_OURS, force=force), text)
    except PlaceError as fault:
        console.stop("cart-nlp schema", str(fault))
    console.say("cart-nlp schema", f"→ {out}")


def _csv(entries: list[tuple[str, ...]]) -> str:
    import csv
    import io

    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("field", "type", "value", "meaning"))
    rows.writerows(entries)
    return text.getvalue()


def _markdown(entries: list[tuple[str, ...]]) -> str:
    lines = ["| field | type | value | meaning |", "|---|---|---|---|"]
    for field, kind, value, meaning in entries:
        cells = (f"`{field}`", kind, f"`{value}`" if value else "", meaning.replace("|", "\\|"))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _print(entries: list[tuple[str, ...]]) -> None:
    """As paragraphs: they fit any terminal, which a table of four columns does not."""
    import shutil
    import textwrap

    width = min(shutil.get_terminal_size().columns, 110)
    for field, kind, value, meaning in entries:
        if value:
            text = f"{value}: {meaning}" if meaning else value
            console.put(textwrap.fill(text, width, initial_indent="    ", subsequent_indent="      "))
        else:
            console.put(f"{field}  ({kind})")
            console.put(textwrap.fill(meaning, width, initial_indent="  ", subsequent_indent="  "))
