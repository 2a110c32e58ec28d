"""Signals: what `docker stop`, and SageMaker with it, sends first."""

import signal
import sys
from types import FrameType
from typing import NoReturn


def exit_on_sigterm() -> None:
    """End with 128 + 15 on SIGTERM, which process 1 of a container would otherwise ignore.

    SystemExit unwinds through `finally` blocks, so that no half-written file is left.
    """
    signal.signal(signal.SIGTERM, _exit)


def _exit(signum: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + signum)
