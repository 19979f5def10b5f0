"""Training on invented trials: the same bytes every time, groups kept apart, weights that carry over."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import train_small

from cart_nlp import paths, pipeline
from cart_nlp.schema import Trial
from cart_nlp.scoring.linear import Linear
from cart_nlp.signals.fields import instances
from cart_nlp.training import build, data, fit, gain
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
    weights = {"cart_roles/targets.json", "cart_study/levels.json"}
    assert set(written[0]) == {"card.json", "meta.json", *weights}
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


def labeled(trial: str, source: str, **labels: Any) -> Example:
    return Example(trial, Trial(id=trial, sections={"brief_title": trial}), labels, source, trial)


def test_a_correction_stands_over_an_older_label_and_leaves_the_others() -> None:
    old = labeled(
        "a", "registry", car_trial="product", targets=["CD19"], costim=["CD28"], uncertain=["vector"]
    )
    doubts = ["car_trial", "targets", "vector", "edits"]
    new = labeled("a", "corrected by ana", car_trial="related", targets=["CD22"], costim=["4-1BB"])
    new.labels["uncertain"] = doubts
    assert new.sure("costim") and not new.sure("targets") and not new.sure("car_trial")
    assert not labeled("a", "registry", uncertain=["car_trial"]).sure("costim"), (
        "of a reader who was not sure"
    )
    found = data.merged(old, new)
    said = {name: found.labels[name] for name in ("car_trial", "targets", "costim")}
    assert said == {"car_trial": "product", "targets": ["CD19"], "costim": ["4-1BB"]}
    assert found.labels["uncertain"] == ["edits", "vector"] and found.sure("targets")
    whole = labeled("a", "corrected", car_trial="no", targets=[])
    assert data.merged(old, whole) is whole and data.merged(None, new) is new


def test_what_further_labels_gain_is_counted_on_trials_that_no_weight_has_seen() -> None:
    nlp = pipeline.load()
    every = [example for example in train_small.examples() if example.labels["car_trial"] == "product"]
    build.read_all(nlp, every)
    wrong = replace(every[-1], labels={**every[-1].labels, "targets": ["ROR1"]})
    base, now = [*every[:-2], wrong], every

    def outcome(examples: list[Example]) -> build.Outcome:
        result = build.Outcome(unseen={"car_trial": {}})
        build._targets(examples, {}, result)
        return result

    before, after = outcome(base), outcome(now)
    told = gain.gain(nlp, base, now, before, after)
    assert told["trials"] == 2
    assert told["others"]["targets"]["trials"] == len(every) - 2
    right = {
        trial: {c.concept for c in said if c.probability >= 0.5}
        for trial, said in after.unseen["targets"].items()
    }
    assert told["others"]["targets"]["after"] == sum(
        right[e.id] == set(e.labels["targets"]) for e in every[:-2]
    )
    assert told["labeled"]["targets"]["trials"] == 2
    text = list(gain.lines(told))
    assert text[0].startswith("2 trials with new or changed labels") and len(text) == 3


def test_further_labels_replace_nothing_unasked(tmp_path, monkeypatch, capsys) -> None:
    from cart_nlp.training import __main__ as command

    made = build.Outcome(unseen={"car_trial": {}, "formats": {}})
    written: list[Path] = []
    monkeypatch.setattr(command.data, "training_set", lambda corpus, extra=(): [])
    monkeypatch.setattr(command.build, "train", lambda examples, roles: made)
    monkeypatch.setattr(
        command.report, "calibration", lambda examples, outcome: (Linear({"targets": {}}), {})
    )
    monkeypatch.setattr(command, "write", lambda outcome, card, folder: written.append(folder))
    mine = tmp_path / "mine.jsonl"
    for more, wanted in (
        (["--gold", str(mine)], []),
        (["--gold", str(mine), "--dry", "--replace"], []),
        (["--gold", str(mine), "--out", str(tmp_path / "m")], [tmp_path / "m"]),
        (["--gold", str(mine), "--replace"], [paths.model()]),
        ([], [paths.model()]),
    ):
        written.clear()
        mine.touch()
        monkeypatch.setattr(sys, "argv", ["training", *more])
        assert command.main() == 0 and written == wanted, more
        assert ("gain" in capsys.readouterr().out) == ("--gold" in more)
    mine.unlink()
    monkeypatch.setattr(sys, "argv", ["training", "--gold", str(mine)])
    with pytest.raises(SystemExit):
        command.main()
    assert "no such file" in capsys.readouterr().err


def test_a_model_of_one_s_own_is_one_that_spacy_loads(tmp_path: Path) -> None:
    from cart_nlp.training.__main__ import write

    outcome = build.Outcome()
    outcome.add("cart_study", "include", Linear({"": {"": -50.0}}))
    write(outcome, {}, tmp_path / "new" / "mine")
    (text, verdict) = "CD19 CAR-T cells in lymphoma", "product"
    assert pipeline.load()(text)._.cart["car_trial"] == verdict
    assert spacy.load(tmp_path / "new" / "mine")(text)._.cart["car_trial"] != verdict


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--corpus", "none"], "--corpus none: no folder with any of gold-dev.jsonl, "),
        (["review", "--corpus", "empty"], "--corpus empty: no folder with any of gold-dev.jsonl, "),
        (["--out", "file"], "--out file: a file is there"),
    ],
    ids=" ".join,
)
def test_a_folder_that_cannot_be_used_is_told_before_anything_is_learned(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: str,
) -> None:
    from cart_nlp.training import __main__ as command

    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["training", *arguments])
    monkeypatch.setattr(command.data, "training_set", lambda *_: pytest.fail("it went on"))
    with pytest.raises(SystemExit) as end:
        command.main()
    assert end.value.code == 2 and told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b'{"id": "NCT1", ', ":2: not JSON ("),
        (b"[" * 2000, ":2: not JSON (nested deeper than"),
        (b"[1]", ":2: a JSON list; one object a line"),
        (b"{}", ":2: id is None; give a registration number"),
        (b'{"id": "NCT1"}', ":2: NCT1: labels is not an object"),
        (b'{"id": "NCT1", "labels": {"car_trial": "maybe"}}', ":2: NCT1: unknown label car_trial='maybe'"),
        (b'{"id": "NCT1", "labels": {"car_trial": "no"}, "trial": 3}', ":2: NCT1: trial: "),
        (b"\xff", ": cannot be read: "),
    ],
    ids=lambda value: value[:40] if isinstance(value, bytes) else None,
)
def test_labels_that_cannot_be_read_are_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    line: bytes,
    told: str,
) -> None:
    from cart_nlp.training import __main__ as command

    mine = tmp_path / "mine.jsonl"
    mine.write_bytes(b'{"id": "NCT0", "labels": {"car_trial": "no", "focus": ""}}\n' + line + b"\n")
    (tmp_path / "gold-dev.jsonl").touch()
    monkeypatch.setattr(sys, "argv", ["training", "--gold", str(mine), "--dry", "--corpus", str(tmp_path)])
    monkeypatch.setattr(command.build, "read_all", lambda *_: pytest.fail("it went on"))
    with pytest.raises(SystemExit) as end:
        command.main()
    said = capsys.readouterr().err
    assert (end.value.code, said.count("\n")) == (2, 1)
    assert f"{mine}{told}" in said


@pytest.mark.parametrize("digits", [0.0004, 0.0006])
def test_weights_are_written_short_and_none_is_zero(digits: float) -> None:
    table = fit._rounded(["a", "b"], np.array([digits, -1.23456, 0.5]))
    assert table == ({"": 0.5, "b": -1.235} if digits < 0.0005 else {"": 0.5, "a": 0.001, "b": -1.235})
