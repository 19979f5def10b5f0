"""From labeled trials to every scorer of the model, and what they say of trials that they did not see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from spacy.language import Language

from cart_nlp.components.attributes import FIELDS, RULED, resolve, ruled
from cart_nlp.components.constructs import build as build_constructs
from cart_nlp.components.constructs import own_units
from cart_nlp.components.roles import (
    MARKER,
    TARGET,
    Told,
    elsewhere,
    is_sure,
    likeliest,
    markers_sure,
    role_signals,
    told_of,
    twice,
)
from cart_nlp.components.study import target_logits
from cart_nlp.evaluation import gold as gold_set
from cart_nlp.evaluation.matching import name_key
from cart_nlp.lexicon import Lexicon
from cart_nlp.pipeline import make_doc
from cart_nlp.scoring.candidates import Candidate, FieldScorer
from cart_nlp.scoring.linear import Linear
from cart_nlp.signals import formats, study
from cart_nlp.signals.candidate import Instance, Scored
from cart_nlp.signals.fields import ALLOGENEIC, instances
from cart_nlp.signals.reading import Reading, read
from cart_nlp.text import fold, lower
from cart_nlp.training.data import TAUGHT, Example
from cart_nlp.training.fit import (
    cross,
    fit_candidates,
    fit_classes,
    fit_field,
    fit_mentions,
    fit_names,
    fold_of,
)

FINDERS = ("cart_sentences", "cart_patterns", "cart_terms", "cart_abbreviations", "cart_linker")
"""Components that find; those behind them decide, and are what is trained."""
SCORED = tuple(name for name in FIELDS if name not in RULED)
SETTINGS: Mapping[str, Mapping[str, float]] = {
    "targets": {"penalty": 0.5, "strength": 0.3, "weight": 0.25},
    "products": {"strength": 0.1},
    "armoring": {"penalty": 0.2, "strength": 1.0, "shift": 0.75},
    "cell_source": {"penalty": 1.0, "strength": 0.5},
}
"""Strength of regularization by field; the others have `_DEFAULT`."""
_DEFAULT = {"penalty": 0.2, "strength": 0.5}
ROLE_NAMES = {"secreted": "armoring", "manufacturing": "cell_marker", "recipients": "target"}
"""Roles that the gold set tells apart and the model does not."""


def read_all(nlp: Language, examples: Sequence[Example]) -> None:
    """Give every example its Reading."""
    finders = [nlp.get_pipe(name) for name in FINDERS]
    terms: Any = nlp.get_pipe("cart_terms")
    for example in examples:
        doc = make_doc(nlp, example.trial)
        for finder in finders:
            doc = finder(doc)
        example.reading = read(doc, terms.vocabulary)


def canonical(lexicon: Lexicon, label: str, value: str) -> str:
    """The lexicon's name of a labeled value, if it has one."""
    if lexicon.get(label, value) is not None:
        return value
    found = [row.name for row in lexicon.folded.get(lower(value), ()) if row.label == label]
    return found[0] if found else value


def values(example: Example, name: str) -> frozenset[str]:
    """The labeled values of a field, by the lexicon's names."""
    assert example.reading is not None
    lexicon = example.reading.vocabulary.lexicon
    label = {"targets": "antigen", "products": "product"}.get(name)
    found = [str(value) for value in example.labels.get(name) or ()]
    if name == "products":
        return frozenset(_printed(example.reading, canonical(lexicon, "product", value)) for value in found)
    return frozenset(canonical(lexicon, label, value) if label else value for value in found)


def _printed(reading: Reading, value: str) -> str:
    """A labeled name under the one that the text's mentions of it have."""
    key = name_key(fold(value))
    found = instances(reading, "products")
    for one in found:
        if name_key(one.concept) == key:
            return one.concept
    for one in found:
        if name_key(reading.text[one.mention.start : one.mention.end]) == key:
            return one.concept
    return value


@dataclass
class Items:
    """What one scorer learns from: trials (or mentions), each with its group."""

    examples: list[Example]
    rows: list[Any]
    truth: list[Any]

    @property
    def groups(self) -> list[str]:
        return [example.group for example in self.examples]


