"""A mount namespace of its own, in which a program finds another /dev/shm."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Mounts:
    """What holds a namespace."""

    holder: int

    @property
    def within(self) -> list[str]:
        """The words before a command that is to run there."""
        return ["nsenter", "--target", str(self.holder), "--mount"]

    @property
    def shared_memory(self) -> Path:
        """Its /dev/shm, seen from here."""
        return Path(f"/proc/{self.holder}/root/dev/shm")

    def fill(self) -> None:
        """Until there is no room for a byte more."""
        with (self.shared_memory / "filler").open("ab", buffering=0) as stream:
            for size in (2**12, 1):
                try:
                    while True:
                        stream.write(bytes(size))
                except OSError:
                    continue


@contextmanager
def shared_memory(options: str) -> Iterator[Mounts]:
    """A tmpfs with these options over /dev/shm; skip the test, with the reason, where none can be mounted."""
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        pytest.skip("there is no unshare or no nsenter (util-linux) on this machine")
    script = f"mount -t tmpfs -o {options} tmpfs /dev/shm && echo mounted && exec sleep 600"
    command = ["unshare", "--mount", "sh", "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as holder:
        try:
            if not holder.stdout.readline():
                pytest.skip(f"this user mounts nothing: {holder.stderr.read().strip()}")
            yield Mounts(holder.pid)
        finally:
            holder.kill()
