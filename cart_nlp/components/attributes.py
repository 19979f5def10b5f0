"""How the study's CAR cells are built and changed: domains, generation, vector, source, carrier, payloads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from spacy.language import Language
from spacy.tokens import Doc

from cart_nlp.lexicon import Lexicon
from cart_nlp.rules import first
from cart_nlp.scoring.candidates import Candidate, certainty
from cart_nlp.scoring.weighted import Weighted, stated
from cart_nlp.signals.candidate import Scored
from cart_nlp.signals.doc import decided, included
from cart_nlp.signals.fields import ALLOGENEIC, instances
from cart_nlp.signals.reading import Reading

FIELDS = ("costim", "generation", "vector", "cell_source", "cell_type", "edits", "armoring", "safety_switch")
RULED = frozenset(["edits"])
"""Fields that rules decide: too few trials have a value for a scorer to hold up in cross-validation."""
_RULE_SURE, _RULE_SILENT = 0.9, 0.02
_WITHIN = "in_vivo"
"""The source whose cells are nobody's before: beside it "off the shelf" is another product."""


@Language.factory("cart_attributes", requires=["doc.spans"], assigns=["doc._.cart"])
class Attributes(Weighted):
    """Writes the values of these fields for a trial that is about CAR cells."""

    def __call__(self, doc: Doc) -> Doc:
        state = decided(doc)
        if not included(state):
            return doc
        reading = self.reading(doc)
        sure = state.setdefault("sure", {})
        for field in FIELDS:
            found = self.candidates(reading, field) if instances(reading, field) else []
            sure[field] = certainty(found)
            state.setdefault("values", {})[field] = stated(found, self.field(field))
        return doc

    def candidates(self, reading: Reading, field: str) -> list[Candidate]:
        """The candidates of a field, the most probable first."""
        if field in RULED:
            return ruled(reading, field)
        return resolve(field, self.scored(reading, field), reading.vocabulary.lexicon)


def ruled(reading: Reading, field: str) -> list[Candidate]:
    """The candidates of a field that rules decide; what speaks for one are the rows of these rules."""
    rules = reading.vocabulary.lexicon.rules.get(field, ())
    scored: dict[str, list[Scored]] = {}
    rows: dict[str, list[str]] = {}
    for one in instances(reading, field):
        rule = first(rules, one.signals)
        row = [rule.row] if rule is not None and rule.verdict == "yes" else []
        scored.setdefault(one.concept, []).append(Scored(one, 2.0 if row else -2.0))
        rows[one.concept] = rows.get(one.concept) or row
    found = [
        Candidate(name, _RULE_SURE if row else _RULE_SILENT, scored[name], row) for name, row in rows.items()
    ]
    return sorted(found, key=lambda c: (-c.probability, c.concept))


def resolve(field: str, found: list[Candidate], lexicon: Lexicon) -> list[Candidate]:
    """What the values of a field say together."""
    if field == "safety_switch" and sum(one.probability >= 0.5 for one in found) > 1:
        # A named switch leaves no room for an unnamed one.
        return [one for one in found if one.concept != "other"]
    return sources(coordinated(found, lexicon), lexicon) if field == "cell_source" else found


def coordinated(found: list[Candidate], lexicon: Lexicon) -> list[Candidate]:
    """The same, persons of one coordination as sure as the surest of them: "autologous or donor T cells"."""
    persons = [
        one
        for one in found
        if one.concept == ALLOGENEIC or lexicon.cell("cell_source", one.concept, "kind") == "person"
    ]
    told: dict[int, float] = {}
    for one in reversed(persons):  # the surest comes last
        if one.probability >= 0.5:
            told.update((scored.instance.unit, one.probability) for scored in one.scored if scored.logit > 0)
    raised = [_raised(one, told) if one in persons else one for one in found]
    return sorted(raised, key=lambda c: (-c.probability, c.concept))


def _raised(one: Candidate, told: Mapping[int, float]) -> Candidate:
    """A candidate that the surest coordination makes surer, with its words there; else as it is."""
    chance = max((told.get(scored.instance.unit, 0.0) for scored in one.scored), default=0.0)
    if chance <= one.probability:
        return one
    there = [scored for scored in one.scored if told.get(scored.instance.unit) == chance]
    return replace(one, probability=chance, scored=there, signals=[*one.signals, "coordination"])


def sources(found: list[Candidate], lexicon: Lexicon) -> list[Candidate]:
    """Whose cells "allogeneic" means: banked ones where edited or called universal, else a donor's.

    Beside a source that tells from what the cells grow it says nothing more, nor does "off the shelf".
    """
    by_name = {one.concept: one for one in found}
    plain = by_name.pop(ALLOGENEIC, None)
    sure = {name for name, one in by_name.items() if one.probability >= 0.5}
    grown = any(lexicon.cell("cell_source", name, "kind") == "origin" for name in sure)
    if grown and not sure.issuperset((_WITHIN, "off_the_shelf")):
        by_name.pop("off_the_shelf", None)
    if plain is None or plain.probability < 0.5 or grown:
        return list(by_name.values())
    shelf = by_name.get("off_the_shelf", Candidate("off_the_shelf", 0.0))
    known = by_name.get("donor_derived", Candidate("donor_derived", 0.0))
    edited = any("trial:edited_source" in scored.instance.signals for scored in plain.scored)
    if "donor_derived" not in sure and (edited or shelf.probability >= 0.3):
        by_name.pop("donor_derived", None)
        known = shelf
    chance = max(plain.probability, known.probability)
    by_name[known.concept] = Candidate(known.concept, chance, [*plain.scored, *known.scored], plain.signals)
    return sorted(by_name.values(), key=lambda c: (-c.probability, c.concept))
