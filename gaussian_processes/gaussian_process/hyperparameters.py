"""Hyperparameters of the Gaussian process: their ranges, defaults and meaning, and in what range to tune them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gaussian_processes.algorithm import Search
from gaussian_processes.gp.solution import Precision

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
ScalingName = Literal["none", "standard"]


class Hyperparameters(BaseModel):
    """With nothing set: M = sigma2 I + K_{1,1} on the unit sphere, data as they are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    q: Annotated[int, Field(ge=0, description="order of the kernel"), Search(0, 8, "Linear")] = 1
    l: Annotated[int, Field(ge=0, description="depth: the kernel is applied l + 1 times"), Search(0, 6, "Linear")] = 1
    sigma2: Annotated[
        Positive,
        Field(description="noise variance σ², in (units of the scaled target)²"),
        Search(1e-4, 10.0, "Logarithmic"),
    ] = 0.1
    geometry: Annotated[
        Literal["sphere", "homogeneous"],
        Field(description="divide each row by its length, or keep the lengths: (‖x‖‖x'‖)^degree k"),
        Search(),
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
    feature_scaling: Annotated[
        ScalingName, Field(description="standardise the features by the training rows"), Search()
    ] = "none"
    target_scaling: Annotated[
        ScalingName,
        Field(description="standardise the target; predictions and metrics stay in its own units"),
        Search(),
    ] = "none"
    precision: Annotated[
        Precision,
        Field(description="mixed factors in single precision, and refines the solution to double precision"),
    ] = "double"
    include_variance: Annotated[
        bool,
        Field(description="keep in the model what standard deviations need, half an N × N matrix; without, means only"),
    ] = True
