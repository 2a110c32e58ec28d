"""Arguments: checks at the public functions of `gp/`. BLAS and the compiled passes would read beyond short arrays."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray


def array(name: str, values: Any, *shape: int | str) -> NDArray[np.float64]:
    """`values` as a finite float64 array in C's order. A letter in `shape` stands for a dimension of any size."""
    wanted = str(shape).replace("'", "")
    try:
        given = np.asarray(values)
        # A plain conversion would parse strings and drop imaginary parts.
        found = np.asarray(given, dtype=np.float64, order="C") if given.dtype.kind in "biufO" else None
    except (TypeError, ValueError, OverflowError):
        found = None
    if found is None or np.ma.is_masked(values):
        raise ValueError(f"{name} is no array of real numbers; one of shape {wanted} is wanted")
    if found.ndim != len(shape) or any(m not in (n, str(m)) for m, n in zip(shape, found.shape, strict=True)):
        raise ValueError(f"{name} has shape {found.shape}; {wanted} is wanted")
    if not np.isfinite(found).all():
        raise ValueError(f"{name} holds NaN or infinity; finite numbers are wanted")
    return found


def observations(X: Any, y: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """X (N, d) and y (N,), N >= 1, as `array`."""
    X = array("X", X, "N", "d")
    if not len(X):
        raise ValueError(f"X has shape {X.shape}; (N, d), N >= 1, is wanted")
    return X, array("y", y, len(X))


def integer(name: str, value: Any, least: int = 0, most: float = math.inf) -> int:
    """An integer from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
        span = f"{least} or more" if math.isinf(most) else f"{least} to {most}"
        raise ValueError(f"{name} is {value!r}; an integer, {span}, is wanted")
    return int(value)


def number(name: str, value: Any, *, above_0: bool = False) -> float:
    """A finite number, 0 or more."""
    found = math.nan
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        with suppress(OverflowError):  # Python's integers have no limit
            found = float(value)
    if not 0 <= found < math.inf or (above_0 and not found):
        raise ValueError(f"{name} is {value!r}; a finite number{' above 0' if above_0 else ', 0 or more,'} is wanted")
    return found


def require_bounds(bounds: Mapping[Any, Any], names: Sequence[str]) -> None:
    """Raise ValueError unless each bound is of one of the names and is a pair 0 < low < high."""
    among("a name in bounds", list(bounds), names)
    for name, pair in bounds.items():
        low, high = array(f"the bounds of {name}", pair, 2)
        if not 0 < low < high:
            raise ValueError(f"the bounds of {name} are {pair!r}; two numbers above 0, the least first, are wanted")


def among(name: str, values: Sequence[Any], choices: Sequence[str]) -> None:
    """Raise ValueError unless each value is one of the choices."""
    for value in values:
        if value not in choices:
            raise ValueError(f"{name} is {value!r}; one of {', '.join(map(repr, choices))} is wanted")
