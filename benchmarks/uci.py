"""Predictive quality on five UCI tables, in the splits that the literature reports on, against other kernels.

    python benchmarks/uci.py --tables FOLDER --results FILE [--names yacht,energy] [--methods ours,rbf,matern32,matern52]
    python benchmarks/uci.py --print --results FILE

The folder holds uci_NAME.npz: X, y, and test_0 to test_19, the row numbers of each split's test part. Features and
target are standardised by the training part, the mean is zero, and hyperparameters maximise the evidence. The rivals are
scikit-learn's RBF and Matern kernels (nu = 3/2, 5/2), each with a variance, a length scale a feature, and noise.

Errors and densities of the test part are in the target's own units, noise included. Of kin8nm and power-plant only the
first splits are done (--large-splits). Where there are more than 2,000 training rows, every method learns its hyperparameters
on the same 2,000 of them, drawn at random with the split's number for a seed; all training rows then predict.

Each result is a line of JSON, added to FILE at once. What is there is not done again: a run can be stopped and continued.
Libraries that are not installed are skipped.
"""

import argparse
import json
import math
import time
import warnings
from dataclasses import asdict
from pathlib import Path

from timing import best_of  # before NumPy

import numpy as np
import pandas as pd
from scipy.special import ndtri

from gaussian_processes.gp import TrainedGPModel

SMALL, LARGE = ("yacht", "energy", "concrete"), ("kin8nm", "power-plant")
SPLITS = 20
# Training rows that hyperparameters are learnt on, at most.
LEARNT_ON = 2000
# What README.md recommends for a table of which nothing is known; features and target are standardised here already.
SETTINGS = {"q": "auto", "l": "auto", "geometry": "auto", "bias": 1.0, "degree": 1.0, "optimize": "all"}
# Of scikit-learn's optimiser, from a random point, beside the run from its start; where all rows are learnt from.
RESTARTS = 1

# Published means and standard errors on these splits: RMSE and mean test log density.
DROPOUT = {
    "MC dropout, paper's settings": {
        "concrete": ("4.93 ± 0.14", "−2.97 ± 0.02"),
        "energy": ("1.08 ± 0.03", "−1.72 ± 0.01"),
        "yacht": ("0.70 ± 0.05", "−1.38 ± 0.01"),
        "kin8nm": ("0.09 ± 0.00", "0.97 ± 0.00"),
        "power-plant": ("4.00 ± 0.04", "−2.79 ± 0.01"),
    },
    "MC dropout, grid-searched": {
        "concrete": ("4.82 ± 0.16", "−2.93 ± 0.02"),
        "energy": ("0.54 ± 0.06", "−1.21 ± 0.01"),
        "yacht": ("0.67 ± 0.05", "−1.25 ± 0.01"),
        "kin8nm": ("0.08 ± 0.00", "1.14 ± 0.01"),
        "power-plant": ("4.01 ± 0.04", "−2.80 ± 0.01"),
    },
}


def learning_rows(N, split):
    """Numbers of the training rows that hyperparameters are learnt on: the same for every method."""
    return np.arange(N) if N <= LEARNT_ON else np.random.default_rng(split).choice(N, LEARNT_ON, replace=False)


# Each method takes a split's standardised rows and its number, and gives mean and standard deviation of a measurement at
# X_star, and what it chose, as JSON takes it.


def ours(X, y, X_star, split):
    from gaussian_processes.arc_cosine.settings import Hyperparameters
    from gaussian_processes.arc_cosine.learning import choose

    rows = learning_rows(len(X), split)
    choice = choose(X[rows], y[rows], 1.0, Hyperparameters(**SETTINGS), Silence())
    kernel, sigma2 = choice.kernel, choice.sigma2
    mean, std = TrainedGPModel(X, y, kernel, sigma2).predict(X_star, return_std=True)
    return mean, np.sqrt(std**2 + sigma2), {**asdict(kernel), "noise": sigma2}


