"""What further labels gain: cross-validation with and without them, and their own trials before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from spacy.language import Language

from cart_nlp.components.attributes import FIELDS
from cart_nlp.pipeline import make_doc
from cart_nlp.scoring.candidates import Candidate
from cart_nlp.training.build import Outcome, right, values
from cart_nlp.training.data import Example
from cart_nlp.training.report import measured

NAMES = ("targets", *FIELDS, "products")
Right = Mapping[tuple[str, str], bool]
"""(trial, field) -> whether the field was right."""


def gain(
    nlp: Language, base: Sequence[Example], examples: Sequence[Example], before: Outcome, after: Outcome
) -> dict[str, Any]:
    """Per field, how many trials are right without the further labels and with them, none seen in training.

    `others` are the trials whose labels were there before, `labeled` those with new or changed labels; of
    these, the pipeline as it is reads the ones that no weight has seen. All are judged by the labels of now.
    """
    known = {example.id: example.labels for example in base}
    new = [example for example in examples if known.get(example.id) != example.labels]
    ids = {example.id for example in new}
    others = [example for example in examples if example.id not in ids]
    told = {
        "others": _compared(answers(others, before), answers(others, after)),
        "labeled": _compared(as_read(nlp, new) | answers(new, before), answers(new, after)),
    }
    return {"trials": len(new), **told}


def answers(examples: Sequence[Example], outcome: Outcome) -> dict[tuple[str, str], bool]:
    """Which fields were right in cross-validation."""
    by_id = measured(examples)
    found = {
        (trial, "car_trial"): level_of(said) == by_id[trial].labels["car_trial"]
        for trial, said in outcome.unseen["car_trial"].items()
        if trial in by_id and by_id[trial].labels["car_trial"] != "other"
    }
    for name in NAMES:
        for trial, candidates in outcome.unseen.get(name, {}).items():
            if trial in by_id:
                found[trial, name] = right(candidates, values(by_id[trial], name))
    return found


def level_of(said: Mapping[str, Any]) -> str:
    """The level that the study's scorers give a trial."""
    if said["include"] >= 0.5:
        return "product" if said["product"] >= 0.5 else "related"
    return "mention" if said["mention"] >= 0.5 else "no"


def as_read(nlp: Language, examples: Sequence[Example]) -> dict[tuple[str, str], bool]:
    """Which fields the pipeline has right, values known of a product alone left out."""
    found: dict[tuple[str, str], bool] = {}
    for example in measured(examples).values():
        # As in cross-validation, a field is asked for in a trial that is known to be included.
        level = example.labels["car_trial"]
        plain, doc = (make_doc(nlp, example.trial) for _ in range(2))
        doc._.cart_trial = {**doc._.cart_trial, "car_trial": level}
        state = nlp(doc)._.cart
        if example.sure("car_trial"):
            found[example.id, "car_trial"] = nlp(plain)._.cart["car_trial"] == level
        for name in NAMES:
            if example.included and example.sure(name) and name in example.labels:
                said = [Candidate(value[0], 1.0) for value in state["values"].get(name, ())]
                found[example.id, name] = right(said, values(example, name))
    return found


def _compared(before: Right, after: Right) -> dict[str, dict[str, int]]:
    """Field -> trials that both answered, and how many were right before and after."""
    found: dict[str, dict[str, int]] = {}
    for key in sorted(before.keys() & after.keys()):
        one = found.setdefault(key[1], {"trials": 0, "before": 0, "after": 0})
        one["trials"] += 1
        one["before"] += before[key]
        one["after"] += after[key]
    return {name: found[name] for name in ("car_trial", *NAMES) if name in found}


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """The gain for a terminal."""
    yield f"{told['trials']} trials with new or changed labels; right in trials that no weight has seen:"
    for part, what in (("others", "trials labeled before"), ("labeled", "newly labeled trials")):
        for name, one in told[part].items():
            change = one["after"] - one["before"]
            sign = f"{change:+d}" if change else "same"
            yield f"  {what}: {name} {one['before']} -> {one['after']} of {one['trials']} ({sign})"
