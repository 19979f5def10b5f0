"""What the package itself scored on labels that nobody had tuned to: carried along, beside every result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from cart_nlp import paths
from cart_nlp.evaluation.bootstrap import wilson
from cart_nlp.evaluation.layout import interval, percent

HEADER = ("on unseen labels", "share", "trials")


def figures() -> dict[str, Any]:
    """The first looks: what they are, when they were taken, and each rate over all of them.

    Empty where the package lies without its results.
    """
    file = paths.results() / "first-looks.json"
    if not file.is_file():
        return {}
    told = orjson.loads(file.read_bytes())
    counts: dict[str, list[int]] = {}
    for look in told["looks"]:
        for name, (right, whole) in look["counts"].items():
            total = counts.setdefault(name, [0, 0])
            total[0] += right
            total[1] += whole
    return {
        "about": told["about"],
        "looks": [{"name": look["name"], "date": look["date"]} for look in told["looks"]],
        "figures": {
            name: {
                "right": right,
                "n": whole,
                "share": right / whole if whole else None,
                "interval": wilson(right, whole) if whole else None,
            }
            for name, (right, whole) in counts.items()
        },
    }


def rows(unseen: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Cells of each rate, in the order of HEADER."""
    for name, s in unseen["figures"].items():
        yield (
            name,
            percent(s["share"]) + interval({"interval": {"share": s["interval"]}}, "share"),
            str(s["n"]),
        )


def lines(unseen: Mapping[str, Any]) -> Iterator[str]:
    """The same as lines of text."""
    yield f"whatever is scored here, this package's own rates on unseen labels. {unseen['about']}"
    for name, share, n in rows(unseen):
        yield f"  {name}: {share} of {n}"
