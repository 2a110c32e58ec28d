"""Learning: its optima against grids, GPflow's and what data were drawn from; its bounds, its record, its restarts."""

import math
from dataclasses import replace

import numpy as np
import pytest
from reference import read_reference

from gaussian_processes.gp import ArcCosine, TrainedGPModel
from gaussian_processes.gp.kernels.inputs import LengthError
from gaussian_processes.gp.linalg.cholesky import NotPositiveDefiniteError
from gaussian_processes.gp.selection.optimise import Learner, evaluate
from gaussian_processes.gp.selection.parameters import Parameters, learnable
from gaussian_processes.gp.selection.replay import Journal

pytestmark = pytest.mark.usefixtures("one_thread")

EVERY = ("sigma2", "variance", "bias", "lengthscales")
CRITERIA = ("evidence", "loo")
each_criterion = pytest.mark.parametrize("criterion", CRITERIA)


def data(N=80, d=2, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(N, d))
    return X, np.sin(2 * X[:, 0]) + 0.3 * generator.normal(size=N)


def value_of(criterion, X, y, parameters):
    """By a trained model."""
    model = TrainedGPModel(X, y, parameters.kernel, parameters.sigma2)
    return model.log_evidence if criterion == "evidence" else float(model.leave_one_out().log_density.sum())


STARTS = [
    (ArcCosine(0, 1, bias=1.0), EVERY),
    (ArcCosine(1, 1, bias=1.0), EVERY),
    (ArcCosine(1, 0, "homogeneous", bias=1.0), ("sigma2", "variance", "bias", "degree", "lengthscales")),
    (ArcCosine(2, 1), ("sigma2", "variance", "lengthscales")),
    (ArcCosine(1, 1, bias=0.5), ("variance",)),
]
each_start = pytest.mark.parametrize(("kernel", "free"), STARTS, ids=str)


@each_criterion
@each_start
def test_ends_where_nothing_gets_better(criterion, kernel, free):
    """The value is the model's own; no derivative is left but towards a bound, and no point near it or elsewhere is better."""
    X, y = data()
    start = Parameters.of(kernel, 0.5, free, 2)
    learned = Learner(criterion).learn(X, y, start)
    assert learned.value == pytest.approx(value_of(criterion, X, y, learned.parameters), rel=1e-9)
    assert learned.value >= value_of(criterion, X, y, start)
    _, slope = evaluate(criterion, X, y, learned.parameters)
    bounds, at = start.bounds({}), learned.parameters.logarithms
    low, high = np.isclose(at, bounds[:, 0]), np.isclose(at, bounds[:, 1])
    inwards = np.where(low, np.maximum(slope, 0.0), np.where(high, np.minimum(slope, 0.0), slope))
    assert np.abs(inwards).max() < 0.02
    generator = np.random.default_rng(1)
    for spread in [0.01] * 10 + [1.0] * 10:
        point = np.clip(at + spread * generator.normal(size=len(at)), bounds[:, 0], bounds[:, 1])
        assert value_of(criterion, X, y, start.at(point)) <= learned.value + 1e-3


@each_criterion
@each_start
def test_says_what_ended_at_a_bound(criterion, kernel, free):
    """And nothing else; all points that were tried are within the bounds."""
    X, y = data()
    given = {"sigma2": (0.2, 0.3), "variance": (0.01, 0.1), "lengthscales": (0.9, 1.5)}
    start, record = Parameters.of(kernel, 0.5, free, 2), Journal()
    learned = Learner(criterion, given, record=record).learn(X, y, start)
    wanted = []
    for name in free:
        low, high = given.get(name, learnable(ArcCosine)[name].bounds)
        found = np.atleast_1d(learned.parameters.values[name])
        assert np.all((low * (1 - 1e-15) <= found) & (found <= high * (1 + 1e-15)))
        if np.any(np.isclose(found, low, rtol=1e-9) | np.isclose(found, high, rtol=1e-9)):
            wanted.append(name)
    assert "variance" in learned.at_bounds
    assert set(learned.at_bounds) == set(wanted)
    bounds = start.bounds(given)
    assert all(np.all((bounds[:, 0] <= point) & (point <= bounds[:, 1])) for point, _ in record.steps)


