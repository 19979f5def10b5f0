"""Record-level labels as choices: `field` -> printed values, and back without a loss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cart_nlp.evaluation.labels import LIST_FIELDS, OPTIONAL_FIELDS
from cart_nlp.text import construct_text

SINGLE = ("car_trial", "focus")
MULTIPLE = (*LIST_FIELDS, *OPTIONAL_FIELDS, "product_targets", "constructs", "uncertain")
CHOICES = (*SINGLE, *MULTIPLE)
"""Fields that an annotator may change; the others travel with the record."""

Choices = dict[str, list[str]]


def show_construct(construct: Mapping[str, Any]) -> str:
    """`CD19+CD22 (tandem)`; `+` and `%` inside a name are percent-coded."""
    names = (name.replace("%", "%25").replace("+", "%2B") for name in construct["targets"])
    return construct_text(names, construct["format"]).lstrip()


def parse_construct(text: str) -> dict[str, Any]:
    """The construct of `CD19+CD22 (tandem)`; raises ValueError with the remedy."""
    names, mark, form = f" {text.strip()}".rpartition(" (")
    names = names.removeprefix(" ")
    if not mark or not form.endswith(")"):
        raise ValueError(f"construct {text!r}; write it like CD19+CD22 (tandem)")
    targets = [name.replace("%2B", "+").replace("%25", "%") for name in names.split("+")] if names else []
    return {"targets": targets, "format": form[:-1]}


def choices_of(labels: Mapping[str, Any]) -> Choices:
    """Every choice field's printed values, fields without a value left out."""
    found: Choices = {}
    for name in SINGLE:
        if labels.get(name) is not None:
            found[name] = [str(labels[name])]
    for name in MULTIPLE:
        values = labels.get(name) or []
        if values:
            found[name] = [show_construct(v) if name == "constructs" else str(v) for v in values]
    return found


def labels_of(choices: Mapping[str, Sequence[str]], before: Mapping[str, Any]) -> dict[str, Any]:
    """`before` with the values of `choices`; what did not change keeps its order and its further keys.

    Raises ValueError for a value that cannot be read.
    """
    after = dict(before)
    for name in SINGLE:
        value = choices.get(name) or []
        if len(value) > 1:
            raise ValueError(f"{name} has {len(value)} values ({', '.join(value)}); keep one")
        if value or before.get(name) is not None:
            after[name] = value[0] if value else None
    old = choices_of(before)
    for name in MULTIPLE:
        values = _unique(choices.get(name, ()))
        if sorted(values) == sorted(_unique(old.get(name, ()))):
            continue
        kept = dict(zip(old.get(name, ()), before.get(name) or (), strict=True))
        after[name] = [kept[v] if v in kept else _value(name, v) for v in values]
    return after


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _value(name: str, text: str) -> Any:
    if name == "constructs":
        return parse_construct(text)
    if name == "generation":
        try:
            return int(text)
        except ValueError:
            raise ValueError(f"generation {text!r}; give a number from 1 to 5") from None
    return text


def pack(choices: Mapping[str, Sequence[str]]) -> list[str]:
    """Choices as flat names, `field=value`, for tools with one list of categories."""
    return [f"{name}={value}" for name, values in choices.items() for value in values]


def unpack(names: Iterable[str]) -> Choices:
    """Choices of flat names; raises ValueError for one that names no field."""
    found: Choices = {}
    for text in names:
        name, equals, value = text.partition("=")
        if not equals or name not in CHOICES:
            raise ValueError(f"category {text!r}; write it like cell_type=NK, of {', '.join(CHOICES)}")
        found.setdefault(name, []).append(value)
    return found
