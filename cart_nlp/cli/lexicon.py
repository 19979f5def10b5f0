"""`cart-nlp lexicon`: options and printing; the work is in lint, lookup and suggest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cart_nlp import console
from cart_nlp.cli._bounds import MOST

if TYPE_CHECKING:
    from cart_nlp.lookup import Answer
    from cart_nlp.suggest import Survey

_COMMAND = "cart-nlp lexicon"
_PATTERNS = b'{"label": "antigen", "pattern": '
"""By which an export is known: the patterns of a lexicon have their id second."""
app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Check the lexicons, look a name up, find candidates for new terms.",
)
_Layers = Annotated[
    list[Path] | None,
    typer.Option(help="Folder of your own lexicon rows, layered over the shipped ones; repeatable."),
]


@app.command("check")
def check(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[DIR]...", help="Folders of your own rows; default: the shipped lexicons."),
    ] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="First put rows into canonical order and cells into form.")
    ] = False,
    reference: Annotated[
        list[Path] | None,
        typer.Option(
            help="Terms of the Disease Ontology or of OncoTree (tab-separated) to compare the diseases with."
        ),
    ] = None,
) -> None:
    """Lint lexicons: one line a fault, as file:line: message. Exit 1 if there are any."""
    from cart_nlp import lint, paths

    layers = folders or []
    if fix:
        for folder in layers or [paths.lexicons()]:
            try:
                rewritten, _ = lint.fix(folder)
            except OSError as fault:
                _stop(f"{fault.filename}: cannot be rewritten: {fault.strerror}")
            for path in rewritten:
                _say(f"put in order: {path}")
    try:
        terms = [lint.read_reference(path) for path in reference or []]
        faults = lint.check(*layers, references=terms)
    except lint.ReferenceFault as fault:
        _stop(str(fault))
    except OSError as fault:
        _stop(f"{fault.filename}: cannot be read: {fault.strerror}")
    for found in faults:
        console.put(_safe(str(found)))
    where = ", ".join(map(str, layers)) or "the shipped lexicons"
    _say(f"{len(faults)} fault{'s' * (len(faults) != 1)} in {where}")
    raise typer.Exit(1 if faults else 0)


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="Any name: of an antigen, product, domain, disease …")],
    lexicon: _Layers = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """What a name resolves to and why. Exit 1 if it resolves to nothing."""
    from cart_nlp.lexicon import LexiconError
    from cart_nlp.lookup import look_up

    if not name.strip():
        _stop("the name is empty")
    try:
        answer = look_up(name.strip(), lexicon or [])
    except LexiconError as fault:
        _stop(str(fault))
    if json:
        console.put_json(answer.to_json())
    else:
        for line in lines(answer):
            console.put("    " * line.startswith(" ") + _safe(line).strip())
    raise typer.Exit(0 if answer.meanings else 1)


def lines(answer: Answer) -> list[str]:
    """An answer for the terminal."""
    found = []
    for meaning in answer.meanings:
        found.append(f"{meaning.concept}  ({meaning.label}, {meaning.row})")
        alias = "its name" if meaning.alias == meaning.concept else f"alias {meaning.alias!r}"
        found.append(f"    {alias}, {meaning.kind}: {meaning.needs}")
        found += [f"    {key}: {value}" for key, value in meaning.fields.items()]
    if not answer.meanings:
        found.append(f"{answer.name!r} is in no lexicon")
        if answer.nearest:
            found.append("nearest names:")
            found += [f"    {text}  ({label} {concept})" for text, label, concept in answer.nearest]
    for stop in answer.stops:
        what = "anything" if stop.blocks == "*" else repr(stop.blocks)
        found.append(f"stoplist: {stop.text!r} does not become {what}: {stop.reason}  ({stop.row})")
    return found


@app.command("suggest")
def suggest(
    corpora: Annotated[list[str], typer.Argument(metavar="CORPUS...", help="Dumps of any known format.")],
    csv: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write the candidates to this file, .csv, instead of a table."),
    ] = None,
    minimum: Annotated[
        int, typer.Option("--min", min=1, max=MOST, help="Only terms of at least N trials.")
    ] = 1,
    lexicon: _Layers = None,
    force: Annotated[bool, typer.Option("--force", help="Write over OUT, whatever it is.")] = False,
) -> None:
    """Candidates for new terms: antigens in a CAR's place and product codes that no lexicon knows."""
    from cart_nlp import outputs
    from cart_nlp.lexicon import LexiconError
    from cart_nlp.places import PlaceError
    from cart_nlp.registries.entry import InputError
    from cart_nlp.suggest import COLUMNS
    from cart_nlp.suggest import suggest as survey

    try:
        mark = ",".join(COLUMNS).encode()
        place = csv and outputs.claim(csv, [*corpora, *(lexicon or [])], ours=(mark,), force=force)
        result = survey(corpora, lexicon or [], minimum)
        if place is not None:
            cells = (candidate.row() for candidate in result.candidates)
            outputs.write(place, outputs.as_csv(COLUMNS, cells, mark=False))
    except (InputError, LexiconError, PlaceError) as fault:
        _stop(str(fault))
    if place is None:
        _table(result)
    rejected = f", {result.rejected:,} rejected" if result.rejected else ""
    to = f": {csv}" if csv else ""
    _say(f"{result.read:,} read{rejected}, {result.tagged:,} about CAR cells")
    _say(f"{len(result.candidates):,} candidates{to}")


