"""Signals: what `docker stop`, and SageMaker with it, sends first."""

import atexit
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from select import select  # by name: gevent replaces the module's own
from types import FrameType

from gaussian_processes.storage.atomic import remove_unfinished

EXIT_CODE = 128 + signal.SIGTERM
PROCESSES = Path("/proc")

_ending = threading.RLock()


def exit_on_sigterm(*others: signal.Signals) -> None:
    """End with 128 + 15 on SIGTERM, which process 1 of a container would otherwise ignore; and so on other signals.

    The process ends where it stands, without unwinding: a SystemExit would be lost in a destructor or a callback, would
    come out of a half-imported library as another error, and would wait for threads. What storage/atomic.py was writing is
    removed, and child processes get SIGTERM too. Who wants to do more installs a handler of their own.
    """
    for number in (signal.SIGTERM, *others):
        signal.signal(number, _end)


def exit_on_sigterm_at_once() -> None:
    """The same, also from within a long call into compiled code, during which Python runs no handler.

    A thread waits for the signal. It needs the interpreter's lock, which BLAS, LAPACK, Numba and the system's calls
    release; compiled code that keeps the lock delays the end until it returns.
    """
    exit_on_sigterm()
    heard, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    threading.Thread(target=_wait, args=(heard,), name="sigterm", daemon=True).start()
    # A forked child has no such thread, and would wake its parent's.
    os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_forget)
    # Once the job is over its result stands.
    atexit.register(signal.signal, signal.SIGTERM, signal.SIG_IGN)


def wait_for_sigterm() -> None:
    """Do nothing until SIGTERM, which then is no reason to end otherwise than well."""
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda _signum, _frame: stopped.set())
    stopped.wait()


def _wait(heard: int) -> None:
    while True:
        # A byte for each signal, its number.
        if signal.SIGTERM in os.read(heard, 512) and signal.getsignal(signal.SIGTERM) is _end:
            _end(signal.SIGTERM, None)


def _end(signum: int, _frame: FrameType | None) -> None:
    # Never released: the main thread, when the other is here, goes no further.
    _ending.acquire()
    try:
        _say(f"Stopped by {signal.Signals(signum).name} before the end.\n")
        remove_unfinished()
        for child in tuple(_descendants()):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)
    finally:
        os._exit(128 + signum)


def _descendants(process: int | str = "self") -> Iterator[int]:
    """A process's children, each after its own, where the system lists them."""
    for tasks in PROCESSES.glob(f"{process}/task/*/children"):
        with suppress(OSError):  # of a thread that has just ended
            for child in map(int, tasks.read_text().split()):
                yield from _descendants(child)
                yield child


def _say(line: str) -> None:
    """On stderr, unless nobody reads it: a full pipe would hold the process. Python's stream may be locked."""
    with suppress(OSError):
        if select([], [2], [], 0)[1]:
            os.write(2, line.encode())


def _hold() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _release() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _forget() -> None:
    signal.set_wakeup_fd(-1)
    if signal.getsignal(signal.SIGTERM) is _end:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _release()
