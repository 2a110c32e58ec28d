"""Predictor: a loaded model that answers records with columns, a piece of a request at a time."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gaussian_processes.algorithm import EXTRAPOLATING, Algorithm, Query
from gaussian_processes.data.channels.builder import require_same_names
from gaussian_processes.data.dataset import NUMBER, Array
from gaussian_processes.data.records import Answer, Records
from gaussian_processes.data.room import take, taken
from gaussian_processes.data.table import Table
from gaussian_processes.errors import DataError, RowError
from gaussian_processes.serving.http.queries import Wish
from gaussian_processes.storage.model_file import Artifact, load_artifact

# Numbers that are predicted together where pieces have fewer: a call of a model costs as much as some hundreds of rows.
ENOUGH = 1 << 12
# Rows that are predicted at once at most: others are let in between.
MOST = 1 << 12

Columns = Mapping[str, NDArray[Any]]
Piece = TypeVar("Piece", Table, Records)
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Predictor:
    """A model, the algorithm that reads it, and what is known of it.

    Attributes:
        algorithm: which predicts.
        model: as the algorithm has it.
        artifact: where the model came from, without its state.
    """

    algorithm: Algorithm[Any, Any]
    model: Any
    artifact: Artifact

    @classmethod
    def load(cls, directory: Path, algorithm: Algorithm[Any, Any]) -> "Predictor":
        """From the model file in `directory`, once it has shown that it predicts what it did when it was trained.

        Raises:
            DataError: as `load_artifact`; or the predictions that are stored with the model are not reproduced.
            PlatformError: the file cannot be read, or does not fit into memory.
        """
        artifact = load_artifact(directory, algorithm)
        try:
            model = algorithm.from_state(artifact.state)
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise DataError(
                f"The model in {directory} is not as this version of {algorithm.name} stores it ({error!r}): train again."
            ) from error
        artifact.self_test.check(algorithm, model)
        # The other usual question: what is compiled, read or kept when it is first asked is so before there are workers.
        algorithm.predict(model, artifact.self_test.rows, Query((algorithm.outputs[0].name,)))
        return cls(algorithm, model, replace(artifact, state={}))

    @property
    def features(self) -> int:
        """How many numbers a record has."""
        return self.artifact.features

    def as_trained(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """A request's pieces; where both sides name their columns, the names are the same in the same order.

        Raises:
            DataError: the first column that differs; another number of them is left to who asks the model.
        """
        for piece in pieces:
            if len(piece.columns or ()) == self.features:
                require_same_names("The request", piece.columns, "the training data", self.artifact.columns[1:])
            yield piece

    def answers(self, tables: Iterable[Array], wish: Wish) -> Iterator[Answer]:
        """What was asked, for rows (n, d) in pieces; any fault refuses them all.

        Raises:
            DataError: the rows have another number of columns than the training data, or one cannot be used, or the model
                lacks an output that was named.
        """
        before = 0
        for rows in _pieces(tables, together=self.is_joint(wish.query)):
            self._require_columns(rows)
            try:
                columns = self._predict(rows, wish)
            except RowError as error:
                raise error.located("The request", _numbered_from(before)) from None
            yield _answer(columns)
            before += len(rows)

    def answers_to_records(self, pieces: Iterable[Records], wish: Wish) -> Iterator[Answer]:
        """The same, with a reason in the place of an answer for each record that is at fault."""
        for piece in _joined(pieces, together=self.is_joint(wish.query)):
            faults = dict(piece.faults)
            good = np.delete(np.arange(len(piece.values)), list(faults))
            columns: Columns | None = None
            while columns is None:
                try:
                    columns = self._predict(piece.values[good], wish)
                except RowError as error:
                    faults |= {int(good[row]): f"the row {error.reason}" for row in error.rows}
                    good = np.delete(good, error.rows)
            yield _answer(_spread(columns, good, len(piece.values)), faults)

    def _predict(self, rows: Array, wish: Wish) -> Columns:
        if not len(rows):  # what an algorithm makes of none is not known: as of one, without it
            example = self._predict(self.artifact.self_test.rows[:1], wish)
            return {name: column[:0] for name, column in example.items()}
        # Some matrices of all rows with all rows; of more rows than an algorithm takes it says so itself.
        with taken(min(2**27, 32 * len(rows) ** 2) if self.is_joint(wish.query) else 0):
            columns = self.algorithm.predict(self.model, rows, wish.query)
        lacking = [name for name in wish.query.outputs if name not in columns]
        if len(lacking) == len(wish.query.outputs) or (lacking and wish.explicit):
            raise DataError(
                f"This model does not offer {' and '.join(lacking)}: it was stored without what that needs. Ask for another "
                "output, or train again so that it is kept."
            )
        return columns

    def is_joint(self, query: Query) -> bool:
        """Whether the rows of a request belong together, so that they cannot be taken in parts."""
        return any(output.joint for output in self.algorithm.outputs if output.name in query.outputs)

    def _require_columns(self, rows: Array) -> None:
        if rows.shape[1] != self.features:
            hint = "; leave the target out" if rows.shape[1] == self.features + 1 else ""
            raise DataError(f"Columns in the request: {rows.shape[1]}; features wanted: {self.features}{hint}.")


def _groups(pieces: Iterable[T], size: Callable[[T], int], *, together: bool) -> Iterator[list[T]]:
    """The pieces that have rows, in groups of some numbers, or in one; where none has any, one of them."""
    group: list[T] = []
    numbers = 0
    for piece in pieces:
        if together:
            take(2 * NUMBER * size(piece))  # beside those that are joined from them
        group += [piece] if size(piece) or not group else []
        numbers += size(piece)
        if numbers >= ENOUGH and not together:
            yield group[not size(group[0]) :]
            group, numbers = [], 0
    if group:
        yield group[numbers and not size(group[0]) :]


def _pieces(tables: Iterable[Array], *, together: bool) -> Iterator[Array]:
    for group in _groups(tables, np.size, together=together):
        rows = group[0] if len(group) == 1 else np.concatenate(group)
        step = max(1, len(rows)) if together else MOST
        yield from (rows[start : start + step] for start in range(0, max(1, len(rows)), step))


def _numbered_from(before: int) -> Callable[[int], str]:
    return lambda row: f"row {before + row + 1}"


def _joined(pieces: Iterable[Records], *, together: bool) -> Iterator[Records]:
    for group in _groups(pieces, lambda piece: piece.values.size, together=together):
        if len(group) == 1:
            yield group[0]
            continue
        faults: dict[int, str] = {}
        before = 0
        for piece in group:
            faults |= {before + index: reason for index, reason in piece.faults.items()}
            before += len(piece.values)
        yield Records(np.concatenate([piece.values for piece in group]), faults)


def _answer(columns: Columns, faults: Mapping[int, str] | None = None) -> Answer:
    flags = {name: column for name, column in columns.items() if name == EXTRAPOLATING}
    return Answer({name: column for name, column in columns.items() if name not in flags}, flags, faults or {})


def _spread(columns: Columns, good: NDArray[np.intp], count: int) -> Columns:
    """The columns of the good records, with NaN or False in the places of the others."""

    def spread(column: NDArray[Any]) -> NDArray[Any]:
        whole = np.full((count, *column.shape[1:]), False if column.dtype == bool else np.nan, column.dtype)
        whole[good] = column
        return whole

    return {name: spread(column) for name, column in columns.items()}
