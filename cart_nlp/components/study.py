"""Whether a trial is about CAR cells (product, related, mention, no) and what its main purpose is."""

from __future__ import annotations

from collections.abc import Iterable

from spacy.language import Language
from spacy.tokens import Doc

from cart_nlp.rules import first
from cart_nlp.schema import INCLUDED
from cart_nlp.scoring.calibration import logit
from cart_nlp.scoring.linear import Linear
from cart_nlp.scoring.weighted import Value, Weighted
from cart_nlp.signals import study
from cart_nlp.signals.doc import decided
from cart_nlp.signals.fields import instances
from cart_nlp.signals.mention import place, turns, zone
from cart_nlp.signals.reading import Reading


def target_logits(reading: Reading, scorer: Linear) -> dict[str, float]:
    """The best log-odds of a target mention in each part of the record."""
    found: dict[str, float] = {}
    for one in instances(reading, "targets"):
        where = zone(one.place)
        found[where] = max(found.get(where, -9.0), scorer.logit(one.signals))
    return found


@Language.factory("cart_study", requires=["doc.spans"], assigns=["doc._.cart"])
class Study(Weighted):
    """Writes car_trial, its probability and the focus of a Doc."""

    def __call__(self, doc: Doc) -> Doc:
        reading = self.reading(doc)
        told = doc._.cart_trial or {}
        held = self.signals(reading, told.get("study_type", ""))
        state = decided(doc)
        own, chance, sure = self.decide(held)
        level = told.get("car_trial", own)  # a curator knows better; the words are evidence of our own level
        state["car_trial"], state["car_score"], state["car_sure"] = level, round(chance, 4), sure
        values = state.setdefault("values", {})
        named = self.evidence(reading, own)
        values["car_trial"], state["car_left"] = named[:NAMED], len(named[NAMED:])
        if level in INCLUDED:
            values["focus"] = focus(reading, level, held, sure, [value[1:3] for value in named[:1]])
            verdict = next((value[0] for value in values["focus"]), "")
            state["focus_doubts"] = focus_doubts(level, verdict, held, sure)
        return doc

    def signals(self, reading: Reading, study_type: str) -> list[str]:
        """The signals of the trial."""
        scorer = self.linear("target_mention")
        return study.signals(reading, target_logits(reading, scorer) if scorer else {}, study_type)

    def decide(self, held: list[str]) -> tuple[str, float, float]:
        """The level, the probability that the trial is to be included, and that of the level itself."""
        include, product, mention = (self.linear(name) for name in ("include", "product", "mention"))
        if include is None or product is None or mention is None:
            return "no", 0.0, 1.0
        chance = include.probability(held)
        if chance >= 0.5:
            given = product.probability(held)
            return ("product" if given >= 0.5 else "related"), chance, chance * max(given, 1 - given)
        told = mention.probability(held)
        return ("mention" if told >= 0.5 else "no"), chance, (1 - chance) * max(told, 1 - told)

    def evidence(self, reading: Reading, level: str) -> list[Value]:
        """What names the CAR: the study's own words first, then by the part of the record; else a target."""
        told, another = [], reading.vocabulary.lexicon.words("another_car")
        for one, kind in study.evidence(reading):
            other = not another.isdisjoint(turns(reading, one))
            told.append((other, _PARTS.index(zone(place(one))), one.start, one.end, kind))
        found = [one[2:] for one in sorted(told)] or [
            (one.mention.start, one.mention.end, "target") for one in instances(reading, "targets")[:1]
        ]
        return [(level, start, end, f"study.{kind}", "text", 1.0) for start, end, kind in found]


_PARTS = ("named", "told", "rest")
NAMED = 3
"""Places listed as evidence that a trial is about CAR cells; the others are counted."""


def focus(
    reading: Reading, level: str, held: list[str], sure: float, named: Iterable[tuple[int, int]]
) -> list[Value]:
    """The focus, with the words that decide, else the registered type that does, else what names the CAR."""
    rules = reading.vocabulary.lexicon.rules.get("focus", ())
    rule = first(rules, held) if level == "related" else None
    if rule is None:
        return [("treatment", start, end, "study.product", "text", sure) for start, end in named]
    places = study.stating(reading, rule.needs + rule.any_of)
    if not places and any(signal.startswith("type=") for signal in rule.any_of if signal in held):
        return [(rule.verdict, 0, 0, rule.row, "registry", sure)]
    return [(rule.verdict, start, end, rule.row, "text", sure) for start, end in places or named]


def focus_doubts(level: str, verdict: str, held: Iterable[str], sure: float) -> list[str]:
    """The signals of how sure a focus is: what else the trial says of it, and how sure its level is."""
    told = [signal for signal in held if signal.startswith(_OF_FOCUS)]
    near = [f"sure<{step}" for step in _STEPS if logit(sure) < step]
    return sorted([f"{level}&{verdict}", *(f"{level}&{signal}" for signal in told), *near])


_OF_FOCUS = ("focus_", "observe@", "measure@", "radiation@", "type=")
_STEPS = (1, 2, 4)
"""Log-odds of the level below which a focus is doubtful."""
