"""Log: lines for people on a job's standard output, and how far the work is."""

import io
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TextIO

from progressbar import ETA, Bar, Percentage, ProgressBar

from gaussian_processes.errors import printable

# A phase that is over sooner needs no account of its progress.
QUIET_SECONDS = 2.0
# Between two lines, and between two looks of a bar.
SECONDS, SECONDS_ON_A_TERMINAL = 10.0, 0.1
STEPS = 1000


@dataclass
class Log:
    """A job's log. The one owner of the progress bar, if one is shown; more than one thread may have something to say."""

    stream: TextIO
    clock: Callable[[], float] = time.monotonic
    _phase: str = field(default="", init=False)
    _began: float = field(default=0.0, init=False)
    _told: float = field(default=0.0, init=False)
    _bar: ProgressBar | None = field(default=None, init=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False)

    def log(self, message: str) -> None:
        """Print one line at once; a name in it that holds a line of its own does not begin one."""
        with self._lock:
            self._end_phase(done=False)
            print(printable(message), file=self.stream, flush=True)

    def progress(self, phase: str, fraction: float) -> None:
        """Say how much of a phase is done and when the rest will be, if that takes long.

        A bar on a terminal; elsewhere a line now and then, as a log has no use for carriage returns.
        """
        with self._lock:
            self._progress(phase, fraction)

    def _progress(self, phase: str, fraction: float) -> None:
        now = self.clock()
        if phase != self._phase:
            self._end_phase(done=False)
            self._phase, self._began = phase, now
        first = self._bar is None and fraction < 1.0 and now - self._began >= QUIET_SECONDS
        if first:
            self._bar = self._started_bar(phase, now - self._began)
            self._told = -math.inf
        if self._bar is not None and now - self._told >= (SECONDS_ON_A_TERMINAL if self.stream.isatty() else SECONDS):
            # The last step belongs to `finish`, which prints it. The library would guess from the first steps when the next
            # line is due, and print none for the rest of a phase that begins fast.
            self._bar.update(min(round(STEPS * fraction), STEPS - 1), force=True)
            self._told = now
        if fraction >= 1.0:
            self._end_phase(done=True)

    def _end_phase(self, *, done: bool) -> None:
        if self._bar is not None:
            self._bar.finish(dirty=not done)
        self._phase, self._bar = "", None

    def _started_bar(self, phase: str, elapsed: float) -> ProgressBar:
        terminal = self.stream.isatty()
        left = ETA(format="about %(eta)s left", format_finished="took %(elapsed)s", format_NA="")
        bar = ProgressBar(
            max_value=STEPS,
            fd=io.StringIO(),  # which takes what `start` prints: nothing is known yet
            start_time=datetime.now() - timedelta(seconds=elapsed),  # noqa: DTZ005  # the library compares local times
            widgets=[f"{phase}: ", Percentage(), " ", *([Bar(), " "] if terminal else []), left],
            is_terminal=terminal,
            line_breaks=not terminal,
            enable_colors=False,
        ).start()
        bar.fd = self.stream
        return bar
