"""Service model: AWS's own description of its requests, as its SDK for Python has it, and what it has against a value."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator


def complaints(shape: Shape, value: Any) -> list[str]:
    """Everything about `value` that a service with this model would refuse; empty where there is nothing."""
    report = ParamValidator().validate(value, shape)
    return [report.generate_report()] if report.has_errors() else list(violations(shape, value, shape.name))


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
            return [(shape.members[key], member, f"{path}.{key}") for key, member in value.items()]
        case "map":
            keys = [(shape.key, key, f"{path} key {key}") for key in value]
            return keys + [(shape.value, member, f"{path}.{key}") for key, member in value.items()]
        case "list":
            return [(shape.member, member, f"{path}[{index}]") for index, member in enumerate(value)]
    return []


def violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """The constraints that botocore knows of and leaves to the service: enumerations, patterns, upper limits."""
    for part in parts(shape, value, path):
        yield from violations(*part)
    if shape.type_name == "string":
        if shape.enum and value not in shape.enum:
            yield f"{path}: {value!r} is none of {shape.enum}"
        if not matches(shape.metadata.get("pattern", ".*"), value):
            yield f"{path}: {value!r} does not match {shape.metadata['pattern']}"
    size = value if isinstance(value, int | float) else len(value)
    if not shape.metadata.get("min", size) <= size <= shape.metadata.get("max", size):
        yield f"{path}: {size} is not within {shape.metadata}"


def matches(pattern: str, text: str) -> bool:
    """Whether all of the text matches; Unicode's categories, which Python's re does not know, are counted out."""
    if r"\p{" not in pattern:
        return re.fullmatch(pattern, text) is not None
    categories = re.fullmatch(r"\[((?:\\p\{\w\})+)\]\*", pattern)
    if categories is None:
        return True  # the service will know
    return {unicodedata.category(character)[0] for character in text} <= set(re.findall(r"\w(?=\})", categories[1]))