def field_items(examples: Sequence[Example], name: str) -> Items:
    """The instances and labeled values of the trials for which a field is labeled."""
    kept = [e for e in examples if e.included and e.sure(name) and name in e.labels]
    rows, truth = [], []
    for example in kept:
        assert example.reading is not None
        stated = values(example, name)
        found = instances(example.reading, name)
        if name == "targets":
            # What is known of a product alone is neither stated nor wrong.
            lexicon = example.reading.vocabulary.lexicon
            known = {canonical(lexicon, "antigen", v) for v in example.labels.get("product_targets", ())}
            found = [one for one in found if one.concept not in known - stated]
        rows.append(found)
        truth.append(stated)
    return Items(kept, rows, truth)


Fit = Callable[[list[int]], Any]


@dataclass
class Outcome:
    """The scorers fitted on everything, and what scorers that did not see a trial say of it."""

    scorers: dict[str, dict[str, Linear | FieldScorer]] = field(default_factory=dict)
    """Component → name → scorer."""
    unseen: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Field → trial → prediction in cross-validation."""
    fitted: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The same of the scorers that saw everything."""

    def add(self, component: str, name: str, scorer: Linear | FieldScorer) -> None:
        self.scorers.setdefault(component, {})[name] = scorer


def train(examples: Sequence[Example], roles: Mapping[str, list[dict[str, Any]]]) -> Outcome:
    """Fit every scorer, each in grouped cross-validation and then on everything."""
    result = Outcome()
    _targets(examples, roles, result)
    _study(examples, result)
    for name in (*SCORED, "products"):
        _field(examples, name, "cart_products" if name == "products" else "cart_attributes", result)
    for name in sorted(RULED):
        items = field_items(examples, name)
        said = {e.id: ruled(e.reading, name) for e in items.examples if e.reading is not None}
        result.unseen[name] = result.fitted[name] = said
    _formats(examples, result)
    _roles(examples, roles, result)
    return result


def _field(
    examples: Sequence[Example],
    name: str,
    component: str,
    result: Outcome,
    marked: Mapping[str, list[tuple[Sequence[str], bool]]] | None = None,
) -> None:
    """One field; `marked` are mentions with a label of their own, by group."""
    items = field_items(examples, name)
    settings = SETTINGS.get(name, _DEFAULT)
    pairs = [(row, taught(name, truth)) for row, truth in zip(items.rows, items.truth, strict=True)]

    def fit(numbers: list[int]) -> FieldScorer:
        labeled = []
        if marked:
            part = {fold_of(items.groups[n]) for n in numbers}
            labeled = [
                one for group, found in sorted(marked.items()) if fold_of(group) in part for one in found
            ]
        learned = [pairs[n] for n in numbers]
        if name == "products":
            return fit_names(learned, **settings)
        if name == "targets":
            learned += [unknown(pairs[n]) for n in numbers[::NOVEL_EVERY]]
            several = [n for n in numbers if len(pairs[n][1]) > 1]
            learned += [unknown(pairs[n], part=n) for n in several[::BESIDE_EVERY]]
        return fit_field(learned, labeled, **settings)  # type: ignore[arg-type]

    def apply(scorer: FieldScorer, number: int) -> list[Candidate]:
        reading = items.examples[number].reading
        assert reading is not None
        return resolve(name, scorer.score(items.rows[number]), reading.vocabulary.lexicon)

    unseen = cross(len(pairs), items.groups, fit, apply)
    whole = fit(list(range(len(pairs))))
    result.add(component, name, whole)
    result.unseen[name] = {e.id: found for e, found in zip(items.examples, unseen, strict=True)}
    result.fitted[name] = {e.id: apply(whole, n) for n, e in enumerate(items.examples)}


ROLE_COUNTS = {"written": 3.0, TAUGHT: 0.5}
"""How much a mention counts by the source of its trial: marks of taught texts are many and alike."""


TAUGHT_COUNT = 0.5
"""How much a text that was written to teach counts in the study decision."""
MISSED = 1.5
"""How many times as much a trial counts that is to be included: nobody sees what is missed."""


NOVEL_EVERY = 30
"""One trial in so many is also learned as if no lexicon knew its antigens, as new ones will be."""


BESIDE_EVERY = 6
"""One in so many of those with several targets is also learned as if some of its antigens were new."""


def unknown(
    pair: tuple[Sequence[Instance], frozenset[str]], part: int | None = None
) -> tuple[list[Instance], frozenset[str]]:
    """A trial as it would be read without the rows of its antigens: names alone, where a slot shows them.

    With `part`, a number that chooses, without the rows of about half of them.
    """
    found, stated = pair
    names = sorted({one.concept for one in found if one.mention.label == "antigen"})
    hidden = {name for at, name in enumerate(names) if part is None or (at + part) % 2}
    kept = []
    for one in found:
        if one.concept not in hidden:
            if part is not None:
                kept.append(one)
        elif not one.mention.guarded and _SHOWN & set(one.signals):
            kept.append(one._replace(signals=(*one.signals, "novel", "rule=novel")))
    return kept, frozenset(stated & {one.concept for one in kept})