class Silence:
    """A job of which nobody hears."""

    def log(self, _message):
        pass

    def progress(self, _phase, _fraction):
        pass

    def kept(self):
        return None

    def keep(self, _state):
        pass


def rbf(X, y, X_star, split):
    from sklearn.gaussian_process.kernels import RBF

    return scikit_learn(RBF(np.ones(X.shape[1]), (1e-2, 1e3)), X, y, X_star, split)


def matern32(X, y, X_star, split):
    from sklearn.gaussian_process.kernels import Matern

    return scikit_learn(Matern(np.ones(X.shape[1]), (1e-2, 1e3), nu=1.5), X, y, X_star, split)


def matern52(X, y, X_star, split):
    from sklearn.gaussian_process.kernels import Matern

    return scikit_learn(Matern(np.ones(X.shape[1]), (1e-2, 1e3), nu=2.5), X, y, X_star, split)


def scikit_learn(shape, X, y, X_star, split):
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, WhiteKernel

    rows = learning_rows(len(X), split)
    restarts = RESTARTS if len(rows) == len(X) else 0
    kernel = ConstantKernel(1.0, (1e-3, 1e5)) * shape + WhiteKernel(0.1, (1e-6, 1e1))
    learner = GaussianProcessRegressor(kernel, alpha=1e-10, n_restarts_optimizer=restarts, random_state=split)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a feature that says nothing ends at its bound
        model = learner.fit(X[rows], y[rows])
    evidence = model.log_marginal_likelihood_value_
    if len(rows) < len(X):
        model = GaussianProcessRegressor(model.kernel_, alpha=1e-10, optimizer=None).fit(X, y)
    mean, std = model.predict(X_star, return_std=True)  # of a measurement: the noise is a part of the kernel
    learnt = model.kernel_
    return (
        mean,
        std,
        {
            "variance": learnt.k1.k1.constant_value,
            "lengthscales": learnt.k1.k2.length_scale.tolist(),
            "noise": learnt.k2.noise_level,
            "log_evidence": float(evidence),
            "restarts": restarts,
        },
    )


METHODS = {"ours": ours, "rbf": rbf, "matern32": matern32, "matern52": matern52}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=Path, help="the folder of uci_NAME.npz")
    parser.add_argument("--results", type=Path, required=True, help="the file of results, to be continued")
    parser.add_argument("--names", default=",".join(SMALL + LARGE), help="of tables, in the order to do them in")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--large-splits", type=int, default=3, help=f"splits of {' and '.join(LARGE)}")
    parser.add_argument("--print", action="store_true", help="what FILE holds, and do nothing")
    options = parser.parse_args()
    names, methods = options.names.split(","), options.methods.split(",")
    if unknown := (set(names) - set(SMALL + LARGE)) | (set(methods) - set(METHODS)):
        parser.error(f"no table or method is named {', '.join(sorted(unknown))}")
    if not options.print:
        if options.tables is None:
            parser.error("--tables is wanted, or --print")
        run(options.tables, options.results, names, methods, options.large_splits)
    results = pd.DataFrame(recorded(options.results))
    for name in names:
        if not results.empty and (results["table"] == name).any():
            report(name, results[results["table"] == name])


