"""Terms, patterns and cues as frozen objects; the only reader of the lexicon folders."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from cart_nlp import kept, paths, shallow, token_patterns
from cart_nlp.disease_names import genitive, unclaimed
from cart_nlp.lexicon_cells import SEPARATOR, closed, split, strange_column
from cart_nlp.rules import Rule, rules_of
from cart_nlp.text import any_of, fold, lower, named_twice, spellings

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
    "car_words": "car",
    "generations": "generation",
}
"""File stem -> label of its terms."""
TABLES = (*LABELS, "disease_qualifiers", "cues", "stoplist")
"""Stems of all tables."""
DECISIONS = ("edits", "focus", "formats")
"""Stems of the files of rules: what each decides."""

WITHOUT_ROW = {"cell_type": ("other",)}
"""Field -> values that the guidelines know and no row has."""
SHAPES = ("*.csv", "patterns/*.jsonl", "rules/*.toml")
"""Files of a folder of lexicons, in the order in which they are read."""
BLANK = "\u2423"
"""Stands for a blank at an end of a word that is looked for in raw text."""
_CATEGORY = re.compile(r"<<(\w+)>>")
DIRECTIONS = ("left", "right", "both")
SCOPES = ("adjacent", "near", "clause", "sentence", "trial", "inside")
OF_CATEGORIES = ("another_car", "turns_car", "turns_target", "tells_trial", "tells_unnamed", "tells_format")
"""Categories of cues whose texts are names of categories: what these are for."""


_Reader = Callable[[Mapping[str, str], str, str], Any]
"""What makes something of a row, of its place for who reads an error, and of that for a record."""


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

    @property
    def forms(self) -> tuple[str, ...]:
        """Everything that the row is found by, guarded or not."""
        return (*self.values("aliases"), *self.values("guarded"))


class Term(NamedTuple):
    """One string that names a concept. `text` is folded and, unless `exact`, lower case."""

    text: str
    concept: Concept
    guarded: bool
    exact: bool


class Stop(NamedTuple):
    """A string that must not resolve to `blocks` (`*`: to anything), with the reason."""

    text: str
    blocks: str
    exact: bool
    reason: str
    row: str


class Cue(NamedTuple):
    """A word or phrase that tells what a mention near it does there, as one row of cues.csv.

    `direction` is the side of the mention on which the cue stands; `scope` how far it reaches: `adjacent`,
    `near` (four words), `clause`, `sentence`, `trial`, or `inside` for words that belong to a name.
    `*` at an end of the text stands for the rest of a word. The text is lower case, but for a word of
    names that counts in its case only (`=` before it in the table).
    """

    text: str
    category: str
    direction: str
    scope: str
    row: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A token pattern in the form of spaCy's rulers, with its own tests."""

    label: str
    concept: str
    tokens: tuple[Mapping[str, Any], ...]
    hits: tuple[str, ...]
    misses: tuple[str, ...]
    row: str

    @property
    def entry(self) -> Mapping[str, Any]:
        """The pattern as a ruler takes it."""
        return {"label": self.label, "id": self.concept, "pattern": [dict(token) for token in self.tokens]}


