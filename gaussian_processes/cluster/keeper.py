"""Keeper: the worker of a host, a child process that is there again when it was lost."""

import asyncio

from distributed import Nanny

from gaussian_processes.cluster.configuration import slots
from gaussian_processes.job.log import Log

PAUSE = 1.0


async def keep_worker(scheduler: str, host: str, address: str, threads: int, log: Log) -> None:
    """Have a worker until this is cancelled. Dask's Nanny restarts one that dies; this, one that has given up.

    Args:
        scheduler: its address.
        host: this one's name.
        address: this one's, on which alone the worker listens.
        threads: of the worker.
        log: the job's, which is told why a worker could not begin, once for each reason.
    """
    tasks, _ = slots(threads)
    told = ""
    while True:
        try:
            # The limit of memory is the container's: the job has been held against it before.
            async with Nanny(scheduler, name=host, host=address, nthreads=tasks, memory_limit=0) as nanny:
                await nanny.finished()
        except (OSError, TimeoutError, RuntimeError, ValueError) as error:
            # The scheduler is not to be reached, or has not yet seen that the last worker of this name is gone.
            reason = " ".join(str(error.__cause__ or error).split()) or type(error).__name__
            if reason != told:
                log.log(f"The worker of {host} could not begin, and is begun again: {reason}")
                told = reason
        await asyncio.sleep(PAUSE)
