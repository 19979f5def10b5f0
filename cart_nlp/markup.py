"""A record as HTML for a notebook. Registry text is untrusted: all of it is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from cart_nlp.text import construct_text


def record_html(record: Mapping[str, Any], fields: Iterable[str]) -> str:
    """A small table: the title, the verdict, and each field with its values and the words behind them."""
    url = record["url"]
    name = escape(record["trial_id"])
    if url.startswith(("https://", "http://")):
        name = f'<a href="{escape(url)}" rel="noopener">{name}</a>'
    verdict = f"{record['car_trial']} (score {record['car_score']:.2f})"
    rows = [_row("car_trial", escape(verdict))]
    for field in fields:
        found = record[field]
        values = found if isinstance(found, list) else [found] if found else []
        if values:
            rows.append(_row(field, "<br>".join(_value(record, field, str(value)) for value in values)))
    if record["constructs"]:
        said = "; ".join(construct_text(c["targets"], c["format"]) for c in record["constructs"])
        rows.append(_row("constructs", escape(said)))
    title = f"{name} {escape(record['title'])}"
    return f'<table><caption style="text-align:left">{title}</caption>{"".join(rows)}</table>'


def _row(field: str, cell: str) -> str:
    return f'<tr><th style="text-align:left">{field}</th><td style="text-align:left">{cell}</td></tr>'


def _value(record: Mapping[str, Any], field: str, value: str) -> str:
    """A value, and the first words that it was read from, or what else it rests on."""
    for entry in record["evidence"]:
        if (entry["field"], entry["value"]) == (field, value):
            quoted = f"“{entry['text']}”" if entry["text"] else ""
            why = f"{quoted} {entry['section'] if entry['basis'] == 'text' else entry['basis']}".strip()
            return f'{escape(value)} <small style="opacity:.7">{escape(why)}</small>'
    return escape(value)
