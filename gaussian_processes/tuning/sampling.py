"""Sampling: which combination is tried next, and whether a job that has printed some values is worth going on with.

Random and Grid know what they will try from the start. Bayesian and Hyperband leave it to Optuna: tree-structured Parzen
estimators (Bergstra, Bardenet, Bengio and Kegl, 2011); Hyperband (Li et al., 2018); the median rule (Golovin et al., 2017).
"""

import itertools
import math
import random
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import optuna
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from gaussian_processes.tuning.request import TuningJobConfig
from gaussian_processes.tuning.surrogate import GaussianProcessSampler
from gaussian_processes.tuning.trial import Combination, Trial

Surrogate = Literal["gp", "tpe"]
# Jobs that have ended before the median of them means something.
JUDGES = 5


class Sampler:
    """Draws combinations, learns from how they end.

    Args:
        config: of the request.
        earlier: trials to learn from: of parents, or of the same search before it was interrupted.
        done: how many trials of this search there are already; what they tried is not tried again.
        surrogate: of the strategy Bayesian.
    """

    def __init__(
        self,
        config: TuningJobConfig,
        earlier: Sequence[Trial],
        done: Sequence[Trial] = (),
        surrogate: Surrogate = "gp",
    ) -> None:
        self._config = config
        self._ranges = config.parameter_ranges.all
        self._distributions = {one.name: one.distribution for one in self._ranges}
        minimize = config.hyper_parameter_tuning_job_objective.type == "Minimize"
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = optuna.create_study(
            direction=StudyDirection.MINIMIZE if minimize else StudyDirection.MAXIMIZE,
            sampler=self._optunas_sampler(surrogate, len(done)),
            pruner=self._pruner(),
        )
        for trial in (*earlier, *done):
            self._learn(trial)
        numbers = {trial.number for trial in done}
        known = config.strategy in {"Random", "Grid"}
        tries: Iterator[Combination | None] = combinations(config) if known else itertools.repeat(None)
        limit = config.resource_limits.max_number_of_training_jobs
        self._tries = (one for one in itertools.islice(enumerate(tries, 1), limit) if one[0] not in numbers)

    def next(self) -> "Suggestion | None":
        """What to try; None when as much has been tried as the request wants, or as there is."""
        number, combination = next(self._tries, (0, None))
        if number == 0:
            return None
        if combination is not None:
            self._study.enqueue_trial({one.name: one.drawn(combination[one.name]) for one in self._ranges})
        asked = self._study.ask(self._distributions)
        if combination is None:
            combination = {one.name: one.text(asked.params[one.name]) for one in self._ranges}
        hyperband = self._config.strategy == "Hyperband"
        enough = self._config.hyperband.max_resource if hyperband else None
        return Suggestion(number, combination, asked, self._study, enough)

    def _optunas_sampler(self, surrogate: Surrogate, done: int) -> optuna.samplers.BaseSampler:
        seed = self._config.random_seed
        # After a pause the same numbers would be drawn again.
        seed = None if seed is None else seed + done
        if self._config.strategy == "Bayesian" and surrogate == "gp":
            return GaussianProcessSampler(seed)
        if self._config.strategy in {"Bayesian", "Hyperband"}:
            # What still runs counts as bad, so that jobs side by side do not all try the same.
            return optuna.samplers.TPESampler(seed=seed, constant_liar=True)
        return optuna.samplers.RandomSampler(seed)

    def _pruner(self) -> optuna.pruners.BasePruner:
        if self._config.strategy == "Hyperband":
            hyperband = self._config.hyperband
            return optuna.pruners.HyperbandPruner(hyperband.min_resource, hyperband.max_resource or "auto")
        if self._config.training_job_early_stopping_type == "Auto":
            return optuna.pruners.MedianPruner(n_startup_trials=JUDGES)
        return optuna.pruners.NopPruner()

    def _learn(self, trial: Trial) -> None:
        """From a trial that has ended, if what it tried lies within the ranges."""
        known = {one.name: one.drawn(trial.combination.get(one.name, "")) for one in self._ranges}
        if trial.objective is None or any(value is None for value in known.values()):
            return
        self._study.add_trial(
            create_trial(
                params=known,
                distributions=self._distributions,
                value=trial.objective,
                intermediate_values=dict(enumerate(trial.values, start=1)),
            )
        )


class Suggestion:
    """A combination that is being tried.

    Attributes:
        number: from 1.
        combination: what the job is given.
    """

    def __init__(
        self, number: int, combination: Combination, asked: optuna.Trial, study: optuna.Study, enough: int | None
    ) -> None:
        self.number = number
        self.combination = combination
        self._asked = asked
        self._study = study
        self._enough = enough
        self._values: list[float] = []

    def report(self, value: float) -> bool:
        """A value of the objective that the job has printed; whether the job is not worth going on with."""
        if isinstance(self._study.pruner, optuna.pruners.NopPruner):
            return False  # Optuna takes as long for a value as there were before it
        self._values.append(value)
        self._asked.report(value, len(self._values))
        if self._enough is not None and len(self._values) >= self._enough:
            return False  # all that Hyperband grants a job
        return self._asked.should_prune()

    def tell(self, trial: Trial) -> None:
        """How it ended."""
        if trial.objective is None:
            self._study.tell(self._asked, state=TrialState.FAIL)
        elif trial.status == "Stopped":
            self._study.tell(self._asked, state=TrialState.PRUNED)
        else:
            self._study.tell(self._asked, trial.objective)


def combinations(config: TuningJobConfig) -> Iterator[Combination]:
    """Those of Random and Grid: without repeats where the ranges can be counted, the same again for the same seed."""
    ranges = config.parameter_ranges
    wanted, size = config.number_of_jobs, math.prod(one.size for one in ranges.discrete)
    generator = random.Random(config.random_seed)  # noqa: S311  # a search, not a secret
    cells: Any
    if config.strategy == "Grid":
        cells = range(size)
    elif ranges.continuous_parameter_ranges or size > sys.maxsize:
        cells = [generator.randrange(size) for _ in range(wanted)]
    else:
        cells = generator.sample(range(size), wanted)
    for cell in cells:
        yield _combination(config, cell, generator)


def _combination(config: TuningJobConfig, cell: int, generator: random.Random) -> Combination:
    chosen = {}
    for known in config.parameter_ranges.discrete:
        cell, index = divmod(cell, known.size)
        chosen[known.name] = known.at(index)
    for continuous in config.parameter_ranges.continuous_parameter_ranges:
        chosen[continuous.name] = continuous.at(generator.random())
    return chosen
