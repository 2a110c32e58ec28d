"""Duplicate rows: exact and near ones are found, and other close rows stay."""

import numpy as np
import pytest

from gaussian_processes.gp.selection.repeats import distinct


def rows(N=400, d=5, seed=0):
    generator = np.random.default_rng(seed)
    return generator, generator.normal(size=(N, d)), generator.normal(size=N)


@pytest.mark.parametrize("d", [1, 2, 5, 20])
@pytest.mark.parametrize("copies", [1, 8, 400])
def test_of_exact_duplicates_the_first_stays(d, copies):
    """With rows in any order."""
    generator, X, y = rows(d=d)
    order = generator.permutation(400 + copies)
    X, y = np.vstack([X, X[:copies]])[order], np.append(y, y[:copies])[order]
    _, first = np.unique(np.column_stack([X, y]), axis=0, return_index=True)
    assert distinct(X, y).tolist() == sorted(first.tolist())


@pytest.mark.parametrize(
    ("d", "copies", "features", "target"),
    [
        *((d, copies, 1e-6, 0.0) for d in (1, 2, 5, 20) for copies in (8, 400)),
        *((d, copies, 1e-3, 1e-3) for d in (3, 5, 20) for copies in (8, 400)),
        (5, 400, 0.03, 0.005),
        (10, 8, 0.1, 0.0),
    ],
)
def test_near_duplicates_are_left_out(d, copies, features, target):
    """Copies with small errors, in standard deviations: at least nine tenths of them, and hardly any other rows."""
    generator, X, y = rows(d=d)
    X = np.vstack([X, X[:copies] + features * generator.normal(size=(copies, d))])
    y = np.append(y, y[:copies] + target * generator.normal(size=copies))
    left = distinct(X, y)
    assert 0.9 * copies <= len(y) - len(left) <= copies + 2
    assert np.isin(np.arange(400), left).sum() >= 396


@pytest.mark.parametrize("N", [40, 400, 2000])
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_rows_that_are_close_by_chance_stay(N, noise):
    """Smooth functions of one to six random features: at most one row in a thousand is lost."""
    lost = total = 0
    for seed in range(4):
        for d in (1, 2, 6):
            generator = np.random.default_rng(seed)
            X = generator.uniform(size=(N, d))
            y = np.sin(3.0 * X[:, 0]) + X.sum(axis=1) + noise * generator.normal(size=N)
            lost, total = lost + N - len(distinct(X, y)), total + N
    assert lost <= total / 1000


def test_replicates_with_different_targets_stay():
    """They show the noise."""
    generator, X, _ = rows()
    X = np.vstack([X, X[:100]])
    y = np.sin(X[:, 0]) + 0.3 * generator.normal(size=500)
    assert len(distinct(X, y)) >= 490


def test_a_design_of_a_few_settings_measured_often_stays():
    """Thirty settings, thirty times each, with little noise: most rows are close to others."""
    generator = np.random.default_rng(0)
    X = np.repeat(generator.normal(size=(30, 3)), 30, axis=0)
    y = X.sum(axis=1) + 1e-3 * generator.normal(size=900)
    assert len(distinct(X, y)) == 900


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (np.ones((1, 2)), np.ones(1)),
        (np.ones((20, 2)), np.arange(20.0)),
        (np.indices((4, 4, 4)).reshape(3, -1).T.astype(float), np.arange(64.0)),
        (np.array([[1e300], [-1e300], *([float(i)] for i in range(20))]), np.arange(22.0)),
        (np.zeros((20, 0)), np.arange(20.0)),
    ],
    ids=["one row", "constant features", "grid", "overflow", "no features"],
)
def test_tables_without_duplicates_stay_whole(X, y):
    """Degenerate ones too."""
    assert distinct(X, y).tolist() == list(range(len(y)))
