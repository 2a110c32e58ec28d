"""An algorithm that learns in steps, and keeps its count with each: a running mean that forgets."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, Field

from gaussian_processes.algorithm import Algorithm, Evaluation, Metric, Output, Query, Reporter, State
from gaussian_processes.data.dataset import Array, Dataset

# A variable of the environment: the file that is to have a line for each step that is taken, its number.
STEPS_TAKEN = "STEPS_TAKEN"


class Hyperparameters(BaseModel):
    steps: Annotated[int, Field(ge=1, description="how many steps to learn in")] = 10
    rate: Annotated[float, Field(gt=0, le=1, description="how much a step forgets of those before it")] = 0.3
    pause: Annotated[float, Field(ge=0, description="how long a step takes at least, in seconds")] = 0.0


@dataclass(frozen=True)
class Counted:
    mean: float


def fit(dataset: Dataset, hyperparameters: Hyperparameters, reporter: Reporter) -> Counted:
    kept = reporter.kept() or {"step": 0, "trace": np.zeros(hyperparameters.steps)}
    trace = np.array(kept["trace"])
    for step in range(kept["step"], hyperparameters.steps):
        _write_down(step)
        time.sleep(hyperparameters.pause)
        before = trace[step - 1] if step else 0.0
        trace[step] = before + hyperparameters.rate * (dataset.target[step % len(dataset)] - before)
        reporter.keep({"step": step + 1, "trace": trace})
    return Counted(float(trace[-1]))


def predict(model: Counted, rows: Array, query: Query) -> Mapping[str, Array]:
    return dict.fromkeys(query.outputs, np.full(len(rows), model.mean))


def evaluate(model: Counted, _validation: Dataset | None, _reporter: Reporter) -> Evaluation:
    return Evaluation({"train:mean": model.mean})


def state(model: Counted) -> State:
    return {"mean": model.mean}


def from_state(stored: Mapping[str, Any]) -> Counted:
    return Counted(**stored)


def _write_down(step: int) -> None:
    path = os.environ.get(STEPS_TAKEN)
    if path:
        with Path(path).open("a") as stream:
            print(step, file=stream)


algorithm = Algorithm(
    name="counting",
    hyperparameters=Hyperparameters,
    metrics=(Metric("train:mean", "minimize", "where it ends", needs_validation=False, negative=True),),
    outputs=(Output("mean", "the same for every row", usual=True),),
    fit=fit,
    evaluate=evaluate,
    predict=predict,
    state=state,
    from_state=from_state,
)
