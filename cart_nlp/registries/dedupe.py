"""One trial, several registrations: records that name each other's numbers become one trial."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import IO, NamedTuple

from cart_nlp.registries.entry import InputError
from cart_nlp.registries.values import shapes
from cart_nlp.registries.values.identifiers import identities, kind_of
from cart_nlp.schema import Trial

MOST_HOLDERS = 32
"""Groups that a number is looked up in: real ones are in two or three."""


class Merge(NamedTuple):
    """What became of records that name each other: `into` keeps its id, `merged` were merged into it.

    `through` lists the numbers that link them. With `refused` they were left apart, because they are two
    registrations in one registry (a study and its long-term follow-up, say).
    """

    into: str
    merged: tuple[str, ...]
    through: tuple[str, ...]
    refused: bool = False

    def __str__(self) -> str:
        times = Counter(self.merged)
        others = ", ".join(name if n == 1 else f"{name} ({n:,} records)" for name, n in times.items())
        links = ", ".join(self.through)
        if self.refused:
            return f"{self.into}, {others}: not merged: {links} links two registrations in one registry"
        return f"{self.into}: merged {others} (by {links})"


class Registrations:
    """Records grouped by the registration numbers that they have or name: one group is one trial.

    Union-find: a group has at most one own number of each registry. `links` has the numbers that joined a
    record to others, `refused` those that two records share and stay apart.
    """

    def __init__(self) -> None:
        self._parent: list[int] = []
        self._own: list[dict[str, str]] = []
        self._holders: dict[str, list[int]] = {}
        self.links: dict[int, list[str]] = {}
        self.refused: dict[tuple[int, int], list[str]] = {}

    def add(self, trial_id: str, registry: str, secondary_ids: Iterable[str]) -> None:
        """The next record; the first one is number 0."""
        own = identities([trial_id]) or (trial_id,)
        at = len(self._parent)
        self._parent.append(at)
        self._own.append({kind_of(own[0]) or "?" + registry: own[0]})
        for number in dict.fromkeys(own + identities(secondary_ids)):
            self._link(at, number)

    def first(self, at: int) -> int:
        """The first record of a record's group."""
        while self._parent[at] != at:
            self._parent[at] = self._parent[self._parent[at]]
            at = self._parent[at]
        return at

    def _link(self, at: int, number: str) -> None:
        """Join a record with the groups that hold its number; one record a group is remembered for it.

        A number that many registrations of one registry share is no trial's own, and links no more of them.
        """
        joined = False
        apart: int | None = None
        holders = self._holders.setdefault(number, [])
        for holder in holders:
            if self._join(holder, at):
                self.links.setdefault(at, []).append(number)
                joined = True
            elif apart is None:
                apart = holder
        if apart is not None:
            self.refused.setdefault((apart, at), []).append(number)
        if not joined and len(holders) < MOST_HOLDERS:
            holders.append(at)

    def _join(self, one: int, other: int) -> bool:
        """Whether the two are in one group now."""
        first, second = sorted((self.first(one), self.first(other)))
        if first == second:
            return True
        mine, theirs = self._own[first], self._own[second]
        if any(mine.get(kind, number) != number for kind, number in theirs.items()):
            return False
        mine.update(theirs)
        self._parent[second] = first
        return True


def merge(trials: Iterable[Trial], report: Callable[[Merge], None] | None = None) -> Iterator[Trial]:
    """Each trial once, in the order of first appearance; `report` hears of every merge and refusal.

    Records are linked by registration numbers (their own and their secondary ids). Memory holds numbers
    only: the records wait in a temporary file. Raises InputError if that cannot be written.
    """
    groups = Registrations()
    starts: list[int] = []
    ids: list[str] = []
    try:
        with tempfile.TemporaryFile(prefix="cart-nlp-") as store:
            for trial in trials:
                starts.append(store.tell())
                ids.append(trial.id)
                store.write(trial.model_dump_json(exclude_defaults=True).encode() + b"\n")
                groups.add(trial.id, trial.registry, trial.secondary_ids)
            yield from _written(store, starts, ids, groups, report)
    except OSError as error:
        raise InputError(f"--dedupe: the temporary file failed: {error.strerror}; set TMPDIR") from None


