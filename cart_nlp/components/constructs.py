"""Which antigens the study's CARs bind, which of them share a product, and in which format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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

    from cart_nlp.lexicon import Concept, Lexicon
    from cart_nlp.scoring.linear import Linear

Entry = dict[str, Any]
Own = list[tuple[Unit, frozenset[str]]]
"""The coordinations of the study's targets, each with the targets that it names."""
_RULE_SURE = 0.95
"""Taken as the probability that a rule's verdict on the format is right."""


@Language.factory("cart_constructs", requires=["doc.spans"], assigns=["doc._.cart"])
class Constructs(Weighted):
    """Writes targets, constructs and disease markers of a trial that is about CAR cells."""

    def __call__(self, doc: Doc) -> Doc:
        state = decided(doc)
        if state.get("car_trial") not in INCLUDED:
            return doc
        reading, roles = self.reading(doc), self.roles()
        lexicon = reading.vocabulary.lexicon
        candidates = roles.candidates(reading)
        found = [one for one in candidates if one.probability >= 0.5]
        values, sure = state["values"], state.setdefault("sure", {})
        values["targets"] = stated(found, roles.field("targets"))
        values["disease_markers"] = markers(doc)
        sure["targets"] = certainty(candidates)
        known = known_products(lexicon, values)
        targets = frozenset(one.concept for one in found)
        own = own_units(reading, found)
        entries, certain = [], 1.0
        if targets:
            held = formats.signals(reading, own, targets, known)
            verdict, certain, why = decide(reading, self.linear("formats"), held)
            entries = build(reading, verdict, targets, own, why)
        entries = with_products(entries, known)
        state["constructs"] = with_costim(reading, entries, own, values.get("costim", []))
        sure["constructs"] = sure["targets"] * certain
        names = targets.union(*(row.values("targets") for row in known))
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
        known = known_products(reading.vocabulary.lexicon, decided(doc)["values"])
        targets = frozenset(one.concept for one in found)
        return formats.signals(reading, own_units(reading, found), targets, known)


def known_products(lexicon: Lexicon, values: Mapping[str, Iterable[Value]]) -> list[Concept]:
    """The products that a trial names and of which the lexicon knows the targets."""
    names = dict.fromkeys(value[0] for value in values.get("products", ()))
    rows = (lexicon.get("product", name) for name in names)
    return [row for row in rows if row is not None and row.values("targets")]


def decide(reading: Reading, scorer: Linear | None, held: list[str]) -> tuple[str, float, str]:
    """The verdict on a trial's constructs, its probability, and what decided: a rule, else the scorer."""
    rule = first(reading.vocabulary.lexicon.rules.get("formats", ()), held)
    if rule is not None:
        return rule.verdict, _RULE_SURE, rule.row
    if scorer is None:
        return "joint:bispecific", 0.5, "formats.default"
    chances = scorer.probabilities(held)
    verdict = max(sorted(chances), key=lambda name: chances[name])
    return verdict, chances[verdict], "formats." + (scorer.strongest(held, verdict) or "most common")


def build(reading: Reading, verdict: str, targets: frozenset[str], own: Own, why: str) -> list[Entry]:
    """The entries of a verdict: `joint:FORMAT`, `split:FORMAT`, `one:FORMAT`, `adaptor` or `mixed`."""
    kind, _, form = verdict.partition(":")
    words = stating(reading, form or kind)
    basis = "text" if words or form == "single" else "default"
    if kind == "joint":
        return [_entry(targets, form, basis, why, words)]
    if kind in ("one", "split", "adaptor"):
        return [_entry([name], form or kind, basis, why, words) for name in sorted(targets)]
    groups = mixed(targets, own)
    return [_entry(g, "selectable" if len(g) == 1 else "bispecific", "default", why) for g in groups]


def mixed(targets: frozenset[str], own: Own) -> list[tuple[str, ...]]:
    """The target sets of products that differ: as titles and interventions group them, else one by one."""
    groups = {names for unit, names in own if zone(place(unit)) == "named"} or {names for _, names in own}
    if all(len(names) == 1 for names in groups):
        groups = {frozenset([name]) for name in targets}
    return sorted(tuple(sorted(names)) for names in groups)


def _entry(targets: Iterable[str], form: str, basis: str, why: str = "", words: Sequence[int] = ()) -> Entry:
    return {"targets": sorted(targets), "format": form, "basis": basis, "rule": why, "words": list(words),
            "products": [], "costim": []}  # fmt: skip


def stating(reading: Reading, form: str) -> tuple[int, ...]:
    """Start and end of the words that state a format, those of titles and interventions first."""
    hits = [hit for hit in reading.cues if form in hit.said.categories]
    ranked = sorted(hits, key=lambda h: (zone(place_at(reading, h.start)) != "named", h.start))
    return (ranked[0].start, ranked[0].end) if ranked else ()


def own_units(reading: Reading, targets: Iterable[Candidate]) -> Own:
    """The coordinations that name the study's targets as such."""
    good: dict[int, set[str]] = {}
    for one in targets:
        for scored in supporting(one):
            good.setdefault(scored.instance.unit, set()).add(one.concept)
    numbered = enumerate(units(reading, reading.of("antigen", "ligand")))
    return [(unit, frozenset(good[number])) for number, unit in numbered if number in good]


def with_products(entries: list[Entry], known: Sequence[Concept]) -> list[Entry]:
    """The constructs with the names of their products, and products of which the text tells nothing."""
    told = {target for entry in entries for target in entry["targets"]}
    for row in known:
        targets = row.values("targets")
        if not told.issuperset(targets):
            usual = "single" if len(targets) == 1 else "bispecific"
            entries.append(_entry(targets, row.fields.get("format") or usual, "product"))
            told.update(targets)
    for entry in entries:
        named = (row.name for row in known if sorted(row.values("targets")) == entry["targets"])
        entry["products"] = sorted(named)
    return entries


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
