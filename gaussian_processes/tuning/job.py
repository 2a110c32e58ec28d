"""A job: one training, as a child process or a container, whose log is read as SageMaker reads it."""

import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gaussian_processes.errors import ConfigurationError
from gaussian_processes.job.contract.metric_definitions import reading

TRAIN = Path(__file__).resolve().parents[1] / "train"
# Seconds that SageMaker gives a job to end after SIGTERM.
GRACE = 120.0
BLOCK = 1 << 20  # bytes of a log that are read at a time
LONGEST = 1 << 18  # a line: CloudWatch's events hold no more
REASON = 1024  # bytes of a failure file that SageMaker reads
NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class Place:
    """Where jobs run.

    Attributes:
        data: a folder with one folder for each channel.
        results: where each job gets a folder of its own.
        image: a container image to run jobs in; child processes of this one when None.
        threads: of each job.
    """

    data: Path
    results: Path
    image: str | None
    threads: int

    def require_data(self) -> None:
        """Raise ConfigurationError where there is none."""
        if not self.data.is_dir():
            raise ConfigurationError(
                f"There is no data folder {self.data}; name one that holds a folder for each channel."
            )

    def command(self, directory: Path, name: str) -> list[str]:
        """What starts a training job on `directory`."""
        if self.image is None:
            return [sys.executable, str(TRAIN)]
        options = ["--rm", "--name", name, "--user", f"{os.getuid()}:{os.getgid()}"]
        settings = ["-e", f"OMP_NUM_THREADS={self.threads}"]
        mounts = ["-v", f"{directory}:/opt/ml", "-v", f"{self.data}:/opt/ml/input/data:ro"]
        return ["docker", "run", *options, *settings, *mounts, self.image, "train"]


class Job:
    """A running job, whose output goes into log.txt and is read there.

    Attributes:
        stopped: why it was stopped, if it was: the first reason.
    """

    def __init__(self, place: Place, directory: Path, name: str) -> None:
        self.stopped: str | None = None
        self._image, self._name = place.image, name
        self._rest, self._deadline, self._told = b"", math.inf, False
        environ = dict(os.environ, SAGEMAKER_BASE_DIR=str(directory), OMP_NUM_THREADS=str(place.threads))
        with (directory / "log.txt").open("wb") as log:
            # In a group of its own, so that a Ctrl-C at the terminal is for the search alone, which then stops its jobs.
            self._process = subprocess.Popen(  # noqa: S603  # it is our own train, or the image that was named
                place.command(directory, name),
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._log = (directory / "log.txt").open("rb")

    def read(self) -> Iterator[str]:
        """The lines that it has printed since the last time, a very long one in part; when it has ended, the last too."""
        size = os.fstat(self._log.fileno()).st_size
        while self._log.tell() < size:
            *lines, self._rest = (self._rest + self._log.read(BLOCK)).split(b"\n")
            self._rest = self._rest[-LONGEST - 1 :]
            yield from b"\n".join(lines).decode("utf-8", errors="replace").splitlines()
        if self._process.returncode is not None:
            yield from self._rest.decode("utf-8", errors="replace").splitlines()

    def stop(self, reason: str, grace: float = GRACE) -> None:
        """Have `poll` ask the job to end, as SageMaker does, and end it when it has not after `grace` seconds."""
        if self._process.returncode is None:
            self.stopped = self.stopped or reason
            self._deadline = min(self._deadline, time.monotonic() + grace)

    def poll(self) -> int | None:
        """The exit code when the job has ended; what it started and left behind ends with it, as in a container."""
        if self._process.poll() is not None:
            with suppress(ProcessLookupError, PermissionError):  # nobody is left
                os.killpg(self._process.pid, signal.SIGKILL)
        elif time.monotonic() > self._deadline:
            self._send(signal.SIGKILL)
        elif self.stopped is not None and not self._told:
            self._told = self._send(signal.SIGTERM)
        return self._process.returncode

    def close(self) -> None:
        """Its log."""
        self._log.close()

    def _send(self, which: signal.Signals) -> bool:
        """Whether it has arrived: a container that is about to begin is not there yet."""
        if self._image is None:
            os.killpg(self._process.pid, which)
            return True
        kill = ["docker", "kill", "--signal", which.name, self._name]
        return subprocess.run(kill, capture_output=True, check=False).returncode == 0  # noqa: S603


def values_in(text: str, regex: re.Pattern[str]) -> list[float]:
    """The numbers that the regex's first group finds, line by line, as SageMaker reads a log; the last one counts.

    Lines that no event of CloudWatch could hold are passed over.

    Raises:
        TimeoutError: the regex takes too long for a line.
    """
    values = []
    for line in (line for line in text.splitlines() if len(line) <= LONGEST):
        with reading():
            for match in regex.finditer(line):
                with suppress(TypeError, ValueError):  # SageMaker passes over what is not a number, without a word
                    values.append(float(match.group(1)))
    return [value for value in values if math.isfinite(value)]


def misread(line: str, regex: re.Pattern[str]) -> str | None:
    """What a regex takes of a number that is longer, such as 1.2 of 1.2e-05 or 3 of -3; None where it takes all of it.

    Raises:
        TimeoutError: the regex takes too long.
    """
    with reading():
        for match in regex.finditer(line):
            taken = match.group(1) or ""
            whole = next((one for one in NUMBER.finditer(line) if one.start() <= match.start(1) < one.end()), None)
            if taken and whole is not None and whole.group() not in taken:
                return f"{taken!r} of {whole.group()}"
    return None


def failure_of(directory: Path, exit_code: int) -> str:
    """Why a job failed: the first line of its failure file, or the last one of its log, as far as it left them."""
    said = [*_lines_of(directory / "output/failure")[:1], *_lines_of(directory / "log.txt")[-1:]]
    return next(iter(said), f"exit code {exit_code}")


def _lines_of(path: Path) -> list[str]:
    """The first and the last of a file, but for empty ones; none where it cannot be read: a folder, say, or a pipe."""
    try:
        if not path.is_file():
            return []
        with path.open("rb") as stream:
            head = stream.read(REASON)
            stream.seek(-len(head), os.SEEK_END)
            text = head + b"\n" + stream.read()
    except OSError:
        return []
    return [line for line in text.decode("utf-8", errors="replace").splitlines() if line.strip()]
