"""Write the tables of what was measured into README.md and docs/evaluation.md, from benchmarks/results.

python benchmarks/tables.py
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path("benchmarks/results")
CARD = Path("models/cart_base/card.json")
FIELDS = {
    "costim": "costimulation", "generation": "generation", "vector": "vector", "cell_source": "cell source",
    "cell_type": "cell type", "edits": "edits (rules: not cross-validated)", "armoring": "armoring",
    "safety_switch": "safety switch", "products": "products",
}  # fmt: skip
"""Field -> what the table calls it."""
WRITTEN = {
    "screening: recall": "screening.recall", "screening: precision": "screening.precision",
    "targets: exact set": "targets.exact", "targets, trials with several: exact set": "targets.exact_multi",
    "constructs, trials with several targets: exact set": "constructs.exact_multi",
}  # fmt: skip
"""Row of the table -> the rate of a run of `evaluate`."""


def accuracy(root: Path = ROOT) -> str:
    """What cross-validation, first looks at blind labels and the written test half gave."""
    folds = json.loads((root / CARD).read_text("utf-8"))["cross_validation"]
    looks = json.loads((root / RESULTS / "first-looks.json").read_text("utf-8"))["looks"]
    looked: dict[str, list[int]] = {}
    for look in looks:
        for name, (right, whole) in look["counts"].items():
            total = looked.setdefault(name, [0, 0])
            total[0] += right
            total[1] += whole
    written = json.loads((root / RESULTS / "accuracy.json").read_text("utf-8"))[-1]["sets"]["written test"]
    now = {name: f"{100 * rate:.1f} %" for name, rate in written["scores"].items()}
    whole_way = json.loads((root / RESULTS / "review.json").read_text("utf-8"))["end_to_end"]
    study, targets = folds["car_trial"], folds["targets"]
    rows = {
        "screening: recall": study["recall"],
        "screening: precision": study["precision"],
        "targets: exact set": targets["exact"],
        "targets, trials with several: exact set": targets["several"],
        "targets: silence": targets["silent"],
        "constructs, trials with several targets: exact set": None,
        "– the same, the right targets given": folds["constructs_given_targets"],
    }
    lines = [
        "| | cross-validation | – end to end | first looks | written test half |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {title} | {_share(shown and shown['share'], shown and shown['n'])} | "
            f"{_end_to_end(whole_way, WRITTEN.get(title, ''))} | "
            f"{_share(*_of(looked.get(title)))} | {now.get(WRITTEN.get(title, ''), '')} |"
            for title, shown in rows.items()
        ),
        f"| screening: specificity among look-alikes | | | | {now['screening.specificity']} |",
        *(
            f"| {title}: F1 | {_f1(folds[field])} | {_end_to_end(whole_way, field + '.f1')} | | "
            f"{now[field + '.f1']} |"
            for field, title in FIELDS.items()
        ),
    ]
    return "\n".join(lines)


def _end_to_end(figures: dict[str, dict[str, float]], name: str) -> str:
    """A rate of whole records, each by a model that has not seen its sponsor."""
    field, _, rate = name.partition(".")
    share = figures.get(field, {}).get(rate)
    if share is None:
        return ""
    n = figures[field].get(f"{rate}_n")
    return _share(share, int(n)) if n else f"{100 * share:.1f} %"


def _of(counts: list[int] | None) -> tuple[float | None, int | None]:
    return (counts[0] / counts[1], counts[1]) if counts else (None, None)


def _share(share: float | None, n: int | None) -> str:
    """A share in percent with Wilson's 95 % interval and its count."""
    if share is None or not n:
        return ""
    share = round(share * n) / n  # the card's is rounded to four decimals, and would be rounded twice
    low, high = wilson(share, n)
    return f"{100 * share:.1f} % ({100 * low:.1f}–{100 * high:.1f}; n = {n})"


def _f1(figures: dict[str, float]) -> str:
    right, wrong = figures["tp"], figures["fp"] + figures["fn"]
    return f"{200 * right / max(1, 2 * right + wrong):.1f} % (n = {right + figures['fn']})"


def wilson(share: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a share."""
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * ((share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


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


def review(root: Path = ROOT) -> str:
    """What the least sure tenth holds, of the trials that are written and of all that are tagged."""
    found = json.loads((root / RESULTS / "review.json").read_text("utf-8"))
    sets = found["written"], found["tagged"]
    rows = {name: [one[name] for one in sets] for name in ("targets", "any")}
    heads = {"targets": "a wrong target set", "any": "any wrong field"}
    lines = [
        "| in the least sure tenth | of the trials that are written | of all that are tagged |",
        "|---|---:|---:|",
        f"| trials | {' | '.join(str(one['any']['trials']) for one in sets)} |",
        *(f"| {heads[name]} | {' | '.join(map(_found, both))} |" for name, both in rows.items()),
        f"| – in the best order | {' | '.join(_percent(one['best']) for one in rows['any'])} |",
    ]
    for name in sets[0]["fields"]:
        both = [one["fields"][name] for one in sets]
        lines.append(f"| `{name}` wrong, by its own doubt | {' | '.join(map(_found, both))} |")
    return "\n".join(lines)


def wordings(root: Path = ROOT) -> str:
    """What becomes of texts in other words."""
    found = json.loads((root / RESULTS / "wordings.json").read_text("utf-8"))
    lines = [
        f"| | {' | '.join(found)} |",
        f"|---|{'---:|' * len(found)}",
    ]
    for title, name, whole in _WORDINGS:
        lines.append(f"| {title} | {' | '.join(f'{n[name]} of {n[whole]}' for n in found.values())} |")
    return "\n".join(lines)


_WORDINGS = (
    ("trials of CAR cells: let through by the text screen", "car_screened_in", "car"),
    ("– written", "car_written", "car"),
    ("– – with their exact set of targets", "targets_exact", "car_written"),
    ("others: written", "other_written", "other"),
)


def _found(row: dict[str, float | None]) -> str:
    return f"{_percent(row['found_first'])} of {row['wrong']}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


Render = Callable[..., str]
PAGES: dict[str, dict[str, Render]] = {
    "README.md": {"accuracy": accuracy, "speed": speed},
    "docs/evaluation.md": {"review": review, "wordings": wordings},
}


def filled(text: str, root: Path = ROOT, page: str = "README.md") -> str:
    """The text of a page with each marked block written anew."""
    for name, render in PAGES[page].items():
        block = re.compile(rf"(<!-- {name}:[^\n]*-->\n).*?(<!-- /{name} -->)", re.DOTALL)
        body = f"{render(root)}\n"

        def put(found: re.Match[str], body: str = body) -> str:
            return found[1] + body + found[2]

        text, count = block.subn(put, text)
        if count != 1:
            raise SystemExit(f"{page}: {count} blocks marked <!-- {name}: … -->, there should be one")
    return text


def main() -> None:
    """Rewrite the pages in place."""
    for page in PAGES:
        path = ROOT / page
        path.write_text(filled(path.read_text("utf-8"), page=page), encoding="utf-8")


if __name__ == "__main__":
    main()
