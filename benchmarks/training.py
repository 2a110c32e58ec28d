"""Training against LAPACK's bare Cholesky factorisation of the same matrix in place: time, its parts, and memory.

python benchmarks/training.py [--rows 10000] [--precision double|mixed] [--profile]
"""

import argparse
import cProfile
import multiprocessing
import pstats
import time

from timing import best_of, peak, rows

import numpy as np
from scipy.linalg.lapack import dpotrf

from gaussian_processes.gp import ArcCosine, Direct, Mixed, TrainedGPModel
from gaussian_processes.gp import cost
from gaussian_processes.gp.compiled.threads import threads

KERNEL, SIGMA2 = ArcCosine(1, 3), 0.1
SOLVERS = {"double": Direct(), "mixed": Mixed()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--precision", choices=SOLVERS, default="double")
    parser.add_argument("--profile", action="store_true", help="where the time goes, by function")
    arguments = parser.parse_args()
    N = arguments.rows
    print(
        f"Training at N = {N}, d = 10, {KERNEL.q=}, {KERNEL.l=}, {threads()} threads, precision {arguments.precision}"
    )

    # A process of its own, so that its peak is that of training alone.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        memory = pool.apply(peak_of_training, (N, arguments.precision))
    print(f"peak of the process: {memory / (8 * N * N):.3f} x 8 N^2 bytes ({memory / 1e6:.0f} MB)")

    X, y = rows(N)
    train(*rows(200), arguments.precision)
    # One after the other, so that both see the same machine.
    ours, bare = [], []
    for _ in range(arguments.repeats):
        bare.append(best_of(1, lambda M: dpotrf(M, lower=1, clean=0, overwrite_a=1), lambda: matrix(X))[0])
        ours.append(best_of(1, lambda: train(X, y, arguments.precision))[0])
    print(f"Gram, factor, alpha, log evidence: {min(ours):.3f} s; bare dpotrf: {min(bare):.3f} s")
    print(f"estimate: {cost.training(N, X.shape[1], mixed=arguments.precision == 'mixed') / rate():.3f} s")
    print(
        f"ratio {min(ours) / min(bare):.3f}; of pairs {', '.join(f'{a / b:.3f}' for a, b in zip(ours, bare, strict=True))}"
    )
    if arguments.precision == "mixed":
        compare(X, y)
    if arguments.profile:
        profile(X, y, arguments.precision)


def train(X, y, precision):
    model = TrainedGPModel(X, y, KERNEL, SIGMA2, SOLVERS[precision])
    return model, model.log_evidence


def rate():
    """Floating-point operations a second of a matrix product."""
    A = np.ones((1000, 1000))
    return 2 * 1000**3 / best_of(3, lambda: A @ A)[0]


def matrix(X):
    M = KERNEL.gram(X).T
    M[np.diag_indices(len(X))] += SIGMA2
    return M


def peak_of_training(N, precision):
    train(*rows(N), precision)
    return peak()


def compare(X, y):
    """What mixed precision loses."""
    mixed, double = train(X, y, "mixed")[0], train(X, y, "double")[0]
    print(mixed.solution.message)
    X_star, _ = rows(500, seed=1)
    (mean, std), (wanted, sure) = mixed.predict(X_star, return_std=True), double.predict(X_star, return_std=True)
    print(f"means: {np.abs(mean - wanted).max() / np.abs(wanted).max():.1e} relative")
    print(
        f"variances: {np.abs(std**2 - sure**2).max():.1e} of a prior variance of 1, {np.abs((std / sure) ** 2 - 1).max():.1e} relative"
    )
    print(f"log evidence: {abs(mixed.log_evidence / double.log_evidence - 1):.1e} relative")


def profile(X, y, precision):
    """The functions in which a training spends its time, on the thread that waits for them all."""
    profiler = cProfile.Profile(timer=time.perf_counter)
    profiler.runcall(train, X, y, precision)
    pstats.Stats(profiler).sort_stats("cumulative").print_stats("gaussian_processes|train", 16)


if __name__ == "__main__":
    main()
