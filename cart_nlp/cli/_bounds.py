"""The largest numbers that options take: far beyond what anybody means, and what the work behind them bears.

JSON holds whole numbers of 64 bits, and the clock of some systems as few seconds.
"""

from __future__ import annotations

MOST = 1_000_000_000
"""Records, trials or studies that may be asked for: no registry has so many."""
DAY = 86_400
"""Seconds that may be asked for."""
