"""Full trial details of the EU Clinical Trials Register, its text download: one block a member state."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cart_nlp.registries.containers import bounds
from cart_nlp.registries.containers.bounds import TOO_LONG
from cart_nlp.registries.containers.feeds import Feed
from cart_nlp.registries.containers.jsonvalues import split_pieces
from cart_nlp.registries.containers.mending import mended
from cart_nlp.registries.entry import Entry, Reject
from cart_nlp.registries.values import normalize, shapes
from cart_nlp.registries.values.trials import built
from cart_nlp.schema import Trial

REGISTRY = "EU Clinical Trials Register"
_NUMBER = re.compile(r"20\d\d-\d{6}-\d\d")
_CODE = re.compile(r"([A-HNP]\.(?:\d+(?:\.\d+)*\.?)?(?:IMP)?)(?::?[ \t]|:)")
_LANGUAGE = re.compile(r"\(([a-z]{2})\)\s*$")
_NAMES = ("D.3.1", "D.2.1.1.1", "D.3.2", "D.3.8", "D.3.9.2", "D.3.9.3", "D.3.9.1")
_PHASES = {"E.7.1": "PHASE1", "E.7.2": "PHASE2", "E.7.3": "PHASE3", "E.7.4": "PHASE4"}
_HEADING = (
    "EudraCT Number:",
    "Sponsor's Protocol Code Number:",
    "National Competent Authority:",
    "Clinical Trial Type:",
    "Trial Status:",
    "Date on which this record was first entered",
)
_AROUND = 3
"""Lines beside a heading that tell what it is."""
_LINE_COST = 64
"""Bytes that a line takes in memory beside its letters."""


def read(feed: Feed) -> Iterator[Entry | Reject]:
    """Entries of a download; consecutive blocks of one EudraCT number make one trial.

    A block that the input cuts off is a reject, the trial is made of the others.
    """
    held: list[list[str]] = []
    number, at, size = "", 0, 0
    for block in _blocks(feed):
        if block.fault:
            yield Reject(feed.name, f"line {block.at}", block.number or None, block.fault)
            continue
        if block.number != number:
            if held:
                yield _entry(feed.name, at, number, held)
            held, number, at, size = [], block.number, block.at, 0
        size += block.size
        if size <= bounds.MAX_RECORD:
            held.append(block.lines)
        elif held:
            yield Reject(feed.name, f"line {at}", number, TOO_LONG)
            held = []
    if held:
        yield _entry(feed.name, at, number, held)


def _entry(source: str, at: int, number: str, held: list[list[str]]) -> Entry:
    text = "\n".join(line for block in held for line in block)
    return Entry(source, f"line {at}", text, held, parse, number)


@dataclass
class _Block:
    """What one member state says of a trial."""

    at: int
    number: str = ""
    lines: list[str] = field(default_factory=list)
    size: int = 0
    fault: str = ""

    def add(self, line: str) -> None:
        self.size += len(line) + _LINE_COST
        if self.size > bounds.MAX_RECORD:
            self.fault, self.lines = self.fault or TOO_LONG, self.lines[:1]
            return
        self.lines.append(line)
        if not self.number and line.startswith(("EudraCT Number:", "A.2 ")):
            found = _NUMBER.search(line[:200])
            self.number = found[0] if found else ""

    def is_whole(self) -> bool:
        """Whether the last sections of a record are there."""
        return any(line.startswith(("N. ", "P. ")) for line in self.lines[-60:])


def _blocks(feed: Feed) -> Iterator[_Block]:
    """Every block, told by its heading: a field may hold a line that only looks like one."""
    block: _Block | None = None
    before = ""
    lines = _Lines(feed)
    for line, said, *following in _followed(iter(lines)):
        if said is None:
            if block is None:
                yield _Block(line, fault=TOO_LONG)
            else:
                block.fault = block.fault or TOO_LONG
            continue
        words = said.strip()
        heading = words == "Summary" and any(each.startswith(_HEADING) for each in following)
        if (
            heading
            or (said.startswith("EudraCT Number:") and _is_numbered(before, following[0]))
            or ((block is None or before.startswith("P. ")) and _is_astray(said, block))
        ):
            if block is not None:
                yield _checked(block)
            block = _Block(line)
        if block is not None and not heading:
            block.add(said)
        lines.only_headings = block is not None and block.fault == TOO_LONG
        before = words
    if block is not None:
        if not block.fault and not block.is_whole():
            block.fault = "the input ends within this record"
        yield _checked(block)


def _is_numbered(before: str, following: str) -> bool:
    """Whether a line with a number heads a block without the line that should stand before it."""
    return before != "Summary" and (not before or following.startswith(_HEADING))


def _is_astray(said: str, block: _Block | None) -> bool:
    """Whether a block begins without its heading: there is none yet, or the one there is ended."""
    if block is None:
        return said.startswith(("A. ", "A.1 ", "A.2 ")) or _NUMBER.search(said[:200]) is not None
    return block.is_whole() and not said.startswith(("N. ", "P. "))


def _checked(block: _Block) -> _Block:
    if not block.number:
        block.fault = block.fault or "record without a EudraCT number"
    return block


class _Lines:
    """Number and text of every line that is not blank; None for one too long to hold."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.only_headings = False
        """Whether the block is too long, so that only the next one is of interest."""

    def __iter__(self) -> Iterator[tuple[int, str | None]]:
        for lines in split_pieces(self._feed):
            if self.only_headings and len(lines) > _AROUND:
                held = b"\n".join(raw or b"" for _, raw in lines)
                if b"Summary" not in held and b"EudraCT Number:" not in held:
                    lines = lines[-_AROUND:]
            for line, raw in lines:
                if raw is None:
                    yield line, None
                elif raw.isascii() and b"?" not in raw:
                    yield line, raw.decode("ascii").rstrip("\r")
                else:
                    note = self._feed.noting(f"line {line}")
                    yield line, mended(raw, note).decode("utf-8", "replace").rstrip("\r")


