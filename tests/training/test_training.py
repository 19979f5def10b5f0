"""Training on invented trials: the same bytes every time, groups kept apart, weights that carry over."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import train_small

from cart_nlp import pipeline
from cart_nlp.schema import Trial
from cart_nlp.signals.fields import instances
from cart_nlp.training import build, fit
from cart_nlp.training.data import Example, group


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.json"))}


def test_training_gives_the_same_bytes_every_time(tmp_path: Path) -> None:
    written = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        env = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, train_small.__file__, folder]
        subprocess.run(command, env=env, check=True, capture_output=True, timeout=240)
        written.append(files(folder))
    assert set(written[0]) == {"card.json", "cart_roles/targets.json", "cart_study/levels.json"}
    assert written[0] == written[1]


def test_what_is_learned_carries_over_to_other_antigens() -> None:
    outcome = train_small.trained()
    nlp = pipeline.load()
    title = "ROR1 CAR-T cells for CD33+ cancer"
    example = Example("new", Trial(id="new", sections={"brief_title": title}), {}, "invented", "new")
    build.read_all(nlp, [example])
    found = outcome.scorers["cart_roles"]["targets"].score(instances(example.reading, "targets"))
    assert [(one.concept, one.probability > 0.5) for one in found] == [("ROR1", True), ("CD33", False)]


def test_a_group_is_never_on_both_sides_of_a_fold() -> None:
    groups = [f"sponsor {n % 7}" for n in range(40)]
    seen = {}

    def learn(numbers: list[int]) -> frozenset[str]:
        return frozenset(groups[n] for n in numbers)

    def ask(known: frozenset[str], number: int) -> bool:
        seen[number] = groups[number] in known
        return True

    assert len(fit.cross(40, groups, learn, ask)) == 40
    assert seen == dict.fromkeys(range(40), False)
    assert len({fit.fold_of(name) for name in set(groups)}) > 1


def test_trials_of_a_sponsor_stay_together() -> None:
    trials = [Trial(id=f"t{n}", sponsor="Hospital A", sections={}) for n in range(2)]
    assert len({group(trial) for trial in trials}) == 1
    assert group(Trial(id="t9", sections={})) != group(Trial(id="t8", sections={}))


def test_a_signal_that_stands_on_one_group_gets_no_weight() -> None:
    rows = [["both", "rare"], ["both", "rare"], ["both"], ["both"]]
    found, names = fit.matrix(rows, [0, 0, 1, 2], support=2)
    assert names == ["both"]
    assert found.toarray().tolist() == [[1.0]] * 4
    assert fit.matrix([[]], [0], support=1)[0].shape == (1, 0)


@pytest.mark.parametrize("digits", [0.0004, 0.0006])
def test_weights_are_written_short_and_none_is_zero(digits: float) -> None:
    table = fit._rounded(["a", "b"], np.array([digits, -1.23456, 0.5]))
    assert table == ({"": 0.5, "b": -1.235} if digits < 0.0005 else {"": 0.5, "a": 0.001, "b": -1.235})
