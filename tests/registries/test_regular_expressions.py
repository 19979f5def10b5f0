# ruff: noqa: E501  (sample records stand on one line)
"""Every regular expression that meets text of others runs in linear time, or is given short text only."""

from __future__ import annotations

import importlib
import pkgutil
import re
import signal
import time
from collections.abc import Iterator

import pytest

import cart_nlp

ATTACKS = [" ", "\t\n", "a", "1", "-", "(", "<br", "&", '"', "\\", "I", ":", "2019-", "NCT0", "ChiCTR-AB-", "年", "<p ",
           ". ", "Phase ", '{"', "GmbH ", "=", "[", "<?xml ", "a.", "iv", "\n  ", "20190", "IRCT1",
           "cd19/", "car-", "19-28z ", "t-", "anti-", "and ", "19, ", "4scar", ") (", "1.2", "α-"]  # fmt: skip
PARTS = ("registries", "components", "signals", "text", "conditions", "population", "ontology", "disease_names",
         "vocabulary", "assembly", "followup", "search", "screening", "pages", "writers", "console", "curation", "records",
         "readback", "evaluation", "reviewing", "viewer", "reasons", "fetch", "searches", "batch", "engines", "outputs",
         "markup", "differences", "suggest", "lookup", "lexicon", "cells", "lint", "api", "terminal", "rules", "token_patterns",
         "pipeline", "cli", "dictionary", "needles", "short_forms", "kept", "schema", "places")  # fmt: skip


GIVEN_LITTLE = {
    "cart_nlp.signals.numbers._LETTERS": "looks at the twelve characters before a CAR word",
    "cart_nlp.curation.why_doubted._PRODUCT_ROW": "matches at the start of a row's own name alone",
    "cart_nlp.lint.rules._HEAD": "matches at the start of a line alone",
    "cart_nlp.disease_names._CANCER": "matches a whole name of the lexicons",
    "cart_nlp.suggest._NUMBERED": "matches a code, of two dozen characters at most",
    "cart_nlp.vocabulary._WORD_LEFT": "looks at the twelve characters before a word",
}
"""Pattern that is not linear on its own -> why it need not be."""


def _patterns() -> list[tuple[str, re.Pattern]]:
    found: list[tuple[str, re.Pattern]] = []

    def collect(name: str, value: object) -> None:
        if isinstance(value, re.Pattern):
            found.append((name, value))
        elif isinstance(value, tuple | list):
            for at, each in enumerate(value):
                collect(f"{name}[{at}]", each)

    for module in pkgutil.walk_packages(cart_nlp.__path__, "cart_nlp."):
        if module.name.split(".")[1] in PARTS:
            for name, value in vars(importlib.import_module(module.name)).items():
                if f"{module.name}.{name}" not in GIVEN_LITTLE:
                    collect(f"{module.name}.{name}", value)
    return list({pattern: (name, pattern) for name, pattern in found}.values())


class _TooSlow(Exception):
    pass


def _seconds(pattern: re.Pattern, text: str) -> float:
    """Processor seconds, the least of three: what else the machine does is not counted."""
    subject = text.encode() if isinstance(pattern.pattern, bytes) else text

    def once() -> float:
        start = time.process_time()
        for _ in pattern.finditer(subject):
            pass
        return time.process_time() - start

    return min(once() for _ in range(3))


def _explodes(pattern: re.Pattern, attack: str) -> bool:
    """Whether four times the text takes more than eight times as long: linear takes 4, quadratic 16 times.

    What 8,000 characters keep busy for less than 20 ms has no say: linear patterns take 2 ms.
    """
    short, long = (attack * (size // len(attack)) + "!" for size in (2000, 8000))
    signal.setitimer(signal.ITIMER_VIRTUAL, 2)
    try:
        return (spent := _seconds(pattern, long)) > 0.02 and spent > 8 * _seconds(pattern, short)
    except _TooSlow:
        return True
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


@pytest.fixture
def alarm() -> Iterator[None]:
    """A pattern that takes exponential time is stopped."""

    def stop(*_: object) -> None:
        raise _TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    yield
    signal.signal(signal.SIGVTALRM, before)


@pytest.mark.usefixtures("alarm")
def test_time_does_not_explode() -> None:
    assert [
        (name, attack) for name, pattern in _patterns() for attack in ATTACKS if _explodes(pattern, attack)
    ] == []


@pytest.mark.parametrize("expression", [r"(a+)+b", r"a+$", r"(?:a|aa)+b"])
@pytest.mark.usefixtures("alarm")
def test_a_pattern_that_explodes_is_seen(expression: str) -> None:
    assert _explodes(re.compile(expression), "a")


def test_patterns_are_found() -> None:
    names = {name.split(".")[1] for name, _ in _patterns()}
    assert len(_patterns()) > 100 and {"registries", "components", "signals", "text", "conditions"} <= names
