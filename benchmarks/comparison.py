"""Comparing 25 kernels, each at its own best noise and variance, against LAPACK's bare Cholesky factorisation.

python benchmarks/comparison.py [--rows 2000] [--criterion evidence|loo] [--repeats 5] [--alternatives]

--alternatives: what other ways to the same result cost, or why they do not lead there.
"""

import argparse
import statistics
import time

from timing import best_of, rows

import numpy as np
from scipy.linalg.lapack import dpotrf, dpstrf, dsyevd, dsytrd, spotrf
from scipy.optimize import minimize_scalar

from gaussian_processes.gp import ArcCosine
from gaussian_processes.gp.selection.comparison import NOISE_TO_SIGNAL, compare
from gaussian_processes.gp.compiled.threads import threads

KERNELS = [ArcCosine(q, l, bias=1.0) for q in range(5) for l in range(5)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--criterion", choices=["evidence", "loo"], default="evidence")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--alternatives", action="store_true")
    arguments = parser.parse_args()
    N = arguments.rows
    print(f"{len(KERNELS)} kernels at N = {N}, d = 10, by {arguments.criterion}, {threads()} threads")
    X, y = rows(N)
    y = (y - y.mean()) / y.std()
    list(compare(X[:100], y[:100], KERNELS, arguments.criterion))
    M = matrix(X, ArcCosine(1, 1), 0.1)
    ratios, results = [], []
    for _ in range(arguments.repeats):
        # One after the other, so that both see the same machine.
        ratio, results, bare = [], [], [factor(M)]
        start = time.perf_counter()
        for result in compare(X, y, KERNELS, arguments.criterion):
            spent = time.perf_counter() - start
            bare.append(factor(M))
            ratio.append(spent / statistics.mean(bare[-2:]))
            results.append(result)
            start = time.perf_counter()
        ratios.append(ratio)
        print(f"  run: {statistics.mean(ratio):.2f} dpotrf a kernel, the last at {1000 * bare[-1]:.0f} ms")
    ratios = np.array(ratios)
    print(" q l   sigma2  variance     value  factorisations  dpotrf (median of runs)")
    for result, ratio in zip(results, np.median(ratios, axis=0), strict=True):
        kernel = result.kernel
        print(
            f" {kernel.q} {kernel.l} {result.sigma2:8.2g}  {kernel.variance:8.3g} {result.value:9.2f}"
            f"  {result.factorisations:14}  {ratio:.2f}"
        )
    means = ratios.mean(axis=1)
    print(
        f"a kernel: {statistics.mean(result.factorisations for result in results):.2f} factorisations, "
        f"{np.median(means):.2f} dpotrf (runs {means.min():.2f} to {means.max():.2f}); "
        f"median kernel {np.median(ratios):.2f}, dearest {np.median(ratios, axis=0).max():.2f}"
    )
    if arguments.alternatives:
        alternatives(X, y)


def factor(M):
    """Seconds for the bare factorisation."""
    return best_of(1, lambda A: dpotrf(A, lower=1, clean=0, overwrite_a=1), lambda: M.copy(order="F"))[0]


def matrix(X, kernel, noise):
    M = kernel.gram(X).T
    M[np.diag_indices(len(X))] += noise
    return M


def alternatives(X, y):
    """In factorisations, each beside one."""
    N, M = len(X), matrix(X, ArcCosine(1, 1), 0.1)
    single = M.astype(np.float32, order="F")
    ways = {
        "tridiagonal reduction (dsytrd)": lambda: best_of(
            1, lambda A: dsytrd(A, lower=1, lwork=64 * N, overwrite_a=1), lambda: M.copy(order="F")
        ),
        "eigendecomposition (dsyevd)": lambda: best_of(
            1, lambda A: dsyevd(A, lower=1, overwrite_a=1), lambda: M.copy(order="F")
        ),
        "factorisation in single precision (spotrf)": lambda: best_of(
            1, lambda A: spotrf(A, lower=1, clean=0, overwrite_a=1), lambda: single.copy(order="F")
        ),
    }
    for name, way in ways.items():
        found = [way()[0] / factor(M) for _ in range(3)]
        print(f"{name}: {statistics.median(found):.2f} dpotrf")
    counts, failed = [], 0
    print(
        " q l  values alone: factorisations; single precision: log det off by, in nats; rank for 0.01 nats, and for 1 % of the noise, at sigma2 = 0.1"
    )
    for kernel in KERNELS:
        K = kernel.gram(X)
        d, Q = np.linalg.eigh(K)
        squares = (Q.T @ y) ** 2
        found = minimize_scalar(
            lambda x, d=d, squares=squares: loss(np.exp(x), np.maximum(d, 0.0), squares),
            bounds=np.log(NOISE_TO_SIGNAL),
            method="bounded",
            options={"xatol": 0.05},
        )
        counts.append(found.nfev)
        errors = [error_in_single_precision(K, noise, d) for noise in (0.1, 1e-3, 1e-6)]
        failed += np.isnan(errors[-1])
        L, _, _, _ = dpstrf(K, tol=0.0, lower=1)
        left = N - np.cumsum(np.square(np.tril(L)).sum(axis=0))
        # What is left out is R; log det(M) is off by tr(R) / sigma2 at most.
        ranks = [int(np.argmax(left < trace)) + 1 for trace in (2 * 0.01 * 0.1, 0.01 * N * 0.1)]
        print(
            f" {kernel.q} {kernel.l}  {found.nfev:3}; {', '.join(f'{error:.1e}' for error in errors)};"
            f" {', '.join(f'{rank / N:.2f} N' for rank in ranks)}"
        )
    print(
        f"values alone: {statistics.mean(counts):.1f} factorisations a kernel; single precision at 1e-6: {failed} not positive definite"
    )


def loss(noise, d, squares):
    N = len(d)
    return (N * np.log(np.sum(squares / (d + noise)) / N) + np.log(d + noise).sum()) / 2


def error_in_single_precision(K, noise, d):
    """Of log det / 2; NaN where there is no factor."""
    L, info = spotrf((K + noise * np.eye(len(K))).astype(np.float32), lower=1)
    if info:
        return np.nan
    return np.log(np.diagonal(L).astype(np.float64)).sum() - np.log(d + noise).sum() / 2


if __name__ == "__main__":
    main()
