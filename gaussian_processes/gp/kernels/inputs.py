"""Directions: rows of R^d on the unit sphere, and what is left of their lengths."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.compiled.passes import COLUMNS, STRIP

# Unit rows that differ by less, squared, are multiples of one row: dividing those by their lengths rounds no further.
SAME = (4 * np.finfo(np.float64).eps) ** 2


class LengthError(ValueError):
    """Rows whose length leaves them without a direction or without a finite covariance.

    Attributes:
        rows: their indices, from 0.
        reason: the rest of the sentence, after "row ...".
    """

    def __init__(self, rows: NDArray[np.bool_], reason: str) -> None:
        self.rows: list[int] = np.flatnonzero(rows).tolist()
        self.reason = reason
        super().__init__(f"row {self.rows[0]} {reason}")


@dataclass(frozen=True, eq=False)
class Directions:
    """Rows as the kernel sees them.

    Attributes:
        unit: (N, d) unit rows, d filled up with zeros to a multiple of COLUMNS; float64 or float32.
        scale: (N,) their lengths to the kernel's power: what multiplies a row's covariances.
    """

    unit: NDArray[Any]
    scale: NDArray[Any]

    def __len__(self) -> int:
        return len(self.scale)

    @cached_property
    def transposed(self) -> NDArray[Any]:
        """(d, N) unit rows as columns, N filled up with zeros by a STRIP."""
        columns = np.zeros((self.unit.shape[1], len(self) + STRIP), self.unit.dtype)
        columns[:, : len(self)] = self.unit.T
        return columns

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> "Directions":
        return Directions(self.unit[rows], self.scale[rows])

    def single(self) -> "Directions":
        """In single precision."""
        return Directions(self.unit.astype(np.float32), self.scale.astype(np.float32))

    def with_repeats_merged(self) -> "Directions":
        """Rows that are one direction to rounding become one to the bit: the first of them in lexicographic order.

        "Equal to rounding" does not pass from pair to pair; merged rows leave no such pairs.
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

    def merged_with(self, others: "Directions") -> "Directions":
        """Rows that are one of `others` to rounding become the nearest of them to the bit."""
        order, keys = others._different_by_key  # noqa: SLF001  # of the same class
        first = np.searchsorted(keys, self._key - self._slack, side="left")
        last = np.searchsorted(keys, self._key + self._slack, side="right")
        nearest, least = np.full(len(self), -1), np.full(len(self), SAME)
        # One candidate of every row at a time, and not one row at a time: most rows have one at most.
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
        """A projection (N,): rows that are near have keys that are near, and few others do."""
        return np.asarray(self.unit @ np.cos(np.arange(1.0, self.unit.shape[1] + 1)))

    @cached_property
    def _by_key(self) -> tuple[NDArray[np.intp], Array]:
        """The order of the keys, and the keys in that order."""
        order = np.argsort(self._key, kind="stable")
        return order, self._key[order]

    @cached_property
    def _different_by_key(self) -> tuple[NDArray[np.intp], Array]:
        """The same without rows that are equal to the one before them."""
        order, keys = self._by_key
        beside = 1 + np.flatnonzero(np.diff(keys) <= self._slack)
        equal = beside[(self.unit[order[beside]] == self.unit[order[beside - 1]]).all(axis=1)]
        return np.delete(order, equal), np.delete(keys, equal)

    @property
    def _slack(self) -> float:
        """How far the keys of rows that differ by SAME can be apart."""
        return float(4 * (4 + self.unit.shape[1]) * np.finfo(np.float64).eps)

    def _groups(self) -> Iterator[NDArray[np.intp]]:
        """The indices of rows with neighbouring keys, groups of one left out."""
        order, keys = self._by_key
        ends = np.append(np.flatnonzero(np.diff(keys) > self._slack) + 1, len(keys))
        starts = np.append(0, ends[:-1])
        large = ends - starts > 1
        return (order[start:end] for start, end in zip(starts[large], ends[large], strict=True))


def measured(X: Array, bias: float) -> tuple[Array, Array, NDArray[np.intc]]:
    """Rows (N, d) with the bias appended, as numbers that can be squared.

    Returns:
        Rows divided by powers of 2 (exactly) so that their squares neither overflow nor vanish, the lengths (N,) of
        these, and the exponents (N,) of the powers.
    """
    if bias > 0.0:
        X = np.column_stack([X, np.full(len(X), bias)])
    _, exponents = np.frexp(np.abs(X).max(axis=1, initial=0.0))
    scaled = np.ldexp(X, -exponents[:, None])
    return scaled, np.linalg.norm(scaled, axis=1), exponents


def directions(X: Array, bias: float, power: float, variance: float) -> Directions:
    """The directions of rows X (N, d) with the bias appended, and their lengths to the power.

    Args:
        X: rows (N, d).
        bias: a constant >= 0; 0 appends nothing.
        power: of the lengths, >= 0.
        variance: prior variance of a unit row, with which nothing may overflow.

    Raises:
        LengthError: a row has length zero where its direction is needed (power 0), or is so long that its covariance
            overflows.
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
    unit = np.zeros((len(scaled), -(-scaled.shape[1] // COLUMNS) * COLUMNS))
    # A row of length zero with power > 0 has covariance 0 with everything, whatever direction it is given.
    unit[:, : scaled.shape[1]] = scaled / np.where(zero, 1.0, lengths)[:, None]
    return Directions(unit, scale)


def _squared_distances(A: Array, b: Array) -> Array:
    difference = A - b
    return np.asarray(np.einsum("nd,nd->n", difference, difference))
