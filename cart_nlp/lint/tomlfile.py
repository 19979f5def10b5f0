"""A TOML file of the lexicons, or the one fault that keeps it from being read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from cart_nlp import shallow
from cart_nlp.lint.faults import Fault


def read(path: Path) -> tuple[str, dict[str, Any]] | Fault:
    """The text of a file and what it holds; a Fault with its line if it is no UTF-8 or no TOML."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as fault:
        line = path.read_bytes().count(b"\n", 0, fault.start) + 1
        return Fault(path, line, "not UTF-8; save the file as UTF-8")
    try:
        return text, shallow.toml_of(text)
    except shallow.TooDeep as fault:
        return Fault(path, 1, f"not TOML: {fault}")
    except ValueError as fault:
        told = re.search(r"at line (\d+)", str(fault))
        return Fault(path, int(told[1]) if told else text.count("\n") + 1, f"not TOML: {fault}")
