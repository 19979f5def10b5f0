"""The wheel holds what git tracks of the package and its data, and works far from the checkout."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOMES = {
    "cart_nlp/": "cart_nlp/",
    "lexicons/": "cart_nlp/_data/lexicons/",
    "models/": "cart_nlp/_data/models/",
    "benchmarks/gold/": "cart_nlp/_data/gold/",
    "benchmarks/sample/trials": "cart_nlp/_data/sample/trials",
    "benchmarks/results/accuracy": "cart_nlp/_data/results/accuracy",
    "benchmarks/results/unseen": "cart_nlp/_data/results/unseen",
    "benchmarks/results/first-looks": "cart_nlp/_data/results/first-looks",
    "docs/labels.md": "cart_nlp/_data/labels.md",
    "docs/record.schema.json": "cart_nlp/_data/record.schema.json",
}
"""Folder of the checkout -> its place in the wheel."""


def _run(*words, **options):
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=300, check=False, **options
    )
    assert done.returncode == 0, f"{words}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("the wheel is compared with git's list of files; this is no git checkout")
    listed = _run("git", "ls-files", "-z", cwd=ROOT).stdout.split("\0")
    return [name for name in listed if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tracked: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the tracked files, with some beside them that git ignores."""
    source = tmp_path_factory.mktemp("source")
    for name in tracked:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    for stray in ("cart_nlp/__pycache__/stray.pyc", "lexicons/out/stray.csv", "models/cart_base/dist/stray"):
        (source / stray).parent.mkdir(parents=True, exist_ok=True)
        (source / stray).write_text("stray", encoding="utf-8")
    out = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, source)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of a new environment that has the wheel, and borrows its dependencies from this one."""
    home = tmp_path_factory.mktemp("environment")
    _run(sys.executable, "-m", "venv", "--without-pip", home)
    bin_ = home / ("Scripts" if os.name == "nt" else "bin")
    _run(
        sys.executable, "-m", "pip", "--python", bin_ / "python", "install", "--no-deps", "--no-index", wheel
    )
    (site,) = home.glob("[Ll]ib/**/site-packages")
    # A path named in a .pth file is searched, but its own .pth files are not read: the checkout that is
    # installed here for development stays out of sight.
    packages = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (site / "borrowed.pth").write_text("\n".join(packages), encoding="utf-8")
    return bin_


def test_wheel_holds_what_git_tracks_and_nothing_else(wheel, tracked):
    expected = {
        place + name.removeprefix(home)
        for name in tracked
        for home, place in HOMES.items()
        if name.startswith(home) and not (home == "benchmarks/gold/" and name.endswith(".py"))
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert sorted(held) == sorted(expected)


@pytest.mark.parametrize(
    "name",
    [
        "cart_nlp/py.typed",
        "cart_nlp/pages/templates/report.html.j2",
        "cart_nlp/_data/lexicons/antigens.csv",
        "cart_nlp/_data/models/cart_base/config.cfg",
        "cart_nlp/_data/gold/trials.jsonl",
        "cart_nlp/_data/results/unseen.json",
        "cart_nlp/_data/sample/trials.jsonl",
        "cart_nlp/_data/results/first-looks.json",
    ],
)
def test_wheel_holds_typing_mark_templates_and_data(wheel, name):
    with zipfile.ZipFile(wheel) as archive:
        assert name in archive.namelist()


def test_wheel_says_its_license_command_and_components(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (points,) = (n for n in archive.namelist() if n.endswith(".dist-info/entry_points.txt"))
        text = archive.read(points).decode()
        modules = {name.removesuffix(".py").replace("/", ".") for name in archive.namelist()}
        assert any(n.endswith("/licenses/LICENSE") for n in archive.namelist())
    assert "cart-nlp = cart_nlp.cli:main" in text
    targets = {line.split("=")[1].split(":")[0].strip() for line in text.splitlines() if "=" in line}
    assert "cart_nlp.components.terms" in targets
    assert targets - {"cart_nlp.cli"} <= modules


def test_installed_wheel_tags_a_file_in_another_folder(installed, tmp_path):
    trials = [
        {
            "id": "NCT90000001",
            "brief_title": "Tandem CD19/CD22 CAR-T Cells in Adults With B-ALL",
            "brief_summary": "Autologous T cells carry one receptor with two binders and a 4-1BB domain.",
        },
        {
            "id": "NCT90000002",
            "brief_title": "Timing of cART in Tuberculosis",
            "brief_summary": "Combination antiretroviral therapy starts after two or eight weeks.",
        },
    ]
    lines = [json.dumps(trial) for trial in trials]
    (tmp_path / "two.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    at = {"cwd": tmp_path, "env": environment}

    where = _run(installed / "python", "-c", "import cart_nlp; print(cart_nlp.__file__)", **at).stdout
    assert Path(where.strip()).is_relative_to(installed.parent)
    said = _run(installed / "cart-nlp", "tag", "two.jsonl", "-o", "records.jsonl", "--all", **at).stderr
    assert "2 read = 0 screened out + 2 written + 0 rejected" in said

    first, second = (
        json.loads(line) for line in (tmp_path / "records.jsonl").read_text("utf-8").splitlines()
    )
    assert (first["trial_id"], first["car_trial"]) == ("NCT90000001", "product")
    assert first["constructs"] == [
        {
            "targets": ["CD19", "CD22"],
            "format": "tandem",
            "basis": "text",
            "products": [],
            "costim": ["4-1BB"],
        }
    ]
    assert {(e["value"], e["section"], e["start"], e["end"]) for e in first["evidence"]} >= {
        ("CD19", "brief_title", 7, 11),
        ("CD22", "brief_title", 12, 16),
    }
    assert (second["trial_id"], second["car_trial"], second["targets"]) == ("NCT90000002", "no", [])
