"""Whether the spans and the fields of an annotated trial say the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cart_nlp.evaluation.labels import LIST_FIELDS, ROLES
from cart_nlp.schema import INCLUDED

_OTHER = tuple(role for role in ROLES if role != "target")


def inconsistent(line: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> list[str]:
    """What does not go together in a gold line, and went together `before` it was annotated."""
    old = set(_faults(before)) if before is not None else set()
    return [fault for fault in _faults(line) if fault not in old]


def taken_out(line: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """A line without the values that a trial had `before` an annotator said that it does not belong in."""
    labels, old = dict(line["labels"]), before["labels"] if before is not None else {}
    if labels.get("car_trial") not in INCLUDED and old.get("car_trial") in INCLUDED:
        same = [name for name in (*LIST_FIELDS, "constructs") if labels.get(name) == old.get(name)]
        labels.update({name: [] for name in same}, focus=None)
    return {**line, "labels": labels}


def _faults(line: Mapping[str, Any]) -> Iterator[str]:
    labels = line["labels"]
    targets = set(labels.get("targets") or ())
    known = {*targets, *(labels.get("product_targets") or ())}
    if labels["car_trial"] not in INCLUDED:
        filled = [name for name in (*LIST_FIELDS, "constructs") if labels.get(name)]
        if filled:
            yield f"car_trial is {labels['car_trial']}, yet {', '.join(filled)} have values; empty them"
        return
    roles: dict[str, set[str]] = {}
    for mention in line.get("mentions") or ():
        if mention["label"] == "antigen" and mention.get("role"):
            roles.setdefault(mention["concept"], set()).add(mention["role"])
    for concept, held in sorted(roles.items()):
        if concept in targets and held <= set(_OTHER):
            said = " and ".join(sorted(held)).replace("_", " ")
            yield f"{concept} is a target, and everywhere in the text a {said}; change one of them"
        if held == {"target"} and concept not in known:
            yield f"{concept} is marked as a target and is none of the targets; change one of them"
    for construct in labels.get("constructs") or ():
        for target in construct["targets"]:
            if target not in known:
                yield f"a construct has {target}, which is none of the targets; change one of them"
