"""Bounds: the interval of each learned hyperparameter, as a request gives it."""

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from annotated_types import Predicate
from pydantic import Field, ValidationError, WrapValidator

from gaussian_processes.arc_cosine.learnable import NAMES, Name
from gaussian_processes.faults import sentence

# Former hyperparameters, which bounds has replaced.
FORMER = {f"{name}_bounds": name for name in NAMES}
# Clients write these for a value that is not set.
UNSET = (None, "", "None", "null")


def with_former(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raw hyperparameters whose former names are in `bounds`, which refuses them with their new spelling."""
    former = {name: given[name] for name in FORMER if given.get(name) not in UNSET}
    bounds = given["bounds"] if isinstance(given.get("bounds"), Mapping) else {}
    rest = {name: value for name, value in given.items() if name not in FORMER}
    return {**rest, "bounds": {**bounds, **former}} if former else rest


def _validated(value: Any, validate: Callable[[Any], Any]) -> Any:
    """The bounds; one message tells all their faults."""
    try:
        return validate(value)
    except ValidationError as error:
        names = dict.fromkeys(str(fault["loc"][0]) for fault in error.errors() if fault["loc"])
    if not names:
        raise ValueError('a JSON object such as {"sigma2": [1e-6, 10]} is wanted')
    if former := [name for name in names if name in FORMER]:
        spelling = json.dumps({FORMER.get(name, name): _numbers(pair) for name, pair in value.items()})
        raise sentence(f"{' and '.join(former)} {'is' if len(former) == 1 else 'are'} now bounds={spelling}")
    raise sentence("; ".join(_fault(name, value) for name in names))


def _numbers(pair: Any) -> Any:
    """The numbers of a former hyperparameter; what holds no numbers stays as it is."""
    try:
        return [float(number) for number in str(pair).strip("[]()\"' ").split(",")]
    except ValueError:
        return pair


def _fault(name: str, bounds: Mapping[str, Any]) -> str:
    if name not in NAMES:
        return f"bounds names {name[:40]!r}; one of {', '.join(NAMES)} is wanted"
    return f"bounds.{name} is {str(bounds[name])[:40]!r}, two ascending numbers above 0 are wanted"


_Number = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Pair = Annotated[tuple[_Number, _Number], Predicate(lambda pair: pair[0] < pair[1])]
Bounds = Annotated[Mapping[Name, _Pair], WrapValidator(_validated)]
