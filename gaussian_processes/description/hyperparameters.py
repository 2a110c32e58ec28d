"""Parameters: an algorithm's hyperparameters as AWS's requests know them."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from gaussian_processes.algorithm import Search
from gaussian_processes.errors import ConfigurationError
from gaussian_processes.job.contract.parsing import fields_by_name

# A specification wants two bounds, as strings, and does not say into what kind of number it reads them. The limits of
# 32 bits fit into any, and nobody sets a hyperparameter beyond them.
GREATEST_INTEGER = 2**31 - 1
GREATEST_NUMBER = 3.4028234663852886e38
LEAST_POSITIVE = 1.1754943508222875e-38
# How many values a categorical range may have, and how long each may be.
VALUES, LENGTH = 30, 256

Kind = Literal["Integer", "Continuous", "Categorical", "FreeText"]


@dataclass(frozen=True)
class Parameter:
    """A hyperparameter.

    Attributes:
        name: in a request.
        description: the algorithm's; empty where it gives none.
        default: as a string; None where it is not set.
        required: whether a request has to set it.
        search: in what range to tune it; None where the algorithm advises none.
        value: the JSON schema of its values, null aside; of the numbers alone where a tuner searches these.
        others: the schemas of what else its values may be.
    """

    name: str
    description: str
    default: str | None
    required: bool
    search: Search | None
    value: Mapping[str, Any]
    others: tuple[Mapping[str, Any], ...] = ()

    @property
    def kind(self) -> Kind:
        """The Type of its HyperParameterSpecification."""
        if self.choices:
            listed = len(self.choices) <= VALUES and max(map(len, self.choices)) <= LENGTH
            return "Categorical" if listed else "FreeText"
        kinds: dict[str, Kind] = {"integer": "Integer", "number": "Continuous"}
        return kinds.get(self.value.get("type", ""), "FreeText")

    @property
    def choices(self) -> tuple[str, ...]:
        """The values, where they can be counted."""
        return choices(self.value)

    @property
    def least(self) -> float:
        """The least number that is allowed."""
        return max(self._bounds("minimum", "exclusiveMinimum", 1), default=-self._greatest)

    @property
    def greatest(self) -> float:
        """The greatest number that is allowed."""
        return min(self._bounds("maximum", "exclusiveMaximum", -1), default=self._greatest)

    @property
    def _greatest(self) -> float:
        return GREATEST_INTEGER if self.kind == "Integer" else GREATEST_NUMBER

    def _bounds(self, included: str, excluded: str, inward: Literal[1, -1]) -> list[float]:
        """What the schema says of one end; in place of a number that is excluded, the next one inward."""
        bounds = [self.value[included]] if included in self.value else []
        if excluded in self.value:
            end = self.value[excluded]
            nearest = math.nextafter(end, inward * math.inf) if end else inward * LEAST_POSITIVE
            bounds.append(end + inward if self.kind == "Integer" else nearest)
        return bounds


def parameters_of(schema: type[BaseModel]) -> tuple[Parameter, ...]:
    """Every field of a pydantic model, in its order.

    Raises:
        ConfigurationError: a field is marked for a search that no tuner could make.
    """
    document = schema.model_json_schema()
    parameters = []
    for name, field in fields_by_name(schema).items():
        described = document["properties"][name]
        default = described.get("default")
        search = next((mark for mark in field.metadata if isinstance(mark, Search)), None)
        members = _members(described, document.get("$defs", {}))
        value = _value(members, searched=search is not None)
        parameter = Parameter(
            name=name,
            description=described.get("description", ""),
            default=None if default is None else text(default),
            required=field.is_required(),
            search=search,
            value=value,
            others=tuple(member for member in members if member is not value),
        )
        _require_searchable(parameter)
        parameters.append(parameter)
    return tuple(parameters)


def choices(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The values that a schema admits, where they can be counted."""
    if schema.get("type") == "boolean":
        return ("true", "false")
    values = [schema["const"]] if "const" in schema else schema.get("enum", [])
    return tuple(text(value) for value in values if value is not None)


def search_range(parameter: Parameter, search: Search) -> dict[str, Any]:
    """An entry of a tuning job's ParameterRanges."""
    if parameter.kind == "Categorical":
        return {"Name": parameter.name, "Values": list(search.values or parameter.choices)}
    low, high = _ends(parameter, search)
    return {"Name": parameter.name, "MinValue": text(low), "MaxValue": text(high), "ScalingType": search.scaling}


def text(value: Any) -> str:
    """A value as the string that a request sends for it."""
    return value if isinstance(value, str) else json.dumps(value).removesuffix(".0")


def _members(described: Mapping[str, Any], definitions: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The schemas of the types that a value may have, null aside."""
    if "$ref" in described:
        return _members(definitions[described["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in described:
        return tuple(inner for member in described["anyOf"] for inner in _members(member, definitions))
    return () if described.get("type") == "null" else (described,)


def _value(members: Sequence[Mapping[str, Any]], *, searched: bool) -> Mapping[str, Any]:
    """The one type that a value may have; an empty schema where there are several.

    A tuner that searches numbers sends numbers, whatever else may be given.
    """
    numbers = [member for member in members if member.get("type") in ("integer", "number")]
    if searched and len(numbers) == 1:
        return numbers[0]
    return members[0] if len(members) == 1 else {}


def _ends(parameter: Parameter, search: Search) -> tuple[float, float]:
    low = parameter.least if search.low is None else search.low
    high = parameter.greatest if search.high is None else search.high
    return low, high


def _require_searchable(parameter: Parameter) -> None:
    search = parameter.search
    if search is None:
        return
    found = f"The hyperparameter {parameter.name} is marked with {search}"
    if parameter.kind == "Categorical":
        unknown = set(search.values or ()) - set(parameter.choices)
        if unknown:
            raise ConfigurationError(
                f"{found}; {', '.join(sorted(unknown))} is none of {', '.join(parameter.choices)}."
            )
        return
    if parameter.kind == "FreeText":
        raise ConfigurationError(f"{found}; a tuner can search numbers and up to {VALUES} choices.")
    low, high = _ends(parameter, search)
    if not parameter.least <= low <= high <= parameter.greatest:
        raise ConfigurationError(
            f"{found}; low <= high is wanted, from {text(parameter.least)} to {text(parameter.greatest)}."
        )
    if search.scaling == "Logarithmic" and low <= 0:
        raise ConfigurationError(f"{found}; a logarithmic scaling needs low > 0.")
    if search.scaling == "ReverseLogarithmic" and not (parameter.kind == "Continuous" and low >= 0 and high < 1):
        raise ConfigurationError(f"{found}; a reverse logarithmic scaling is for numbers from 0 to below 1.")
