"""Gold files to a tool's format and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from cart_nlp import outputs
from cart_nlp.curation.decisions import text_sha256
from cart_nlp.evaluation.exchange import brat, docbin, doccano, label_studio, prodigy
from cart_nlp.evaluation.exchange.consistency import inconsistent, taken_out
from cart_nlp.evaluation.exchange.tasks import task_of
from cart_nlp.evaluation.gold import GoldError
from cart_nlp.evaluation.labels import LIST_FIELDS, OPTIONAL_FIELDS, ROLES, label_faults, read_mentions
from cart_nlp.evaluation.matching import predicted_constructs, product_only
from cart_nlp.evaluation.sections import trial_of
from cart_nlp.schema import Mention, Record, Trial
from cart_nlp.shallow import json_of

FORMATS: dict[str, ModuleType] = {
    "label-studio": label_studio,
    "doccano": doccano,
    "prodigy": prodigy,
    "brat": brat,
    "docbin": docbin,
}
"""Name -> module with `SUFFIX`, `write(tasks, path)`, `read(path)` and `from_json(row)`.

`read` gives None in place of a task that its annotator skipped or rejected. A module whose tasks may hold
several annotations has `taken(row)` as well: whose of them counts.
"""
SHOWN = 5
"""Tasks with several annotations that are told by their ids."""


LABELED = (*LIST_FIELDS, *OPTIONAL_FIELDS, "focus")
"""Fields whose values may be known of a product."""


def named(name: str) -> ModuleType:
    """The module of a format; raises GoldError for an unknown one."""
    if name not in FORMATS:
        raise GoldError([f"no format {name!r}; there are {', '.join(FORMATS)}"])
    return FORMATS[name]


def export(lines: Iterable[Mapping[str, Any]], name: str, path: Path) -> int:
    """Write gold lines as tasks of a tool; returns how many."""
    form = named(name)
    count: int = form.write([task_of(line) for line in lines], path)
    return count


def imported(name: str, path: Path) -> list[dict[str, Any]]:
    """The gold lines that a tool gives back, in the order of the file; raises GoldError with every fault."""
    return [after for _, after in pairs(name, path)]


def pairs(
    name: str, path: Path, note: Callable[[str], None] = lambda line: None
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The gold lines as they were exported, each with what the tool gives back of it.

    What annotators skipped or rejected is left out, and of several annotations of a task the newest is taken;
    `note` hears of each, in one line, in how many tasks. Raises GoldError with every fault, and where nothing
    is left.
    """
    form = named(name)
    if not path.exists():
        raise GoldError([f"{path}: no such file; give what {name} exported"])
    found: list[tuple[dict[str, Any], dict[str, Any]]] = []
    faults: list[str] = []
    seen: dict[str, str] = {}
    several: list[str] = []
    skipped = 0
    try:
        for place, row in form.read(path):
            if row is None:
                skipped += 1
                continue
            try:
                before = exported(row)
                line = taken_out(form.from_json(row), before)
                wrong = line_faults(line) or ([] if line == before else inconsistent(line, before))
            except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
                faults.append(f"{place}: {_what(error, name)}")
                continue
            faults += [f"{place}: {line['id']}: {fault}" for fault in wrong]
            if line["id"] in seen:
                faults.append(f"{place}: duplicate id {line['id']!r}, first at {seen[line['id']]}; keep one")
            seen[line["id"]] = place
            several += _several(form, row, line["id"])
            found.append((before, line))
    except (ValueError, KeyError, OSError, RecursionError) as error:
        faults.append(f"{path.name}: cannot be read as {name}: {error}")
    except (TypeError, IndexError, AttributeError, AssertionError, OverflowError) as error:
        faults.append(f"{path.name}: cannot be read as {name}: damaged ({error}); export it again")
    if not found and not faults:
        what = f"no task in it but {skipped:,} skipped or rejected" if skipped else "no task in it"
        faults.append(f"{path.name}: {what}; give what {name} exported")
    if faults:
        raise GoldError(faults)
    if skipped:
        note(f"{skipped:,} of {skipped + len(found):,} tasks were skipped or rejected, and are left out")
    if several:
        more = f" and {len(several) - SHOWN:,} more" if len(several) > SHOWN else ""
        what = (
            f"{len(several):,} of {len(found):,} tasks have several annotations, and only the newest is taken"
        )
        note(f"{what}: {', '.join(several[:SHOWN])}{more}")
    return found


