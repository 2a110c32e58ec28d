"""Rows on the sphere: those that are one to rounding are made one, and rows that are asked about keep to themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaussian_processes.gp import ArcCosine, TrainedGPModel
from gaussian_processes.gp.kernels import inputs as inputs_module
from gaussian_processes.gp.kernels.inputs import SAME, NormalisedInputs

DIRECTIONS = 2.0 ** np.array([[0, 0, 0], [1, 0, 0], [0, 3, 0], [2, 2, 5], [-1, 4, 0]])


def on_the_sphere(rows):
    unit = np.zeros((len(rows), 8))
    unit[:, :3] = rows / np.linalg.norm(rows, axis=1)[:, None]
    return NormalisedInputs(unit, np.ones(len(rows)), 3)


def merged_one_by_one(rows, others):
    """The definition: the nearest of others, the first of those that are as near, where it is near enough."""
    unit = rows.copy()
    for row in unit:
        squared = np.array([((other - row) ** 2).sum() for other in others])
        if squared.min() < SAME:
            row[:] = others[squared.argmin()]
    return unit


SOME = st.lists(st.tuples(st.integers(0, 4), st.sampled_from([1.0, 3.0, 0.7, 1e-3])), min_size=1, max_size=30)


@given(SOME, SOME, st.integers(0, 2**32 - 1))
def test_a_row_becomes_the_nearest_of_others_that_it_is_to_rounding(rows, others, seed):
    """Of multiples and copies of a few rows, and of those moved by last digits, on both sides."""
    generator = np.random.default_rng(seed)

    def some(chosen):
        values = np.array([DIRECTIONS[number] * factor for number, factor in chosen])
        return on_the_sphere(values * (1 + 2e-16 * generator.integers(-2, 3, values.shape)))

    left, right = some(rows), some(others)
    assert np.array_equal(left.merged_with(right).unit, merged_one_by_one(left.unit, right.unit))


@pytest.fixture(scope="module")
def model():
    generator = np.random.default_rng(0)
    return TrainedGPModel(generator.normal(size=(60, 3)), generator.normal(size=60), ArcCosine(q=1, l=2), sigma2=0.1)


def test_a_row_is_what_it_is_whatever_is_beside_it(model):
    """To the bit, where that are multiples of it, copies, near to rounding, or training rows. (What BLAS adds up may differ.)"""
    row = np.random.default_rng(1).normal(size=(1, 3))
    factors = np.array([[1.0], [3.0], [0.1], [7.0], [1e-9], [1.0 + 4e-16]])
    beside = np.concatenate([row * factors, model.X[:3] * 3.0, model.X[:3]])

    def seen(rows):
        inputs = model._requested(rows, together=False)
        return np.column_stack([inputs.unit, inputs.scale])

    assert seen(beside).tolist() == [seen(beside[number : number + 1])[0].tolist() for number in range(len(beside))]


ALIGNED = np.random.default_rng(2).normal(size=(3000, 3))
AXIS = np.cos(np.arange(1.0, 4.0))  # on which rows are projected to find those that are near
ALIGNED -= np.outer(ALIGNED @ AXIS, AXIS) / (AXIS @ AXIS)
MANY = {
    "one row": np.ones((3000, 3)),
    "multiples of a row": np.arange(1.0, 3001.0)[:, None] * [1.0, 2.0, 3.0],
    "training rows": None,
    "rows of one projection": ALIGNED / np.linalg.norm(ALIGNED, axis=1)[:, None],
    "rows in a line": np.column_stack([np.ones(3000), 1e-14 * np.arange(3000.0), np.zeros(3000)]),
}


@pytest.mark.parametrize("name", MANY)
def test_rows_are_compared_with_few_others(model, monkeypatch, name):
    """However alike they are: a few comparisons for each, in a few calls."""
    rows = np.tile(model.X, (50, 1)) if MANY[name] is None else MANY[name]
    compared = []
    distances = inputs_module._squared_distances
    monkeypatch.setattr(
        inputs_module, "_squared_distances", lambda A, b: (compared.append(len(A)), distances(A, b))[1], raising=True
    )
    model.predict(rows)
    assert len(compared) <= 10
    assert sum(compared) <= 2 * len(rows)
