"""The seam: everything that `train`, `serve` and the local search know about an algorithm.

A module that ends in `algorithm = Algorithm(...)` can take the Gaussian process's place: name it in the environment
variable ALGORITHM. docs/your_own_algorithm.md walks through one.
"""

import importlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, Protocol, TypeVar

from numpy.typing import NDArray
from pydantic import BaseModel, Field

from gaussian_processes.data.dataset import Array, Dataset
from gaussian_processes.errors import ConfigurationError

if TYPE_CHECKING:
    from distributed import Client  # which takes a second to import, for what few jobs need

DEFAULT = "gaussian_processes.arc_cosine"

# Numbers, strings, booleans, None, arrays of numbers, and lists and dictionaries of them: what a model file can hold.
# A model's dictionaries may also have `Streamed` arrays for values.
State = Mapping[str, Any]

H = TypeVar("H", bound=BaseModel)
M = TypeVar("M")


class Reporter(Protocol):
    """Where an algorithm says what the user should know while it trains, and keeps what it would not learn twice."""

    def log(self, message: str) -> None:
        """One line for the log; never a metric."""

    def progress(self, phase: str, fraction: float) -> None:
        """How much of a phase of the work is done, from 0 to 1; may be called often."""

    def kept(self) -> State | None:
        """What an interrupted run of this same job kept last; None where this one starts from the beginning.

        As the model file has it: a tuple comes back as a list, and arrays cannot be written to.
        """

    def keep(self, state: State) -> None:
        """Keep this, in place of what was kept before, for a run that goes on where this one is interrupted.

        It is on the disk, whole, when this returns. Costs nothing where the job keeps no checkpoints.
        """


@dataclass(frozen=True, eq=False)
class Streamed:
    """An array of a model's state that is never whole in memory: it becomes a file of its own beside the model's.

    `from_state` gets a read-only array in its place that lies in that file: a page of it is read when it is used, all
    workers share it, and the system takes it back when memory is wanted. The keys that lead to it name the file, and
    are of letters, digits, `_` and `-`.

    Attributes:
        dtype: of numbers, as NumPy spells it, such as "float64".
        shape: of the array, which is in C's order.
        fill: writes all of the array that it is given, which lies in the file and holds zeros, in pieces and any order;
            and tells the function that it is given what fraction is done, from 0 to 1. Called once, if at all, however
            often `state` is.
    """

    dtype: str
    shape: tuple[int, ...]
    fill: Callable[[NDArray[Any], Callable[[float], None]], None]


@dataclass(frozen=True)
class Search:
    """Marks a hyperparameter as one to tune, in its field's `Annotated`, and says in what range.

    Attributes:
        low: the least value worth trying; for numbers only.
        high: the greatest.
        scaling: in which a tuner should search between them.
        values: the words worth trying; for words only, and all of them when None.
    """

    low: float | None = None
    high: float | None = None
    scaling: Literal["Auto", "Linear", "Logarithmic", "ReverseLogarithmic"] = "Auto"
    values: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Detail:
    """Marks a hyperparameter, in its field's `Annotated`, that the log names only where it is not what it is by default."""


@dataclass(frozen=True)
class Metric:
    """A number that training may print as `name=value;`, for the tuner to read.

    Attributes:
        name: as in a tuning job's MetricName, such as 'validation:RMSE'.
        direction: which way is better; None for a number that is no objective.
        description: what it is, in a few words.
        needs_validation: whether it can only be computed with a validation channel.
        stands_in: whether it is what there is instead where the job has no validation channel; computed then, or when
            it is the tuning objective.
        needs_spread: whether it says nothing of a target that is constant.
        negative: whether it can be below zero.
    """

    name: str
    direction: Literal["minimize", "maximize"] | None
    description: str
    needs_validation: bool = True
    stands_in: bool = False
    needs_spread: bool = False
    negative: bool = False


class SeveralHosts(BaseModel):
    """Hyperparameters of an algorithm that can learn over several hosts: its own model has this one for a base."""

    distributed: Annotated[
        bool | Literal["auto"],
        Field(description="learn over all hosts of the job; `auto` does where the leader's memory is not enough"),
        Detail(),
    ] = "auto"
    arrival_seconds: Annotated[
        float, Field(gt=0, description="in which all hosts of the job must have arrived"), Detail()
    ] = 600.0
    deadline_seconds: Annotated[
        float | None,
        Field(gt=0, description="in which a job over several hosts must be done; it fails after that, on all of them"),
        Detail(),
    ] = None


@dataclass(frozen=True, eq=False)
class Forecast:
    """Predictions of targets that were not learnt from: what a report can draw.

    Attributes:
        target: (N,), as measured.
        mean: (N,), as predicted.
        std: (N,), of a measurement, noise included; None where the algorithm has none.
    """

    target: Array
    mean: Array
    std: Array | None = None


@dataclass(frozen=True)
class Variant:
    """One of those among which a model was chosen.

    Attributes:
        settings: the hyperparameters in which they differ.
        value: of what they were compared by; NaN where it could not be computed.
    """

    settings: Mapping[str, int | float | str]
    value: float


@dataclass(frozen=True)
class Comparison:
    """What a model was chosen among, for the report.

    Attributes:
        criterion: what they were compared by, in a few words; the greater, the better.
        variants: in the order in which they were tried.
        chosen: the settings of the one that was taken, which need not be the first choice of the comparison.
    """

    criterion: str
    variants: tuple[Variant, ...]
    chosen: Mapping[str, int | float | str]


