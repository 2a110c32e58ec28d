"""Hyperparameters: strings become typed values here, once, and every fault is reported at once."""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from gaussian_processes.errors import ConfigurationError

OBJECTIVE_KEY = "_tuning_objective_metric"
# SageMaker and its SDK add keys of their own beside the user's.
RESERVED_PREFIXES = ("_tuning_", "sagemaker_")

H = TypeVar("H", bound=BaseModel)


def parse_hyperparameters(schema: type[H], raw: Mapping[str, Any]) -> H:
    """Typed hyperparameters from raw strings, in any encoding that SageMaker's clients use.

    Raises:
        ConfigurationError: unknown names, with "did you mean", and malformed values: all of them in one message.
    """
    known = schema.model_fields
    given = {key: value for key, value in raw.items() if not key.startswith(RESERVED_PREFIXES)}
    values = {key: _decoded(value, known[key].annotation) for key, value in given.items() if key in known}
    unknown = [_unknown(key, list(known)) for key in given if key not in known]
    malformed = []
    try:
        # None is how a client writes that a value is not set.
        parsed = schema.model_validate({key: value for key, value in values.items() if value is not None})
    except ValidationError as error:
        malformed = [_malformed(fault) for fault in error.errors(include_url=False)]
    faults = unknown + malformed
    if faults:
        count = "1 hyperparameter is" if len(faults) == 1 else f"{len(faults)} hyperparameters are"
        names = f" The hyperparameters are {', '.join(known)}." if unknown else ""
        raise ConfigurationError(f"{count} wrong: {'; '.join(faults)}.{names}")
    return parsed


def _decoded(value: Any, annotation: Any) -> Any:
    """Take off JSON's quotes, which some of SageMaker's clients add; read lists, and the ways to write None."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.startswith('"') or (text.startswith(("[", "{")) and annotation is not str):
        try:
            text = json.loads(text)
        except ValueError:
            return value
    return None if text in ("", "None", "null") and annotation is not str else text


def _unknown(key: str, known: list[str]) -> str:
    close = get_close_matches(key.lower(), known, n=1)
    return f"'{key[:40]}' is not one" + (f" (did you mean '{close[0]}'?)" if close else "")


def _malformed(fault: Any) -> str:
    name = ".".join(map(str, fault["loc"]))
    wanted: str = fault["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    wanted = wanted.partition(", unable to parse")[0]
    if not name:  # a check over several fields
        return wanted
    return f"{name} is {str(fault['input'])[:40]!r}, {wanted} is wanted"