@pytest.mark.parametrize("kernel", [ArcCosine(1, 1, bias=1.0), ArcCosine(0, 0, bias=0.5)], ids=str)
def test_sigma2_and_variance_are_the_best_of_a_dense_grid(kernel):
    """From the eigenvalues of K alone: evidence(v, sigma2) needs no factorisation."""
    X, y = data()
    values, vectors = np.linalg.eigh(kernel.gram(X))
    z2 = (vectors.T @ y) ** 2
    sigma2, variance = np.meshgrid(np.geomspace(0.02, 0.5, 201), np.geomspace(0.05, 50.0, 201), indexing="ij")
    M = variance[..., None] * np.maximum(values, 0.0) + sigma2[..., None]
    evidence = -0.5 * ((z2 / M).sum(axis=-1) + np.log(M).sum(axis=-1) + len(y) * math.log(2 * math.pi))
    best = np.unravel_index(evidence.argmax(), evidence.shape)
    assert all(0 < i < 200 for i in best)
    learned = Learner().learn(X, y, Parameters.of(kernel, 0.1, ("sigma2", "variance"), 2))
    assert evidence[best] <= learned.value <= evidence[best] + 1e-2
    assert learned.parameters.sigma2 == pytest.approx(sigma2[best], rel=0.05)
    assert learned.parameters.kernel.variance == pytest.approx(variance[best], rel=0.1)


@pytest.mark.parametrize("row", read_reference("gpflow_optimum.csv"), ids=lambda row: f"q={row['order']}")
def test_the_evidence_is_as_great_as_gpflows(example, row):
    """From variance 1 and noise 0.1, as there; and it is so in the same place, whose variance counts J_q(0)/pi more there."""
    X, y = example[:2]
    q = int(row["order"])
    kernel = ArcCosine(q, 0, "homogeneous", math.sqrt(float(row["bias_variance"])))
    learned = Learner().learn(X, y, Parameters.of(kernel, 0.1, ("sigma2", "variance"), 2))
    wanted = float(row["log_evidence"])
    assert learned.value >= wanted - (1e-9 if q else 1e-6) * abs(wanted)
    assert learned.value == pytest.approx(wanted, rel=1e-6)
    variance = float(row["variance"]) * math.prod(range(1, 2 * q, 2))
    assert learned.parameters.kernel.variance == pytest.approx(variance, rel=1e-2)
    assert learned.parameters.sigma2 == pytest.approx(float(row["noise_variance"]), rel=1e-2)


@each_criterion
def test_finds_the_noise_and_the_feature_that_does_not_matter(criterion):
    """Of data that are drawn from a process whose third feature is left out."""
    generator = np.random.default_rng(3)
    X = generator.normal(size=(300, 3))
    true = ArcCosine(1, 1, bias=1.0, variance=4.0, lengthscales=(0.5, 1.0, 1e9))
    y = np.linalg.cholesky(true.gram(X) + 0.04 * np.eye(300)) @ generator.normal(size=300)
    start = Parameters.of(ArcCosine(1, 1, bias=1.0), 1.0, ("sigma2", "variance", "lengthscales"), 3)
    learned = Learner(criterion).learn(X, y, start).parameters
    assert learned.sigma2 == pytest.approx(0.04, rel=0.25)
    first, second, third = learned.kernel.lengthscales
    assert first < second
    assert third > 10.0 * second


def test_each_criterion_is_greatest_where_it_was_the_aim():
    """Of two optima, the one that was sought by a criterion has more of it."""
    X, y = data()
    start = Parameters.of(ArcCosine(1, 1, bias=1.0), 0.5, ("sigma2", "variance", "lengthscales"), 2)
    found = {criterion: Learner(criterion).learn(X, y, start).parameters for criterion in CRITERIA}
    for criterion, other in (CRITERIA, CRITERIA[::-1]):
        assert value_of(criterion, X, y, found[criterion]) > value_of(criterion, X, y, found[other])
        assert value_of(criterion, X, y, found[criterion]) > value_of(criterion, X, y, start)


@pytest.fixture(name="counted")
def evaluations_counted(monkeypatch):
    calls, inner = [], Parameters.evaluate

    def counted(*arguments):
        calls.append(arguments)
        return inner(*arguments)

    monkeypatch.setattr(Parameters, "evaluate", counted)
    return calls


def same(one, other):
    """To the bit."""
    return (one.parameters, one.value, one.iterations, one.evaluations, one.at_bounds) == (
        other.parameters,
        other.value,
        other.iterations,
        other.evaluations,
        other.at_bounds,
    )


