"""Faults in lexicons/rules/*.toml: what the rules lack, and whether each decides its own hits and no miss."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from cart_nlp.lint import tomlfile
from cart_nlp.lint.faults import Fault
from cart_nlp.rules import Rule, first, rules_of
from cart_nlp.schema import Focus, Format

if TYPE_CHECKING:
    from spacy.language import Language

_FORMATS = "|".join(get_args(Format))
VERDICTS = {
    "edits": re.compile("yes|no"),
    "focus": re.compile("|".join(get_args(Focus))),
    "formats": re.compile(rf"(?:joint|split|one):(?:{_FORMATS})|adaptor|mixed"),
}
"""Decision, the stem of its file -> what its rules may decide."""
KEYS = frozenset(["name", "verdict", "needs", "any_of", "bars", "hits", "misses", "note"])
_HEAD = re.compile(r"\s*\[\[\s*rule\s*\]\]")


def check(folder: Path, load: Callable[[], Language] | None) -> Iterator[Fault]:
    """The faults of a folder's rules; `load` gives the pipeline in which hits and misses are tried."""
    for path in (folder / "rules" / f"{decision}.toml" for decision in sorted(VERDICTS)):
        if not path.exists():
            continue
        found = tomlfile.read(path)
        if isinstance(found, Fault):
            yield found
            continue
        text, table = found
        strange = [
            Fault(path, 1, f"no table {key!r} here; write [[rule]]") for key in table.keys() - {"rule"}
        ]
        yield from strange
        lines = [number for number, line in enumerate(text.splitlines(), 1) if _HEAD.match(line)]
        entries = table.get("rule", [])
        if not isinstance(entries, list) or len(entries) != len(lines):
            yield Fault(path, 1, "write each rule under a line [[rule]]")
            continue
        faults = [
            Fault(path, number, message)
            for number, entry in zip(lines, entries, strict=True)
            for message in _entry(entry, path.stem)
        ]
        yield from faults
        if load is not None and not faults and not strange:
            nlp = load()
            rules = rules_of(table, path.name)
            for number, rule in zip(lines, rules, strict=True):
                yield from (Fault(path, number, message) for message in tried(nlp, path.stem, rules, rule))


def _entry(entry: dict[str, Any], decision: str) -> Iterator[str]:
    what = f"rule {entry.get('name', '')!r}"
    for key in ("name", "verdict"):
        if not isinstance(entry.get(key, ""), str):
            yield f"{what}: {key} must be a string"
    for key in sorted(entry.keys() - KEYS):
        yield f"{what}: no key {key!r}; there are {', '.join(sorted(KEYS))}"
    for key in ("name", "verdict", "hits", "misses"):
        if not entry.get(key):
            yield f"{what}: the key {key!r} is missing or empty"
    for key in ("needs", "any_of", "bars", "hits", "misses"):
        value = entry.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            yield f"{what}: {key} must be a list of strings"
    if not entry.get("needs") and not entry.get("any_of"):
        yield f"{what}: holds everywhere; give it needs or any_of"
    if not VERDICTS[decision].fullmatch(str(entry.get("verdict", ""))):
        yield f"{what}: no verdict {entry.get('verdict')!r} of {decision}"


def tried(nlp: Language, decision: str, rules: Sequence[Rule], rule: Rule) -> Iterator[str]:
    """What is wrong with a rule's examples: a hit that another rule decides, a miss that this one does."""
    for text in rule.hits:
        decided = deciding(nlp, decision, rules, text)
        if rule.name not in decided:
            other = ", ".join(sorted(filter(None, decided)))
            by = f"is decided by {other}, which comes first" if other else "is decided by no rule"
            yield f"rule {rule.name!r}: its hit {text!r} {by}"
    for text in rule.misses:
        if rule.name in deciding(nlp, decision, rules, text):
            yield f"rule {rule.name!r}: decides its miss {text!r}"


def deciding(nlp: Language, decision: str, rules: Sequence[Rule], text: str) -> set[str]:
    """Names of the rules that decide a text; `""` where none holds.

    The text is a title, or stands in the section that it names: `eligibility: CD7 negative`. A rule of single
    mentions is asked for those in brackets: `CAR-T cells with [CD7] knockout`.
    """
    return {
        rule.name if (rule := first(rules, signals)) is not None else ""
        for signals in held(nlp, decision, text)
    }


def held(nlp: Language, decision: str, text: str) -> list[list[str]]:
    """The signals that rules see in a text: one list, or one for each mention in brackets."""
    from cart_nlp.components.constructs import Constructs
    from cart_nlp.components.study import Study
    from cart_nlp.pipeline import make_doc
    from cart_nlp.schema import Trial
    from cart_nlp.signals.doc import vocabulary_of
    from cart_nlp.signals.fields import instances
    from cart_nlp.signals.mention import PLACES
    from cart_nlp.signals.reading import read

    section, _, rest = text.partition(": ")
    if section not in PLACES:
        section, rest = "brief_title", text
    plain, marked = unbracketed(rest) if decision == "edits" else (rest, [])
    doc = nlp(make_doc(nlp, Trial(id="t", sections={section: plain})))
    reading = read(doc, vocabulary_of(nlp, "lint"))
    if decision == "edits":
        return [
            list(one.signals)
            for one in instances(reading, "edits")
            if any(start <= one.mention.start and one.mention.end <= end for start, end in marked)
        ]
    for _, pipe in nlp.pipeline:
        if decision == "focus" and isinstance(pipe, Study):
            return [pipe.signals(reading, "")]
        if decision == "formats" and isinstance(pipe, Constructs):
            return [pipe.signals(doc)]
    return []


def unbracketed(text: str) -> tuple[str, list[tuple[int, int]]]:
    """A text without its brackets, and the places of what stood in them."""
    plain, places, at = "", [], 0
    for found in re.finditer(r"\[([^\]]*)\]", text):
        plain += text[at : found.start()]
        places.append((len(plain), len(plain) + len(found[1])))
        plain += found[1]
        at = found.end()
    return plain + text[at:], places
