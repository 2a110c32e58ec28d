"""Service model: AWS's own description of its requests, as its SDK for Python has it, and what it has against a value."""

import math
import re
import unicodedata
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator

TYPES: dict[str, Any] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "integer": int,
    "long": int,
    "float": float,
}
# Of numbers whose greatest the model does not say.
LIMITS = {"integer": 2**31 - 1, "long": 2**63 - 1}


def complaints(shape: Shape, value: Any) -> list[str]:
    """Everything about `value` that a service with this model would refuse; empty where there is nothing."""
    report = ParamValidator().validate(value, shape).generate_report().splitlines()
    return [f"{fault.lstrip('.')[:300]}." for fault in (*report, *violations(shape, value, ""))]


@cache
def service(name: str) -> ServiceModel:
    """AWS's model of one of its services."""
    return botocore.session.get_session().get_service_model(name)


def input_of(operation: str, of: str = "sagemaker") -> Shape:
    """What an operation of a service takes."""
    return service(of).operation_model(operation).input_shape


def parts(shape: Shape, value: Any, path: str) -> list[tuple[Shape, Any, str]]:
    """What a structure, map or list is made of, each with its own shape and path."""
    match shape.type_name:
        case "structure":
            known = shape.members
            return [(known[key], member, f"{path}.{key}") for key, member in value.items() if key in known]
        case "map":
            keys = [(shape.key, key, f"{path} key {key}") for key in value]
            return keys + [(shape.value, member, f"{path}.{key}") for key, member in value.items()]
        case "list":
            return [(shape.member, member, f"{path}[{index}]") for index, member in enumerate(value)]
    return []


def violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """The constraints that botocore knows of and leaves to the service: enumerations, patterns, upper limits.

    What has a wrong type is passed over: botocore has said so.
    """
    if not isinstance(value, TYPES.get(shape.type_name, ())):
        return
    for part in parts(shape, value, path):
        yield from violations(*part)
    if isinstance(value, str):
        if shape.enum and value not in shape.enum:
            close = ", ".join(get_close_matches(value, shape.enum, 9, cutoff=0.0))
            yield f"{path}: {value[:40]!r} is none of the allowed values, such as {close}"
        elif not matches(shape.metadata.get("pattern", ".*"), value):
            yield f"{path}: {value[:40]!r} does not match {shape.metadata['pattern']}"
    size = value if isinstance(value, int | float) else len(value)
    most = shape.metadata.get("max", LIMITS.get(shape.type_name, math.inf))
    if not size <= most:
        yield f"{path}: {size} is not within {shape.metadata.get('min', 0)} to {most}"


def matches(pattern: str, text: str) -> bool:
    """Whether all of the text matches; Unicode's categories, which Python's re does not know, are counted out."""
    if r"\p{" not in pattern:
        return re.fullmatch(pattern, text) is not None
    categories = re.fullmatch(r"\[((?:\\p\{\w\})+)\]\*", pattern)
    if categories is None:
        return True  # the service will know
    return {unicodedata.category(character)[0] for character in text} <= set(re.findall(r"\w(?=\})", categories[1]))
