"""Which antigens the study's CARs bind, which of them share a product, and in which format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spacy.language import Language

from cart_nlp.components.roles import Roles
from cart_nlp.rules import first
from cart_nlp.schema import INCLUDED
from cart_nlp.scoring.candidates import Candidate, certainty
from cart_nlp.scoring.weighted import Value, Weighted, stated, supporting
from cart_nlp.signals import formats
from cart_nlp.signals.doc import decided
from cart_nlp.signals.mention import place, place_at, zone
from cart_nlp.signals.reading import MENTIONS, Reading, mentions_of
from cart_nlp.signals.units import Unit, units
from cart_nlp.vocabulary import GUARDED

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from cart_nlp.scoring.linear import Linear

Entry = dict[str, Any]
Own = list[tuple[Unit, frozenset[str]]]
"""The coordinations of the study's targets, each with the targets that it names."""
_RULE_SURE = 0.95
"""Taken as the probability that a rule's verdict on the format is right."""


@Language.factory("cart_constructs", requires=["doc.spans"], assigns=["doc._.cart"])
def make(nlp: Language, name: str) -> Constructs:
    """Create the component; it needs a cart_terms, a cart_roles and a cart_study before it."""
    return Constructs(nlp, name)


class Constructs(Weighted):
    """Writes targets, constructs and disease markers of a trial that is about CAR cells."""

    def __call__(self, doc: Doc) -> Doc:
        state = decided(doc)
        if state.get("car_trial") not in INCLUDED:
            return doc
        reading = self.reading(doc)
        roles = self.roles()
        candidates = roles.candidates(reading)
        found = [one for one in candidates if one.probability >= 0.5]
        state["values"]["targets"] = stated(found, roles.field("targets"))
        state.setdefault("sure", {})["targets"] = certainty(candidates)
        known = self.known(state, reading)
        targets = frozenset(one.concept for one in found)
        own = own_units(reading, targets, found)
        entries, sure = self.entries(reading, targets, own, known)
        state["constructs"] = with_costim(reading, entries, own, state["values"].get("costim", []))
        state["sure"]["constructs"] = state["sure"]["targets"] * sure
        state["values"]["disease_markers"] = markers(doc)
        names = {*targets, *(name for known_targets, _, _ in known for name in known_targets)}
        lexicon = reading.vocabulary.lexicon
        state["ids"] = {name: list(lexicon.hgnc(name)) for name in sorted(names)}
        return doc

    def roles(self) -> Roles:
        """The pipeline's cart_roles, which has the candidate targets."""
        for _, pipe in self.nlp.pipeline:
            if isinstance(pipe, Roles):
                return pipe
        raise ValueError(
            f"{self.name}: the pipeline has no cart_roles before it; add it with nlp.add_pipe('cart_roles')"
        )

    def signals(self, doc: Doc) -> list[str]:
        """The signals of the constructs of a Doc that the components before this one have seen."""
        reading = self.reading(doc)
        found = [one for one in self.roles().candidates(reading) if one.probability >= 0.5]
        targets = frozenset(one.concept for one in found)
        forms = [form for _, form, _ in self.known(decided(doc), reading)]
        return formats.signals(reading, own_units(reading, targets, found), targets, forms)

    @staticmethod
    def known(state: dict[str, Any], reading: Reading) -> list[tuple[tuple[str, ...], str, str]]:
        """Targets, format and name of each product of the study of which the lexicon knows the targets."""
        names = dict.fromkeys(value[0] for value in state["values"].get("products", ()))
        rows = [(name, reading.vocabulary.lexicon.get("product", name)) for name in names]
        return [
            (tuple(sorted(row.values("targets"))), row.fields.get("format", ""), name)
            for name, row in rows
            if row is not None and row.values("targets")
        ]

    def entries(
        self,
        reading: Reading,
        targets: frozenset[str],
        own: Own,
        known: list[tuple[tuple[str, ...], str, str]],
    ) -> tuple[list[Entry], float]:
        """The constructs, and the probability that their formats are right."""
        built, sure = self.from_text(reading, targets, own, [form for _, form, _ in known])
        told = {target for entry in built for target in entry["targets"]}
        for names, form, _ in known:
            if not told.issuperset(names):
                built.append(_entry(names, form or _usual(names), "product", "", ()))
                told.update(names)
        for entry in built:
            entry["products"] = sorted({name for names, _, name in known if list(names) == entry["targets"]})
        return built, sure

    def from_text(
        self, reading: Reading, targets: frozenset[str], own: Own, forms: list[str]
    ) -> tuple[list[Entry], float]:
        """The constructs that the text states."""
        if not targets:
            return [], 1.0
        held = formats.signals(reading, own, targets, forms)
        verdict, sure, why = decide(reading, self.linear("formats"), held)
        return build(reading, verdict, targets, own, why), sure


