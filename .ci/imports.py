"""Draw which part of the package imports which, as docs/assets/imports.svg; exit 1 where there is a cycle.

Parts stand in the rows of import-linter's layers. An arrow that follows from others is left out: a part that
imports one which imports a third may import the third as well. Imports within functions count.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from xml.sax.saxutils import escape

import grimp

ROOT = Path(__file__).resolve().parents[1]
DRAWING = ROOT / "docs" / "assets" / "imports.svg"
WIDTH, ROW, HIGH, PER_SIGN = 1000, 62, 26, 8

Graph = dict[str, set[str]]


def layers() -> list[list[str]]:
    """The parts of each layer, from the top."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    rows = next(each["layers"] for each in contracts if each["type"] == "layers")
    return [[part.strip() for part in row.replace(":", "|").split("|")] for row in rows]


def imports() -> Graph:
    """Part -> the parts that its modules import."""
    graph = grimp.build_graph("cart_nlp", exclude_type_checking_imports=True, cache_dir=None)
    found: Graph = {part: set() for row in layers() for part in row}
    for module in graph.modules - {"cart_nlp"}:
        for other in graph.find_modules_directly_imported_by(module) - {"cart_nlp"}:
            part, below = module.split(".")[1], other.split(".")[1]
            if part != below:
                found[part].add(below)
    return found


def reached(graph: Graph, part: str) -> set[str]:
    """All that a part imports, by way of others too."""
    seen: set[str] = set()
    waiting = [part]
    while waiting:
        for below in graph[waiting.pop()] - seen:
            seen.add(below)
            waiting.append(below)
    return seen


def cycles(graph: Graph) -> list[str]:
    """Parts that import themselves by way of others."""
    return sorted(part for part in graph if part in reached(graph, part))


def direct(graph: Graph) -> Graph:
    """The imports that do not follow from others."""
    return {
        part: below - set().union(*(reached(graph, other) for other in below))
        for part, below in graph.items()
    }


def drawing(graph: Graph) -> str:
    """The drawing as SVG."""
    places: dict[str, tuple[float, float, float]] = {}
    boxes = []
    for number, row in enumerate(layers()):
        sizes = [len(part) * PER_SIGN + 16 for part in row]
        gap = (WIDTH - sum(sizes)) / (len(row) + 1)
        at = gap
        for part, wide in zip(row, sizes, strict=True):
            top = 10 + number * ROW
            places[part] = (at + wide / 2, top, top + HIGH)
            boxes.append(
                f'<rect x="{at:.0f}" y="{top}" width="{wide}" height="{HIGH}" rx="4"/>'
                f'<text x="{at + wide / 2:.0f}" y="{top + 17}">{escape(part)}</text>'
            )
            at += wide + gap
    arrows = []
    for part, below in sorted(direct(graph).items()):
        for other in sorted(below):
            (x, _, bottom), (to, top, _) = places[part], places[other]
            arrows.append(
                f'<path d="M{x:.0f} {bottom} L{to:.0f} {top - 4:.0f}"><title>{part} → {other}</title></path>'
            )
    tall = 10 + len(layers()) * ROW
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {tall}" role="img"'
            ' aria-label="Which part of the package imports which: all arrows point down">',
            "<style>rect{fill:#fff;stroke:#334}text{font:13px monospace;text-anchor:middle;fill:#112}"
            "path{stroke:#667;fill:none;marker-end:url(#tip)}</style>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7"'
            ' orient="auto"><path d="M0 0 L8 4 L0 8 z" style="fill:#667;stroke:none;marker-end:none"/>'
            "</marker></defs>",
            f'<rect width="{WIDTH}" height="{tall}" style="stroke:none"/>',
            *arrows,
            *boxes,
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    found = imports()
    for part in cycles(found):
        print(f"{part}: imports itself by way of others")
    DRAWING.write_text(drawing(found), "utf-8")
    sys.exit(bool(cycles(found)))