_SHOWN = frozenset(["binds<adj", "bound>adj", "car>touch", "several"])


def taught(name: str, truth: frozenset[str]) -> frozenset[str]:
    """The values that a field's scorer learns, those that another makes void included (`resolve`).

    Of a source also that it is another person's, of a named switch also that there is one.
    """
    if name == "cell_source" and truth & {"donor_derived", "off_the_shelf"}:
        return truth | {ALLOGENEIC}
    if name == "safety_switch" and truth:
        return truth | {"other"}
    return truth


def _targets(examples: Sequence[Example], roles: Mapping[str, list[dict[str, Any]]], result: Outcome) -> None:
    """Candidate targets: besides trials' targets, mentions whose role is labeled teach the mention scorer."""
    marked: dict[str, list[tuple[Sequence[str], bool]]] = {}
    for example in examples:
        marks = mention_marks(example, roles)
        if marks and example.reading is not None:
            marked.setdefault(example.group, []).extend(
                (one.signals, role == "target")
                for one in instances(example.reading, "targets")
                if (role := marks.get((one.mention.start, one.mention.end)))
            )
    _field(examples, "targets", "cart_roles", result, marked)


def _study(examples: Sequence[Example], result: Outcome) -> None:
    """The study decision; target mentions are scored by weights that did not see the trial, too."""
    kept = [e for e in examples if e.sure("car_trial") and e.reading is not None]
    groups = [e.group for e in kept]
    items = field_items(examples, "targets")
    pairs = {
        e.id: (row, truth) for e, row, truth in zip(items.examples, items.rows, items.truth, strict=True)
    }

    def fit_targets(numbers: list[int]) -> Linear:
        return fit_mentions([pairs[kept[n].id] for n in numbers if kept[n].id in pairs])

    def signals_of(scorer: Linear, number: int) -> list[str]:
        example = kept[number]
        assert example.reading is not None
        logits = target_logits(example.reading, scorer)
        found = study.signals(example.reading, logits, example.trial.study_type or "")
        # Look-alikes are more frequent among taught texts than among trials: that has a weight of its own.
        return [*found, TAUGHT] if example.source == TAUGHT else found

    rows = cross(len(kept), groups, fit_targets, signals_of)
    whole = fit_targets(list(range(len(kept))))
    result.add("cart_study", "target_mention", whole)
    included = [e.included for e in kept]
    inside = [n for n, e in enumerate(kept) if e.included]
    outside = [n for n, e in enumerate(kept) if not e.included and e.labels["car_trial"] != "other"]
    said: list[dict[str, float]] = [{} for _ in kept]
    for name, numbers, truth, strength in (
        ("include", list(range(len(kept))), included, 1.0),
        ("product", inside, [e.labels["car_trial"] == "product" for e in kept], 1.0),
        ("mention", outside, [e.labels["car_trial"] == "mention" for e in kept], 0.3),
    ):

        def fit(
            picked: list[int],
            strength: float = strength,
            truth: Sequence[bool] = truth,
            numbers: Sequence[int] = numbers,
            name: str = name,
        ) -> Linear:
            inside = set(numbers)
            use = [n for n in picked if n in inside]
            return fit_candidates(
                [rows[n] for n in use],
                [truth[n] for n in use],
                use,
                strength=strength,
                counts=[
                    (TAUGHT_COUNT if kept[n].source == TAUGHT else 1.0)
                    * (MISSED if name == "include" and truth[n] else 1.0)
                    for n in use
                ],
            )

        chances = cross(len(kept), groups, fit, lambda scorer, n: scorer.probability(rows[n]))
        for one, chance in zip(said, chances, strict=True):
            one[name] = chance
        result.add("cart_study", name, fit(numbers))
    result.unseen["car_trial"] = {
        e.id: {**one, "signals": row} for e, one, row in zip(kept, said, rows, strict=True)
    }


def construct_class(entries: Sequence[Mapping[str, Any]]) -> str:
    """The verdict that gives these constructs, see components.constructs.build."""
    if len(entries) == 1:
        kind = "joint" if len(entries[0]["targets"]) > 1 else "one"
        return f"{kind}:{entries[0]['format']}"
    if all(len(entry["targets"]) == 1 for entry in entries):
        return "split:" + Counter(entry["format"] for entry in entries).most_common(1)[0][0]
    return "mixed"


