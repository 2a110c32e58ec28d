"""Filling a Gram matrix: the compiled pass against the plain NumPy formula, and what depth costs.

python benchmarks/gram.py [--rows 5000] [--threads 2]
"""

import argparse

from timing import best_of, plain_kernel, rows

import numpy as np
from threadpoolctl import threadpool_limits

from gaussian_processes.gp import ArcCosine
from gaussian_processes.gp.compiled.threads import threads
from gaussian_processes.gp.kernels.matrices import packed_gram


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--threads", type=int, default=None)
    arguments = parser.parse_args()
    X, _ = rows(arguments.rows)
    with threadpool_limits(arguments.threads):
        print(f"Gram matrix of {len(X)} rows, d = {X.shape[1]}, {threads()} threads; ns for each of the N^2 entries")
        print(" q l   NumPy    gram   ratio  packed   ratio  max difference")
        for q, l in [(1, 3), *((q, l) for q in range(5) for l in range(5))]:
            kernel = ArcCosine(q, l)
            compare(kernel, X)
        print("\nCost of depth: the packed Gram matrix against l = 0 of the same order")
        for q in range(5):
            base = packed(ArcCosine(q, 0), X)
            costs = [packed(ArcCosine(q, l), X) / base for l in range(1, 7)]
            print(f" q = {q}: " + "  ".join(f"l={l} {cost:.2f}" for l, cost in enumerate(costs, start=1)))


def compare(kernel, X):
    """One line: NumPy's formula, `gram` (the whole matrix) and `packed_gram` (what training makes)."""
    plain, wanted = best_of(2, lambda: plain_kernel(kernel.q, kernel.l, X, X))
    kernel.gram(X[:100])
    whole, found = best_of(3, lambda: kernel.gram(X))
    # Near t = 1 the formula loses digits: pairs, and the diagonal, which it gets wrong for q = 0, are left out.
    far = wanted < kernel_at(kernel, 0.99)
    difference = np.abs(found - wanted)[far].max()
    del wanted, found, far
    half = packed(kernel, X)
    entries = len(X) ** 2 / 1e9
    print(
        f" {kernel.q} {kernel.l} {plain / entries:7.1f} {whole / entries:7.2f} {plain / whole:7.1f} "
        f"{half / entries:7.2f} {plain / half:7.1f}  {difference:.1e}"
    )


def packed(kernel, X):
    """Seconds for the packed Gram matrix, inputs included."""
    packed_gram(kernel, kernel.inputs(X[:100]))
    return best_of(5, lambda: packed_gram(kernel, kernel.inputs(X)))[0]


def kernel_at(kernel, t):
    """k(t)."""
    return plain_kernel(kernel.q, kernel.l, np.array([[1.0, 0.0]]), np.array([[t, np.sqrt(1 - t * t)]]))[0, 0]


if __name__ == "__main__":
    main()
