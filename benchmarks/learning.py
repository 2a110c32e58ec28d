"""What learning costs: a criterion with all its derivatives, against LAPACK's bare factorisation and inverse in place.

python benchmarks/learning.py [--rows 5000] [--repeats 5] [--scikit-learn [--peer-rows 2000]]

Free are 10 lengthscales, bias, degree, variance and sigma2. scikit-learn computes the same number of derivatives, of the
log evidence with its RBF kernel that has a lengthscale for each feature.
"""

import argparse
import multiprocessing
import statistics

from timing import best_of, peak, rows

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri

from gaussian_processes.gp import ArcCosine
from gaussian_processes.gp.selection.optimise import evaluate
from gaussian_processes.gp.selection.parameters import Parameters, learnable
from gaussian_processes.gp.compiled.threads import threads

D, SIGMA2 = 10, 0.1
KERNEL = ArcCosine(1, 3, "homogeneous", bias=1.0, degree=1.0, lengthscales=(1.0,) * D)
FREE = Parameters.of(KERNEL, SIGMA2, tuple(learnable(KERNEL)), D)
CRITERIA = ("evidence", "loo")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--scikit-learn", action="store_true", help="against it as well, which takes 8 N^2 d bytes")
    parser.add_argument("--peer-rows", type=int, default=2000)
    arguments = parser.parse_args()
    N = arguments.rows
    print(f"{len(FREE.logarithms)} derivatives at N = {N}, d = {D}, {KERNEL.q=}, {KERNEL.l=}, {threads()} threads")
    for criterion in CRITERIA:
        # A process of its own, so that its peak is that of this alone.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            memory = pool.apply(peak_of_evaluation, (criterion, N))
        print(f"{criterion}: peak of the process {memory / (8 * N * N):.3f} x 8 N^2 bytes ({memory / 1e6:.0f} MB)")
    X, y = rows(N, D)
    ours = {criterion: lambda criterion=criterion: evaluate(criterion, X, y, FREE) for criterion in CRITERIA}
    evaluate("loo", X[:100], y[:100], FREE)
    compare("dpotrf and dpotri", invert, lambda: matrix(X), ours, arguments.repeats)
    if arguments.scikit_learn:
        against_scikit_learn(arguments.peer_rows, arguments.repeats)


def compare(name, theirs, prepare, ours, repeats):
    """One after the other, so that what else is at work slows them all."""
    times = {key: [] for key in (name, *ours)}
    for _ in range(repeats):
        times[name].append(best_of(1, theirs, prepare)[0])
        for criterion, work in ours.items():
            times[criterion].append(best_of(1, work)[0])
    print(f"{name}: {min(times[name]):.3f} s")
    for criterion in ours:
        pairs = [a / b for a, b in zip(times[criterion], times[name], strict=True)]
        print(
            f"{criterion}: {min(times[criterion]):.3f} s, ratio of the best {min(times[criterion]) / min(times[name]):.3f}; "
            f"of pairs, median {statistics.median(pairs):.3f}, from {min(pairs):.3f} to {max(pairs):.3f}"
        )


def matrix(X):
    M = KERNEL.gram(X).T
    M[np.diag_indices(len(X))] += SIGMA2
    return M


def invert(M):
    L, _ = dpotrf(M, lower=1, clean=0, overwrite_a=1)
    return dpotri(L, lower=1, overwrite_c=1)[0]


def peak_of_evaluation(criterion, N):
    evaluate(criterion, *rows(N, D), FREE)
    return peak()


def against_scikit_learn(N, repeats):
    try:
        import sklearn
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
    except ImportError:
        print("scikit-learn: SKIPPED, it is not installed")
        return
    X, y = rows(N, D)
    kernel = ConstantKernel(1.0) * RBF(np.ones(D)) + WhiteKernel(SIGMA2)
    model = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None).fit(X, y)
    theta = model.kernel_.theta
    print(f"\n{len(theta)} derivatives at N = {N}")
    compare(
        f"scikit-learn {sklearn.__version__}, log_marginal_likelihood(eval_gradient=True)",
        lambda: model.log_marginal_likelihood(theta, eval_gradient=True),
        None,
        {"evidence": lambda: evaluate("evidence", X, y, FREE)},
        repeats,
    )


if __name__ == "__main__":
    main()
