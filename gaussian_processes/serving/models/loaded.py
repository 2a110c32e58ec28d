"""Loaded models, by name; the least recently used one makes room for another."""

import ctypes
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from gaussian_processes.errors import (
    DataError,
    InsufficientMemoryError,
    ModelPresentError,
    PlatformError,
    UnknownModelError,
    printable,
)
from gaussian_processes.serving.models.predictor import Predictor
from gaussian_processes.serving.models.shared_list import Record
from gaussian_processes.serving.processes.waiting import AGAIN, FIRST
from gaussian_processes.storage.atomic import open_file
from gaussian_processes.storage.model_file import FILE_NAME, missing_model

# Bytes that are left to requests, and so are not given to one more model.
RESERVE = 2**27


@dataclass(frozen=True)
class Entry:
    """A model that was loaded.

    Attributes:
        name: that requests give it.
        url: the folder that it came from.
        predictor: None while it makes room for others, or where an earlier process had it.
    """

    name: str
    url: str
    predictor: Predictor | None


class Models:
    """The models of a multi-model endpoint. One process has them all: each is in memory once.

    A process that is forked after this was made, and takes another one's place, can know what that one had.

    Args:
        load: a model from its folder.
        available_memory: bytes that may still be taken, by the container's limit.
        most: how many are in memory. The least recently used one makes room, stays known, and is read again when it is next
            asked for. None leaves that to who sends the requests, as SageMaker does: it unloads models when it is answered 507.
        offload: runs what may take its time, or hang, while other models are asked and loaded.
    """

    def __init__(
        self,
        load: Callable[[Path], Predictor],
        available_memory: Callable[[], float],
        most: int | None = None,
        offload: Callable[[Callable[[], Any]], Any] = lambda work: work(),
    ) -> None:
        self._load = load
        self._available_memory = available_memory
        self._most = most
        self._offload = offload
        self._entries: OrderedDict[str, Entry] = OrderedDict()  # by use, the latest last
        self._record = Record()
        # Locks by name, each for as long as somebody has it.
        self._by_name: WeakValueDictionary[str, Any] = WeakValueDictionary()
        self._sizes: dict[str, int] = {}  # bytes that each load in progress may still take
        self._changed = threading.Condition()  # of the sizes, or of what there is to record

    def recall(self) -> None:
        """Know what an earlier process had loaded. Each model is read when it is next asked for, and not before."""
        for name, url in self._record.read([]):
            self._entries[name] = Entry(name, url, None)

    def load(self, name: str, url: str) -> Entry:
        """Read a model from the folder `url`.

        Raises:
            ModelPresentError: there is one of that name.
            InsufficientMemoryError: it does not fit beside the others.
            UnknownModelError: there is no such folder.
            DataError: there is no model in the folder, or it is unusable.
        """
        with self._by_name.setdefault(name, threading.Lock()):
            if name in self._entries:
                raise ModelPresentError(f"The model '{name}' is loaded already. Unload it first to load it anew.")
            entry = self._keep(Entry(name, url, self._read(name, url)))
            self._note()
            return entry

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
        with self._by_name.setdefault(name, threading.Lock()):
            entry = self.entry(name)  # which another request may have read, or unloaded, meanwhile
            predictor = entry.predictor or self._read(name, entry.url)
            if self._entries.get(name) is entry:
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
        self._note()
        _return_memory()

    def page(self, after: str, limit: int) -> tuple[list[Entry], str | None]:
        """The first `limit` models whose names come after `after`, by name; and, if there are more, the last one's name."""
        names = sorted(name for name in tuple(self._entries) if name > after)
        entries = [self._entries[name] for name in names[:limit]]
        return entries, entries[-1].name if len(names) > limit else None

    def __len__(self) -> int:
        return len(self._entries)

    def _note(self) -> None:
        """Have what is loaded outlive this process."""
        with self._changed:
            self._record.write([(entry.name, entry.url) for entry in tuple(self._entries.values())])

    def _read(self, name: str, url: str) -> Predictor:
        done = threading.Event()
        threading.Thread(target=_tell, args=(name, done), daemon=True).start()
        try:
            self._reserve(name, self._offload(lambda: _size(name, url)))
            predictor: Predictor = self._offload(lambda: self._load(Path(url)))
        except PlatformError as error:
            raise InsufficientMemoryError(str(error)) from error
        finally:
            done.set()
            with self._changed:
                self._sizes.pop(name, None)
                self._changed.notify_all()
        return predictor

    def _reserve(self, name: str, size: int) -> None:
        with self._changed:
            # What loads in progress have taken by now counts twice; where that is what lacks, one of them is waited for.
            while (left := self._available_memory() - size - RESERVE) < sum(self._sizes.values()):
                if left >= 0:
                    self._changed.wait()
                elif self._most is None or not self._make_room():
                    raise InsufficientMemoryError(
                        f"The model '{name}' of {size} bytes does not fit into the memory that is left beside {len(self)} "
                        "others: unload models, or use an instance with more memory."
                    )
            self._sizes[name] = size

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


def _size(name: str, url: str) -> int:
    """Bytes of a model's file. What has files of its own beside this one is mapped from there, and need not fit."""
    folder = Path(url)
    try:
        with open_file(folder / FILE_NAME, follow=True) as stream:
            return os.fstat(stream.fileno()).st_size
    except (OSError, ValueError) as error:  # a name with a NUL in it is a ValueError
        if isinstance(error, FileNotFoundError | IsADirectoryError) and folder.is_dir():
            raise missing_model(folder / FILE_NAME) from None
        reason = error.strerror if isinstance(error, OSError) else "that is no name of a file"
        absent = isinstance(error, FileNotFoundError | NotADirectoryError) and not folder.is_file()
        raise (UnknownModelError if absent else DataError)(
            f"The model '{name}' cannot be loaded from {url[:200]}: {reason} ({FILE_NAME})."
        ) from None


def _tell(name: str, done: threading.Event) -> None:
    """Say in the log that a load takes long."""
    seconds, pause = 0.0, FIRST
    while not done.wait(pause):
        seconds, pause = seconds + pause, AGAIN
        print(
            f"The model '{printable(name)}' is still being loaded, after {seconds:.0f} s.", file=sys.stderr, flush=True
        )


def _return_memory() -> None:
    """Have freed memory count as free: the C library keeps it for itself otherwise."""
    trim: Any = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
    if trim is not None:
        trim(0)
