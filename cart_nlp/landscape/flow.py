"""The screening flow after PRISMA 2020: how many records came in, fell out on the way and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cart_nlp.landscape.cohort import Cohort
from cart_nlp.landscape.growth import later
from cart_nlp.landscape.table import Cell, Table, count
from cart_nlp.landscape.unwritten import TEXT_SCREEN

SECTION = "Screening"
GIVE = "give or study a CAR product"
UNREADABLE = {"rejected": "could not be read (rejected)"}
BEFORE = {"screened": "no word of CAR cells in the text", "screened_out": "screened out"}
AFTER = {"below": "tagged: no CAR study", "merged": "further registrations of a trial, merged"}
"""Counts of a run file: what fell out before and after the choice of candidates."""
DECIDED = {"mention": "tagged: CAR cells mentioned, not studied", "no": AFTER["below"]}
"""The same by verdict, where the run lists what it tagged and did not write."""
OF_A_STORE = {"new", "changed", "unchanged", "vanished", "dropped", "retagged", "stored"}
"""Counts of a run file that tell what became of a store; no trial falls out by them."""
AFTER_END = "registered after the end of the data: in no count by registration"
STUDY_DECISION, ANALYSIS = "study decision", "analysis"
IDENTIFIED, SCREENED, INCLUDED = "identification", "screening", "included"


def table(cohort: Cohort, run: Mapping[str, Any]) -> Table:
    """Steps of the flow in order; `kind` is in, out, kept or part, `stage` as PRISMA 2020 has it.

    Without a run file it starts with the records.
    """
    counts = {k: v for k, v in dict(run.get("counts") or {}).items() if isinstance(v, int)}
    note = (
        f"Counts of the tagging run, then of this analysis; excluded records are listed in the appendix. "
        f"{_listing(cohort, counts)}".strip()
        if counts
        else "There is no run file beside the records: what was read and screened out before is unknown."
    )
    flow = Table("flow", "Screening flow", ("step", "stage", "kind", "records"), note=note, section=SECTION)
    flow.note = f"{search(cohort, run)} {flow.note}".strip()
    if counts:
        _run(flow, counts, cohort)
        flow.note += _held(counts, len(cohort.read))
    flow.add("records analyzed", SCREENED, "kept" if counts else "in", count(cohort.read))
    for reason, ids in cohort.left_out.items():
        flow.add(reason, _stage(reason), "out", count(ids))
    flow.add("trials included", INCLUDED, "kept", count(cohort.pick()))
    kinds = cohort.by("car_trial")
    for kind, name in (("product", GIVE), ("related", "about recipients of CAR cells")):
        flow.add(name, INCLUDED, "part", count(kinds.get(kind, ())))
    if after := later(cohort, "registration"):
        flow.add(AFTER_END, INCLUDED, "part", count(after))
    return flow


def _held(counts: Mapping[str, int], held: int) -> str:
    """Where the records are not those that the run wrote: what else they are."""
    written = counts.get("written")
    stored = counts.get("stored", written)
    if stored not in (None, held):
        return f" The run wrote {stored} records, the file holds {held}: it was changed since, or cut."
    if stored == written:
        return ""
    return (
        f" Of these {held} records the store has {held - (written or 0)} from earlier runs: this one did not "
        "see them, because not all that it read could be used."
    )


def _stage(reason: str) -> str:
    return IDENTIFIED if reason.startswith("duplicate") else SCREENED


def search(cohort: Cohort, run: Mapping[str, Any]) -> str:
    """The search that the records come from: told by the user, or by the provenance of the fetch."""
    inputs = [one for one in run.get("inputs") or [] if isinstance(one, dict)]
    fetched = [one["search"] for one in inputs if isinstance(one.get("search"), dict)]
    text = cohort.options.search_text or "; ".join(dict.fromkeys(map(_asked, fetched)))
    date = cohort.options.search_date or "; ".join(sorted({str(s.get("date", "")) for s in fetched}))
    if not text and not date:
        return "The search behind the records is not told (--search-text, --search-date)."
    told = f"Search: {text or 'text not told'}; date of the search: {date or 'not told'}."
    if 0 < len(fetched) < len(inputs) and not cohort.options.search_text:
        told += f" Of {len(inputs) - len(fetched)} of the {len(inputs)} inputs the search is not known."
    return told


def _asked(search: Mapping[str, Any]) -> str:
    """The words of a search that `cart-nlp fetch` noted, and what it was confined to."""
    limits = (
        str(search["source"]) if search.get("source") else "",
        f"changed since {search['since']}" if search.get("since") else "",
        f"the first {search['limit']} only" if search.get("limit") else "",
    )
    confined = ", ".join(part for part in limits if part)
    return f"“{search.get('query', '')}”" + (f" ({confined})" if confined else "")


def _listing(cohort: Cohort, counts: Mapping[str, int]) -> str:
    """What of the tagging run's exclusions is not in the list, and how to have it there."""
    listed = len(_steps(cohort).get(TEXT_SCREEN, ()))
    told = [cohort.unwritten.note]
    if counts.get("below") and not cohort.unwritten.trials and not cohort.unwritten.note:
        told.append("The run kept no list of what it tagged and left out: tag again with this version.")
    if counts.get("screened") and not listed:
        told.append("What the text screen let go is only counted; tag with --screened FILE to list it, too.")
    return " ".join(filter(None, told))


