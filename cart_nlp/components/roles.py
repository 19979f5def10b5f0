"""What each mention of an antigen does: target, disease marker, prior therapy …; the candidate targets."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from spacy.language import Language

from cart_nlp.rules import first
from cart_nlp.scoring.candidates import SILENT, Candidate
from cart_nlp.scoring.linear import Linear
from cart_nlp.scoring.weighted import Weighted
from cart_nlp.signals.candidate import Instance, Scored, steps
from cart_nlp.signals.doc import brief, decided, included
from cart_nlp.signals.mention import words
from cart_nlp.signals.reading import MENTIONS, Reading

if TYPE_CHECKING:
    from spacy.tokens import Doc

ROLES = (
    "target", "disease_marker", "prior_therapy", "coadministered", "armoring", "edit", "tag", "cell_marker",
    "signaling", "eligibility", "background", "none",
)  # fmt: skip
"""Roles of a mention of an antigen; `none` where the string names no antigen there."""
TARGET, MARKER = "target", "disease_marker"
_SURE = 4.0
"""Log-odds of stating a target from which on a mention of one is a target."""


class Told(NamedTuple):
    """The likeliest role of a mention of an antigen, and the chance that it is a marker of the disease."""

    concept: str
    role: str
    marker: float


def told_of(concept: str, chances: Mapping[str, float]) -> Told:
    """What the chances of all roles say of a mention."""
    return Told(concept, likeliest(chances), chances.get(MARKER, 0.0))


def markers_sure(told: Mapping[Any, Told]) -> float:
    """The chance that the markers of a trial are the right ones: each antigen on its side of the line."""
    best: dict[str, float] = {}
    said = {one.concept for one in told.values() if one.role == MARKER}
    for one in told.values():
        best[one.concept] = max(best.get(one.concept, 0.0), one.marker)
    chances = [chance if name in said else 1 - chance for name, chance in best.items()]
    return math.prod(chances) if chances else SILENT


@Language.factory("cart_roles", requires=["doc.spans"], assigns=["doc._.cart", "span._.cart_role"])
class Roles(Weighted):
    """Writes `span._.cart_role` of antigens and ligands, and the probability of each candidate target."""

    def __call__(self, doc: Doc) -> Doc:
        state = decided(doc)
        if brief(doc) and not included(state):
            return doc
        reading = self.reading(doc)
        told = self.told(reading, self.candidates(reading))
        state.setdefault("sure", {})["disease_markers"] = markers_sure(told)
        spans, named = doc.spans.get(MENTIONS, ()), ("antigen", "ligand")
        asked = (MARKER,) if brief(doc) else ROLES
        for number, mention in enumerate(reading.mentions):
            one = told.get((mention.start, mention.end)) if mention.label in named else None
            if one is not None and one.role in asked:
                spans[number]._.cart_role = one.role
        return doc

    def candidates(self, reading: Reading) -> list[Candidate]:
        """The candidate targets of a trial, the most probable first."""
        return self.scored(reading, "targets")

    def told(self, reading: Reading, candidates: list[Candidate]) -> dict[tuple[int, int], Told]:
        """What is said of the role of each mention, by its start and end."""
        return {
            scored.instance.mention[:2]: told_of(scored.instance.mention.concept, chances)
            for scored, _, chances in self.role_evidence(reading, candidates)
        }

    def role_evidence(self, reading: Reading, candidates: list[Candidate]) -> list[RoleEvidence]:
        """Each mention of a candidate with what speaks for each role; a sure target needs nothing."""
        scorer = self.linear("roles")
        if scorer is None:
            return []
        targets = {one.concept for one in candidates if one.probability >= 0.5}
        mentions = [scored for one in candidates for scored in one.scored]
        heard = scorer.after("word=")
        signals = [
            None if is_sure(one, targets) else role_signals(reading, one.instance, one.logit, targets, heard)
            for one in mentions
        ]
        asked = twice(scorer, [one.instance.concept for one in mentions], signals)
        return [RoleEvidence(one, *said) for one, said in zip(mentions, asked, strict=True)]


class RoleEvidence(NamedTuple):
    """A mention with the signals of its role, and the chance of each role."""

    scored: Scored
    signals: list[str]
    chances: Mapping[str, float]


def likeliest(chances: Mapping[str, float]) -> str:
    """The role of the highest chance."""
    return max(sorted(chances), key=chances.__getitem__)


def is_sure(scored: Scored, targets: Container[str]) -> bool:
    """Whether a mention so surely states a target that its role need not be asked: a third of them do."""
    return scored.logit > _SURE and scored.instance.concept in targets


def twice(
    scorer: Linear, concepts: Sequence[str], signals: Sequence[list[str] | None]
) -> list[tuple[list[str], Mapping[str, float]]]:
    """The signals of each mention, second question included, and the chance of each role; None: a target."""
    logits = scorer.logits([held for held in signals if held is not None])
    likely = map(scorer.likeliest, logits)
    others = elsewhere(concepts, [TARGET if held is None else next(likely) for held in signals])
    more = [told for told, held in zip(others, signals, strict=True) if held is not None]
    sums = iter(scorer.logits(more, logits))
    return [
        ([], {TARGET: 1.0}) if held is None else ([*held, *told], scorer.chances(next(sums)))
        for held, told in zip(signals, others, strict=True)
    ]


def elsewhere(concepts: Sequence[str], found: Sequence[str]) -> list[list[str]]:
    """For each mention of a trial, as signals, the roles that the other mentions of its antigen have."""
    roles: dict[str, Counter[str]] = {}
    for concept, role in zip(concepts, found, strict=True):
        roles.setdefault(concept, Counter())[role] += 1
    return [
        [f"same={other}" for other, count in sorted(roles[concept].items()) if count > (other == role)]
        for concept, role in zip(concepts, found, strict=True)
    ]


def role_signals(
    reading: Reading, instance: Instance, logit: float, targets: set[str], weighed: frozenset[str] | None
) -> list[str]:
    """The signals of a mention's role: its own, and what the whole trial says of its antigen.

    With `weighed`, of the words of its sentence those alone.
    """
    own = "trial_target" if instance.concept in targets else "no_trial_target"
    reached = steps("mention", logit, (-3, -1, 0, 1, 3))
    found = [*instance.signals, own, *reached, *(f"{own}&{step}" for step in reached)]
    edit = first(reading.vocabulary.lexicon.rules.get("edits", ()), instance.signals)
    if edit is not None and edit.verdict == "yes":
        found.append("edit_rule")
    telling = [signal for signal in instance.signals if signal.startswith(_TELLING)]
    found += words(reading, instance.mention, weighed)
    return [*found, *(f"{head}&{signal}" for head in (own, "in=" + instance.place) for signal in telling)]


_TELLING = (
    "marker_right", "marker_left", "negative_right", "prior", "after", "antibody_right", "drug_left",
    "general", "making", "counting", "engager_right", "car>touch", "car>mod", "car<mod", "binds<adj",
    "bound>adj", "loose", "minus", "plus",
)  # fmt: skip
"""Beginnings of the signals that mean one thing of the study's own antigen and another of a foreign one."""
