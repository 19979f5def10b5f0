"""The instances of each field: which mentions may state a value of it."""

from __future__ import annotations

from collections.abc import Iterator

from cart_nlp.signals import products
from cart_nlp.signals.candidate import Instance
from cart_nlp.signals.mention import AT_CAR, beside, cues, place, signals, turns
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
    edits = instances(reading, "edits") if field == "targets" and reading.of("edit") else ()
    edited = {one.mention.start for one in edits if not _KNOCKED.isdisjoint(one.signals)}
    for number, unit in enumerate(units(reading, reading.of(*LABELS[field]), "parting_" + field)):
        shared: list[str] = []
        for mention in unit.mentions:
            stated = _stated(reading, field, unit, mention)
            if stated:
                shared = shared or signals(reading, unit)
                own = [*shared, *_own(reading, field, unit, mention, len(stated), AT_CAR.isdisjoint(shared))]
                own += ["edited"] if mention.start in edited else []
            for value in stated:
                told = own if field == "targets" else own + _with_value(reading, field, unit, mention, value)
                yield Instance(value, mention, tuple(told), place(unit), number)


_KNOCKED = frozenset(["knock_right>adj", "knock_left<adj", "knock_list<adj", "knock_tool<adj"])
"""Signals of a gene's name where an edit is told beside it: as a target it is `edited`."""


def _stated(reading: Reading, field: str, unit: Unit, mention: Mention) -> tuple[str, ...]:
    """The values of a field that a mention may state where it stands."""
    lexicon = reading.vocabulary.lexicon
    if mention.label == "ligand":
        row = lexicon.get("ligand", mention.concept)
        return row.values("targets") if row else ()
    if field == "armoring" and mention.label == "antigen":
        return _secreted(reading, unit, mention)
    if field == "costim" and lexicon.cell("costim", mention.concept, "kind") == "signaling":
        return ()
    told = cues(reading, unit) if field == "generation" else ()
    if "generation_of<adj" in told:
        return ()  # a vector or drug has a generation of its own
    if "generation_of>adj" in told:
        after = reading.words(unit.end, unit.end + 12)[:1]
        apart = reading.low[unit.end] == "," or not lexicon.words("filler").isdisjoint(after)
        return (mention.concept,) if apart else ()
    another = field == "cell_source" and reading.low.startswith(
        tuple(lexicon.words("anothers")), mention.start
    )
    return (ALLOGENEIC if another else mention.concept,)


def _secreted(reading: Reading, unit: Unit, antigen: Mention) -> tuple[str, ...]:
    """The antibody against an antigen, if the cues that reach the antigen speak of one that is secreted."""
    antibody, lexicon = f"secreted {antigen.concept} antibody", reading.vocabulary.lexicon
    role = lexicon.cell("antigen", antigen.concept, "usual_role")
    if role != "payload" and not lexicon.get("armoring", antibody):
        return ()
    told = turns(reading, unit)
    named = not told.isdisjoint(("antibody_right", "antibody_left", "engager_right"))
    return (antibody,) if named and not told.isdisjoint(("secrete", "secrete_right")) else ()


ALLOGENEIC = "allogeneic"
"""Stands for a source that is another person's, until the trial tells whose: see components.attributes."""
_BY_VALUE = frozenset(["cell_source", "cell_type", "vector"])
"""Fields with few values, for which a cue may speak for one and against another."""
_TRIAL_CUES = ("kept", "edited_source", "lnp_study", "cytokine_drug")


def _with_value(reading: Reading, field: str, unit: Unit, mention: Mention, value: str) -> list[str]:
    """Signals that go with one value: cues that speak for one and against another."""
    found = ["concept=" + value]
    trial = [f"trial:{cue}" for cue in _TRIAL_CUES if cue in reading.trial_cues]
    if field == "edits" and not mention.guarded:
        found.append("named_edit")
    if field in ("edits", "cell_source", "armoring"):
        found += trial
    if field == "armoring":
        found.append("family=" + value.partition("-")[0].rstrip("0123456789"))
    if field in _BY_VALUE:  # the value with each cue and with the words that state it; these, if guarded, too
        form, told = reading.low[mention.start : mention.end], turns(reading, unit)
        found.append(f"{value}={form}")
        found += [f"{value}&{cue}" for cue in (*told, *trial)]
        if mention.guarded:
            found += [f"{form}&{cue}" for cue in (place(unit), *told)]
    if field == "cell_source":
        found += [f"{value}&{word}" for word in beside(reading, mention)]
    return found


def _partners(reading: Reading, unit: Unit, mention: Mention) -> list[str]:
    """What the others of a coordination usually are: beside CD3 an antigen is that of an engager."""
    cell, others = reading.vocabulary.lexicon.cell, (m for m in unit.mentions if m is not mention)
    return sorted({"with_" + role for m in others if (role := cell(m.label, m.concept, "usual_role"))})


def _of_drugs(reading: Reading, mention: Mention, loose: bool) -> list[str]:
    """Whether a drug in the sentence, or that an intervention is called, binds the antigen (`loose`: no CAR
    beside it), or another one."""
    first, last = reading.sentence(mention.start)
    called = reading.section(mention.start).key.rpartition(".")[0] + ".name"
    near = (one for one in reading.drugs if first <= one[0] < last or reading.section(one[0]).key == called)
    bound = (antigen == mention.concept for _, antigen in near)
    return [("drug_binds" if loose else "tight&drug_binds") if own else "drug_binds_other" for own in bound]


def _own(reading: Reading, field: str, unit: Unit, mention: Mention, stated: int, loose: bool) -> list[str]:
    """Signals of one mention that its coordination does not share.

    What found it (a row of a table says nothing), for antigens whether a drug that the sentence names binds
    them or others, and what the lexicon says of them.
    """
    found = []
    origin = mention.row.rstrip(GUARDED).partition(":")[0]
    if origin in ("product", "number"):
        found.append("spelled" if origin == "product" else mention.row)
    elif not origin.endswith(".csv"):
        found.append("rule=" + mention.row.partition(":")[0])
    if mention.guarded:
        found.append("guarded_name")
    if mention.label == "antigen":
        if field == "targets":
            found += [*_of_drugs(reading, mention, loose), *_partners(reading, unit, mention)]
            if reading.silent_products:
                found.append("other_product")
            if "marker_right" in turns(reading, unit):  # an opaque name binds what nobody tells
                found.append("marker_named" if instances(reading, "products") else "marker_unnamed")
        row = reading.vocabulary.lexicon.get("antigen", mention.concept)
        if row is None:
            found.append("novel")
        elif row.fields.get("usual_role"):
            found.append("usual=" + row.fields["usual_role"])
        if field == "armoring":
            found.append("secreted_antigen")
    return [*found, "ligand_of_several"] if stated > 1 else found
