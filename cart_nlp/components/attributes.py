"""How the study's CAR cells are built and changed: domains, generation, vector, source, carrier, payloads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from spacy.language import Language

from cart_nlp.lexicon import Lexicon
from cart_nlp.rules import first
from cart_nlp.schema import INCLUDED
from cart_nlp.scoring.candidates import Candidate, certainty
from cart_nlp.scoring.weighted import Weighted, stated
from cart_nlp.signals.candidate import Scored
from cart_nlp.signals.doc import decided
from cart_nlp.signals.fields import ALLOGENEIC, instances
from cart_nlp.signals.reading import Reading

if TYPE_CHECKING:
    from spacy.tokens import Doc

FIELDS = ("costim", "generation", "vector", "cell_source", "cell_type", "edits", "armoring", "safety_switch")
RULED = frozenset(["edits"])
"""Fields that rules decide: too few trials have a value for a scorer to hold up in cross-validation."""
_RULE_SURE, _RULE_SILENT = 0.9, 0.02


@Language.factory("cart_attributes", requires=["doc.spans"], assigns=["doc._.cart"])
class Attributes(Weighted):
    """Writes the values of these fields for a trial that is about CAR cells."""

    def __call__(self, doc: Doc) -> Doc:
        state = decided(doc)
        if state.get("car_trial") not in INCLUDED:
            return doc
        reading = self.reading(doc)
        sure = state.setdefault("sure", {})
        for field in FIELDS:
            found = self.candidates(reading, field)
            sure[field] = certainty(found)
            state["values"][field] = stated(found, self.field(field))
        return doc

    def candidates(self, reading: Reading, field: str) -> list[Candidate]:
        """The candidates of a field, the most probable first."""
        if field in RULED:
            return ruled(reading, field)
        return resolve(field, self.scored(reading, field), reading.vocabulary.lexicon)


def ruled(reading: Reading, field: str) -> list[Candidate]:
    """The candidates of a field that rules decide."""
    rules = reading.vocabulary.lexicon.rules.get(field, ())
    by_concept: dict[str, list[Scored]] = {}
    rows: dict[str, list[str]] = {}
    for one in instances(reading, field):
        rule = first(rules, one.signals)
        holds = rule is not None and rule.verdict == "yes"
        by_concept.setdefault(one.concept, []).append(Scored(one, 2.0 if holds else -2.0))
        if rule is not None and holds:
            rows.setdefault(one.concept, [rule.row])
    found = [
        Candidate(concept, _RULE_SURE if concept in rows else _RULE_SILENT, scored, rows.get(concept, []))
        for concept, scored in by_concept.items()
    ]
    return sorted(found, key=lambda c: (-c.probability, c.concept))


def resolve(field: str, found: list[Candidate], lexicon: Lexicon) -> list[Candidate]:
    """What the values of a field say together."""
    if field == "safety_switch" and sum(one.probability >= 0.5 for one in found) > 1:
        # A named switch leaves no room for an unnamed one.
        return [one for one in found if one.concept != "other"]
    return sources(found, lexicon) if field == "cell_source" else found


def sources(found: list[Candidate], lexicon: Lexicon) -> list[Candidate]:
    """Whose cells "allogeneic" means: banked ones where edited or called universal, else a donor's."""
    by_name = {one.concept: one for one in found}
    plain = by_name.pop(ALLOGENEIC, None)
    if plain is None:
        return found
    sure = {name for name, one in by_name.items() if one.probability >= 0.5}
    if plain.probability < 0.5 or _settled(lexicon, sure):
        return list(by_name.values())
    banked = "donor_derived" not in sure and _banked(plain, by_name.get("off_the_shelf"))
    name = "off_the_shelf" if banked else "donor_derived"
    known = by_name.get(name, Candidate(name, 0.0))
    chance = max(plain.probability, known.probability)
    by_name[name] = Candidate(name, chance, [*plain.scored, *known.scored], plain.signals)
    if name == "off_the_shelf":
        by_name.pop("donor_derived", None)
    return sorted(by_name.values(), key=lambda c: (-c.probability, c.concept))


def _settled(lexicon: Lexicon, sources: Iterable[str]) -> bool:
    """Whether a source tells from what the cells grow: "allogeneic" says nothing more beside it."""
    rows = (lexicon.get("cell_source", name) for name in sources)
    return any(row is not None and row.fields.get("kind") == "origin" for row in rows)


def _banked(plain: Candidate, shelf: Candidate | None) -> bool:
    """Whether allogeneic cells are those of a bank: edited ones, or of a product called universal."""
    edited = any("trial:edited_source" in scored.instance.signals for scored in plain.scored)
    return edited or (shelf is not None and shelf.probability >= 0.3)
