"""How the tests of the components write a trial and read what became of it."""

import re
from collections.abc import Mapping
from typing import Any

from spacy.language import Language

from cart_nlp.pipeline import make_doc, tag_trial
from cart_nlp.schema import Record, Trial

Sections = str | Mapping[str, str]
"""A title, a title and below it a summary, or the sections by their keys."""


def trial(sections: Sections, **more: Any) -> Trial:
    if isinstance(sections, str):
        title, _, summary = sections.partition("\n")
        sections = {"brief_title": title, **({"brief_summary": summary} if summary else {})}
    return Trial(id="t", sections=dict(sections), **more)


def stated(record: Record, field: str) -> set[str]:
    """The values of a field that rest on the trial's own words."""
    return {e.value for e in record.evidence if e.field == field and e.basis == "text"}


def seen(record: Record, name: str) -> Any:
    """What a table calls `name`: a field, `stated F` (from the trial's words), `words F` (its evidence)."""
    kind, _, field = name.rpartition(" ")
    if kind == "stated":
        return sorted(stated(record, field))
    if kind == "words":
        return sorted({e.text for e in record.evidence if e.field == field})
    if name == "constructs":
        return sorted(f"{'+'.join(c.targets)} ({c.format})" for c in record.constructs)
    value = getattr(record, name)
    return sorted(value) if isinstance(value, tuple) else value


def result(nlp: Language, sections: Sections, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that `wanted` names, of the record of one trial."""
    record = tag_trial(nlp, trial(sections))
    return {name: seen(record, name) for name in wanted}


MARK = re.compile(r"\[([^|\]]+)\|(\w+)\]")


def unmarked(text: str) -> tuple[str, list[tuple[int, str, str]]]:
    """A text without its marks `[CD19|target]`, and of each its offset in that text, its words, its role."""
    plain, roles, at = "", [], 0
    for mark in MARK.finditer(text):
        plain += text[at : mark.start()]
        roles.append((len(plain), mark[1], mark[2]))
        plain += mark[1]
        at = mark.end()
    return plain + text[at:], roles


LONGER = {"costim": "signaling", "armoring": "armoring", "cell_type": "cell_marker"}
"""Kinds of longer names that hold an antigen's (`PD-1 nanobody`), and the role this gives to it."""


def roles(nlp: Language, sections: Sections) -> tuple[list[Any], list[Any]]:
    """Place, words and role of each antigen of a marked trial: as the Doc has it, as the marks want it."""
    marked = trial(sections).sections
    doc = nlp(make_doc(nlp, trial({key: unmarked(text)[0] for key, text in marked.items()})))
    first = {key: start for key, start, _ in doc._.cart_sections}
    wanted = [
        (first[key] + start, words, role)
        for key, text in marked.items()
        for start, words, role in unmarked(text)[1]
    ]
    found = set()
    for span in doc.spans["cart"]:
        if span.label_ in ("antigen", "ligand"):
            found.add((span.start_char, span.text, span._.cart_role))
        for start, words, role in wanted:
            inside = span.start_char <= start and start + len(words) <= span.end_char and span.text != words
            if inside and LONGER.get(span.label_) == role:
                found.add((start, words, role))
    return sorted(found), wanted
