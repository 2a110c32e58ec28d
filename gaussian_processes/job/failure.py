"""Failure: the file that becomes a job's FailureReason, cause first, and the exit code that goes with it."""

import traceback
from dataclasses import dataclass
from pathlib import Path

from gaussian_processes.errors import ExplainedError, PlatformError, printable
from gaussian_processes.storage.atomic import write_by_rename

# SageMaker takes no more of the file; where calls follow, the cause leaves them half of it.
CHARACTERS = 1024
CUT = "…"


@dataclass(frozen=True)
class Failure:
    """Why a job failed.

    Attributes:
        exit_code: as errors.py has it.
        log: all that is known.
        reason: at most 1,024 characters of it: the cause, what to do, and of a fault of the program the innermost calls.
    """

    exit_code: int
    log: str
    reason: str

    @classmethod
    def of(cls, error: Exception) -> "Failure":
        """What an exception means for the job."""
        match error:
            case ExplainedError():
                text = printable(str(error))
                return cls(error.exit_code, f"{text}\n", _shortened(text, CHARACTERS - 1) + "\n")
            case OSError():
                return cls.of(PlatformError.of(error))
            case MemoryError():
                return cls.of(_out_of_memory(error))
        cause = " ".join(f"{type(error).__name__}: {error}".split())
        remedy = "This is a fault of the program, not of the input."
        explained = f"{_shortened(cause, CHARACTERS // 2)}\n{remedy}\n\nTraceback (innermost call last):\n"
        calls = traceback.format_tb(error.__traceback__)
        return cls(
            1,
            f"{cause}\n{remedy}\n\n{''.join(traceback.format_exception(error))}",
            explained + _innermost(calls, CHARACTERS - len(explained)),
        )


def write_failure(path: Path, failure: Failure) -> None:
    """Leave the reason for SageMaker, unless an earlier failure has been left there.

    Raises:
        OSError: the file cannot be written.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_by_rename(path) as stream:
            stream.write(failure.reason.encode())


def _out_of_memory(error: MemoryError) -> PlatformError:
    calls = traceback.extract_tb(error.__traceback__)
    where = f" in {calls[-1].name} ({Path(calls[-1].filename).name}, line {calls[-1].lineno})" if calls else ""
    what = f": {str(error).rstrip('.')}" if str(error) else ""
    return PlatformError(
        f"The process ran out of memory{where}{what}. Use an instance with more memory, or fewer rows."
    )


def _innermost(calls: list[str], room: int) -> str:
    """As many of the last calls as there is room for."""
    shown = [_encodable(call) for call in calls]
    if len("".join(shown)) <= room:
        return "".join(shown)
    while shown and len(CUT) + 1 + len("".join(shown)) > room:
        del shown[0]
    return f"{CUT}\n" + "".join(shown)


def _shortened(text: str, room: int) -> str:
    text = _encodable(text)
    return text if len(text) <= room else text[: room - len(CUT)] + CUT


def _encodable(text: str) -> str:
    """With what no encoding holds written out."""
    return text.encode("utf-8", "backslashreplace").decode()
