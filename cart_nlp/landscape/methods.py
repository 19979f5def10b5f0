"""The methods paragraphs, written from the run: what was read, with what, and how far to trust it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from cart_nlp import __version__, paths
from cart_nlp.landscape import dating
from cart_nlp.landscape.cohort import Cohort
from cart_nlp.landscape.curated import Curated
from cart_nlp.landscape.flow import search
from cart_nlp.landscape.growth import after_end, later
from cart_nlp.registries.entry import InputError

RATES = ("precision", "recall", "f1", "exact")
NONE = (
    "No accuracy on unseen labels is at hand: how far each field can be trusted is not stated here. Score "
    "the version "
    "that tagged these records on labels that nobody tuned to, and give the result with --accuracy "
    "(cart-nlp evaluate --gold LABELS --json)."
)

DEVELOPMENT = frozenset(
    {
        "bundled gold set",
        "bundled gold set, dev half",
        "labels of registry trials by id",
        "labels of full registry trials by id",
        "labels made blind that are trained on since",
        "gold-dev.jsonl",
        "gold-dev-2.jsonl",
        "taught",
    }
)
"""What a result calls the label sets that weights and rules were made with, wholly or in part."""


@dataclass(frozen=True)
class Accuracy:
    """What is known of the tagging's accuracy: a sentence, and a table with n and intervals."""

    text: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    def lines(self) -> list[str]:
        """The same as lines of text."""
        return [
            self.text,
            *(
                f"{row[0]}: " + ", ".join(f"{c} {v}" for c, v in zip(self.columns[1:], row[1:], strict=True))
                for row in self.rows
            ),
        ]


def accuracy(file: Path | None = None) -> Accuracy:
    """Accuracy on unseen labels: a result of `cart-nlp evaluate --json`, or the one of the package.

    Figures on development labels are not shown. Raises InputError for a file that is no such result.
    """
    given = file is not None
    file = file or paths.results() / "unseen.json"
    if not given and not file.is_file():
        return Accuracy(NONE)
    try:
        found = orjson.loads(file.read_bytes())
        fields, gold = found["fields"], found["gold"]
        name, n, version = str(gold["name"]), int(found["trials"]), str(found["tool"]["version"])
    except OSError as fault:
        raise InputError(f"{file}: cannot be read: {fault.strerror or fault}") from None
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as fault:
        raise InputError(f"{file}: no result of `cart-nlp evaluate --json` ({fault})") from fault
    if name in DEVELOPMENT:
        return Accuracy(f"The accuracy given is of development labels ({name}) and is not shown. {NONE}")
    rows = []
    for field, scores in dict(fields).items():
        support = scores.get("support")
        cells = [_rate(scores, rate) for rate in RATES]
        if any(cell != "–" for cell in cells):
            rows.append((field.replace("_", " "), str(support if support is not None else "–"), *cells))
    text = (
        f"Accuracy of the tagging on labels of {n:,} trials ({name}), by cart-nlp {version}: percent with "
        f"95 % bootstrap "
        "intervals. A number of this report is no better than the field it rests on."
    )
    return Accuracy(text, ("field", "gold values", *RATES), tuple(rows))


def _rate(scores: Mapping[str, Any], rate: str) -> str:
    value = scores.get(rate)
    if not isinstance(value, (int, float)):
        return "–"
    ends = (scores.get("interval") or {}).get(rate)
    between = f" ({100 * ends[0]:.1f}–{100 * ends[1]:.1f})" if ends else ""
    n = f" of {scores['exact_n']}" if rate == "exact" and "exact_n" in scores else ""
    return f"{100 * value:.1f}{between}{n}"


