"""Progress of long phases: fractions that rise from 0 to 1, an end at once when it is asked for, and nothing kept."""

import gc
import signal
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from gaussian_processes.gp import ArcCosine, TrainedGPModel
from gaussian_processes.gp.compiled.threads import in_threads
from gaussian_processes.gp.linalg.cholesky import BlockSizes
from gaussian_processes.gp.progress import TIMES, Work
from gaussian_processes.gp.solvers.direct import Direct
from gaussian_processes.gp.solvers.refinement import Mixed

SMALL = BlockSizes(panel=7, tile=20, entries=3000)


class Told(dict):
    """The fractions told, by phase in the order of the phases."""

    def __call__(self, phase, fraction):
        self.setdefault(phase, []).append(fraction)


@pytest.fixture(name="data")
def noisy_data():
    generator = np.random.default_rng(5)
    return generator.normal(size=(301, 4)), generator.normal(size=301)


@pytest.mark.parametrize(
    ("solver", "phases"),
    [(Direct(SMALL), ["Gram matrix", "Cholesky"]), (Mixed(SMALL), ["Gram matrix", "Cholesky", "refinement"])],
)
def test_every_phase_goes_from_0_to_1(data, solver, phases):
    """Training, predictions of both kinds and leave-one-out; in steps that never go back."""
    X, y = data
    told = Told()
    trained = TrainedGPModel(X, y, ArcCosine(1, 1), 0.1, solver, progress=told)
    assert list(told) == phases
    assert len(told["Cholesky"]) > 100
    trained.leave_one_out(told)
    trained.predict(X, progress=told)
    means = told.pop("prediction")
    trained.predict(X, return_std=True, progress=told)
    for fractions in (*told.values(), means):
        assert fractions[0] == 0.0
        assert fractions[-1] == 1.0
        assert fractions == sorted(fractions)
    assert "progress" not in vars(trained)


def test_the_fractions_of_the_factorisation_are_those_of_its_operations(data):
    """When the first 7 of 301 columns are done, what is left is the factorisation of the others."""
    told = Told()
    TrainedGPModel(*data, ArcCosine(1, 1), 0.1, Direct(SMALL), progress=told)
    first = 1 - ((301 - 7) / 301) ** 3
    assert min(abs(fraction - first) for fraction in told["Cholesky"]) < 2 / TIMES


def test_a_phase_that_is_begun_again_is_told_again(data):
    """Where single precision is not enough, the matrix is made twice."""
    X, y = data
    told = Told()
    TrainedGPModel(1.0 + 0.01 * X, y, ArcCosine(1, 0), 1e-9, Mixed(), progress=told)
    assert told["Gram matrix"].count(0.0) == 2
    assert told["Cholesky"][-1] == 1.0


def test_however_many_the_steps_the_calls_are_few():
    """A thousandth at a time."""
    told = Told()
    work = Work("Cholesky", 1_000_000, told)
    for _ in range(100_000):
        work.advance(10)
    assert told["Cholesky"] == [i / TIMES for i in range(TIMES + 1)]


@pytest.mark.parametrize("phase", ["Gram matrix", "Cholesky", "refinement"])
@pytest.mark.parametrize("threads", [1, 2])
def test_an_exception_from_the_callback_ends_the_phase(data, phase, threads):
    """It arrives as it is, and the phase is told no more."""
    calls = []

    def stop(told, fraction):
        calls.append(told)
        if told == phase and fraction > 0.0:
            raise KeyboardInterrupt

    with threadpool_limits(threads), pytest.raises(KeyboardInterrupt):
        TrainedGPModel(*data, ArcCosine(1, 1), 0.1, Mixed(SMALL), progress=stop)
    assert calls.count(phase) == 2


@pytest.fixture
def uncollected():
    """No garbage collection: Hypothesis has a callback in it, in which a KeyboardInterrupt would be lost."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("threads", [1, 2])
def test_a_signal_ends_what_runs_in_threads(threads):
    """Of a thousand items only those are begun that were begun when it came; the same for an item's own failure."""
    begun = []

    def interrupt(item):
        begun.append(item)
        if item == 3:
            # To the main thread, which the system chooses too where it can.
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        threading.Event().wait(0.02)

    with threadpool_limits(threads), pytest.raises(KeyboardInterrupt):
        in_threads(interrupt, range(1000))
    assert len(begun) < 500
    begun.clear()

    def fail(item):
        begun.append(item)
        threading.Event().wait(0.001)
        if item == 3:
            raise OSError(item)

    with threadpool_limits(threads), pytest.raises(OSError, match="3"):
        in_threads(fail, range(1000))
    assert len(begun) < 500
