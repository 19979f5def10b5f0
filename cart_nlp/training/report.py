"""Figures of a training run: cross-validation, calibration and the cards that go with the weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cart_nlp.components.attributes import FIELDS
from cart_nlp.scoring.calibration import logit
from cart_nlp.scoring.candidates import Candidate, certainty
from cart_nlp.scoring.linear import Linear, sigmoid
from cart_nlp.training.build import Outcome, canonical, right, values
from cart_nlp.training.data import TAUGHT, Example

ROLES = (
    "target",
    "disease_marker",
    "prior_therapy",
    "background",
    "cell_marker",
    "coadministered",
    "edit",
    "armoring",
)


def share(part: int, whole: int) -> dict[str, float | int]:
    """A share with its count."""
    return {"share": round(part / whole, 4) if whole else 0.0, "n": whole}


def figures(examples: Sequence[Example], outcome: Outcome) -> dict[str, Any]:
    """All figures of cross-validation."""
    by_id = measured(examples)
    result: dict[str, Any] = {"car_trial": study_figures(by_id, outcome.unseen["car_trial"])}
    for name in ("targets", *FIELDS, "products"):
        said = outcome.unseen.get(name, {})
        result[name] = field_figures(by_id, name, said)
        fitted = outcome.fitted.get(name, {})
        if name == "targets" and fitted:
            result[name]["fit_exact"] = field_figures(by_id, name, fitted)["exact"]
    labeled = {i: _entries(by_id[i]) for i in outcome.unseen["formats"] if i in by_id}
    good = sum(outcome.unseen["formats"][i] == labeled[i] for i in labeled)
    result["constructs_given_targets"] = share(good, len(labeled))
    result["roles"] = role_figures(outcome.unseen.get("roles", {}))
    return result


def measured(examples: Sequence[Example]) -> dict[str, Example]:
    """The trials that figures rest on: all but those that were written to teach."""
    return {example.id: example for example in examples if example.source != TAUGHT}


def _entries(example: Example) -> list[tuple[tuple[str, ...], str]]:
    assert example.reading is not None
    lexicon = example.reading.vocabulary.lexicon
    return sorted(
        (tuple(sorted(canonical(lexicon, "antigen", t) for t in entry["targets"])), entry["format"])
        for entry in example.labels["constructs"]
    )


def study_figures(by_id: Mapping[str, Example], said: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Recall and precision of the screening decision, and how often product and related are told apart."""
    counts: Counter[tuple[bool, bool]] = Counter()
    levels = [0, 0]
    for trial, one in said.items():
        if trial not in by_id:
            continue
        found = one["include"] >= 0.5
        counts[by_id[trial].included, found] += 1
        if by_id[trial].included and found:
            levels[(one["product"] >= 0.5) == (by_id[trial].labels["car_trial"] == "product")] += 1
    both = counts[True, True]
    return {
        "recall": share(both, both + counts[True, False]),
        "precision": share(both, both + counts[False, True]),
        "product_or_related": share(levels[1], sum(levels)),
    }


def field_figures(
    by_id: Mapping[str, Example], name: str, said: Mapping[str, Sequence[Candidate]]
) -> dict[str, Any]:
    """Exact sets and micro F1 of one field."""
    tp = fp = fn = 0
    exact, silent, several = [0, 0], [0, 0], [0, 0]
    for trial, candidates in said.items():
        if trial not in by_id:
            continue
        stated = values(by_id[trial], name)
        found = {one.concept for one in candidates if one.probability >= 0.5}
        tp, fp, fn = tp + len(found & stated), fp + len(found - stated), fn + len(stated - found)
        good = found == stated
        for wanted, count in ((bool(stated), exact), (not stated, silent), (len(stated) > 1, several)):
            count[0] += good and wanted
            count[1] += wanted
    return {
        "exact": share(*exact), "silent": share(*silent), "several": share(*several),
        "f1": round(2 * tp / max(1, 2 * tp + fp + fn), 4), "tp": tp, "fp": fp, "fn": fn,
    }  # fmt: skip


def role_figures(said: Mapping[str, tuple[str, str, str]]) -> dict[str, Any]:
    """F1 by role, on the written gold and on registry mentions."""
    result: dict[str, Any] = {}
    for source in ("written", "registry"):
        pairs = [
            (a, b) for a, b, s in said.values() if s != TAUGHT and (s == "written") == (source == "written")
        ]
        table = {role: f1(pairs, role) for role in ROLES}
        counted = [one["f1"] for one in table.values() if one["n"]]
        result[source] = {"macro_f1": round(sum(counted) / max(1, len(counted)), 4), "roles": table}
    return result


