"""Hosts of a job as network namespaces of this machine, and the real `train` in each of them."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from itertools import count
from pathlib import Path

import pytest
from processes import environ_of, wait_for
from reference import ROOT

from gaussian_processes.job.contract.paths import OptMl

NAMES = ("algo-1", "algo-2", "algo-3")
ADDRESSES = {name: f"10.77.0.{number}" for number, name in enumerate(NAMES, 1)}
LISTENING = "0A"
# Programs in a namespace see this file of names for /etc/hosts.
BOUND = 'mount --bind "$0" /etc/hosts && exec "$@"'

_numbers = count()


def require_namespaces() -> None:
    """Skip the test, with the reason, where no network namespaces can be made."""
    if sys.platform != "linux":
        pytest.skip("network namespaces are Linux's")
    if shutil.which("ip") is None:
        pytest.skip("there is no ip command (iproute2) on this machine")
    if os.geteuid():
        pytest.skip("network namespaces are root's to make")
    probe = f"gp{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"this machine makes no network namespaces: {made.stderr.strip()}")
    _ip("netns", "delete", probe)


@dataclass
class Host:
    """A host of a job, and its `train` once that has been started."""

    name: str
    namespace: str
    address: str
    names: Path
    log: Path
    paths: OptMl = field(default=OptMl(Path()), init=False)
    process: subprocess.Popen = field(default=None, init=False, repr=False)

    def start(self, paths: OptMl, extra: Mapping[str, str] | None = None) -> None:
        """Begin `train`; a warning is an error in it."""
        self.paths = paths
        program = [sys.executable, "-W", "error", str(ROOT / "gaussian_processes/train")]
        command = ["ip", "netns", "exec", self.namespace, "sh", "-c", BOUND, str(self.names), *program]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, env=environ_of(paths, extra), stdout=log, stderr=subprocess.STDOUT)

    @property
    def said(self) -> str:
        """What the log has."""
        return self.log.read_text() if self.log.exists() else ""

    @property
    def worker(self) -> int | None:
        """The process that computes, a child of `train`."""
        for tasks in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            with suppress(OSError):  # what has just ended
                for child in tasks.read_text().split():
                    if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                        return int(child)
        return None

    def signal_worker(self, number: signal.Signals) -> None:
        """Send the worker a signal, once there is one."""
        wait_for(lambda: self.worker is not None)
        os.kill(self.worker, number)

    @property
    def listening(self) -> set[str]:
        """The addresses at which anything in the namespace listens; any of IPv6 as it is."""
        found: set[str] = set()
        with suppress(OSError):  # `train` has ended
            # The process begins in the machine's own namespace, where others may listen, and moves once.
            if not Path(f"/proc/{self.process.pid}/ns/net").samefile(f"/run/netns/{self.namespace}"):
                return found
            for line in Path(f"/proc/{self.process.pid}/net/tcp").read_text().splitlines()[1:]:
                local, _, state = line.split()[1:4]
                if state == LISTENING:
                    found.add(str(IPv4Address(int.from_bytes(bytes.fromhex(local[:8]), sys.byteorder))))
            for line in Path(f"/proc/{self.process.pid}/net/tcp6").read_text().splitlines()[1:]:
                if line.split()[3] == LISTENING:
                    found.add(line.split()[1])
        return found

    def set_link(self, state: str) -> None:
        """Plug the host's cable in, `up`, or out, `down`."""
        hub, _, _ = self.namespace.rpartition("-algo")
        _ip("-n", f"{hub}-hub", "link", "set", self.name, state)

    def clear(self) -> None:
        """End all that runs here, and mend what was cut."""
        for process in _ip("netns", "pids", self.namespace).split():
            with suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
        if self.process is not None:
            self.process.wait(timeout=30)
            self.process = None
        self.log.unlink(missing_ok=True)
        self.set_link("up")


@contextmanager
def namespaces(folder: Path) -> Iterator[dict[str, Host]]:
    """Three hosts at one bridge, each with an interface eth0 of its own; gone at the end, with all that runs in them.

    The names are in a file of `folder`. The bridge is in a namespace too: what the machine itself filters concerns nobody.
    """
    hub = f"gp{os.getpid()}-{next(_numbers)}"
    names = folder / "names"
    names.write_text(all_names())
    hosts = {
        name: Host(name, f"{hub}-{name}", address, names, folder / f"{name}.log") for name, address in ADDRESSES.items()
    }
    made: list[str] = []
    try:
        for namespace in (f"{hub}-hub", *(host.namespace for host in hosts.values())):
            _ip("netns", "add", namespace)
            made.append(namespace)
            _ip("-n", namespace, "link", "set", "lo", "up")
        _ip("-n", f"{hub}-hub", "link", "add", "bridge", "type", "bridge")
        _ip("-n", f"{hub}-hub", "link", "set", "bridge", "up")
        for host in hosts.values():
            there = ["peer", "name", "eth0", "netns", host.namespace]
            _ip("-n", f"{hub}-hub", "link", "add", host.name, "type", "veth", *there)
            _ip("-n", f"{hub}-hub", "link", "set", host.name, "master", "bridge", "up")
            _ip("-n", host.namespace, "address", "add", f"{host.address}/24", "dev", "eth0")
            _ip("-n", host.namespace, "link", "set", "eth0", "up")
        yield hosts
    finally:
        for host in hosts.values():
            if host.namespace in made:
                host.clear()
        for namespace in made:
            _ip("netns", "delete", namespace)


def all_names() -> str:
    """The lines of /etc/hosts."""
    return "127.0.0.1 localhost\n" + "".join(f"{address} {name}\n" for name, address in ADDRESSES.items())


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr.strip()}"
    return done.stdout
