"""Write docs/reference/licenses.md: the licence of every pinned package, as its own metadata states it."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "licenses.md"
DEVELOPMENT = ("dev", "docs", "fuzz")
HEAD = """# Licences of what is installed

The packages of `constraints.txt`, their releases tested together, and the licence that each states in its own
metadata. *Needed by* tells who brings a package: every installation, an extra (such as
`pip install 'cart-nlp[tables]'`), or the work on the code alone. cart-nlp contains none of them; it imports
them. `python .ci/licenses.py` writes this page. Advisories: see the
[audit](dependency-audit.md).

| package | release | licence | needed by |
|---|---|---|---|
"""


def pins() -> dict[str, str]:
    """Package -> release of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def licence(found: Distribution) -> str:
    """The licence that a package states: an expression, short words, its classifiers, or a file."""
    about = found.metadata
    words = (about.get("License") or "").strip()
    classes = [
        each.rpartition(" :: ")[2] for each in about.get_all("Classifier") or [] if "License ::" in each
    ]
    if stated := about.get("License-Expression"):
        return str(stated)
    if (
        words
        and len(words) < 60
        and "\n" not in words
        and words != "UNKNOWN"
        and not words.startswith(("=", "Copy"))
    ):
        return words
    if classes:
        return " or ".join(classes)
    for file in found.files or []:
        if re.search(r"licen[cs]e|copying", file.name, re.I) and file.suffix in ("", ".txt", ".md"):
            lines = [line.strip(" #*") for line in file.read_text("utf-8").splitlines()]
            return next((line for line in lines if line), "not stated")
    return "not stated"


def users() -> dict[str, str]:
    """Package -> what brings it: all installations, extras by name, or development."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    groups = {"every installation": project["dependencies"], **project["optional-dependencies"]}
    brought = {name: _closure(wanted) for name, wanted in groups.items() if name != "fuzz"}
    found = {}
    for package in map(canonicalize_name, pins()):
        names = [name for name, packages in brought.items() if package in packages]
        extras = [name for name in names if name not in DEVELOPMENT and name != "all"]
        found[package] = (
            "every installation" if "every installation" in extras else ", ".join(extras) or "development"
        )
    return found


def _closure(wanted: list[str]) -> set[str]:
    waiting = [Requirement(each) for each in wanted]
    waiting = [each for each in waiting if each.marker is None or each.marker.evaluate({"extra": ""})]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        asked = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if asked in seen:
            continue
        seen.add(asked)
        for each in map(Requirement, distribution(requirement.name).requires or []):
            if each.marker is None or any(
                each.marker.evaluate({"extra": x}) for x in {"", *requirement.extras}
            ):
                waiting.append(each)
    return {name for name, _ in seen}


def page() -> str:
    """The page, from what is installed here."""
    brought = users()
    rows = [
        f"| {name} | {release} | {licence(distribution(name))} | {brought[canonicalize_name(name)]} |\n"
        for name, release in pins().items()
    ]
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
