"""Functions more complex than their place allows, one a line; exit 1 if there are any.

Radon counts the ways through a function. 20 (grade C) is the bound anywhere, 15 where it is decided what a
text says.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from radon.complexity import cc_visit

PACKAGE = Path(__file__).resolve().parents[1] / "cart_nlp"
ANYWHERE, DECIDING = 20, 15
DECIDES = ("components", "signals", "scoring")


def faults() -> Iterator[str]:
    """One line for each function past its bound."""
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE)
        bound = DECIDING if place.parts[0] in DECIDES else ANYWHERE
        for block in cc_visit(path.read_text("utf-8")):
            for each in (block, *getattr(block, "closures", ()), *getattr(block, "methods", ())):
                if each.complexity > bound and not hasattr(each, "methods"):
                    yield f"cart_nlp/{place}:{each.lineno}: {each.fullname}: {each.complexity}, past {bound}"


if __name__ == "__main__":
    found = sorted(faults())
    print("\n".join(found))
    sys.exit(bool(found))
