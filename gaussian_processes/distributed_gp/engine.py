"""Engine: hosts that carry out graphs of tasks, by way of Dask's scheduler [R15]."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from dask._task_spec import Task
from dask.base import annotate
from distributed import Client, as_completed
from distributed import Future as AnyFuture

# A label that nobody else has, and the row and the column of the tile at which the task belongs; perhaps a step.
Key: TypeAlias = tuple[Any, ...]
Future: TypeAlias = AnyFuture[Any]

# Tasks that are handed over at a time: the scheduler answers nobody while it takes them in.
TOGETHER = 4000


@dataclass(frozen=True, eq=False)
class Engine:
    """The hosts of a job, seen from the one that leads.

    Attributes:
        client: of the scheduler.
        hosts: the addresses of the machines, each with one worker.
        threads: of each worker.
    """

    client: Client
    hosts: tuple[str, ...]
    threads: int = 1

    def start(
        self,
        tasks: Iterable[Task],
        wanted: str,
        place: Callable[[Key], list[str]],
        priority: Callable[[Key], int] | None = None,
    ) -> dict[Key, Future]:
        """Hand tasks over.

        Args:
            tasks: each after those of them that it depends on.
            wanted: the label of those whose results are kept, for as long as their futures are held.
            place: the hosts where a task belongs; it goes elsewhere if they are lost.
            priority: the greater is done first.

        Returns:
            Futures of the results that are wanted, by their keys.
        """
        parts = list(_in_parts(tasks))
        held: dict[Key, Future] = {}
        # The scheduler asks for the place and the priority of each task: a function travels better than thousands of them.
        order = {} if priority is None else {"priority": priority}
        with annotate(workers=place, allow_other_workers=True, **order):
            for graph, needed in zip(parts, _needed_later(parts), strict=True):
                keys = [key for key in graph if key[0] == wanted or key in needed]
                held |= zip(keys, self.client.get(graph, keys, sync=False), strict=True)
        return {key: future for key, future in held.items() if key[0] == wanted}

    def completed(self, futures: Mapping[Key, Future]) -> Iterator[Key]:
        """The keys, in the order in which their tasks are done.

        Raises:
            Exception: what a task has raised.
        """
        keys = {future: key for key, future in futures.items()}
        for future in as_completed(list(keys), loop=self.client.loop):
            if future.status != "finished":
                future.result()  # raises what went wrong
            yield keys[future]

    def hold(self, value: Any) -> Future:
        """A value that tasks use; whoever has lost it is given it again."""
        return self.client.submit(given, value, key=label("given"))


def label(name: str) -> str:
    """A first part of keys."""
    return f"{name}-{uuid.uuid4().hex}"


def _in_parts(tasks: Iterable[Task]) -> Iterator[dict[Key, Task]]:
    part: dict[Any, Task] = {}
    for task in tasks:
        part[task.key] = task
        if len(part) == TOGETHER:
            yield part
            part = {}
    if part:
        yield part


def _needed_later(parts: Sequence[Mapping[Any, Task]]) -> list[frozenset[Any]]:
    """For each part what later ones depend on: nobody would wait for it yet, and it would be dropped."""
    needed: list[frozenset[Any]] = [frozenset()]
    for part in parts[:0:-1]:
        needed.append(needed[-1].union(*(task.dependencies for task in part.values())))
    return needed[::-1]


def given(value: Any) -> Any:
    """A task that passes a value on."""
    return value
