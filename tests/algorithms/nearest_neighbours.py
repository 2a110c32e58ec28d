"""A second algorithm for the same container: the mean of the k nearest training targets."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, Field
from scipy.spatial import cKDTree

from gaussian_processes.algorithm import Algorithm, Evaluation, Forecast, Metric, Output, Query, Reporter, Search, State
from gaussian_processes.data.dataset import Array, Dataset


class Hyperparameters(BaseModel):
    k: Annotated[int, Field(ge=1, description="number of neighbours"), Search(1, 50, "Logarithmic")] = 5


@dataclass(frozen=True)
class Neighbours:
    features: Array
    target: Array
    k: int


def fit(dataset: Dataset, hyperparameters: Hyperparameters, reporter: Reporter) -> Neighbours:
    k = min(hyperparameters.k, len(dataset))
    reporter.log(f"averaging over {k} neighbours")
    return Neighbours(dataset.features, dataset.target, k)


def predict(model: Neighbours, rows: Array, query: Query) -> Mapping[str, Array]:
    _, nearest = cKDTree(model.features).query(rows, k=range(1, model.k + 1))
    values = model.target[nearest]
    columns = {"mean": values.mean(axis=1), "std": values.std(axis=1)}
    return {name: columns[name] for name in query.outputs}


def evaluate(model: Neighbours, validation: Dataset | None, _reporter: Reporter) -> Evaluation:
    if validation is None:
        return Evaluation({})
    found = predict(model, validation.features, Query(("mean", "std")))
    error = math.sqrt(np.mean((validation.target - found["mean"]) ** 2))
    return Evaluation({"validation:RMSE": error}, Forecast(validation.target, found["mean"], found["std"]))


def state(model: Neighbours) -> State:
    return {"features": model.features, "target": model.target, "k": model.k}


def from_state(stored: Mapping[str, Any]) -> Neighbours:
    return Neighbours(**stored)


algorithm = Algorithm(
    name="k-nearest-neighbours",
    hyperparameters=Hyperparameters,
    metrics=(Metric("validation:RMSE", "minimize", "root mean square error"),),
    outputs=(
        Output("mean", "mean of the neighbours' targets", usual=True),
        Output("std", "their standard deviation", usual=True),
    ),
    fit=fit,
    evaluate=evaluate,
    predict=predict,
    state=state,
    from_state=from_state,
)
