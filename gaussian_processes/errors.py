"""The failures this program can explain. One place turns them into a failure file, one into an HTTP answer.

Exit codes of `train`, and of a `serve` that cannot start:

    0    it did what was asked
    1    a fault of the program, which no class here explains
    2    UserError: the user's input
    3    PlatformError: the machine
    4    AlgorithmError: the algorithm cannot go on
    143  stopped by SIGTERM
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TypeVar

SHOWN = 5

T = TypeVar("T")


def listed(faults: Iterable[str]) -> str:
    """The first five of them, and how many more there are."""
    remaining = iter(faults)
    shown = list(islice(remaining, SHOWN))
    more = sum(1 for _ in remaining)
    return "; ".join(shown) + (f"; and {more} more" if more else "")


def printable(text: str) -> str:
    """The text on one line: characters that cannot be printed, such as line breaks, are escaped as in Python."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


class ExplainedError(Exception):
    """A failure whose message is written for the person who can mend it.

    Attributes:
        exit_code: of the process that ends with it.
        http_status: of the request that ends with it.
    """

    exit_code = 1
    http_status = 500


class AlgorithmError(ExplainedError):
    """The input was read, but the algorithm cannot go on with it."""

    exit_code = 4


class LeaderFailedError(ExplainedError):
    """Another host, which leads the job, has failed; this one ends as it does."""

    def __init__(self, message: str, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__(message)


class UserError(ExplainedError):
    """Something the user gave is not what was wanted; of several such things, `parts` has each."""

    exit_code = 2
    http_status = 400
    parts: Sequence["UserError"] = ()


class ConfigurationError(UserError):
    """A hyperparameter, a configuration file or an environment variable."""


class DataError(UserError):
    """A channel, a file or a request body."""

    @classmethod
    def listing(cls, source: str, faults: Iterable[str]) -> "DataError":
        """One error for all the faults in `source`: the first five in words, and how many more there are."""
        return cls(f"{source}: {listed(faults)}.")


class RowError(DataError):
    """Rows that the algorithm refuses. Who knows where the rows came from says so.

    Args:
        rows: their indices, from 0, in the matrix that the algorithm was given.
        reason: the rest of the sentence, after "row ...".
    """

    def __init__(self, rows: Sequence[int], reason: str) -> None:
        self.rows = rows
        self.reason = reason
        super().__init__(f"row {rows[0] + 1} {reason}")

    def located(self, source: str, name: Callable[[int], str]) -> DataError:
        """The same refusal by one who can name each row."""
        return DataError.listing(source, (f"{name(row)} {self.reason}" for row in self.rows))


class UnsupportedMediaTypeError(UserError):
    """A Content-Type that no codec reads."""

    http_status = 415


class NotAcceptableError(UserError):
    """An Accept header that no codec can serve."""

    http_status = 406


class UnknownModelError(UserError):
    """A model that is not loaded."""

    http_status = 404


class ModelPresentError(UserError):
    """A model that is loaded already."""

    http_status = 409


class RequestTimeoutError(UserError):
    """A request that stopped coming."""

    http_status = 408


class ClientGoneError(UserError):
    """A request whose client does not wait for the answer; nginx's status for it."""

    http_status = 499


class PayloadTooLargeError(UserError):
    """A request with a larger body than is taken."""

    http_status = 413


class PlatformError(ExplainedError):
    """The machine: a file that cannot be read or written, a full disk, too little memory."""

    exit_code = 3
    http_status = 503

    @classmethod
    def of(cls, error: OSError) -> "PlatformError":
        """The operating system's refusal, in words."""
        return cls(f"{error.filename or 'The machine'}: {error.strerror or error}.")


class UnusableModelError(PlatformError):
    """The server runs, and has no model to answer with."""


class InsufficientMemoryError(PlatformError):
    """One more model does not fit into memory."""

    http_status = 507


class NoRoomError(PlatformError):
    """A request for which there is no memory beside the others."""


class Faults:
    """Gathers what several checks refuse, so that a job's first failure shows all that is wrong with it."""

    def __init__(self) -> None:
        self._found: list[UserError] = []

    def gather(self, check: Callable[[], T]) -> T | None:
        """What `check` returns; None where it refuses."""
        try:
            return check()
        except UserError as error:
            self._found += error.parts or [error]
            return None

    def raise_any(self) -> None:
        """Raise what was refused, if anything was: one error as it is, several as one."""
        if len(self._found) == 1:
            raise self._found[0]
        if self._found:
            listed = " ".join(f"({number}) {error}" for number, error in enumerate(self._found, start=1))
            several = UserError(f"{len(self._found)} parts of this job are wrong: {listed}")
            several.parts = self._found
            raise several
