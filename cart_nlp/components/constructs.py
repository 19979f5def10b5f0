"""Which antigens the study's CARs bind, which of them share a product, and in which format."""

from __future__ import annotations

import re

from spacy.language import Language

from cart_nlp.components import formats
from cart_nlp.components.context import NAMED, OUTCOMES, PROSE, STUDY, TITLES, TOLD
from cart_nlp.components.own_words import background, prefer_own
from cart_nlp.components.roles import chooses
from cart_nlp.components.state import Chain, Component, Hit, State
from cart_nlp.components.store import lexicon_of
from cart_nlp.lexicon import Lexicon

# How sure a target is by the tightness of its slot; counted on the dev half, see docs/evaluation.md.
_SURE = (0.6, 0.75, 0.9, 0.97)


def _tag(chain: Chain) -> bool:
    return all(h.row is not None and h.row.fields.get("kind") == "hapten" for h in chain.hits)


class Resolver:
    """Turns judged chains into targets and constructs."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon

    def targets_of(self, hit: Hit) -> tuple[str, ...]:
        """The antigens that a hit stands for: itself, or what a ligand binds."""
        if hit.label == "ligand" and hit.row is not None:
            return hit.row.values("targets")
        return (hit.concept,)

    def select(self, view: State) -> list[Chain]:
        """The chains whose antigens are the study's targets."""
        # What a switchable CAR binds is a tag; the adaptor that carries it gives the target.
        judged = [(c.kind, c) for c in view.chains if not _tag(c)]
        strong = [c for kind, c in judged if kind in NAMED and c.role == "target" and c.slot]
        # A symbol that nobody knows is a code, where titles and interventions name an antigen that is known.
        strong = [c for c in strong if any(h.rule != "novel" for h in c.hits)] or strong
        firm = self._without_slips(view, strong)
        if len(firm) < len(strong):
            slips = {c.start for c in strong} - {c.start for c in firm}
            judged = [(kind, c) for kind, c in judged if c.start not in slips]
            strong = firm
        if strong:
            titles = " ".join(view.low[x.start : x.end] for x in view.sections if x.kind in TITLES)
            if re.search(r"sequential|序贯|followed by", titles):
                strong += [
                    c for kind, c in judged if kind in TITLES and c.role == "recipients" and c.slot == 3
                ]
            known = {h.concept for c in strong for h in c.hits}
            more = [
                c
                for kind, c in judged
                if kind in TOLD
                and c.role == "target"
                and c.slot == 3
                and ({h.concept for h in c.hits} & known)
            ]
            return strong + more
        tiers = (
            (TOLD, ("target",), 3),
            (TOLD, ("target",), 2),
            (STUDY, ("target",), 0),
            (STUDY, ("recipients",), 2),
            *([(TITLES | PROSE, ("prior_therapy",), 3)] if view.notes.get("car_trial") == "related" else []),
            (OUTCOMES, ("background",), 2),
            (NAMED, ("unclear",), 0),
            (TOLD, ("background",), 3),
        )
        for kinds, roles, slot in tiers:
            found = [c for kind, c in judged if kind in kinds and c.role in roles and c.slot >= slot]
            if found:
                return found
        # A panel of markers of the patients treated is the panel that the cells are made against.
        return [
            c
            for kind, c in judged
            if kind in TITLES | PROSE
            and c.role in ("disease_marker", "unclear")
            and len({h.concept for h in c.hits}) > 2
            and (c.rule != "assay" or chooses(view, c))
        ]

    def _in_own_words(self, view: State, chosen: list[Chain]) -> list[Hit]:
        """The target mentions; for a target told only as background, those of the study that say it too."""
        aside = {h.concept for c in chosen for h in c.hits} - {
            h.concept for c in chosen if not background(view, c.start) for h in c.hits
        }
        more = [
            c
            for c in view.chains
            if aside
            and c not in chosen
            and c.role == "target"
            and c.slot
            and c.kind in STUDY
            and not background(view, c.start)
            and {h.concept for h in c.hits} <= aside
        ]
        values = []
        for chain in [*chosen, *more]:
            score = _SURE[chain.slot] - (0 if chain.kind in NAMED else 0.04)
            values += [
                Hit(hit.start, hit.end, "targets", target, f"{chain.rule}; {hit.rule}", hit.row, score=score)
                for hit in chain.hits
                for target in self.targets_of(hit)
            ]
        return prefer_own(view, values)

    def _agree(self, view: State, targets: set[str]) -> None:
        """A mention that nothing near it explains does what the trial's other mentions of it do."""
        for chain in view.chains:
            if chain.role == "unclear" and all(set(self.targets_of(h)) <= targets for h in chain.hits):
                chain.role = "target"
                for hit in chain.hits:
                    hit.role = "target"

    def _without_slips(self, view: State, chains: list[Chain]) -> list[Chain]:
        """Drop a list of the interventions that differs from the title's in one antigen: follow the title."""

        def antigens(chain: Chain) -> frozenset[str]:
            return frozenset(t for h in chain.hits for t in self.targets_of(h))

        titled = [antigens(c) for c in chains if c.kind in TITLES]
        titled += [
            frozenset(h.row.values("targets"))
            for h in view.values.get("products", ())
            if h.row and view.section(h.start).kind in TITLES and len(formats.spelled(h)) > 1
        ]
        return [
            c
            for c in chains
            if c.kind in TITLES
            or len(own := antigens(c)) < 2
            or not any(len(t) == len(own) and len(t & own) == len(own) - 1 for t in titled)
            or own in titled
        ]

    def resolve(self, view: State) -> None:
        """Write the hits that are targets, the constructs and the target ids."""
        chosen = self.select(view)
        values = view.values.setdefault("targets", [])
        groups: list[formats.Group] = []
        values += self._in_own_words(view, chosen)
        for chain in chosen:
            groups += formats.split(view, chain, self.targets_of)
        products = [hit for hit in view.values.get("products", ()) if hit.row]
        for hit in products:
            if targets := formats.spelled(hit):
                # A name for several products given together is no bispecific one.
                form = _format_of(hit)
                groups.append(_group(view, hit, targets, form if form in ("cocktail", "sequential") else ""))
        # What is known of a product counts where the words leave one of its antigens out.
        told = {t for group in groups for t in group.targets}
        for hit in products:
            if hit.row and (targets := hit.row.values("targets")) and not set(targets) <= told:
                groups.append(_group(view, hit, targets, _format_of(hit)))
        self._agree(view, {h.concept for h in values})
        view.notes["constructs"] = formats.constructs(view, groups)
        names = sorted({h.concept for h in values})
        view.notes["target_ids"] = sorted(
            {i for name in names for i in self.lexicon.hgnc(name)}, key=lambda i: int(i.split(":")[1])
        )


def _format_of(hit: Hit) -> str:
    return hit.row.fields.get("format", "") if hit.row else ""


def _group(view: State, hit: Hit, targets: tuple[str, ...], form: str) -> formats.Group:
    """The antigens of a named product, where its name stands."""
    kind = view.section(hit.start).kind
    return formats.Group(targets, hit.start, hit.end, kind, form, product=hit.concept)


@Language.factory("cart_constructs", default_config={"lexicons": []})
def make(nlp: Language, name: str, lexicons: list[str]) -> Constructs:
    """Create the component; `lexicons` are folders layered over the shipped ones."""
    return Constructs(Resolver(lexicon_of(tuple(lexicons))))


class Constructs(Component):
    """Writes targets and constructs of a Doc."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver

    def apply(self, view: State) -> None:
        self.resolver.resolve(view)
