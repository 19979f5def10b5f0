"""Why a value stands in a record and why another does not: the signals that spoke for it and against it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cart_nlp.assembly import Place, constructs, filled, place_of
from cart_nlp.components.attributes import FIELDS, RULED, Attributes
from cart_nlp.components.products import KNOWN, Products
from cart_nlp.components.roles import Roles, likeliest
from cart_nlp.components.study import Study
from cart_nlp.schema import INCLUDED

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

    from cart_nlp.scoring.candidates import Candidate, FieldScorer
    from cart_nlp.scoring.linear import Linear
    from cart_nlp.signals.candidate import Scored

SHOWN = 6
"""Signals that are told on each side, the strongest first."""

Weights = list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Part:
    """One decision behind a value: the signals that held with their weights, the strongest first."""

    of: str
    signals_for: Weights
    signals_against: Weights


@dataclass(frozen=True, slots=True)
class Why:
    """One value of a field, in the record or not, and what decided it.

    `rule` is the lexicon row or rule where no scorer decided, and the row of a product of which the value is
    known although the words alone do not carry it; `probability` and `parts` are then those of the words.
    """

    name: str
    value: str
    stands: bool
    probability: float | None
    section: str = ""
    text: str = ""
    rule: str = ""
    parts: list[Part] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON types."""
        return asdict(self)


def reasons(nlp: Language, doc: Doc) -> list[Why]:
    """Why a Doc that `nlp` has tagged has its values, and not those that were considered and rejected."""
    place, state = place_of(doc), doc._.cart or {}
    included = state.get("car_trial") in INCLUDED
    found: list[Why] = []
    for _, pipe in nlp.pipeline:
        if isinstance(pipe, Study):
            found = [*_study(pipe, doc), *found]
        elif isinstance(pipe, Roles):
            found += _targets(pipe, doc, place)
        elif included and isinstance(pipe, Products):
            named = pipe.scored(pipe.reading(doc), "products")
            found += _field(named, pipe.field("products"), "products", place)
        elif included and isinstance(pipe, Attributes):
            found += _attributes(pipe, doc, place)
    told = {one.name for one in found}
    if included:
        for name, values in sorted(state.get("values", {}).items()):
            found += _ruled(name, values, place) if name not in told else []
        values = filled(state)
        found = _with_known(found, values, place)
        _, told_of = constructs(place, state.get("constructs", ()), values["targets"])
        found += [_evident(said) for said in told_of]
    return found


def _with_known(found: Iterable[Why], values: Mapping[str, Sequence[Any]], place: Place) -> list[Why]:
    """The same with what is known of a product and stands where the words leave it open or do not suffice."""
    known: dict[tuple[str, str], Why] = {}
    for name in KNOWN:
        for value in values[name]:
            if value[4] == "product":
                known.setdefault((name, value[0]), _evident(place.evidence(name, value)))
    told = []
    for one in found:
        said = known.get((one.name, one.value))
        told.append(replace(one, stands=True, rule=said.rule) if said and not one.stands else one)
    seen = {(one.name, one.value) for one in told}
    return [*told, *(said for key, said in known.items() if key not in seen)]


def _evident(said: Mapping[str, Any]) -> Why:
    """A value of which no scorer is asked, by its evidence."""
    where = said.get("section", ""), said.get("text", "")
    return Why(said["field"], said["value"], True, None, *where, said["rule"])


def _study(pipe: Study, doc: Doc) -> Iterator[Why]:
    state = doc._.cart or {}
    held = pipe.signals(pipe.reading(doc), (doc._.cart_trial or {}).get("study_type", ""))
    level = state.get("car_trial", "no")
    asked = ["include", "product"] if level in INCLUDED else ["include", "mention"]
    parts = [_part(name, scorer, held) for name in asked if (scorer := pipe.linear(name)) is not None]
    yield Why("car_trial", level, True, state.get("car_score"), parts=parts)


def _targets(pipe: Roles, doc: Doc, place: Place) -> Iterator[Why]:
    reading = pipe.reading(doc)
    candidates = pipe.candidates(reading)
    included = (doc._.cart or {}).get("car_trial") in INCLUDED
    for one in _field(candidates, pipe.field("targets"), "targets", place):
        yield one if included else replace(one, stands=False)
    scorer = pipe.linear("roles")
    if scorer is None:
        return
    seen = set()
    for scored, held, chances in pipe.role_evidence(reading, candidates):
        mention, role = scored.instance.mention, likeliest(chances)
        if role == "target" or (mention.concept, role) in seen:
            continue
        seen.add((mention.concept, role))
        yield Why(
            "role", f"{mention.concept}: {role}", True, None, *_words(scored, place),
            parts=[_part("role", scorer, held, role)],
        )  # fmt: skip


def _attributes(pipe: Attributes, doc: Doc, place: Place) -> Iterator[Why]:
    reading = pipe.reading(doc)
    for name in FIELDS:
        found = pipe.candidates(reading, name)
        if name in RULED:
            for one in found:
                top = max(one.scored, key=lambda scored: scored.logit)
                rule = one.signals[0] if one.signals else "no rule holds"
                yield Why(
                    name, one.concept, bool(one.signals), one.probability, *_words(top, place), rule=rule
                )
        else:
            yield from _field(found, pipe.field(name), name, place)


def _field(
    candidates: Iterable[Candidate], scorer: FieldScorer | None, name: str, place: Place
) -> Iterator[Why]:
    if scorer is None:
        return
    for one in candidates:
        top = max(one.scored, key=lambda scored: scored.logit)
        parts = [
            _part("this mention", scorer.mention, top.instance.signals),
            _part("all mentions", scorer.candidate, one.signals),
        ]
        yield Why(
            name, one.concept, one.probability >= 0.5, one.probability, *_words(top, place), parts=parts
        )


def _ruled(name: str, values: Iterable[Any], place: Place) -> Iterator[Why]:
    """Values that a rule or a lexicon row decided, the first mention of each."""
    seen = set()
    for value in values:
        if value[0] not in seen:
            seen.add(value[0])
            yield _evident(place.evidence(name, value))


def _words(scored: Scored, place: Place) -> tuple[str, str]:
    """Section and words of a mention."""
    mention = scored.instance.mention
    return place.section(mention.start)[0], place.text[mention.start : mention.end]


def _part(of: str, scorer: Linear, signals: Iterable[str], name: str = "") -> Part:
    held = scorer.reasons(signals, name)
    return Part(
        of, [item for item in held if item[1] > 0][:SHOWN], [item for item in held if item[1] < 0][:SHOWN]
    )
