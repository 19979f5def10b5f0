"""The scores agree with independent implementations on random data."""

from __future__ import annotations

import random
import time
import warnings

import numpy as np
import pytest
from test_evaluation_metrics import gold, record

from cart_nlp.evaluation import agreement, bootstrap, calibration, metrics
from cart_nlp.evaluation.matching import TrialMatch, match

LABELS = ["autologous", "donor_derived", "off_the_shelf", "cord_blood", "ipsc"]


def random_matches(seed, n=80):
    """Random label sets of random trials, matched, and the sets themselves."""
    rng = random.Random(seed)

    def some():
        return sorted(rng.sample(LABELS, rng.choice([0, 1, 1, 2])))

    pairs = [(some(), some() if rng.random() < 0.4 else None) for _ in range(n)]
    pairs = [(g, g if p is None else p) for g, p in pairs]
    matches = [
        match(gold(f"T{i}", cell_source=g), record(f"T{i}", cell_source=tuple(p)))
        for i, (g, p) in enumerate(pairs)
    ]
    return matches, pairs


@pytest.mark.parametrize("seed", range(5))
def test_list_fields_agree_with_scikit_learn(seed):
    learn = pytest.importorskip("sklearn.metrics")
    from sklearn.preprocessing import MultiLabelBinarizer

    matches, pairs = random_matches(seed)
    score = metrics.field_score("cell_source", matches).as_dict()
    binary = MultiLabelBinarizer(classes=LABELS)
    wanted = binary.fit_transform([g for g, _ in pairs])
    found = binary.transform([p for _, p in pairs])
    for average, ours in (("micro", score), ("macro", score["macro"])):
        p, r, f, _ = learn.precision_recall_fscore_support(
            wanted, found, average=average, zero_division=np.nan
        )
        assert (ours["precision"], ours["recall"], ours["f1"]) == pytest.approx((p, r, f))
    assert score["exact_included"] == pytest.approx(learn.accuracy_score(wanted, found))


@pytest.mark.parametrize("seed", range(5))
def test_screening_agrees_with_scikit_learn(seed):
    learn = pytest.importorskip("sklearn.metrics")
    rng = random.Random(seed)
    cars = [(rng.choice(metrics.LEVELS), rng.choice(metrics.LEVELS)) for _ in range(60)]
    matches = [match(gold(f"T{i}", car=g), record(f"T{i}", car=p)) for i, (g, p) in enumerate(cars)]
    rates = metrics.screening(matches, 0.3)
    wanted = [g in ("product", "related") for g, _ in cars]
    found = [p in ("product", "related") for _, p in cars]
    assert rates["recall"] == pytest.approx(learn.recall_score(wanted, found))
    assert rates["precision"] == pytest.approx(learn.precision_score(wanted, found))
    assert rates["specificity"] == pytest.approx(learn.recall_score(wanted, found, pos_label=False))
    table = learn.confusion_matrix([g for g, _ in cars], [p for _, p in cars], labels=metrics.LEVELS)
    ours = metrics.car_confusion(matches)
    assert [[ours[g][p] for p in metrics.LEVELS] for g in metrics.LEVELS] == table.tolist()


def test_kappa_agrees_with_scikit_learn():
    learn = pytest.importorskip("sklearn.metrics")
    rng = random.Random(3)
    rows = [(rng.choice("abc"), rng.choice("abcd")) for _ in range(100)]
    assert agreement.kappa(rows) == pytest.approx(learn.cohen_kappa_score(*zip(*rows, strict=True)))
    assert agreement.kappa([]) is None
    assert agreement.kappa([("a", "a")]) is None


