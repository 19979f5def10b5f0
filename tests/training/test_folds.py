"""What a review finds in cross-validation: each trial by a model that has not seen its sponsor."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import train_small

from cart_nlp import pipeline
from cart_nlp.schema import Trial
from cart_nlp.scoring.linear import Linear
from cart_nlp.training import __main__ as command
from cart_nlp.training import build, folds
from cart_nlp.training.data import TAUGHT, Example
from cart_nlp.training.fit import fit_candidates, fold_of

SINGLE, TANDEM, COCKTAIL = (
    "{a} CAR-T cells",
    "{a}/{b} tandem CAR-T cells",
    "A cocktail of {a} and {b} CAR-T cells",
)


def example(name: str, title: str, targets: list[str], form: str, source: str = "invented") -> Example:
    groups = [[one] for one in targets] if form in ("single", "cocktail") else [targets]
    labels = {
        "car_trial": "product", "targets": targets, "cell_type": ["T"], "focus": "treatment",
        "constructs": [{"targets": group, "format": form} for group in groups],
    }  # fmt: skip
    return Example(name, Trial(id=name, sections={"brief_title": title}), labels, source, name)


def examples() -> Iterator[Example]:
    """Trials with one target and with two, look-alikes, one with a wrong label, and one written to teach."""
    names = train_small.ANTIGENS
    for n, a in enumerate(names):
        b = names[(n + 3) % len(names)]
        for form, title in (("single", SINGLE), ("tandem", TANDEM), ("cocktail", COCKTAIL)):
            targets = [a] if form == "single" else [a, b]
            yield example(f"{form}-{n}", title.format(a=a, b=b), targets, form)
        trial = Trial(id=f"no-{n}", sections={"brief_title": f"Prior {a} CAR-T cells are allowed"})
        yield Example(trial.id, trial, {"car_trial": "mention"}, "invented", trial.id)
    yield example("labeled-otherwise", SINGLE.format(a="CD19"), ["GPC3"], "single")
    yield example("taught-1", SINGLE.format(a="CD19"), ["CD19"], "single", TAUGHT)


@pytest.fixture(scope="module")
def every() -> list[Example]:
    found = list(examples())
    build.read_all(pipeline.load(), found)
    return found


def test_each_trial_is_tagged_by_a_model_that_has_not_seen_its_group(every, monkeypatch, tmp_path, capsys):
    learned: list[set[str]] = []
    read: list[tuple[str, int]] = []
    train, tag = folds.whole.train, folds.pipeline.tag_trial

    def watched(known, roles):
        learned.append({one.group for one in known})
        return train(known, roles)

    def tagged(nlp, trial):
        read.append((trial.id, len(learned) - 1))
        mine = nlp.get_pipe("cart_roles").scorers["targets"].mention.weights
        assert mine != shipped, "decided by the weights of the fold"
        return tag(nlp, trial)

    shipped = pipeline.load().get_pipe("cart_roles").scorers["targets"].mention.weights
    monkeypatch.setattr(folds, "FOLDS", 2)
    monkeypatch.setattr(folds.whole, "train", watched)
    monkeypatch.setattr(folds.pipeline, "tag_trial", tagged)
    monkeypatch.setattr(command.data, "training_set", lambda corpus, extra=(): every)
    monkeypatch.setattr(command.data, "roles", dict)
    monkeypatch.setattr(command.build, "read_all", lambda nlp, found: None)
    out = tmp_path / "review.json"
    monkeypatch.setattr("sys.argv", ["training", "review", "--out", str(out)])
    assert command.main() == 0
    assert sorted(trial for trial, _ in read) == sorted(e.id for e in every if e.source != TAUGHT)
    assert all(trial not in learned[part] for trial, part in read)
    assert len(learned) == 2 and any("taught-1" in known for known in learned)
    found = json.loads(out.read_text())
    assert found["trials"] == len(every) - 1 == found["tagged"]["any"]["trials"]
    assert found["written"]["any"]["trials"] == 25 and found["written"]["fields"]["targets"]["wrong"] == 1
    assert found["data"]["trials"] == len(every)
    whole = found["end_to_end"]
    assert whole["screening"]["recall"] == 1.0 and whole["targets"]["tp"] + whole["targets"]["fn"] == 41
    assert 0 < whole["targets"]["exact"] < 1, "the wrong label counts"
    assert "of all that are tagged:\nreview, by confidence" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        monkeypatch.setattr("sys.argv", ["training", "review", "--out", str(tmp_path / "no" / "r.json")])
        command.main()


def test_a_pipeline_has_the_scorers_of_the_training_and_no_other():
    mine, shipped = pipeline.load(), pipeline.load()
    made = build.Outcome()
    made.add("cart_study", "include", Linear({"yes": {"": 1.0}}))
    folds.give(mine, made)
    assert mine.get_pipe("cart_study").scorers.keys() == {"include"}
    assert not mine.get_pipe("cart_roles").scorers
    assert shipped.get_pipe("cart_roles").scorers, "the shipped one is as it was"


def test_a_class_that_stands_alone_is_as_sure_as_it_is_frequent():
    few, many = (fit_candidates([["a"]] * n, [True] * n, range(n)).probability(["a"]) for n in (2, 200))
    assert 0.5 < few < many < 1
    assert fit_candidates([["a"]] * 9, [False] * 9, range(9)).probability([]) < 0.1
    assert fold_of("a") in range(folds.FOLDS)