@app.command("export")
def export(
    to: Annotated[
        str, typer.Option("--to", help="Form to write: entity-ruler, JSON lines for spaCy's rulers.")
    ],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write; - for standard output.")],
    lexicon: _Layers = None,
    force: Annotated[bool, typer.Option("--force", help="Write over FILE, whatever it is.")] = False,
) -> None:
    """Write all unambiguous names, and the token patterns, for another pipeline.

    Names are in lower case: the ruler needs the config {"phrase_matcher_attr": "LOWER"}.
    """
    import json

    from cart_nlp import outputs, paths
    from cart_nlp.lexicon import LexiconError, load
    from cart_nlp.places import PlaceError, regular

    if to != "entity-ruler":
        _stop(f"--to {to}: there is entity-ruler")
    place = None
    try:
        if str(file) != "-":
            inputs = [paths.lexicons(), *(lexicon or [])]
            place = outputs.claim(regular(file), inputs, ours=(_PATTERNS,), force=force)
        found = list(load(*(lexicon or [])).for_rulers())
        patterns = [json.dumps(pattern, ensure_ascii=False) for pattern in found]
        if place is None:
            console.put_json_lines(patterns)
        else:
            outputs.write(place, "".join(f"{line}\n" for line in patterns))
    except (LexiconError, PlaceError) as fault:
        _stop(str(fault))
    _say(f"{len(found):,} patterns: {file}")
    _say('names in lower case: give the ruler config={"phrase_matcher_attr": "LOWER"}')


def _table(result: Survey) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for title, right in (
        ("term", 0),
        ("kind", 0),
        ("trials", 1),
        ("mentions", 1),
        ("nearest", 0),
        ("example", 0),
    ):
        table.add_column(title, justify="right" if right else "left", no_wrap=title != "example")
    for candidate in result.candidates:
        term, kind, trials, mentions, nearest, where, example = map(_safe, candidate.row())
        table.add_row(*map(Text, (term, kind, trials, mentions, nearest, f"{where}: {example}")))
    if result.candidates:
        console.screen().print(table)


def _safe(text: str) -> str:
    return console.safe(text, lines=False)


def _say(line: str) -> None:
    console.say(_COMMAND, line)


def _stop(lines: str) -> NoReturn:
    console.stop_all(_COMMAND, lines.splitlines())