@dataclass(frozen=True, eq=False)
class Lexicon:
    """All that is known by name: concepts, the terms that name them, stops, patterns and cues."""

    concepts: Mapping[tuple[str, str], Concept]
    terms: tuple[Term, ...]
    stops: tuple[Stop, ...]
    patterns: tuple[Pattern, ...]
    digest: str
    cue_rows: tuple[Cue, ...] = ()
    rules: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    """Decision → its ordered rules."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Every file that was read → its bytes: what a saved model takes along.

    Named by the number and name of its layer, and its place in that (`0/edits.csv`, `1-mine/edits.csv`).
    """
    qualifiers: frozenset[str] = frozenset()
    """Words between those of a disease's name that do not change which disease it is (stage, age, line)."""
    key: ClassVar[bytes] = b""
    """What tells it from any other, so that what is compiled of it can be kept; none if it was changed."""

    def words(self, category: str) -> frozenset[str]:
        """The texts of the cues of one category."""
        return self._words.get(category, frozenset())

    @cached_property
    def _words(self) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for cue in self.cue_rows:
            found.setdefault(cue.category, set()).add(cue.text)
        return {category: frozenset(texts) for category, texts in found.items()}

    def expression(self, template: str, *, low: bool = False) -> re.Pattern[str]:
        """A regular expression in which `<<category>>` stands for any word of the cues of that category.

        `low` makes it one for text in lower case.
        """
        known = self._expressions.get((template, low))
        if known is None:
            words = _CATEGORY.sub(lambda found: any_of(self.stems(found[1], low)), template)
            known = self._expressions[template, low] = re.compile(words)
        return known

    def stems(self, category: str, low: bool = False) -> set[str]:
        """The words of a category without the `*` of a rest, and with blanks for `\u2423`."""
        stems = {word.strip("*").replace(BLANK, " ") for word in self.words(category)}
        return set(map(lower, stems)) if low else stems

    @cached_property
    def _expressions(self) -> dict[tuple[str, bool], re.Pattern[str]]:
        return {}

    def for_rulers(self) -> Iterator[dict[str, Any]]:
        """The names and token patterns for spaCy's own rulers in any pipeline.

        In lower case, for a ruler with `phrase_matcher_attr="LOWER"`; a name that counts in one case alone
        is a pattern of one token, which compares its letters as they are. Guarded names are left out: a ruler
        has nothing to decide them with.
        """
        for term in self.terms:
            if term.guarded or (term.exact and not term.text.isalnum()):
                continue
            for spelling in (term.text,) if term.exact else sorted(spellings(term.text)):
                pattern = [{"ORTH": spelling}] if term.exact else spelling
                yield {"label": term.concept.label, "pattern": pattern, "id": term.concept.name}
        yield from (dict(pattern.entry) for pattern in self.patterns)

    def with_terms(self, terms: Iterable[Term]) -> Lexicon:
        """The same lexicon with further terms, their concepts included."""
        new = tuple(terms)
        concepts = {**{(t.concept.label, t.concept.name): t.concept for t in new}, **self.concepts}
        return replace(self, terms=(*self.terms, *new), concepts=concepts)

    def with_categories(self) -> Lexicon:
        """The same lexicon, with the shipped rows of OF_CATEGORIES of which it has none at all.

        A model that was saved before they were rows lacks them, and would be misread in silence.
        """
        lacking = [category for category in OF_CATEGORIES if not self.words(category)]
        if not lacking:
            return self
        rows = [cue for cue in load().cue_rows if cue.category in lacking]
        table = ["text,category,direction,scope", *(",".join(cue[:4]) for cue in rows)]
        layer = 1 + max((int(re.split("[-/]", name)[0]) for name in self.files), default=0)
        files = {**self.files, f"{layer}/cues.csv": "\n".join([*table, ""]).encode()}
        return replace(self, cue_rows=(*self.cue_rows, *rows), files=files)

    def get(self, label: str, name: str) -> Concept | None:
        """The concept of that canonical name, if there is one."""
        return self.concepts.get((label, name))

    def cell(self, label: str, name: str, column: str) -> str:
        """What the row of that concept has in a column, empty if there is none."""
        row = self.get(label, name)
        return row.fields.get(column, "") if row else ""

    @cached_property
    def folded(self) -> Mapping[str, tuple[Concept, ...]]:
        """Every spelling (lower case) -> the concepts that it may name."""
        return Spellings(self.terms)

    @cached_property
    def cd_numbers(self) -> Mapping[str, str]:
        """Number -> antigen for the CD names ("19" -> CD19, "138" -> CD138, "319" -> SLAMF7)."""
        numbers: dict[str, str] = {}
        named = self.expression(r"<<number_of>>-?(\d+[a-z]?)", low=True)
        for term in self.terms:
            if term.concept.label == "antigen" and (found := named.fullmatch(lower(term.text))):
                numbers.setdefault(found[1], term.concept.name)
        return numbers

    def hgnc(self, antigen: str) -> tuple[str, ...]:
        """HGNC ids of an antigen; none for one that is not a gene product or not in the lexicon."""
        concept = self.get("antigen", antigen)
        return concept.values("hgnc_id") if concept else ()


