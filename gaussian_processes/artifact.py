"""The artifact: model.pkl, a pickle of plain values that any algorithm's state becomes, and becomes a model again.

The file is two pickles (protocol 5) one after the other: a dictionary, and the SHA-256 of that dictionary's bytes.
Arrays stand in it as {"dtype", "shape", "order", "data"}, so a reader needs no class at all, NumPy's included: the file
loads under any NumPy, and the unpickler here refuses every global, which is what a malicious pickle lives by.
"""

import hashlib
import pickle
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np

from gaussian_processes import __version__
from gaussian_processes.algorithm import Algorithm, State
from gaussian_processes.errors import DataError, PlatformError
from gaussian_processes.files import write_by_rename

FILE_NAME = "model.pkl"
FORMAT = 1
BLOCK = 2**20
KINDS = "biuf"  # of arrays: booleans, integers, floats
# What reading a forged file can end in, whatever its checksum says.
MALFORMED = (
    pickle.UnpicklingError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    MemoryError,
    OverflowError,
    RecursionError,
)


@dataclass(frozen=True)
class Artifact:
    """What the model file holds.

    Attributes:
        algorithm: the name of the algorithm that wrote it, which alone may read its state.
        features: the number of columns that a request must have.
        hyperparameters: as trained with.
        state: what the algorithm stores.
    """

    algorithm: str
    features: int
    hyperparameters: Mapping[str, Any]
    state: State


def save_artifact(artifact: Artifact, directory: Path) -> Path:
    """Write the model file into `directory`, whole or not at all.

    Raises:
        PlatformError: the folder cannot be written, or the disk is full.
    """
    path = directory / FILE_NAME
    document = {
        "format": FORMAT,
        "versions": {
            "gaussian_processes": __version__,
            "python": platform.python_version(),
            "numpy": version("numpy"),
            "scipy": version("scipy"),
        },
        "algorithm": artifact.algorithm,
        "features": artifact.features,
        "hyperparameters": dict(artifact.hyperparameters),
        "state": _packed(artifact.state),
    }
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with write_by_rename(path) as stream:
            hashing = _HashingStream(stream)
            pickle.dump(document, hashing, protocol=5)
            stream.write(_sealed(hashing.digest))
    except OSError as error:
        raise PlatformError(f"The model cannot be written to {path}: {error.strerror}.") from error
    return path


def load_artifact(directory: Path, algorithm: Algorithm[Any, Any]) -> Artifact:
    """Read the model file in `directory`.

    Raises:
        DataError: there is none, it is damaged, it is not one of ours, or another algorithm wrote it.
        PlatformError: it cannot be read.
    """
    path = directory / FILE_NAME
    try:
        with path.open("rb") as stream:
            # The checksum first: what is unpickled was once written whole.
            size = path.stat().st_size - len(_sealed(hashlib.sha256()))
            if _sealed(_digest(stream, size)) != stream.read():
                raise DataError(f"{path} is damaged or cut short: its bytes do not match the checksum at its end.")
            stream.seek(0)
            document = _PlainUnpickler(stream).load()
        if document["format"] != FORMAT:
            raise DataError(f"{path} is not of format {FORMAT}, the one that version {__version__} reads. Train again.")
        artifact = Artifact(
            document["algorithm"], document["features"], document["hyperparameters"], _unpacked(document["state"])
        )
    except FileNotFoundError:
        raise DataError(f"There is no model {path}. Run `train` first.") from None
    except OSError as error:
        raise PlatformError.of(error) from error
    except MALFORMED as error:
        raise DataError(f"{path} is not a model file: {error}. Train again.") from error
    if artifact.algorithm != algorithm.name:
        raise DataError(
            f"{path} was written by the algorithm '{artifact.algorithm}', and this server runs '{algorithm.name}'. "
            "Set ALGORITHM to the module that trained it, or train again."
        )
    return artifact


def _digest(stream: BinaryIO, size: int) -> "hashlib._Hash":
    """The SHA-256 of the next `size` bytes."""
    digest = hashlib.sha256()
    while size > 0 and (block := stream.read(min(size, BLOCK))):
        digest.update(block)
        size -= len(block)
    return digest


def _sealed(digest: "hashlib._Hash") -> bytes:
    """The second pickle, which ends the file; its length is always the same."""
    return pickle.dumps(digest.hexdigest(), protocol=5)


class _HashingStream:
    """A stream to write to, and the digest of all that went through it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def write(self, data: Any) -> int:
        self.digest.update(data)
        return self._stream.write(data)


class _PlainUnpickler(pickle.Unpickler):
    """Admits numbers, strings, bytes and containers of them; no class, no function."""

    def find_class(self, module_name: str, global_name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"it asks for {module_name}.{global_name}, and a model file names no code")


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
        return {key: _packed(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_packed(entry) for entry in value]
    if value is None or type(value) in (bool, int, float, str):
        return value
    found = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
    raise TypeError(f"a state holds plain values, lists, dictionaries and arrays of numbers; found {found}")


def _unpacked(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"dtype", "shape", "order", "data"}:
            dtype = np.dtype(value["dtype"])
            if dtype.kind not in KINDS:
                raise ValueError(f"it holds an array of {dtype}")
            flat = np.frombuffer(value["data"], dtype=dtype)
            return flat.reshape(value["shape"], order=value["order"])
        return {key: _unpacked(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_unpacked(entry) for entry in value]
    return value
