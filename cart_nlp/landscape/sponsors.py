"""Sponsor names brought together, with a merge list that a person can review and overrule."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cart_nlp.console import reason
from cart_nlp.landscape.organizations import listed
from cart_nlp.registries.entry import InputError
from cart_nlp.writers.flat import clean, unguarded

APPLY, PROPOSE = 95.0, 88.0
COLUMNS = ("name", "merged_into", "decision", "score", "rule")
_LEGAL = re.compile(
    r"\b(?:co|ltd|limited|inc|incorporated|llc|l l c|gmbh|corp|corporation|company|plc|"
    r"s ?a|ag|pty|bv|b v|kk|k k|se|srl|the)\b"
)
# Words that tell two institutions apart although the rest of the name is the same.
_TELLING = re.compile(
    r"\d+|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|north\w*|south\w*|east\w*|west\w*|"
    r"children\w*|women\w*|people\w*|cancer|military|general|central|affiliated|university|"
    r"institute|school|college|foundation|hospital|company|biotech\w*"
)


@dataclass(frozen=True)
class Merge:
    """One spelling brought to another: applied, proposed for review, or refused by the reviewer."""

    name: str
    merged_into: str
    decision: str
    score: float
    rule: str


def normal(name: str) -> str:
    """A name without case, punctuation, legal form and bracketed short form; "" if nothing is left."""
    text = unicodedata.normalize("NFKC", name).casefold().replace("&", " and ")
    # Behind the last closing bracket none is closed: each opening one would be looked through to the end.
    closed, last, rest = text.rpartition(")")
    text = re.sub(r"\([^)]*\)", " ", closed + last) + rest
    text = re.sub(r"[^\w\s]", " ", text)
    return " ".join(_LEGAL.sub(" ", " ".join(text.split())).split())


def merge(
    names: Iterable[str], decisions: Mapping[str, str] | None = None
) -> tuple[dict[str, str], list[Merge]]:
    """Map every name to its canonical one, and list every merge.

    `names` with repetitions: the most frequent spelling of a cluster becomes its name. Listed names first
    (data/sponsors.csv), then equal keys, then rapidfuzz at 95 and more; from 88 on a pair is only proposed.
    Numbers and words such as "Second" or "Children's" must agree. `decisions` (name -> canonical, or the name
    itself to keep it apart) overrules all.
    """
    decisions = decisions or {}
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    families = _families()
    home: dict[str, str] = {}
    merges: list[Merge] = []
    by_key: dict[str, str] = {}
    for name in sorted(counts, key=lambda n: (-counts[n], n)):
        key = normal(name)
        if name in decisions:
            home[name] = decisions[name]
            kept = decisions[name] == name
            merges.append(Merge(name, decisions[name], "refused" if kept else "applied", 100.0, "reviewer"))
        elif (family := _family(key, families)) is not None:
            home[name] = family
            if name != family:
                merges.append(Merge(name, family, "applied", 100.0, "sponsors.csv"))
        elif key and key in by_key:
            home[name] = home[by_key[key]]
            merges.append(Merge(name, home[name], "applied", 100.0, "same after normalization"))
        else:
            best, score = _nearest(key, by_key)
            if best is not None and score >= APPLY:
                home[name] = home[by_key[best]]
                merges.append(Merge(name, home[name], "applied", round(score, 1), "fuzzy"))
                continue
            if best is not None:
                merges.append(Merge(name, home[by_key[best]], "proposed", round(score, 1), "fuzzy"))
            home[name] = name
        if key and decisions.get(name) != name:  # what a reviewer keeps apart attracts no other name
            by_key.setdefault(key, name)
    return home, sorted(merges, key=lambda m: (m.decision, m.merged_into, m.name))


def _nearest(key: str, known: Iterable[str]) -> tuple[str | None, float]:
    from rapidfuzz import fuzz, process

    if len(key) < 6:
        return None, 0.0
    telling = sorted(_TELLING.findall(key))
    found = process.extract(key, list(known), scorer=fuzz.token_sort_ratio, score_cutoff=PROPOSE, limit=5)
    for candidate, score, _ in found:
        if sorted(_TELLING.findall(candidate)) == telling:
            return candidate, score
    return None, 0.0


def _family(key: str, families: Mapping[str, str]) -> str | None:
    """The family of a normalized name; a listed name that ends with * stands for all that begin so."""
    if key in families:
        return families[key]
    at = next((begin for begin in _beginnings() if key.startswith(begin)), None)
    return None if at is None else families[at]


@cache
def _beginnings() -> tuple[str, ...]:
    return tuple(normal(row.name[:-1]) for row in listed() if row.name.endswith("*"))


@cache
def _families() -> dict[str, str]:
    found = {normal(row.canonical): row.canonical for row in listed()}
    return found | {normal(row.name.rstrip("*")): row.canonical for row in listed()}


def read_decisions(path: Path) -> dict[str, str]:
    """A reviewed merge list: `decision` applied or refused; proposed rows are still open and left out."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            missing = [c for c in COLUMNS[:3] if c not in (reader.fieldnames or [])]
            if missing:
                raise InputError(
                    f"{path}:1: no column {missing[0]}; start from the sponsor_merges.csv of a report"
                )
            decisions: dict[str, str] = {}
            for row in reader:
                name, into, word = (unguarded(clean(row[column] or "")) for column in COLUMNS[:3])
                word = word.strip().lower()
                if word not in ("applied", "proposed", "refused"):
                    raise InputError(
                        f"{path}:{reader.line_num}: decision {word!r}; write applied, proposed or refused"
                    )
                if word != "proposed":
                    decisions[name] = name if word == "refused" else into
            return decisions
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise InputError(f"{path}: cannot be read: {reason(fault)}") from fault
