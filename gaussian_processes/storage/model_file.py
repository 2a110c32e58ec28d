"""Model file: model.pkl, a pickle of plain values that any algorithm's state becomes, and becomes a model again.

sealed_pickle.py says how the file is built: it can be read without any class, and names no code. Arrays that need not
fit into memory have files of their own beside it, to which it refers: array_files.py.
"""

import os
import platform
import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.metadata import version
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Any

from gaussian_processes import __version__
from gaussian_processes.algorithm import Algorithm, State
from gaussian_processes.errors import DataError, PlatformError, listed
from gaussian_processes.self_test import SelfTest
from gaussian_processes.storage.array_files import ArrayFile, write_array
from gaussian_processes.storage.array_references import mapped, planned, referring, streamed
from gaussian_processes.storage.atomic import open_file, write_by_rename
from gaussian_processes.storage.sealed_pickle import (
    BrokenSealError,
    MalformedError,
    packed,
    read_document,
    size_of,
    unpacked,
    write_document,
)

FILE_NAME = "model.pkl"
FORMAT = 2
# How files begin that are no model of ours, and what they are.
FOREIGN = {
    b"PK\x03\x04": "a zip archive, as PyTorch, Keras and numpy.savez write them",
    b"\x1f\x8b": "a gzip archive; if it is a model.tar.gz, unpack it",
    b"\x89HDF": "an HDF5 file, as Keras writes them",
    b"\x93NUMPY": "an array of NumPy's",
    b"\x80": "a pickle that another program wrote, such as joblib or scikit-learn",
}
# Folders in which it is looked for: where there is no model may be the root of a disk.
MOST = 100
# What a model may be that lies too deep, has another name, or is still packed.
MISPLACED = (".pkl", ".gz", ".tgz", ".tar", ".zip")
# How every model file begins: after protocol and frame, a dictionary whose first key is "format".
BEGINNING = re.compile(rb"\x80\x05\x95.{8}\}\x94\(\x8c\x06format", re.DOTALL)


