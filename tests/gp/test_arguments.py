"""Arguments of the public functions: accepted types, and errors before BLAS could read beyond an array."""

from dataclasses import replace

import numpy as np
import pytest

from gaussian_processes.gp import ArcCosine, TrainedGPModel
from gaussian_processes.gp.linalg.cholesky import Cholesky
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.gp.selection.comparison import compare
from gaussian_processes.gp.selection.optimise import Learner, evaluate
from gaussian_processes.gp.selection.parameters import Parameters

pytestmark = pytest.mark.usefixtures("one_thread")

N, KERNEL = 12, ArcCosine(1, 1, bias=1.0)
X = np.random.default_rng(0).normal(size=(N, 3))
Y = X[:, 0] - 0.5 * X[:, 1] + 1.0
PARAMETERS = Parameters.of(KERNEL, 0.1, ("sigma2", "bias"), 3)

# Each takes rows and targets, and returns numbers.
CALLS = {
    "TrainedGPModel": lambda X, y: TrainedGPModel(X, y, KERNEL, 0.1).solution.alpha,
    "evaluate": lambda X, y: np.append(*evaluate("loo", X, y, PARAMETERS)),
    "learn": lambda X, y: Learner(iterations=2).learn(X, y, PARAMETERS).parameters.logarithms,
    "compare": lambda X, y: np.array([one.log_evidence for one in compare(X, y, [KERNEL])]),
}
each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


def changed(values, at, value):
    values = values.copy()
    values[at] = value
    return values


REFUSED = {
    "longer": (X, np.append(Y, 1.0), r"y has shape \(13,\); \(12,\) is wanted"),
    "much longer": (X, np.tile(Y, 1000), r"y has shape \(12000,\)"),
    "shorter": (X, Y[:-1], r"y has shape \(11,\); \(12,\) is wanted"),
    "one number": (X, 1.0, r"y has shape \(\); \(12,\) is wanted"),
    "one target": (X, Y[:1], r"y has shape \(1,\)"),
    "a column": (X, Y[:, None], r"y has shape \(12, 1\)"),
    "a row": (X, Y[None], r"y has shape \(1, 12\)"),
    "nothing": (X, None, "y has shape|y holds"),
    "NaN": (X, changed(Y, 3, np.nan), "y holds NaN or infinity"),
    "infinity": (X, changed(Y, 3, -np.inf), "y holds NaN or infinity"),
    "beyond float64": (X, [10**400] * N, "y is no array of real numbers"),
    "complex": (X, Y + 0j, "y is no array of real numbers"),
    "words": (X, ["1.0"] * N, "y is no array of real numbers"),
    "objects": (X, [{}] * N, "y is no array of real numbers"),
    "dates": (X, np.arange(N).astype("M8[D]"), "y is no array of real numbers"),
    "masked": (X, np.ma.masked_less(Y, 0.0), "y is no array of real numbers"),
    "ragged": ([[1.0, 2.0], [1.0]], Y[:2], "X is no array of real numbers"),
    "vector": (Y, Y, r"X has shape \(12,\); \(N, d\) is wanted"),
    "cube": (X[None], Y, r"X has shape \(1, 12, 3\)"),
    "no rows": (X[:0], Y[:0], r"X has shape \(0, 3\); \(N, d\), N >= 1"),
    "NaN in X": (changed(X, (0, 1), np.nan), Y, "X holds NaN or infinity"),
    "infinity in X": (changed(X, (0, 1), np.inf), Y, "X holds NaN or infinity"),
}


@each_call
@pytest.mark.parametrize(("rows", "targets", "message"), REFUSED.values(), ids=REFUSED)
def test_rows_and_targets_that_do_not_fit_are_refused(call, rows, targets, message):
    """Shapes, types, NaN and infinity; the error names the argument."""
    with pytest.raises(ValueError, match=message):
        call(rows, targets)


TAKEN = {
    "lists": (X.tolist(), Y.tolist()),
    "Fortran's order": (np.asfortranarray(X), Y),
    "views with gaps": (np.repeat(X, 2, axis=1)[:, ::2], np.repeat(Y, 3)[::3]),
    "backwards in memory": (X[::-1].copy()[::-1], Y[::-1].copy()[::-1]),
    "the other byte order": (X.astype(">f8"), Y.astype(">f8")),
    "objects that are numbers": (X.astype(object), Y.astype(object)),
    "a mask without a hole": (X, np.ma.masked_less(Y, -1e9)),
}


@each_call
@pytest.mark.parametrize(("rows", "targets"), TAKEN.values(), ids=TAKEN)
def test_the_layout_in_memory_does_not_change_the_result(call, rows, targets):
    """To the bit."""
    assert np.array_equal(call(rows, targets), call(X, Y))


