"""Records to score: tagged from the gold's own text, or read from a file that `cart-nlp tag` wrote."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cart_nlp.evaluation.gold import GoldError, GoldRecord, open_text
from cart_nlp.schema import Record


def tag_gold(records: Iterable[GoldRecord], nlp: Any = None) -> dict[str, Record]:
    """Tag the text of gold records with the shipped pipeline, or the given one; id -> record."""
    from cart_nlp import load
    from cart_nlp.pipeline import tag_trial

    nlp = nlp or load()
    return {gold.id: tag_trial(nlp, gold.trial) for gold in records}


def read_records(path: Path) -> dict[str, Record]:
    """Read records from JSON lines, plain or gzipped; raises GoldError with one line a fault."""
    from pydantic import ValidationError

    if not path.is_file():
        raise GoldError(
            [f"{path}: no such file; give --records FILE as `cart-nlp tag -o FILE.jsonl` writes it"]
        )
    if not path.name.removesuffix(".gz").endswith((".jsonl", ".ndjson")):
        raise GoldError(
            [f"{path.name}: scoring reads JSON lines; write them with `cart-nlp tag … -o FILE.jsonl`"]
        )
    found: dict[str, Record] = {}
    faults: list[str] = []
    try:
        for number, line in open_text(path):
            where = f"{path.name}:{number}"
            try:
                record = Record.model_validate_json(line)
            except ValidationError as error:
                first = error.errors()[0]
                place = ".".join(map(str, first["loc"])) or "line"
                faults.append(f"{where}: {place}: {first['msg']}; give records of `cart-nlp tag`")
                continue
            if record.trial_id in found:
                faults.append(f"{where}: duplicate trial_id {record.trial_id!r}; keep one record a trial")
            found[record.trial_id] = record
    except (UnicodeDecodeError, OSError, EOFError) as error:
        faults.append(f"{path.name}: cannot be read: {error}; give UTF-8 JSON lines, plain or .gz")
    if faults:
        raise GoldError(faults)
    return found
