"""Scoring of condition strings; the figures of the bundled labels on real registry text."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cart_nlp import paths
from cart_nlp.cli.evaluate import command
from cart_nlp.evaluation import conditions
from cart_nlp.evaluation.gold import GoldError
from cart_nlp.ontology import shipped

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
DUMPS = [CORPUS / f"{name}.jsonl.gz" for name in ("car-trials", "car-trials-2", "full-trials")]


def files(folder: Path, *strings: tuple[str, int, str]) -> tuple[Path, Path]:
    """A dump with the given conditions, and a gold file of them: string, trials, concepts."""
    dump, gold = folder / "dump.jsonl", folder / "gold.csv"
    trial = {"id": "NCT00000001", "brief_title": "A trial", "conditions": [text for text, _, _ in strings]}
    dump.write_text(json.dumps(trial) + "\n", "utf-8")
    rows = [f"{hashlib.sha256(s.encode()).hexdigest()},frequent,{n},{names}" for s, n, names in strings]
    gold.write_text("\n".join(["sha256,sample,trials,concepts", *rows]) + "\n", "utf-8")
    return dump, gold


def test_strings_count_as_often_as_trials_have_them(tmp_path: Path) -> None:
    dump, gold = files(
        tmp_path,
        ("Myeloma", 6, "multiple myeloma"),
        ("Melanoma", 3, "sarcoma"),
        ("Lymphoma", 1, "melanoma"),
        ("CAR-T", 0, ""),
    )
    scored = conditions.score([dump], path=gold)
    assert (scored.share("right"), scored.share("right_group")) == (0.6, 0.9)
    figures = {"strings": 4, "trials": 10, "right": 0.6, "right_group": 0.9}
    assert scored.result() == {"missing": 0, "frequent": figures}
    assert list(scored.lines())[-2:] == [
        "   3  'Melanoma': melanoma; gold: sarcoma",
        "   1  'Lymphoma': lymphoma; gold: melanoma",
    ]


def test_nothing_judged_is_no_figure(tmp_path: Path) -> None:
    dump, _ = files(tmp_path, ("Myeloma", 1, "multiple myeloma"))
    (tmp_path / "other").mkdir()
    _, gold = files(tmp_path / "other", ("Lymphoma", 1, "lymphoma"))
    scored = conditions.score([dump], path=gold)
    assert (scored.share("right"), scored.missing) == (None, 1)


def test_a_gold_file_without_its_columns_is_told(tmp_path: Path) -> None:
    (tmp_path / "gold.csv").write_text("sha256,trials\nabc,1\n", "utf-8")
    with pytest.raises(GoldError, match=r"gold\.csv:2: columns sha256, sample, trials, concepts are needed"):
        conditions.gold(tmp_path / "gold.csv")


def test_the_bundled_labels_are_known_concepts_and_most_specific() -> None:
    table = conditions.gold(paths.gold() / "conditions.csv")
    ontology = shipped()
    assert Counter(sample for sample, _, _ in table.values()) == {
        **{"frequent": 400, "rare-1": 200, "rare-2": 200, "rare-3": 100, "rare-4": 100}
    }
    for _, _, concepts in table.values():
        assert all(concept in ontology for concept in concepts)
        assert ontology.most_specific(concepts) == tuple(sorted(concepts))


@pytest.mark.corpus
def test_figures_on_real_conditions() -> None:
    """The bar: 97 % of the conditions of the trials read rightly, 99 % with the right group."""
    if not all(dump.is_file() for dump in DUMPS):
        pytest.skip("../shared/corpus is not here")
    scored = conditions.score(DUMPS)
    assert (len(scored.judged), scored.missing) == (1000, 0)
    assert scored.share("right") >= 0.97
    assert scored.share("right_group") >= 0.99
    for sample in ("rare-1", "rare-2", "rare-3", "rare-4"):
        assert scored.share("right", sample) >= 0.93
        assert scored.share("right_group", sample) >= 0.97


def test_several_dumps_at_once_and_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dump, _ = files(tmp_path, ("Multiple Myeloma", 1, "multiple myeloma"))
    assert conditions.main([str(dump), str(dump)]) == 0
    assert "frequent: 1 strings of 132 trials, concepts 100.0% right" in capsys.readouterr().out
    for wrong in ([], [str(tmp_path / "none.jsonl")]):
        assert conditions.main(wrong) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_on_the_command_line(tmp_path: Path) -> None:
    import typer

    app = typer.Typer()
    app.command()(command)
    dump, _ = files(tmp_path, ("Multiple Myeloma", 1, "multiple myeloma"))
    run = CliRunner().invoke(app, ["--gold", "conditions", "--dump", str(dump), "--json"])
    assert run.exit_code == 0
    assert json.loads(run.stdout)["frequent"]["right"] == 1.0
    run = CliRunner().invoke(app, ["--gold", "conditions"])
    assert run.exit_code == 2
    assert "--gold conditions needs --dump FILE" in run.output
    run = CliRunner().invoke(app, ["--gold", "conditions", "--dump", str(tmp_path / "none.jsonl")])
    assert (run.exit_code, run.output.count("\n")) == (2, 1)
