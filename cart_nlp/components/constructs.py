"""Which antigens the study's CARs bind, which of them share a product, and in which format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from cart_nlp.components.roles import MARKER, Roles
from cart_nlp.lexicon import Concept
from cart_nlp.rules import first
from cart_nlp.scoring.candidates import Candidate, certainty
from cart_nlp.scoring.linear import Linear
from cart_nlp.scoring.weighted import Value, Weighted, stated, supporting
from cart_nlp.signals import formats
from cart_nlp.signals.doc import decided, included
from cart_nlp.signals.formats import Own
from cart_nlp.signals.mention import place, place_at, turns, zone
from cart_nlp.signals.reading import MENTIONS, Reading
from cart_nlp.signals.units import Unit, units
from cart_nlp.vocabulary import GUARDED

Entry = dict[str, Any]
_RULE_SURE = 0.95
"""Taken as the probability that a rule's verdict on the format is right."""


@Language.factory("cart_constructs", requires=["doc.spans"], assigns=["doc._.cart"])
class Constructs(Weighted):
    """Writes targets, constructs and disease markers of a trial that is about CAR cells."""

    def __call__(self, doc: Doc) -> Doc:
        state = decided(doc)
        if not included(state):
            return doc
        reading, roles = self.reading(doc), self.roles()
        candidates = roles.candidates(reading)
        values, sure = state.setdefault("values", {}), state.setdefault("sure", {})
        spans = doc.spans[MENTIONS]
        found, known, own, held = asked(reading, candidates, values)
        targets = frozenset(one.concept for one in found)
        values["targets"] = stated(found, roles.field("targets"))
        values["disease_markers"] = [
            (mention.concept, mention.start, mention.end, mention.row.rstrip(GUARDED) + "; role", "text", 1.0)
            for number, mention in enumerate(reading.mentions)
            if mention.label == "antigen" and spans[number]._.cart_role == MARKER
        ]
        sure["targets"] = certainty(candidates)
        entries, certain = build(reading, self.linear("formats"), held, targets, own)
        state["constructs"] = completed(reading, entries, known, own, values.get("costim", ()))
        sure["constructs"] = sure["targets"] * certain
        lexicon = reading.vocabulary.lexicon
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
        return asked(reading, self.roles().candidates(reading), decided(doc)["values"])[-1]


def asked(
    reading: Reading, candidates: Iterable[Candidate], values: Mapping[str, Iterable[Value]]
) -> tuple[list[Candidate], list[Concept], Own, list[str]]:
    """What constructs are decided by: the targets, what is known of products, coordinations, signals."""
    found = [one for one in candidates if one.probability >= 0.5]
    names = dict.fromkeys(value[0] for value in values.get("products", ()))
    rows = (reading.vocabulary.lexicon.get("product", name) for name in names)
    known = [row for row in rows if row is not None and row.values("targets")]
    own = own_units(reading, found)
    parted = own if len(found) > 1 else ()  # one target is neither parted nor joined
    return found, known, own, formats.signals(reading, parted, frozenset(one.concept for one in found))


def build(
    reading: Reading, scorer: Linear | None, held: list[str], targets: frozenset[str], own: Own
) -> tuple[list[Entry], float]:
    """The constructs of a trial's targets, and the probability that they are right.

    A rule has the verdict, else the scorer: `joint:FORMAT`, `split:FORMAT`, `one:FORMAT`, `adaptor`, `mixed`.
    """
    if not targets:
        return [], 1.0
    verdict, sure, why = "joint:bispecific", 0.5, "formats.default"
    rule = first(reading.vocabulary.lexicon.rules.get("formats", ()), held)
    if rule is not None:
        verdict, sure, why = rule.verdict, _RULE_SURE, rule.row
    elif scorer is not None:
        sums = scorer.logits([held])[0]
        verdict = scorer.likeliest(sums)
        sure = scorer.chances(sums)[verdict]
        why = "formats." + (scorer.strongest(held, verdict) or "most common")
    kind, _, form = verdict.partition(":")
    words = stating(reading, form or kind)
    basis = "text" if words or form == "single" else "default"
    if kind == "joint":
        return [_entry(targets, form, basis, why, words)], sure
    if kind in ("one", "split", "adaptor"):
        return [_entry([name], form or kind, basis, why, words) for name in sorted(targets)], sure
    return list(_of_products(reading, targets, own, why)), sure


