"""`python -m cart_nlp.training`: fit the model's weights with cross-validation; write them and their card."""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from cart_nlp import console, outputs, paths, pipeline, screening
from cart_nlp.evaluation import review
from cart_nlp.evaluation.gold import GoldError
from cart_nlp.schema import Trial
from cart_nlp.training import ablation, build, data, folds, gain, hidden, report, whole

FIGURES = "review.json"
CORPUS = Path("../shared/corpus")
FRAME = ("config.cfg", "meta.json", "tokenizer")
"""Files of a model besides weights and card, without which spaCy loads none."""


def _arguments() -> argparse.Namespace:
    """What the command line asks for; ends the command in one line where that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m cart_nlp.training", description=__doc__)
    parser.add_argument(
        "task",
        nargs="?",
        choices=("train", "ablate", "review"),
        default="train",
        help="ablate: report what each category of cues, family of signals and component changes, and which "
        "hidden antigens are still found; "
        "review: train five times without a fifth of the sponsors, tag their trials, and tell which share of "
        "the wrong ones is among the least sure",
    )
    parser.add_argument(
        "--corpus",
        type=Path,
        default=None,
        help=f"folder with the dumps that hold the labeled trials' text (default: {CORPUS}, if it is there)",
    )
    parser.add_argument(
        "--gold",
        type=Path,
        nargs="*",
        default=[],
        help="further files of labels, with text or by id; their gain is told, and the shipped weights stay",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=None,
        help="model folder to write to (default: the shipped one, with --gold only if --replace is given); "
        f"with review the file of its figures (default: {FIGURES} among the results of this checkout)",
    )
    parser.add_argument("--replace", action="store_true", help="with --gold, write over the shipped weights")
    parser.add_argument("--dry", action="store_true", help="report cross-validation and write nothing")
    chosen = parser.parse_args()
    if chosen.corpus and not any((chosen.corpus / name).is_file() for name in data.TEXTS):
        names = ", ".join(data.TEXTS)
        parser.error(f"--corpus {chosen.corpus}: no folder with any of {names}; name the one that has them")
    chosen.corpus = chosen.corpus or CORPUS
    if missing := [str(path) for path in chosen.gold if not path.is_file()]:
        parser.error(f"--gold {', '.join(missing)}: no such file")
    if chosen.task == "train" and chosen.out and chosen.out.exists() and not chosen.out.is_dir():
        parser.error(f"--out {chosen.out}: a file is there; name a folder for the model")
    if chosen.task == "review":
        chosen.out = None if chosen.dry else chosen.out or paths.results() / FIGURES
        if chosen.out and not chosen.out.parent.is_dir():
            parser.error(f"--out {chosen.out}: no such folder")
    return chosen


def main() -> int:
    """Parse the command line, train, report and write."""
    chosen = _arguments()
    nlp = pipeline.load()
    examples = _examples(chosen.corpus, chosen.gold)
    build.read_all(nlp, examples)
    if chosen.task == "review":
        return _review(examples, chosen.out)
    if chosen.task == "ablate":
        first = data.first_labeled()
        found = {
            "parts": ablation.report(
                nlp, examples, _others(chosen.corpus, examples), lambda line: console.put(line, sys.stderr)
            ),
            "antigens": hidden.recovered(examples),
            "antigens of the first labels": hidden.recovered([e for e in examples if e.id in first]),
            "symbols that no label has": hidden.stray(examples),
        }
        console.put(json.dumps(found, indent=1))
        return 0
    outcome, quality = whole.train(examples, data.roles())
    figures = report.figures(examples, outcome)
    card = {"data": card_data(examples), "cross_validation": figures, "calibration": quality}
    told: dict[str, Any] = {"cross_validation": figures, "calibration": quality}
    if chosen.gold:
        base = data.training_set(chosen.corpus)
        build.read_all(nlp, base)
        told["gain"] = gain.gain(nlp, base, examples, build.train(base, data.roles()), outcome)
    console.put(json.dumps(told, indent=1))
    if chosen.gold:
        console.put("\n".join(gain.lines(told["gain"])), sys.stderr)
    if chosen.dry:
        return 0
    if chosen.gold and not (chosen.out or chosen.replace):
        console.put(
            "nothing is replaced: give --out FOLDER, or --replace for the shipped weights", sys.stderr
        )
        return 0
    folder = chosen.out or paths.model()
    write(outcome, card, folder)
    console.put(f"weights to {folder}", sys.stderr)
    return 0


def _examples(corpus: Path, gold: list[Path]) -> list[data.Example]:
    """The labeled trials; ends the command in one line where they cannot be read."""
    try:
        return data.training_set(corpus, gold)
    except GoldError as fault:
        console.stop_all("cart_nlp.training", fault.faults)


def _review(examples: list[data.Example], out: Path | None) -> int:
    """Tell what a review finds, and write it if there is a place for it."""
    found = {"data": card_data(examples), **folds.reviewed(examples, data.roles())}
    for name, what in (("written", "of the trials that are written"), ("tagged", "of all that are tagged")):
        console.put("\n".join((f"{what}:", *review.lines(found[name]))))
    if out is not None:
        outputs.write(out, json.dumps(found, indent=1).encode() + b"\n")
        console.put(f"figures to {out}", sys.stderr)
    return 0


def _others(corpus: Path, examples: list[data.Example]) -> list[Trial]:
    """Trials of the corpus without a label."""
    dump = corpus / "registry-dump.jsonl.gz"
    known = frozenset(example.id for example in examples)
    return ablation.unlabeled(dump, known, screening.hits_of([])) if dump.is_file() else []


def card_data(examples: list[data.Example]) -> dict[str, Any]:
    """Where the labels come from, and a hash of all of them."""
    counts: dict[str, int] = {}
    for example in examples:
        counts[example.source] = counts.get(example.source, 0) + 1
    text = json.dumps(
        [[e.id, e.labels] for e in sorted(examples, key=lambda e: e.id)], sort_keys=True, ensure_ascii=False
    )
    return {
        "trials": len(examples),
        "by_source": dict(sorted(counts.items())),
        "labels_sha256": hashlib.sha256(text.encode()).hexdigest(),
    }


def write(outcome: build.Outcome, card: dict[str, Any], folder: Path) -> None:
    """Write every scorer into the folder of its component, the card beside them, and what else a model has.

    The lexicons are not written: the model reads those of the installed package, as the shipped one does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shipped = paths.model()
    for name in FRAME if folder.resolve() != shipped.resolve() else ():
        shutil.copyfile(shipped / name, folder / name)
    for component, scorers in outcome.scorers.items():
        target = folder / component
        target.mkdir(parents=True, exist_ok=True)
        for name, scorer in scorers.items():
            text = json.dumps(scorer.to_json(), ensure_ascii=False, indent=1) + "\n"
            (target / f"{name}.json").write_text(text, "utf-8", newline="\n")
    text = json.dumps(card, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    (folder / "card.json").write_text(text, "utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main())
