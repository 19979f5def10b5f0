"""Time to tag a text against its length, for kinds of text that ask the most: `python tests/growth.py`."""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable

from cart_nlp import load
from cart_nlp.assembly import record
from cart_nlp.pipeline import make_doc
from cart_nlp.schema import Trial

Sections = dict[str, str]


def repeated(piece: str) -> Callable[[int], Sections]:
    """A description of so many characters that says one thing again and again."""
    return lambda size: {
        "brief_title": "CD19 CAR-T cells",
        "detailed_description": (piece * (size // len(piece) + 1))[:size],
    }


def listed(key: str, text: str) -> Callable[[int], Sections]:
    """So many characters in items of a list, numbered."""
    return lambda size: {
        "brief_title": "CD19 CAR-T cells",
        **{key.format(at): text.format(at) for at in range(size // len(text))},
    }


KINDS: dict[str, Callable[[int], Sections]] = {
    "19-28z": repeated("19-28z "),
    "cart-": repeated("cart-"),
    "interventions": listed("interventions[{}].name", "CAR {}"),
    "conditions": listed("conditions[{}]", "B-cell lymphoma {}"),
    "arms": listed("arms[{}].description", "Arm {}: BCMA CAR-T with CD28"),
    "CAR": repeated("CAR "),
    "CD19 CAR-T cells": repeated("CD19 CAR-T cells, "),
    "sentences": repeated("Patients received CD19 CAR-T cells after CD22 CAR-T failed. "),
    "one sentence": repeated("CD19 and CD22 or BCMA, "),
    "CD19/": repeated("CD19/"),
    "CD19xCD22": repeated("CD19xCD22 "),
    "CD19-CD22-": repeated("CD19-CD22-"),
    "anti-": repeated("anti-"),
    "T-": repeated("T-"),
    "brackets": repeated("("),
    "abbreviations": repeated("chimeric antigen receptor (CAR) "),
    "prior": repeated("no prior CD19 CAR-T or "),
    "knockouts": repeated("TRAC and B2M knockout "),
    "products": repeated("tisagenlecleucel, axi-cel; "),
    "diseases": repeated("lymphoma leukemia "),
    "Chinese": repeated("靶向CD19的嵌合抗原受体T细胞"),
    "Greek": repeated("αβγδζ-"),
    "numbers": repeated("1.2.3-"),
    "one word": repeated("a"),
    "line breaks": repeated("\nCD19\n"),
}
"""Kind of text -> the sections of a trial of some size."""


class Clock:
    """Seconds of this process that a trial takes from its sections to its record.

    What the pipeline holds for good (lexicons, models) is put out of the garbage collector's sight: its rare
    full look at all of that falls on the longest texts, and would be taken for growth; `as_it_runs` leaves
    it in.
    """

    def __init__(self) -> None:
        self.nlp = load()
        self(KINDS["sentences"](200))

    def __call__(self, sections: Sections, times: int = 1, *, as_it_runs: bool = False) -> float:
        trial = Trial(id="NCT1", sections=sections)
        gc.collect()
        if not as_it_runs:
            gc.freeze()
        try:
            return min(self._once(trial) for _ in range(times))
        finally:
            gc.unfreeze()

    def _once(self, trial: Trial) -> float:
        began = time.process_time()
        record(self.nlp(make_doc(self.nlp, trial)), trial)
        return time.process_time() - began


def main() -> None:
    """Print the seconds of every kind at one, two, four and eight times a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=7_500, help="characters of the smallest text")
    size = parser.parse_args().size
    clock = Clock()
    print(
        f"| kind | {' | '.join(f'{size * n:,}' for n in (1, 2, 4, 8))} | 8x / x | collector as it runs |"
        "\n|---|--:|--:|--:|--:|--:|--:|"
    )
    for name, made in KINDS.items():
        took = [clock(made(size * n), 2) for n in (1, 2, 4, 8)]
        seen = [clock(made(size * n), 2, as_it_runs=True) for n in (1, 8)]
        ratios = f"{took[-1] / took[0]:.1f} | {seen[-1] / seen[0]:.1f}"
        print(f"| {name} | {' | '.join(f'{s:.3f}' for s in took)} | {ratios} |", flush=True)


if __name__ == "__main__":
    main()
