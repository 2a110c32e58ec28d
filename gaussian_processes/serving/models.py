"""Models: those that are loaded, by name, of which the least recently used can make room for others."""

import ctypes
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gaussian_processes.artifact import FILE_NAME, missing_model
from gaussian_processes.errors import (
    DataError,
    InsufficientMemoryError,
    ModelPresentError,
    PlatformError,
    UnknownModelError,
)
from gaussian_processes.serving.predictor import Predictor

# Bytes that are left to requests, and so are not given to one more model.
RESERVE = 2**27


@dataclass(frozen=True)
class Entry:
    """A model that was loaded.

    Attributes:
        name: that requests give it.
        url: the folder that it came from.
        predictor: None while it makes room for others.
    """

    name: str
    url: str
    predictor: Predictor | None


class Models:
    """The models of a multi-model endpoint. One process has them all: each is in memory once.

    Args:
        load: a model from its folder; it may take its time, and others be asked meanwhile.
        available_memory: bytes that may still be taken, by the container's limit.
        most: how many are in memory. The least recently used one makes room, stays known, and is read again when it is next
            asked for. None leaves that to who sends the requests, as SageMaker does: it unloads models when it is answered 507.
    """

    def __init__(
        self, load: Callable[[Path], Predictor], available_memory: Callable[[], float], most: int | None = None
    ) -> None:
        self._load = load
        self._available_memory = available_memory
        self._most = most
        self._entries: OrderedDict[str, Entry] = OrderedDict()  # by use, the latest last
        self._loading = threading.Lock()  # one at a time: each is held against the memory that the last one left

    def load(self, name: str, url: str) -> Entry:
        """Read a model from the folder `url`.

        Raises:
            ModelPresentError: there is one of that name.
            InsufficientMemoryError: it does not fit beside the others.
            UnknownModelError: there is no such folder.
            DataError: there is no model in the folder, or it is unusable.
        """
        with self._loading:
            if name in self._entries:
                raise ModelPresentError(f"The model '{name}' is loaded already. Unload it first to load it anew.")
            return self._keep(Entry(name, url, self._read(name, url)))

    def get(self, name: str) -> Predictor:
        """A model, which is then the most recently used one.

        Raises:
            UnknownModelError: none of that name is loaded.
            InsufficientMemoryError, DataError: it had made room for others, and cannot be read again.
        """
        entry = self.entry(name)
        self._entries.move_to_end(name)
        if entry.predictor is not None:
            return entry.predictor
        with self._loading:
            entry = self.entry(name)  # which another request may have read, or unloaded, meanwhile
            predictor = entry.predictor or self._read(name, entry.url)
            self._keep(replace(entry, predictor=predictor))
            return predictor

    def entry(self, name: str) -> Entry:
        """What is known of a model.

        Raises:
            UnknownModelError: none of that name is loaded.
        """
        try:
            return self._entries[name]
        except KeyError:
            raise UnknownModelError(f"There is no model '{name[:200]}'. Load it first: POST /models.") from None

    def unload(self, name: str) -> None:
        """Forget a model. Requests that it is answering are answered.

        Raises:
            UnknownModelError: none of that name is loaded.
        """
        self.entry(name)
        del self._entries[name]
        _return_memory()

    def page(self, after: str, limit: int) -> tuple[list[Entry], str | None]:
        """The first `limit` models whose names come after `after`, by name; and, if there are more, the last one's name."""
        names = sorted(name for name in tuple(self._entries) if name > after)
        entries = [self._entries[name] for name in names[:limit]]
        return entries, entries[-1].name if len(names) > limit else None

    def __len__(self) -> int:
        return len(self._entries)

    def _read(self, name: str, url: str) -> Predictor:
        folder = Path(url)
        try:
            # What has files of its own beside this one is mapped from there, and need not fit.
            size = (folder / FILE_NAME).stat().st_size
        except (OSError, ValueError) as error:  # a name with a NUL in it is a ValueError
            if isinstance(error, FileNotFoundError) and folder.is_dir():
                raise missing_model(folder / FILE_NAME) from None
            reason = error.strerror if isinstance(error, OSError) else "that is no name of a file"
            absent = isinstance(error, FileNotFoundError | NotADirectoryError) and not folder.is_file()
            raise (UnknownModelError if absent else DataError)(
                f"The model '{name}' cannot be loaded from {url[:200]}: {reason} ({FILE_NAME})."
            ) from None
        while self._available_memory() < size + RESERVE:
            if self._most is None or not self._make_room():
                raise InsufficientMemoryError(
                    f"The model '{name}' of {size} bytes does not fit into the memory that is left beside {len(self)} others: "
                    "unload models, or use an instance with more memory."
                )
        try:
            return self._load(folder)
        except PlatformError as error:
            raise InsufficientMemoryError(str(error)) from error

    def _keep(self, entry: Entry) -> Entry:
        self._entries[entry.name] = entry
        self._entries.move_to_end(entry.name)
        in_memory = sum(entry.predictor is not None for entry in self._entries.values())
        for _ in range(in_memory - (self._most or in_memory)):
            self._make_room()
        return entry

    def _make_room(self) -> bool:
        """Let the least recently used model go; whether there was one."""
        resting = next((entry for entry in self._entries.values() if entry.predictor is not None), None)
        if resting is None:
            return False
        self._entries[resting.name] = replace(resting, predictor=None)  # in its place, by use
        _return_memory()
        return True


def _return_memory() -> None:
    """Have freed memory count as free: the C library keeps it for itself otherwise."""
    trim: Any = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
    if trim is not None:
        trim(0)
