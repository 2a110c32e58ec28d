"""Settings: the hyperparameters of the Gaussian process, names, values, defaults, meanings, and the ranges to tune them in."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gaussian_processes.algorithm import Detail, Search, SeveralHosts
from gaussian_processes.arc_cosine.bounds import Bounds, with_former
from gaussian_processes.arc_cosine.learnable import BOUNDS, Name
from gaussian_processes.gp.kernels.arc_cosine import MOST, Geometry
from gaussian_processes.gp.selection.criterion import Criterion


def _listed(value: Any) -> Any:
    """A list if commas separate words, else the value."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) and "," in value else value


def _one_or_listed(value: Any) -> Any:
    """A list; a single word becomes a list of one."""
    listed = _listed(value)
    return [listed] if isinstance(listed, int | float | str) else listed


NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=MOST)]
Natural = Annotated[int, Field(ge=1, le=MOST)]
Counts = Annotated[tuple[Count, ...], Field(min_length=1)]
Choices = Annotated[Count | Counts | Literal["auto"], BeforeValidator(_listed)]
ScalingName = Literal["none", "standard"]

# The values of `auto`.
ORDERS = DEPTHS = (0, 1, 2, 3, 4)
GEOMETRIES: tuple[Geometry, ...] = ("sphere", "homogeneous")


class ProcessHyperparameters(BaseModel):
    """The algorithm's own; the defaults give M = sigma2 I + K_{1,1} on the unit sphere, data as they are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    q: Annotated[
        Choices,
        Field(description="order of the kernel; from a list such as `0,1,2`, or `auto` (0 to 4), the best is chosen"),
        Search(0, 8, "Linear"),
    ] = 1
    l: Annotated[
        Choices,
        Field(description="depth: the kernel is applied l + 1 times; a list or `auto` as for q"),
        Search(0, 6, "Linear"),
    ] = 1
    sigma2: Annotated[
        Positive,
        Field(description="noise variance σ², (units of the scaled target)²"),
        Search(1e-4, 10.0, "Logarithmic"),
    ] = 0.1
    geometry: Annotated[
        Literal["sphere", "homogeneous", "auto"],
        Field(description="`sphere`: rows scaled to length 1. `homogeneous`: (‖x‖‖x'‖)^degree k. `auto`: the better"),
        Search(values=GEOMETRIES),
    ] = "sphere"
    bias: Annotated[
        NonNegative,
        Field(description="constant appended to each row, so that lengths matter on the sphere"),
        Search(0.0, 10.0, "Linear"),
    ] = 0.0
    degree: Annotated[
        NonNegative | None,
        Field(description="power of the lengths if geometry=homogeneous; default q"),
        Search(0.0, 4.0, "Linear"),
    ] = None
    variance: Annotated[
        Positive, Field(description="prior variance of a unit row"), Search(0.01, 100.0, "Logarithmic")
    ] = 1.0
    lengthscales: Annotated[
        Annotated[tuple[Positive, ...], Field(min_length=1)] | None,
        BeforeValidator(_one_or_listed),
        Field(description="one lengthscale per feature, or one shared by all; default 1"),
        Detail(),
    ] = None
    feature_scaling: Annotated[
        ScalingName, Field(description="`standard`: training features with mean 0 and standard deviation 1"), Search()
    ] = "none"
    target_scaling: Annotated[
        ScalingName,
        Field(description="`standard`: training target with mean 0 and standard deviation 1; results keep its units"),
        Search(),
    ] = "none"
    optimize: Annotated[
        Annotated[tuple[Name, ...], Field(min_length=1)] | Literal["none", "all"],
        BeforeValidator(lambda value: value if value in ("none", "all") else _one_or_listed(value)),
        Field(description="hyperparameters to learn; a choice of q, l or geometry always learns sigma2 and variance"),
        Detail(),
    ] = "none"
    criterion: Annotated[
        Criterion,
        Field(description="log marginal likelihood (`evidence`) or leave-one-out log density (`loo`), to maximise"),
        Detail(),
    ] = "evidence"
    iterations: Annotated[
        Natural, Field(description="maximum number of iterations in a run of the optimiser"), Detail()
    ] = 200
    restarts: Annotated[
        Count, Field(description="number of further runs of the optimiser, from random starting points"), Detail()
    ] = 0
    seed: Annotated[
        int, Field(ge=0, description="seed of the random starting points and of learning_rows"), Detail()
    ] = 0
    finalists: Annotated[
        Natural, Field(description="number of kernels to optimise after all have been compared"), Detail()
    ] = 3
    learning_rows: Annotated[
        int | None, Field(ge=2, description="number of random training rows to learn from; default all"), Detail()
    ] = None
    bounds: Annotated[
        Bounds,
        Field(
            description='bounds of learned hyperparameters, such as `{"sigma2": [1e-6, 10]}`. Defaults: '
            + ", ".join(f"{name} {low:g} to {high:g}" for name, (low, high) in BOUNDS.items())
            + "; sigma2 in units of the scaled target's variance"
        ),
        Detail(),
    ] = {}
    precision: Annotated[
        Literal["double", "mixed"],
        Field(description="`mixed`: single-precision factor, solution refined to double precision"),
    ] = "double"
    solver: Annotated[
        Literal["auto", "direct", "cg"],
        Field(
            description="`direct`: Cholesky. `cg`: conjugate gradients, means only. `auto`: cg only if the matrix does not fit "
            "in memory and include_variance is false"
        ),
        Detail(),
    ] = "auto"
    include_variance: Annotated[
        bool, Field(description="store the factor, half an N × N matrix; a model without it predicts means only")
    ] = True

    _with_former_names = model_validator(mode="before")(with_former)

    @model_validator(mode="after")
    def _has_a_degree_to_learn(self) -> Self:
        if "degree" in self.optimize and self.geometry == "sphere":
            raise ValueError("geometry=sphere has no degree to optimize: homogeneous or auto is wanted")
        return self

    @property
    def orders(self) -> tuple[int, ...]:
        """Candidates for q."""
        return _choices(self.q, ORDERS)

    @property
    def depths(self) -> tuple[int, ...]:
        """Candidates for l."""
        return _choices(self.l, DEPTHS)

    @property
    def geometries(self) -> tuple[Geometry, ...]:
        """Candidate geometries."""
        return GEOMETRIES if self.geometry == "auto" else (self.geometry,)

    def bounds_for(self, target_variance: float) -> Mapping[Name, tuple[float, float]]:
        """Bounds by name, for a scaled target of this variance."""
        # A variance that has overflowed or vanished cannot be a unit.
        unit = target_variance if 1e-200 < target_variance < 1e200 else 1.0
        low, high = BOUNDS["sigma2"]
        return {**BOUNDS, "sigma2": (unit * low, unit * high), **self.bounds}


class Hyperparameters(SeveralHosts, ProcessHyperparameters):
    """The algorithm's own hyperparameters, and those of several hosts."""


def ways(hyperparameters: Hyperparameters) -> tuple[Hyperparameters, ...]:
    """The hyperparameters with each possible solver, best first: conjugate gradients only if means suffice."""
    if hyperparameters.solver != "auto":
        return (hyperparameters,)
    direct, cg = (hyperparameters.model_copy(update={"solver": solver}) for solver in ("direct", "cg"))
    return (direct,) if hyperparameters.include_variance else (direct, cg)


def _choices(value: int | tuple[int, ...] | Literal["auto"], automatic: tuple[int, ...]) -> tuple[int, ...]:
    if value == "auto":
        return automatic
    return (value,) if isinstance(value, int) else tuple(dict.fromkeys(value))
