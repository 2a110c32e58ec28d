"""Follower: a host that does what the leader's scheduler says, until the leader says farewell or is lost."""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import Any

from distributed import Client

from gaussian_processes.algorithm import SeveralHosts
from gaussian_processes.cluster.configuration import LEADER_SILENCE, configure
from gaussian_processes.cluster.keeper import keep_worker
from gaussian_processes.cluster.messages import HEARD, LEADER, WORK, Farewell, farewell_of
from gaussian_processes.cluster.network import PORT, own_address, scheduler_address
from gaussian_processes.errors import PlatformError
from gaussian_processes.job.contract.hosts import Hosts
from gaussian_processes.job.log import Log

# Seconds between two questions whether there is news; for an answer; and for which nobody may listen at the leader's
# address, as when its process is gone.
POLL, ANSWER, GONE = 1.0, 10.0, 15.0


def follow(hosts: Hosts, terms: SeveralHosts, threads: int, log: Log) -> Farewell:
    """Take part in a job that another host leads.

    Args:
        hosts: of the job.
        terms: on which they work together.
        threads: of this host.
        log: the job's, on this host.

    Raises:
        PlatformError: the leader is not there in time, or is lost, or the job takes too long.
    """
    configure(threads)
    return asyncio.run(_follow(hosts, terms, threads, log))


async def _follow(hosts: Hosts, terms: SeveralHosts, threads: int, log: Log) -> Farewell:
    begin = time.monotonic()
    # Nobody else is served in this process: it may wait.
    address = own_address(hosts, terms.arrival_seconds)
    leader = scheduler_address(hosts.leader)
    log.log(f"Host {hosts.current} of {len(hosts.names)}: {hosts.leader} leads; waiting for it.")
    try:
        # Dask asks for the name, and dials, again and again, at growing intervals.
        client = await Client(leader, asynchronous=True, timeout=terms.arrival_seconds, set_as_default=False)
    except OSError as error:
        raise PlatformError(
            f"The leader, {hosts.leader}, was not to be reached within {terms.arrival_seconds:.0f} s (arrival_seconds): "
            f"{error}. Its own log says why."
        ) from None
    worker: asyncio.Task[None] | None = None
    try:
        while True:
            said = await _said(client, hosts.leader)
            for message in said:
                if farewell := farewell_of(message):
                    with contextlib.suppress(OSError, TimeoutError):
                        await asyncio.wait_for(client.log_event(HEARD, hosts.current), ANSWER)
                    return farewell
            if WORK in said and worker is None:
                log.log(f"{hosts.current} works for {hosts.leader}, at {address}.")
                worker = asyncio.create_task(keep_worker(leader, hosts.current, address, threads, log))
            if worker is not None and worker.done():
                worker.result()  # raises what a worker could not be kept for
            if terms.deadline_seconds and time.monotonic() - begin > terms.deadline_seconds + LEADER_SILENCE:
                raise PlatformError(
                    f"The job has taken more than {terms.deadline_seconds:.0f} s (deadline_seconds), and "
                    f"{hosts.leader} has not ended it."
                )
            await asyncio.sleep(POLL)
    finally:
        if worker is not None:
            worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await worker
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(client.close(), ANSWER)


async def _said(client: Client, leader: str) -> list[Mapping[str, Any]]:
    """All that the leader has said so far.

    Raises:
        PlatformError: it does not answer.
    """
    begin = time.monotonic()
    while True:
        # One that has lost its connection dials again by itself, for a while, and cannot be asked after that.
        if client.status == "running":
            with contextlib.suppress(OSError, TimeoutError):
                events = await asyncio.wait_for(client.get_events(LEADER), ANSWER)
                return [message for _, message in events]
        patience = LEADER_SILENCE if await _listens(leader) else GONE
        silence = time.monotonic() - begin
        if silence > patience:
            raise PlatformError(
                f"The leader, {leader}, has not answered for {silence:.0f} s: it is lost, and with it the job. Its own "
                "log says why."
            )
        await asyncio.sleep(POLL)


async def _listens(leader: str) -> bool:
    """Whether somebody does at the leader's address, for all that can be seen: it may just be out of reach."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(leader, PORT), POLL)
    except ConnectionRefusedError:
        return False
    except (OSError, TimeoutError):
        return True
    writer.close()
    return True
