"""Kernel: what a Gaussian process asks of a covariance function. `matrices.py` and `matvec.py` do the rest for any kernel."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass
from typing import Any, ClassVar, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from gaussian_processes.gp.arrays import Array, Matrix
from gaussian_processes.gp.compiled.span import Span
from gaussian_processes.gp.linalg.packed import Packed

# A hyperparameter's value: one number, or one for each feature.
Value = float | tuple[float, ...]


@dataclass(frozen=True)
class Hyperparameter:
    """A field above 0 that can be learned; the record with the field declares it.

    Attributes:
        name: the field.
        bounds: default least and greatest value.
        start: the value where learning begins, from the record and the number of features; the field's own when None.
        per_feature: whether the field has a number for each feature.
    """

    name: str
    bounds: tuple[float, float]
    start: Callable[[Any, int], Value] | None = None
    per_feature: bool = False


class Inputs(Protocol):
    """N rows as a kernel sees them: what it computes of a row once. Only the kernel looks inside."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice | NDArray[np.intp], /) -> Self: ...

    def astype(self, dtype: type[np.floating[Any]], /) -> Self:
        """The same rows for entries in float64 or float32; `self` where they are so already."""


I = TypeVar("I", bound=Inputs)


class Kernel(Protocol[I]):
    """A covariance function: a frozen dataclass whose fields are its hyperparameters.

    `fill` and `multiply` work in one thread, and several threads call them at a time. K is (n, M), with entries in the
    precision of its inputs.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]]

    def inputs(self, X: Array, *, training: I | None = None, together: bool = True) -> I:
        """Rows X (N, d) as this kernel sees them.

        Args:
            X: rows.
            training: inputs of a model; rows equal to one of them up to rounding become it, to the bit.
            together: whether rows of X that are equal up to rounding become one, too.
        """

    def prior_variances(self, inputs: I) -> Array:
        """k(x, x) (N,), to the bit the diagonal of K in float64."""

    def fill(self, rows: I, columns: I, span: Span, out: Matrix, product: tuple[Array, Array] | None = None) -> None:
        """Write the entries of K that `span` names to their places in out (n, ...).

        Args:
            rows: n inputs.
            columns: M inputs.
            span: which columns of each row, and their places.
            out: memory of the result.
            product: v (M,) and memory for K v (n,), with a span of all columns; None for no product.
        """

    def multiply(
        self,
        rows: I,
        columns: I,
        v: Array,
        out: Array,
        *,
        begin: int = 0,
        transposed: tuple[Array, Array] | None = None,
    ) -> None:
        """out (n,) <- K v over the columns from `begin` on, without keeping K; v (M,) and sums in float64.

        A kernel may report each row's largest entries here, as it meets all of them.

        Args:
            rows: n inputs.
            columns: M inputs.
            v: the vector.
            out: memory of the result.
            begin: the first column that counts.
            transposed: u (n,) and memory for K^T u (M,), of which the entries from `begin` on count; None for no product.
        """

    def derivatives(self, names: Sequence[str], inputs: I, W: Packed, c: Array) -> Mapping[str, Array | float]:
        """sum_ij W_ij dK_ij/dlog h for hyperparameters h, where K (N, N) is the Gram matrix.

        Args:
            names: the hyperparameters.
            inputs: N of them.
            W: symmetric (N, N); its memory is taken.
            c: (N,) the diagonal of W K.

        Returns:
            A number or a vector by name, like the field.
        """