def _written(
    store: IO[bytes],
    starts: list[int],
    ids: list[str],
    groups: Registrations,
    report: Callable[[Merge], None] | None,
) -> Iterator[Trial]:
    def trial(at: int) -> Trial:
        store.seek(starts[at])
        return Trial.model_validate_json(store.readline())

    members: dict[int, list[int]] = {}
    for at in range(len(starts)):
        members.setdefault(groups.first(at), []).append(at)
    if report is not None:
        for (one, other), numbers in groups.refused.items():
            if groups.first(one) != groups.first(other):
                report(Merge(ids[one], (ids[other],), tuple(dict.fromkeys(numbers)), refused=True))
    for group in members.values():
        lead, *others = sorted((trial(at) for at in group), key=_rank)
        if others:
            through = tuple(dict.fromkeys(number for at in group for number in groups.links.get(at, ())))
            if report is not None:
                report(Merge(lead.id, tuple(other.id for other in others), through))
            lead = combined(lead, others)
        yield lead


def _rank(trial: Trial) -> tuple[int, int]:
    """ClinicalTrials.gov's record leads, then the one that says more; sorting keeps the order of ties."""
    return (0 if trial.id.upper().startswith("NCT") else 1, -sum(map(len, trial.sections.values())))


def combined(lead: Trial, others: Sequence[Trial]) -> Trial:
    """The lead's trial with what the others add.

    Their sections come under keys that begin with their id ("ChiCTR2000000000/brief_title"), unless the
    trial already says the very same; fields that the lead lacks are filled, lists joined, and raw values
    kept under the same prefix.
    """
    fields = {name: getattr(lead, name) for name in Trial.model_fields}
    sections, raw = dict(lead.sections), dict(lead.raw)
    said = set(sections.values())
    lists = {name: dict.fromkeys(fields[name]) for name in ("secondary_ids", "pmids", "countries")}
    heads = {key[:at] for key in sections for at, sign in enumerate(key) if sign == "/"}
    copies: dict[str, int] = {}
    for other in others:
        prefix = other.id
        while prefix in heads:
            copies[other.id] = copies.get(other.id, 1) + 1
            prefix = f"{other.id}#{copies[other.id]}"
        heads.add(prefix)
        for key, text in other.sections.items():
            if text not in said:
                said.add(text)
                sections[f"{prefix}/{key}"] = text
        raw |= {f"{prefix}/{key}": value for key, value in other.raw.items()}
        for name, value in fields.items():
            if value is None:
                fields[name] = getattr(other, name)
        for name, values in lists.items():
            values |= dict.fromkeys(getattr(other, name))
        lists["secondary_ids"][other.id] = None
        fields["has_results"] = fields["has_results"] or other.has_results
    lists["secondary_ids"].pop(lead.id, None)
    fields |= {name: tuple(sorted(values)) for name, values in lists.items()}
    fields |= _partners(lead, *others)
    cited = chain.from_iterable(each.references for each in (lead, *others))
    fields["references"] = shapes.references((each.pmid, each.type) for each in cited)
    return Trial(**(fields | {"sections": sections, "raw": raw}))


def _partners(*trials: Trial) -> dict[str, tuple[str, ...]]:
    """The collaborators of all, each name once, with the first class that is told of it."""
    told = [
        pair
        for each in trials
        for pair in zip(each.collaborators, chain(each.collaborator_classes, repeat("")), strict=False)
    ]
    names, classes = shapes.partners((name for name, _ in told), (kind for _, kind in told))
    return {"collaborators": names, "collaborator_classes": classes}
