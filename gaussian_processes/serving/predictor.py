"""Predictor: a loaded model that answers rows with columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaussian_processes.algorithm import Algorithm, Query
from gaussian_processes.artifact import load_artifact
from gaussian_processes.data.dataset import Array
from gaussian_processes.errors import DataError, RowError


@dataclass(frozen=True, eq=False)
class Predictor:
    """A model, the algorithm that reads it, and the number of features that it was trained on."""

    algorithm: Algorithm[Any, Any]
    model: Any
    features: int

    @classmethod
    def load(cls, directory: Path, algorithm: Algorithm[Any, Any]) -> "Predictor":
        """From the model file in `directory`.

        Raises:
            DataError: as `load_artifact`.
        """
        artifact = load_artifact(directory, algorithm)
        try:
            model = algorithm.from_state(artifact.state)
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise DataError(
                f"The model in {directory} is not as this version of {algorithm.name} stores it ({error!r}): train again."
            ) from error
        return cls(algorithm, model, artifact.features)

    def query(self, *, usual: bool) -> Query:
        """What a request wants that does not say: the usual outputs, or the first one."""
        outputs = self.algorithm.outputs
        return Query(tuple(output.name for output in outputs if output.usual) if usual else (outputs[0].name,))

    def predict(self, rows: Array, query: Query) -> Mapping[str, Array]:
        """What the query asks for, for rows (M, d).

        Raises:
            DataError: the rows have another number of columns than the training data, or one cannot be used.
        """
        if rows.shape[1] != self.features:
            hint = "; leave the target out" if rows.shape[1] == self.features + 1 else ""
            raise DataError(f"Columns in the request: {rows.shape[1]}; features wanted: {self.features}{hint}.")
        try:
            return self.algorithm.predict(self.model, rows, query)
        except RowError as error:
            raise error.located("The request", lambda row: f"row {row + 1}") from None
