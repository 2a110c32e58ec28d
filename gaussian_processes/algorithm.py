"""The seam: everything that `train`, `serve` and the local search know about an algorithm.

A module that ends in `algorithm = Algorithm(...)` can take the Gaussian process's place: name it in the environment
variable ALGORITHM. docs/your_own_algorithm.md walks through one.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel

from gaussian_processes.data.dataset import Array, Dataset
from gaussian_processes.errors import ConfigurationError

DEFAULT = "gaussian_processes.gaussian_process"

# Numbers, strings, booleans, None, arrays of numbers, and lists and dictionaries of them: what a model file can hold.
State = Mapping[str, Any]

H = TypeVar("H", bound=BaseModel)
M = TypeVar("M")


class Reporter(Protocol):
    """Where an algorithm says what the user should know while it trains."""

    def log(self, message: str) -> None:
        """One line for the log; never a metric."""


@dataclass(frozen=True)
class Metric:
    """A number that training may print as `name=value;`, for the tuner to read.

    Attributes:
        name: as in a tuning job's MetricName, such as 'validation:RMSE'.
        direction: which way is better; None for a number that is no objective.
        needs_validation: whether it can only be computed with a validation channel.
    """

    name: str
    direction: Literal["minimize", "maximize"] | None
    needs_validation: bool = True


@dataclass(frozen=True)
class Algorithm(Generic[H, M]):
    """An algorithm, as the container sees it.

    Attributes:
        name: written into the model file, which no other algorithm may load.
        hyperparameters: a pydantic model: names, types, ranges, defaults.
        metrics: what `evaluate` can return, in the order of printing; the usual objective last.
        outputs: what `predict` can return; the first alone is what CSV answers carry.
        fit: learns a model from the training channel.
        evaluate: every metric that can be computed from a model and, if there is one, the validation channel.
        predict: (model, rows (M, d), outputs) -> a column (M,) for each output asked for.
        state: a model as plain values and arrays, which is what the model file stores.
        from_state: the model again.
        memory: (rows, features, hyperparameters) -> bytes that `fit` and `evaluate` will take at most; training that
            needs more than there is is refused before it starts. None where that cannot be said.

    `fit`, `evaluate` and `predict` raise RowError for rows that they refuse.
    """

    name: str
    hyperparameters: type[H]
    metrics: tuple[Metric, ...]
    outputs: tuple[str, ...]
    fit: Callable[[Dataset, H, Reporter], M]
    evaluate: Callable[[M, Dataset | None], Mapping[str, float]]
    predict: Callable[[M, Array, Sequence[str]], Mapping[str, Array]]
    state: Callable[[M], State]
    from_state: Callable[[State], M]
    memory: Callable[[int, int, H], int] | None = None


def load_algorithm(environ: Mapping[str, str]) -> Algorithm[Any, Any]:
    """The algorithm in the module that ALGORITHM names; the Gaussian process when it is not set.

    Raises:
        ConfigurationError: there is no such module, or it offers no `algorithm`.
    """
    name = environ.get("ALGORITHM") or DEFAULT
    if not all(part.isidentifier() for part in name.split(".")):
        raise ConfigurationError(f"ALGORITHM is {name!r}; the name of a Python module is wanted, such as my_algorithm.")
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # the module is there; what it imports is not
        raise ConfigurationError(
            f"ALGORITHM names the module {name!r}, which Python cannot find. "
            "Put its file into the folder above gaussian_processes/, or its folder on PYTHONPATH."
        ) from None
    algorithm = getattr(module, "algorithm", None)
    if not isinstance(algorithm, Algorithm):
        raise ConfigurationError(
            f"The module {name!r} that ALGORITHM names has no `algorithm = Algorithm(...)`. "
            "docs/your_own_algorithm.md shows one."
        )
    return algorithm
