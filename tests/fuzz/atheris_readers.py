# ruff: noqa: E501  (sample records stand on one line)
"""Coverage-guided fuzzing of the readers: `pip install atheris; python atheris_readers.py [FOLDER] -runs=100000`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["cart_nlp.registries"]):
    from checks import check_readers


def one_input(data: bytes) -> None:
    """The first byte chooses the size of the chunks, the rest is the input."""
    if data:
        check_readers(data[1:], (1, 7, 100, 1 << 16)[data[0] % 4])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
