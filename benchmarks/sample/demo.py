"""Tag the sample of 40 trials as a user would, and show what came out; `make demo` runs this.

The trials are written for the purpose in registry style. Among them are studies about CAR recipients, and
look-alikes (CARTO mapping, combination antiretroviral therapy, regression trees) that must not pass.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

SAMPLE = Path(__file__).with_name("trials.jsonl")
SHOWN = "GOLD-0011"
"""The trial whose evidence is shown: feeder cells and reagents in it name domains that the cells lack."""
ROOM = 100
"""Columns of a terminal from which on there is room for a column a field."""
WIDE = 130
"""Columns of a terminal from which on there is room for titles."""
STYLES = {"product": "green", "related": "yellow", "mention": "dim", "no": "dim"}
KNOWN = "°"
"""Stands after a value that the text does not say, but that is known of a product that it names."""
LEGEND = (
    f"{KNOWN} not in the text: known of the product that it names   blank: the text is silent\n"
    "engineered: − edited out, + payload, / safety switch"
)
SHARED = {"cocktail": " + ", "sequential": " + ", "selectable": " or "}
"""Formats that list each product as a construct of its own, and what to write between them."""

Record = Mapping[str, Any]


def main(out: Path) -> int:
    """Tag the sample into a folder and print what came out; the exit code of the first failing command."""
    console = Console(highlight=False)
    out.mkdir(parents=True, exist_ok=True)
    every, kept = out / "every-trial.jsonl", out / "records.csv"
    for command in (("tag", SAMPLE, "-o", kept), ("tag", SAMPLE, "-o", every, "--all")):
        if code := _run(console, *command):
            return code
    records = [json.loads(line) for line in every.read_text("utf-8").splitlines()]
    console.print()
    console.print(included(records, console.width))
    console.print(Text(LEGEND, "dim"))
    console.print()
    console.print(left_out(records))
    console.print()
    if code := _run(console, "show", SHOWN, "--file", SAMPLE):
        return code
    console.print()
    console.print(_next_steps(kept, every))
    return 0


def included(records: Iterable[Record], width: int) -> Table:
    """The trials that `cart-nlp tag` writes, and what their texts say of the cells."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("trial", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    if width >= WIDE:
        table.add_column("title", no_wrap=True, overflow="ellipsis", max_width=width - 112, style="dim")
    table.add_column("targets", max_width=26, overflow="fold")
    table.add_column("costim", max_width=7, overflow="fold")
    if width >= ROOM:
        for name, most in (("vector", 12), ("source", 13), ("cells", 11)):
            table.add_column(name, max_width=most, overflow="fold")
        table.add_column("engineered", overflow="fold")
    else:
        table.add_column("source, cells, vector, engineered", overflow="fold")
    rows = sorted(
        (record for record in records if record["car_trial"] in ("product", "related")),
        key=lambda record: (record["car_trial"], record["trial_id"]),
    )
    for record, after in zip(rows, [*rows[1:], None], strict=True):
        level = record["car_trial"]
        title = (Text(record["title"]),) if width >= WIDE else ()
        table.add_row(
            record["trial_id"],
            Text(level, STYLES[level]),
            *title,
            _targets(record),
            *_cells(record, width),
            end_section=after is not None and after["car_trial"] != level,
        )
    return table


def left_out(records: Iterable[Record]) -> Table:
    """The trials that `cart-nlp tag` leaves out, unless it is told --all."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("left out", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("title", overflow="fold", style="dim")
    for record in records:
        level = record["car_trial"]
        if level in ("mention", "no"):
            table.add_row(record["trial_id"], Text(level, STYLES[level]), Text(record["title"]))
    return table


def _cells(record: Record, width: int) -> list[Text]:
    """What is said of the cells: a column each where there is room, else all in one."""
    fields = ("costim", "vector", "cell_source", "cell_type")
    if width >= ROOM:
        return [*(_values(record, field) for field in fields), _engineering(record)]
    said = [
        _value(record, field, value)
        for field in ("cell_source", "cell_type", "vector")
        for value in record[field]
    ]
    engineered = _engineering(record)
    return [_values(record, "costim"), Text(", ").join([*said, engineered] if engineered.plain else said)]


def _targets(record: Record) -> Text:
    shared: dict[str, list[str]] = {}
    for construct in record["constructs"]:
        shared.setdefault(construct["format"], []).append("/".join(construct["targets"]))
    known = {target for target in record["targets"] if _is_known(record, "targets", target)}
    lines = []
    for kind, sets in shared.items():
        for names in [SHARED[kind].join(sets)] if kind in SHARED else sets:
            line = Text(names, "bold cyan")
            if known & set(names.split("/")):
                line.append(KNOWN, "cyan")
            lines.append(line if kind == "single" else line.append(f" {kind}", "not bold dim"))
    return Text("\n").join(lines)


def _values(record: Record, field: str) -> Text:
    return Text("\n").join(_value(record, field, value) for value in record[field])


def _value(record: Record, field: str, value: str, sign: str = "") -> Text:
    words = f"{sign}{value.replace('_', ' ')}"
    return Text(f"{words}{KNOWN}", "dim") if _is_known(record, field, value) else Text(words)


def _engineering(record: Record) -> Text:
    signs = {"edits": "−", "armoring": "+", "safety_switch": "/"}
    return Text(", ").join(
        _value(record, field, value, sign) for field, sign in signs.items() for value in record[field]
    )


def _is_known(record: Record, field: str, value: str) -> bool:
    """Whether all evidence of a value comes from the product lexicon, none from the text."""
    bases = {e["basis"] for e in record["evidence"] if (e["field"], e["value"]) == (field, value)}
    return bases == {"product"}


def _run(console: Console, *arguments: str | Path) -> int:
    """Run a command as a user would type it, its terminal output as it comes."""
    words = [_short(word) if isinstance(word, Path) else word for word in arguments]
    console.print(Text(f"$ cart-nlp {shlex.join(words)}", "bold"))
    console.file.flush()
    return subprocess.run([Path(sys.executable).with_name("cart-nlp"), *words], check=False).returncode


def _short(path: Path) -> str:
    """A path as seen from here, if it lies below."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _next_steps(kept: Path, every: Path) -> Text:
    page = _short(kept.with_name("page.html"))
    said = (
        ("written", f"{_short(kept)}         one row a trial"),
        ("", f"{_short(every)}  every trial, with all evidence"),
        ("next", f"source {_short(Path(sys.prefix))}/bin/activate"),
        ("", "cart-nlp show 'CD19/CD22 tandem CAR-T cells with 4-1BB'"),
        ("", f"cart-nlp view {_short(kept)} --text {_short(SAMPLE)} -o {page}"),
        ("", "cart-nlp fetch 'CAR-T' -o dump.jsonl"),
        ("", "cart-nlp tag dump.jsonl -o records.xlsx"),
    )
    return Text("\n").join(Text(f"{name:<9}", "bold").append(what, "not bold") for name, what in said)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "out/demo").resolve()))
