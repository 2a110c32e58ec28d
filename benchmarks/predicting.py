"""Predicting without a server: what every server here answers with, and what they are measured against."""

import os

import timing  # noqa: F401  # prepares the libraries

from gaussian_processes.algorithm import Query, load_algorithm
from gaussian_processes.job.contract.paths import OptMl
from gaussian_processes.serving.models.predictor import Predictor


def load_predict():
    """The model in SAGEMAKER_BASE_DIR as a function: rows (M, d) and names of outputs -> a column (M,) for each."""
    predictor = Predictor.load(OptMl.from_environ(os.environ).model, load_algorithm(os.environ))

    def predict(rows, outputs=("mean",)):
        return predictor.algorithm.predict(predictor.model, rows, Query(outputs))

    return predict