@each_criterion
def test_a_run_that_was_cut_goes_on_as_if_it_had_not_been(criterion, counted):
    """Wherever it was cut: the same to the bit, and only what had not been computed is computed."""
    X, y = data(40)
    start = Parameters.of(ArcCosine(1, 1), 0.5, EVERY, 2)
    record = Journal()
    learner = Learner(criterion, iterations=15, restarts=1, record=record)
    whole = learner.learn(X, y, start)
    total = len(record.steps)
    assert len(counted) == total
    for cut in {0, 1, 2, 7, total // 2, total - 1, total}:
        counted.clear()
        rest = Journal(record.steps[:cut])
        assert same(replace(learner, record=rest).learn(X, y, start), whole)
        assert len(counted) == total - cut
        assert len(rest.steps) == total


def test_iterations_are_told_and_kept_once(counted):
    """What was kept at an iteration's end begins with the next one, and tells of that."""
    X, y = data(40)
    start = Parameters.of(ArcCosine(1, 1), 0.5, EVERY, 2)
    told, kept = [], []
    record = Journal(save_checkpoint=lambda steps: kept.append(list(steps)))
    learned = Learner(iterations=8, record=record, tell=told.append).learn(X, y, start)
    assert [iteration.number for iteration in told] == list(range(1, learned.iterations + 1))
    assert [iteration.value for iteration in told] == sorted(iteration.value for iteration in told)
    assert (told[-1].value, told[-1].parameters) == (learned.value, learned.parameters)
    assert len(kept) == learned.iterations
    for number, steps in enumerate(kept, start=1):
        again, kept_again = [], []
        resumed = Journal(list(steps), lambda steps, kept_again=kept_again: kept_again.append(len(steps)))
        Learner(iterations=8, record=resumed, tell=again.append).learn(X, y, start)
        assert [one.number for one in again] == [one.number for one in told]
        assert [one for one in again if not one.replayed] == told[number:]
        assert kept_again == [len(steps) for steps in kept[number:]]
    assert counted


def test_restarts_are_the_seeds_and_never_make_it_worse():
    """From other points as well; the same ones for the same seed."""
    X, y = data(40)
    start = Parameters.of(ArcCosine(1, 1), 0.5, EVERY, 2)

    def learn(**settings):
        runs = []
        learned = Learner(iterations=20, tell=runs.append, **settings).learn(X, y, start)
        return learned, {iteration.run for iteration in runs}, [iteration.value for iteration in runs]

    (one, only, values), (first, runs, trace) = learn(), learn(restarts=3, seed=1)
    assert (only, runs) == ({0}, {0, 1, 2, 3})
    assert trace[: len(values)] == values
    assert first.value >= one.value
    again, _, same_trace = learn(restarts=3, seed=1)
    assert same(again, first)
    assert same_trace == trace
    assert learn(restarts=3, seed=2)[2] != trace


def test_where_nothing_can_be_computed_it_begins_with_more_noise_if_that_is_free():
    """Repeated rows and next to no noise: M is not positive definite to rounding."""
    X, y = np.repeat(data(10)[0], 4, axis=0), np.repeat(data(10)[1], 4)
    start = Parameters.of(ArcCosine(1, 1), 1e-16, ("sigma2", "variance"), 2)
    learner = Learner(bounds={"sigma2": (1e-18, 1.0)}, iterations=5)
    learned = learner.learn(X, y, start)
    assert learned.value == pytest.approx(value_of("evidence", X, y, learned.parameters), rel=1e-6)
    with pytest.raises(NotPositiveDefiniteError, match="sigma2 is too small"):
        Learner(bounds={"sigma2": (1e-18, 1e-17)}).learn(X, y, start)
    with pytest.raises(NotPositiveDefiniteError, match="sigma2 is too small"):
        Learner().learn(X, y, replace(start, free=("variance",)))
    X[2] = 0.0
    with pytest.raises(LengthError, match="row 2 has length zero"):
        Learner().learn(X, y, Parameters.of(ArcCosine(1, 1), 0.1, ("sigma2",), 2))


@each_criterion
def test_turns_back_where_there_is_no_value(criterion):
    """Targets without noise draw sigma2 down to where M cannot be factored; the best that there was is what is learned."""
    X, y = np.repeat(data(12, 1)[0], 3, axis=0), np.repeat(np.sin(data(12, 1)[0][:, 0]), 3)
    start, record = Parameters.of(ArcCosine(1, 1, bias=1.0), 0.1, ("sigma2", "variance"), 1), Journal()
    learned = Learner(criterion, {"sigma2": (1e-40, 1.0)}, record=record).learn(X, y, start)
    values = np.array([answer[0] for _, answer in record.steps])
    assert np.isnan(values).any()
    assert learned.value == np.nanmax(values)
    assert learned.value > 100.0
    assert value_of(criterion, X, y, learned.parameters) == pytest.approx(learned.value, rel=1e-6)


def test_lengths_that_overflow_are_a_wall_too():
    """At a degree of 10 and lengthscales of next to nothing."""
    X, y = data(20)
    free, bounds = ("degree", "lengthscales"), {"lengthscales": (1e-30, 1.0), "degree": (1.0, 10.0)}
    start = Parameters.of(ArcCosine(1, 0, "homogeneous"), 0.1, free, 2)
    corner = start.at(start.bounds(bounds)[[0, 1, 2], [1, 0, 0]])
    with pytest.raises(LengthError):
        evaluate("evidence", X, y, corner)
    learned = Learner(bounds=bounds, restarts=2).learn(X, y, start)
    assert np.isfinite(learned.value)
    assert learned.value >= value_of("evidence", X, y, start)


@each_criterion
@pytest.mark.parametrize(
    "case", ["one feature", "a constant", "zeros", "one row", "two rows", "constant target", "units"]
)
def test_learns_from_whatever_there_is(criterion, case):
    """One feature; features that say nothing; a row or two; targets and features in large units."""
    N = {"one row": 1, "two rows": 2}.get(case, 30)
    X, y = data(N, 1 if case == "one feature" else 3)
    X[:, -1] = {"a constant": 5.0, "zeros": 0.0}.get(case, X[:, -1])
    y = {"constant target": np.ones(N), "units": 1e5 * y}.get(case, y)
    X = {"units": 1e5 * X}.get(case, X)
    start = Parameters.of(ArcCosine(1, 1), 0.1, EVERY, X.shape[1])
    learned = Learner(criterion, iterations=40).learn(X, y, start)
    assert np.isfinite(learned.value)
    assert learned.value >= value_of(criterion, X, y, start)
    assert all(math.isfinite(length) for length in learned.parameters.kernel.lengthscales)


def test_no_more_iterations_than_asked_for():
    """In each run."""
    X, y = data(40)
    told = []
    learned = Learner(iterations=2, restarts=1, tell=told.append).learn(
        X, y, Parameters.of(ArcCosine(1, 1), 5.0, EVERY, 2)
    )
    assert learned.iterations == 2
    assert [(iteration.run, iteration.number) for iteration in told] == [(0, 1), (0, 2), (1, 1), (1, 2)]


def test_parameters_are_their_logarithms_and_back():
    """In one order whatever was asked for; what is not free stays as it is."""
    kernel = ArcCosine(2, 1, "homogeneous", 0.5, 1.5, 2.5, (1.0, 2.0))
    parameters = Parameters.of(kernel, 0.1, ("lengthscales", "sigma2", "degree", "bias", "variance"), 2)
    assert parameters.free == ("sigma2", "variance", "bias", "degree", "lengthscales")
    assert np.exp(parameters.logarithms) == pytest.approx([0.1, 2.5, 0.5, 1.5, 1.0, 2.0], rel=1e-15)
    moved = parameters.at(np.log([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
    assert moved.sigma2 == 1.0
    assert moved.kernel.variance == pytest.approx(2.0, rel=1e-15)
    assert moved.kernel.bias == pytest.approx(3.0, rel=1e-15)
    assert moved.kernel.degree == pytest.approx(4.0, rel=1e-15)
    assert moved.kernel.lengthscales == pytest.approx((5.0, 6.0), rel=1e-15)
    alone = Parameters.of(kernel, 0.1, ("bias",), 2).at(np.log([3.0]))
    assert replace(alone.kernel, bias=0.5) == kernel
    assert alone.sigma2 == 0.1


def test_what_has_no_value_yet_begins_at_one_that_suits_standardised_rows():
    """A bias of 0 has no logarithm; a degree is the order where none is given; rows in lengthscales are of length 1."""
    kernel = Parameters.of(ArcCosine(3, 0, "homogeneous"), 0.1, ("bias", "degree", "lengthscales"), 4).kernel
    assert (kernel.bias, kernel.degree, kernel.lengthscales) == (1.0, 3.0, (2.0,) * 4)
    assert Parameters.of(ArcCosine(0, 0, "homogeneous"), 0.1, ("degree",), 4).kernel.degree == 1.0
    assert Parameters.of(ArcCosine(0, 0), 0.1, ("sigma2",), 4).kernel == ArcCosine(0, 0)


def test_the_sphere_has_no_degree_to_learn():
    """It is refused, not ignored."""
    with pytest.raises(ValueError, match="the degree cannot be learned on the sphere"):
        Parameters.of(ArcCosine(1, 1), 0.1, ("degree",), 2)