def _several(form: ModuleType, row: Mapping[str, Any], trial: str) -> list[str]:
    """The id of a task with several annotations, with whose counts; nothing for another one."""
    who = form.taken(row) if hasattr(form, "taken") else ""
    return [f"{trial} ({who})"] if who else []


def _what(error: Exception, name: str) -> str:
    """What is wrong with a task, for someone who does not know this code."""
    if isinstance(error, KeyError):
        return f"has no {error}; export it from {name} again"
    if isinstance(error, ValueError):
        return str(error)
    return f"a value of another type than {name} exports ({error}); export it again"


def exported(row: Mapping[str, Any]) -> dict[str, Any]:
    """The gold line that travelled with a task, as it was exported."""
    if "doc" in row:
        gold: Any = row["doc"].user_data["gold"]
    else:
        gold = row["data"]["gold"] if "data" in row else row["gold"]
    found: dict[str, Any] = json_of(gold) if isinstance(gold, str) else dict(gold)
    return found


def line_faults(line: Mapping[str, Any]) -> list[str]:
    """Faults of one gold line's labels and mentions."""
    trial = trial_of({**line["trial"], "id": line["id"]})
    return [*label_faults(line["labels"]), *read_mentions(line.get("mentions") or [], trial)[1]]


def save(lines: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Write gold lines as JSON lines."""
    outputs.write(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def preannotated(
    trial: Trial, record: Record, mentions: Iterable[Mention], rank: int | None = None
) -> dict[str, Any]:
    """A gold line to correct: the trial with the tool's own record as labels and its mentions.

    Labels are what the text states: values that are only known of a product stand in `product_targets` and
    `product_knowledge`. `rank` is the trial's place in a queue.
    """
    known = product_only(record)
    labels: dict[str, Any] = {"car_trial": record.car_trial}
    for name in (*LIST_FIELDS, *OPTIONAL_FIELDS):
        labels[name] = [v for v in getattr(record, name) if str(v) not in known.get(name, ())]
    labels["product_targets"] = sorted(known.get("targets", ()))
    labels["constructs"] = [
        {"targets": sorted(targets), "format": form}
        for targets, form in sorted(predicted_constructs(record, known), key=lambda c: (sorted(c[0]), c[1]))
    ]
    labels |= {"focus": record.focus, "uncertain": [], "note": ""}
    kept = ("section", "start", "end", "text", "label", "concept")
    extra: dict[str, Any] = {"rank": rank} if rank is not None else {}
    if rest := {name: sorted(values) for name, values in sorted(known.items()) if name in LABELED}:
        extra["product_knowledge"] = rest
    return {
        "id": trial.id,
        "source": "tagged by cart-nlp, to be corrected",
        "text_sha256": text_sha256(trial.sections),
        **extra,
        "trial": trial_data(trial),
        "labels": labels,
        "mentions": [
            # A role that only the tool knows, such as `unclear`, is for the annotator to choose.
            {**{key: getattr(m, key) for key in kept}, "role": m.role if m.role in ROLES else ""}
            for m in mentions
        ],
    }


def trial_data(trial: Trial) -> dict[str, Any]:
    """A trial as the `trial` object of a gold line: the inverse of sections.sections_of."""
    data: dict[str, Any] = {"id": trial.id, "registry": trial.registry}
    for key, text in trial.sections.items():
        name, index, rest = _split(key)
        if index is None:
            data[name] = text
            continue
        items = data.setdefault(name, [])
        # An empty item of the registry has no section; it keeps its place, and so do those behind it.
        if not rest:
            _put(items, index, text)
            continue
        while len(items) <= index:
            items.append({})
        part, inner, _ = _split(rest)
        if inner is None:
            items[index][part] = text
        else:
            _put(items[index].setdefault(part, []), inner, text)
    return data


def _put(texts: list[str], index: int, text: str) -> None:
    texts.extend([""] * (index + 1 - len(texts)))
    texts[index] = text


def _split(key: str) -> tuple[str, int | None, str]:
    name, bracket, tail = key.partition("[")
    if not bracket:
        return name, None, ""
    number, _, rest = tail.partition("]")
    return name, int(number), rest.lstrip(".")
