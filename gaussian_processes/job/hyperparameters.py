"""Hyperparameters: strings become typed values here, once, and every fault is reported at once."""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from gaussian_processes.errors import ConfigurationError
from gaussian_processes.job.documents import read_object

OBJECTIVE_KEY = "_tuning_objective_metric"
# SageMaker and its SDK add keys of their own beside the user's.
RESERVED_PREFIXES = ("_tuning_", "sagemaker_")

H = TypeVar("H", bound=BaseModel)


def read_hyperparameters(path: Path) -> dict[str, Any]:
    """hyperparameters.json as it stands; a job without one takes every default."""
    return read_object(path)


def parse_hyperparameters(schema: type[H], raw: Mapping[str, Any]) -> H:
    """Typed hyperparameters from raw strings, in any encoding that SageMaker's clients use.

    Raises:
        ConfigurationError: unknown names, with "did you mean", and malformed values: all of them in one message.
    """
    given = {key: _decoded(value) for key, value in raw.items() if not key.startswith(RESERVED_PREFIXES)}
    known = schema.model_fields
    faults = [_unknown(key, list(known)) for key in given if key not in known]
    # None is how a client writes that a value is not set.
    values = {key: value for key, value in given.items() if key in known and value is not None}
    try:
        parsed = schema.model_validate(values)
    except ValidationError as error:
        faults += [_malformed(fault) for fault in error.errors(include_url=False)]
    if faults:
        count = "1 hyperparameter is" if len(faults) == 1 else f"{len(faults)} hyperparameters are"
        raise ConfigurationError(f"{count} wrong: " + "; ".join(faults) + ".")
    return parsed


def _decoded(value: Any) -> Any:
    """Take off the JSON quotes that some of SageMaker's clients put around strings, and read their ways of None."""
    if isinstance(value, str):
        value = value.strip()
        if value.startswith('"') and value.endswith('"') and len(value) > 1:
            try:
                value = json.loads(value)
            except json.JSONDecodeError:
                return value
        if value in ("", "None", "null"):
            return None
    return value


def _unknown(key: str, known: list[str]) -> str:
    close = get_close_matches(key, known, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(known)}"
    return f"'{key}' is not a hyperparameter ({hint})"


def _malformed(fault: Any) -> str:
    name = ".".join(map(str, fault["loc"]))
    wanted: str = fault["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    wanted = wanted.partition(", unable to parse")[0]
    if not name:  # a check over several fields
        return wanted
    return f"{name} is {str(fault['input'])[:40]!r}, {wanted} is wanted"