def recorded(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def run(folder, path, names, methods, large_splits):
    skipped = set()
    for name in names:
        table = np.load(folder / f"uci_{name}.npz")
        for split in range(large_splits if name in LARGE else SPLITS):
            for method in methods:
                done = {(record["table"], record["method"], record["split"]) for record in recorded(path)}
                if method in skipped or (name, method, split) in done:
                    continue
                try:
                    result = result_of(METHODS[method], table["X"], table["y"], table[f"test_{split}"], split)
                except ImportError as error:
                    print(f"{method}: SKIPPED ({error}); see requirements-peers.txt", flush=True)
                    skipped.add(method)
                    continue
                record = {"table": name, "method": method, "split": split, **result}
                with path.open("a") as file:
                    file.write(json.dumps(record) + "\n")
                print(
                    f"{name}, split {split}, {method}: RMSE {record['rmse']:.4g}, "
                    f"log density {record['log_density']:.4g}, {record['seconds']:.0f} s",
                    flush=True,
                )


def result_of(method, X, y, test, split):
    train = np.setdiff1d(np.arange(len(y)), test)
    shift, scale = X[train].mean(axis=0), X[train].std(axis=0)
    shift_y, scale_y = y[train].mean(), y[train].std()
    X = (X - shift) / np.where(scale > 0, scale, 1.0)
    before = time.process_time()
    seconds, (mean, std, chosen) = best_of(1, lambda: method(X[train], (y[train] - shift_y) / scale_y, X[test], split))
    core_seconds = time.process_time() - before
    errors, std = y[test] - (shift_y + scale_y * mean), scale_y * std
    return {
        "training_rows": len(train),
        "features": X.shape[1],
        "learnt_on": min(len(train), LEARNT_ON),
        "rmse": float(np.sqrt(np.mean(errors**2))),
        "log_density": float(np.mean(-0.5 * np.log(2 * np.pi * std**2) - 0.5 * (errors / std) ** 2)),
        "coverage": float(np.mean(np.abs(errors) <= ndtri(0.975) * std)),
        "seconds": seconds,
        "core_seconds": core_seconds,
        "chosen": chosen,
    }


def report(name, results):
    """A table's block: a row a method, what is published, and ours against each rival on the splits that both have."""
    results = results.drop_duplicates(["method", "split"], keep="last")
    first = results.iloc[0]
    print(
        f"\n{name}: {first['training_rows']} training rows, {first['features']} features; every method's hyperparameters "
        f"learnt on {'all' if first['learnt_on'] == first['training_rows'] else first['learnt_on']} of the training rows"
    )
    by_method = {method: group.set_index("split") for method, group in results.groupby("method")}
    lines = {
        method: {
            "splits": str(len(group)),
            "RMSE": plus_minus(group["rmse"]),
            "log density": plus_minus(group["log_density"]),
            "in 95 %": f"{group['coverage'].mean():.3f}",
            "seconds": f"{group['seconds'].median():.1f}",
            "core-seconds": f"{group['core_seconds'].median():.1f}",
        }
        for method in METHODS
        if (group := by_method.get(method)) is not None
    }
    for source, published in DROPOUT.items():
        rmse, log_density = published[name]
        lines[f"{source} (published)"] = {"splits": str(SPLITS), "RMSE": rmse, "log density": log_density}
    print(pd.DataFrame.from_dict(lines, orient="index").fillna("").to_string())

    mine = by_method.pop("ours", None)
    for method in METHODS if mine is not None else ():
        if method not in by_method:
            continue
        # Rows of the splits that one of them lacks are NaN in the difference.
        difference = (mine[["log_density", "rmse"]] - by_method[method][["log_density", "rmse"]]).dropna()
        print(
            f"ours − {method}, {len(difference)} splits: "
            f"log density {plus_minus(difference['log_density'])}, {verdict(difference['log_density'])}; "
            f"RMSE {plus_minus(difference['rmse'])}, {verdict(-difference['rmse'])}"
        )


def verdict(gain):
    if len(gain) < 2:
        return "undecided"
    if abs(gain.mean()) <= 2 * gain.sem():
        return "within two standard errors"
    return f"ours {'BETTER' if gain.mean() > 0 else 'WORSE'} by more than two standard errors"


def plus_minus(values):
    """Mean and standard error, to two digits of the latter."""
    mean, error = values.mean(), values.sem()
    if not error > 0:
        return f"{mean:.4g}".replace("-", "−")
    digits = max(0, 1 - math.floor(math.log10(error)))
    return f"{mean:.{digits}f} ± {error:.{digits}f}".replace("-", "−")


if __name__ == "__main__":
    main()
