"""Metric definitions: the names and regular expressions by which SageMaker will read the job's log."""

import json
import re
import signal
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from gaussian_processes.algorithm import Metric
from gaussian_processes.job.contract.paths import OptMl

# Processor time that a regular expression has for a line, or for all the specimens. A sound one takes microseconds.
READING_SECONDS = 1.0


@dataclass(frozen=True)
class Definition:
    """An entry of a request's MetricDefinitions.

    Attributes:
        name: by which SageMaker calls the metric; not always that under which it is printed.
        regex: whose first group finds the number in a line of the log.
    """

    name: str
    regex: str

    @property
    def entry(self) -> dict[str, str]:
        """As a request writes it."""
        return {"Name": self.name, "Regex": self.regex}

    @property
    def pattern(self) -> re.Pattern[str]:
        """The regex, compiled; re.error where it is none."""
        # Names of groups are written (?<name>...) where the platform may read them, and (?P<name>...) here.
        text = re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", self.regex)
        try:
            with warnings.catch_warnings(action="ignore"):  # [[a] may mean something else in a later Python
                return re.compile(text)
        except (OverflowError, RecursionError) as error:  # a{99999999999}, or thousands of brackets in each other
            raise re.error(str(error)) from None

    @property
    def fault(self) -> str:
        """Why the regex can never find a number; empty if it can."""
        try:
            return "" if self.pattern.groups else "has no group, in round brackets, to capture the number"
        except re.error as error:
            return f"is not a regular expression: {error}"


@contextmanager
def reading() -> Iterator[None]:
    """Bound the time in which regular expressions read: for some lines (a+)+; would take years.

    For the main thread, which alone hears signals; `re` looks for them while it searches.

    Raises:
        TimeoutError: READING_SECONDS of processor time are over.
    """

    def over(_signum: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, READING_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)


def definition_for(metric: Metric, metrics: Sequence[Metric], name: str | None = None) -> Definition:
    """What finds `metric` in the log and nothing else of `metrics`; under another name if one is given."""
    regex = f"{re.escape(metric.name)}=(.*?);"
    if any(other.name != metric.name and other.name.endswith(metric.name) for other in metrics):
        regex = r"(?<!\S)" + regex  # no more to the left
    return Definition(name or metric.name, regex)


def read_definitions(paths: OptMl) -> tuple[Definition, ...]:
    """The request's MetricDefinitions, as far as SageMaker has left them where the job can see them.

    The two files that may hold them are not documented, so neither is relied on: what is absent, malformed or of
    another shape holds no definitions.
    """
    found = list(_definitions(_document(paths.metric_definitions)))
    if not found:
        parts = _parts(_document(paths.training_job_config))
        found = [definition for part in parts for definition in _definitions(part)]
    return tuple(dict.fromkeys(found))


def _document(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):  # no file, no JSON, or brackets a thousand deep
        return None


def _parts(document: Any) -> Iterator[Any]:
    """Whatever stands under the name MetricDefinitions, however deep and however that is spelt."""
    if isinstance(document, list):
        for item in document:
            yield from _parts(item)
    elif isinstance(document, dict):
        for key, value in document.items():
            if key.lower().replace("_", "") == "metricdefinitions":
                yield value
            else:
                yield from _parts(value)


def _definitions(part: Any, name: Any = None) -> Iterator[Definition]:
    """Definitions in any shape that names and regexes may take; `name` is the key that `part` stands under."""
    if isinstance(part, list):
        for item in part:
            yield from _definitions(item)
    elif isinstance(part, dict):
        fields = {key.lower(): value for key, value in part.items()}
        name, regex = fields.get("name", name), fields.get("regex")
        if isinstance(name, str) and isinstance(regex, str):
            yield Definition(name, regex)
        elif not {"name", "regex"} & fields.keys() and _maps_names_to_regexes(part):
            yield from (Definition(key, value) for key, value in part.items())
        else:
            for key, value in part.items():
                yield from _definitions(value, key)


def _maps_names_to_regexes(part: dict[str, Any]) -> bool:
    """A dictionary of strings may be anything; one in which some string has a group is taken for definitions."""
    return all(isinstance(value, str) for value in part.values()) and any("(" in value for value in part.values())
