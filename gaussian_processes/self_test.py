"""Self-test: what a model predicted when it was trained, so that who loads it can see whether it still does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gaussian_processes.algorithm import Algorithm, Query, Streamed
from gaussian_processes.data.dataset import Array, Dataset
from gaussian_processes.errors import AlgorithmError, DataError, RowError

# How far a prediction may be from the stored one, in parts of the largest in its column: another processor or another
# BLAS rounds otherwise, and an ill-conditioned matrix makes more of it; a wrong file or a wrong version is further off.
TOLERANCE = 1e-5
# And in parts of the largest in all columns: a standard deviation much smaller than the mean is what two nearly equal
# numbers differ by, and has fewer digits than either. Measured with OpenBLAS's code for four processors, of Gaussian
# processes in double precision, at training rows: a part of 7e-12 of the largest standard deviation at sigma2 = 1e-4,
# 8e-6 at 1e-10, 1e-3 at 1e-12; the means were the same.
OF_ALL = 1e-6


@dataclass(frozen=True, eq=False)
class SelfTest:
    """Some rows, and what was predicted for them.

    Attributes:
        rows: (k, d), of the training channel.
        columns: (k,) or (k, m), by the names of the algorithm's outputs.

    Raises:
        ValueError: arrays that are no such numbers.
    """

    rows: Array
    columns: Mapping[str, Array]

    def __post_init__(self) -> None:
        arrays = {"rows": self.rows, **self.columns}
        for name, array in arrays.items():
            if not (isinstance(array, np.ndarray) and array.dtype == np.float64 and np.isfinite(array).all()):
                raise ValueError(f"its self-test's {name} is no array of finite numbers")
            if array.ndim not in (1, 2) or len(array) != len(self.rows):
                raise ValueError(f"its self-test's {name} has shape {array.shape}")
        if self.rows.ndim != 2 or not all(array.size for array in arrays.values()) or not self.columns:
            raise ValueError("its self-test is empty")

    @classmethod
    def of(cls, algorithm: Algorithm[Any, Any], model: Any, training: Dataset) -> "SelfTest":
        """The first, the middle and the last training row, with their usual outputs as far as they can be compared.

        Raises:
            RowError: the algorithm refuses to predict one of the rows.
            AlgorithmError: nothing that it predicts is a finite number.
        """
        N = len(training)
        picked = sorted({0, N // 2, N - 1})
        rows, names = training.features[picked], _usual(algorithm)
        try:
            predicted = algorithm.predict(model, rows, Query(names))
        except RowError as error:
            raise RowError([picked[row] for row in error.rows], error.reason) from None
        if _has_single_precision(algorithm.state(model)):
            # Other columns than the answer itself can lose all their digits: of Gaussian processes factored in single
            # precision, two processors' standard deviations differed by 1e-5 of the largest at sigma2 = 0.1, by 1e-3
            # at 1e-3, and at 1e-6 by a third. No tolerance tells that from a fault.
            names = names[:1]
        columns = {name: np.asarray(predicted[name], np.float64) for name in names if name in predicted}
        columns = {name: column for name, column in columns.items() if np.isfinite(column).all()}
        if not columns:
            raise AlgorithmError("The model predicts no finite number for the rows that it was trained on.")
        return cls(rows, columns)

    def check(self, algorithm: Algorithm[Any, Any], model: Any) -> None:
        """Predict again.

        Raises:
            DataError: something else comes out.
        """
        try:
            predicted = algorithm.predict(model, self.rows, Query(_usual(algorithm)))
        except RowError as error:
            raise _changed([str(error)]) from None
        largest = max(np.abs(column).max() for column in self.columns.values())
        faults = []
        for name, stored in self.columns.items():
            if name not in predicted:
                faults.append(f"{name} is missing")
                continue
            found = np.asarray(predicted[name], np.float64)
            if found.shape != stored.shape:
                faults.append(f"{name}: found shape {found.shape}, {stored.shape} was stored")
                continue
            tolerance = max(TOLERANCE * np.abs(stored).max(), OF_ALL * largest)
            with np.errstate(over="ignore", invalid="ignore"):
                differs = ~(np.abs(found - stored) <= tolerance)  # of NaN too
            if differs.any():
                place = tuple(np.argwhere(differs)[0])
                faults.append(f"row {place[0] + 1}, {name}: found {found[place]:.9g}, {stored[place]:.9g} was stored")
        if faults:
            raise _changed(faults)


def _usual(algorithm: Algorithm[Any, Any]) -> tuple[str, ...]:
    """What is tested: the outputs that answers carry when nothing is asked for."""
    return tuple(output.name for output in algorithm.outputs if output.usual) or (algorithm.outputs[0].name,)


def _has_single_precision(state: Any) -> bool:
    """Whether a state keeps an array of fewer digits than float64 has."""
    match state:
        case np.ndarray():
            return state.dtype.kind == "f" and state.itemsize < 8
        case Streamed():
            return _has_single_precision(np.empty(0, state.dtype))
        case Mapping():
            return any(map(_has_single_precision, state.values()))
        case list() | tuple():
            return any(map(_has_single_precision, state))
    return False


def _changed(faults: list[str]) -> DataError:
    return DataError(
        f"The model does not reproduce the predictions that were stored with it: {'; '.join(faults)}. The file, a library or "
        "this program is not what it was when the model was trained: use that version again, or train again with this one."
    )
