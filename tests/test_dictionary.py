"""Every field and value has its meaning on the labels' page; schema, dictionary, docs and records agree."""

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cart_nlp
from cart_nlp.cli.schema import command
from cart_nlp.dictionary import definitions, entries, json_schema, type_name
from cart_nlp.evaluation.labels import CLOSED
from cart_nlp.registries.values import normalize
from cart_nlp.schema import TAGGED_FIELDS, Record

ROOT = Path(__file__).resolve().parent.parent


def run(*words):
    import typer

    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, list(words))


def test_every_field_and_every_value_of_a_closed_list_has_a_meaning():
    silent = [f"{e.field} {e.value}" for e in entries() if not e.meaning]
    assert silent == []
    told = definitions()
    for field, values in CLOSED.items():
        assert set(told[field].values) == {str(value) for value in values}, field
    assert set(told) >= set(TAGGED_FIELDS)


def test_no_definition_is_of_a_field_that_is_not_there():
    assert set(definitions()) <= {entry.field for entry in entries()}


def test_registry_values_are_those_that_readers_give():
    told = definitions()
    assert {normalize.status(value) for value in told["status"].values} == set(told["status"].values)
    assert {normalize.phase(value) for value in told["phase"].values} == set(told["phase"].values)
    assert {normalize.sponsor_class(value) for value in told["sponsor_class"].values} == set(
        told["sponsor_class"].values
    )


def test_the_schema_in_the_docs_is_the_one_of_this_version():
    written = (ROOT / "docs" / "record.schema.json").read_text("utf-8")
    assert written == run().stdout, "run: cart-nlp schema --out docs/record.schema.json"


def test_records_fit_the_schema():
    validator = pytest.importorskip("jsonschema").Draft202012Validator
    checked = validator(json_schema())
    record = cart_nlp.tag("CD19/CD22 tandem CAR-T cells with 4-1BB").to_json()
    assert list(checked.iter_errors(record)) == []
    assert len(list(checked.iter_errors({**record, "car_trial": "perhaps", "more": 1}))) == 2


def test_schema_names_every_field_of_a_record_in_its_order():
    assert list(json_schema()["properties"]) == list(Record.model_fields)


def test_the_dictionary_is_written_as_a_table(tmp_path):
    out = tmp_path / "dictionary.csv"
    assert run("--table", "--out", str(out)).exit_code == 0
    rows = list(csv.reader(io.StringIO(out.read_text("utf-8"))))
    assert rows[0] == ["field", "type", "value", "meaning"]
    assert [tuple(row) for row in rows[1:]] == list(entries())
    page = tmp_path / "dictionary.md"
    assert run("--table", "--out", str(page)).exit_code == 0
    assert len(page.read_text("utf-8").splitlines()) == len(rows) + 1


def test_the_dictionary_fits_a_narrow_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    said = run("--table").stdout
    assert max(map(len, said.splitlines())) <= 60
    assert "donor_derived: From one known donor" in said


@pytest.mark.parametrize(
    ("words", "remedy"), [(["--out", "x.csv"], "--table"), (["--table", "--out", "x.json"], ".md")]
)
def test_another_suffix_is_told_with_what_there_is(words, remedy):
    done = run(*words)
    assert done.exit_code == 2
    assert remedy in done.stderr


def test_types_are_told_in_words():
    assert type_name(Record.model_fields["enrollment"].annotation) == "whole number or null"
    assert type_name(Record.model_fields["targets"].annotation) == "list of text"
    assert json.loads(run().stdout) == json_schema()
