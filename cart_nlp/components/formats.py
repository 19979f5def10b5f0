"""From antigen groups to constructs: which antigens share a product, and how its binders are arranged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations, pairwise

from cart_nlp.components.context import ARMS, NAMED
from cart_nlp.components.state import Chain, Hit, State

_OR = re.compile(r"(?<!and/)\bor\b|或")
_AND_OR = re.compile(r"and/or|one or (?:more|several)|\bor both\b")


Entry = tuple[tuple[str, ...], str, tuple[str, ...], tuple[str, ...]]
"""A construct in the making: targets, format, products, costimulation."""


@dataclass(slots=True)
class Group:
    """Antigens that one coordination names, with where it stands."""

    targets: tuple[str, ...]
    start: int
    end: int
    kind: str
    format: str = ""
    product: str = ""


def spelled(hit: Hit) -> tuple[str, ...]:
    """The antigens that a product's printed name spells out."""
    return tuple(part for part in hit.row.values("spells") if "=" not in part) if hit.row else ()


def split(view: State, chain: Chain, targets_of: Callable[[Hit], tuple[str, ...]]) -> list[Group]:
    """The groups of one chain: parted at "or" or, where an assay chooses, at each antigen; one otherwise."""
    parts: list[list[Hit]] = [[chain.hits[0]]]
    for previous, hit in zip(chain.hits, chain.hits[1:], strict=False):
        gap = view.low[previous.end : hit.start]
        if _OR.search(gap) and not _AND_OR.search(gap):
            parts.append([hit])
        else:
            parts[-1].append(hit)
    if len(parts) == 2 and len(parts[0]) > 1 and len(parts[1]) == 1 and _only_commas(view, parts[0]):
        # "A, B, C, or D": four alternatives, not three together or one.
        parts = [[hit] for part in parts for hit in part]
    names = [tuple(dict.fromkeys(t for hit in part for t in targets_of(hit))) for part in parts]
    alternative = "selectable" if len(parts) > 1 else ""
    # "CD19 and CD20 or CD22": the first antigen is shared by both alternatives.
    if len(parts) == 2 and len(names[0]) == 2 and len(names[1]) == 1 and names[1][0] not in names[0]:
        gap = view.low[parts[0][0].end : parts[0][1].start]
        if re.search(r"\band\b|/", gap) and re.search(
            r"dual|bispecific|bi-specific|双", view.low[max(0, chain.start - 60) : chain.end + 60]
        ):
            names[1] = (names[0][0], names[1][0])
    kind = chain.kind
    if chain.rule == "assay":
        return [Group((t,), chain.start, chain.end, kind, "selectable") for part in names for t in part]
    return [
        Group(t, part[0].start, part[-1].end, kind, alternative if len(t) == 1 else "")
        for t, part in zip(names, parts, strict=True)
    ]


def _only_commas(view: State, hits: list[Hit]) -> bool:
    return all(re.fullmatch(r"[\s,;、]*", view.low[a.end : b.start]) for a, b in pairwise(hits))


def _around(view: State, start: int, end: int, width: int = 70) -> str:
    first, last = view.sentence(start)
    return view.low[max(first, start - width) : min(last, end + width)]


def _says_of_car(view: State, pattern: re.Pattern[str], literals: tuple[str, ...]) -> bool:
    """Whether a pattern occurs anywhere in the trial; tried only where one of its literals does."""
    return any(literal in view.low for literal in literals) and pattern.search(view.low) is not None


def _title_text(view: State) -> str:
    return " ".join(view.low[s.start : s.end] for s in view.sections if s.kind in NAMED)


