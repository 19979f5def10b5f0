"""What a label may be, and what is wrong with one that may not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args

from cart_nlp.schema import (
    DISEASE_GROUPS,
    GENERATIONS,
    TAGGED_FIELDS,
    CarTrial,
    Focus,
    Format,
    Mention,
    Trial,
)
from cart_nlp.text import half_in

LIST_FIELDS = tuple(f for f in TAGGED_FIELDS if f not in ("disease_markers", "indications", "focus"))
"""Fields of a record that every gold record labels as lists; disease markers are not labeled."""

OPTIONAL_FIELDS = ("indications",)
"""Further list fields, scored in those trials alone whose labels have them."""

ALL_TARGETS = "targets_all"
"""The row that counts product knowledge in: every predicted target against targets and product_targets."""

CLOSED: dict[str, tuple[Any, ...]] = {
    "car_trial": get_args(CarTrial),
    "focus": get_args(Focus),
    "generation": GENERATIONS,
    "vector": (
        "lentiviral",
        "retroviral",
        "AAV",
        "adenoviral",
        "sleeping_beauty",
        "piggybac",
        "transposon",
        "mrna",
        "crispr_knock_in",
        "plasmid",
        "lnp",
    ),
    "cell_source": (
        "autologous",
        "donor_derived",
        "off_the_shelf",
        "cord_blood",
        "ipsc",
        "cell_line",
        "in_vivo",
    ),
    "cell_type": (
        "T",
        "NK",
        "NKT",
        "gamma_delta_T",
        "macrophage",
        "CIK",
        "Treg",
        "virus_specific_T",
        "DC",
        "MSC",
        "other",
    ),
    "safety_switch": ("iCasp9", "EGFRt", "HER2t", "RQR8", "CD20t", "HSV-TK", "other"),
    "disease_group": DISEASE_GROUPS,
}
"""Field -> the labels that the guidelines allow; fields that are not here take any name."""

MENTION_LABELS = ("antigen", "ligand", "product", "costim", "vector")
"""What is marked at mention level."""

ROLES = (
    *("target", "disease_marker", "prior_therapy", "coadministered", "secreted", "armoring", "edit", "tag"),
    *("manufacturing", "cell_marker", "signaling", "eligibility", "background"),
)
"""What a marked antigen does there."""

JOINED_ROLES = {"secreted": "armoring", "manufacturing": "cell_marker"}
"""Roles that the gold set tells apart and the model does not -> the one that both are scored as."""

LABEL_FIELDS = (
    *("car_trial", "product_targets", "constructs", "focus", "target_evidence", "uncertain", "note"),
    *LIST_FIELDS,
    *OPTIONAL_FIELDS,
)
_UNCERTAIN = {"car_trial", "constructs", "focus", *LIST_FIELDS, *OPTIONAL_FIELDS}


def label_faults(labels: Any) -> Iterator[str]:
    """Faults of record-level labels against the guidelines, one line each."""
    if not isinstance(labels, dict):
        yield "labels is not an object"
        return
    if half := half_in(json.dumps(labels, ensure_ascii=False)):
        yield f"labels hold {half}, half of a character; write the whole one"
        return
    for name in labels.keys() - set(LABEL_FIELDS):
        yield f"unknown label field {name!r}; there are {', '.join(sorted(LABEL_FIELDS))}"
    if labels.get("car_trial") not in CLOSED["car_trial"]:
        yield _unknown("car_trial", labels.get("car_trial"))
    if labels.get("focus") is not None and labels["focus"] not in CLOSED["focus"]:
        yield _unknown("focus", labels["focus"])
    for name in (*LIST_FIELDS, *OPTIONAL_FIELDS, "product_targets", "uncertain", "target_evidence"):
        values = labels.get(name, [])
        if isinstance(values, list):
            yield from filter(None, (_value_fault(name, value) for value in values))
        else:
            yield f"{name} is {values!r}; give a list"
    constructs = labels.get("constructs", [])
    if isinstance(constructs, list):
        yield from filter(None, map(_construct_fault, constructs))
    else:
        yield f"constructs is {constructs!r}; give a list"


def _value_fault(name: str, value: Any) -> str | None:
    if name in CLOSED:
        return None if value in CLOSED[name] else _unknown(name, value)
    if name == "uncertain":
        known = isinstance(value, str) and value in _UNCERTAIN
        told = f"uncertain names {value!r}, no field; there are {', '.join(sorted(_UNCERTAIN))}"
        return None if known else told
    return None if isinstance(value, str) and value.strip() else f"{name} holds {value!r}; give a name"


def _construct_fault(construct: Any) -> str | None:
    targets = construct.get("targets") if isinstance(construct, dict) else None
    if not isinstance(targets, list) or not all(isinstance(t, str) for t in targets):
        return f'construct {construct!r}; give {{"targets": [...], "format": ...}}'
    if construct.get("format") not in get_args(Format):
        allowed = ", ".join(get_args(Format))
        return f"unknown construct format {construct.get('format')!r}; allowed: {allowed}"
    return None


def _unknown(name: str, value: object) -> str:
    return f"unknown label {name}={value!r}; allowed: {', '.join(map(str, CLOSED[name]))}"


def read_mentions(rows: Any, trial: Trial) -> tuple[list[Mention], list[str]]:
    """Mentions of one gold record and the faults of those that do not fit the text."""
    from pydantic import ValidationError

    found: list[Mention] = []
    faults: list[str] = []
    if not isinstance(rows, list):
        return [], [f"mentions is {type(rows).__name__}; give a list"]
    for row in rows:
        try:
            mention = Mention.model_validate(row, strict=True)  # an export takes the row as it stands
        except ValidationError as error:
            first = error.errors()[0]
            faults.append(f"mention {row!r}: {'.'.join(map(str, first['loc']))}: {first['msg']}")
            continue
        fault = _unknown_mention(mention) or span_fault(mention, trial)
        if fault:
            faults.append(fault)
        else:
            found.append(mention)
    return found, faults


def _unknown_mention(mention: Mention) -> str | None:
    place = f"span {mention.section}[{mention.start}:{mention.end}]"
    if mention.label not in MENTION_LABELS:
        return f"{place}: unknown label {mention.label!r}; allowed: {', '.join(MENTION_LABELS)}"
    if mention.role and mention.role not in ROLES:
        return f"{place}: unknown role {mention.role!r}; allowed: {', '.join(ROLES)}"
    return None


def span_fault(mention: Mention, trial: Trial) -> str | None:
    """Why a mention does not fit the trial's text, or None."""
    text = trial.sections.get(mention.section)
    place = f"{mention.section}[{mention.start}:{mention.end}]"
    if text is None:
        return f"span {place} of {mention.text!r}: the trial has no section {mention.section!r}"
    if not 0 <= mention.start < mention.end <= len(text):
        return f"span {place} of {mention.text!r} is outside the text, which has {len(text)} characters"
    if text[mention.start : mention.end] != mention.text:
        now = text[mention.start : mention.end]
        return f"span {place}: text changed: {mention.text!r} was labeled, {now!r} is there"
    return None