def _followed(lines: Iterator[tuple[int, str | None]]) -> Iterator[tuple[int, str | None, str, str]]:
    """Each line with the two that follow it, empty at the end."""
    one, two = next(lines, None), next(lines, None)
    if one is None:
        return
    for three in itertools.chain(lines, (None, None)):
        yield *one, (two[1] if two else None) or "", (three[1] if three else None) or ""
        if two is None:
            return
        one, two = two, three


def _fields(lines: list[str]) -> tuple[dict[str, list[str]], list[dict[str, list[str]]]]:
    """Code -> values, English first, and the same for each medicinal product."""
    general: dict[str, list[str]] = {}
    products: list[dict[str, list[str]]] = []
    into, code, values, foreign = general, "", [""], False

    def close() -> None:
        value = "\n".join(values).strip()
        if code and value:
            into.setdefault(code + ("~" if foreign else ""), []).append(value)

    for line in lines:
        found = _CODE.match(line)
        if found is None:
            name, colon, value = line.partition(":")
            if colon and not code:
                general.setdefault(name.strip(), []).append(value.strip())
            elif line.strip():
                values.append(line.strip())
            continue
        close()
        code = found[1].rstrip(".")
        label, _, value = line[found.end() :].partition(":")
        foreign = bool(_LANGUAGE.search(label))
        values = [value.strip()]
        if code == "D.IMP":
            products.append({})
        into = products[-1] if products and code.startswith(("D.2", "D.3")) else general
        if code == "N" or code == "P":
            code = f"{code} {label.strip()}"
    close()
    return general, products


def _first(blocks: list[dict[str, list[str]]], code: str) -> str:
    """The first English value of a code over all member states, or else one in another language."""
    for key in (code, code + "~"):
        for block in blocks:
            if block.get(key):
                return block[key][0]
    return ""


