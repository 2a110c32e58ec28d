"""Bayesian optimisation with our own Gaussian process."""

import statistics

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.integrate import quad
from scipy.stats import norm

from gaussian_processes.tuning import surrogate
from gaussian_processes.tuning.places import place_of, value_at
from gaussian_processes.tuning.surrogate import FIRST, GaussianProcessSampler

SPACE = {
    "real": FloatDistribution(-2.0, 6.0),
    "log": FloatDistribution(1e-4, 1.0, log=True),
    "whole": IntDistribution(0, 4),
    "wide": IntDistribution(1, 1000, log=True),
    "one": FloatDistribution(3.0, 3.0),
    "kind": CategoricalDistribution(("a", "b", "c")),
}


def hartmann(trial):
    """Hartmann's function of six variables (Dixon and Szego, 1978), less its least value."""
    x = np.array([trial.suggest_float(f"x{i}", 0.0, 1.0) for i in range(6)])
    A = np.array(
        [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
    )
    P = 1e-4 * np.array(
        [
            [1312, 1696, 5569, 124, 8283, 5886],
            [2329, 4135, 8307, 3736, 1004, 9991],
            [2348, 1451, 3522, 2883, 3047, 6650],
            [4047, 8828, 8732, 5743, 1091, 381],
        ]
    )
    return 3.32237 - float(np.array([1.0, 1.2, 3.0, 3.2]) @ np.exp(-np.sum(A * (x - P) ** 2, axis=1)))


@pytest.fixture(autouse=True)
def quiet():
    """Optuna says nothing of each trial."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def found(sampler, objective, trials, direction="minimize"):
    study = optuna.create_study(sampler=sampler, direction=direction)
    study.optimize(objective, trials)
    return study


@pytest.mark.slow
def test_it_comes_nearer_to_the_best_than_chance_and_than_optunas_own():
    """On a function that is not ours, over some seeds."""
    makers = {
        "gp": GaussianProcessSampler,
        "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
        "random": optuna.samplers.RandomSampler,
    }
    medians = {
        name: statistics.median(found(make(seed), hartmann, 40).best_value for seed in range(5))
        for name, make in makers.items()
    }
    assert medians["gp"] < 0.5 * medians["tpe"]
    assert medians["gp"] < 0.25 * medians["random"]


def test_to_maximise_is_to_minimise_the_negative():
    """The same combinations, one after the other."""
    down = found(GaussianProcessSampler(3), hartmann, FIRST + 4)
    up = found(GaussianProcessSampler(3), lambda trial: -hartmann(trial), FIRST + 4, "maximize")
    assert [trial.params for trial in down.trials] == [trial.params for trial in up.trials]


def test_what_it_draws_is_of_the_range_and_of_its_type():
    """Real, whole, on logarithmic scales, of one value, and categories."""

    def objective(trial):
        chosen = {name: trial._suggest(name, one) for name, one in SPACE.items()}
        for name, one in SPACE.items():
            assert one._contains(one.to_internal_repr(chosen[name]))
        assert isinstance(chosen["whole"], int)
        return chosen["real"] ** 2 + chosen["whole"] + (chosen["kind"] != "b")

    study = found(GaussianProcessSampler(0), objective, 30)
    assert study.best_params["kind"] == "b"
    assert study.best_params["whole"] == 0
    assert abs(study.best_params["real"]) < 0.5


def test_jobs_side_by_side_do_not_try_the_same():
    """Three asked for while none has ended: they lie apart."""
    study = found(GaussianProcessSampler(1), lambda trial: trial.suggest_float("x", 0.0, 1.0) ** 2, FIRST + 4)
    space = {"x": FloatDistribution(0.0, 1.0)}
    asked = [study.ask(space).params["x"] for _ in range(3)]
    assert min(abs(a - b) for i, a in enumerate(asked) for b in asked[:i]) > 1e-4


def test_equal_objectives_are_no_obstacle():
    """Nothing is to be learnt, and the search goes on."""
    study = found(GaussianProcessSampler(0), lambda trial: 0.0 * trial.suggest_float("x", 0.0, 1.0), FIRST + 3)
    assert len({trial.params["x"] for trial in study.trials}) == FIRST + 3


@pytest.mark.parametrize("mean", [-1.0, 0.0, 2.0])
@pytest.mark.parametrize("std", [0.1, 1.0])
def test_expected_improvement_is_the_integral_that_defines_it(mean, std):
    """E[max(best - f, 0)] for normal f, by quadrature."""
    best = 0.5
    density = norm(mean, std).pdf
    wanted, _ = quad(lambda f: (best - f) * density(f), mean - 12 * std, best, points=[mean], limit=200)
    (value,) = surrogate._expected_improvement(np.array([mean]), np.array([std]), best)
    assert value == pytest.approx(wanted, rel=1e-7, abs=1e-12)


@pytest.mark.parametrize("name", ["real", "log", "whole", "wide"])
def test_places_and_values_are_each_others_inverse(name):
    """And the ends of a range are its bounds."""
    one = SPACE[name]
    for fraction in np.linspace(0.0, 1.0 - 1e-12, 13):
        value = value_at(one, fraction)
        again = value_at(one, min(max(place_of(one, value), 0.0), 1.0 - 1e-12))
        assert again == pytest.approx(value, rel=1e-9)
    assert value_at(one, 0.0) == pytest.approx(one.low)
    assert value_at(one, 1.0 - 1e-12) == pytest.approx(one.high)


def test_every_whole_number_is_as_likely():
    """The ends too."""
    values = [value_at(SPACE["whole"], fraction) for fraction in np.linspace(0.0, 1.0, 5001)[:-1]]
    assert {value: round(values.count(value) / 5000, 2) for value in set(values)} == dict.fromkeys(range(5), 0.2)
