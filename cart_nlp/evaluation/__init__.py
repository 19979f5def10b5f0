"""Scores of records against gold labels, and the exchange of both with annotation tools."""
