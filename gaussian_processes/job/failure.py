"""Failure: the file that becomes a job's FailureReason, cause first, and the exit code that goes with it."""

import traceback
from pathlib import Path

from gaussian_processes.errors import ExplainedError
from gaussian_processes.files import write_by_rename


def describe_failure(error: BaseException) -> str:
    """The failure file's text: the cause first, and for a fault of the program its traceback last."""
    if isinstance(error, ExplainedError):
        return f"{error}\n"
    cause = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{cause}\nThis is a fault of the program, not of the input.\n\n{''.join(traceback.format_exception(error))}"


def write_failure(path: Path, text: str) -> None:
    """Leave `text` for SageMaker, unless an earlier failure has been left there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_by_rename(path) as stream:
            stream.write(text.encode("utf-8", "backslashreplace"))
