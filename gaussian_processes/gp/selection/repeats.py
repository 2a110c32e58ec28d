"""Repeats: rows that stand more than once in a table, exactly or nearly.

Two rows that agree in features and target say that there is no noise, and a rough kernel believes them: the evidence grows
without end as sigma2 falls, whatever all other rows say. Rows that agree in their features alone are honest replicates:
their targets say how large the noise is.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from gaussian_processes.gp.arrays import Array

# Targets agree that differ by no more than a part of their standard deviation.
AGREE = 0.02
# A distance is near if by chance at most this part of all rows had a neighbour within it; or if EXCESS times as many rows
# have one as chance would give.
CHANCE, EXCESS = 1e-4, 10.0
# Part of the rows that is left at least: a table that stands twice or three times is recognised.
LEFT = 0.3
# Dimensions that rows seem to fill, at most: neighbours on a grid are all as far away.
DIMENSIONS = 20.0
# Neighbours of a row that are looked at: a larger group is a chain of them.
NEIGHBOURS = 8


def distinct(X: Array, y: Array) -> NDArray[np.intp]:
    """The rows to learn the noise from: the first of each group of rows that agree in features and target.

    Rows that agree nearly are a group only where enough of all rows are left: else it is the table's design that its rows
    are close, and not an accident.

    Args:
        X: rows (N, d).
        y: targets (N,).

    Returns:
        Row numbers, ascending (M,).
    """
    _, exact = np.unique(np.column_stack([X, y]), axis=0, return_index=True)
    exact = np.sort(exact)
    near = exact[_apart(X[exact], y[exact])]
    return near if len(near) >= LEFT * len(exact) else exact


def _apart(X: Array, y: Array) -> NDArray[np.intp]:
    """The first row of each group of near rows."""
    with np.errstate(over="ignore"):
        spread, agreement = np.std(X, axis=0), AGREE * np.std(y)
    varies = np.isfinite(spread) & (spread > 0.0)
    Z = X[:, varies] / spread[varies]
    different = np.unique(Z, axis=0)
    if len(different) <= NEIGHBOURS or not np.isfinite(agreement):
        return np.arange(len(y))
    distances, neighbours = _neighbours(Z)
    agree = np.abs(y[neighbours] - y[:, None]) <= agreement
    by_chance = max(float(agree[:, 4:].mean()), 1.0 / len(y))
    agree &= neighbours != np.arange(len(y))[:, None]
    rows, columns = np.nonzero(agree & (distances <= _radius(different, np.where(agree, distances, np.inf), by_chance)))
    edges = coo_array((np.ones(len(rows)), (rows, neighbours[rows, columns])), shape=(len(y), len(y)))
    _, group = connected_components(edges, directed=False)
    return np.sort(np.unique(group, return_index=True)[1])


def _neighbours(Z: Array) -> Any:
    """Distances to a row's nearest rows, itself among them, and their numbers: two arrays (N, NEIGHBOURS + 1)."""
    return KDTree(Z, balanced_tree=False).query(Z, NEIGHBOURS + 1, p=np.inf)


def _radius(different: Array, agreeing: Array, by_chance: float) -> float:
    """Within which rows that agree in their targets are near; below zero where none are.

    Rows that fill D dimensions have n neighbours within a distance that grows as n^(1/D). The fourth and the eighth say
    what D is, since nearer ones may be copies, and so how many would be within any distance by chance.

    Args:
        different: rows, all different (M, d).
        agreeing: distances to neighbours whose targets agree (N, k), and infinity.
        by_chance: part of the neighbours whose targets agree.
    """
    fourth, eighth = np.median(_neighbours(different)[0][:, [4, 8]], axis=0)
    D = min(np.log(2.0) / max(np.log(eighth / fourth), 1e-300), DIMENSIONS)
    nearest = np.sort(agreeing.min(axis=1))
    nearest = nearest[nearest < fourth / 2.0]
    with np.errstate(divide="ignore"):
        # The nearer, the more agree, if there is no noise.
        expected = 4.0 * np.minimum(by_chance * fourth / nearest, 1.0) * (nearest / fourth) ** D
    found = np.arange(1, len(nearest) + 1) / len(agreeing)
    many = (found >= EXCESS * expected) & (len(agreeing) * found >= EXCESS)
    return float(nearest[(expected <= CHANCE) | many].max(initial=-1.0))