def f1(pairs: Iterable[tuple[str, str]], role: str) -> dict[str, float | int]:
    """F1 of one role over pairs of labeled and predicted roles."""
    tp = fp = fn = 0
    for labeled, said in pairs:
        tp += labeled == said == role
        fp += said == role != labeled
        fn += labeled == role != said
    return {"f1": round(2 * tp / max(1, 2 * tp + fp + fn), 3), "n": tp + fn}


def calibration(examples: Sequence[Example], outcome: Outcome) -> tuple[Linear, dict[str, Any]]:
    """Platt's scaling of every field on unseen predictions, and how well it is calibrated."""
    by_id = measured(examples)
    table: dict[str, dict[str, float]] = {}
    quality: dict[str, Any] = {}
    for name, pairs in certainties(by_id, outcome).items():
        slope, start = platt([logit(raw) for raw, _ in pairs], [good for _, good in pairs])
        table[name] = {"": round(start, 3), "slope": round(slope, 3)}
        quality[name] = quality_of([(sigmoid(start + slope * logit(raw)), good) for raw, good in pairs])
    return Linear(table), quality


def quality_of(pairs: Sequence[tuple[float, bool]]) -> dict[str, Any]:
    """How good the chances of being right are: calibration, and what the least sure tenth finds."""
    sure, good = [chance for chance, _ in pairs], [right for _, right in pairs]
    return {
        "ece": round(ece(sure, good), 4),
        "auc_wrong": round(auc(sure, good), 3),
        "found_in_tenth": found_in_tenth(sure, good),
        "n": len(pairs),
        "wrong": len(good) - sum(good),
    }


def found_in_tenth(sure: Sequence[float], good: Sequence[bool]) -> float | None:
    """Share of the wrong answers that are among the least sure tenth; None if none is wrong."""
    order = sorted(range(len(sure)), key=lambda at: sure[at])
    wrong = [not good[at] for at in order]
    return round(sum(wrong[: len(wrong) // 10]) / sum(wrong), 3) if any(wrong) else None


def certainties(by_id: Mapping[str, Example], outcome: Outcome) -> dict[str, list[tuple[float, bool]]]:
    """Field → raw certainty of each unseen trial and whether the field was right."""
    found: dict[str, list[tuple[float, bool]]] = {"car_trial": []}
    for trial, one in outcome.unseen["car_trial"].items():
        if trial not in by_id:
            continue
        level = by_id[trial].labels["car_trial"]
        include, given, told = one["include"], one["product"], one["mention"]
        if include >= 0.5:
            said = "product" if given >= 0.5 else "related"
            sure = include * max(given, 1 - given)
        else:
            said = "mention" if told >= 0.5 else "no"
            sure = (1 - include) * max(told, 1 - told)
        if level == "other":
            level = said if include < 0.5 else "no"
        found["car_trial"].append((sure, said == level))
    for name in ("targets", *FIELDS, "products"):
        found[name] = [
            (certainty(candidates), right(candidates, values(by_id[trial], name)))
            for trial, candidates in outcome.unseen.get(name, {}).items()
            if trial in by_id
        ]
    found["disease_markers"] = [
        pair for trial, pair in outcome.unseen.get("disease_markers", {}).items() if trial in by_id
    ]
    found["constructs"] = [
        (certainty(outcome.unseen["targets"].get(trial, ())) * sure, said == _entries(by_id[trial]))
        for trial, (sure, said) in outcome.unseen["constructs"].items()
        if trial in by_id
    ]
    return {name: pairs for name, pairs in found.items() if pairs}


def platt(logits: Sequence[float], good: Sequence[bool]) -> tuple[float, float]:
    """Slope and start of the logistic curve through log-odds and outcomes."""
    from sklearn.linear_model import LogisticRegression

    if len(set(good)) < 2:
        return 1.0, 1.0
    model = LogisticRegression(C=10.0).fit([[one] for one in logits], [int(one) for one in good])
    return max(0.05, float(model.coef_[0][0])), float(model.intercept_[0])


def ece(sure: Sequence[float], good: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error over bins of equal count."""
    order = sorted(range(len(sure)), key=lambda n: sure[n])
    size = max(1, len(order) // bins)
    parts = [order[at : at + size] for at in range(0, len(order), size)]
    gaps = [abs(sum(sure[n] for n in part) - sum(good[n] for n in part)) for part in parts]
    return sum(gaps) / max(1, len(order))


def auc(sure: Sequence[float], good: Sequence[bool]) -> float:
    """How well a low certainty finds what is wrong: the area under the curve."""
    from sklearn.metrics import roc_auc_score

    return (
        float(roc_auc_score([not one for one in good], [-one for one in sure])) if len(set(good)) > 1 else 1.0
    )
