"""The error of k_{q,l}, ours and other libraries', against the definition at 30 digits on the same cosines.

    python benchmarks/accuracy.py [ours] [gpflow] [gpjax] [neural-tangents]

Every library computes in float64 and is given each cosine t as the pair of unit rows (1, 0) and (t, sqrt(1 - t^2)).
GPflow and GPJax have no composition: their kernel is applied again to the rows made from its own, normalised, result.
neural-tangents composes Sign and Relu by itself; its RectifiedMonomial, whose own variances are NaN, is applied again like
the others. The libraries do not all fit into one environment (see requirements-peers.txt): name those that are
installed.
"""

import argparse
import csv
import math
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import mpmath
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
TRUTH = ROOT / "tests" / "data" / "kernel_truth.csv"
ORDERS, DEPTHS = range(9), range(7)

# Values of k_{q,l} at cosines t, or None for an order that a library does not have.
Values = Callable[[int, int, np.ndarray], np.ndarray | None]

X = np.array([[1.0, 0.0]])


def unit_rows(t):
    return np.stack([t, np.sqrt((1.0 - t) * (1.0 + t))], axis=1)


def double_factorial(q: int) -> int:
    """(2q - 1)!!, by which the homogeneous kernel of a unit row exceeds one."""
    return math.prod(range(1, 2 * q, 2))


def ours() -> Iterator[tuple[str, Values]]:
    sys.path.insert(0, str(ROOT))
    from gaussian_processes.process.environment import prepare_libraries

    prepare_libraries(os.environ)  # as `train` and `serve` do
    from gaussian_processes.gp.kernels.formulas import composed_kernel
    from gaussian_processes.gp.kernels.arc_cosine import ArcCosine

    yield "ours, composed_kernel", composed_kernel
    yield "ours, the compiled pass", lambda q, l, t: ArcCosine(q, l).cross(X, unit_rows(t))[0]


def gpflow() -> Iterator[tuple[str, Values]]:
    import gpflow

    def kernel(q, t):
        # It wants a bias above zero; this one is lost in the first sum.
        return gpflow.kernels.ArcCosine(order=q, bias_variance=1e-300).K(X, unit_rows(t)).numpy()[0]

    yield f"GPflow {gpflow.__version__}", repeated(kernel, 2)


def gpjax() -> Iterator[tuple[str, Values]]:
    import jax

    jax.config.update("jax_enable_x64", True)
    import gpjax

    def kernel(q, t):
        rows = jax.numpy.asarray(unit_rows(t))
        return np.asarray(gpjax.kernels.ArcCosine(order=q, bias_variance=0.0).cross_covariance(X, rows))[0]

    yield f"GPJax {gpjax.__version__}", repeated(kernel, 2)


def neural_tangents() -> Iterator[tuple[str, Values]]:
    import jax

    jax.config.update("jax_enable_x64", True)
    import neural_tangents
    from neural_tangents import stax

    def composed(q, l, t):
        if q > 1:
            return None
        # k_0 = (1 + Sign) / 2; Relu is half of k_1.
        layer, std, bias = (
            (stax.Sign(), math.sqrt(0.5), math.sqrt(0.5)) if q == 0 else (stax.Relu(), math.sqrt(2.0), 0.0)
        )
        _, _, kernel_fn = stax.serial(stax.Dense(1, math.sqrt(2.0)), *[layer, stax.Dense(1, std, bias)] * (l + 1))
        kernel = kernel_fn(X, unit_rows(t), ("nngp", "cov1", "cov2"))
        return np.asarray(kernel.nngp[0] / np.sqrt(kernel.cov1[0] * kernel.cov2))

    @cache
    def compiled(q):
        _, _, kernel_fn = stax.serial(stax.Dense(1, math.sqrt(2.0)), stax.RectifiedMonomial(q))
        return jax.jit(lambda rows: 2.0 * kernel_fn(X, rows, "nngp")[0])

    name = f"neural-tangents {neural_tangents.__version__}"
    yield f"{name}, Sign and Relu", composed
    yield f"{name}, RectifiedMonomial", repeated(lambda q, t: np.asarray(compiled(q)(unit_rows(t))), ORDERS[-1])


def repeated(kernel: Callable[[int, np.ndarray], np.ndarray], highest: int) -> Values:
    """A library's kernel of orders 0 to `highest`, applied l + 1 times."""

    def values(q, l, t):
        if q > highest:
            return None
        for _ in range(l + 1):
            t = np.clip(kernel(q, t) / double_factorial(q), -1.0, 1.0)
        return t

    return values


# What each library is called here, how to ask it, and what pip must install.
LIBRARIES = {
    "ours": (ours, "numba scipy threadpoolctl"),
    "gpflow": (gpflow, "gpflow"),
    "gpjax": (gpjax, "gpjax"),
    "neural-tangents": (neural_tangents, "neural-tangents jax==0.5.3"),
}


def truth() -> dict[tuple[int, int], list[tuple[float, mpmath.mpf]]]:
    """Cosines and values, by q and l."""
    table = defaultdict(list)
    with TRUTH.open() as file:
        for row in csv.DictReader(file):
            table[int(row["q"]), int(row["l"])].append((float(row["t"]), mpmath.mpf(row["k"])))
    return table


def report(name: str, values: Values, table) -> None:
    print(f"\n{name}: largest absolute error over {len(table[0, 0])} cosines")
    print("  q " + "".join(f"{f'l = {l}':>10}" for l in DEPTHS) + "      NaNs")
    for q in ORDERS:
        cells, nans = [], 0
        for l in DEPTHS:
            t, exact = zip(*table[q, l], strict=True)
            k = values(q, l, np.array(t))
            if k is None:
                cells.append("none")
                continue
            errors = [abs(mpmath.mpf(float(a)) - b) for a, b in zip(k, exact, strict=True) if not np.isnan(a)]
            nans += len(k) - len(errors)
            cells.append(f"{float(max(errors)):.1e}" if errors else "NaN")
        print(f"  {q} " + "".join(f"{cell:>10}" for cell in cells) + f"{nans if 'none' not in cells else 'none':>10}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("libraries", nargs="*", help=f"of {', '.join(LIBRARIES)}; ours when none is named")
    names = parser.parse_args().libraries or ["ours"]
    if unknown := set(names) - set(LIBRARIES):
        parser.error(f"no library {', '.join(sorted(unknown))}; there are {', '.join(LIBRARIES)}")
    mpmath.mp.dps = 40
    table = truth()
    for name in names:
        kernels_of, pip_names = LIBRARIES[name]
        try:
            kernels = list(kernels_of())
        except ImportError as error:
            print(f"\n{name}: SKIPPED ({error}); pip install {pip_names}")
            continue
        for title, values in kernels:
            report(title, values, table)


if __name__ == "__main__":
    main()
