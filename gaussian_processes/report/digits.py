"""Digits: a number for people, and those of a column with their decimals in common."""

import math
from collections.abc import Sequence

from gaussian_processes.report.quantities import number


def aligned(values: Sequence[float], digits: int = 6) -> list[str]:
    """With so many digits for the smallest, or each by itself where their sizes have little in common."""
    sizes = [abs(value) for value in values if value]
    if not sizes or all(value.is_integer() for value in sizes):
        return [plain(value, digits) for value in values]
    first, last = (math.floor(math.log10(size)) for size in (max(sizes), min(sizes)))
    if first - last >= digits or not -4 <= last <= first < digits:
        return [plain(value, digits) for value in values]
    decimals = max(0, min(digits - 1 - last, digits + 1 - first))
    return [f"{value:,.{decimals}f}".replace("-", "−") for value in values]


def plain(value: float, digits: int = 6) -> str:
    """A number by itself, with so many digits at most, and no zeros at its end."""
    if abs(value) >= 1e6 and digits < 6:
        return f"{value:.{digits}g}".replace("-", "−")
    return number(float(f"{value:.{digits}g}") if abs(value) < 1e300 else value).replace("-", "−")
