"""What holds for all tests: those of real registry text are skipped, saying so, where it is absent."""

import os
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
