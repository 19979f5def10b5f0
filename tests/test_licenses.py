"""The pages of licences and of advisories speak of the releases that are pinned."""

from __future__ import annotations

import importlib.util
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
_SPEC = importlib.util.spec_from_file_location("licenses", ROOT / ".ci" / "licenses.py")
licenses = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(licenses)
ROWS = re.findall(r"^\| (\S+) \| (\S+) \| (.+?) \| (.+?) \|$", licenses.PAGE.read_text("utf-8"), re.M)


def test_every_pin_has_its_row_and_a_licence() -> None:
    assert [(name, release) for name, release, *_ in ROWS[1:]] == list(licenses.pins().items())
    assert [row for row in ROWS if row[2] == "not stated"] == [
        ("pybrat", "0.1.7", "not stated", "development")
    ]


def test_the_page_is_what_the_packages_state() -> None:
    try:
        other = {name: release for name, release in licenses.pins().items() if version(name) != release}
    except PackageNotFoundError as missing:
        pytest.skip(f"not every pinned package is installed: {missing}")
    if other:
        pytest.skip(f"other releases than the pinned ones are installed: {', '.join(other)}")
    assert licenses.PAGE.read_text("utf-8") == licenses.page()


def test_the_audit_speaks_of_the_pinned_releases() -> None:
    """A new pin has to be looked up: `make audit`."""
    page = (ROOT / "docs" / "reference" / "dependency-audit.md").read_text("utf-8")
    rows = re.findall(r"^\| ([\w-]+) \| (\d[^ |]*) \| (\S+)", page, re.M)
    assert [(name, release) for name, release, _ in rows if licenses.pins()[name] != release] == []
    first = [int(count) for _, _, count in rows if count.isdigit()]
    pins = len(licenses.pins())
    assert (
        f"{pins} pins: {pins - len(first)} have no advisory on record, {len(first)} have {sum(first)}" in page
    )
