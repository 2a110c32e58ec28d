"""Arguments: what people give to the mathematics, checked once, where they give it.

BLAS and the compiled pass take sizes on trust: they would read an array that is too short beyond its end.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def array(name: str, values: Any, *shape: int | str) -> NDArray[np.float64]:
    """Finite numbers in float64 and C's order; `shape` has a letter for each dimension of any size."""
    try:
        given = np.asarray(values)
        # A conversion would take words for numbers, and drop the half of complex ones.
        found = np.asarray(given, dtype=np.float64, order="C") if given.dtype.kind in "biufO" else None
    except (TypeError, ValueError, OverflowError):
        found = None
    if found is None or np.ma.is_masked(values):
        raise ValueError(f"{name} is no array of real numbers; one of shape {_shape(shape)} is wanted")
    if len(shape) != found.ndim or any(isinstance(m, int) and m != n for m, n in zip(shape, found.shape, strict=True)):
        raise ValueError(f"{name} has shape {found.shape}; {_shape(shape)} is wanted")
    if not np.isfinite(found).all():
        raise ValueError(f"{name} holds NaN or infinity; finite numbers are wanted")
    return found


def observations(X: Any, y: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows X (N, d) and their targets y (N,), N >= 1."""
    X = array("X", X, "N", "d")
    if not len(X):
        raise ValueError(f"X has shape {X.shape}; (N, d), N >= 1, is wanted")
    return X, array("y", y, len(X))


def integer(name: str, value: Any, least: int = 0, most: float = math.inf) -> int:
    """A whole number."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
        span = f"{least} or more" if math.isinf(most) else f"{least} to {most}"
        raise ValueError(f"{name} is {value!r}; an integer, {span}, is wanted")
    return int(value)


def number(name: str, value: Any, *, above_0: bool = False) -> float:
    """A finite number, 0 or more."""
    real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    try:
        found = float(value) if real else math.nan
    except OverflowError:  # an integer of Python's beyond float64
        found = math.inf
    if not 0 <= found < math.inf or (above_0 and not found):
        raise ValueError(f"{name} is {value!r}; a finite number{' above 0' if above_0 else ', 0 or more,'} is wanted")
    return found


def require_bounds(name: str, pair: Any) -> None:
    """The least and the greatest value of what is above 0."""
    low, high = array(f"the bounds of {name}", pair, 2)
    if not 0 < low < high:
        raise ValueError(f"the bounds of {name} are {pair!r}; two numbers above 0, the least first, are wanted")


def among(name: str, values: Sequence[Any], choices: Sequence[str]) -> None:
    """Words of which each is one of the choices."""
    unknown = [value for value in values if value not in choices]
    if unknown:
        raise ValueError(f"{name} is {unknown[0]!r}; one of {', '.join(map(repr, choices))} is wanted")


def _shape(shape: tuple[int | str, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