class Spellings(Mapping[str, tuple[Concept, ...]]):
    """Every spelling of some terms in lower case → the concepts that it may name; spelled out when asked."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self._terms = terms

    @cached_property
    def _bare(self) -> Mapping[str, list[tuple[str, Concept]]]:
        """A term without what its spellings differ in → the terms that are so."""
        table: dict[str, list[tuple[str, Concept]]] = {}
        for term in self._terms:
            text = lower(term.text)
            table.setdefault(_bare(text), []).append((text, term.concept))
        return table

    def __getitem__(self, spelling: str) -> tuple[Concept, ...]:
        found: list[Concept] = []
        for text, concept in self._bare.get(_bare(spelling), ()):
            if concept not in found and spelling in spellings(text):
                found.append(concept)
        if not found:
            raise KeyError(spelling)
        return tuple(found)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(s for term in self._terms for s in spellings(lower(term.text))))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _bare(text: str) -> str:
    return text.replace(" ", "").replace("-", "")


class _File(NamedTuple):
    """A file of a folder of lexicons."""

    path: Path
    content: bytes
    checked: bool
    """Whether its cells are looked at: a user wrote them, and no saved model has brought them."""
    layer: str
    """What the user's folder is called in records; empty for the shipped one."""

    @property
    def name(self) -> str:
        """What it is called in records."""
        return f"{self.layer}/{self.path.name}" if self.layer else self.path.name

    def row(self, number: int) -> str:
        """A row of it, as records have it."""
        return f"{self.name}:{number}"


def _content(path: Path) -> bytes:
    """The bytes of a file; a pipe or a device, which may never end, is none."""
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "a pipe or device"
        raise LexiconError(f"{path}: is {what}, where a file of rows is meant")
    return path.read_bytes()


def _rows(file: _File) -> Iterable[tuple[int, dict[str, str]]]:
    path, content = file.path, file.content
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        if not {"name", "text"} & set(reader.fieldnames or ()):
            first = "text" if path.stem in ("stoplist", "cues") else "name"
            raise LexiconError(f"{path}:1: no column {first!r} in its header; see lexicons/README.md")
        if twice := named_twice(reader.fieldnames or ()):
            raise LexiconError(f"{path}:1: {twice}")
        if file.checked and (strange := strange_column(path.stem, reader.fieldnames or ())):
            raise LexiconError(f"{path}:1: {strange}")
        for row in reader:
            if None in row or None in row.values():
                raise LexiconError(
                    f"{path}:{reader.line_num}: the number of cells differs from the header; "
                    "quote cells that hold a comma"
                )
            if file.checked and not row.get("remove", "").strip():
                for fault in closed(path.stem, row, added=False):
                    raise LexiconError(f"{path}:{reader.line_num}: {fault}")
            yield reader.line_num, row
    except (csv.Error, UnicodeDecodeError) as fault:
        raise LexiconError(f"{path}: not a UTF-8 CSV file ({fault})") from fault


def _toml(path: Path, content: bytes) -> dict[str, object]:
    try:
        return shallow.toml_of(content.decode("utf-8"))
    except ValueError as fault:
        raise LexiconError(f"{path}: not a TOML file ({fault})") from fault


def _layer(concepts: dict[tuple[str, str], Concept], file: _File, label: str) -> None:
    """Add the rows of one table; a row of a known name adds aliases, or takes away what `remove` says."""
    path = file.path
    for number, row in _rows(file):
        name = row.get("name", "").strip()
        if not name:
            raise LexiconError(f"{path}:{number}: a row without a name")
        remove = _removal(row, f"{path}:{number}", ("row", "aliases"))
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
        concepts[label, name] = Concept(label, name, fields, file.row(number))


def _removal(row: Mapping[str, str], place: str, known: Sequence[str] = ("row",)) -> str:
    """What a row takes away of those below it; empty for a row that adds."""
    remove = row.get("remove", "").strip()
    if remove and remove not in known:
        raise LexiconError(f"{place}: remove: {remove!r} is none of {', '.join(known)}")
    return remove


def _lay(found: list[Any], file: _File, read: _Reader, same: Callable[[Any], Any]) -> None:
    """Add the rows of a table of words; one with `remove` takes away those that are the `same`."""
    for number, row in _rows(file):
        place = f"{file.path}:{number}"
        one = read(row, place, file.row(number))
        if not _removal(row, place):
            found.append(one)
            continue
        left = [other for other in found if same(other) != same(one)]
        if len(left) == len(found):
            what = row.get("text") or row.get("name")
            raise LexiconError(f"{place}: nothing like {what!r} to remove; write it as its row does")
        found[:] = left


