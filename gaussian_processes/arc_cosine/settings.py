"""Hyperparameters of the Gaussian process: their ranges, defaults and meaning, and in what range to tune them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from gaussian_processes.algorithm import Detail, Search, SeveralHosts
from gaussian_processes.arc_cosine.learnable import BOUNDS, NAMES, Name
from gaussian_processes.gp.kernels.arc_cosine import MOST, Geometry
from gaussian_processes.gp.selection.criterion import Criterion
from gaussian_processes.gp.solvers.direct import Precision


def _listed(value: Any) -> Any:
    """A list from words with commas between them."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) and "," in value else value


def _one_or_listed(value: Any) -> Any:
    """The same, and a list of one from what has no commas."""
    listed = _listed(value)
    return [listed] if isinstance(listed, int | float | str) else listed


Listed = BeforeValidator(_listed)
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=MOST)]
Natural = Annotated[int, Field(ge=1, le=MOST)]
Counts = Annotated[tuple[Count, ...], Field(min_length=1)]
Bounds = Annotated[tuple[Positive, Positive], Listed]
ScalingName = Literal["none", "standard"]

# What `auto` stands for.
ORDERS = DEPTHS = (0, 1, 2, 3, 4)
GEOMETRIES: tuple[Geometry, ...] = ("sphere", "homogeneous")


