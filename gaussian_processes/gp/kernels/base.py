"""Kernel: what a Gaussian process asks of a covariance function. `matrices.py` and `matvec.py` do the rest for any kernel."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass
from typing import Any, ClassVar, Protocol, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from gaussian_processes.gp.arrays import Array, Matrix
from gaussian_processes.gp.compiled.span import Span
from gaussian_processes.gp.linalg.packed import Packed

# One number, or one for each feature.
Value: TypeAlias = float | tuple[float, ...]
# A vector to multiply, and memory for its product.
Pair: TypeAlias = tuple[Array, Array]


@dataclass(frozen=True)
class Hyperparameter:
    """A field with values above 0 that can be learned, declared by the record with the field.

    Attributes:
        name: the field.
        bounds: default least and greatest value.
        start: where learning begins, from the record and the number of features; at the field's value when None.
        per_feature: whether the field has a number for each feature.
    """

    name: str
    bounds: tuple[float, float]
    start: Callable[[Any, int], Value] | None = None
    per_feature: bool = False


class Inputs(Protocol):
    """N rows as a kernel sees them. Only the kernel looks inside."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice | NDArray[np.intp], /) -> Self: ...

    def astype(self, dtype: type[np.floating[Any]], /) -> Self:
        """The same rows for entries in float64 or float32; `self` where nothing changes."""


I = TypeVar("I", bound=Inputs)


class Kernel(Protocol[I]):
    """A covariance function: a frozen dataclass of hyperparameters. K (n, M) is the matrix between rows and columns.

    `fill` and `multiply` work in one thread; several threads call them at a time.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]]

    def inputs(self, X: Array, *, training: I | None = None, together: bool = True) -> I:
        """Rows X (N, d) as this kernel sees them.

        Rows equal to one of the training inputs up to rounding become it to the bit; with `together`, equal rows of X
        become one, too.
        """

    def prior_variances(self, inputs: I) -> Array:
        """k(x, x) (N,): the diagonal of K in float64, to the bit."""

    def fill(self, rows: I, columns: I, span: Span, out: Matrix, product: Pair | None = None) -> None:
        """Write the entries of K that the span names to their places in out (n, ...), in out's precision.

        `product` is v (M,) and memory for K v (n,), where the span has all columns.
        """

    def multiply(self, rows: I, columns: I, product: Pair, *, begin: int = 0, transposed: Pair | None = None) -> None:
        """Products without K: v (M,) and memory for K v (n,) over the columns from `begin` on; sums in float64.

        `transposed` is u (n,) and memory for K^T u (M,); its entries from `begin` on count. A kernel that must report
        the largest entries of each row does so here, where it meets all entries.
        """

    def derivatives(self, names: Sequence[str], inputs: I, W: Packed, c: Array) -> Mapping[str, Array | float]:
        """sum_ij W_ij dK_ij/dlog h, by name of the hyperparameter h, for K (N, N) among the inputs.

        W is symmetric (N, N), and its memory is taken; c (N,) is the diagonal of W K.
        """
