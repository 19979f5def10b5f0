"""`cart-nlp show`: record and highlighted evidence; nothing of the text steers the terminal."""

import io
import json
import re
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner, Result

from cart_nlp.cli.show import command
from cart_nlp.console import safe
from cart_nlp.schema import TAGGED_FIELDS
from cart_nlp.terminal import Mark, highlighted
from cart_nlp.text import construct_text

app = typer.Typer()
app.command()(command)


def show(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


def test_text_with_roles() -> None:
    done = show("CD19 CAR-T cells with 4-1BB for CD20+ lymphoma after prior BCMA CAR-T")
    assert done.exit_code == 0
    for said in ("[CD19]{targets}", "[4-1BB]{costim}", "[CD20]{disease_markers}", "[BCMA]{prior therapy}"):
        assert said in " ".join(done.stdout.split())


def test_planned_follow_up_is_shown_with_its_words() -> None:
    out = show("CD19 CAR-T cells for lymphoma. Participants are followed for up to 15 years.").stdout
    assert re.search(r"^follow_up_years +15", out, re.MULTILINE)
    assert "[15 years]{follow_up_years 15}" in " ".join(out.split())


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("Tisagenlecleucel for B-ALL in children", "costim", "4-1BB"),
        ("Axicabtagene ciloleucel: cells of the patient are given back", "cell_source", "autologous"),
        ("CD19 CAR-T cells with 4-1BB, made from donor cells", "cell_source", "donor_derived"),
    ],
)
def test_every_value_of_a_record_has_a_reason_and_none_is_said_to_be_missing(
    text: str, field: str, value: str
) -> None:
    told = json.loads(show(text, "--why", "--json").stdout)
    record, why = told["record"], told["why"]
    held = {(name, str(each)) for name in TAGGED_FIELDS if name != "focus" for each in record[name]}
    held |= {("constructs", construct_text(c["targets"], c["format"])) for c in record["constructs"]}
    assert (field, value) in held
    assert held <= {(one["name"], one["value"]) for one in why if one["stands"]}
    assert held.isdisjoint((one["name"], one["value"]) for one in why if not one["stands"])
    of_products = {(e["field"], e["value"]): e["rule"] for e in record["evidence"] if e["basis"] == "product"}
    rules = {(one["name"], one["value"]): one["rule"] for one in why}
    assert {key: rules[key] for key in of_products} == of_products


def test_json_is_the_record() -> None:
    record = json.loads(show("CD19 CAR-T \x1b[31m \x9b \u202e", "--json").stdout)
    assert record["targets"] == ["CD19"]


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_no_escape_sequence_passes(flags: tuple[str, ...]) -> None:
    done = show("CD19\x1b]0;owned\x07 CAR-T \x1b[2J\x9b31m \u202e cells\r", *flags)
    assert done.exit_code == 0
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", done.stdout)


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_safe_text_is_printable(text: str) -> None:
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", safe(text))


def test_markup_of_the_text_is_text() -> None:
    assert "[bold]CAR-T[/bold]" in highlighted("[bold]CAR-T[/bold]", [], plain=True).plain


def test_color_on_a_terminal() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system="standard", width=80)
    console.print(highlighted("CD19 CAR", [Mark("text", 0, 4, "targets", "CD19")], plain=False))
    assert "\x1b[" in out.getvalue()


def test_marks_keep_the_text() -> None:
    marks = [Mark("t", 5, 9, "targets", "CD19"), Mark("t", 7, 12, "vector", "x")]
    assert highlighted("anti CD19 CAR", marks, plain=True).plain == "anti [CD19 CA]{targets, vector x}R"


def test_trial_of_a_file(tmp_path: Path) -> None:
    dump = tmp_path / "dump.jsonl"
    lines = [{"id": f"NCT0000000{i}", "brief_title": f"CD{n} CAR-T"} for i, n in enumerate((19, 22, 7))]
    dump.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    done = show("nct00000001", "--file", str(dump))
    assert done.exit_code == 0
    assert "[CD22]{targets}" in done.stdout
    assert "CD19" not in done.stdout
    absent = show("NCT99999999", "--file", str(dump))
    assert (absent.exit_code, absent.stderr.count("\n")) == (2, 1)
    assert "no trial 'NCT99999999' among its 3 records" in absent.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["NCT00000001"], "name the dump that holds it with --file"),
        ([" "], "the text is empty"),
        (["NCT00000001", "--file", "none.jsonl"], "none.jsonl"),
        (["CD19", "--lexicon", "none"], "none: no such folder of lexicons"),
    ],
)
def test_bad_usage_is_one_line(arguments: list[str], told: str) -> None:
    done = show(*arguments)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert told in done.stderr
