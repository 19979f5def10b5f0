"""Mention level against brute force, spaCy's scorer and nervaluate."""

from __future__ import annotations

import itertools
import random

import pytest

from cart_nlp.evaluation import mentions
from cart_nlp.schema import Mention


def mark(start, end, label="antigen", concept="CD19", role="", section="brief_title"):
    """A mention at an offset."""
    return Mention(
        section=section,
        start=start,
        end=end,
        text="x" * (end - start),
        label=label,
        concept=concept,
        role=role,
    )


def random_marks(rng, n):
    """Random mentions, nested and overlapping."""
    found = set()
    while len(found) < n:
        start = rng.randrange(12)
        found.add((start, start + rng.randrange(1, 5), rng.choice(["antigen", "product"])))
    return [mark(*row) for row in sorted(found)]


def best(gold, predicted, fits):
    """Most pairs that one-to-one matching can give, by trying everything."""
    if len(gold) > len(predicted):
        return best(predicted, gold, lambda a, b: fits(b, a))
    return max(
        (
            sum(fits(g, p) for g, p in zip(gold, order, strict=True))
            for order in itertools.permutations(predicted, len(gold))
        ),
        default=0,
    )


@pytest.mark.parametrize("scheme", ["strict", "boundaries", "overlapping", "type only"])
def test_pairs_are_as_many_as_possible(scheme):
    rng = random.Random(7)
    fits = mentions.SCHEMES[scheme]
    for _ in range(60):
        gold, predicted = random_marks(rng, rng.randrange(5)), random_marks(rng, rng.randrange(5))
        paired = mentions.pairs(gold, predicted, fits)
        assert all(fits(gold[i], predicted[j]) for i, j in paired)
        assert len({i for i, _ in paired}) == len({j for _, j in paired}) == len(paired)
        assert len(paired) == best(gold, predicted, fits)


def test_strict_agrees_with_spacys_scorer_on_nested_spans():
    spacy = pytest.importorskip("spacy")
    from spacy.scorer import Scorer
    from spacy.tokens import Doc, SpanGroup
    from spacy.training import Example

    vocab = spacy.blank("en").vocab
    rng = random.Random(11)
    for _ in range(30):
        gold, predicted = random_marks(rng, 5), random_marks(rng, 5)
        docs = []
        for rows in (predicted, gold):
            doc = Doc(vocab, words=["w"] * 20)
            spans = [spacy.tokens.Span(doc, m.start, m.end, label=m.label) for m in rows]
            doc.spans["m"] = SpanGroup(doc, spans=spans)
            docs.append(doc)
        theirs = Scorer.score_spans(
            [Example(*docs)],
            "spans_m",
            getter=lambda doc, _: doc.spans["m"],
            allow_overlap=True,
            has_annotation=lambda doc: True,
        )
        ours = mentions.score({"T": gold}, {"T": predicted})["schemes"]["strict"]["all"]
        assert (ours["precision"], ours["recall"]) == pytest.approx(
            (theirs["spans_m_p"], theirs["spans_m_r"])
        )


def nervaluate_counts(gold, predicted, scheme):
    """nervaluate's (correct, spurious or incorrect, missed) of one document; its ends are inclusive."""
    nervaluate = pytest.importorskip("nervaluate")

    def rows(marks):
        return [{"label": m.label, "start": m.start, "end": m.end - 1} for m in marks]

    result = nervaluate.Evaluator([rows(gold)], [rows(predicted)], tags=["antigen", "product"]).evaluate()
    return result["overall"][scheme]


def test_strict_agrees_with_nervaluate_on_flat_spans():
    rng = random.Random(13)
    for _ in range(50):
        gold, predicted = (
            [
                mark(i * 4, i * 4 + rng.choice([2, 3, 4]), rng.choice(["antigen", "product"]))
                for i in range(5)
                if rng.random() < 0.7
            ]
            for _ in range(2)
        )
        if not gold or not predicted:
            continue
        theirs = nervaluate_counts(gold, predicted, "strict")
        ours = mentions.score({"T": gold}, {"T": predicted})["schemes"]["strict"]["all"]
        assert (ours["tp"], ours["tp"] + ours["fp"], ours["support"]) == (
            theirs.correct,
            theirs.actual,
            theirs.possible,
        )


def test_nervaluate_miscounts_an_exact_span_inside_a_longer_wrong_one():
    """The reason why it is not used: a product name found too long takes its antigen's gold span away."""
    gold = [mark(0, 4)]
    predicted = [mark(0, 8, "product"), mark(0, 4)]
    theirs = nervaluate_counts(gold, predicted, "strict")
    assert (theirs.correct, theirs.incorrect, theirs.spurious) == (0, 1, 1)
    ours = mentions.score({"T": gold}, {"T": predicted})["schemes"]["strict"]["all"]
    assert (ours["tp"], ours["fp"], ours["fn"]) == (1, 1, 0)


def test_touching_spans_do_not_overlap():
    assert (
        mentions.score({"T": [mark(0, 4)]}, {"T": [mark(4, 8)]})["schemes"]["overlapping"]["all"]["tp"] == 0
    )


def test_sections_are_not_mixed_up():
    other = mark(0, 4, section="brief_summary")
    assert mentions.score({"T": [mark(0, 4)]}, {"T": [other]})["schemes"]["overlapping"]["all"]["tp"] == 0


def test_schemes_ask_for_more_step_by_step():
    gold = {"T": [mark(0, 4, concept="CD19", role="target")]}
    found = {"T": [mark(0, 4, concept="CD20", role="background")]}
    tp = {name: s["all"]["tp"] for name, s in mentions.score(gold, found)["schemes"].items()}
    assert tp == {
        "strict": 1,
        "boundaries": 1,
        "overlapping": 1,
        "type only": 1,
        "strict + concept": 0,
        "strict + concept + role": 0,
    }


def test_labels_are_counted_apart():
    labels = mentions.score({"T": [mark(0, 4)]}, {"T": [mark(0, 4, "product")]})["schemes"]["strict"][
        "labels"
    ]
    assert labels["antigen"]["fn"] == 1
    assert labels["antigen"]["precision"] is None
    assert labels["product"]["fp"] == 1


def test_role_confusion():
    gold = {"T": [mark(0, 4, role="target"), mark(5, 9, role="prior_therapy"), mark(10, 14, role="target")]}
    found = {"T": [mark(0, 4, role="target"), mark(5, 9, role="target")]}
    assert mentions.score(gold, found)["roles"] == {
        "prior_therapy": {"prior_therapy": 0, "target": 1, "(not found)": 0},
        "target": {"prior_therapy": 0, "target": 1, "(not found)": 1},
    }
