"""Nearest neighbours that find the best number of neighbours, up to k, by leaving rows out; each host tries some numbers."""

from dataclasses import replace

import nearest_neighbours
import numpy as np
from nearest_neighbours import Neighbours
from scipy.spatial import cKDTree

from gaussian_processes.algorithm import Distribution, Needs, SeveralHosts


class Hyperparameters(SeveralHosts, nearest_neighbours.Hyperparameters):
    """k is the greatest number that is tried."""


def error(dataset, k):
    """Sum of squares when each row is predicted from its k nearest others."""
    _, nearest = cKDTree(dataset.features).query(dataset.features, k=range(2, k + 2))
    return float(np.sum((dataset.target[nearest].mean(axis=1) - dataset.target) ** 2))


def fit(dataset, hyperparameters, reporter):
    return best(dataset, [error(dataset, k) for k in tried(dataset, hyperparameters)], reporter)


def fit_across(dataset, hyperparameters, reporter, cluster):
    # One copy of the data on each host, and one number to try at a time.
    held = cluster.client.scatter(dataset, broadcast=True)
    errors = [cluster.client.submit(error, held, k) for k in tried(dataset, hyperparameters)]
    return best(dataset, cluster.client.gather(errors), reporter)


def tried(dataset, hyperparameters):
    return range(1, min(hyperparameters.k, len(dataset) - 1) + 1)


def best(dataset, errors, reporter):
    k = 1 + int(np.argmin(errors))
    reporter.log(f"the best of {len(errors)} numbers of neighbours is {k}")
    return Neighbours(dataset.features, dataset.target, k)


def needs(size, hyperparameters, _hosts=1):
    row = 8 * (size.features + 1)
    return Needs(memory=4 * row * size.rows, operations=100.0 * size.rows * hyperparameters.k, disk=2 * row * size.rows)


algorithm = replace(
    nearest_neighbours.algorithm,
    name="spread-nearest-neighbours",
    hyperparameters=Hyperparameters,
    fit=fit,
    needs=needs,
    distribution=Distribution(fit_across, needs),
)
