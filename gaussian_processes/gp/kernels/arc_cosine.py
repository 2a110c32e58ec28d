"""ArcCosine: the arc-cosine kernel on rows of R^d. Its fields are its hyperparameters; its methods build matrices."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gaussian_processes.gp.arguments import among, array, integer, number
from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.compiled import passes
from gaussian_processes.gp.compiled.span import Span, places
from gaussian_processes.gp.compiled.threads import in_threads, panels
from gaussian_processes.gp.kernels.formulas import composed_kernel, of_half_complements
from gaussian_processes.gp.kernels.inputs import Directions, LengthError, directions, measured
from gaussian_processes.gp.kernels.polynomials import approximation
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.gp.progress import Progress, Work, no_progress

Geometry = Literal["sphere", "homogeneous"]

# The greatest order and depth: nobody waits for more layers, and compiled functions count in 64 bits.
MOST = 2**31 - 1


@dataclass(frozen=True)
class ArcCosine:
    """The covariance v (|x| |x'|)^p k_{q,l}(x.x' / (|x| |x'|)) of [CS09], on rows of R^d.

    Args:
        q: order, an integer >= 0.
        l: depth, an integer >= 0; the kernel is applied l + 1 times.
        geometry: "sphere" divides each row by its length (p = 0); "homogeneous" keeps the lengths, as [CS09] do.
        bias: a constant >= 0 appended to every row first, so that on the sphere a row's length is not lost.
        degree: p, the power of the lengths in the homogeneous geometry, >= 0; q when None.
        variance: v > 0, the prior variance of a unit row, in (units of y)^2.
        lengthscales: by which the features are divided first, d numbers > 0 in units of X; 1 when None. The longer
            one is, the less its feature matters ([RW06] section 5.1, automatic relevance determination).
    """

    q: int
    l: int
    geometry: Geometry = "sphere"
    bias: float = 0.0
    degree: float | None = None
    variance: float = 1.0
    lengthscales: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        among("geometry", [self.geometry], get_args(Geometry))
        checked: dict[str, Any] = {name: integer(name, getattr(self, name), most=MOST) for name in ("q", "l")}
        checked |= {"bias": number("bias", self.bias), "variance": number("variance", self.variance, above_0=True)}
        if self.degree is not None:
            checked["degree"] = number("degree", self.degree)
        if self.lengthscales is not None:
            given = np.atleast_1d(self.lengthscales)
            checked["lengthscales"] = tuple(number("a lengthscale", length, above_0=True) for length in given)
        # Of Python's own types: compiled functions tell 1 from 1.0, and a small integer of NumPy's overflows.
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @property
    def power(self) -> float:
        """p, the power to which the rows' lengths enter the covariance."""
        if self.geometry == "sphere":
            return 0.0
        return float(self.q if self.degree is None else self.degree)

    def cross(self, X: Array, Z: Array) -> Array:
        """The covariances (N, M) between the rows of X (N, d) and those of Z (M, d).

        Raises:
            LengthError: a row has length zero where its direction is needed (power 0, no bias), or is so long that
                its covariance overflows.
        """
        X = array("X", X, "N", "d")
        columns = self.directions(array("Z", Z, "M", X.shape[1]))
        return self.matrix(self.directions(X).merged_with(columns), columns)

    def gram(self, X: Array) -> Array:
        """The covariances (N, N) among the rows of X (N, d): exactly symmetric, with exactly `diagonal(X)`.

        Raises:
            LengthError: as `cross`.
        """
        rows = self.directions(X)
        K = np.empty((len(rows), len(rows)))
        in_threads(
            lambda panel: self.fill(rows[panel], rows, (panel.start, 0, len(rows), 0, 0), K[panel]), panels(len(K))
        )
        in_threads(lambda panel: passes.mirror(K, panel.start, panel.stop), panels(len(K)))
        return K

    def packed_gram(
        self, rows: Directions, dtype: type[np.floating[Any]] = np.float64, progress: Progress = no_progress
    ) -> Packed:
        """`gram` of rows that have been made directions, in half the memory. Its phase is "Gram matrix"."""
        rows = rows if dtype == np.float64 else rows.single()
        K = Packed.empty(len(rows), dtype)

        def fill(panel: slice) -> None:
            for there, span, out in K.spans(panel):
                self.fill(rows[there], rows, span, out)

        work = Work("Gram matrix", K.m, progress)
        in_threads(fill, panels(K.m), lambda panel: work.advance(panel.stop - panel.start))
        return K

    def diagonal(self, X: Array) -> Array:
        """The prior variances (N,) of the rows of X (N, d), in closed form: k_{q,l}(1) = 1.

        Raises:
            LengthError: as `cross`.
        """
        return self.variance * self._directions(X).scale ** 2

    def lengths(self, X: Array) -> Array:
        """The lengths (N,) of the rows of X (N, d), in lengthscales and with the bias appended; infinite on overflow."""
        _, lengths, exponents = measured(self._in_lengthscales(X), self.bias)
        with np.errstate(over="ignore"):
            return np.asarray(np.ldexp(lengths, exponents))

    def directions(self, X: Array, *, together: bool = True) -> Directions:
        """What the methods below take: rows X (N, d) on the sphere.

        Where they are looked at together, those that are one row to rounding are made one.

        Raises:
            LengthError: as `cross`.
        """
        return self._directions(X).with_repeats_merged() if together else self._directions(X)

    def _directions(self, X: Array) -> Directions:
        return directions(self._in_lengthscales(X), self.bias, self.power, self.variance)

    def _in_lengthscales(self, X: Array) -> Array:
        X = array("X", X, "N", "d")
        if self.lengthscales is None:
            return X
        if X.shape[1:] != (len(self.lengthscales),):
            raise ValueError(
                f"rows have shape {X.shape}; there are {len(self.lengthscales)} lengthscales, one a feature"
            )
        with np.errstate(over="ignore"):
            scaled: Array = X / np.array(self.lengthscales)
        infinite = np.asarray(~np.isfinite(scaled).all(axis=1))
        if infinite.any():
            raise LengthError(infinite, "is too large for its lengthscales: raise them, or standardise")
        return scaled

    def matrix(self, rows: Directions, columns: Directions) -> NDArray[Any]:
        """The covariances (N, M) between rows and columns, in their precision."""
        K = np.empty((len(rows), len(columns)), columns.unit.dtype)
        span = (0, 0, len(columns), 0, 0)
        in_threads(lambda panel: self.fill(rows[panel], columns, span, K[panel]), panels(len(K)))
        return K

    def matrix_and_product(self, rows: Directions, columns: Directions, v: Array) -> tuple[Array, Array]:
        """`matrix` K (N, M) and K v (N,), to the bit what `product` makes of v (M,)."""
        K, product = np.empty((len(rows), len(columns))), np.zeros(len(rows))
        span, scaled = (0, 0, len(columns), 0, 0), self.variance * (v * columns.scale)
        in_threads(
            lambda panel: self.fill(rows[panel], columns, span, K[panel], (scaled, product[panel])), panels(len(K))
        )
        return K, product * rows.scale

    def fill(
        self,
        rows: Directions,
        columns: Directions,
        span: Span,
        out: NDArray[Any],
        vectors: tuple[Array, Array] = passes.NO_VECTORS,
    ) -> None:
        """Write the covariances of rows (n) with columns where the span says in out (n, ...), in one thread.

        `vectors` are v (M,) and right (n,), to which the product of the matrix, without lengths and variance, is added.
        """
        polynomials = approximation(self.q, self.l, out.dtype.name)
        if polynomials is not None:
            work = passes.workspace(out.dtype)
            passes.fill(rows.unit, columns.unit, columns.transposed, span, polynomials.polynomials, out, *vectors, work)
        else:
            self.fill_by_definition(rows, columns, span, out)
            if len(vectors[0]):
                vectors[1][:] = out @ vectors[0]
        if self.power != 0.0 or self.variance != 1.0:
            passes.scale(span, self.variance, rows.scale, columns.scale, out)

    def fill_by_definition(self, rows: Directions, columns: Directions, span: Span, out: NDArray[Any]) -> None:
        """`fill` where there are no polynomials: only the angles come from the compiled pass."""
        h = np.empty((len(rows), len(columns)), out.dtype)
        passes.fill_half_complements(rows.unit, columns.unit, columns.transposed, h, passes.workspace(out.dtype))
        k = of_half_complements(composed_kernel, self.q, self.l, h)
        for i, wanted, place in places(span, len(rows)):
            out[i, place] = k[i, wanted]
