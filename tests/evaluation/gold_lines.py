"""Gold lines made up for tests, by hand and by hypothesis."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

from hypothesis import strategies as st

from cart_nlp.evaluation.labels import CLOSED, LIST_FIELDS, MENTION_LABELS, ROLES
from cart_nlp.evaluation.sections import sections_of
from cart_nlp.schema import Format


def labels(**changed: Any) -> dict[str, Any]:
    """Complete labels of a single-target product, with changes."""
    made: dict[str, Any] = {
        "car_trial": "product",
        "targets": ["CD19"],
        "product_targets": [],
        "constructs": [{"targets": ["CD19"], "format": "single"}],
        **{name: [] for name in LIST_FIELDS if name != "targets"},
        "cell_type": ["T"],
        "focus": "treatment",
        "target_evidence": ["CD19 CAR-T"],
        "uncertain": [],
        "note": "",
    }
    return {**made, **changed}


def line(
    identifier: str = "NCT00000001", title: str = "CD19 CAR-T in B-ALL", **changed: Any
) -> dict[str, Any]:
    """A gold line with one mention in its title; `changed` goes to the labels."""
    at = title.find("CD19")
    mention = {
        "section": "brief_title",
        "start": at,
        "end": at + 4,
        "text": "CD19",
        "label": "antigen",
        "concept": "CD19",
        "role": "target",
    }
    return {
        "id": identifier,
        "source": "made for a test",
        "trial": {"id": identifier, "brief_title": title, "start_date": "2021-03"},
        "labels": labels(**changed),
        "mentions": [mention] if at >= 0 else [],
        "split": "dev",
    }


def save(path: Path, lines: list[dict[str, Any]]) -> Path:
    """Write gold lines to a file and return it."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in lines), "utf-8")
    return path


# Names as they may stand in a gold set, with what breaks separators; no surrogates, which are no text.
names = st.text(st.sampled_from("CDxaβ1942+/%;=()._- 靶😀\"'<&"), min_size=1, max_size=8).filter(
    lambda name: name == name.strip()
)
texts = st.text(
    st.one_of(st.sampled_from("CD19 -/+\n\t\r.靶😀é<>&\u2028"), st.characters(exclude_categories=["Cs"])),
    max_size=40,
)


@st.composite
def gold_lines(draw: Any) -> dict[str, Any]:
    """A gold line with text, labels and mentions, nested and overlapping ones too."""
    trial: dict[str, Any] = {"id": "NCT01234567", "brief_title": draw(texts) + "CAR"}
    if draw(st.booleans()):
        trial["brief_summary"] = draw(texts)
        trial["conditions"] = draw(st.lists(texts, max_size=2))
        trial["arms"] = [{"label": draw(texts), "description": draw(texts)}]
    made = labels(
        car_trial=draw(st.sampled_from(CLOSED["car_trial"])),
        focus=draw(st.sampled_from([*CLOSED["focus"], None])),
        note=draw(texts),
        target_evidence=draw(st.lists(names, max_size=2)),
        uncertain=draw(st.lists(st.sampled_from(LIST_FIELDS), unique=True, max_size=2)),
        product_targets=draw(st.lists(names, unique=True, max_size=2)),
        constructs=draw(_constructs),
    )
    for name in LIST_FIELDS:
        values = st.sampled_from(CLOSED[name]) if name in CLOSED else names
        made[name] = draw(st.lists(values, unique=True, max_size=3))
    found: dict[str, Any] = {"id": trial["id"], "source": "made", "trial": trial, "labels": made}
    if draw(st.booleans()):
        found["mentions"] = draw(_mentions(sections_of(trial)))
    if draw(st.booleans()):
        found["split"] = draw(st.sampled_from(["dev", "test"]))
    return found


_constructs = st.lists(
    st.fixed_dictionaries(
        {
            "targets": st.lists(names, unique=True, max_size=3),
            "format": st.sampled_from(get_args(Format)),
        }
    ),
    unique_by=lambda c: (frozenset(c["targets"]), c["format"]),
    max_size=3,
)


@st.composite
def _mentions(draw: Any, sections: dict[str, str]) -> list[dict[str, Any]]:
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for _ in range(draw(st.integers(0, 4)) if sections else 0):
        key = draw(st.sampled_from(sorted(sections)))
        text = sections[key]
        # No tool marks a span that starts or ends with white space.
        edges = [i for i, c in enumerate(text) if c.isprintable() and not c.isspace()]
        if not edges:
            continue
        start, last = sorted((draw(st.sampled_from(edges)), draw(st.sampled_from(edges))))
        end = last + 1
        row = {
            "section": key,
            "start": start,
            "end": end,
            "text": text[start:end],
            "label": draw(st.sampled_from(MENTION_LABELS)),
            "concept": draw(names),
            "role": draw(st.sampled_from(["", *ROLES])),
        }
        if draw(st.booleans()):
            row["score"] = draw(st.sampled_from([0.5, 1.0]))
        found[tuple(row[k] for k in ("section", "start", "end", "label", "concept", "role"))] = row
    return sorted(
        found.values(), key=lambda r: (r["section"], r["start"], r["end"], sorted(map(repr, r.items())))
    )
