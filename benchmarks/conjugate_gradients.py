"""The iterative solution, for means alone, against the direct one: both from rows and targets to alpha.

python benchmarks/conjugate_gradients.py [--rows 20000] [--ranks] [--precisions]
"""

import argparse
import time
from functools import partial

from timing import best_of, rows

import numpy as np

from gaussian_processes.gp import ArcCosine
from gaussian_processes.gp import cost
from gaussian_processes.gp.solvers.conjugate_gradients import System, conjugate_gradients
from gaussian_processes.gp.solvers.covariance import Covariance
from gaussian_processes.gp.solvers.iterative import Iterative
from gaussian_processes.gp.solvers.preconditioner import Preconditioner, default_rank
from gaussian_processes.gp.solvers.direct import Direct
from gaussian_processes.gp.compiled.threads import threads

SIGMA2 = 0.1
CASES = [(ArcCosine(1, l), d) for l in (0, 1) for d in (5, 10)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--first", type=int, default=0, help="the case to begin with, of four")
    parser.add_argument("--ranks", action="store_true", help="what other ranks of the preconditioner cost")
    parser.add_argument("--precisions", action="store_true", help="what single precision gains, and a product alone")
    arguments = parser.parse_args()
    N = arguments.rows
    print(
        f"N = {N}, sigma2 = {SIGMA2}, {threads()} threads; |y - M alpha|/|y| is wanted to be {Iterative().tolerance:.0e}"
    )
    for kernel, d in CASES[arguments.first :]:
        X, y = rows(N, d)
        Direct().solve(*problem(kernel, X[:300], y[:300]))
        Iterative().solve(*problem(kernel, X[:300], y[:300]))
        compare(kernel, X, y, arguments.repeats)
        if arguments.precisions:
            compare_precisions(kernel, X, y)
        if arguments.ranks:
            compare_ranks(kernel, X, y)


def problem(kernel, X, y):
    return Covariance(kernel, kernel.inputs(X), SIGMA2), y


def compare(kernel, X, y, repeats):
    """One after the other, so that both see the same machine."""
    ours, direct = [], []
    for _ in range(repeats):
        seconds, iterated = timed(lambda: Iterative().solve(*problem(kernel, X, y)))
        ours.append(seconds)
        seconds, solution = timed(lambda: Direct().solve(*problem(kernel, X, y)))
        direct.append(seconds)
        alpha = solution.alpha
        del solution  # before the next one's factor
    M, _ = problem(kernel, X, y)
    print(f"\nq = {kernel.q}, l = {kernel.l}, d = {X.shape[1]}: {iterated.message}")
    for what, mine, theirs in zip(
        ("elapsed", "of the processors"), zip(*ours, strict=True), zip(*direct, strict=True), strict=True
    ):
        print(
            f"  direct {min(theirs):.2f} s, iterative {min(mine):.2f} s {what}: {min(theirs) / min(mine):.1f} times as fast",
            end="",
        )
        print(f"; of pairs {', '.join(f'{b / a:.1f}' for a, b in zip(mine, theirs, strict=True))}")
    for name, found in ("iterative", iterated.alpha), ("direct", alpha):
        print(f"  residual computed again, {name}: {np.linalg.norm(y - M @ found) / np.linalg.norm(y):.1e}")
    means = M.strip_product(iterated.alpha - alpha, slice(0, len(alpha)))
    print(f"  means at the rows differ by {np.abs(means).max() / np.std(y):.1e} of the targets' deviation at most")
    estimate = cost.iterative(len(y), X.shape[1]) / rate()
    room = cost.iterative_bytes(len(y), X.shape[1]) / cost.factor_bytes(len(y))
    print(f"  estimate {estimate:.2f} s; memory {room:.2f} of the factor's")


def timed(work):
    """Seconds that passed, and those of the processors, which other work on the machine changes less; and the result."""
    before = time.process_time()
    seconds, result = best_of(1, work)
    return (seconds, time.process_time() - before), result


def compare_precisions(kernel, X, y):
    """The same in double precision alone; and one product of either."""
    M, _ = problem(kernel, X, y)
    for dtype in (np.float64, np.float32):
        (_, seconds), _ = timed(partial(M.product, y, dtype))
        print(f"  a product, {np.dtype(dtype).name}: {seconds:.3f} s of the processors")
    system = System(lambda v: M @ v, Preconditioner.of(M))
    (_, seconds), found = timed(lambda: conjugate_gradients(system, y))
    print(f"  in double precision alone, but for the preconditioner: {seconds:.2f} s, {found.iterations} iterations")
    system = System(system.multiply, system.precondition, lambda v: M.product(v, np.float32))
    (_, seconds), found = timed(lambda: conjugate_gradients(system, y))
    print(f"  the same with single: {seconds:.2f} s, {found.iterations} iterations")


def compare_ranks(kernel, X, y):
    M, _ = problem(kernel, X, y)
    for times in (0.5, 0.7, 1.0, 1.4, 2.0):
        rank = round(times * default_rank(len(y)))
        (_, making), _ = timed(partial(Preconditioner.of, M, rank))
        (_, seconds), found = timed(partial(Iterative(rank=rank).solve, M, y))
        print(f"  {seconds:.2f} s of the processors, the preconditioner {making:.2f} s. {found.message}")


def rate():
    """Floating-point operations a second of a matrix product."""
    A = np.ones((1000, 1000))
    return 2 * 1000**3 / best_of(3, lambda: A @ A)[0]


if __name__ == "__main__":
    main()
