"""Lengthscales: a kernel with them is the kernel without on rows that have been divided by them."""

from dataclasses import replace

import numpy as np
import pytest

from gaussian_processes.gp import ArcCosine, Direct, Mixed, TrainedGPModel
from gaussian_processes.gp.kernels.inputs import LengthError
from gaussian_processes.gp.kernels.matrices import packed_gram

pytestmark = pytest.mark.usefixtures("one_thread")

LENGTHSCALES = (0.5, 3.0, 1.0, 70.0)
KERNELS = [
    ArcCosine(0, 1),
    ArcCosine(1, 2, bias=0.7),
    ArcCosine(2, 0, "homogeneous", variance=2.5),
    ArcCosine(1, 1, "homogeneous", 0.3, 0.5),
]
each_kernel = pytest.mark.parametrize("kernel", KERNELS, ids=str)


@pytest.fixture(name="X")
def random_rows():
    return np.random.default_rng(1).normal(size=(30, 4))


@each_kernel
def test_covariances_are_those_of_divided_rows(kernel, X):
    """To the bit: whole, packed, between rows and others, diagonals and lengths."""
    scaled, Z = replace(kernel, lengthscales=LENGTHSCALES), X[:7] + 0.5
    assert np.array_equal(scaled.gram(X), kernel.gram(X / LENGTHSCALES))
    assert np.array_equal(scaled.cross(Z, X), kernel.cross(Z / LENGTHSCALES, X / LENGTHSCALES))
    assert np.array_equal(scaled.diagonal(X), kernel.diagonal(X / LENGTHSCALES))
    assert np.array_equal(scaled.lengths(X), kernel.lengths(X / LENGTHSCALES))
    packed = packed_gram(scaled, scaled.inputs(X))
    assert np.array_equal(packed.lower(), np.tril(scaled.gram(X)))


@each_kernel
def test_lengths_are_those_of_the_rows_with_their_bias(kernel, X):
    """In lengthscales, by NumPy; infinite where they overflow."""
    scaled = replace(kernel, lengthscales=LENGTHSCALES)
    wanted = np.sqrt(((X / LENGTHSCALES) ** 2).sum(axis=1) + kernel.bias**2)
    assert scaled.lengths(X) == pytest.approx(wanted, rel=1e-14)
    assert kernel.lengths(np.full((1, 4), 1.5e308)).tolist() == [np.inf]
    assert kernel.lengths(np.full((1, 4), 1e-200)) == pytest.approx([max(2e-200, kernel.bias)], rel=1e-14)


@each_kernel
def test_lengthscales_of_1_and_none_are_the_same(kernel, X):
    """To the bit."""
    assert np.array_equal(replace(kernel, lengthscales=(1.0,) * 4).gram(X), kernel.gram(X))


@each_kernel
@pytest.mark.parametrize("solver", [Direct(), Mixed()], ids=str)
def test_predictions_are_those_from_divided_rows(kernel, solver, X):
    """Means, deviations, joint covariances, evidence and leave-one-out, to the bit."""
    y, Z = np.sin(X[:, 0]), X[:7] + 0.5
    scaled = TrainedGPModel(X, y, replace(kernel, lengthscales=LENGTHSCALES), 0.1, solver)
    divided = TrainedGPModel(X / LENGTHSCALES, y, kernel, 0.1, solver)
    for found, wanted in zip(
        (*scaled.predict(Z, return_std=True), *scaled.predict_joint(Z), *scaled.leave_one_out()),
        (
            *divided.predict(Z / LENGTHSCALES, return_std=True),
            *divided.predict_joint(Z / LENGTHSCALES),
            *divided.leave_one_out(),
        ),
        strict=True,
    ):
        assert np.array_equal(found, wanted)
    assert scaled.log_evidence == divided.log_evidence


def test_all_longer_and_the_bias_smaller_is_no_change_on_the_sphere(X):
    """Only angles matter there, and a power of 2 changes no digit."""
    kernel = ArcCosine(1, 2, bias=0.7, lengthscales=LENGTHSCALES)
    other = replace(kernel, bias=0.7 / 4, lengthscales=tuple(4.0 * length for length in LENGTHSCALES))
    assert np.array_equal(other.gram(X), kernel.gram(X))


@each_kernel
def test_a_feature_with_a_long_lengthscale_does_not_matter(kernel, X):
    """The longer, the less; in the end it might as well not be there."""
    without = kernel.gram(X[:, :3])
    errors = [
        np.abs(replace(kernel, lengthscales=(1.0, 1.0, 1.0, length)).gram(X) - without).max()
        for length in (1e1, 1e2, 1e4, 1e8)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-7
    assert np.array_equal(replace(kernel, lengthscales=(1.0, 1.0, 1.0, 1e200)).gram(X), without)


def test_kernels_are_values_whatever_the_lengthscales_came_in():
    """A list, an array or a tuple, of whole numbers or others: hashed and compared as a tuple of floats."""
    kernels = {ArcCosine(1, 0, lengthscales=given) for given in ([1, 2], np.array([1.0, 2.0]), (1.0, 2.0))}
    assert kernels == {ArcCosine(1, 0, lengthscales=(1.0, 2.0))}
    assert all(type(length) is float for length in kernels.pop().lengthscales)


@pytest.mark.parametrize("wrong", [0.0, -1.0, np.inf, np.nan])
def test_refuses_lengthscales_out_of_range(wrong):
    """The message says what was found and what is wanted."""
    with pytest.raises(ValueError, match=r"^a lengthscale is .*; a finite number above 0 is wanted$"):
        ArcCosine(1, 1, lengthscales=(1.0, wrong))


def test_refuses_rows_of_another_width(X):
    """Each feature has a lengthscale, and each lengthscale a feature."""
    for lengthscales in ((1.0, 2.0, 3.0), (1.0,) * 5, ()):
        kernel = ArcCosine(1, 1, lengthscales=lengthscales)
        with pytest.raises(ValueError, match=rf"shape \(30, 4\); there are {len(lengthscales)} lengthscales"):
            kernel.gram(X)


def test_a_row_that_overflows_when_it_is_divided_is_named(X):
    """In training, and in requests."""
    X[[3, 7], 1] = 1e300
    kernel = ArcCosine(1, 1, lengthscales=(1.0, 1e-10, 1.0, 1.0))
    for ask in (kernel.gram, kernel.diagonal, kernel.lengths, kernel.inputs):
        with pytest.raises(LengthError, match=r"^row 3 is too large for its lengthscales") as caught:
            ask(X)
        assert caught.value.rows == [3, 7]
    trained = TrainedGPModel(X[8:], X[8:, 0], kernel, 0.1)
    with pytest.raises(LengthError, match=r"^row 3 is too large for its lengthscales"):
        trained.predict(X)
