"""A tagged trial on the terminal: the record, then its text with what was found, by role."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from cart_nlp.console import safe
from cart_nlp.schema import INCLUDED, TAGGED_FIELDS, UNREAD
from cart_nlp.text import construct_text

if TYPE_CHECKING:
    from rich.console import Console
    from spacy.tokens import Doc

    from cart_nlp.reasons import Why
    from cart_nlp.schema import Record

# The end of a word whose beginning is marked ("cell" + "s"): it stays before what the mark says.
_REST = re.compile(r"[a-z]{1,3}(?![A-Za-z])")

STYLES = {
    "targets": "bold black on bright_green",
    "disease_markers": "black on red",
    "products": "bold black on bright_cyan",
    "costim": "black on cyan",
    "generation": "black on cyan",
    "vector": "black on bright_blue",
    "cell_source": "black on bright_yellow",
    "cell_type": "black on yellow",
    "edits": "black on bright_magenta",
    "armoring": "black on magenta",
    "safety_switch": "black on magenta",
    "disease_group": "black on white",
    "indications": "black on white",
    "focus": "underline",
    "follow_up_years": "underline",
    "car_trial": "bold underline",
}
"""Field -> how its evidence is shown."""
OTHER = "black on bright_red"
"""An antigen in another role than target."""
FIELDS = ("car_trial", *TAGGED_FIELDS)


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a section and what it says: `said` is field or role."""

    section: str
    start: int
    end: int
    said: str
    value: str


def marks(doc: Doc, record: Record) -> list[Mark]:
    """What to show in the text: the evidence of every value, and other antigens with their role."""
    from cart_nlp.assembly import place_of
    from cart_nlp.pipeline import mentions

    where = place_of(doc)
    values = (doc._.cart or {}).get("values", {})
    fields = FIELDS if record.car_trial in INCLUDED else ("car_trial",)
    found = []
    for field in fields:
        for value, start, end, _, basis, *_ in values.get(field, ()):
            if basis == "registry":
                continue
            section, first, _ = where.section(start)
            found.append(
                Mark(section, start - first, end - first, field, "" if field == "car_trial" else value)
            )
    found += [
        Mark(e.section, e.start, e.end, e.field, e.value)
        for e in record.evidence
        if e.field == "follow_up_years" and e.basis == "text"
    ]
    shown = {(m.section, m.start, m.end, m.said) for m in found}
    for one in mentions(doc):
        here = (one.section, one.start, one.end)
        if one.role and not shown & {(*here, "targets"), (*here, "disease_markers")}:
            role = "no target" if one.role == "target" else one.role.replace("_", " ")
            found.append(Mark(*here, role, one.concept))
    return sorted(set(found), key=lambda m: (m.section, m.start, -m.end, m.said))


def render(
    console: Console,
    record: Record,
    sections: Iterable[tuple[str, str]],
    found: Sequence[Mark],
    *,
    everything: bool,
) -> None:
    """Print a record and its sections; those without marks only with `everything`."""
    console.print(_head(record))
    console.print(_table(record))
    hidden = 0
    for key, text in sections:
        here = [mark for mark in found if mark.section == key]
        if not here and not everything:
            hidden += 1
            continue
        console.print()
        console.print(Text(safe(key, lines=False), style="bold dim"))
        console.print(highlighted(text, here, plain=not console.is_terminal or bool(console.no_color)))
    if hidden:
        console.print(Text(f"\n{hidden} more sections without marks; --all prints them", style="dim"))


def _head(record: Record) -> Text:
    head = Text()
    if record.trial_id != "text":
        head.append(safe(f"{record.trial_id}  ", lines=False), style="bold")
        head.append(safe(record.title, lines=False) + "\n")
    head.append(record.car_trial, style="bold")
    head.append(f" (score {record.car_score:.2f})")
    return head


