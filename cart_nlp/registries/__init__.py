"""Readers of registry dumps, one a format."""
