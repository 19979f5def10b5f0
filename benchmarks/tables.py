"""Write the tables of measured accuracy and speed into README.md, from benchmarks/results.

python benchmarks/tables.py
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path("benchmarks/results")
SETS = {"gold dev": "written trials", "registry dev": "registry trials"}
"""Set in accuracy.json -> heading of its column; both are the halves that rules may be written on."""
ROWS = {
    "screening: recall": "screening.recall",
    "screening: precision": "screening.precision",
    "targets: exact set": "targets.exact",
    "targets, trials with several: exact set": "targets.exact_multi",
    "constructs and formats: exact set": "constructs.exact",
    "costimulation: exact set": "costim.exact",
    "vector: exact set": "vector.exact",
    "cell source: exact set": "cell_source.exact",
    "cell type: exact set": "cell_type.exact",
    "disease group: exact set": "disease_group.exact",
    "purpose": "focus.accuracy",
}
"""What the table calls a score -> its name in accuracy.json."""


def accuracy(root: Path = ROOT) -> str:
    """The table of the last release in accuracy.json."""
    latest = json.loads((root / RESULTS / "accuracy.json").read_text("utf-8"))[-1]
    shown = [name for name in SETS if name in latest["sets"]]
    lines = [
        f"Version {latest['version']}, {latest['date']}, development halves:",
        "",
        f"| | {' | '.join(SETS[name] for name in shown)} |",
        f"|---|{'---:|' * len(shown)}",
    ]
    for title, score in ROWS.items():
        cells = [_percent(latest["sets"][name]["scores"].get(score)) for name in shown]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def speed(root: Path = ROOT) -> str:
    """The table of speed.json, or a sentence where nothing is measured yet."""
    path = root / RESULTS / "speed.json"
    if not path.exists():
        return "Speed is measured by `make bench`."
    measured = json.loads(path.read_text("utf-8"))
    cpu, cores, python = (measured["machine"][key] for key in ("cpu", "cores", "python"))
    lines = [
        f"On {cpu or 'an unnamed processor'}, {cores} cores, Python {python}:",
        "",
        "| | measured |",
        "|---|---:|",
    ]
    lines += [f"| {row['what']} | {row['figure']:g} {row['unit']} |" for row in measured["figures"]]
    return "\n".join(lines)


BLOCKS: dict[str, Callable[..., str]] = {"accuracy": accuracy, "speed": speed}


def filled(text: str, root: Path = ROOT) -> str:
    """The text with each marked block written anew."""
    for name, render in BLOCKS.items():
        block = re.compile(rf"(<!-- {name}:[^\n]*-->\n).*?(<!-- /{name} -->)", re.DOTALL)
        body = f"{render(root)}\n"

        def put(found: re.Match[str], body: str = body) -> str:
            return found[1] + body + found[2]

        text, count = block.subn(put, text)
        if count != 1:
            raise SystemExit(f"README.md: {count} blocks marked <!-- {name}: … -->, there should be one")
    return text


def main() -> None:
    """Rewrite README.md in place."""
    path = ROOT / "README.md"
    path.write_text(filled(path.read_text("utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
