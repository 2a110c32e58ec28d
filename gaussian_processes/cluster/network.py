"""Network: where the hosts of a job find each other."""

import socket
import time
from collections.abc import Callable

from distributed.utils import get_ip_interface

from gaussian_processes.errors import PlatformError
from gaussian_processes.job.contract.hosts import Hosts

# Of the leader's scheduler: Dask's own.
PORT = 8786
# Names may not resolve at first: seconds between two tries, which grow to the second number.
SHORTEST, LONGEST = 0.1, 5.0


def own_address(hosts: Hosts, seconds: float, sleep: Callable[[float], None] = time.sleep) -> str:
    """The address at which the other hosts see this one: its interface's, or else that of its name.

    Args:
        hosts: of the job.
        seconds: for how long to go on asking for the name.
        sleep: to wait with.

    Raises:
        PlatformError: the job's network is not there.
    """
    if hosts.interface:
        try:
            return str(get_ip_interface(hosts.interface))
        except ValueError:  # local mode names one that the containers do not have
            pass
    begin, wait = time.monotonic(), SHORTEST
    while True:
        try:
            return socket.gethostbyname(hosts.current)
        except OSError as error:
            if time.monotonic() - begin > seconds:
                raise PlatformError(
                    f"This host's own name, {hosts.current}, has not resolved for {seconds:.0f} s ({error}): the job's "
                    "network is not there."
                ) from None
        sleep(wait)
        wait = min(2 * wait, LONGEST)


def scheduler_address(host: str) -> str:
    """Where the scheduler of a leader listens, by its name or its address."""
    return f"tcp://{host}:{PORT}"
