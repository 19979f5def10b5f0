"""One evaluation from its options to its result: read, join, tag, score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cart_nlp.curation.known_values import Names, names
from cart_nlp.evaluation import (
    bootstrap,
    calibration,
    compare,
    errors,
    groups,
    predictions,
    registry_labels,
    review,
    scoring,
    unseen,
)
from cart_nlp.evaluation import gold as gold_set
from cart_nlp.evaluation import mentions as mention_level
from cart_nlp.evaluation.gold import Gold, GoldError, GoldRecord
from cart_nlp.evaluation.labels import OPTIONAL_FIELDS
from cart_nlp.evaluation.matching import Basis, Mode, TrialMatch, match
from cart_nlp.evaluation.metrics import FIELD_ORDER
from cart_nlp.evaluation.naming import under_names
from cart_nlp.evaluation.scoring import Evaluation
from cart_nlp.schema import INCLUDED, Mention, Record


@dataclass(frozen=True)
class Options:
    """What `cart-nlp evaluate` was asked for."""

    gold: str | None = None
    records: Path | None = None
    dump: Path | None = None
    split: str = "all"
    mode: Mode = "end-to-end"
    basis: Basis = "both"
    prevalence: float = scoring.PREVALENCE
    others: str = "auto"
    compare: Path | None = None
    lexicons: tuple[Path, ...] = ()
    corrections: Path | None = None
    resamples: int = bootstrap.RESAMPLES


def run(options: Options, note: Callable[[str], None] | None = None) -> Evaluation:
    """Score as asked; raises GoldError with every fault of what was given.

    `note` hears which corrections are left out.
    """
    if options.gold in registry_labels.SETS:
        return _finish(_registry(options, note), options, {})
    if options.dump is not None:
        raise GoldError([f"--dump {options.dump}: goes with --gold registry, whose labels come without text"])
    labeled = gold_set.read(Path(options.gold) if options.gold else None).split(options.split)
    if not labeled.records:
        raise GoldError([f"{labeled.name}: no trial in it; choose another --split or --gold"])
    marks: Mapping[str, Sequence[Mention]] = {}
    if options.records:
        records = predictions.read_records(options.records)
    else:
        records, marks = predictions.tag_gold(labeled.records, options.lexicons)
    records = predictions.corrected(records, labeled.records, options.corrections, options.lexicons, note)
    labeled, renamed = under_names(labeled, records, _known(options).lexicon)
    scored = scoring.evaluate(
        labeled, records, mode=options.mode, basis=options.basis, prevalence=options.prevalence
    )
    scored.result["gold"]["renamed"] = renamed
    return _finish(scored, options, marks)


def _known(options: Options) -> Names:
    return names(tuple(map(str, options.lexicons)))


def _finish(scored: Evaluation, options: Options, marks: Mapping[str, Sequence[Mention]]) -> Evaluation:
    result = scored.result
    bootstrap.add_intervals(result, scored.matches, options.resamples)
    calibration.add_calibration(result, scored.matches, scored.records)
    review.add_review(result, scored.matches, scored.records, _known(options))
    groups.add_groups(result, scored.gold, scored.matches)
    marked = {g.id: g.mentions for g in scored.gold if g.mentions is not None}
    if marked and marks:
        result["mentions"] = mention_level.score(marked, marks)
    lacking = frozenset(OPTIONAL_FIELDS).union(*(one.unlabeled for one in scored.gold))
    result["unlabeled"] = [name for name in FIELD_ORDER if name in lacking - result["fields"].keys()]
    result["unseen"] = unseen.figures()
    result["errors"] = errors.find(scored.gold, scored.records, scored.matches)
    if options.compare:
        result["compare"] = compare.compare(compare.read_result(options.compare), result)
    return scored


def _registry(options: Options, note: Callable[[str], None] | None) -> Evaluation:
    if options.dump is None:
        raise GoldError(
            [f"--gold {options.gold}: its labels come without text; give --dump FILE, a dump with the trials"]
        )
    source = registry_labels.folder(str(options.gold))
    labels, version = registry_labels.read(source)
    given = predictions.read_records(options.records) if options.records else None
    dump = predictions.Dump(options.dump, options.lexicons)
    known = registry_labels.completeness(source)
    joined = registry_labels.join(labels, version, dump, known, registry_labels.SETS[source.name])
    if not joined.gold.records:
        raise GoldError([f"{options.dump.name}: holds none of the {len(labels)} labeled trials"])
    counted = options.others == "not-included" or (options.others == "auto" and joined.complete)
    unlabeled = [GoldRecord(t.id, t, {"car_trial": "no"}) for t in joined.other_candidates] if counted else []
    if given is None:
        # What the fast screen leaves out gets no record, as in `cart-nlp tag`.
        candidates = [g for g in joined.gold.records if g.id in joined.candidates]
        records, _ = predictions.tag_gold([*candidates, *unlabeled], options.lexicons)
    else:
        records = given
    records = predictions.corrected(records, joined.gold.records, options.corrections, options.lexicons, note)
    extra: list[TrialMatch] = []
    if counted:
        found = [
            replace(match(g, records.get(g.id), options.mode, options.basis), labeled=False)
            for g in unlabeled
        ]
        seen = {m.id for m in found}
        extra = found + [
            TrialMatch(i, "no", "no", 0.0, False, labeled=False) for i in joined.others if i not in seen
        ]
    labeled, renamed = under_names(joined.gold, records, _known(options).lexicon)
    scored = scoring.evaluate(
        labeled,
        records,
        mode=options.mode,
        basis=options.basis,
        prevalence=options.prevalence,
        extra=extra,
        unlabeled=[g for g in unlabeled if _written(records.get(g.id))],
    )
    scored.result["gold"]["renamed"] = renamed
    scored.result["dump"] = {
        "file": options.dump.name,
        "labeled": len(joined.gold.records),
        "missing": joined.missing,
        "rejected": dump.rejected,
        "others": len(joined.others),
        "others_counted": counted,
        "changed": joined.changed,
    }
    return scored


def _written(record: Record | None) -> bool:
    return record is not None and record.car_trial in INCLUDED


def floor_faults(scored: Evaluation, floors: Sequence[str]) -> list[str]:
    """One line for each `--fail-under` that is not reached."""
    return compare.shortfalls(scored.result, list(floors))


__all__ = ["Evaluation", "Gold", "Options", "floor_faults", "run"]