def own_name(label: str, name: str, aliases: Sequence[str], guarded: Sequence[str]) -> tuple[str, ...]:
    """The free aliases of a row, led by its name where that is one.

    A name that is ambiguous by itself (T, CD7, in_vivo) is repeated in `guarded`, one that counts only in its
    case (CAR) as the alias `=NAME`; the name of a generation is a number, that of a value without a name
    `other`, and neither is anybody's word for it.
    """
    held = f"={name}" in aliases or not {name, f"={name}"}.isdisjoint(guarded)
    return tuple(aliases) if held or label == "generation" or name == "other" else (name, *aliases)


def _terms(concept: Concept) -> Iterable[Term]:
    seen = set()
    guards = concept.values("guarded")
    free = (*concept.values("aliases"), *concept.values("narrower"))
    columns = (own_name(concept.label, concept.name, free, guards), guards)
    for guarded, aliases in zip((False, True), columns, strict=True):
        named = (*aliases, *map(genitive, aliases)) if concept.label == "disease" else aliases
        for alias in named:
            exact = alias.startswith("=")
            text = fold(alias.removeprefix("="))
            text = text if exact else lower(text)
            if text and text not in seen:
                seen.add(text)
                yield Term(text, concept, guarded, exact)


def _patterns(file: _File, shipped: bool) -> Iterable[Pattern]:
    """The patterns of a file; those of a user are looked at before spaCy meets them."""
    for number, line in enumerate(file.content.splitlines(), 1):
        place = f"{file.path}:{number}"
        try:
            entry = shallow.json_of(line)
            label, concept, pattern = (entry[key] for key in ("label", "id", "pattern"))
            hits, misses = (_strings(entry, key, place) for key in ("hits", "misses"))
        except (KeyError, TypeError) as fault:
            what = f"the key {fault} is missing" if isinstance(fault, KeyError) else "not an object"
            raise LexiconError(f"{place}: {what}; see lexicons/README.md") from None
        except ValueError as fault:
            raise LexiconError(f"{place}: not JSON: {fault}") from None
        if not isinstance(label, str) or not isinstance(concept, str):
            raise LexiconError(f"{place}: label and id must be strings; see lexicons/README.md")
        if not shipped and (told := next(_pattern_faults(label, concept, pattern), None)):
            raise LexiconError(f"{place}: {told}")
        yield Pattern(label, concept, tuple(pattern), hits, misses, file.row(number))


def _pattern_faults(label: str, concept: str, pattern: Any) -> Iterator[str]:
    if label not in LABELS.values():
        yield f"label {label!r} is none of {', '.join(LABELS.values())}"
    if label == "generation":
        yield from closed("generations", {"name": concept}, added=False)
    yield from token_patterns.faults(pattern)


