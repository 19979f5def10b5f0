"""Intervals of counts and of growth."""

from __future__ import annotations


def poisson(n: int, scale: float = 1.0) -> tuple[float, float]:
    """Exact 95 % interval of a count (scipy), times a scale."""
    from scipy.stats import chi2

    low = float(chi2.ppf(0.025, 2 * n)) / 2 if n else 0.0
    return round(low * scale, 2), round(float(chi2.ppf(0.975, 2 * n + 2)) / 2 * scale, 2)


def growth_interval(
    before: int, after: int, first: float, second: float
) -> tuple[float, float, float] | None:
    """Growth of a rate in percent with its 95 % interval (log of the ratio of two Poisson rates)."""
    import math

    if not before or not after or not first or not second:
        return None
    ratio = (after / second) / (before / first)
    half = 1.959964 * math.sqrt(1 / before + 1 / after)
    return tuple(round(100 * (ratio * math.exp(sign * half) - 1), 2) for sign in (0, -1, 1))  # type: ignore[return-value]
