"""The artifact: model.pkl, a pickle of plain values that any algorithm's state becomes, and becomes a model again.

The file is two pickles (protocol 5) one after the other: a dictionary, and the SHA-256 of that dictionary's bytes.
Arrays stand in it as {"dtype", "shape", "order", "data"}, so a reader needs no class at all, NumPy's included: the file
loads under any NumPy; and what reads it, plain_pickle.py, cannot name code, which is what a malicious pickle lives by.
"""

import hashlib
import os
import pickle
import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from gaussian_processes import __version__
from gaussian_processes.algorithm import Algorithm, State
from gaussian_processes.errors import DataError, PlatformError
from gaussian_processes.files import write_by_rename
from gaussian_processes.plain_pickle import BLOCK, PlainReader
from gaussian_processes.self_test import SelfTest

FILE_NAME = "model.pkl"
FORMAT = 2
KINDS = "biuf"  # of arrays: booleans, integers, floats
DTYPE = re.compile(rf"[<>|][{KINDS}][0-9]{{1,2}}")
# What reading a forged file can end in, whatever its checksum says.
MALFORMED = (pickle.UnpicklingError, EOFError, ValueError, LookupError, TypeError, RecursionError)
# How files begin that are no model of ours, and what they are.
FOREIGN = {
    b"PK\x03\x04": "a zip archive, as PyTorch, Keras and numpy.savez write them",
    b"\x1f\x8b": "a gzip archive; if it is a model.tar.gz, unpack it",
    b"\x89HDF": "an HDF5 file, as Keras writes them",
    b"\x93NUMPY": "an array of NumPy's",
    b"\x80": "a pickle that another program wrote, such as joblib or scikit-learn",
}
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
    """

    algorithm: str
    features: int
    hyperparameters: Mapping[str, Any]
    state: State
    self_test: SelfTest

    @property
    def size(self) -> int:
        """Bytes of the model file.

        Raises:
            TypeError: the state or the hyperparameters hold what cannot be stored.
        """
        counting = _CountingStream()
        pickle.dump(_document(self), counting, protocol=5)
        return counting.size + len(_sealed(hashlib.sha256()))


def library_versions() -> dict[str, str]:
    """What the numbers were computed with."""
    return {
        "gaussian_processes": __version__,
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "scipy": version("scipy"),
    }


def save_artifact(artifact: Artifact, directory: Path, advance: Callable[[int], None] | None = None) -> Path:
    """Write the model file into `directory`, whole or not at all.

    Args:
        artifact: what to write.
        directory: where; made if there is none.
        advance: told, again and again, how many bytes have been written.

    Raises:
        PlatformError: the folder cannot be written, or the disk is full.
        TypeError: the state or the hyperparameters hold what cannot be stored.
    """
    path = directory / FILE_NAME
    document = _document(artifact)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with write_by_rename(path) as stream:
            hashing = _HashingStream(stream, advance)
            pickle.dump(document, hashing, protocol=5)
            stream.write(_sealed(hashing.digest))
    except OSError as error:
        raise PlatformError(f"The model cannot be written to {path}: {error.strerror}.") from error
    return path


def load_artifact(directory: Path, algorithm: Algorithm[Any, Any]) -> Artifact:
    """Read the model file in `directory`.

    Raises:
        DataError: there is none, it is damaged, it is not one of ours, or another algorithm wrote it.
        PlatformError: it cannot be read, or does not fit into memory.
    """
    path = directory / FILE_NAME
    try:
        with path.open("rb") as stream:
            artifact = _read(stream, path)
    except FileNotFoundError:
        raise DataError(f"There is no model {path}. Run `train` first.") from None
    except OSError as error:
        raise PlatformError.of(error) from error
    except MemoryError as error:
        raise PlatformError(f"{path} does not fit into memory. Use an instance with more.") from error
    if artifact.algorithm != algorithm.name:
        raise DataError(
            f"{path} was written by the algorithm '{artifact.algorithm}', and this server runs '{algorithm.name}'. "
            "Set ALGORITHM to the module that trained it, or train again."
        )
    return artifact


def _document(artifact: Artifact) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "versions": library_versions(),
        "algorithm": artifact.algorithm,
        "features": artifact.features,
        "hyperparameters": _packed(artifact.hyperparameters),
        "self_test": _packed({"rows": artifact.self_test.rows, "columns": artifact.self_test.columns}),
        "state": _packed(artifact.state),
    }


def _read(stream: BufferedReader, path: Path) -> Artifact:
    beginning = stream.peek(64)
    reader = PlainReader(stream, os.fstat(stream.fileno()).st_size - len(_sealed(hashlib.sha256())))
    malformed: Exception | None = None
    try:
        artifact = _artifact(reader.load())
    except MALFORMED as error:
        malformed = error
    reader.skip()
    # What has been read is only believed if the whole file is as it was written.
    if _sealed(reader.digest) != stream.read():
        raise DataError(f"{path} {_looks(beginning)}")
    if malformed:
        raise DataError(f"{path} cannot be used as a model: {malformed}. Train again.") from malformed
    return artifact


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
            test = SelfTest(_unpacked(rows), _unpacked(columns))
            if test.rows.shape[1] != features:
                raise ValueError(f"its self-test has {test.rows.shape[1]} columns where it has {features} features")
            return Artifact(algorithm, features, _unpacked(hyperparameters), _unpacked(state), test)
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


def _sealed(digest: "hashlib._Hash") -> bytes:
    """The second pickle, which ends the file; its length is always the same."""
    return pickle.dumps(digest.hexdigest(), protocol=5)


class _CountingStream:
    """A stream that keeps nothing but the number of bytes."""

    def __init__(self) -> None:
        self.size = 0

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        self.size += size
        return size


class _HashingStream:
    """A stream to write to in blocks, between which Python can hear a signal, and the digest of all that went through."""

    def __init__(self, stream: BinaryIO, advance: Callable[[int], None] | None) -> None:
        self._stream = stream
        self._advance = advance
        self._written = 0
        self.digest = hashlib.sha256()

    def write(self, data: Any) -> int:
        whole = memoryview(data).cast("B")
        for start in range(0, len(whole), BLOCK):
            block = whole[start : start + BLOCK]
            self.digest.update(block)
            self._written += self._stream.write(block)
            if self._advance:
                self._advance(self._written)
        return len(whole)


def _packed(value: Any) -> Any:
    """Arrays as plain values, without copying their data."""
    if isinstance(value, np.ndarray) and value.dtype.kind in KINDS:
        array = value if value.flags.f_contiguous or value.flags.c_contiguous else np.ascontiguousarray(value)
        order = "C" if array.flags.c_contiguous else "F"
        # In-band pickling of a buffer writes it as bytes straight from the array's memory.
        flat: Any = np.ravel(array, order="K").view(np.uint8)
        data = pickle.PickleBuffer(flat)
        return {"dtype": array.dtype.str, "shape": array.shape, "order": order, "data": data}
    if isinstance(value, Mapping):
        for key in value:
            if type(key) is not str:
                raise TypeError(f"a state's dictionaries have strings for keys; found {key!r}")
        return {key: _packed(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_packed(entry) for entry in value]
    if value is None or type(value) in (bool, int, float, str):
        return value
    found = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
    raise TypeError(f"a state holds plain values, lists, dictionaries and arrays of numbers; found {found}")


def _unpacked(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"dtype", "shape", "order", "data"}:
            return _array(**value)
        return {key: _unpacked(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_unpacked(entry) for entry in value]
    return value


def _array(dtype: Any, shape: Any, order: Any, data: Any) -> np.ndarray[Any, Any]:
    if not (isinstance(dtype, str) and DTYPE.fullmatch(dtype) and isinstance(data, np.ndarray)):
        raise ValueError("it holds an array of something else than numbers")
    return data.view(dtype).reshape(shape, order=order)