@dataclass(frozen=True)
class LearningCurve:
    """What a criterion did while hyperparameters were learned, for the report.

    Attributes:
        criterion: its name, in a few words; the greater, the better.
        runs: for each run of the optimiser, by its name, the criterion after each iteration.
    """

    criterion: str
    runs: Mapping[str, Sequence[float]]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How good a model is.

    Attributes:
        metrics: by name.
        forecast: of the validation channel, or whatever stands in for it.
        learned: hyperparameters that were not taken as given, with what they became; printed as `learned:name=value;`.
            `lengthscale_1`, `lengthscale_2`, … belong to the features in their order: the report sorts features by them.
        comparison: what the model was chosen among; None where there was no choice.
        warnings: what speaks against trusting the model, a sentence or two each, with what to do. They end the log, and are
            in the report and in the model file. The server repeats them in its log.
        curve: what the criterion did while hyperparameters were learned; None where that is unknown.
    """

    metrics: Mapping[str, float]
    forecast: Forecast | None = None
    learned: Mapping[str, float] = field(default_factory=dict)
    comparison: Comparison | None = None
    warnings: tuple[str, ...] = ()
    curve: LearningCurve | None = None


@dataclass(frozen=True)
class Size:
    """Of a job's data: training rows, columns beside the target, rows to validate with."""

    rows: int
    features: int
    validation_rows: int = 0


@dataclass(frozen=True)
class Needs:
    """What a job will take.

    Attributes:
        memory: bytes, at most.
        operations: floating-point operations, at the speed of a matrix product: twice as slow ones count twice.
        disk: bytes of the model's files.
        traffic: bytes that each of several hosts receives from the others.
        note: what makes it take unusually long, for the log.
    """

    memory: int
    operations: float
    disk: int
    traffic: float = 0.0
    note: str = ""


@dataclass(frozen=True, eq=False)
class Cluster:
    """The hosts of a job at work together.

    Attributes:
        client: of Dask's scheduler; each host has one worker.
        hosts: their addresses, the leader's first.
        threads: of each worker: so many tasks are done there at a time.
    """

    client: "Client"
    hosts: tuple[str, ...]
    threads: int


@dataclass(frozen=True)
class Distribution(Generic[H, M]):
    """How an algorithm learns over several hosts.

    Attributes:
        fit: as an Algorithm's, on the leader, with the other hosts to help. The model that it returns may lie on all of
            them for as long as the job lasts: `evaluate`, `predict` and `state` are asked while they are there.
        needs: (size, hyperparameters, hosts) -> what it takes: memory of each host, operations of all together, disk of
            the leader.
    """

    fit: Callable[[Dataset, H, Reporter, Cluster], M]
    needs: Callable[[Size, H, int], Needs]


@dataclass(frozen=True)
class Output:
    """Something that `predict` can return, for each row.

    Attributes:
        name: as requests ask for it, and as JSON answers name it.
        description: what it is, in a few words.
        usual: whether JSON answers carry it when nothing is asked for.
        joint: whether it says how rows vary together, so that a request's rows cannot be taken in parts.
    """

    name: str
    description: str
    usual: bool = False
    joint: bool = False


# The output of truth values that says which rows are unlike all that was learnt from, for algorithms that can tell.
EXTRAPOLATING = "extrapolating"


@dataclass(frozen=True)
class Query:
    """What a request wants to know.

    Attributes:
        outputs: names of the algorithm's outputs.
        level: the probability with which an interval is to hold a measurement, between 0 and 1.
        samples: how many functions to draw.
        seed: of the drawing; None draws anew each time.
    """

    outputs: tuple[str, ...]
    level: float = 0.95
    samples: int = 1
    seed: int | None = None


@dataclass(frozen=True)
class Algorithm(Generic[H, M]):
    """An algorithm, as the container sees it.

    Attributes:
        name: written into the model file, which no other algorithm may load.
        hyperparameters: a pydantic model: names, types, ranges, defaults.
        metrics: what `evaluate` can return, in the order of printing; the usual objective last.
        outputs: what `predict` can return; the first alone is what answers carry that have no names, such as CSV.
        fit: learns a model from the training channel.
        evaluate: every metric that can be computed from a model and the validation channel, or from the model alone
            and what stands in for validation.
        predict: (model, rows (M, d), query) -> a column (M,), or some beside each other (M, k), for each output asked
            for that the model has; and truth values under the name EXTRAPOLATING where they cost nothing more.
        state: a model as plain values and arrays, which is what the model file stores. Called more than once.
        from_state: the model again.
        needs: what a job will take; one that needs more than there is is refused before it starts. None where that
            cannot be said.
        distribution: how it learns over several hosts, if its hyperparameters are SeveralHosts; None where one does all.
        ways: the hyperparameters with one way to the model settled, in the order in which they are preferred: the first
            is taken for which there is memory. None where there is one way.
        lacks: the metrics that a model does not have that is learned so, hyperparameters settled; none when None.

    `fit`, `evaluate` and `predict` raise RowError for rows that they refuse.
    """

    name: str
    hyperparameters: type[H]
    metrics: tuple[Metric, ...]
    outputs: tuple[Output, ...]
    fit: Callable[[Dataset, H, Reporter], M]
    evaluate: Callable[[M, Dataset | None, Reporter], Evaluation]
    predict: Callable[[M, Array, Query], Mapping[str, NDArray[Any]]]
    state: Callable[[M], State]
    from_state: Callable[[State], M]
    needs: Callable[[Size, H], Needs] | None = None
    distribution: Distribution[H, M] | None = None
    ways: Callable[[H], tuple[H, ...]] | None = None
    lacks: Callable[[H], Collection[str]] | None = None


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
