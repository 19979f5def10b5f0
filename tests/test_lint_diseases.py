"""Lint of the tree of diseases: places, ids, and names that belong to other terms of an ontology."""

import gzip
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cart_nlp import lint
from cart_nlp.cli.lexicon import app

HEADER = "name,group,parent,also,doid,ncit,oncotree,aliases,differs,source\n"
TERMS = (
    "id\tname\tparents\tsynonyms\tmesh\tncit\n"
    "DOID:1\tfirst fever\t\tfebris prima|common fever\t\t\n"
    "DOID:2\tsecond fever\t\tcommon fever\t\t\n"
)
CODES = "code\tname\tmain_type\ttissue\tparent\tncit\nFF\tFirst Fever\t\t\t\t\nSF\tSecond Fever\t\t\t\t\n"
REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference"


def faults(folder: Path, rows: str, *terms: str) -> list[str]:
    """The faults of a folder with these diseases, as `line: message`."""
    path = folder / "diseases.csv"
    path.write_text(HEADER + rows, "utf-8")
    references = []
    for number, text in enumerate(terms):
        (folder / f"terms{number}.tsv").write_text(text, "utf-8")
        references.append(lint.read_reference(folder / f"terms{number}.tsv"))
    found = lint.check(folder, references=references)
    return [str(fault).removeprefix(f"{path}:") for fault in found]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("ab one,solid,no such,,,,,,,me\n", "2: parent: 'no such' is no name in diseases.csv"),
        ("ab one,solid,,no such,,,,,,me\n", "2: also: 'no such' is no name in diseases.csv"),
        ("ab one,solid,lymphoma,,,,,,,me\n", "2: group: 'solid', but 'lymphoma' above it is 'hematological'"),
        (
            "ab one,solid,ab two,,,,,,,me\nab two,solid,ab one,,,,,,,me\n",
            "2: parent: ab one → ab two → ab one is a circle",
        ),
        ("ab one,solid,,,DOID1,,,,,me\n", "2: doid: 'DOID1' is no such id"),
        ("ab one,solid,,,,NCIT:C1,,,,me\n", "2: ncit: 'NCIT:C1' is no such id"),
        ("ab one,solid,,,DOID:9538,,,,,me\n", "2: doid: DOID:9538 is the id of 'multiple myeloma' already"),
        ("ab one,solid,,,,,,,ab two,me\n", "2: differs: 'ab two' is no name of 'ab one'"),
        (
            "ab cancer,solid,,,,,,ab neoplasm,,me\n",
            "2: 'ab neoplasm' is a regular spelling of 'ab cancer', found by itself",
        ),
        (
            "ab tumor,solid,,,,,,ab tumour,,me\n",
            "2: 'ab tumour' is a regular spelling of 'ab tumor', found by itself",
        ),
        (
            "Aberg tumor,solid,,,,,,Aberg's tumor,,me\n",
            "2: \"Aberg's tumor\" is a regular spelling of 'Aberg tumor', found by itself",
        ),
    ],
)
def test_faults_of_a_row(tmp_path: Path, rows: str, told: str) -> None:
    assert any(fault.startswith(told) for fault in faults(tmp_path, rows))


@pytest.mark.parametrize(
    "rows", ["ab one,solid,,,,,,,,me\n", "ab one,hematological,lymphoma,cancer,,,,,,me\n"]
)
def test_no_fault(tmp_path: Path, rows: str) -> None:
    assert faults(tmp_path, rows, TERMS, CODES) == []


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("ab one,solid,,,DOID:3,,,,,me\n", "2: doid: DOID:3 is no term of terms0.tsv"),
        ("ab one,solid,,,,,FX,,,me\n", "2: oncotree: FX is no term of terms1.tsv"),
        ("ab one,solid,,,DOID:2,,,febris prima,,me\n", "2: 'febris prima' is DOID:1 in terms0.tsv"),
        ("ab one,solid,,,,,,febris prima,,me\n", "2: 'febris prima' is DOID:1 in terms0.tsv"),
        ("ab one,solid,,,DOID:1,,SF,first fevers,,me\n", "2: 'first fevers' is FF in terms1.tsv"),
    ],
)
def test_names_and_ids_of_another_term(tmp_path: Path, rows: str, told: str) -> None:
    assert any(fault.startswith(told) for fault in faults(tmp_path, rows, TERMS, CODES))


@pytest.mark.parametrize(
    "rows",
    [
        "ab one,solid,,,DOID:1,,FF,First Fever | febris prima,,me\n",
        # a synonym of two terms belongs to either, and what a row knowingly differs in is no fault
        "ab one,solid,,,DOID:2,,SF,common fever,,me\n",
        "ab one,solid,,,DOID:2,,,febris prima,febris prima,me\n",
        # a row without a code claims no code's name
        "ab one,solid,,,DOID:1,,,second fevre,,me\n",
    ],
)
def test_agreement(tmp_path: Path, rows: str) -> None:
    assert faults(tmp_path, rows, TERMS, CODES) == []


def test_a_reference_that_is_none_is_told_in_a_line(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.tsv"
    wrong.write_text("a\tb\n1\t2\n", "utf-8")
    run = CliRunner().invoke(app, ["check", "--reference", str(wrong)])
    assert (run.exit_code, run.output.count("\n")) == (2, 1)
    assert "no columns id, name, synonyms or code, name" in run.output
    run = CliRunner().invoke(app, ["check", "--reference", str(tmp_path / "none")])
    assert (run.exit_code, run.output.count("\n")) == (2, 1)


def test_a_gzipped_reference_is_read(tmp_path: Path) -> None:
    (tmp_path / "terms.tsv.gz").write_bytes(gzip.compress(TERMS.encode()))
    assert lint.read_reference(tmp_path / "terms.tsv.gz").ids == {"DOID:1", "DOID:2"}


@pytest.mark.corpus
def test_shipped_diseases_agree_with_both_ontologies() -> None:
    paths = [REFERENCE / "disease-ontology.tsv.gz", REFERENCE / "oncotree.tsv"]
    if not all(path.is_file() for path in paths):
        pytest.skip("../shared/reference is not here")
    assert [str(f) for f in lint.check(references=[lint.read_reference(path) for path in paths])] == []
