"""Trains on invented trials and writes the model to the folder that is named; run by test_training.py."""

import sys
from pathlib import Path

from cart_nlp import pipeline
from cart_nlp.schema import Trial
from cart_nlp.signals import study
from cart_nlp.training import build, fit
from cart_nlp.training.__main__ import card_data, write
from cart_nlp.training.data import Example

ANTIGENS = ("CD19", "BCMA", "CD22", "GPC3", "MSLN", "GD2", "CD7", "CD70")


def examples() -> list[Example]:
    """Products with a title and a summary, trials of recipients, and trials that only mention a CAR."""
    found = []
    for n, name in enumerate(ANTIGENS):
        other = ANTIGENS[(n + 3) % len(ANTIGENS)]
        texts = {
            "product": (f"{name} CAR-T cells for {other}+ cancer", f"Autologous T cells with a {name} CAR."),
            "related": (
                f"Registry of people after {name} CAR-T",
                f"Outcomes after {name} CAR-T cells are seen.",
            ),
            "mention": ("A drug in cancer", f"Prior {name} CAR-T cells are allowed."),
        }
        for level, (title, summary) in texts.items():
            sections = {"brief_title": title, "brief_summary": summary}
            labels = {"car_trial": level, "targets": [name] if level != "mention" else []}
            if level == "product":
                labels |= {"cell_source": ["autologous"], "cell_type": ["T"]}
                labels["constructs"] = [{"targets": [name], "format": "single"}]
            trial = Trial(id=f"{level}-{n}", sections=sections)
            found.append(Example(trial.id, trial, labels, "invented", trial.id))
    return found


def trained() -> build.Outcome:
    """A scorer of targets and one of levels, fitted on these trials."""
    chosen = examples()
    build.read_all(pipeline.load(), chosen)
    items = build.field_items(chosen, "targets")
    outcome = build.Outcome()
    outcome.add("cart_roles", "targets", fit.fit_field(list(zip(items.rows, items.truth, strict=True))))
    held = [study.signals(example.reading, {}) for example in chosen]
    levels = [example.labels["car_trial"] for example in chosen]
    outcome.add("cart_study", "levels", fit.fit_classes(held, levels, list(range(len(chosen)))))
    return outcome


if __name__ == "__main__":
    write(trained(), {"data": card_data(examples())}, Path(sys.argv[1]))
