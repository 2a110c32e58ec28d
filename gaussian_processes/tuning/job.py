"""A job: one training, as a child process or a container, whose log is read as SageMaker reads it."""

import math
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

TRAIN = Path(__file__).resolve().parents[1] / "train"
# Seconds that SageMaker gives a job to end after SIGTERM.
GRACE = 120.0
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

    def command(self, directory: Path, name: str) -> list[str]:
        """What starts a training job on `directory`."""
        if self.image is None:
            return [sys.executable, str(TRAIN)]
        options = ["--rm", "--name", name, "--user", f"{os.getuid()}:{os.getgid()}"]
        settings = ["-e", f"OMP_NUM_THREADS={self.threads}"]
        mounts = ["-v", f"{directory}:/opt/ml", "-v", f"{self.data}:/opt/ml/input/data:ro"]
        return ["docker", "run", *options, *settings, *mounts, self.image, "train"]


class Job:
    """A running job. It is stopped at most once, with the first reason given."""

    def __init__(self, place: Place, directory: Path, name: str) -> None:
        self._image = place.image
        self._name = name
        self._log = directory / "log.txt"
        environ = dict(os.environ, SAGEMAKER_BASE_DIR=str(directory), OMP_NUM_THREADS=str(place.threads))
        # In a group of its own, so that a Ctrl-C at the terminal is for the search alone, which then stops its jobs.
        self._process = subprocess.Popen(  # noqa: S603  # it is our own train, or the image that was named
            place.command(directory, name),
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._lock = threading.Lock()
        self.stopped: str | None = None

    def follow(self, on_line: Callable[[str], None]) -> int:
        """Keep the log, and tell each line as it is printed; the exit code, when the job has ended."""
        with cast("IO[bytes]", self._process.stdout) as stream, self._log.open("wb") as log:
            for line in stream:
                log.write(line)
                log.flush()
                on_line(line.decode("utf-8", errors="replace"))
        return self._process.wait()

    def stop(self, reason: str, grace: float = GRACE) -> None:
        """Ask the job to end, as SageMaker does, and end it when it has not after `grace` seconds. Returns at once."""
        with self._lock:
            if self.stopped is not None or self._process.poll() is not None:
                return
            self.stopped = reason
        threading.Thread(target=self._end, args=(grace,), daemon=True).start()

    def _end(self, grace: float) -> None:
        if self._image is not None:
            stop = ["docker", "stop", "--time", str(math.ceil(grace)), self._name]
            subprocess.run(stop, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)  # noqa: S603
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


def values_in(text: str, regex: re.Pattern[str]) -> Iterator[float]:
    """The numbers that the regex's first group finds, line by line, as SageMaker reads a log; the last one counts."""
    for line in text.splitlines():
        for match in regex.finditer(line):
            try:
                value = float(match.group(1))
            except (TypeError, ValueError):  # SageMaker passes over what is not a number, without a word
                continue
            if math.isfinite(value):
                yield value


def misread(line: str, regex: re.Pattern[str]) -> str | None:
    """What a regex takes of a number that is longer, such as 1.2 of 1.2e-05 or 3 of -3; None where it takes all of it."""
    for match in regex.finditer(line):
        taken = match.group(1) or ""
        whole = next((one for one in NUMBER.finditer(line) if one.start() <= match.start(1) < one.end()), None)
        if taken and whole is not None and whole.group() not in taken:
            return f"{taken!r} of {whole.group()}"
    return None


def failure_of(directory: Path, exit_code: int) -> str:
    """Why a job failed: its failure file's first line, or the last one of its log."""
    failure, log = directory / "output/failure", directory / "log.txt"
    if failure.exists():
        lines = failure.read_text(encoding="utf-8", errors="replace").splitlines()[:1]
    else:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-1:]
    return next(iter(lines), f"exit code {exit_code}")
