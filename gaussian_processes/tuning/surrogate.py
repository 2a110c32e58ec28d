"""Surrogate: Bayesian optimisation with this project's own Gaussian process in the place of the objective.

Expected improvement (Mockus, 1978; Jones, Schonlau and Welch, 1998) over many combinations drawn at random and some near the
best; the kernel and the noise are those of a few with the largest evidence.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from scipy.special import ndtr

from gaussian_processes.gp import ArcCosine, TrainedGPModel
from gaussian_processes.tuning.places import place_of, value_at

Array = NDArray[np.float64]
Space = Mapping[str, BaseDistribution]

# Jobs at random before the surrogate has a say.
FIRST = 6
# Combinations among which it chooses: at random, and near the best.
DRAWN, NEAR = 1000, 200
# How far "near" is, of a range.
STEP = 0.1
# Rows that differ by less are one combination.
SAME = 1e-4
KERNELS = tuple(ArcCosine(q, l, bias=1.0) for q, l in ((1, 0), (1, 2), (2, 1), (3, 2)))
NOISES = (1e-4, 1e-2, 1e-1)


class GaussianProcessSampler(BaseSampler):
    """Draws what promises the most improvement.

    Args:
        seed: of all that is random in it.
    """

    def __init__(self, seed: int | None) -> None:
        self._random = RandomSampler(seed)
        self._generator = np.random.default_rng(seed)
        self._space = IntersectionSearchSpace()

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """What all trials so far have in common."""
        del trial
        return self._space.calculate(study)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The most promising combination; nothing, which leaves it to chance, before there is enough to learn from."""
        del trial
        ended = [one for one in study.get_trials(deepcopy=False) if one.state == TrialState.COMPLETE]
        running = [one for one in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)) if one.params]
        if len(ended) < FIRST or not search_space:
            return {}
        sign = 1.0 if study.direction == StudyDirection.MINIMIZE else -1.0
        values = sign * np.array([one.value for one in ended], dtype=np.float64)
        y = _ranks_to_normal(values)
        X = _encoded(search_space, [one.params for one in ended])
        model = _best_model(X, y)
        if pending := [one.params for one in running if search_space.keys() <= one.params.keys()]:
            # What still runs is taken to find what is expected of it, so that nobody tries the same beside it.
            waiting = _encoded(search_space, pending)
            y = np.append(y, model.predict(waiting))
            X = np.concatenate([X, waiting])
            model = TrainedGPModel(X, y, model.kernel, model.sigma2)
        best = ended[int(np.argmin(values))].params
        candidates = [self._drawn(search_space) for _ in range(DRAWN)]
        candidates += [self._near(search_space, best) for _ in range(NEAR)]
        rows = _encoded(search_space, candidates)
        mean, std = model.predict(rows, return_std=True)
        promise = _expected_improvement(mean, std, float(y.min()))
        # What was tried already would tell nothing new; it is tried again only where there is nothing else.
        promise[(np.abs(rows[:, None] - X).max(axis=2) < SAME).any(axis=1)] = -1.0
        return candidates[int(np.argmax(promise))]

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """At random."""
        return self._random.sample_independent(study, trial, param_name, param_distribution)

    def _drawn(self, space: Space) -> dict[str, Any]:
        return {name: value_at(one, self._generator.random()) for name, one in space.items()}

    def _near(self, space: Space, best: Mapping[str, Any]) -> dict[str, Any]:
        """The best with some of its parameters changed a little."""
        found = dict(best)
        for name, one in space.items():
            if self._generator.random() < 1.0 / len(space) or len(space) == 1:
                if isinstance(one, CategoricalDistribution):
                    found[name] = value_at(one, self._generator.random())
                else:
                    place = place_of(one, best[name]) + STEP * self._generator.standard_normal()
                    found[name] = value_at(one, min(max(place, 0.0), 1.0 - 1e-12))
        return {name: found[name] for name in space}


def _ranks_to_normal(values: Array) -> Array:
    """Standardised, with what is far on the bad side drawn in: a kernel that fails says only that it fails."""
    centre, spread = np.median(values), np.subtract(*np.quantile(values, (0.75, 0.25)))
    scaled = (values - centre) / (spread if spread > 0 else 1.0)
    clipped = np.minimum(scaled, 3.0)
    deviation = clipped.std()
    return np.asarray((clipped - clipped.mean()) / (deviation if deviation > 0 else 1.0))


def _best_model(X: Array, y: Array) -> TrainedGPModel:
    models = [TrainedGPModel(X, y, kernel, noise) for kernel, noise in itertools.product(KERNELS, NOISES)]
    return max(models, key=lambda model: model.log_evidence)


def _expected_improvement(mean: Array, std: Array, best: float) -> Array:
    std = np.maximum(std, 1e-12)
    z = (best - mean) / std
    density = np.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi)
    return np.asarray(std * (z * ndtr(z) + density))


def _encoded(space: Space, combinations: Sequence[Mapping[str, Any]]) -> Array:
    """Rows (N, d): numbers from -1 to 1, categories as one column each, 0 or 1."""
    columns = []
    for name, one in space.items():
        if isinstance(one, CategoricalDistribution):
            columns += [[float(chosen[name] == choice) for chosen in combinations] for choice in one.choices]
        else:
            columns.append([2.0 * place_of(one, chosen[name]) - 1.0 for chosen in combinations])
    return np.array(columns).T