def _formats(examples: Sequence[Example], result: Outcome) -> None:
    """The format of trials with several targets, on the true targets as the mention scorer finds them."""
    kept = [e for e in examples if e.included and e.sure("constructs") and e.sure("targets")]
    asked = [_asked(e, values(e, "targets"), result) for e in kept]
    truth = [construct_class(e.labels["constructs"]) if len(values(e, "targets")) > 1 else "" for e in kept]

    def fit(numbers: list[int]) -> Linear:
        use = [n for n in numbers if truth[n]]
        rows = [asked[n].held for n in use]
        return fit_classes(rows, [truth[n] for n in use], use, strength=1.0, support=3)

    def apply(scorer: Linear, number: int) -> tuple[list[Entry], float, list[Entry]]:
        """The constructs of the true targets; those of the targets found, and how sure they are."""
        example = kept[number]
        found = [c for c in result.unseen["targets"].get(example.id, ()) if c.probability >= 0.5]
        said, sure = _constructs(
            example, _asked(example, frozenset(c.concept for c in found), result), scorer
        )
        given, _ = _constructs(example, asked[number], scorer) if truth[number] else ([], 1.0)
        return given, sure, said

    unseen = cross(len(kept), [e.group for e in kept], fit, apply)
    whole = fit(list(range(len(kept))))
    result.add("cart_constructs", "formats", whole)
    several = [(e, said, n) for n, (e, said) in enumerate(zip(kept, unseen, strict=True)) if truth[n]]
    result.unseen["formats"] = {e.id: given for e, (given, _, _), _ in several}
    result.fitted["formats"] = {e.id: _constructs(e, asked[n], whole)[0] for e, _, n in several}
    result.unseen["constructs"] = {e.id: said[1:] for e, said in zip(kept, unseen, strict=True)}


Entry = tuple[tuple[str, ...], str]


class Asked(NamedTuple):
    """What the format of a trial is decided by: its targets, the coordinations with them, the signals."""

    targets: frozenset[str]
    own: formats.Own
    held: list[str]


def _asked(example: Example, targets: frozenset[str], result: Outcome) -> Asked:
    reading = reading_of(example)
    found = [c for c in result.unseen["targets"].get(example.id, ()) if c.concept in targets]
    own = own_units(reading, found)
    return Asked(targets, own, formats.signals(reading, own, targets))


def _constructs(example: Example, asked: Asked, scorer: Linear) -> tuple[list[Entry], float]:
    """The constructs that a scorer gives a trial with some targets, and how sure their formats are."""
    reading = reading_of(example)
    built, sure = build_constructs(reading, scorer, asked.held, asked.targets, asked.own)
    return sorted((tuple(entry["targets"]), entry["format"]) for entry in built), sure


def _roles(examples: Sequence[Example], labels: Mapping[str, list[dict[str, Any]]], result: Outcome) -> None:
    """The role of single mentions: those of the written gold, and labeled ones of registry trials.

    Learned twice, as the component asks twice: what the other mentions of an antigen are comes from scorers
    that did not see the trial.
    """
    kept: list[Example] = []
    concepts: list[str] = []
    plain: list[list[str]] = []
    truth: list[str] = []
    asked: list[list[str] | None] = []
    for example in examples:
        for instance, logit, targets, role in role_items(example, labels, result):
            kept.append(example)
            concepts.append(instance.concept)
            plain.append(role_signals(reading_of(example), instance, logit, targets, None))
            asked.append(None if is_sure(Scored(instance, logit), targets) else plain[-1])
            truth.append(role)
    if not plain:
        return
    groups = [e.group for e in kept]
    trials: dict[tuple[str, str], list[int]] = {}
    for n, example in enumerate(kept):
        trials.setdefault((example.source, example.id), []).append(n)

    def learn(rows: Sequence[list[str]], numbers: Sequence[int]) -> Linear:
        known = [n for n in numbers if truth[n]]
        return fit_classes(
            [rows[n] for n in known],
            [truth[n] for n in known],
            known,
            strength=0.3,
            support=3,
            counts=[ROLE_COUNTS.get(kept[n].source, 1.0) for n in known],
            least=0.05,
        )

    first = cross(
        len(kept),
        groups,
        lambda ns: learn(plain, ns),
        lambda s, n: TARGET if asked[n] is None else likeliest(s.probabilities(plain[n])),
    )
    rows = list(plain)
    for numbers in trials.values():
        more = elsewhere([concepts[n] for n in numbers], [first[n] for n in numbers])
        for n, others in zip(numbers, more, strict=True):
            rows[n] = [*plain[n], *others]
    scorers = cross(len(kept), groups, lambda ns: learn(rows, ns), lambda scorer, n: scorer)
    unseen = _told(trials.values(), concepts, asked, scorers)
    result.add("cart_roles", "roles", learn(rows, range(len(kept))))
    labeled = [n for n in range(len(kept)) if truth[n]]
    result.unseen["roles"] = {
        f"{kept[n].id}#{n}": (truth[n], unseen[n].role, kept[n].source) for n in labeled
    }
    result.unseen["disease_markers"] = _markers(
        [kept[n] for n in labeled], [unseen[n] for n in labeled], [truth[n] for n in labeled]
    )


