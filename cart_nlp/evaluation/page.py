"""The result as one self-contained HTML page: tables, plots, and the errors with highlighted text.

Every word that comes from a registry is escaped, and a content security policy lets no script run but the
page's own, by its hash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

from markupsafe import Markup

from cart_nlp import pages
from cart_nlp.evaluation import breakdown, review, svg, unseen
from cart_nlp.evaluation.layout import NAMES, Row, interval, percent
from cart_nlp.evaluation.report import unlabeled, without_record
from cart_nlp.evaluation.scoring import Evaluation
from cart_nlp.evaluation.snippets import of_error

_WHOLE = re.compile(r"\[[^\[\]]{1,40}\]|\bof \d[\d,]*")
"""An interval, and what a share is of: print does not tear them apart."""


def render(scored: Evaluation) -> str:
    """The page as text."""
    return pages.render(
        "evaluate",
        title=f"cart-nlp evaluate: {scored.result['gold']['name']}",
        body=Markup("\n".join(_parts(scored))),
    )


def _parts(scored: Evaluation) -> Iterator[str]:
    result = scored.result
    yield from _head(result)
    yield '<h2 id="fields">Fields</h2>'
    yield from _fields(result)
    yield from (f'<p class="soft">{escape(line)}</p>' for line in unlabeled(result))
    if result.get("unseen"):
        yield '<h2 id="unseen">On labels that nobody had tuned to</h2>'
        yield "<p>This package's own rates, whatever is scored above. "
        yield f"{escape(result['unseen']['about'])}</p>"
        yield from _table(unseen.HEADER, unseen.rows(result["unseen"]))
    yield '<h2 id="plots">Plots</h2><div class="plots">'
    yield from _plots(result)
    yield "</div>"
    if result.get("groups"):
        yield '<h2 id="groups">Groups</h2>'
        yield from _table(breakdown.GROUP_HEADER, breakdown.group_rows(result["groups"]))
    for name, title, part in (
        ("mentions", "Mention level", breakdown.mentions),
        ("compare", "Compared with another run", breakdown.compare),
    ):
        if result.get(name):
            yield f'<h2 id="{name}">{title}</h2>'
            yield from _shown(part(result[name]))
    yield '<h2 id="errors">Errors</h2>'
    yield from _errors(scored)


def _head(result: Mapping[str, Any]) -> Iterator[str]:
    gold, tool = result["gold"], result["tool"]
    yield f"<h1>Scores of {escape(tool['name'])} {escape(tool['version'])}</h1>"
    yield (
        f'<p class="soft">{escape(gold["name"])}, version {escape(gold["version"])}: '
        f"{result['trials']} trials; "
        f"{escape(result['mode'])}; basis {escape(result['basis'])}. Shares in percent, with 95 % bootstrap "
        "intervals over trials; an en dash where a rate is undefined.</p>"
    )
    if "dump" in result:
        yield f"<p>{escape(next(breakdown.dump(result['dump'])))}</p>"
    lines = (*breakdown.renamed(gold.get("renamed", ())), *without_record(result))
    yield from (f"<p>{escape(line)}</p>" for line in lines)
    s, car, focus = result["screening"], result["car_trial"], result["focus"]
    yield (
        f"<p>Screening: recall {percent(s['recall'])}{interval(s, 'recall')} of {s['support']}, precision "
        f"{percent(s['precision'])}{interval(s, 'precision')}, specificity {percent(s['specificity'])}"
        f"{interval(s, 'specificity')}; precision at a prevalence of {100 * s['prevalence']:g} %: "
        f"{percent(s['projected_precision'])}{interval(s, 'projected_precision')}. "
        f"Four levels of car_trial: {percent(car['accuracy'])} of {car['trials']}. "
        f"Focus: {percent(focus['accuracy'])} of {focus['trials']}.</p>"
    )
    places = (
        ("fields", "unseen", "plots", "errors") if result.get("unseen") else ("fields", "plots", "errors")
    )
    links = (f'<a href="#{place}">{place.capitalize()}</a>' for place in places)
    yield f"<nav>{''.join(links)}</nav>"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    label = f'role="region" aria-label="table: {escape(header[0])}"'
    yield f'<div class="wide" tabindex="0" {label}><table><thead><tr>'
    yield "".join(f"<th>{escape(cell)}</th>" for cell in header)
    yield "</tr></thead><tbody>"
    for row in rows:
        yield f"<tr>{''.join(f'<td>{_unbroken(cell)}</td>' for cell in row)}</tr>"
    yield "</tbody></table></div>"


def _unbroken(cell: str) -> str:
    """A cell of which such parts stay on one line where the table is narrow."""
    return _WHOLE.sub(r'<span class="whole">\g<0></span>', escape(cell))


def _shown(lines: Iterable[str]) -> Iterator[str]:
    """Lines of the report for a terminal as tables and paragraphs."""
    for shape, group in groupby(lines, key=lambda line: len(line.cells) if isinstance(line, Row) else 0):
        if not shape:
            yield from (f"<p>{escape(line)}</p>" for line in group if line)
            continue
        header, *rows = ([cell.strip() for cell in line.cells] for line in group if isinstance(line, Row))
        yield '<div class="terms">'  # its head is of single words, which print may break
        yield from _table(header, rows)
        yield "</div>"


def _fields(result: Mapping[str, Any]) -> Iterator[str]:
    rates = ("precision", "recall", "f1")
    rows = []
    for name, s in result["fields"].items():
        multi = f"{percent(s['exact_multi'])} of {s['exact_multi_n']}" if "exact_multi" in s else ""
        rows.append(
            (
                NAMES.get(name, name),
                *(str(s[key]) for key in ("support", "tp", "fp", "fn")),
                *(percent(s[key]) + interval(s, key) for key in rates),
                percent(s["macro"]["f1"]),
                f"{percent(s['exact'])}{interval(s, 'exact')} of {s['exact_n']}",
                f"{percent(s['exact_included'])} of {s['exact_included_n']}",
                multi,
            )
        )
    header = ("field", "gold", "TP", "FP", "FN", "precision", "recall", "F1", "macro F1")
    yield from _table((*header, "exact set", "exact, every trial", "exact, several targets"), rows)


def _plots(result: Mapping[str, Any]) -> Iterator[str]:
    for key, title in (("exact", "Exact sets, trials with gold values"), ("f1", "F1, micro")):
        rows = [
            (NAMES.get(name, name), s[key], (s.get("interval") or {}).get(key))
            for name, s in result["fields"].items()
        ]
        yield _figure(f"{title}: share and 95 % interval", svg.intervals(rows, title))
    yield _figure("car_trial: gold in rows", svg.confusion(result["car_trial"]["confusion"], "car_trial"))
    yield _figure("focus: gold in rows", svg.confusion(result["focus"]["confusion"], "focus"))
    calibration = result.get("calibration", {})
    for key in ("car_score", "evidence"):
        if calibration.get(key, {}).get("n"):
            s = calibration[key]
            title = f"Calibration of {key.replace('_', ' ')}: Brier {s['brier']:.3f}, error {s['ece']:.3f}"
            yield _figure(title, svg.reliability(s["bins"], title))
    if result.get("review"):
        curves = {name: result["review"][key]["curve"] for key, name in review.NAMES.items()}
        title = "Review: share of errors left against the share of trials read, the least sure first"
        yield _figure(title, svg.curves(curves, title))
    if result.get("mentions", {}).get("roles"):
        yield _figure("Roles of antigens: gold in rows", svg.confusion(result["mentions"]["roles"], "roles"))


def _figure(caption: str, drawing: str) -> str:
    return f"<figure><figcaption>{escape(caption)}</figcaption>{drawing}</figure>" if drawing else ""


def _errors(scored: Evaluation) -> Iterator[str]:
    errors = scored.result["errors"]
    if not errors:
        yield "<p>None.</p>"
        return
    yield '<div class="filters">'
    for name in ("field", "kind", "error"):
        values = sorted({e[name] for e in errors})
        options = "".join(f'<option value="{escape(v)}">{escape(v)}</option>' for v in values)
        yield f'<select id="by-{name}" aria-label="{name}"><option value="">every {name}</option>'
        yield f"{options}</select>"
    yield '<input id="by-text" type="search" placeholder="id, value, rule, text" aria-label="search">'
    yield '<span class="soft" id="count"></span>'
    yield '<span><mark class="wrong">taken by the tool</mark> '
    yield '<mark class="gold">seen by the labelers</mark></span></div>'
    sections = {g.id: g.trial.sections for g in scored.gold}
    for e in errors:
        yield from _error(e, sections.get(e["id"], {}))


def _error(e: Mapping[str, Any], sections: Mapping[str, str]) -> Iterator[str]:
    names = ("field", "kind", "error")
    data = " ".join(f'data-{name}="{escape(e[name])}"' for name in names)
    yield f"<article {data}><header><strong>{escape(e['id'])}</strong>"
    yield f"<span>{escape(e['field'])}</span>"
    yield f"<span>{escape(e['error'])} <b>{escape(e['value'])}</b></span>"
    yield f"<span>gold: {escape(e['gold'])}</span>"
    yield f'<span class="tag">{escape(e["kind"])}</span>'
    yield "".join(f'<span class="tag">rule {escape(rule)}</span>' for rule in e["rules"])
    yield "</header>"
    for section, shown in of_error(e, sections):
        yield f'<blockquote><span class="soft">{escape(section)}</span> {shown}</blockquote>'
    if e["note"]:
        yield f'<p class="soft">note: {escape(e["note"])}</p>'
    yield "</article>"
