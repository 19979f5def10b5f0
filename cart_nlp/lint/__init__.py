"""Faults in lexicons as `file:line: message`, and their canonical order."""

from cart_nlp.lint.faults import Fault
from cart_nlp.lint.folders import check, fix

__all__ = ["Fault", "check", "fix"]