def _interventions(products: list[dict[str, list[str]]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for product in products:
        names = shapes.unique(value for code in _NAMES for value in product.get(code, ()))
        if names:
            known = found.setdefault(names[0].casefold(), {"name": names[0], "other_names": []})
            known["other_names"] += [name for name in names[1:] if name not in known["other_names"]]
    return list(found.values())


def _state(blocks: list[dict[str, list[str]]]) -> str:
    """What is said of the state, by a member state where the trial still runs, or else by the first."""
    said = list(shapes.unique(state for block in blocks for state in block.get("Trial Status", ())))
    runs = (state for state in said if normalize.status(state) in ("ONGOING", "RECRUITING"))
    return next(runs, "") or "".join(said[:1])


def _entered(blocks: list[dict[str, list[str]]]) -> str:
    """The day on which the first member state's record was entered, in its own words if it is no day."""
    name = "Date on which this record was first entered in the EudraCT database"
    said = [day for block in blocks for day in block.get(name, ())]
    return min(filter(None, map(normalize.date, said)), default="".join(said[:1]))


def _sponsors(blocks: list[dict[str, list[str]]]) -> list[str]:
    """Every sponsor once: member states spell it with other blanks, signs and capitals."""
    spelled: dict[str, str] = {}
    for name in (name for block in blocks for name in block.get("B.1.1", ())):
        spelled.setdefault(re.sub(r"[\W_]+", "", name).casefold() or name, name)
    return list(spelled.values())


def _sections(blocks: list[dict[str, list[str]]], products: list[dict[str, list[str]]]) -> dict[str, str]:
    lay, full = _first(blocks, "A.3.1"), _first(blocks, "A.3")
    criteria = [
        f"{label} criteria:\n{said}"
        for label, code in (("Inclusion", "E.3"), ("Exclusion", "E.4"))
        if (said := _first(blocks, code))
    ]
    return shapes.sections(
        brief_title=lay or full,
        official_title=full if lay else "",
        acronym=_first(blocks, "A.3.2"),
        brief_summary=_first(blocks, "E.2.1"),
        detailed_description=_first(blocks, "E.2.2"),
        conditions=shapes.unique((_first(blocks, "E.1.1"), _first(blocks, "E.1.1.1"))),
        interventions=_interventions(products),
        eligibility="\n\n".join(criteria),
        primary_outcomes=[_first(blocks, "E.5.1")],
        secondary_outcomes=[_first(blocks, "E.5.2")],
    )


def parse(held: list[list[str]]) -> Trial:
    """Build the trial of the blocks of its member states."""
    both = [_fields(block) for block in held]
    blocks = [general for general, _ in both]
    found = _NUMBER.search(_first(blocks, "EudraCT Number") or _first(blocks, "A.2"))
    number = shapes.checked_id(found[0] if found else "", "a EudraCT number")
    kind = next((values[0] for block in blocks for code, values in block.items() if code == "B.3.1"), "")
    sponsors = _sponsors(blocks)
    return built(
        number,
        REGISTRY,
        "",
        _sections(blocks, [product for _, products in both for product in products]),
        secondary_ids=(_first(blocks, code) for code in ("A.5.1", "A.5.2", "A.5.3", "A.5.4", "A.4.1")),
        phase="|".join(name for code, name in _PHASES.items() if _first(blocks, code).casefold() == "yes"),
        status=_state(blocks),
        study_type="INTERVENTIONAL",
        enrollment=_first(blocks, "F.4.2.2") or _first(blocks, "F.4.2.1") or _first(blocks, "F.4.1"),
        completion_date=_first(blocks, "P Date of the global end of the trial"),
        first_posted=_entered(blocks),
        sponsor=sponsors[0] if sponsors else "",
        sponsor_class=kind,
        collaborators=sponsors[1:],
        countries=(_first([block], "A.1").rsplit(" - ", 1)[0] for block in blocks),
        raw={"study_type": ""},
    )
