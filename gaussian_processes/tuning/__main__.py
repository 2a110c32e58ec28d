"""`python -m gaussian_processes.tuning`: the local search from the command line."""

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130


def _leave(_signum: int, _frame: FrameType | None) -> None:
    """Ctrl-C before there is anything to stop. The imports below are where it would show a traceback."""
    os.write(2, b"Stopped before any job began.\n")
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, _leave)
    from gaussian_processes.tuning.command import main

    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # names and reasons are anybody's
    sys.exit(main(sys.argv[1:]))
