"""Places: where in its range a value lies, from 0 to 1 on its scale, and what lies there."""

import math
from typing import Any

from optuna.distributions import CategoricalDistribution, IntDistribution


def place_of(one: Any, value: float) -> float:
    """Where in its range, from 0 to 1, on its scale."""
    low, high = _bounds(one)
    if low == high:
        return 0.5
    return math.log(value / low) / math.log(high / low) if one.log else (value - low) / (high - low)


def value_at(one: Any, fraction: float) -> Any:
    """What lies there."""
    if isinstance(one, CategoricalDistribution):
        return one.choices[int(fraction * len(one.choices))]
    low, high = _bounds(one)
    value = low * math.exp(fraction * math.log(high / low)) if one.log else low + fraction * (high - low)
    value = min(max(value, one.low), one.high)
    return round(value) if isinstance(one, IntDistribution) else value


def _bounds(one: Any) -> tuple[float, float]:
    """Of a whole number, such that those at the ends are as likely as any other."""
    return (one.low - 0.5, one.high + 0.5) if isinstance(one, IntDistribution) else (one.low, one.high)