_JOINT = {"tandem": "tandem", "bicistronic": "bicistronic", "": "bispecific"}
_ALONE = {"in_turn": "sequential", "mixed_cells": "cocktail", "": "selectable"}
"""Cue → the format of a product of several targets, or of one, beside others; "" where no cue tells it."""


def _of_products(reading: Reading, targets: frozenset[str], own: Own, why: str) -> Iterator[Entry]:
    """The constructs of products that differ, each of the format that a cue states or of the usual one."""
    for group in mixed(reading, targets, own):
        forms = _JOINT if len(group) > 1 else _ALONE
        told = [(form, words) for cue, form in forms.items() if (words := stating(reading, cue))]
        told += () if len(group) > 1 else _near(reading, [unit for unit, names in own if names == set(group)])
        form, words = told[0] if told else (forms[""], ())
        yield _entry(group, form, "text" if words else "default", why, words)


def _near(reading: Reading, alone: Iterable[Unit]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """What the cues that reach a target that stands alone say of its product: "…, then CD22 CAR-T"."""
    for unit in alone:
        near = [form for form in ("sequential", "cocktail") if form in turns(reading, unit)]
        for hit in reading.cues_in(unit.first, unit.last):
            yield from ((form, (hit.start, hit.end)) for form in near if form in hit.said.categories)


def mixed(reading: Reading, targets: frozenset[str], own: Own) -> list[list[str]]:
    """The target sets of products that differ: those that overlap, else as titles group them, else each."""
    named = {names for unit, names in own if zone(place(unit)) == "named"}
    groups = formats.apart(reading, own, targets) or named or {names for _, names in own}
    if all(len(names) == 1 for names in groups):
        return [[name] for name in sorted(targets)]
    return sorted(map(sorted, groups))


def _entry(targets: Iterable[str], form: str, basis: str, why: str = "", words: Sequence[int] = ()) -> Entry:
    return {"targets": sorted(targets), "format": form, "basis": basis, "rule": why, "words": list(words),
            "products": [], "costim": []}  # fmt: skip


def stating(reading: Reading, form: str) -> tuple[int, ...]:
    """Start and end of the words that state a format, those of titles and interventions first."""
    told = (hit for hit in reading.cues if form in hit.said.categories)
    hits = [(zone(place_at(reading, hit.start)) != "named", hit.start, hit.end) for hit in told]
    return min(hits)[1:] if hits else ()


def own_units(reading: Reading, targets: Iterable[Candidate]) -> Own:
    """The coordinations that name the study's targets as such."""
    good: dict[int, set[str]] = {}
    for one in targets:
        for scored in supporting(one):
            good.setdefault(scored.instance.unit, set()).add(one.concept)
    numbered = enumerate(units(reading, reading.of("antigen", "ligand"), "parting_targets"))
    return [(unit, frozenset(good[number])) for number, unit in numbered if number in good]


def completed(
    reading: Reading, entries: list[Entry], known: Sequence[Concept], own: Own, costim: Sequence[Value]
) -> list[Entry]:
    """The constructs with their products and costimulation, and products of which the text tells nothing.

    The only construct has all costimulation that is stated, others what their own sentences tell.
    """
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
        homes = {unit.first for unit, names in own if names == frozenset(entry["targets"])}
        said = {v[0] for v in costim if len(entries) == 1 or reading.sentence(v[1])[0] in homes}
        entry["costim"] = sorted(said)
    return entries
