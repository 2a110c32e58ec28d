"""Engine: hosts that run graphs of tasks, by Dask's scheduler [R15]."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from dask._task_spec import Task
from dask.base import annotate
from distributed import Client, as_completed
from distributed import Future as AnyFuture

# A unique label, the row and the column of the tile where the task belongs, and perhaps a step.
Key: TypeAlias = tuple[Any, ...]
Future: TypeAlias = AnyFuture[Any]

# Tasks that are submitted at a time: the scheduler answers no one meanwhile.
TOGETHER = 4000


@dataclass(frozen=True, eq=False)
class Engine:
    """The hosts of a job, seen from the one that leads.

    Attributes:
        client: the client of Dask's scheduler.
        hosts: the addresses of the machines, each with one worker.
        threads: the number of threads of each worker.
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
        """Submit tasks.

        Args:
            tasks: each after the tasks that it depends on.
            wanted: the label of the tasks whose results stay on the hosts while their futures exist.
            place: returns the hosts where a task belongs; it runs elsewhere if they are lost.
            priority: returns a task's priority; the greatest runs first.

        Returns:
            Futures of the wanted results, by their keys.
        """
        parts = list(_in_parts(tasks))
        held: dict[Key, Future] = {}
        # The scheduler asks for the place and the priority of each task: one function is shorter than thousands of answers.
        order = {} if priority is None else {"priority": priority}
        with annotate(workers=place, allow_other_workers=True, **order):
            for graph, needed in zip(parts, _needed_later(parts), strict=True):
                keys = [key for key in graph if key[0] == wanted or key in needed]
                held |= zip(keys, self.client.get(graph, keys, sync=False), strict=True)
        return {key: future for key, future in held.items() if key[0] == wanted}

    def completed(self, futures: Mapping[Key, Future]) -> Iterator[Key]:
        """The keys in the order in which their tasks end; raises what a task has raised."""
        keys = {future: key for key, future in futures.items()}
        for future in as_completed(list(keys), loop=self.client.loop):
            if future.status != "finished":
                future.result()  # raises what the task has raised
            yield keys[future]

    def hold(self, value: Any) -> Future:
        """A value that tasks use; the scheduler sends it again to a host that has lost it."""
        return self.client.submit(given, value, key=label("given"))


def label(name: str) -> str:
    """A unique first part of keys."""
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
    """For each part the keys that later parts depend on: the scheduler would drop their results before it knows that."""
    needed: list[frozenset[Any]] = [frozenset()]
    for part in parts[:0:-1]:
        needed.append(needed[-1].union(*(task.dependencies for task in part.values())))
    return needed[::-1]


def given(value: Any) -> Any:
    """A task that passes a value on."""
    return value
