"""What holds for all tests: those of real registry text are skipped, saying so, where it is absent."""

from pathlib import Path

import pytest

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CORPUS.is_dir():
        return
    absent = pytest.mark.skip(reason="no real registry text here: ../shared/corpus is absent")
    for item in items:
        if item.get_closest_marker("corpus"):
            item.add_marker(absent)
