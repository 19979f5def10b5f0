"""The made records of landscape_data as fixtures of every test here."""

from landscape_data import df, found, options, records, records_file

__all__ = ["df", "found", "options", "records", "records_file"]
