"""Files of JSON lines, as doccano and Prodigy exchange them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cart_nlp import outputs
from cart_nlp.shallow import json_of


def write(rows: Iterable[dict[str, Any]], path: Path) -> int:
    """Write one object a line; returns how many."""
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    outputs.write(path, "".join(lines))
    return len(lines)


def read(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, object) of every line that is not blank."""
    with path.open(encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    row = json_of(line)
                except ValueError as error:
                    raise ValueError(f"line {number} is not JSON: {error}") from None
                yield f"{path.name}:{number}", row
