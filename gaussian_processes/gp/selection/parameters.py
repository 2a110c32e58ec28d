"""Parameters: the hyperparameters that are learned, as one vector of their logarithms, and back."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from gaussian_processes.gp.arguments import among, number
from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.selection.gradient import Gradient

Name = Literal["sigma2", "variance", "bias", "degree", "lengthscales"]
NAMES: tuple[Name, ...] = get_args(Name)

# The least and the greatest value of each, where none are given.
BOUNDS: Mapping[Name, tuple[float, float]] = {
    "sigma2": (1e-6, 1e4),
    "variance": (1e-8, 1e8),
    "bias": (1e-4, 1e4),
    "degree": (1e-2, 10.0),
    "lengthscales": (1e-4, 1e6),
}


@dataclass(frozen=True)
class Parameters:
    """A Gaussian process's hyperparameters, some of which are free.

    Attributes:
        kernel: the prior covariance, whose numbers are those that are not free, and where the free ones begin.
        sigma2: noise variance.
        free: what is learned, in the order of NAMES.
    """

    kernel: ArcCosine
    sigma2: float
    free: tuple[Name, ...]

    def __post_init__(self) -> None:
        number("sigma2", self.sigma2, above_0=True)
        among("a free name", self.free, NAMES)
        if not self.free:
            raise ValueError(f"no name is free; some of {', '.join(NAMES)} are wanted")

    @classmethod
    def of(cls, kernel: ArcCosine, sigma2: float, free: tuple[Name, ...], features: int) -> "Parameters":
        """With a number for each that is free: a bias above 0; a degree; lengthscales, of which none are sqrt(d) each.

        So standardised rows, whose lengths are sqrt(d), begin at about the length of a bias of 1.

        Raises:
            ValueError: the degree is to be learned on the sphere, where there is none; or a name that there is not.
        """
        among("a free name", free, NAMES)
        if "degree" in free and kernel.geometry == "sphere":
            raise ValueError("the degree cannot be learned on the sphere, which has none")
        if "degree" in free:
            kernel = replace(kernel, degree=kernel.power or 1.0)
        if "bias" in free:
            kernel = replace(kernel, bias=kernel.bias or 1.0)
        if "lengthscales" in free:
            kernel = replace(kernel, lengthscales=kernel.lengthscales or (math.sqrt(features),) * features)
        return cls(kernel, sigma2, tuple(name for name in NAMES if name in free))

    @property
    def logarithms(self) -> Array:
        """The free ones (P,)."""
        return np.asarray(np.log(np.concatenate([np.atleast_1d(self._value(name)) for name in self.free])))

    def at(self, logarithms: Array) -> "Parameters":
        """The same with other free ones (P,)."""
        values, names = np.exp(logarithms), self._names()
        changed: dict[str, float | tuple[float, ...]] = {
            name: float(values[names.index(name)]) for name in self.free if name != "lengthscales"
        }
        if "lengthscales" in self.free:
            changed["lengthscales"] = tuple(values[[name == "lengthscales" for name in names]].tolist())
        sigma2 = changed.pop("sigma2", self.sigma2)
        return replace(self, kernel=replace(self.kernel, **changed), sigma2=sigma2)  # type: ignore[arg-type]

    def derivatives(self, gradient: Gradient) -> Array:
        """Of a criterion in the free logarithms (P,)."""
        return np.concatenate([np.atleast_1d(getattr(gradient, name)) for name in self.free])

    def bounds(self, given: Mapping[Name, tuple[float, float]]) -> Array:
        """(P, 2) of the free logarithms."""
        return np.log([(BOUNDS | given)[name] for name in self._names()])  # type: ignore[operator]

    def names_at(self, logarithms: Array, bounds: Array) -> tuple[Name, ...]:
        """Which of the free ones (P,) lie at bounds (P, 2), lengthscales together."""
        at = (logarithms <= bounds[:, 0]) | (logarithms >= bounds[:, 1])
        return tuple(dict.fromkeys(name for name, lies in zip(self._names(), at, strict=True) if lies))

    def _names(self) -> list[Name]:
        """Of the free ones, one for each number."""
        return [name for name in self.free for _ in np.atleast_1d(self._value(name))]

    def _value(self, name: Name) -> float | tuple[float, ...]:
        return self.sigma2 if name == "sigma2" else getattr(self.kernel, name)