@each_call
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, bool])
def test_numbers_of_another_type_are_converted_exactly(call, dtype):
    """Single precision, whole numbers and booleans."""
    rows, targets = (4 * X).astype(dtype), (4 * Y).astype(dtype)
    assert np.array_equal(call(rows, targets), call(rows.astype(float), targets.astype(float)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Learner("evidense"), "criterion is 'evidense'; one of 'evidence', 'loo' is wanted"),
        (lambda: evaluate("LOO", X, Y, PARAMETERS), "criterion is 'LOO'"),
        (lambda: compare(X, Y, [KERNEL], "evidense"), "criterion is 'evidense'"),
        (lambda: ArcCosine(1, 1, "plane"), "geometry is 'plane'"),
        (lambda: Parameters.of(KERNEL, 0.1, ("sigma", "bias"), 3), "a free name is 'sigma'; one of 'sigma2', "),
        (lambda: Parameters.of(KERNEL, 0.1, "bias", 3), "a free name is 'b'"),
        (lambda: Parameters.of(KERNEL, 0.1, (), 3), "no name is free"),
        (lambda: replace(PARAMETERS, free=("lengthscale",)), "a free name is 'lengthscale'"),
        (
            lambda: Learner(bounds={"sigma": (1e-3, 1.0)}).learn(X, Y, PARAMETERS),
            "a name in bounds is 'sigma'; one of 'sigma2', ",
        ),
        (lambda: Learner(bounds={"sigma2": (1.0, 1e-3)}), "the bounds of sigma2 are .* the least first"),
        (lambda: Learner(bounds={"sigma2": (0.0, 1.0)}), "the bounds of sigma2 are .* above 0"),
        (lambda: Learner(bounds={"sigma2": (1.0, 1.0)}), "the bounds of sigma2 are"),
        (lambda: Learner(bounds={"sigma2": (1.0, np.inf)}), "the bounds of sigma2 holds NaN or infinity"),
        (lambda: Learner(bounds={"sigma2": 1.0}), r"the bounds of sigma2 has shape \(\)"),
        (lambda: Learner(bounds={"sigma2": (1.0, 2.0, 3.0)}), r"the bounds of sigma2 has shape \(3,\)"),
        (lambda: compare(X, Y, [KERNEL], bounds={"sigma2": (1.0, 1e-3)}), "the bounds of sigma2 are"),
        (lambda: compare(X, Y, [KERNEL], bounds={"sigma": (1e-3, 1.0)}), "a name in bounds is 'sigma'"),
        (lambda: compare(X, Y, [KERNEL], noise_to_signal=(1.0, 1e-3)), "the bounds of noise_to_signal are"),
        (lambda: Learner(iterations=0), "iterations is 0; an integer, 1 or more, is wanted"),
        (lambda: Learner(iterations=2.5), "iterations is 2.5"),
        (lambda: Learner(restarts=-1), "restarts is -1; an integer, 0 or more, is wanted"),
        (lambda: Learner(restarts="2"), "restarts is '2'"),
        (lambda: Learner(seed=-1), "seed is -1"),
    ],
)
def test_invalid_words_bounds_and_counts_are_refused(make, message):
    """Misspelt words, bounds out of order, counts that are not counts."""
    with pytest.raises(ValueError, match=message):
        make()


NUMBERS = [0.0, -1.0, np.nan, np.inf, -np.inf, 10**400, "0.1", None, True, 0.1 + 0j, np.array([0.1]), [0.1]]


@pytest.mark.parametrize("sigma2", NUMBERS, ids=lambda value: repr(value)[:20])
def test_an_invalid_noise_is_refused(sigma2):
    """By the model and by its selection."""
    for make in (lambda: TrainedGPModel(X, Y, KERNEL, sigma2), lambda: Parameters.of(KERNEL, sigma2, ("bias",), 3)):
        with pytest.raises(ValueError, match=r"sigma2 is .*; a finite number above 0 is wanted"):
            make()


