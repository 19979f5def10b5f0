# ruff: noqa: E501  (sample records stand on one line)
"""Coverage-guided fuzzing of `tag(text)`: `pip install atheris; python atheris_tag.py [FOLDER] -runs=10000`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["cart_nlp"]):
    import cart_nlp
    from cart_nlp.schema import Trial


def one_input(data: bytes) -> None:
    """Any text is tagged, and evidence slices to its words."""
    source = atheris.FuzzedDataProvider(data)
    sections = {
        "brief_title": source.ConsumeUnicodeNoSurrogates(200),
        "brief_summary": source.ConsumeUnicodeNoSurrogates(2000),
    }
    record = cart_nlp.tag(Trial(id="X", sections=sections))
    for each in record.evidence:
        if each.basis == "text":
            assert sections[each.section][each.start : each.end] == each.text


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
