"""A name or an export that is four times as long takes four times as long to read, whatever it repeats."""

import time

import pytest

from cart_nlp.landscape.exports import Entry, entries
from cart_nlp.landscape.organizations import kind
from cart_nlp.landscape.publications import PROTOCOL, RESULTS, grade
from cart_nlp.landscape.sponsors import normal

MOST = 8
"""Times as long at four times the size: linear is 4, quadratic 16; a busy machine takes its part."""


def grows(work, made, size):
    """How many times as long it takes at four times the size; once more where the machine was busy."""

    def took(text):
        began = time.process_time()
        work(text)
        return time.process_time() - began

    ratios = []
    for _ in range(3):
        ratios.append(took(made(4 * size)) / min(took(made(size)), took(made(size))))
        if ratios[-1] <= MOST:
            break
    return min(ratios)


@pytest.mark.parametrize("piece", ["(", "(a", "()", " ", ", ", "a ", "A. ", "bio-", "university "])
def test_sponsors(piece):
    for work in (normal, kind, lambda name: kind(name, "OTHER")):
        assert grows(work, lambda size: "U" + piece * (size // len(piece)), 6_000) <= MOST


@pytest.mark.parametrize(
    "last, expected", [("protocol", PROTOCOL), ("", RESULTS), ("protocol, controlled trial", PROTOCOL)]
)
def test_types_of_publications(last, expected):
    def graded(words):
        return grade(Entry("1", types=("Clinical Trial Protocol",) * (expected == PROTOCOL) + (words,)))

    assert graded(f"clinical trial {last}") == expected
    assert grows(graded, lambda size: "clinical trial " * (size // 15) + last, 60_000) <= MOST


def test_lines_of_an_abstract(tmp_path):
    path = tmp_path / "pubmed.txt"

    def read(text):
        path.write_text(text)
        return entries(path)

    found = read("PMID- 1\nTI  - One\n      two\nAB  - three\n\n      four\nAU  - A\nAU  - B\n")
    assert [(one.title, one.abstract) for one in found] == [("One two", "three four")]
    made = lambda size: "PMID- 1\nAB  - x\n" + "      abcdefghij\n" * (size // 17)  # noqa: E731
    assert grows(read, made, 700_000) <= MOST
