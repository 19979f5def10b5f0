"""Readers of JSON, XML and tables, which find the registry that a record is of."""
