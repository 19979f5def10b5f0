# ruff: noqa: E501  (sample records stand on one line)
"""Every regular expression that meets text of others runs in linear time, or is given short text only."""

from __future__ import annotations

import importlib
import pkgutil
import re
import signal

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


def _is_slow(pattern: re.Pattern, text: str) -> bool:
    """Whether 8,000 characters keep a pattern busy for more than half a second; linear ones take 2 ms."""
    subject = text.encode() if isinstance(pattern.pattern, bytes) else text
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        for _ in pattern.finditer(subject):
            pass
    except _TooSlow:
        return True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return False


def test_time_does_not_explode() -> None:
    def stop(*_: object) -> None:
        raise _TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    try:
        slow = [
            (name, attack)
            for name, pattern in _patterns()
            for attack in ATTACKS
            if _is_slow(pattern, attack * (8000 // len(attack)) + "!")
        ]
    finally:
        signal.signal(signal.SIGALRM, before)
    assert slow == []


def test_patterns_are_found() -> None:
    names = {name.split(".")[1] for name, _ in _patterns()}
    assert len(_patterns()) > 100 and {"registries", "components", "signals", "text", "conditions"} <= names
