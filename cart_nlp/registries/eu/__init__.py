"""The two registers of the EU: CTIS, and EUCTR before it."""