@dataclass(frozen=True)
class Artifact:
    """What the model file holds.

    Attributes:
        algorithm: the name of the algorithm that wrote it, which alone may read its state.
        features: the number of columns that a request must have.
        hyperparameters: as trained with.
        state: what the algorithm stores.
        self_test: what the model predicted when it was trained.
        columns: the names of the target and the features; none where the training data had none.
        warnings: what speaks against trusting the model, in sentences.
    """

    algorithm: str
    features: int
    hyperparameters: Mapping[str, Any]
    state: State
    self_test: SelfTest
    columns: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the model file, and of the arrays' files beside it.

        Raises:
            TypeError, ValueError: the state or the hyperparameters hold what cannot be stored.
        """
        files = planned(self.state)
        return size_of(_document(self, files)) + sum(file.size for file in files.values())


def library_versions() -> dict[str, str]:
    """What the numbers were computed with."""
    return {
        "gaussian_processes": __version__,
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "scipy": version("scipy"),
    }


def save_artifact(artifact: Artifact, directory: Path, advance: Callable[[int], None] | None = None) -> Path:
    """Write the model file into `directory`, whole or not at all, and before it the files of the arrays that have some.

    Over an earlier model, all are written before the first takes its place. Who ends the process in just that moment
    leaves files of both, which do not load.

    Args:
        artifact: what to write.
        directory: where; made if there is none.
        advance: told, again and again, how many bytes have been written.

    Raises:
        PlatformError: the folder cannot be written, or the disk is full.
        TypeError, ValueError: the state or the hyperparameters hold what cannot be stored.
    """
    path = directory / FILE_NAME
    files = planned(artifact.state)
    _document(artifact, files)  # what cannot be stored is refused before hours of writing
    arrays, done = dict(streamed(artifact.state)), 0

    def advance_by(written: int) -> None:
        if advance:
            advance(done + written)

    try:
        directory.mkdir(parents=True, exist_ok=True)
        # The stack ends first: the arrays' files have their names before the model's, which refers to them.
        with write_by_rename(path) as stream, ExitStack() as stack:
            for name, file in files.items():
                array_stream = stack.enter_context(write_by_rename(directory / name))
                digest = write_array(file, array_stream, arrays[name].fill, advance_by)
                files[name] = replace(file, sha256=digest)
                done += file.size
            write_document(_document(artifact, files), stream, advance_by)
    except OSError as error:
        raise PlatformError(f"The model cannot be written to {path}: {error.strerror or error}.") from error
    return path


def load_artifact(directory: Path, algorithm: Algorithm[Any, Any]) -> Artifact:
    """Read the model file in `directory`, and map the arrays that have files of their own.

    Raises:
        DataError: there is none, it or an array's file is damaged, it is not one of ours, or another algorithm wrote it.
        PlatformError: they cannot be read, or what is not mapped does not fit into memory.
    """
    path = directory / FILE_NAME
    try:
        with open_file(path, follow=True) as stream:
            artifact = _read(stream, path)
        _require_writer(artifact, algorithm, path)
        return replace(artifact, state=_mapped(artifact.state, path))
    except (FileNotFoundError, IsADirectoryError):
        raise missing_model(path) from None
    except OSError as error:
        raise PlatformError.of(error) from error
    except MemoryError as error:
        raise PlatformError(f"{path} does not fit into memory. Use an instance with more.") from error


def missing_model(path: Path) -> DataError:
    """What lies in the folder of a model file that is not there, the likely first, and how to pack a model."""
    folders = [(Path(folder), names) for folder, _, names in islice(os.walk(path.parent), MOST)]
    found = [str((folder / name).relative_to(path.parent)) for folder, names in folders for name in names]
    if not found:
        return DataError(f"There is no model {path}. Run `train` first.")
    found.sort(key=lambda name: (not name.lower().endswith(MISPLACED), name))
    return DataError(
        f"There is no model {path}; its folder holds {listed(map(repr, found))}. {FILE_NAME} has to lie there by this name, "
        "unpacked, and in no further folder. To pack a folder's contents, and not the folder: tar -C model -czf model.tar.gz ."
    )


def _document(artifact: Artifact, files: Mapping[str, ArrayFile]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "versions": library_versions(),
        "algorithm": artifact.algorithm,
        "features": artifact.features,
        "columns": list(artifact.columns),
        "hyperparameters": packed(artifact.hyperparameters),
        "self_test": packed({"rows": artifact.self_test.rows, "columns": artifact.self_test.columns}),
        "state": packed(referring(artifact.state, files)),
        "warnings": list(artifact.warnings),
    }


def _read(stream: BufferedReader, path: Path) -> Artifact:
    beginning = stream.peek(64)
    try:
        return read_document(stream, _artifact)
    except BrokenSealError:
        raise DataError(f"{path} {_looks(beginning)}") from None
    except MalformedError as error:
        raise _unusable(path, error) from error


def _require_writer(artifact: Artifact, algorithm: Algorithm[Any, Any], path: Path) -> None:
    if artifact.algorithm != algorithm.name:
        raise DataError(
            f"{path} was written by the algorithm '{artifact.algorithm}', and this server runs '{algorithm.name}'. "
            "Set ALGORITHM to the module that trained it, or train again."
        )


def _mapped(state: State, path: Path) -> State:
    try:
        return mapped(state, path.parent)
    except (TypeError, ValueError, RecursionError) as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: Exception) -> DataError:
    return DataError(f"{path} cannot be used as a model: {error}. Train again.")


def _artifact(document: Any) -> Artifact:
    match document:
        case {"format": int(number)} if number != FORMAT:
            raise ValueError(f"it is of format {number}, and version {__version__} reads format {FORMAT}")
        case {
            "format": int(),
            "algorithm": str(algorithm),
            "features": int(features),
            "hyperparameters": dict(hyperparameters),
            "self_test": {"rows": dict(rows), "columns": dict(columns)},
            "state": dict(state),
        }:
            test = SelfTest(unpacked(rows), unpacked(columns))
            names = document.get("columns", [])  # which files of earlier versions lack
            if test.rows.shape[1] != features:
                raise ValueError(f"its self-test has {test.rows.shape[1]} columns where it has {features} features")
            if names and [*map(type, names)] != [str] * (features + 1):
                raise ValueError(f"its columns are not the names of a target and {features} features")
            warnings = map(str, document.get("warnings", ()))
            return Artifact(
                algorithm, features, unpacked(hyperparameters), unpacked(state), test, tuple(names), tuple(warnings)
            )
    raise ValueError("it lacks what a model file holds")


def _looks(beginning: bytes) -> str:
    """What a file is whose checksum is not right, and what to do."""
    if not beginning:
        return "is empty: its writing or its copying was cut short. Copy it again, or train again."
    if BEGINNING.match(beginning):
        return "is damaged or cut short: its bytes do not match the checksum at its end. Copy it again, or train again."
    text = all(byte >= ord(" ") or byte in b"\t\n\r" for byte in beginning)
    kinds = (kind for start, kind in FOREIGN.items() if beginning.startswith(start))
    kind = next(kinds, "text" if text else "nothing that is known here")
    return f"is damaged, or no model of ours: it looks like {kind}. Put there what `train` wrote, or train again."
