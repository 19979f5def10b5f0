"""Terms, patterns and cues as frozen objects; the only reader of the lexicon folders."""

from __future__ import annotations

import csv
import hashlib
import itertools
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from cart_nlp import paths
from cart_nlp.disease_names import unclaimed
from cart_nlp.text import fold, lower, spellings

LABELS = {
    "antigens": "antigen",
    "ligands": "ligand",
    "products": "product",
    "costim": "costim",
    "vectors": "vector",
    "cell_sources": "cell_source",
    "cell_types": "cell_type",
    "edits": "edit",
    "armoring": "armoring",
    "switches": "safety_switch",
    "diseases": "disease",
}
"""File stem -> label of its terms."""

SEPARATOR = " | "


class LexiconError(Exception):
    """A lexicon file that cannot be used: one line with file, place, fault and remedy."""


@dataclass(frozen=True, slots=True)
class Concept:
    """One row of a lexicon table."""

    label: str
    name: str
    fields: Mapping[str, str]
    row: str

    def values(self, column: str) -> tuple[str, ...]:
        """The parts of a multi-valued cell."""
        cell = self.fields.get(column)
        return split(cell) if cell else ()


@dataclass(frozen=True, slots=True)
class Term:
    """One string that names a concept. `text` is folded and, unless `exact`, lower case."""

    text: str
    concept: Concept
    guarded: bool
    exact: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """A string that must not resolve to `blocks` (`*`: to anything), with the reason."""

    text: str
    blocks: str
    exact: bool
    reason: str
    row: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression over folded text with the value that it stands for, and its own tests.

    `cue` strings (lower case) must occur in the text for the expression to be tried at all.
    """

    name: str
    label: str
    concept: str
    regex: re.Pattern[str]
    cue: tuple[str, ...]
    hits: tuple[str, ...]
    misses: tuple[str, ...]
    row: str


def _cue(name: str, table: Any) -> re.Pattern[str]:
    """Compile one table of cues.toml: its lists, joined by |, stand for their {names} in its pattern."""
    if not isinstance(table, dict) or not isinstance(pattern := table.get("pattern", "{words}"), str):
        raise LexiconError(
            f"cues.toml: [{name}] is no table with a pattern and lists; see lexicons/README.md"
        )
    for key, items in table.items():
        if isinstance(items, list):
            pattern = pattern.replace("{" + key + "}", "|".join(map(str, items)))
    try:
        return re.compile(pattern)
    except re.error as fault:
        raise LexiconError(f"cues.toml: [{name}]: {fault}; each item must be a regular expression") from fault


@cache
def split(cell: str) -> tuple[str, ...]:
    """The parts of a cell that joins several values with ` | `."""
    return tuple(part.strip() for part in cell.split("|") if part.strip())


@dataclass(frozen=True)
class Lexicon:
    """All that is known by name: concepts, the terms that name them, stops, patterns and cues."""

    concepts: Mapping[tuple[str, str], Concept]
    terms: tuple[Term, ...]
    stops: tuple[Stop, ...]
    patterns: tuple[Pattern, ...]
    cues: Mapping[str, Mapping[str, object]]
    digest: str
    qualifiers: frozenset[str] = frozenset()
    """Words between those of a disease's name that do not change which disease it is (stage, age, line)."""

    def get(self, label: str, name: str) -> Concept | None:
        """The concept of that canonical name, if there is one."""
        return self.concepts.get((label, name))

    @cached_property
    def folded(self) -> Mapping[str, tuple[Concept, ...]]:
        """Every spelling (lower case) -> the concepts that it may name."""
        table: dict[str, tuple[Concept, ...]] = {}
        for term in self.terms:
            for spelling in spellings(lower(term.text)):
                found = table.get(spelling, ())
                if term.concept not in found:
                    table[spelling] = (*found, term.concept)
        return table

    @cached_property
    def patterns_of_cues(self) -> Mapping[str, re.Pattern[str]]:
        """Every cue by its dotted name ("role.edit"), compiled."""
        compiled = {}
        for group, tables in self.cues.items():
            for name, table in tables.items():
                compiled[f"{group}.{name}"] = _cue(f"{group}.{name}", table)
        return compiled

    @cached_property
    def cd_numbers(self) -> Mapping[str, str]:
        """Number -> antigen for the CD names ("19" -> CD19, "138" -> CD138, "319" -> SLAMF7)."""
        numbers: dict[str, str] = {}
        for term in self.terms:
            if term.concept.label == "antigen" and (
                found := re.fullmatch(r"cd-?(\d+[a-z]?)", lower(term.text))
            ):
                numbers.setdefault(found[1], term.concept.name)
        return numbers

    def hgnc(self, antigen: str) -> tuple[str, ...]:
        """HGNC ids of an antigen; none for one that is not a gene product or not in the lexicon."""
        concept = self.get("antigen", antigen)
        return concept.values("hgnc_id") if concept else ()