def _steps(cohort: Cohort) -> dict[str, tuple[str, ...]]:
    """Ids of what the tagging run did not write: of the text screen, and by verdict of what was tagged."""
    found: dict[str, list[str]] = {}
    for one in cohort.unwritten.trials:
        found.setdefault(one.step if one.step == TEXT_SCREEN else one.car_trial, []).append(one.trial_id)
    return {step: tuple(ids) for step, ids in found.items()}


def _counted(number: int, ids: tuple[str, ...]) -> Cell:
    """A count of the run, with its trials where all of them are listed."""
    return Cell(number, ids if len(ids) == number else None)


def _run(flow: Table, counts: Mapping[str, int], cohort: Cohort) -> None:
    listed = _steps(cohort)
    flow.add("records read from the dump", IDENTIFIED, "in", counts.get("read"))
    gone = 0
    for labels in (UNREADABLE, BEFORE):
        for key, text in labels.items():
            if key in counts:
                stage = IDENTIFIED if labels is UNREADABLE else SCREENED
                ids = listed.get(TEXT_SCREEN, ()) if key == "screened" else ()
                flow.add(text, stage, "out", _counted(counts[key], ids))
                gone += counts[key]
    if "read" in counts and set(BEFORE) & set(counts):
        flow.add("candidates", SCREENED, "kept", counts["read"] - gone)
    decided = {level: listed[level] for level in DECIDED if level in listed}
    for key, text in AFTER.items():
        if key == "below" and sum(map(len, decided.values())) == counts.get(key):
            for level, ids in decided.items():
                flow.add(DECIDED[level], SCREENED, "out", count(ids))
        elif key in counts:
            flow.add(text, SCREENED, "out", counts[key])
    known = {"read", "written", *UNREADABLE, *BEFORE, *AFTER, *OF_A_STORE}
    for key in sorted(set(counts) - known):
        flow.add(f"{key.replace('_', ' ')} (as the run names it)", SCREENED, "out", counts[key])


def duplicates(cohort: Cohort) -> Table:
    """Dropped records with the one that stays."""
    note = (
        "Records that have or name the registration number of another; two registrations in one registry "
        "stay two trials, whatever number they share."
    )
    found = Table("duplicates", "Duplicates", ("dropped", "kept", "reason"), note=note, section="Appendix")
    for dropped, kept, reason in cohort.duplicates:
        found.add(dropped, Cell(kept, (kept,)), reason)
    return found


def excluded(cohort: Cohort) -> Table:
    """Every record that was read and is not included, with its reason."""
    note = (
        "What is not included, with the stage of PRISMA 2020 and the step that left it out: the tagging "
        "run's text screen (no word of CAR cells) and study decision, then this analysis. "
        f"{cohort.unwritten.note}"
    ).strip()
    found = Table(
        "excluded",
        "Excluded records",
        ("trial", "title", "registry", "stage", "step", "reason"),
        note=note,
        section="Appendix",
    )
    first = cohort.everyone.drop_duplicates("trial_id").set_index("trial_id")
    for step in (TEXT_SCREEN, STUDY_DECISION):
        for one in cohort.unwritten.trials:
            if (one.step == TEXT_SCREEN) == (step == TEXT_SCREEN):
                cell = Cell(one.trial_id, (one.trial_id,))
                found.add(cell, one.title, one.registry, SCREENED, step, one.reason)
    for reason, ids in cohort.left_out.items():
        stage = _stage(reason)
        for i in ids:
            title, registry = str(first.at[i, "title"]), str(first.at[i, "registry"])
            found.add(Cell(i, (i,)), title, registry, stage, ANALYSIS, reason)
    return found