def _table(record: Record) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name in FIELDS[1:]:
        values = getattr(record, name)
        values = ((values,) if values else ()) if not isinstance(values, tuple) else values
        if not values:
            continue
        told = {e.value for e in record.evidence if e.field == name and e.basis != "product"}
        cell = Text()
        for i, value in enumerate(values):
            cell.append(", " if i else "")
            cell.append(safe(str(value), lines=False), style=STYLES[name])
            if str(value) not in told:
                cell.append(" (known of the product)", style="dim")
        table.add_row(escape(name), cell)
    if record.follow_up_years is not None:
        table.add_row("follow_up_years", Text(f"{record.follow_up_years:g}", style=STYLES["follow_up_years"]))
    if record.constructs:
        joined = "; ".join(construct_text(c.targets, c.format) for c in record.constructs)
        table.add_row("constructs", Text(safe(joined, lines=False)))
    if UNREAD in record.raw:
        table.add_row(UNREAD, Text(safe(record.raw[UNREAD], lines=False), style=OTHER))
    return table


def render_reasons(console: Console, told: Iterable[Why]) -> None:
    """Print why each value stands, and why another does not."""
    console.print()
    for one in told:
        head = Text(safe(f"{one.name}: {one.value}", lines=False), style="bold" if one.stands else "dim bold")
        head.append("" if one.stands else "  not in the record")
        head.append("" if one.probability is None else f"  {one.probability:.2f}")
        console.print(head, soft_wrap=True)
        if one.text:
            console.print(
                Text(safe(f"    {one.section}: {one.text}", lines=False), style="dim"), soft_wrap=True
            )
        if one.rule:
            console.print(Text(safe(f"    decided by {one.rule}", lines=False)), soft_wrap=True)
        for part in one.parts:
            for side, held in (("for", part.signals_for), ("against", part.signals_against)):
                if held:
                    listed = ", ".join(f"{signal} {weight:+.1f}" for signal, weight in held)
                    console.print(Text(safe(f"    {part.of}, {side}: {listed}", lines=False)), soft_wrap=True)


def highlighted(text: str, found: Sequence[Mark], *, plain: bool) -> Text:
    """One section with its marks, each followed by what it says: colored, or in brackets if `plain`."""
    out = Text()
    at = 0
    groups = _groups(found)
    for i, (start, end, here) in enumerate(groups):
        out.append(safe(text[at:start]))
        words = safe(text[start:end])
        said = ", ".join(dict.fromkeys(_said(mark, text) for mark in here))
        style = STYLES.get(here[0].said, OTHER)
        out.append(f"[{words}]" if plain else words, style="" if plain else style)
        following = groups[i + 1][0] if i + 1 < len(groups) else len(text)
        tail = _REST.match(text, end, following)
        at = tail.end() if tail else end
        out.append(text[end:at])
        out.append(f"{{{said}}}" if plain else f" {said} ", style="" if plain else "dim italic")
    out.append(safe(text[at:]))
    return out


def _said(mark: Mark, text: str) -> str:
    """A mark's field or role, with the value where the words do not say it themselves."""
    written = text[mark.start : mark.end]
    value = "" if not mark.value or mark.value.casefold() == written.casefold() else f" {mark.value}"
    return safe(f"{mark.said}{value}", lines=False)


def _groups(found: Sequence[Mark]) -> list[tuple[int, int, list[Mark]]]:
    """Marks that overlap, as one stretch; the field of the first in FIELDS' order colors it."""
    rank = {name: i for i, name in enumerate(("targets", "products", *FIELDS[1:], "car_trial"))}
    groups: list[tuple[int, int, list[Mark]]] = []
    for mark in sorted(found, key=lambda m: (m.start, -m.end)):
        if groups and mark.start < groups[-1][1]:
            start, end, here = groups[-1]
            groups[-1] = (start, max(end, mark.end), [*here, mark])
        else:
            groups.append((mark.start, mark.end, [mark]))
    return [(s, e, sorted(here, key=lambda m: rank.get(m.said, len(rank)))) for s, e, here in groups]
