"""What the recommended settings lose to the best of all kernels, each learned to the end by itself, on small known functions.

    python benchmarks/automatic_choice.py [--seeds 10] [--rows 40]

Five functions, with noise of 0, 0.3, 1 and 3 % of their standard deviation. Prints for each table the log evidence that the
automatic choice reaches, that of the best of the 50 kernels learned to the end from the same start, and the difference.
"""

import argparse

from timing import best_of  # noqa: F401  # before NumPy: it settles the threads

import numpy as np
from uci import SETTINGS, Silence

from gaussian_processes.arc_cosine.settings import DEPTHS, GEOMETRIES, ORDERS, Hyperparameters
from gaussian_processes.arc_cosine.learning import choose
from gaussian_processes.gp import TrainedGPModel
from gaussian_processes.gp.linalg.cholesky import NotPositiveDefiniteError
from gaussian_processes.arc_cosine.scaling import Scaling

NOISES = (0.0, 0.003, 0.01, 0.03)


def linear(generator, N):
    X = generator.normal(size=(N, 3))
    return X, X @ [1.0, 2.0, 3.0]


def quadratic(generator, N):
    X = generator.uniform(-2, 2, size=(N, 3))
    return X, X[:, 0] ** 2 + X[:, 1] * X[:, 2] + X[:, 0]


def branin(generator, N):
    a, b = generator.uniform(-5, 10, N), generator.uniform(0, 15, N)
    value = (b - 5.1 / (4 * np.pi**2) * a**2 + 5 / np.pi * a - 6) ** 2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(a) + 10
    return np.column_stack([a, b]), value


def friedman(generator, N):
    X = generator.uniform(size=(N, 6))
    return X, 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2 + 10 * X[:, 3] + 5 * X[:, 4]


def sine(generator, N):
    X = generator.uniform(-3, 3, size=(N, 1))
    return X, np.sin(2 * X[:, 0])


def evidence(X, y, **settings):
    """Of the kernel and the noise that these settings lead to; none where they lead nowhere."""
    try:
        choice = choose(X, y, 1.0, Hyperparameters(**(SETTINGS | settings)), Silence())
    except NotPositiveDefiniteError:
        return -np.inf
    return TrainedGPModel(X, y, choice.kernel, choice.sigma2).log_evidence


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--rows", type=int, default=40)
    options = parser.parse_args()
    differences = []
    for function in (linear, quadratic, branin, friedman, sine):
        for noise in NOISES:
            for seed in range(options.seeds):
                generator = np.random.default_rng(seed)
                X, f = function(generator, options.rows)
                y = f + noise * f.std() * generator.normal(size=len(f))
                X, y = Scaling.standard(X).apply(X), Scaling.standard(y).apply(y)
                ours = evidence(X, y)
                single = {
                    (q, l, geometry): evidence(X, y, q=q, l=l, geometry=geometry)
                    for q in ORDERS
                    for l in DEPTHS
                    for geometry in GEOMETRIES
                }
                best = max(single, key=single.get)
                differences.append(single[best] - ours)
                print(
                    f"{function.__name__:9} noise {noise:5} seed {seed}: automatic {ours:8.2f}, "
                    f"best {single[best]:8.2f} {best}, difference {differences[-1]:6.2f}",
                    flush=True,
                )
    lost = np.array(differences)
    print(
        f"{len(lost)} tables: within 1 nat on {np.sum(lost < 1.0)}; median {np.median(lost):.2f}, "
        f"90 % {np.quantile(lost, 0.9):.2f}, most {lost.max():.2f}"
    )


if __name__ == "__main__":
    main()
