# ruff: noqa: E501  (sample records stand on one line)
"""Every regular expression of the readers runs in linear time, or is given short text only."""

from __future__ import annotations

import importlib
import pkgutil
import re
import signal

import cart_nlp.registries as package

ATTACKS = [" ", "\t\n", "a", "1", "-", "(", "<br", "&", '"', "\\", "I", ":", "2019-", "NCT0", "ChiCTR-AB-", "年", "<p ",
           ". ", "Phase ", '{"', "GmbH ", "=", "[", "<?xml ", "a.", "iv", "\n  ", "20190", "IRCT1"]  # fmt: skip


def _patterns() -> list[tuple[str, re.Pattern]]:
    found: list[tuple[str, re.Pattern]] = []

    def collect(name: str, value: object) -> None:
        if isinstance(value, re.Pattern):
            found.append((name, value))
        elif isinstance(value, tuple | list):
            for at, each in enumerate(value):
                collect(f"{name}[{at}]", each)

    for module in pkgutil.iter_modules(package.__path__):
        loaded = importlib.import_module(f"{package.__name__}.{module.name}")
        for name, value in vars(loaded).items():
            collect(f"{module.name}.{name}", value)
    return found


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
    assert len(_patterns()) > 40
