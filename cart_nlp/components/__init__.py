"""One spaCy factory a module."""
