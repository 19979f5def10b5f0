"""Names against names: said twice, said for two concepts, stopped, or too short to be safe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from cart_nlp.disease_names import genitive, variants
from cart_nlp.lexicon import own_name
from cart_nlp.lint.faults import Fault
from cart_nlp.lint.rows import Layer
from cart_nlp.lint.tables import Row, place
from cart_nlp.text import fold, lower, spellings

_WIDE = 0x2E7F
"""Characters above are Chinese or Japanese, of which two make a word."""
_SHORT = 5
"""A product code of at most so many letters and digits also stands for other things."""
_CONSTRUCT = re.compile(r"car|(28|bb)z")
"""What shows that a code names a CAR, however short it is."""
_BOTH = frozenset({"imc", "myd88/cd40"})
"""Strings that mean two concepts of a table at once, each of which lists them."""


@dataclass(frozen=True, slots=True)
class Alias:
    """A string as one row has it: `text` is what is matched, `written` what the cell says."""

    written: str
    text: str
    guarded: bool
    exact: bool
    row: Row

    def forms(self) -> frozenset[str]:
        """Every spelling that this alias finds, in lower case."""
        return _forms(self.text)


@lru_cache(maxsize=1 << 16)
def _forms(text: str) -> frozenset[str]:
    return frozenset(spellings(text))


def matched(written: str) -> str:
    """What an alias or stop is matched as: folded, in lower case, without the mark of exact case."""
    return lower(fold(written.removeprefix("=")))


def aliases(row: Row) -> Iterator[Alias]:
    """What a row is found by; its name as well, unless `lexicon.own_name` says otherwise."""
    guards = row.values("guarded")
    stated = (*row.values("aliases"), *row.values("narrower"))
    free = own_name(row.label, row.name, stated, guards)
    for guarded, cell in ((False, free), (True, guards)):
        for written in cell:
            yield Alias(written, matched(written), guarded, written.startswith("="), row)


class Names:
    """Judges what the layer's own rows are found by."""

    def __init__(self, layer: Layer) -> None:
        taken = {
            (row.label, row.name, matched(value))
            for row in layer.own
            if row.cell("remove") == "aliases"
            for value in (*row.values("aliases"), *row.values("guarded"))
        }
        self.aliases = [
            alias
            for row in (*layer.old, *layer.new)
            if row.label
            for alias in aliases(row)
            if (row.label, row.name, alias.text) not in taken
        ]
        self.own = {id(row) for row in layer.own}
        self.pieces: dict[str, list[tuple[str, str]]] = {}
        for alias in self.aliases:
            if alias.row.label == "product":
                self._add_pieces(alias.text, alias.row.name)
        self.stops = [row for row in (*layer.old, *layer.new) if row.path.stem == "stoplist"]
        for stop in self.stops:
            self._add_pieces(matched(stop.cell("text")), "")

    def faults(self) -> Iterator[Fault]:
        """What is wrong with them."""
        yield from self._within()
        yield from self._pieces()
        yield from self._between()
        yield from self._stopped()

    def _within(self) -> Iterator[Fault]:
        rows: dict[int, list[Alias]] = {}
        for alias in self.aliases:
            if id(alias.row) in self.own:
                rows.setdefault(id(alias.row), []).append(alias)
        for found in rows.values():
            for i, one in enumerate(found):
                others = ((j < i, other) for j, other in enumerate(found) if j != i)
                messages = [_danger(one), *(_redundant(one, other, before) for before, other in others)]
                for message in filter(None, dict.fromkeys(messages)):
                    yield Fault(one.row.path, one.row.line, message)

    def _add_pieces(self, text: str, name: str) -> None:
        pieces = text.split("-")
        for piece in pieces if len(pieces) > 1 else ():
            self.pieces.setdefault(piece, []).append((name, text))

    def _pieces(self) -> Iterator[Fault]:
        """Free product codes that would be found inside a longer name with hyphens."""
        for alias in self.aliases:
            if alias.guarded or id(alias.row) not in self.own or not _code(alias):
                continue
            longer = sorted(text for name, text in self.pieces.get(alias.text, ()) if name != alias.row.name)
            if longer:
                message = f"{alias.written!r} is a piece of {longer[0]!r}; put it in guarded"
                yield Fault(alias.row.path, alias.row.line, message)

    def _between(self) -> Iterator[Fault]:
        """One string for two concepts of a table, where nothing decides between them."""
        table: dict[tuple[str, str], list[Alias]] = {}
        for alias in self.aliases:
            for form in alias.forms():
                table.setdefault((alias.row.label, form), []).append(alias)
        for sharing in table.values():
            if len({alias.row.name for alias in sharing}) < 2 or sharing[0].text in _BOTH:
                continue
            for i, late in enumerate(sharing):
                for early in sharing[:i]:
                    if id(late.row) in self.own and _contradict(early, late):
                        message = (
                            f"{late.written!r} means {late.row.name!r} here and {early.row.name!r} in "
                            f"{place(early.row)}; take one away, or guard one of them"
                        )
                        yield Fault(late.row.path, late.row.line, message)

    def _stopped(self) -> Iterator[Fault]:
        """Aliases that the stoplist takes back."""
        stops: dict[str, list[Row]] = {}
        for stop in self.stops:
            for form in _forms(matched(stop.cell("text"))):
                stops.setdefault(form, []).append(stop)
        for alias in self.aliases:
            for stop in stops.get(alias.text, ()):
                text = stop.cell("text")
                if stop.cell("blocks") not in ("*", alias.row.name):
                    continue
                if text.startswith("=") and text != alias.written:
                    continue  # one case of it is stopped, the others stand
                fault = alias.row if id(alias.row) in self.own else stop
                if id(fault) in self.own:
                    where = place(stop)
                    message = (
                        f"{alias.written!r} ({alias.row.name}) never counts: the stoplist has it in {where}"
                    )
                    yield Fault(fault.path, fault.line, message)


