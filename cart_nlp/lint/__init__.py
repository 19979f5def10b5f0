"""Faults in lexicons as `file:line: message`, and their canonical order."""

from cart_nlp.lint.diseases import ReferenceFault, read_reference
from cart_nlp.lint.faults import Fault
from cart_nlp.lint.folders import check, fix

__all__ = ["Fault", "ReferenceFault", "check", "fix", "read_reference"]
