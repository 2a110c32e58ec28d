"""Array references: what stands in a model's document for the arrays that have files of their own."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from gaussian_processes.algorithm import State, Streamed
from gaussian_processes.storage.array_files import SUFFIX, ArrayFile, map_array

# An array that is in the document itself has other keys.
KEYS = {field.name for field in fields(ArrayFile)}


def streamed(state: State, prefix: str = "") -> Iterator[tuple[str, Streamed]]:
    """The arrays of a state that are to have files of their own, with the files' names."""
    for key, value in state.items():
        if isinstance(value, Streamed):
            yield f"{prefix}{key}{SUFFIX}", value
        elif isinstance(value, Mapping):
            yield from streamed(value, f"{prefix}{key}.")


def planned(state: State) -> dict[str, ArrayFile]:
    """Their files by name, of which none is written yet.

    Raises:
        TypeError, ValueError: an array or its keys cannot make a file of ours.
    """
    files: dict[str, ArrayFile] = {}
    for name, array in streamed(state):
        # Some file systems do not tell capitals from small letters.
        if name.lower() in map(str.lower, files):
            raise ValueError(f"two arrays of a state would be stored in {name}; give one another key")
        files[name] = ArrayFile(name, np.dtype(array.dtype).str, tuple(array.shape))
    return files


def referring(state: State, files: Mapping[str, ArrayFile], prefix: str = "") -> dict[str, Any]:
    """A state with references to files in the place of its arrays.

    Raises:
        TypeError: the state holds what would be taken for a reference.
    """

    def stored(key: str, value: Any) -> Any:
        if isinstance(value, Streamed):
            return asdict(files[f"{prefix}{key}{SUFFIX}"])
        return referring(value, files, f"{prefix}{key}.") if isinstance(value, Mapping) else value

    if state.keys() == KEYS:
        raise TypeError(f"a dictionary with just the keys {', '.join(sorted(KEYS))} would be taken for an array")
    return {key: stored(key, value) for key, value in state.items()}


def mapped(state: State, folder: Path) -> State:
    """A state with mapped arrays in the place of its references.

    Raises:
        DataError: a file is missing, damaged or another one.
        OSError: it cannot be read.
        TypeError, ValueError, RecursionError: a reference is none.
    """
    used: set[str] = set()

    def loaded(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if value.keys() != KEYS:
            return {key: loaded(entry) for key, entry in value.items()}
        file = ArrayFile(**{**value, "shape": tuple(value["shape"])})
        if file.file in used:  # a small file could have a large one read for days
            raise ValueError(f"it refers to {file.file} twice")
        used.add(file.file)
        return map_array(file, folder)

    return {key: loaded(value) for key, value in state.items()}
