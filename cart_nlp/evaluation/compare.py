"""What got better and what worse since another run, with McNemar's test a field."""

from __future__ import annotations

from collections.abc import Mapping
from math import comb
from pathlib import Path
from typing import Any

from cart_nlp import shallow
from cart_nlp.evaluation.gold import GoldError

_RATES = ("precision", "recall", "f1", "exact", "exact_included", "exact_multi")


def read_result(path: Path) -> dict[str, Any]:
    """A result of `cart-nlp evaluate --json`; raises GoldError in one line."""
    try:
        result = shallow.json_of(path.read_text("utf-8"))
    except FileNotFoundError:
        raise GoldError([f"{path}: no such file; give a result of `cart-nlp evaluate --json`"]) from None
    except (ValueError, OSError) as error:
        raise GoldError([f"{path}: {error}; give a result of `cart-nlp evaluate --json`"]) from None
    if not isinstance(result, dict) or not isinstance(result.get("outcomes"), dict):
        raise GoldError([f"{path}: no outcomes by trial; give a result of `cart-nlp evaluate --json`"])
    return result


def mcnemar(better: int, worse: int) -> float | None:
    """Exact two-sided p value of McNemar's test; None where no trial changed."""
    changed = better + worse
    if not changed:
        return None
    tail = sum(comb(changed, k) for k in range(min(better, worse) + 1))
    return min(1.0, 2 * tail / 2**changed)


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """By field: trials that became right and wrong, the p value, and the rates before and after."""
    shared = sorted(old["outcomes"].keys() & new["outcomes"].keys())
    names = sorted({name for i in shared for name in old["outcomes"][i].keys() & new["outcomes"][i].keys()})
    fields: dict[str, Any] = {}
    for name in names:
        both = [i for i in shared if name in old["outcomes"][i] and name in new["outcomes"][i]]
        better = [i for i in both if new["outcomes"][i][name] and not old["outcomes"][i][name]]
        worse = [i for i in both if old["outcomes"][i][name] and not new["outcomes"][i][name]]
        fields[name] = {
            "trials": len(both),
            "better": better,
            "worse": worse,
            "p": mcnemar(len(better), len(worse)),
            "rates": _rates(name, old, new),
        }
    return {
        "old": {"gold": old.get("gold"), "tool": old.get("tool")},
        "same_gold": old.get("gold", {}).get("version") == new["gold"]["version"],
        "trials": len(shared),
        "only_old": sorted(old["outcomes"].keys() - new["outcomes"].keys()),
        "only_new": sorted(new["outcomes"].keys() - old["outcomes"].keys()),
        "fields": fields,
    }


def _rates(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    before, after = _scores(old, name), _scores(new, name)
    keys = (*_RATES, "accuracy", "specificity")
    return {key: [before.get(key), after.get(key)] for key in keys if key in before or key in after}


def _scores(result: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = result["fields"].get(name) or result.get(name) or {}
    return found if isinstance(found, dict) else {}


def lookup(result: Mapping[str, Any], path: str) -> float | None:
    """The rate at `targets.exact`, `screening.recall` or `targets.macro.f1`; raises GoldError if none."""
    field, *rest = path.removeprefix("fields.").split(".")
    if field in result.get("unlabeled", ()):
        raise GoldError([f"no rate {path!r}: {field} is not labeled in this set"])
    value: Any = _scores(result, field)
    for key in rest:
        value = value.get(key, ...) if isinstance(value, dict) else ...
    if value is ... or not rest or isinstance(value, (dict, list, str, bool)):
        known = sorted([*result["fields"], "screening", "focus", "car_trial"])
        raise GoldError(
            [f"no rate {path!r}; give FIELD.RATE such as targets.exact, of the fields {', '.join(known)}"]
        )
    return value


def shortfalls(result: Mapping[str, Any], floors: list[str]) -> list[str]:
    """One line for each `FIELD.RATE=FLOOR` that the result falls short of; an undefined rate does."""
    short = []
    for floor in floors:
        path, _, text = floor.partition("=")
        try:
            limit = float(text)
        except ValueError:
            raise GoldError([f"--fail-under {floor}: give FIELD.RATE=NUMBER, as targets.exact=0.9"]) from None
        if not 0 <= limit <= 1:
            raise GoldError([f"--fail-under {floor}: give a share between 0 and 1, e.g. 0.95"])
        value = lookup(result, path.strip())
        if value is None or value < limit:
            shown = "undefined" if value is None else f"{value:.4f}"
            short.append(f"{path.strip()} is {shown}, under {limit:g}")
    return short