def _rows(path: Path) -> Iterable[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            if not {"name", "text"} & set(reader.fieldnames or ()):
                raise LexiconError(f"{path}:1: no column `name` (in the stoplist `text`) in its header")
            for row in reader:
                if None in row or None in row.values():
                    raise LexiconError(
                        f"{path}:{reader.line_num}: the number of cells differs from the header; "
                        "quote cells that hold a comma"
                    )
                yield reader.line_num, row
    except (csv.Error, UnicodeDecodeError) as fault:
        raise LexiconError(f"{path}: not a UTF-8 CSV file ({fault})") from fault


def _toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise LexiconError(f"{path}: not a TOML file ({fault})") from fault


def _layer(concepts: dict[tuple[str, str], Concept], path: Path, label: str) -> None:
    """Add the rows of one table; a row of a known name adds aliases, or takes away what `remove` says."""
    for number, row in _rows(path):
        name = row.get("name", "").strip()
        if not name:
            raise LexiconError(f"{path}:{number}: a row without a name")
        remove = row.get("remove", "").strip()
        known = concepts.get((label, name))
        if remove == "row":
            if known is None:
                raise LexiconError(f"{path}:{number}: nothing named {name!r} to remove")
            del concepts[label, name]
            continue
        fields = {key: value.strip() for key, value in row.items() if key != "remove"}
        if known is not None:
            merged = dict(known.fields)
            for key, value in fields.items():
                if key in ("aliases", "narrower", "guarded"):
                    old, new = split(merged.get(key, "")), split(value)
                    kept = [a for a in old if a not in new] if remove == "aliases" else [*old, *new]
                    merged[key] = SEPARATOR.join(dict.fromkeys(kept))
                elif value and remove != "aliases":
                    merged[key] = value
            fields = merged
        concepts[label, name] = Concept(label, name, fields, f"{path.name}:{number}")


def _terms(concept: Concept) -> Iterable[Term]:
    seen = set()
    guards = concept.values("guarded")
    # A name that is ambiguous by itself (T, CD7, in_vivo) is repeated in `guarded`: then it is no free alias.
    name = () if concept.name in {guard.removeprefix("=") for guard in guards} else (concept.name,)
    columns = ((*name, *concept.values("aliases"), *concept.values("narrower")), guards)
    for guarded, aliases in zip((False, True), columns, strict=True):
        for alias in aliases:
            exact = alias.startswith("=")
            text = fold(alias.removeprefix("="))
            text = text if exact else lower(text)
            if text and text not in seen:
                seen.add(text)
                yield Term(text, concept, guarded, exact)


def _patterns(path: Path) -> Iterable[Pattern]:
    for number, entry in enumerate(_toml(path).get("pattern", []), 1):  # type: ignore[arg-type, var-annotated]
        try:
            yield Pattern(
                name=f"{path.stem}.{entry['name']}",
                label=entry["label"],
                concept=entry.get("concept", ""),
                regex=re.compile(entry["regex"], 0 if entry.get("case") else re.IGNORECASE),
                cue=tuple(entry.get("cue", ())),
                hits=tuple(entry["hits"]),
                misses=tuple(entry["misses"]),
                row=f"{path.name}#{entry['name']}",
            )
        except (KeyError, re.error) as fault:
            raise LexiconError(f"{path}: pattern {number}: {fault}; see lexicons/README.md") from fault


def load(*layers: Path | str, shipped: bool = True) -> Lexicon:
    """Read the shipped lexicons and any folders of a user's own rows on top of them.

    Raises LexiconError with file and line if a file cannot be used.
    """
    folders = [*([paths.lexicons()] if shipped else []), *map(Path, layers)]
    concepts: dict[tuple[str, str], Concept] = {}
    stops: list[Stop] = []
    patterns: list[Pattern] = []
    cues: dict[str, dict[str, object]] = {}
    qualifiers: set[str] = set()
    digest = hashlib.sha256()
    for folder in folders:
        if not folder.is_dir():
            raise LexiconError(f"{folder}: no such folder of lexicons")
        if not any(folder.glob("*.csv")) and not any(folder.rglob("*.toml")):
            raise LexiconError(f"{folder}: holds no lexicon; see `cart-nlp lexicon check {folder}`")
        for path in sorted(folder.glob("*.csv")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
            if path.stem in LABELS:
                _layer(concepts, path, LABELS[path.stem])
            elif path.stem == "stoplist":
                for number, row in _rows(path):
                    text = row["text"]
                    exact = text.startswith("=")
                    folded = fold(text.removeprefix("="))
                    stops.append(
                        Stop(
                            folded if exact else lower(folded),
                            row["blocks"],
                            exact,
                            row["reason"],
                            f"{path.name}:{number}",
                        )
                    )
            elif path.stem == "disease_qualifiers":
                qualifiers.update(lower(fold(row["name"])) for _, row in _rows(path))
        for path in sorted((folder / "patterns").glob("*.toml")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
            patterns.extend(_patterns(path))
        for path in sorted(folder.glob("cues.toml")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
            for group, tables in _toml(path).items():
                cues.setdefault(group, {}).update(tables)  # type: ignore[call-overload]
    terms = list(itertools.chain.from_iterable(map(_terms, concepts.values())))
    diseases = {term.text: term for term in terms if term.concept.label == "disease" and not term.exact}
    terms += [replace(diseases[name], text=text) for text, name in unclaimed(diseases)]
    words = frozenset(qualifiers)
    return Lexicon(concepts, tuple(terms), tuple(stops), tuple(patterns), cues, digest.hexdigest(), words)
