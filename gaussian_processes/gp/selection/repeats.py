"""Repeats: exact and near duplicates among the rows of a table.

Duplicates in features and target suggest that there is no noise. With a rough kernel the evidence then grows without bound
as sigma2 falls, against all other rows. Rows with equal features and different targets are replicates: they show the
noise, and stay.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from gaussian_processes.gp.arrays import Array

# Largest difference of equal targets, in standard deviations of y.
AGREE = 0.02
# A distance is near if chance gives at most a fraction CHANCE of all rows a neighbour within it, or if EXCESS times as many
# rows have one as chance gives.
CHANCE, EXCESS = 1e-4, 10.0
# Least fraction of rows to keep. It admits a table that was copied twice.
LEFT = 0.3
# Highest intrinsic dimension: on a grid all neighbours are equally far away, which looks like infinitely many dimensions.
DIMENSIONS = 20.0
# Neighbours per row. Larger groups are found as chains.
NEIGHBOURS = 8


def distinct(X: Array, y: Array) -> NDArray[np.intp]:
    """The rows without duplicates, to learn the noise from: the first row of each group of duplicates.

    If too few rows would remain, their closeness is the table's design, and only exact duplicates go.

    Args:
        X: rows (N, d).
        y: targets (N,).

    Returns:
        Row numbers (M,), ascending.
    """
    _, exact = np.unique(np.column_stack([X, y]), axis=0, return_index=True)
    exact = np.sort(exact)
    near = exact[_apart(X[exact], y[exact])]
    return near if len(near) >= LEFT * len(exact) else exact


def _apart(X: Array, y: Array) -> NDArray[np.intp]:
    """The first row of each group of near duplicates."""
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
    """Distances (N, NEIGHBOURS + 1) to the nearest rows, the row itself included, and their row numbers."""
    return KDTree(Z, balanced_tree=False).query(Z, NEIGHBOURS + 1, p=np.inf)


def _radius(different: Array, agreeing: Array, by_chance: float) -> float:
    """The largest distance between near duplicates; negative if there are none.

    In D dimensions the distance to the n-th neighbour grows like n^(1/D). The fourth and eighth neighbours, too far away to
    be duplicates, give D and with it the number of neighbours within any distance by chance.

    Args:
        different: distinct rows (M, d).
        agreeing: distances (N, k) to neighbours with equal targets; infinity for the others.
        by_chance: fraction of neighbours with equal targets by chance.
    """
    fourth, eighth = np.median(_neighbours(different)[0][:, [4, 8]], axis=0)
    D = min(np.log(2.0) / max(np.log(eighth / fourth), 1e-300), DIMENSIONS)
    nearest = np.sort(agreeing.min(axis=1))
    nearest = nearest[nearest < fourth / 2.0]
    with np.errstate(divide="ignore"):
        # Without noise, nearer rows agree more often.
        expected = 4.0 * np.minimum(by_chance * fourth / nearest, 1.0) * (nearest / fourth) ** D
    found = np.arange(1, len(nearest) + 1) / len(agreeing)
    many = (found >= EXCESS * expected) & (len(agreeing) * found >= EXCESS)
    return float(nearest[(expected <= CHANCE) | many].max(initial=-1.0))
