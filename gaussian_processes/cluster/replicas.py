"""Replicas: copies of results on hosts that do not need them any more."""

from collections.abc import Generator
from typing import TYPE_CHECKING

from distributed.active_memory_manager import ActiveMemoryManagerPolicy, Suggestion

if TYPE_CHECKING:
    from distributed.scheduler import TaskState, WorkerState


class DropCopies(ActiveMemoryManagerPolicy):
    """Drops a copy as soon as no task that belongs to its host waits for it, and never the one where it belongs.

    Dask's own policy keeps as many copies as there are tasks waiting, wherever they will be done, and drops that of the
    fullest host, which is often the owner: then hosts hold each other's results, and some twice their share.
    """

    def run(self) -> Generator[Suggestion, "WorkerState | None", None]:
        """Called by Dask, again and again."""
        for task in self.manager.scheduler.replicated_tasks:
            home = _home(task)
            needed = {_home(waiter) for waiter in task.waiters or ()}
            needed |= {waiter.processing_on.host for waiter in task.waiters or () if waiter.processing_on}
            superfluous = {worker for worker in task.who_has or () if worker.host != home and worker.host not in needed}
            for _ in range(min(len(superfluous), len(task.who_has or ()) - 1)):
                yield Suggestion("drop", task, superfluous)


def _home(task: "TaskState") -> str | None:
    """The host that its placement names."""
    placed = (task.annotations or {}).get("workers")
    return placed[0] if placed else None