class ProcessHyperparameters(BaseModel):
    """With nothing set: M = sigma2 I + K_{1,1} on the unit sphere, data as they are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    q: Annotated[
        Count | Counts | Literal["auto"],
        Listed,
        Field(
            description="order of the kernel; of several, such as `0,1,2`, or `auto`, which is 0 to 4, the best is taken"
        ),
        Search(0, 8, "Linear"),
    ] = 1
    l: Annotated[
        Count | Counts | Literal["auto"],
        Listed,
        Field(description="depth: the kernel is applied l + 1 times; several, or `auto`, as for q"),
        Search(0, 6, "Linear"),
    ] = 1
    sigma2: Annotated[
        Positive,
        Field(description="noise variance σ², in (units of the scaled target)²"),
        Search(1e-4, 10.0, "Logarithmic"),
    ] = 0.1
    geometry: Annotated[
        Literal["sphere", "homogeneous", "auto"],
        Field(
            description="divide each row by its length, or keep the lengths: (‖x‖‖x'‖)^degree k; `auto` takes the better"
        ),
        Search(values=GEOMETRIES),
    ] = "sphere"
    bias: Annotated[
        NonNegative,
        Field(description="a constant appended to each row, so that on the sphere its length is not lost"),
        Search(0.0, 10.0, "Linear"),
    ] = 0.0
    degree: Annotated[
        NonNegative | None,
        Field(description="power of the lengths in the homogeneous geometry; q when not set"),
        Search(0.0, 4.0, "Linear"),
    ] = None
    variance: Annotated[
        Positive, Field(description="prior variance of a unit row"), Search(0.01, 100.0, "Logarithmic")
    ] = 1.0
    lengthscales: Annotated[
        Annotated[tuple[Positive, ...], Field(min_length=1)] | None,
        BeforeValidator(_one_or_listed),
        Field(description="by which the scaled features are divided: one for each, or one for all; 1 when not set"),
        Detail(),
    ] = None
    feature_scaling: Annotated[
        ScalingName, Field(description="standardise the features by the training rows"), Search()
    ] = "none"
    target_scaling: Annotated[
        ScalingName,
        Field(description="standardise the target; predictions and metrics stay in its own units"),
        Search(),
    ] = "none"
    optimize: Annotated[
        Annotated[tuple[Name, ...], Field(min_length=1)] | Literal["none", "all"],
        BeforeValidator(lambda value: value if value in ("none", "all") else _one_or_listed(value)),
        Field(
            description="what is learned from the training channel: `sigma2,variance,bias,degree,lengthscales`, or some; "
            "of several q, l or geometries sigma2 and variance always are"
        ),
        Detail(),
    ] = "none"
    criterion: Annotated[
        Criterion,
        Field(description="what learning maximises: the log evidence, or the leave-one-out log density, `loo`"),
        Detail(),
    ] = "evidence"
    iterations: Annotated[Natural, Field(description="of a run of the learning, at most"), Detail()] = 200
    restarts: Annotated[
        Count, Field(description="runs of the learning from random points, beside the first"), Detail()
    ] = 0
    seed: Annotated[int, Field(ge=0, description="of these points, and of the choice of learning_rows"), Detail()] = 0
    finalists: Annotated[
        Natural, Field(description="of several q, l and geometries, how many are learned to the end"), Detail()
    ] = 3
    learning_rows: Annotated[
        int | None,
        Field(ge=2, description="learn from so many of the training rows, chosen at random; from all when not set"),
        Detail(),
    ] = None
    sigma2_bounds: Annotated[
        Bounds | None,
        Field(
            description="between which learning keeps it; 1e-6 and 1e4 times the scaled target's variance when not set"
        ),
        Detail(),
    ] = None
    variance_bounds: Annotated[Bounds, Field(description="the same"), Detail()] = BOUNDS["variance"]
    bias_bounds: Annotated[Bounds, Field(description="the same"), Detail()] = BOUNDS["bias"]
    degree_bounds: Annotated[Bounds, Field(description="the same"), Detail()] = BOUNDS["degree"]
    lengthscales_bounds: Annotated[Bounds, Field(description="the same, for each"), Detail()] = BOUNDS["lengthscales"]
    precision: Annotated[
        Precision,
        Field(description="mixed factors in single precision, and refines the solution to double precision"),
    ] = "double"
    solver: Annotated[
        Literal["auto", "direct", "cg"],
        Field(
            description="factor M, or solve by conjugate gradients, which gives means alone; `auto` does for want of room"
        ),
        Detail(),
    ] = "auto"
    include_variance: Annotated[
        bool,
        Field(description="keep in the model what standard deviations need, half an N × N matrix; without, means only"),
    ] = True

    @field_validator("sigma2_bounds", "variance_bounds", "bias_bounds", "degree_bounds", "lengthscales_bounds")
    @classmethod
    def _ascend(cls, bounds: tuple[float, float] | None) -> tuple[float, float] | None:
        if bounds and not bounds[0] < bounds[1]:
            raise ValueError("two numbers are wanted, the least and the greatest")
        return bounds

    @model_validator(mode="after")
    def _has_a_degree_to_learn(self) -> Self:
        if "degree" in self.optimize and self.geometry == "sphere":
            raise ValueError("optimize names degree, and geometry=sphere has none: homogeneous or auto is wanted")
        return self

    @property
    def orders(self) -> tuple[int, ...]:
        """The q among which is chosen."""
        return _choices(self.q, ORDERS)

    @property
    def depths(self) -> tuple[int, ...]:
        """The l among which is chosen."""
        return _choices(self.l, DEPTHS)

    @property
    def geometries(self) -> tuple[Geometry, ...]:
        """The geometries among which is chosen."""
        return GEOMETRIES if self.geometry == "auto" else (self.geometry,)

    def bounds(self, variance_of_target: float) -> Mapping[Name, tuple[float, float]]:
        """Of what is learned, by name, for a scaled target of this variance."""
        # Where squares of the target overflow or vanish there is no unit to go by.
        unit = variance_of_target if 1e-200 < variance_of_target < 1e200 else 1.0
        low, high = BOUNDS["sigma2"]
        of_target = {"sigma2": (unit * low, unit * high)}
        return {name: getattr(self, f"{name}_bounds") or of_target[name] for name in NAMES}


class Hyperparameters(SeveralHosts, ProcessHyperparameters):
    """The process's own, and those of hosts that work together."""


def ways(hyperparameters: Hyperparameters) -> tuple[Hyperparameters, ...]:
    """With the solver settled: a factor first; conjugate gradients where there are to be means alone."""
    if hyperparameters.solver != "auto":
        return (hyperparameters,)
    direct, cg = (hyperparameters.model_copy(update={"solver": solver}) for solver in ("direct", "cg"))
    return (direct,) if hyperparameters.include_variance else (direct, cg)


def _choices(value: int | tuple[int, ...] | Literal["auto"], automatic: tuple[int, ...]) -> tuple[int, ...]:
    match value:
        case "auto":
            return automatic
        case int():
            return (value,)
        case _:
            return tuple(dict.fromkeys(value))
