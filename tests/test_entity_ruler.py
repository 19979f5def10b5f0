"""The lexicons in a pipeline of plain spaCy: the export finds there what ours finds."""

import json
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from typer.testing import CliRunner

from cart_nlp.cli.lexicon import app
from cart_nlp.pipeline import load, mentions

TEXTS = [
    "CAR-T cells against mesothelin and glypican 3 in ovarian cancer",
    "Tisagenlecleucel or axicabtagene ciloleucel in follicular lymphoma",
    "The receptor binds claudin 18.2 and has a 4-1BB domain; a lentiviral vector is used",
    "Autologous T cells, nectin 4, B cell maturation antigen, second or third generation CAR",
    "chimeric antigen receptor T cells with inducible caspase 9 for systemic lupus erythematosus",
]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "names.jsonl"
    done = CliRunner().invoke(app, ["export", "--to", "entity-ruler", str(path)])
    assert done.exit_code == 0, done.output
    return path


@pytest.fixture(scope="module")
def ours() -> Language:
    return load()


def plain(name: str, exported: Path, tokenizer: object) -> Language:
    nlp = spacy.blank("en")
    nlp.tokenizer = tokenizer
    ruler = nlp.add_pipe(name, config={"phrase_matcher_attr": "LOWER"})
    with nlp.select_pipes(disable=nlp.pipe_names):
        ruler.add_patterns([json.loads(line) for line in exported.read_text("utf-8").splitlines()])
    return nlp


@pytest.mark.parametrize("tokenizer", ["ours", "spaCy's"])
def test_a_span_ruler_finds_the_names_that_ours_finds(exported: Path, ours: Language, tokenizer: str) -> None:
    used = ours.tokenizer if tokenizer == "ours" else spacy.blank("en").tokenizer
    nlp = plain("span_ruler", exported, used)
    for text in TEXTS:
        doc = nlp(text)
        found = {(span.text, span.label_, span.id_) for span in doc.spans["ruler"]}
        wanted = {
            (m.text, m.label, m.concept)
            for m in mentions(ours(text))
            if m.label in ("antigen", "product", "disease", "safety_switch", "generation") and "csv" in m.rule
        }
        assert wanted, text
        assert wanted - found == set(), text


def test_an_entity_ruler_reads_the_file(exported: Path) -> None:
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
    ruler.from_disk(exported)
    found = {(e.text, e.label_, e.ent_id_) for e in nlp(f"{TEXTS[0]}, and CD19").ents}
    assert found >= {("mesothelin", "antigen", "MSLN"), ("CD19", "antigen", "CD19")}


def test_who_exports_is_told_how_the_ruler_has_to_compare(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["export", "--to", "entity-ruler", str(tmp_path / "names.jsonl")])
    assert 'config={"phrase_matcher_attr": "LOWER"}' in done.output


def test_a_users_names_are_exported_too(tmp_path: Path) -> None:
    (tmp_path / "antigens.csv").write_text("name,aliases,kind,source\nFZ9,frizzle nine,protein,me\n")
    done = CliRunner().invoke(app, ["export", "--to", "entity-ruler", "--lexicon", str(tmp_path), "-"])
    assert {"label": "antigen", "pattern": "frizzle nine", "id": "FZ9"} in map(
        json.loads, done.stdout.splitlines()
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--to", "yaml", "names.jsonl"], "--to yaml: there is entity-ruler"),
        (["--to", "entity-ruler", "none/names.jsonl"], "there is no folder"),
        (["--to", "entity-ruler", "--lexicon", "none", "-"], "none: no such folder of lexicons"),
    ],
)
def test_what_cannot_be_exported_is_one_line(arguments: list[str], told: str) -> None:
    done = CliRunner().invoke(app, ["export", *arguments])
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert told in done.stderr