def _contradict(one: Alias, other: Alias) -> bool:
    if one.row.name == other.row.name or one.guarded != other.guarded:
        return False
    return not (one.exact and other.exact and one.written != other.written)


def _danger(alias: Alias) -> str:
    """Why a free alias would be found where it means something else."""
    if alias.guarded:
        return ""
    bare = re.sub(r"[\W_]", "", alias.text)
    if not bare:
        return f"{alias.written!r} has neither letter nor digit"
    if bare.isdigit():
        return f"{alias.written!r} is a mere number; put it in guarded, or nowhere"
    if sum(2 if ord(sign) > _WIDE else 1 for sign in bare) <= 2:
        return f"{alias.written!r} is too short to mean {alias.row.name!r} everywhere; put it in guarded"
    if _code(alias) and len(bare) <= _SHORT and not _CONSTRUCT.search(bare):
        return f"{alias.written!r} is a short code, which may name other things; put it in guarded"
    return ""


def _code(alias: Alias) -> bool:
    """A product name of letters and digits, such as FT819."""
    bare = re.sub(r"[\W_]", "", alias.text)
    letters = any(sign.isalpha() for sign in bare)
    return alias.row.label == "product" and letters and any(sign.isdigit() for sign in bare)


def _redundant(one: Alias, other: Alias, before: bool) -> str:
    """Why `one` says nothing that `other` of its row does not say; `before`: the other stands first."""
    if one.guarded != other.guarded:
        same = one.text == other.text and one.guarded and (one.exact or not other.exact)
        return f"{one.written!r} is both free and guarded" if same else ""
    if one.written == one.row.name or (other.exact and (not one.exact or one.text != other.text)):
        return ""  # a name stays, and an alias may be wider than it
    if one.text == other.text and one.exact == other.exact and not before:
        return ""  # told of the second one
    return _found_by(one, other, before)


def _found_by(one: Alias, other: Alias, before: bool) -> str:
    """How the other alias finds the text of this one, if it does."""
    mutual = one.text != other.text and other.text in one.forms()
    if one.text in other.forms() and (before or not mutual):
        return f"{one.written!r} is found by {other.written!r} already; take it away"
    turned = one.text in variants(other.text) and (before or other.text not in variants(one.text))
    if one.row.label == "disease" and (turned or one.text == matched(genitive(other.written)) != other.text):
        return f"{one.written!r} is a regular spelling of {other.written!r}, found by itself; take it away"
    if one.text == f"{other.text}s" and other.text[-1:].isalpha() and other.text.isascii():
        return f"{one.written!r} is found as the plural of {other.written!r} already; take it away"
    return ""