def _together(view: State, group: Group) -> str:
    """Format of one product with several antigens, or of a list that names several products."""
    around = _around(view, group.start, group.end)
    inner = view.low[group.start : group.end]
    if _AND_OR.search(inner):
        return "cocktail" if "and/or" in inner and len(group.targets) > 2 else "selectable"
    wide = around + " " + _title_text(view)
    # A name that spells several antigens is one product's, also where recipients of several are studied.
    if (
        view.notes.get("car_trial") == "related"
        and not group.product
        and not re.search(r"[/x]|dual|bispecific|bi-specific", inner + around[:70])
    ):
        return "selectable"
    if view.cue("format.tandem").search(wide) or _says_of_car(
        view, view.cue("format.tandem_receptor"), ("tandem", "bivalent", "loop", "biparatopic")
    ):
        return "tandem"
    if view.cue("format.bicistronic").search(wide) or _says_of_car(
        view, view.cue("format.two_receptors"), ("cistronic", "two ", "both ", "express")
    ):
        return "bicistronic"
    if len(group.targets) > 2 and "4scar" in wide:
        # This platform gives one product an antigen, several of them together.
        return "cocktail"
    if re.fullmatch(r"(?:cd)?\d\d(?:\.\d\d)+", inner):
        # "CAR20.19.22": numbers within one name are one product.
        return "bispecific"
    left = view.low[max(view.sentence(group.start)[0], group.start - 50) : group.start]
    if "/" not in inner and re.search(
        r"(?:simultaneous(?:ly)?|concurrent(?:ly)?)\s+(?:[\w-]+\s+){0,3}$", left
    ):
        return "cocktail"
    if re.search(r"sequential(?:ly)?\s+(?:[\w-]+\s+){0,3}$", left):
        return "sequential"
    if len(group.targets) > 4 and not view.cue("format.cocktail").search(around):
        return "selectable"
    commas = inner.count(",") + inner.count(";") + inner.count("、")
    words = len(re.findall(r"car-?t?s?\b|carts?\b|cells?\b", inner))
    if (
        len(group.targets) == 2
        and "/" not in inner
        and re.search(r"sequential|followed by|序贯|依次|successive|consecutive", wide)
        and not re.search(r"dual|bispecific|bi-specific|双", around)
    ):
        return "sequential"
    if words and len(group.targets) == 2 and not re.search(r"dual|bispecific|bi-specific|双", around):
        if view.cue("format.sequential").search(around) and not re.search(r"\bafter\b", inner):
            return "sequential"
        if view.cue("format.cocktail").search(around):
            return "cocktail"
    if len(group.targets) > 2 and not re.search(
        r"/|bispecific|tri-?specific|dual|triple|tri-?target|tri-?car", inner + around[:40]
    ):
        if re.search(r"cocktail|combination", around):
            return "cocktail"
        if view.cue("format.sequential").search(around) and "after" not in around:
            return "sequential"
        if commas or view.cue("format.selectable").search(around):
            return "selectable"
    if len(group.targets) > 1 and re.search(r"cocktail|co-?infus|mixture", around):
        return "cocktail"
    return "bispecific"


def constructs(view: State, groups: Iterable[Group]) -> list[Entry]:
    """One entry (targets, format, products, costimulation) for each distinct target set and format."""
    rank = {**dict.fromkeys(NAMED, 0), **dict.fromkeys(ARMS, 1)}
    ordered = sorted(groups, key=lambda g: (rank.get(g.kind, 2), g.start))
    everything = {t for g in ordered for t in g.targets}
    _mark_alternatives(view, ordered)
    alone = {g.targets[0] for g in ordered if len(g.targets) == 1 and g.kind in NAMED | {"keywords"}}
    sets: dict[frozenset[str], Group] = {}
    covered: set[str] = set()
    for group in ordered:
        key = frozenset(group.targets)
        if rank.get(group.kind, 2) and key <= covered and not _own_arm(group, key, sets):
            continue
        if key not in sets or (group.format and not sets[key].format):
            sets[key] = group
        covered |= key
    if not sets:
        return []
    chosen = _distinct(sets)
    adaptor = len(everything) <= 2 and view.cue("format.adaptor").search(_title_text(view)) is not None
    result: list[Entry] = []
    singles = [g for g in chosen if len(g.targets) == 1]
    relation = _relation(view, chosen) if len(chosen) > 1 else ""
    for group in chosen:
        products = (group.product,) if group.product else ()
        if adaptor:
            form = "adaptor"
        elif len(group.targets) > 1 and relation == "sequential" and len(group.targets) > 2:
            result += [((t,), relation, products, ()) for t in group.targets]
            continue
        elif len(group.targets) > 1:
            form = (
                group.format if group.format not in ("", "selectable", "single") else _together(view, group)
            )
            if form == "bispecific" and len(group.targets) > 2 and set(group.targets) <= alone:
                # Each antigen has a product of its own as well: a list of products, not one against all.
                form = "selectable"
            if form in ("cocktail", "sequential", "selectable"):
                result += [((t,), form, products, ()) for t in group.targets]
                continue
        elif len(chosen) == 1:
            form = "sequential" if _two_carriers(view) else "single"
        elif len(singles) == len(chosen) or group.format or relation:
            form = group.format or relation or "selectable"
        else:
            form = "selectable"
        result.append((group.targets, form, products, ()))
    return _with_costim(view, _unique(result), groups)


