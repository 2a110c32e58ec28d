"""The table of hyperparameters, in Markdown."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from gaussian_processes.description.hyperparameters import GREATEST_INTEGER, Parameter, choices, parameters_of, text

HEAD = ("| name | default | values | meaning |", "|---|---|---|---|")
BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def table_of(schema: type[BaseModel]) -> str:
    """A line for each field of a pydantic model, in its order."""
    return "\n".join([*HEAD, *map(_row, parameters_of(schema))])


def _row(parameter: Parameter) -> str:
    default = "required" if parameter.required else "not set"
    if parameter.default is not None:
        default = f"`{parameter.default}`"
    cells = (f"`{parameter.name}`", default, _values(parameter), parameter.description)
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(words: str) -> str:
    """On one line, and with no end of a cell in it."""
    return " ".join(words.split()).replace("|", r"\|")


def _values(parameter: Parameter) -> str:
    """Which values are allowed, in words."""
    schemas = [schema for schema in (parameter.value, *parameter.others) if schema]
    return ", ".join(dict.fromkeys(map(_in_words, schemas))) or "JSON"


def _in_words(schema: Mapping[str, Any]) -> str:
    if values := choices(schema):
        return ", ".join(f"`{value}`" for value in values)
    limits = {key: schema[key] for key in BOUNDS if schema.get(key) not in (None, GREATEST_INTEGER)}
    bounds = ", ".join(f"{BOUNDS[key]} {text(limit)}" for key, limit in limits.items())
    match schema.get("type"):
        case "integer":
            return f"integers {bounds}".strip()
        case "number":
            return bounds or "numbers"
        case "string":
            return "text"
        case "array":
            items = (schema.get("prefixItems") or [schema.get("items") or {}])[0]
            inner, count = _in_words(items), schema.get("minItems")
            many = f"{count} " if count and count == schema.get("maxItems") else ""
            return f"{many}numbers {inner}" if inner.startswith((">", "≥")) else f"lists of {inner}"
    return "JSON"
