"""Strategies of the local search on the diabetes request: how far from the best known they are after so many jobs.

python benchmarks/tuning.py [SEEDS]

Jobs are trained in this process, one after the other, which changes nothing of what a strategy sees.
"""

import sys
from functools import cache
from pathlib import Path

from timing import ROOT  # before NumPy

import numpy as np

from gaussian_processes.gp import ArcCosine, TrainedGPModel
from gaussian_processes.tuning.request import read_request
from gaussian_processes.tuning.sampling import Sampler
from gaussian_processes.tuning.trial import Trial

DATA = ROOT / "local_test/test_dir/diabetes/input/data"
AFTER = (6, 12, 18, 24)


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    request = read_request(ROOT / "local_test/tuning_job_diabetes.json")
    config = request.hyper_parameter_tuning_job_config
    strategies = {
        "Random": ("Random", "gp"),
        "Bayesian, tree-structured Parzen estimators": ("Bayesian", "tpe"),
        "Bayesian, our Gaussian process": ("Bayesian", "gp"),
    }
    best = {
        name: np.array([best_so_far(config, *chosen, seed) for seed in range(seeds)])
        for name, chosen in strategies.items()
    }
    known = min(values.min() for values in best.values())
    print(f"median regret of validation:RMSE over {seeds} seeds, against {known:.4f}, the best of all runs")
    print(" " * 45 + "".join(f"{after:>20}" for after in (f"{n} jobs" for n in AFTER)))
    for name, values in best.items():
        cells = []
        for after in AFTER:
            low, median, high = np.quantile(values[:, after - 1] - known, (0.25, 0.5, 0.75))
            cells.append(f"{median:8.3f} ({low:.2f}-{high:.2f})")
        print(f"{name:<45}" + "".join(f"{cell:>20}" for cell in cells))


def best_so_far(config, strategy, surrogate, seed):
    config = config.model_copy(update={"strategy": strategy, "random_seed": seed})
    sampler, values = Sampler(config, (), surrogate=surrogate), []
    while (suggestion := sampler.next()) is not None:
        value = rmse(tuple(sorted(suggestion.combination.items())))
        suggestion.report(value)
        suggestion.tell(Trial(suggestion.number, suggestion.combination, "Completed", (value,), "", Path(), 0.0, 1.0))
        values.append(value)
    return np.minimum.accumulate(values)


@cache
def tables():
    return [np.loadtxt(next((DATA / name).iterdir()), delimiter=",") for name in ("training", "validation")]


@cache
def rmse(combination):
    """As `train` prints it, with features and target standardised by the training rows."""
    chosen = dict(combination)
    training, validation = tables()
    shift, scale = training.mean(axis=0), training.std(axis=0)
    (y, X), (y_star, X_star) = (np.split((table - shift) / scale, [1], axis=1) for table in (training, validation))
    kernel = ArcCosine(int(chosen["q"]), int(chosen["l"]), chosen["geometry"], bias=float(chosen["bias"]))
    mean = TrainedGPModel(X, y[:, 0], kernel, float(chosen["sigma2"])).predict(X_star)
    return float(scale[0] * np.sqrt(np.mean((mean - y_star[:, 0]) ** 2)))


if __name__ == "__main__":
    main()
