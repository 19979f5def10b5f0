"""What the package scored on unseen labels stands beside every result; in print the page loses nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from chromium_pages import dark, driver, serious
from gold_lines import line, save

from cart_nlp import paths
from cart_nlp.evaluation import page, report, unseen
from cart_nlp.evaluation.run import Options, run
from cart_nlp.evaluation.scoring import Evaluation
from cart_nlp.schema import Record


@pytest.fixture
def scored(tmp_path: Path) -> Evaluation:
    gold = save(tmp_path / "g.jsonl", [line("NCT1", targets=["CD19", "CD22"]), line("NCT2")])
    records = tmp_path / "r.jsonl"
    records.write_text(Record(trial_id="NCT1", car_trial="product").model_dump_json() + "\n", "utf-8")
    return run(Options(gold=str(gold), records=records, resamples=20))


def test_the_result_carries_the_rates_of_the_first_looks(scored: Evaluation) -> None:
    looks = json.loads((paths.results() / "first-looks.json").read_text("utf-8"))["looks"]
    found = scored.result["unseen"]["figures"]
    assert list(found) == list(looks[0]["counts"])
    for name, rate in found.items():
        right, whole = (sum(look["counts"][name][at] for look in looks) for at in (0, 1))
        assert (rate["right"], rate["n"], rate["share"]) == (right, whole, right / whole)
        assert rate["interval"][0] < rate["share"] < rate["interval"][1]
    assert [look["date"] for look in scored.result["unseen"]["looks"]] == [look["date"] for look in looks]


def test_terminal_and_page_list_them_with_n_and_interval(scored: Evaluation) -> None:
    rate = scored.result["unseen"]["figures"]["targets: exact set"]
    said = report.percent(rate["share"])
    low, high = map(report.percent, rate["interval"])
    text = "\n".join(report.lines(scored.result))
    assert f"targets: exact set: {said} [{low}–{high}] of {rate['n']}" in text
    html = page.render(scored)
    assert '<a href="#unseen">' in html and '<h2 id="unseen">' in html
    share = f'{said} <span class="whole">[{low}–{high}]</span>'
    assert f"<td>targets: exact set</td><td>{share}</td><td>{rate['n']}</td>" in html


def test_without_the_results_nothing_is_said(
    scored: Evaluation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(paths, "results", lambda: tmp_path)
    assert unseen.figures() == {}
    scored.result["unseen"] = {}
    assert "unseen" not in "\n".join(report.lines(scored.result))
    assert 'href="#unseen"' not in page.render(scored)


def test_products_have_a_row_and_indications_say_why_they_have_none(scored: Evaluation) -> None:
    assert "products" in scored.result["fields"]
    assert scored.result["unlabeled"] == ["indications"]
    assert "indications: no trial of this set has labels of it" in page.render(scored)


def test_labels_of_indications_make_a_row(tmp_path: Path) -> None:
    gold = save(tmp_path / "g.jsonl", [line("NCT1", "CD19 CAR-T in melanoma", indications=["melanoma"])])
    scored = run(Options(gold=str(gold), resamples=20))
    assert scored.result["unlabeled"] == []
    assert "indications: no trial" not in "\n".join(report.lines(scored.result))
    assert "<td>indications</td>" in page.render(scored)


@pytest.mark.slow
def test_in_print_no_column_leaves_the_sheet_and_axe_finds_nothing_serious(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(page.render(run(Options(split="dev", resamples=20))), "utf-8")
    made = driver(tmp_path / "profile")
    try:
        made.get(path.as_uri())
        sheet = {"width": 703, "height": 1000, "deviceScaleFactor": 1, "mobile": False}  # A4 in its margins
        made.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", sheet)
        made.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        edges = made.execute_script(
            "return [...document.querySelectorAll('table, pre, svg')].map(e => [e.tagName, "
            "Math.max(e.getBoundingClientRect().right, e.getBoundingClientRect().left + e.scrollWidth)])"
        )
        made.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        found = serious(made)
        dark(made)
        found += serious(made)
    finally:
        made.quit()
    assert found == []
    assert len(edges) > 8
    assert [edge for edge in edges if edge[1] > 703] == []