def _own_arm(group: Group, key: frozenset[str], sets: dict[frozenset[str], Group]) -> bool:
    """Whether an arm's text names a pair that no product so far has: the third of A/B, A/C and B/C."""
    return group.kind in ARMS and len(key) == 2 and not any(key <= known for known in sets)


def _unique(entries: list[Entry]) -> list[Entry]:
    unique: dict[tuple[frozenset[str], str], Entry] = {}
    for entry in entries:
        unique.setdefault((frozenset(entry[0]), entry[1]), entry)
    return list(unique.values())


def _with_costim(view: State, entries: list[Entry], groups: Iterable[Group]) -> list[Entry]:
    """Each construct's costimulation: all that is stated for the only one, else what its sentence tells."""
    stated = [h for h in view.values.get("costim", ()) if h.spells]
    if not stated:
        return entries
    result = []
    for targets, form, products, _ in entries:
        hits = stated
        if len(entries) > 1:
            homes = {view.sentence(g.start) for g in groups if set(g.targets) == set(targets)}
            hits = [h for h in stated if view.sentence(h.start) in homes]
        result.append((targets, form, products, tuple(sorted({h.concept for h in hits}))))
    return result


def _mark_alternatives(view: State, groups: list[Group]) -> None:
    """A smaller set beside a larger one in the same list ("CD19 or CD19-BCMA") is its own product."""
    for left, right in pairwise(groups):
        if left.kind not in NAMED or not 0 <= right.start - left.end <= 45:
            continue
        gap = view.low[left.end : right.start]
        if re.search(r"\bor\b|,|或|、", gap) and "." not in gap:
            _mark(left, right)
    named = [g for g in groups if g.kind == "interventions.name"]
    for left, right in combinations(named, 2):
        if view.section(left.start) is not view.section(right.start):
            _mark(left, right)


def _mark(left: Group, right: Group) -> None:
    for one, other in ((left, right), (right, left)):
        if len(one.targets) == 1 and len(other.targets) > 1 and set(one.targets) < set(other.targets):
            one.format = one.format or "selectable"


def _distinct(sets: dict[frozenset[str], Group]) -> list[Group]:
    """Drop sets that are only a shorter way to say a larger one, unless offered as an alternative to it."""
    kept = []
    alternatives = {t for key, g in sets.items() if len(key) == 1 and g.format == "selectable" for t in key}
    for key, group in sets.items():
        if len(key) > 2 and key <= alternatives:
            continue
        larger = [k for k in sets if key < k]
        if larger and group.format != "selectable":
            continue
        kept.append(group)
    return kept


def _relation(view: State, groups: list[Group]) -> str:
    """How several products relate: sequential, cocktail or selectable, from the words around them."""
    titles = _title_text(view)
    for text in (*(_around(view, g.start, g.end, 90) for g in groups), titles):
        if re.search(r"sequential|followed by|序贯|successive|consecutive", text):
            return "sequential"
        if re.search(
            r"cocktail|co-?infus|mixture|combination of|combined infusion|with or without|simultaneous", text
        ):
            return "cocktail"
    between = ""
    ordered = sorted(groups, key=lambda g: g.start)
    for left, right in pairwise(ordered):
        if right.start - left.end < 60:
            between += " " + view.low[left.end : right.start]
    if re.search(r"\bor\b|或", between):
        return "selectable"
    if re.search(r"\+|\bplus\b|\bcombined with\b|\bwith\b|联合", between):
        return "cocktail"
    if re.search(r"\bthen\b|\bafter\b", between):
        return "sequential"
    return "selectable"


def _two_carriers(view: State) -> bool:
    """One antigen, two cell products by plan ("CAR-NK then CAR-T")."""
    titles = _title_text(view)
    carriers = set(re.findall(r"car-?(t|nk|dc|m|nkt)\b", titles))
    return len(carriers) > 1 and re.search(r"sequential|followed by|then|combin", titles) is not None
