"""Parameters: what is learned, as one vector of logarithms, and a criterion as a function of that vector."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np

from gaussian_processes.gp.arguments import among, number
from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.kernels.base import Hyperparameter, Kernel, Value
from gaussian_processes.gp.linalg.cholesky import Cholesky
from gaussian_processes.gp.selection.criterion import Criterion, sensitivity
from gaussian_processes.gp.solvers.covariance import Covariance

# The noise variance, the one hyperparameter that no kernel has.
NOISE = Hyperparameter("sigma2", (1e-6, 1e4))

K = TypeVar("K", bound=Kernel[Any])


def learnable(kernel: Kernel[Any] | type[Kernel[Any]]) -> dict[str, Hyperparameter]:
    """The hyperparameters of a Gaussian process with this kernel, or kind of kernel, by name."""
    return {one.name: one for one in (NOISE, *kernel.hyperparameters)}


@dataclass(frozen=True)
class Parameters(Generic[K]):
    """A Gaussian process's hyperparameters, some of them free.

    Attributes:
        kernel: prior covariance.
        sigma2: noise variance.
        free: names of what is learned, in the order of `learnable`.
    """

    kernel: K
    sigma2: float
    free: tuple[str, ...]

    def __post_init__(self) -> None:
        number("sigma2", self.sigma2, above_0=True)
        names = list(learnable(self.kernel))
        among("a free name", self.free, names)
        if not self.free:
            raise ValueError(f"no name is free; some of {', '.join(names)} are wanted")

    @classmethod
    def of(cls, kernel: K, sigma2: float, free: tuple[str, ...], features: int) -> "Parameters[K]":
        """The free ones begin where their declarations say.

        Raises:
            ValueError: a name is unknown, or this kernel cannot learn it.
        """
        declared = learnable(kernel)
        among("a free name", free, list(declared))
        names = tuple(name for name in declared if name in free)
        starts = {name: start(kernel, features) for name in names if (start := declared[name].start)}
        return cls(replace(kernel, **starts), sigma2, names)

    @property
    def values(self) -> dict[str, Value]:
        """The free ones by name."""
        return {name: self.sigma2 if name == NOISE.name else getattr(self.kernel, name) for name in self.free}

    @property
    def logarithms(self) -> Array:
        """The free ones (P,)."""
        return np.asarray(np.log(np.concatenate([np.atleast_1d(value) for value in self.values.values()])))

    def at(self, logarithms: Array) -> "Parameters[K]":
        """The same with other free ones (P,)."""
        rest, changed = np.exp(logarithms).tolist(), dict[str, Any]()
        for name, value in self.values.items():
            own, rest = rest[: np.size(value)], rest[np.size(value) :]
            changed[name] = tuple(own) if isinstance(value, tuple) else own[0]
        sigma2 = changed.pop(NOISE.name, self.sigma2)
        return replace(self, kernel=replace(self.kernel, **changed), sigma2=sigma2)

    def bounds(self, given: Mapping[str, tuple[float, float]]) -> Array:
        """(P, 2) of the free logarithms: the given ones, else the declared ones.

        Raises:
            ValueError: a given name is unknown.
        """
        declared = learnable(self.kernel)
        among("a name in bounds", list(given), list(declared))
        return np.log([given.get(name, declared[name].bounds) for name in self._names()])

    def names_at(self, logarithms: Array, bounds: Array) -> tuple[str, ...]:
        """Names of the free ones (P,) at bounds (P, 2)."""
        at = (logarithms <= bounds[:, 0]) | (logarithms >= bounds[:, 1])
        return tuple(dict.fromkeys(name for name, lies in zip(self._names(), at, strict=True) if lies))

    def evaluate(self, criterion: Criterion, X: Array, y: Array) -> tuple[float, Array]:
        """A criterion of rows X (N, d) and targets y (N,), in nats, and its derivatives in the free logarithms (P,).

        Raises:
            NotPositiveDefiniteError: M cannot be factored.
            LengthError: the kernel refuses a row.
        """
        M = Covariance(self.kernel, self.kernel.inputs(X), self.sigma2)
        found = sensitivity(criterion, y, Cholesky.of(M.packed()))
        diagonal = found.weights.diagonal
        # (W K)_ii without a product of matrices.
        c = found.products - self.sigma2 * diagonal
        names = [name for name in self.free if name != NOISE.name]
        derivatives = {
            NOISE.name: self.sigma2 * float(diagonal.sum()),
            **self.kernel.derivatives(names, M.inputs, found.weights, c),
        }
        return found.value, np.concatenate([np.atleast_1d(derivatives[name]) for name in self.free])

    def _names(self) -> list[str]:
        """The free names, one for each number."""
        return [name for name, value in self.values.items() for _ in range(np.size(value))]
