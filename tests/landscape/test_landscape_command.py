"""The commands as a user types them: what they write, what they print, how they fail."""

import datetime
import json
import re
import subprocess
import sys

import pytest

from cart_nlp.landscape import Options
from cart_nlp.landscape.report import Asked, build

RUN = [sys.executable, "-c", "from cart_nlp.cli import main; main()"]


def run(*arguments):
    return subprocess.run([*RUN, *map(str, arguments)], capture_output=True, text=True, timeout=240)


def test_landscape_and_view(records_file, tmp_path):
    old = tmp_path / "old.jsonl"
    old.write_text("".join(records_file.read_text().splitlines(keepends=True)[:100]))
    (tmp_path / "pubmed.txt").write_text(
        "PMID- 77\nPT  - Clinical Trial\nSI  - ClinicalTrials.gov/NCT03920000\n"
    )
    done = run(
        "landscape",
        records_file,
        "-o",
        tmp_path / "out",
        "--until",
        "2024-04",
        "--reference",
        "study",
        "--compare",
        old,
        "--pubmed",
        tmp_path / "pubmed.txt",
        "--no-images",
    )
    assert done.returncode == 0, done.stderr
    assert "CD19 in hematological trials" in done.stdout and "trials, " in done.stderr
    written = {
        p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*") if p.is_file()
    }
    assert {
        "report.html",
        "report.md",
        "landscape.xlsx",
        "run.json",
        "tables/reference.csv",
        "tables/changes.csv",
    } <= written
    assert not (tmp_path / "out" / "figures").exists()
    facts = json.loads((tmp_path / "out" / "run.json").read_text())
    assert facts["options"]["until"] == "2024-04" and facts["reference"] == "study"
    assert facts["counts"]["records"] == 162
    publications = (tmp_path / "out" / "tables" / "publications.csv").read_text()
    assert "NCT03920000,77,results,data bank," in publications
    seen = run("view", records_file, "-o", tmp_path / "page.html")
    assert seen.returncode == 0 and "162 trials" in seen.stderr


def links(folder):
    """What report.md shows or links to, beside the marks `![` or `[` of each."""
    report = (folder / "report.md").read_text("utf-8")
    return re.findall(r"(!?)\[[^\]\n]*(?:\\\][^\]\n]*)*\]\(([^)\n]+)\)", report)


def test_links_of_the_report_lead_to_files_that_are_there(records_file, tmp_path):
    out = tmp_path / "out"
    options = Options(as_of=datetime.date(2026, 6, 30))
    for shown, kinds in (("!", ("png", "svg")), ("", ("pdf",))):
        build(records_file, out, options, Asked(figures=("upset", "phases"), formats=kinds))
        assert links(out) == [(shown, f"figures/{name}.{kinds[0]}") for name in ("upset", "phases")]
        assert all((out / path).is_file() for _, path in links(out))
    build(records_file, out, options, Asked(figures=("upset", "phases"), image_files=False))
    assert links(out) == []
    assert "## Figures" not in (out / "report.md").read_text("utf-8")
    assert not (out / "figures").exists()


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["landscape", "nowhere.jsonl", "-o", "out"], "nowhere.jsonl: no such file"),
        (["landscape", "RECORDS", "-o", "out", "--reference", "other"], "no such reference; there is study"),
        (
            ["landscape", "RECORDS", "-o", "out", "--until", "soon"],
            "--until soon: write 2024, 2024-04 or 2024-04-30",
        ),
        (["landscape", "RECORDS", "-o", "out", "--growth", "2020"], "--growth 2020: write two periods"),
        (["landscape", "RECORDS", "-o", "out", "--top", "0"], "--top 0: give 1 or more"),
        (["landscape", "RECORDS", "-o", "out", "--top", "9" * 20], f"--top {'9' * 20}: give 1000000 or less"),
        (["landscape", "RECORDS", "-o", "out", "--pubmed", "nowhere"], "nowhere: cannot be read"),
        (["landscape", "RECORDS", "-o", "out", "--compare", "nowhere.csv"], "nowhere.csv: no such file"),
        (["landscape", "RECORDS", "-o", "RECORDS"], "is a file; name a folder"),
        (["landscape", "RECORDS", "-o", "-"], "standard output takes no folder"),
        (["view", "nowhere.jsonl", "-o", "page.html"], "nowhere.jsonl: no such file"),
        (["view", "RECORDS", "-o", "page.html", "--text", "nowhere"], "nowhere: no such file"),
    ],
)
def test_faults_are_one_line(arguments, said, records_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(*[records_file if a == "RECORDS" else a for a in arguments])
    assert done.returncode == 2 and said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and "Traceback" not in done.stderr