def _told(
    trials: Iterable[Sequence[int]],
    concepts: Sequence[str],
    asked: Sequence[list[str] | None],
    scorers: Sequence[Linear],
) -> dict[int, Told]:
    """What is said of each mention by the scorers that did not see its trial."""
    unseen: dict[int, Told] = {}
    for numbers in trials:
        said = twice(scorers[numbers[0]], [concepts[n] for n in numbers], [asked[n] for n in numbers])
        for n, (_, chances) in zip(numbers, said, strict=True):
            unseen[n] = told_of(concepts[n], chances)
    return unseen


def _markers(
    examples: Sequence[Example], told: Sequence[Told], truth: Sequence[str]
) -> dict[str, tuple[float, bool]]:
    """Trial → how sure its markers are, and whether they are right, of the mentions that are labeled."""
    by_trial: dict[str, dict[int, tuple[Told, str]]] = {}
    for number, (example, said, role) in enumerate(zip(examples, told, truth, strict=True)):
        by_trial.setdefault(example.id, {})[number] = said, role
    found = {}
    for trial, pairs in by_trial.items():
        stated = {said.concept for said, role in pairs.values() if role == MARKER}
        given = {said.concept for said, _ in pairs.values() if said.role == MARKER}
        sure = markers_sure({number: said for number, (said, _) in pairs.items()})
        found[trial] = sure, given == stated
    return found


def reading_of(example: Example) -> Reading:
    """The Reading that `read_all` gave an example."""
    assert example.reading is not None
    return example.reading


def role_items(
    example: Example, labels: Mapping[str, list[dict[str, Any]]], result: Outcome
) -> list[tuple[Instance, float, set[str], str]]:
    """The mentions of a trial with labeled ones: instance, log-odds of a target mention, targets found, role.

    The role of an unlabeled mention is "".
    """
    reading = example.reading
    assert reading is not None
    marks = mention_marks(example, labels)
    if not marks:
        return []
    candidates = result.unseen["targets"].get(example.id)
    if candidates is None:
        scorer = result.scorers["cart_roles"]["targets"]
        assert isinstance(scorer, FieldScorer)
        candidates = scorer.score(instances(reading, "targets"))
    targets = {one.concept for one in candidates if one.probability >= 0.5}
    found = []
    for one in candidates:
        for scored in one.scored:
            role = marks.get((scored.instance.mention.start, scored.instance.mention.end), "")
            found.append((scored.instance, scored.logit, targets, role))
    return found


def mention_marks(example: Example, labels: Mapping[str, list[dict[str, Any]]]) -> dict[tuple[int, int], str]:
    """Start and end in the Doc of each labeled mention of an antigen → its role."""
    assert example.reading is not None
    first_of = {section.key: section.start for section in example.reading.sections}
    marks = [dict(row) for row in labels.get(example.id, ())]
    if example.source == "written":
        mentions = _written()[example.id].mentions or ()
        marks += [m.model_dump() for m in mentions if m.label == "antigen"]
    return {
        (first_of[m["section"]] + m["start"], first_of[m["section"]] + m["end"]): ROLE_NAMES.get(
            m["role"], m["role"]
        )
        for m in marks
        if m["section"] in first_of
    }


@cache
def _written() -> dict[str, Any]:
    """The bundled gold set's trials by id; read once, not once a trial."""
    return {record.id: record for record in gold_set.read(None).records}


def right(candidates: Sequence[Candidate], stated: frozenset[str]) -> bool:
    """Whether a field's values are exactly the labeled ones."""
    return {one.concept for one in candidates if one.probability >= 0.5} == stated
