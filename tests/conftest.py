"""What holds for all tests: those of real registry text are skipped, saying so, where it is absent."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"


def pytest_configure(config: pytest.Config) -> None:
    # What is kept of compiled lexicons stays in the checkout, for the programs that tests start as well.
    if hasattr(config, "cache"):
        os.environ["CART_NLP_CACHE"] = str(config.cache.mkdir("compiled"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CORPUS.is_dir():
        return
    absent = pytest.mark.skip(reason="no real registry text here: ../shared/corpus is absent")
    for item in items:
        if item.get_closest_marker("corpus"):
            item.add_marker(absent)


@pytest.fixture
def in_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., SimpleNamespace]:
    """A command in this process: exit code, standard output and error."""
    from cart_nlp.cli import main

    def called(*words: object) -> SimpleNamespace:
        monkeypatch.setattr(sys, "argv", ["cart-nlp", *map(str, words)])
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        else:
            code = 0
        said = capsys.readouterr()
        return SimpleNamespace(returncode=code, stdout=said.out, stderr=said.err)

    return called


@pytest.fixture(scope="session")
def car_records(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """What `cart-nlp tag` writes of all CAR trials and neighbors, and what it says.

    Made once, whichever process of a run with several is the first to need it.
    """
    fcntl = pytest.importorskip("fcntl")
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    out, said = folder / "car-records.jsonl", folder / "car-records.txt"
    with (folder / "car-records.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            command = [sys.executable, "-m", "cart_nlp", "tag", CORPUS / "car-trials.jsonl.gz", "-o", out]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
            assert done.returncode == 0, done.stderr
            said.write_text(done.stderr, "utf-8")
    return out, said.read_text("utf-8")