@pytest.mark.parametrize("value", NUMBERS[1:], ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("field", ["q", "l", "bias", "degree", "variance", "lengthscales"])
def test_a_kernels_field_is_refused_by_name(field, value):
    """Wrong types, NaN and numbers out of range."""
    if (field, value) == ("degree", None) or (field == "lengthscales" and (value is None or np.ndim(value))):
        pytest.skip("a value that this field may have")
    with pytest.raises(ValueError, match=rf"{field if field != 'lengthscales' else 'a lengthscale'} is .* wanted"):
        ArcCosine(**{"q": 1, "l": 1, field: value})


@pytest.mark.parametrize("field", ["q", "l"])
@pytest.mark.parametrize("value", [2**31, 2**63, 10**30])
def test_orders_and_depths_beyond_what_compiled_functions_count_are_refused(field, value):
    """By a message, not by an overflow inside."""
    with pytest.raises(ValueError, match=rf"{field} is {value}; an integer, 0 to 2147483647, is wanted"):
        ArcCosine(**{"q": 1, "l": 1, field: value})


def test_numpy_scalars_become_python_numbers():
    """100^2 overflows 8 bits; compiled functions take 2 and 2.0 as the same variance."""
    kernel = ArcCosine(np.int8(100), np.uint8(0), "homogeneous", np.float32(1), 1, 2, np.array([1, 2, 4]))
    wanted = ArcCosine(100, 0, "homogeneous", 1.0, 1.0, 2.0, (1.0, 2.0, 4.0))
    assert kernel == wanted
    assert [type(value) for value in vars(kernel).values()] == [type(value) for value in vars(wanted).values()]
    assert np.array_equal(kernel.gram(X), wanted.gram(X))


PREDICTED = {
    "another width": (np.ones((2, 4)), r"X_star has shape \(2, 4\); \(M, 3\) is wanted"),
    "one row": (np.ones(3), r"X_star has shape \(3,\)"),
    "NaN": (np.full((2, 3), np.nan), "X_star holds NaN"),
    "complex": (np.ones((2, 3), complex), "X_star is no array of real numbers"),
    "words": ([["1", "2", "3"]], "X_star is no array of real numbers"),
}


@pytest.mark.parametrize(("rows", "message"), PREDICTED.values(), ids=PREDICTED)
def test_rows_that_cannot_be_predicted_are_refused(rows, message):
    """Mean, standard deviation and joint covariance alike."""
    model = TrainedGPModel(X, Y, KERNEL, 0.1)
    for predict in (model.predict, lambda rows: model.predict(rows, return_std=True), model.predict_joint):
        with pytest.raises(ValueError, match=message):
            predict(rows)


@pytest.mark.parametrize("rows", [X[:, :2], X[0], np.full((2, 3), np.nan), X + 0j, np.ones((2, 9))], ids=np.shape)
def test_a_kernel_refuses_rows_that_do_not_fit(rows):
    """Rows of different widths have no angle between them, nor have rows with NaN."""
    with pytest.raises(ValueError, match=r"[XZ] (has shape|holds NaN|is no array)"):
        KERNEL.cross(X, rows)
    if np.ndim(rows) != 2 or not np.isfinite(rows).all() or np.iscomplexobj(rows):
        for method in (KERNEL.gram, KERNEL.diagonal, KERNEL.lengths, KERNEL.inputs):
            with pytest.raises(ValueError, match=r"X (has shape|holds NaN|is no array)"):
                method(rows)


def test_a_solution_of_other_rows_is_refused():
    """By the size of its factor or alpha, or because alpha is not finite."""
    model, other = TrainedGPModel(X, Y, KERNEL, 0.1), TrainedGPModel(X[:5], Y[:5], KERNEL, 0.1)
    again = TrainedGPModel(X, Y, KERNEL, 0.1, solution=model.solution)
    assert np.array_equal(again.predict(X), model.predict(X))
    for solution, message in (
        (other.solution, r"alpha has shape \(5,\); \(12,\)"),
        (replace(model.solution, factor=other.solution.factor), "the factor has 5 rows, and X has 12"),
        (replace(model.solution, alpha=np.full(N, np.nan)), "alpha holds NaN"),
        (replace(model.solution, alpha=model.solution.alpha[:, None]), r"alpha has shape \(12, 1\)"),
    ):
        with pytest.raises(ValueError, match=message):
            TrainedGPModel(X, Y, KERNEL, 0.1, solution=solution)


@pytest.mark.parametrize("name", ["solve", "half_solve", "transposed_half_solve"])
@pytest.mark.parametrize("shape", [(11,), (13,), (13, 2), (2, 12), (0,), (12, 1, 1)])
def test_a_right_hand_side_of_another_size_is_refused(name, shape):
    """It would be read or written beyond its end."""
    factor = Cholesky.of(Packed.of(KERNEL.gram(X) + np.eye(N)))
    with pytest.raises(ValueError, match="the right-hand side has shape"):
        getattr(factor, name)(np.ones(shape))


@pytest.mark.parametrize(
    "rectangle",
    [
        np.ones((6, 12)),
        np.ones((5, 13)),
        np.ones((13, 6)).T,
        np.ones(13),
        np.ones((6, 13), int),
        np.ones((6, 13), ">f8"),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_a_packed_matrix_has_one_of_two_shapes(rectangle):
    """(m, N + 1) or (m, N), in C's order, in single or double precision."""
    with pytest.raises(ValueError, match="is no half of a matrix"):
        Packed(rectangle)