def _strings(entry: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
    """A list of strings in an entry."""
    value = entry[key]
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise LexiconError(f"{place}: {key} must be a list of strings")
    return tuple(value)


def _needed(row: Mapping[str, str], column: str, place: str) -> str:
    """A cell of a column that the table must have."""
    if column not in row:
        raise LexiconError(f"{place}: the column {column!r} is missing; see lexicons/README.md")
    return row[column].strip()


def _cue(row: Mapping[str, str], place: str, where: str) -> Cue:
    text, category, direction, scope = (
        _needed(row, column, place) for column in ("text", "category", "direction", "scope")
    )
    for what, value, allowed in (("direction", direction, DIRECTIONS), ("scope", scope, SCOPES)):
        if value not in allowed:
            raise LexiconError(f"{place}: {what} {value!r} is none of {', '.join(allowed)}")
    if not text.strip("*"):
        raise LexiconError(f"{place}: a cue without text")
    return Cue(cased(text, scope), category, direction, scope, where)


def cased(text: str, scope: str) -> str:
    """The text of a cue: lower case, but for a word of a name that counts in its own case (`=` before it)."""
    return fold(text[1:]) if scope == "inside" and text.startswith("=") else lower(fold(text))


def _stop(row: Mapping[str, str], place: str, where: str) -> Stop:
    text, blocks, reason = (_needed(row, column, place) for column in ("text", "blocks", "reason"))
    exact = text.startswith("=")
    folded = fold(text.removeprefix("="))
    return Stop(folded if exact else lower(folded), blocks, exact, reason, where)


def _qualifier(row: Mapping[str, str], place: str, where: str) -> str:
    return lower(fold(_needed(row, "name", place)))


def _rules(file: _File) -> tuple[Rule, ...]:
    path = file.path
    table = _toml(path, file.content)
    entries = table.get("rule", [])
    if table.keys() - {"rule"} or not isinstance(entries, list):
        raise LexiconError(f"{path}: write each rule under a line [[rule]], and nothing else")
    for number, entry in enumerate(entries, 1):
        place = f"{path}: rule {number}"
        if not isinstance(entry, dict) or not {"name", "verdict", "hits", "misses"} <= entry.keys():
            raise LexiconError(f"{place}: a rule has name, verdict, hits and misses; see lexicons/README.md")
        if not isinstance(entry["name"], str) or not isinstance(entry["verdict"], str):
            raise LexiconError(f"{place}: name and verdict must be strings")
        for key in entry.keys() & {"needs", "any_of", "bars", "hits", "misses"}:
            _strings(entry, key, place)
    return rules_of(table, file.name)


def strangers(folder: Path) -> Iterator[tuple[Path, str]]:
    """Files of a folder that look like parts of a lexicon and would not be read, each with the reason."""
    for path in sorted(path for part in ("*", "patterns/*", "rules/*") for path in folder.glob(part)):
        if not path.name.startswith(".") and (why := _strange(path, path.parent.relative_to(folder).name)):
            yield path, why


def _strange(path: Path, part: str) -> str:
    """Why a file in a part of a folder of lexicons is not read; empty where it is, or is clearly none."""
    if part == "patterns":
        return "" if path.suffix == ".jsonl" else "not a .jsonl file: it is not read"
    if part == "rules":
        known = path.suffix == ".toml" and path.stem in DECISIONS
        return "" if known else f"no rules of that name; there are {', '.join(DECISIONS)} (.toml)"
    ending = path.suffix.lower()
    if ending == ".toml" and path.stem in DECISIONS:
        return "not read here; move it to the folder rules"
    if ending == ".csv" and path.name not in {f"{table}.csv" for table in TABLES}:
        return f"no table of that name, so it is not read; the tables are {', '.join(TABLES)} (.csv)"
    return ""


def _files(folder: Path) -> list[Path]:
    """The files of a folder that are read: tables, then patterns, then rules, each by name.

    Raises LexiconError for one that would be passed over, since whoever has named it so means it to be read.
    """
    if not folder.is_dir():
        raise LexiconError(f"{folder}: no such folder of lexicons")
    for path, why in strangers(folder):
        raise LexiconError(f"{path}: {why}")
    found = [path for shape in SHAPES for path in sorted(folder.glob(shape))]
    if not found:
        raise LexiconError(f"{folder}: holds no lexicon; see `cart-nlp lexicon check {folder}`")
    return found


def _layer_name(folder: Path, number: int, shipped: bool, taken: Iterable[str]) -> str:
    """What a layer is called in records: nothing if it is the shipped one, else as its folder.

    A saved model has it behind the number of the layer. Signs at which records part a rule are replaced.
    """
    own = folder.resolve().name if number else ""
    name = re.sub(r"[:;#?]", "_", own if shipped else folder.name.partition("-")[2])
    return f"{name}({number})" if name and name in taken else name


def load(*layers: Path | str, shipped: bool = True) -> Lexicon:
    """Read the shipped lexicons and any folders of a user's own rows on top of them.

    Raises LexiconError with file and line if a file cannot be used.
    """
    files: dict[str, bytes] = {}
    read: list[_File] = []
    patterns: list[Pattern] = []
    digest, whole = hashlib.sha256(), hashlib.sha256()
    named: list[str] = []
    for number, folder in enumerate([*([paths.lexicons()] if shipped else []), *map(Path, layers)]):
        named.append(_layer_name(folder, number, shipped, named))
        saved = f"{number}-{named[-1]}" if named[-1] else str(number)
        for path in _files(folder):
            file = _File(path, _content(path), shipped and number > 0, named[-1])
            name = f"{saved}/{path.relative_to(folder).as_posix()}"
            files[name] = file.content
            digest.update(path.name.encode() + b"\0" + file.content)
            whole.update(f"{name}\0{file.checked}\0{len(file.content)}\0".encode() + file.content)
            if path.suffix == ".jsonl":
                patterns += _patterns(file, shipped and number == 0)
            else:
                read.append(file)
    tables = kept.kept("lexicon", whole.digest(), _MODULES, lambda: _tables(read))
    found = _lexicon(tables, tuple(patterns), digest.hexdigest(), files)
    object.__setattr__(found, "key", whole.digest())
    return found


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files of a lexicon for `saved`."""
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def saved(folder: Path, layers: Iterable[str] = ()) -> Lexicon | None:
    """The lexicon that was written to a folder; None where none was.

    Raises LexiconError for one of the `layers` that it was not made with: it would not be read.
    """
    held = sorted(folder.glob("*"), key=lambda layer: int(layer.name.partition("-")[0]))
    if not held:
        return None
    names = [layer.name.partition("-")[2] for layer in held[1:]]
    for layer in layers:
        # A model that was saved before layers had names was made with all of them.
        if all(names) and _layer_name(Path(layer), 1, True, ()) not in names:
            raise LexiconError(
                f"{layer}: the saved model has lexicons of its own, without this folder; "
                "give it to cart_nlp.load, and save that"
            )
    return load(*held, shipped=False).with_categories()


_MODULES = (__name__, "cart_nlp.lexicon_cells", "cart_nlp.disease_names", "cart_nlp.rules", "cart_nlp.text")


def _tables(files: Iterable[_File]) -> dict[str, Any]:
    """All rows of some files as plain values; a term has the number of its concept."""
    concepts: dict[tuple[str, str], Concept] = {}
    stops: list[Stop] = []
    cues: list[Cue] = []
    rules: dict[str, tuple[Rule, ...]] = {}
    qualifiers: list[str] = []
    for file in files:
        path = file.path
        if path.suffix == ".toml":
            rules[path.stem] = _rules(file)
        elif path.stem in LABELS:
            _layer(concepts, file, LABELS[path.stem])
        elif path.stem == "cues":
            _lay(cues, file, _cue, lambda cue: cue[:2])
        elif path.stem == "stoplist":
            _lay(stops, file, _stop, lambda stop: stop[:3])
        elif path.stem == "disease_qualifiers":
            _lay(qualifiers, file, _qualifier, lambda word: word)
    terms = list(itertools.chain.from_iterable(map(_terms, concepts.values())))
    diseases = {term.text: term for term in terms if term.concept.label == "disease" and not term.exact}
    terms += [diseases[name]._replace(text=text) for text, name in unclaimed(diseases)]
    numbers = {key: number for number, key in enumerate(concepts)}
    return {
        "concepts": [(c.label, c.name, dict(c.fields), c.row) for c in concepts.values()],
        "terms": [(t.text, numbers[t.concept.label, t.concept.name], t.guarded, t.exact) for t in terms],
        "stops": list(map(tuple, stops)),
        "cues": list(map(tuple, cues)),
        "rules": {name: list(map(astuple, table)) for name, table in rules.items()},
        "qualifiers": sorted(set(qualifiers)),
    }


def _lexicon(
    tables: Mapping[str, Any], patterns: tuple[Pattern, ...], digest: str, files: Mapping[str, bytes]
) -> Lexicon:
    concepts = [Concept(*each) for each in tables["concepts"]]
    return Lexicon(
        {(concept.label, concept.name): concept for concept in concepts},
        tuple(Term(text, concepts[at], guarded, exact) for text, at, guarded, exact in tables["terms"]),
        tuple(map(Stop._make, tables["stops"])),
        patterns,
        digest,
        tuple(map(Cue._make, tables["cues"])),
        {name: tuple(map(_rule, table)) for name, table in tables["rules"].items()},
        files,
        frozenset(tables["qualifiers"]),
    )


def _rule(values: Iterable[Any]) -> Rule:
    name, verdict, needs, any_of, bars, hits, misses, row = values
    return Rule(name, verdict, tuple(needs), tuple(any_of), tuple(bars), tuple(hits), tuple(misses), row)