def decide(reading: Reading, scorer: Linear | None, held: list[str]) -> tuple[str, float, str]:
    """The verdict on a trial's constructs, its probability, and what decided: a rule, else the scorer."""
    rule = first(reading.vocabulary.lexicon.rules.get("formats", ()), held)
    if rule is not None:
        return rule.verdict, _RULE_SURE, rule.row
    if scorer is None:
        return "joint:bispecific", 0.5, "formats.default"
    chances = scorer.probabilities(held)
    verdict = max(sorted(chances), key=lambda name: chances[name])
    why = next((signal for signal, weight in scorer.reasons(held, verdict) if weight > 0), "most common")
    return verdict, chances[verdict], "formats." + why


def _usual(targets: tuple[str, ...]) -> str:
    """The format of a product of which only the targets are known."""
    return "single" if len(targets) == 1 else "bispecific"


def build(reading: Reading, verdict: str, targets: frozenset[str], own: Own, why: str) -> list[Entry]:
    """The entries of a verdict: `joint:FORMAT`, `split:FORMAT`, `one:FORMAT`, `adaptor` or `mixed`."""
    kind, _, form = verdict.partition(":")
    words = stating(reading, form or kind)
    basis = "text" if words or form == "single" else "default"
    if kind == "joint":
        return [_entry(tuple(sorted(targets)), form, basis, why, words)]
    if kind in ("one", "split", "adaptor"):
        return [_entry((name,), form or kind, basis, why, words) for name in sorted(targets)]
    groups = mixed(targets, own)
    return [_entry(g, "selectable" if len(g) == 1 else "bispecific", "default", why, ()) for g in groups]


def mixed(targets: frozenset[str], own: Own) -> list[tuple[str, ...]]:
    """The target sets of products that differ: as titles and interventions group them, else one by one."""
    groups = {names for unit, names in own if zone(place(unit)) == "named"} or {names for _, names in own}
    if all(len(names) == 1 for names in groups):
        groups = {frozenset([name]) for name in targets}
    return sorted(tuple(sorted(names)) for names in groups)


def _entry(targets: tuple[str, ...], form: str, basis: str, why: str, words: tuple[int, ...]) -> Entry:
    return {"targets": list(targets), "format": form, "basis": basis, "rule": why, "words": list(words),
            "products": [], "costim": []}  # fmt: skip


def stating(reading: Reading, form: str) -> tuple[int, ...]:
    """Start and end of the words that state a format, those of titles and interventions first."""
    hits = [hit for hit in reading.cues if form in hit.said.categories]
    ranked = sorted(hits, key=lambda h: (zone(place_at(reading, h.start)) != "named", h.start))
    return (ranked[0].start, ranked[0].end) if ranked else ()


def own_units(reading: Reading, targets: frozenset[str], found: list[Candidate]) -> Own:
    """The coordinations that name the study's targets as such."""
    good: dict[int, set[str]] = {}
    for one in found:
        for scored in supporting(one):
            good.setdefault(scored.instance.unit, set()).add(one.concept)
    numbered = enumerate(units(reading, reading.of("antigen", "ligand")))
    return [(unit, frozenset(good[number] & targets)) for number, unit in numbered if number in good]


def with_costim(reading: Reading, entries: list[Entry], own: Own, values: list[Value]) -> list[Entry]:
    """Each construct's costimulation: all that is stated for the only one, else what its sentence tells."""
    for entry in entries:
        homes = {unit.first for unit, names in own if names == frozenset(entry["targets"])}
        entry["costim"] = sorted(
            {value[0] for value in values if len(entries) == 1 or reading.sentence(value[1])[0] in homes}
        )
    return entries


def markers(doc: Doc) -> list[Value]:
    """Antigens that the disease or the participants must carry, by the role of their mentions."""
    spans = doc.spans[MENTIONS]
    return [
        (mention.concept, mention.start, mention.end, mention.row.rstrip(GUARDED) + "; role", "text", 1.0)
        for number, mention in enumerate(mentions_of(doc))
        if mention.label == "antigen" and spans[number]._.cart_role == "disease_marker"
    ]


__all__ = ["Constructs", "build", "decide", "own_units"]
