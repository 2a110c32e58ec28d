"""ArcCosine: the arc-cosine kernel on rows of R^d. Its fields are its hyperparameters; its methods build matrices."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from gaussian_processes.gp.arguments import among, array, integer, number
from gaussian_processes.gp.arrays import Array, Matrix
from gaussian_processes.gp.compiled import passes
from gaussian_processes.gp.compiled.span import Span
from gaussian_processes.gp.kernels.base import Hyperparameter, Pair
from gaussian_processes.gp.kernels.derivative import stretch_derivatives
from gaussian_processes.gp.kernels.entries import evaluation
from gaussian_processes.gp.kernels.inputs import LengthError, NormalisedInputs, measured, normalised
from gaussian_processes.gp.kernels.matrices import gram, matrix
from gaussian_processes.gp.linalg.packed import Packed

Geometry = Literal["sphere", "homogeneous"]

# The greatest order and depth: nobody waits for more layers, and compiled functions count in 64 bits.
MOST = 2**31 - 1


def _first_degree(kernel: "ArcCosine", _features: int) -> float:
    if kernel.geometry == "sphere":
        raise ValueError("the degree cannot be learned on the sphere, which has none")
    return kernel.power or 1.0


def _first_lengthscales(kernel: "ArcCosine", features: int) -> tuple[float, ...]:
    """sqrt(d) each where none are given: standardised rows, of length sqrt(d), then have about the length of a bias of 1."""
    return kernel.lengthscales or (math.sqrt(features),) * features


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
        lengthscales: d numbers > 0 in units of X, divisors of the features before all else; 1 when None. The longer
            one is, the less its feature matters ([RW06] section 5.1, automatic relevance determination).
    """

    hyperparameters: ClassVar[tuple[Hyperparameter, ...]] = (
        Hyperparameter("variance", (1e-8, 1e8)),
        Hyperparameter("bias", (1e-4, 1e4), lambda kernel, _: kernel.bias or 1.0),
        Hyperparameter("degree", (1e-2, 10.0), _first_degree),
        Hyperparameter("lengthscales", (1e-4, 1e6), _first_lengthscales, per_feature=True),
    )

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
        # In Python's own types: compiled functions tell 1 from 1.0, and NumPy's small integers overflow.
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @property
    def power(self) -> float:
        """p, the exponent of the rows' lengths in the covariance."""
        if self.geometry == "sphere":
            return 0.0
        return float(self.q if self.degree is None else self.degree)

    def cross(self, X: Array, Z: Array) -> Array:
        """The covariances (N, M) between the rows of X (N, d) and those of Z (M, d).

        Raises:
            LengthError: a row has length zero and the power is 0, without a bias; or its covariance overflows.
        """
        X = array("X", X, "N", "d")
        columns = self.inputs(array("Z", Z, "M", X.shape[1]))
        return matrix(self, self.inputs(X, training=columns), columns)

    def gram(self, X: Array) -> Array:
        """The covariances (N, N) among the rows of X (N, d): exactly symmetric, with exactly `diagonal(X)`. Raises as `cross`."""
        return gram(self, self.inputs(X))

    def diagonal(self, X: Array) -> Array:
        """The prior variances (N,) of the rows of X (N, d), in closed form, as k_{q,l}(1) = 1. Raises as `cross`."""
        return self.prior_variances(self.inputs(X, together=False))

    def lengths(self, X: Array) -> Array:
        """The lengths (N,) of the rows of X (N, d), in lengthscales and with the bias appended; infinite on overflow."""
        _, lengths, exponents = measured(self._in_lengthscales(X), self.bias)
        with np.errstate(over="ignore"):
            return np.asarray(np.ldexp(lengths, exponents))

    def inputs(self, X: Array, *, training: NormalisedInputs | None = None, together: bool = True) -> NormalisedInputs:
        """See `Kernel`; on the sphere, multiples of a row are equal to it. Raises as `cross`."""
        inputs = normalised(self._in_lengthscales(X), self.bias, self.power, self.variance)
        if together:
            inputs = inputs.with_repeats_merged()
        return inputs if training is None else inputs.merged_with(training)

    def prior_variances(self, inputs: NormalisedInputs) -> Array:
        """See `Kernel`."""
        return self.variance * inputs.scale**2

    def fill(
        self, rows: NormalisedInputs, columns: NormalisedInputs, span: Span, out: Matrix, product: Pair | None = None
    ) -> None:
        """See `Kernel`."""
        v, right = product or passes.NO_VECTORS
        # Lengths that single precision cannot hold become infinite; the factorisation finds them.
        with np.errstate(over="ignore", invalid="ignore"):
            if len(v):
                v, right[:] = self.variance * (v * columns.scale), 0.0
            evaluation(self.q, self.l, out.dtype.name).fill(rows, columns, span, out, (v, right))
            if len(v):
                right *= rows.scale
            if self.power != 0.0 or self.variance != 1.0:
                left, others = (inputs.scale.astype(out.dtype, copy=False) for inputs in (rows, columns))
                passes.scale(span, self.variance, left, others, out)

    def multiply(
        self,
        rows: NormalisedInputs,
        columns: NormalisedInputs,
        product: Pair,
        *,
        begin: int = 0,
        transposed: Pair | None = None,
    ) -> None:
        """See `Kernel`."""
        (v, right), (u, below) = product, transposed or (rows.scale, np.empty(0))
        below[:] = 0.0
        # The caller finds what is not finite.
        with np.errstate(over="ignore", invalid="ignore"):
            v, u = self.variance * (v * columns.scale), self.variance * (u * rows.scale)
            evaluation(self.q, self.l, rows.unit.dtype.name).multiply(rows, columns, begin, (v, right), (u, below))
            right *= rows.scale
            if len(below):
                below *= columns.scale

    def derivatives(
        self, names: Sequence[str], inputs: NormalisedInputs, W: Packed, c: Array
    ) -> Mapping[str, Array | float]:
        """See `Kernel`."""
        # Rows of length zero have no covariance to change.
        logs = np.log(inputs.scale, where=inputs.scale > 0.0, out=np.zeros_like(c))
        found: dict[str, Array | float] = {"variance": float(c.sum()), "degree": 2.0 * float(c @ logs)}
        if not {"bias", "lengthscales"}.isdisjoint(names):
            stretched = stretch_derivatives(self.q, self.l, self.variance, self.power, inputs, W, c)
            d = inputs.width - (self.bias > 0.0)
            found |= {"bias": stretched[d:], "lengthscales": -stretched[:d]}
        return {name: found[name] for name in names}

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
