"""The table of hyperparameters, in Markdown."""

from pydantic import BaseModel

from gaussian_processes.description.parameters import Parameter, parameters_of, text

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
    if parameter.choices:
        return ", ".join(f"`{choice}`" for choice in parameter.choices)
    bounds = ", ".join(f"{sign} {text(parameter.value[key])}" for key, sign in BOUNDS.items() if key in parameter.value)
    match parameter.value.get("type"):
        case "integer":
            return f"integers {bounds}".strip()
        case "number":
            return bounds or "numbers"
        case "string":
            return "text"
    return "JSON"