def paragraphs(
    chosen: Cohort, run: Mapping[str, Any], source: str, decided: Curated | None = None
) -> list[str]:
    """Plain sentences, one paragraph each; `decided` is what corrections did to the records."""
    df = chosen.df
    left = sum(len(ids) for ids in chosen.left_out.values())
    out = [
        f"{search(chosen, run)} Records were read from {source} ({len(chosen.read):,} records). {left:,} "
        "were left out (see the screening flow); "
        f"{len(chosen):,} trials are included: {sum(df['car_trial'] == 'product'):,} give or "
        "study a CAR product, "
        f"{sum(df['car_trial'] == 'related')} are about recipients of CAR cells or their care. "
        "Targets and technology are counted over the product trials, everything else over "
        "all included trials.",
        _tagging(run),
        *([decided.sentence()] if decided else []),
        _window(chosen),
        "Two records are one trial if they have or name the same registration number; two registrations in "
        "one registry stay two. "
        "Countries are the registry's; sponsor names were brought together by a list, by "
        "equal spelling after normalization and by string similarity (rapidfuzz), with the "
        "merges listed for review.",
        "Shares carry 95 % Wilson intervals (statsmodels). Groups are compared by "
        "chi-square, or by Fisher's exact test where an expected count is below 5 "
        "(Monte Carlo with a fixed seed for tables larger than 2 by 2), with Cramér's V as "
        "effect size and Holm's correction over all comparisons (scipy, statsmodels). "
        "What a record does not state is reported as silence, never filled in.",
    ]
    basis = Counter(one.basis for evidence in df["evidence"] for one in evidence)
    if basis:
        known, filled = basis.pop("product", 0), basis.pop("default", 0)
        out.append(
            f"Each tagged value carries evidence: {basis.total():,} pieces from the trials' own words and "
            f"registry fields, {known:,} from named products, {filled:,} of a default where nothing is said. "
            "Every number below leads to its trials and every trial to its evidence."
        )
    else:
        out.append(
            "These records carry no evidence (a flat file): numbers lead to trials, but "
            "not to the words behind them, and stated values cannot be told from "
            "product-derived ones."
        )
    return out


def _window(chosen: Cohort) -> str:
    options = chosen.options
    by = Counter(str(how) for how in chosen.df["placed_by"] if how)
    dates = [
        f"registered from {options.since} on" if options.since else "",
        f"registered up to {options.until}" if options.until else "",
    ]
    limits = [*dates, f"at {', '.join(options.registries)}" if options.registries else ""]
    asked = " and ".join(part for part in limits if part)
    undated = "; a trial that cannot be placed in time is left out" if any(dates) else ""
    placed = ", ".join(f"{n:,} by {how}" for how, n in sorted(by.items(), key=lambda kv: -kv[1])) or "none"
    beyond = f"{chosen.placed.beyond} " if dating.EXTRAPOLATED in by else ""
    if chosen.placed.extrapolated and str(chosen.end) == chosen.placed.newest:
        beyond += "The end of the data is the date of such a number. "
    beyond += f"{after_end(chosen)} ".lstrip()
    if plans := len(later(chosen, "start")):
        start = "trial starts" if plans == 1 else "trials start"
        beyond += f"{plans:,} {start} after the end of the data: plans stand in no count by start. "
    return (
        f"The analysis was made on {options.as_of.isoformat()} with cart-nlp {__version__}; it ends on "
        f"{chosen.end.isoformat()}, and rates divide by the time "
        + (f"from {chosen.begin.isoformat()} " if options.since else "")
        + "up to then. "
        + (f"Only trials {asked} are included{undated}. " if asked else "No date limit was set. ")
        + f"Trials were placed in time by their first registration: {placed} (error of "
        f"numbers between dated ones: {chosen.placed.error}). {beyond}"
        f"Growth compares {options.growth[0]} and {options.growth[1]} by year of {options.axis}; phases of "
        f"growth are "
        f"{', '.join(map(str, options.periods))}. "
        + (
            "Values that are only known of a product, and defaults, are left out everywhere (--basis text)."
            if options.basis == "text"
            else "Values count whether a trial states them or they are known of a product that it names; "
            "tables tell the two apart."
        )
    )


def _short(digest: object) -> str:
    """The begin of a hash: the whole one stands in the run file."""
    text = str(digest or "unknown")
    return f"{text[:16]}…" if len(text) > 16 else text


def _tagging(run: Mapping[str, Any]) -> str:
    if not run:
        return (
            "There is no run file beside the records: version, lexicon and input of the tagging are unknown."
        )
    inputs = [
        f"{Path(str(one.get('path', '?'))).name} (SHA-256 {_short(one.get('sha256'))})"
        for one in run.get("inputs") or []
        if isinstance(one, dict)
    ]
    options = {k: v for k, v in dict(run.get("options") or {}).items() if v not in (None, False, [], "")}
    counts = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in dict(run.get("counts") or {}).items())
    facts = [
        (
            f"Tagged by cart-nlp {run.get('version', 'of unknown version')}, finished "
            f"{run.get('finished', 'at an unknown time')}"
        ),
        f"lexicons {_short(run.get('lexicons'))}",
        f"model {_short(run.get('model'))}",
        f"input {', '.join(inputs) or 'unknown'}",
        "options " + (", ".join(f"{k.replace('_', ' ')} {v}" for k, v in options.items()) or "the defaults"),
        f"counts {counts or 'unknown'}",
    ]
    return "; ".join(facts) + "."