def test_calibration_agrees_with_scikit_learn():
    learn = pytest.importorskip("sklearn.metrics")
    rng = random.Random(4)
    rows = [(rng.choice([0.0, 0.05, 0.3, 0.31, 0.77, 1.0]), rng.random() < 0.6) for _ in range(200)]
    ours = calibration.calibration(rows)
    scores, truth = zip(*rows, strict=True)
    assert ours["brier"] == pytest.approx(learn.brier_score_loss(truth, scores))
    assert ours["auc"] == pytest.approx(learn.roc_auc_score(truth, scores))
    assert sum(b["n"] for b in ours["bins"]) == 200
    mean_gap = sum(b["n"] * abs(b["score"] - b["right"]) for b in ours["bins"]) / 200
    assert ours["ece"] == pytest.approx(mean_gap)


def test_calibration_of_nothing_is_undefined():
    assert calibration.calibration([]) == {"n": 0, "brier": None, "ece": None, "auc": None, "bins": []}
    assert calibration.auc([(0.5, True)]) is None


def result_of(matches):
    """The parts of a result that intervals are added to."""
    return {
        "fields": {name: s.as_dict() for name, s in metrics.field_scores(matches).items()},
        "screening": metrics.screening(matches, 0.01),
        "focus": metrics.focus_score(matches),
        "car_trial": metrics.car_accuracy(matches),
    }


def test_bootstrap_agrees_with_drawing_trials_one_by_one():
    matches, _ = random_matches(1, n=60)
    result = result_of(matches)
    bootstrap.add_intervals(result, matches, resamples=4000)
    rng = random.Random(0)
    draws = {"f1": [], "exact": [], "macro_f1": []}
    for _ in range(1500):
        again = [rng.choice(matches) for _ in matches]
        score = metrics.field_score("cell_source", again).as_dict()
        draws["f1"].append(score["f1"])
        draws["exact"].append(score["exact"])
        draws["macro_f1"].append(score["macro"]["f1"])
    for name, values in draws.items():
        low, high = np.percentile(values, [2.5, 97.5])
        ours = result["fields"]["cell_source"]["interval"][name]
        assert ours == pytest.approx([low, high], abs=0.025)


def test_bootstrap_is_seeded():
    matches, _ = random_matches(2)
    first, second = result_of(matches), result_of(matches)
    bootstrap.add_intervals(first, matches)
    bootstrap.add_intervals(second, matches)
    assert first == second


def test_bootstrap_of_a_whole_dump_costs_little_more_than_that_of_its_labeled_trials():
    matches, _ = random_matches(5, n=400)
    rest = [TrialMatch(f"O{i}", "no", "no", 0.0, False, labeled=False) for i in range(50_000)]

    def seconds(held):
        result = result_of(held)
        start = time.process_time()
        bootstrap.add_intervals(result, held)
        return time.process_time() - start, result

    (alone, _), (whole, result) = seconds(matches), seconds([*matches, *rest])
    assert whole < 20 * alone  # five times; drawing the others, too, would take 125 times as long
    low, high = result["screening"]["interval"]["specificity"]
    assert 0.99 < low < 1
    assert high == pytest.approx(1)


def test_perfect_scores_get_wilson_bounds_in_place_of_a_point():
    matches = [match(gold(f"T{i}", vector=["lnp"]), record(f"T{i}", vector=("lnp",))) for i in range(10)]
    result = result_of(matches)
    bootstrap.add_intervals(result, matches)
    interval = result["fields"]["vector"]["interval"]
    assert interval["exact"] == pytest.approx([0.7225, 1.0], abs=1e-4)
    assert interval["f1"][0] == pytest.approx(2 * 0.72246 / 1.72246, abs=1e-4)
    assert result["fields"]["edits"]["interval"]["f1"] is None


def test_wilson_agrees_with_statsmodels():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        proportion = pytest.importorskip("statsmodels.stats.proportion")
    for right, whole in ((0, 5), (3, 7), (7, 7), (40, 41)):
        expected = proportion.proportion_confint(right, whole, method="wilson")
        assert bootstrap.wilson(right, whole) == pytest.approx(list(expected), abs=1e-9)
    assert bootstrap.wilson(0, 0) is None
