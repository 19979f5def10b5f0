"""What a user of an installed wheel does first: every output format written and read, the demo, the pages.

python -I .ci/smoke.py          # with all extras
python -I .ci/smoke.py --base   # without: each missing feature names the extra that it needs
"""

import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "benchmarks/sample/trials.jsonl"
PROGRAM = Path(sys.executable).with_name("cart-nlp")
FORMATS = ("csv", "excel.csv", "tsv", "csv.gz", "jsonl.gz", "xlsx", "parquet", "duckdb")
VERSIONS = ("numpy", "pandas", "pyarrow", "spacy", "scispacy", "duckdb", "scipy", "hyperscan", "matplotlib")

MISSING = (
    (("tag", "SAMPLE", "-o", "r.parquet"), "tables"),
    (("tag", "SAMPLE", "-o", "r.xlsx"), "tables"),
    (("tag", "SAMPLE", "-o", "r.duckdb"), "tables"),
    (("tag", "SAMPLE", "-o", "x.jsonl", "--engine", "dask"), "dask"),
    (("tag", "postgresql://localhost/aact", "-o", "x.jsonl"), "postgres"),
    (("tag", "table.parquet", "-o", "x.jsonl"), "tables"),
    (("tag", "table.xlsx", "-o", "x.jsonl"), "tables"),
    (("tag", "dump.jsonl.zst", "-o", "x.jsonl"), "zstd"),
    (("diff", "records.jsonl", "table.parquet"), "tables"),
    (("diff", "records.jsonl", "table.xlsx"), "tables"),
    (("diff", "records.jsonl", "table.duckdb"), "tables"),
    (("view", "table.parquet", "-o", "page.html"), "tables"),
    (("landscape", "records.jsonl", "-o", "report"), "landscape"),
    (("evaluate", "--split", "dev"), "evaluation"),
)
"""What needs an extra, and which."""


def said(folder: Path, *words: str, code: int = 0) -> str:
    """What the installed program prints, on both streams; ends the check where it fails."""
    words = tuple(str(SAMPLE) if word == "SAMPLE" else word for word in words)
    done = subprocess.run([PROGRAM, *words], cwd=folder, capture_output=True, text=True, timeout=300)
    if done.returncode != code:
        sys.exit(f"cart-nlp {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def written(folder: Path) -> int:
    """How many of the sample's 40 trials stand in the first file; some of them plainly are none."""
    found = len((folder / "records.jsonl").read_text("utf-8").splitlines())
    assert 30 <= found <= 38, found
    return found


def whole(folder: Path) -> None:
    """With every extra."""
    for name in FORMATS:
        told = said(folder, "tag", "SAMPLE", "-o", f"records.{name}")
        assert f" {written(folder)} written + 0 rejected" in told, told
        told = said(folder, "diff", "records.jsonl", f"records.{name}")
        assert told == f"0 new, 0 changed, {written(folder)} unchanged, 0 vanished\n", told
    told = said(folder, "tag", "SAMPLE", "-o", "again.jsonl", "--engine", "dask", "--workers", "2")
    assert f" {written(folder)} written + 0 rejected" in told, told
    assert (folder / "again.jsonl").read_bytes() == (folder / "records.jsonl").read_bytes()
    for name in ("jsonl", "csv", "parquet"):
        said(folder, "landscape", f"records.{name}", "-o", f"report-{name}")
        said(folder, "view", f"records.{name}", "-o", f"page-{name}.html", "--text", "SAMPLE")
        assert (folder / f"report-{name}/report.html").stat().st_size > 100_000
    told = said(folder, "evaluate", "--split", "dev")
    assert "screening: recall" in told, told
    for notebook in sorted((ROOT / "docs/notebooks").glob("*.ipynb")):
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        code = f"import matplotlib; matplotlib.use('Agg')\n{code}"
        subprocess.run([sys.executable, "-I", "-c", code], cwd=folder, check=True, capture_output=True)
    shutil.copy(ROOT / "benchmarks/sample/demo.py", folder)
    shutil.copy(SAMPLE, folder)
    subprocess.run([sys.executable, "-I", "demo.py", "demo"], cwd=folder, check=True, capture_output=True)
    assert len((folder / "demo/records.csv").read_text("utf-8").splitlines()) == 1 + written(folder)


def base(folder: Path) -> None:
    """Without extras."""
    with zipfile.ZipFile(folder / "table.xlsx", "w") as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
    (folder / "table.duckdb").write_bytes(b"DUCK")
    (folder / "table.parquet").write_bytes(b"PAR1")
    (folder / "dump.jsonl.zst").write_bytes(b"\x28\xb5\x2f\xfd")
    for words, extra in MISSING:
        told = said(folder, *words, code=2)
        assert f"pip install 'cart-nlp[{extra}]'" in told and len(told.splitlines()) == 1, f"{words}: {told}"
    said(folder, "tag", "SAMPLE", "-o", "records.csv")
    said(folder, "view", "records.jsonl", "-o", "page.html")
    said(folder, "show", "CD19 CAR-T cells")


def main() -> None:
    """Say the versions, run the checks."""
    found = []
    for package in VERSIONS:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} –")
    print(f"Python {sys.version.split()[0]}: {', '.join(found)}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        told = said(folder, "tag", "SAMPLE", "-o", "records.jsonl")
        assert f" {written(folder)} written + 0 rejected" in told, told
        if "--base" in sys.argv:
            base(folder)
        else:
            whole(folder)
    print(
        f"Python {sys.version.split()[0]}: {'base install' if '--base' in sys.argv else 'all extras'}, fine"
    )


main()
