"""The instances of each field: which mentions may state a value of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cart_nlp.lexicon import Concept
from cart_nlp.signals import products
from cart_nlp.signals.candidate import Instance
from cart_nlp.signals.mention import beside, place, signals, turns
from cart_nlp.signals.reading import Mention, Reading
from cart_nlp.signals.units import Unit, units
from cart_nlp.vocabulary import GUARDED

LABELS = {
    "targets": ("antigen", "ligand"),
    "costim": ("costim",),
    "generation": ("generation",),
    "vector": ("vector",),
    "cell_source": ("cell_source",),
    "cell_type": ("cell_type",),
    "edits": ("edit",),
    "armoring": ("armoring", "antigen"),
    "safety_switch": ("safety_switch",),
    "products": ("product",),
}
"""Field → the labels of its mentions."""


def instances(reading: Reading, field: str) -> list[Instance]:
    """All instances of a field, in reading order; the same list when asked again."""
    known = reading.instances.get(field)
    if known is None:
        found = products.instances(reading) if field == "products" else _instances(reading, field)
        known = reading.instances[field] = list(found)
    return known


def _instances(reading: Reading, field: str) -> Iterator[Instance]:
    for number, unit in enumerate(units(reading, reading.of(*LABELS[field]))):
        shared: list[str] | None = None
        for mention in unit.mentions:
            stated = _stated(reading, field, unit, mention)
            if not stated:
                continue
            if shared is None:
                shared, where = signals(reading, unit), place(unit)
                told = turns(reading, unit) if field in _BY_VALUE else frozenset()
            own = tuple(_own(reading, field, mention, len(stated)))
            for value in stated:
                extra = () if field == "targets" else _with_value(reading, field, mention, value, told)
                yield Instance(value, mention, (*shared, *own, *extra), where, number)


def _stated(reading: Reading, field: str, unit: Unit, mention: Mention) -> tuple[str, ...]:
    """The values of a field that a mention may state where it stands."""
    lexicon = reading.vocabulary.lexicon
    row = lexicon.get(mention.label, mention.concept)
    if mention.label == "ligand":
        return row.values("targets") if row else ()
    if field == "armoring" and mention.label == "antigen":
        return _secreted(reading, unit, mention, row)
    if field == "costim" and _says(row, "kind", "signaling"):
        return ()
    another = field == "cell_source" and reading.low.startswith(
        tuple(lexicon.words("anothers")), mention.start
    )
    return (ALLOGENEIC if another else mention.concept,)


def _says(row: Concept | None, column: str, value: str) -> bool:
    """Whether the row of a mention has a value in a column."""
    return row is not None and row.fields.get(column) == value


def _secreted(reading: Reading, unit: Unit, antigen: Mention, row: Concept | None) -> tuple[str, ...]:
    """The antibody against an antigen, if the cues that reach the antigen speak of one that is secreted."""
    antibody = f"secreted {antigen.concept} antibody"
    if not _says(row, "usual_role", "payload") and not reading.vocabulary.lexicon.get("armoring", antibody):
        return ()
    told = turns(reading, unit)
    named = not told.isdisjoint(("antibody_right", "antibody_left", "engager_right"))
    return (antibody,) if named and not told.isdisjoint(("secrete", "secrete_right")) else ()


ALLOGENEIC = "allogeneic"
"""Stands for a source that is another person's, until the trial tells whose: see components.attributes."""
_BY_VALUE = frozenset(["cell_source", "cell_type", "vector"])
"""Fields with few values, for which a cue may speak for one and against another."""
_TRIAL_CUES = ("kept", "edited_source", "lnp_study")


def _with_value(
    reading: Reading, field: str, mention: Mention, value: str, told: frozenset[str]
) -> tuple[str, ...]:
    """Signals that go with one value: cues that speak for one and against another."""
    found = ["concept=" + value]
    if field == "edits" and not mention.guarded:
        found.append("named_edit")
    trial = [f"trial:{cue}" for cue in _TRIAL_CUES if cue in reading.trial_cues]
    if field in ("edits", "cell_source"):
        found += trial
    if field == "armoring":
        found.append("family=" + value.partition("-")[0].rstrip("0123456789"))
    if field in _BY_VALUE:
        found += _by_value(reading, mention, value, told, trial)
    if field == "cell_source":
        found += _each(value, beside(reading, mention))
    return tuple(found)


def _by_value(
    reading: Reading, mention: Mention, value: str, told: frozenset[str], trial: Iterable[str]
) -> Iterator[str]:
    """The value with each cue, and with the words that state it; guarded words with each cue, too."""
    form = reading.low[mention.start : mention.end]
    yield from _each(value, (*told, *trial))
    yield f"{value}={form}"
    yield from _each(form, told if mention.guarded else ())


def _each(head: str, cues: Iterable[str]) -> list[str]:
    """A value or form together with each of some cues."""
    return [f"{head}&{cue}" for cue in cues]


def _own(reading: Reading, field: str, mention: Mention, stated: int) -> Iterator[str]:
    """Signals of one mention that its coordination does not share."""
    yield from _of_origin(mention)
    if mention.label == "antigen":
        if field == "targets":
            yield from _of_drugs(reading, mention)
        row = reading.vocabulary.lexicon.get("antigen", mention.concept)
        if row is None:
            yield "novel"
        elif row.fields.get("usual_role"):
            yield "usual=" + row.fields["usual_role"]
    if stated > 1:
        yield "ligand_of_several"
    if field == "armoring" and mention.label == "antigen":
        yield "secreted_antigen"


def _of_drugs(reading: Reading, mention: Mention) -> Iterator[str]:
    """Whether a drug that the sentence names binds the antigen, or another one."""
    first, last = reading.sentence(mention.start)
    for at, antigen in reading.drugs:
        if first <= at < last:
            yield "drug_binds" if antigen == mention.concept else "drug_binds_other"


def _of_origin(mention: Mention) -> Iterator[str]:
    """What found a mention: a row of a table (which says nothing), a product's name, a number, a rule."""
    origin = mention.row.rstrip(GUARDED).partition(":")[0]
    if origin == "product":
        yield "spelled"
    elif origin == "number":
        yield mention.row
    elif not origin.endswith(".csv"):
        yield "rule=" + mention.row.partition(":")[0]
    if mention.guarded:
        yield "guarded_name"
