"""Normalised inputs: rows of R^d divided by their lengths, beside a power of these."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.compiled.passes import COLUMNS, STRIP

# Unit rows whose squared distance is below this are multiples of one row: division by lengths rounds no further.
SAME = (4 * np.finfo(np.float64).eps) ** 2


class LengthError(ValueError):
    """Some rows have no direction or no finite covariance, because of their lengths.

    Attributes:
        rows: indices of these rows, from 0.
        reason: the rest of the sentence "row ...".
    """

    def __init__(self, rows: NDArray[np.bool_], reason: str) -> None:
        self.rows: list[int] = np.flatnonzero(rows).tolist()
        self.reason = reason
        super().__init__(f"row {self.rows[0]} {reason}")


@dataclass(frozen=True, eq=False)
class NormalisedInputs:
    """N rows as the arc-cosine kernel sees them.

    Attributes:
        unit: (N, width) unit rows, padded with zeros to a multiple of COLUMNS columns; float64 or float32.
        scale: (N,) the rows' lengths to the kernel's power p, factors of their covariances.
        width: number of columns without the padding: d, or d + 1 with a bias.
    """

    unit: NDArray[Any]
    scale: Array
    width: int

    def __len__(self) -> int:
        return len(self.scale)

    @cached_property
    def transposed(self) -> NDArray[Any]:
        """The unit rows as columns, padded with a STRIP of zeros on the right."""
        columns = np.zeros((self.unit.shape[1], len(self) + STRIP), self.unit.dtype)
        columns[:, : len(self)] = self.unit.T
        return columns

    def __getitem__(self, rows: slice | NDArray[np.intp], /) -> "NormalisedInputs":
        return replace(self, unit=self.unit[rows], scale=self.scale[rows])

    def astype(self, dtype: type[np.floating[Any]], /) -> "NormalisedInputs":
        """Unit rows in float64 or float32; the scales stay in double precision."""
        return self if self.unit.dtype == dtype else replace(self, unit=self.unit.astype(dtype))

    def with_repeats_merged(self) -> "NormalisedInputs":
        """Rows with one direction up to rounding become one to the bit: the first in lexicographic order.

        "Equal up to rounding" is not transitive; no such pairs remain among merged rows.
        """
        leaders = []
        for near in self._groups():
            rest = near[np.lexsort(self.unit[near].T)]
            while len(rest):
                leaders.append(rest[0])
                rest = rest[_squared_distances(self.unit[rest], self.unit[rest[0]]) >= SAME]
        if not leaders:
            return self
        return self.merged_with(self[np.sort(leaders)])

    def merged_with(self, others: "NormalisedInputs") -> "NormalisedInputs":
        """Rows equal to one of `others` up to rounding become the nearest of these, to the bit."""
        order, keys = others._different_by_key  # noqa: SLF001  # of the same class
        first = np.searchsorted(keys, self._key - self._slack, side="left")
        last = np.searchsorted(keys, self._key + self._slack, side="right")
        nearest, least = np.full(len(self), -1), np.full(len(self), SAME)
        # One candidate of every row at a time, not one row at a time: most rows have at most one.
        for number in range((last - first).max(initial=0)):
            rows = np.flatnonzero(first + number < last)
            near = order[first[rows] + number]
            squared = _squared_distances(others.unit[near], self.unit[rows])
            nearer = (squared < least[rows]) | ((squared == least[rows]) & (near < nearest[rows]))
            nearest[rows[nearer]], least[rows[nearer]] = near[nearer], squared[nearer]
        unit = self.unit.copy()
        unit[nearest >= 0] = others.unit[nearest[nearest >= 0]]
        return replace(self, unit=unit)

    @cached_property
    def _key(self) -> Array:
        """A projection (N,): near rows have near keys, and few other rows do."""
        return np.asarray(self.unit @ np.cos(np.arange(1.0, self.unit.shape[1] + 1)))

    @cached_property
    def _by_key(self) -> tuple[NDArray[np.intp], Array]:
        """The order of the keys, and the sorted keys."""
        order = np.argsort(self._key, kind="stable")
        return order, self._key[order]

    @cached_property
    def _different_by_key(self) -> tuple[NDArray[np.intp], Array]:
        """`_by_key` without rows equal to the one before them."""
        order, keys = self._by_key
        beside = 1 + np.flatnonzero(np.diff(keys) <= self._slack)
        equal = beside[(self.unit[order[beside]] == self.unit[order[beside - 1]]).all(axis=1)]
        return np.delete(order, equal), np.delete(keys, equal)

    @property
    def _slack(self) -> float:
        """The largest difference between keys of rows at a squared distance of SAME."""
        return float(4 * (4 + self.unit.shape[1]) * np.finfo(np.float64).eps)

    def _groups(self) -> Iterator[NDArray[np.intp]]:
        """Groups of two or more rows with neighbouring keys, as indices."""
        order, keys = self._by_key
        ends = np.append(np.flatnonzero(np.diff(keys) > self._slack) + 1, len(keys))
        starts = np.append(0, ends[:-1])
        large = ends - starts > 1
        return (order[start:end] for start, end in zip(starts[large], ends[large], strict=True))


def measured(X: Array, bias: float) -> tuple[Array, Array, NDArray[np.intc]]:
    """Rows (N, d) with the bias appended, scaled so that their squares neither overflow nor underflow.

    Returns:
        Rows divided exactly by powers of 2, the lengths (N,) of these, and the exponents (N,) of the powers.
    """
    if bias > 0.0:
        X = np.column_stack([X, np.full(len(X), bias)])
    _, exponents = np.frexp(np.abs(X).max(axis=1, initial=0.0))
    scaled = np.ldexp(X, -exponents[:, None])
    return scaled, np.linalg.norm(scaled, axis=1), exponents


def normalised(X: Array, bias: float, power: float, variance: float) -> NormalisedInputs:
    """Rows X (N, d) with the bias appended, divided by their lengths.

    Args:
        X: rows (N, d).
        bias: a constant >= 0; 0 appends nothing.
        power: p >= 0, exponent of the lengths in the covariance.
        variance: prior variance of a unit row; with it no covariance may overflow.

    Raises:
        LengthError: a row has length zero and p is 0, or is so long that its covariance overflows.
    """
    scaled, lengths, exponents = measured(X, bias)
    zero = lengths == 0.0
    if power == 0.0 and zero.any():
        raise LengthError(
            zero, "has length zero, and so no direction on the sphere: leave it out, or train with a bias above 0"
        )
    with np.errstate(over="ignore"):
        scale = np.ldexp(lengths, exponents) ** power
        infinite = ~np.isfinite(variance * scale**2)
    if infinite.any():
        overflow = f"is so long that its length to the power {2 * power:g} overflows"
        raise LengthError(infinite, f"{overflow}: train with a lower degree, or standardise")
    width = scaled.shape[1]
    unit = np.zeros((len(scaled), -(-width // COLUMNS) * COLUMNS))
    # With p > 0, a row of length zero has covariance 0 with all rows; any direction will do.
    unit[:, :width] = scaled / np.where(zero, 1.0, lengths)[:, None]
    return NormalisedInputs(unit, scale, width)


def _squared_distances(A: Array, b: Array) -> Array:
    difference = A - b
    return np.asarray(np.einsum("nd,nd->n", difference, difference))
