"""Parsing: strings of hyperparameters become typed values here, once, and every fault is reported at once."""

import ast
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from enum import Enum
from functools import cache
from itertools import groupby
from types import NoneType, UnionType, new_class
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from gaussian_processes.errors import ConfigurationError
from gaussian_processes.faults import SENTENCE, SENTENCES, wanted

OBJECTIVE_KEY = "_tuning_objective_metric"
# SageMaker and its SDK add keys of their own beside the user's.
RESERVED_PREFIXES = ("_tuning_", "sagemaker_")
RESERVED_NAMES = {"default_user_module_name"}
# What Python and pydantic take for a number, or in a list of numbers, and no client writes so.
NO_NUMBER = re.compile(r"\d_\d|0[xob]|true|false", re.IGNORECASE)

H = TypeVar("H", bound=BaseModel)


class HyperparameterError(ConfigurationError):
    """Hyperparameters that are wrong, all of them in one message.

    Attributes:
        faults: the name of a hyperparameter, or '' for a check over several, and what is wrong with it.
    """

    def __init__(self, faults: Sequence[tuple[str, str]], known: Collection[str]) -> None:
        self.faults = tuple(faults)
        count = "1 hyperparameter is" if len(faults) == 1 else f"{len(faults)} hyperparameters are"
        names = (
            f" The hyperparameters are {', '.join(known)}."
            if {name for name, _ in faults if name}.difference(known)
            else ""
        )
        super().__init__(f"{count} wrong: {'; '.join(text for _, text in faults)}.{names}")


def fields_by_name(schema: type[BaseModel]) -> dict[str, FieldInfo]:
    """A schema's fields under the names that a request calls them by: an alias may be a word that Python has taken."""
    return {
        field.validation_alias if isinstance(field.validation_alias, str) else name: field
        for name, field in schema.model_fields.items()
    }


def objective_name(raw: Mapping[str, Any]) -> str | None:
    """The metric that the tuning job compares, which SageMaker puts among the hyperparameters of its jobs."""
    return str(_unquoted(raw.get(OBJECTIVE_KEY) or "")) or None


def parse_hyperparameters(schema: type[H], raw: Mapping[str, Any]) -> H:
    """Typed hyperparameters from raw strings, in any encoding that SageMaker's clients use.

    NaN and infinity are refused unless a field allows them by `allow_inf_nan=True`.

    Raises:
        HyperparameterError: unknown names, with "did you mean", and malformed values.
    """
    known = fields_by_name(schema)
    given = {
        key: value for key, value in raw.items() if not key.startswith(RESERVED_PREFIXES) and key not in RESERVED_NAMES
    }
    # Unknown identifiers are the schema's to refuse: it may know them as former names. Other text may have no encoding.
    values = {
        key: _decoded(value, known[key].annotation) if key in known else value
        for key, value in given.items()
        if key in known or key.isidentifier()
    }
    faults = [(key, _unknown(key, list(known))) for key in given if key not in values]
    # A client writes None for a value that is not set.
    values = {key: value for key, value in values.items() if value is not None or key not in known}
    try:
        _strict(schema).model_validate(values)
    except ValidationError as error:
        faults += _faults(error, given, list(known))
    if faults:
        raise HyperparameterError(faults, known)
    return schema.model_validate(values)


@cache
def _strict(schema: type[BaseModel]) -> type[BaseModel]:
    """The schema without unknown names, and with finite numbers unless a field allows others."""
    strict: type[BaseModel] = new_class(schema.__name__, (schema,), {"allow_inf_nan": False, "extra": "forbid"})
    return strict


def _decoded(value: Any, annotation: Any) -> Any:
    """What a string stands for: without JSON's quotes, which some clients add; lists read; None in any spelling."""
    members = list(_members(annotation))
    text = _unquoted(value)
    for choice in _choices(members) if isinstance(text, str) else ():
        if _stands_for(text, choice):
            return choice
    if _is_of_numbers(annotation) and NO_NUMBER.search(str(value)):
        return object()  # which is no number, list or object either
    if not isinstance(text, str):
        return text
    if NoneType in members if text == "" else text in ("None", "null") and (str not in members or NoneType in members):
        return None
    if text.startswith(("[", "{", "(")) and str not in members:
        return _structure(text)
    return text


def _unquoted(value: Any) -> Any:
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and text.startswith('"'):
        try:
            return json.loads(text)
        except ValueError:  # a word that begins with a quotation mark
            return text
    return text


def _structure(text: str) -> Any:
    """A list or dictionary in JSON or, as str() writes it, in Python."""
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):  # pydantic says what is wanted instead
            continue
    return text


def _members(annotation: Any) -> Iterator[Any]:
    """The alternatives of a union, or the annotation alone."""
    if get_origin(annotation) in (Union, UnionType):
        for member in get_args(annotation):
            yield from _members(member)
    else:
        yield annotation


def _is_of_numbers(annotation: Any) -> bool:
    """Whether it admits nothing but numbers, lists of them, None, and words that it names."""
    if get_origin(annotation) is Literal:
        return True
    parts = get_args(annotation)[: 1 if get_origin(annotation) is Annotated else None]
    return all(map(_is_of_numbers, parts)) if parts else annotation in (int, float, NoneType, ...)


def _choices(members: Sequence[Any]) -> Iterator[Any]:
    """The values that a Literal or an Enum admits."""
    for member in members:
        if get_origin(member) is Literal:
            yield from get_args(member)
        elif isinstance(member, type) and issubclass(member, Enum):
            yield from (item.value for item in member)


def _stands_for(text: str, choice: Any) -> bool:
    """Whether `text` reads as `choice`; pydantic converts no string to one of a Literal's numbers."""
    try:
        return bool(TypeAdapter(type(choice)).validate_python(text) == choice)
    except ValidationError:
        return False


def _unknown(key: str, known: list[str]) -> str:
    close = get_close_matches(key.lower(), known, n=1)
    return f"{key[:40]!r} is not one" + (f" (did you mean '{close[0]}'?)" if close else "")


def _faults(error: ValidationError, given: Mapping[str, Any], known: list[str]) -> Iterator[tuple[str, str]]:
    """One sentence for each hyperparameter, by its name, also where it has several types; unknown names first."""
    found = sorted(error.errors(include_url=False), key=lambda fault: not _is_unknown(fault))
    for name, group in groupby(found, key=lambda fault: fault["loc"][:1]):
        faults = list(group)
        if _is_unknown(faults[0]):
            yield str(name[0]), _unknown(str(name[0]), known)
            continue
        if faults[0]["type"] == SENTENCE:
            yield str(name[0]), faults[0]["msg"]
            continue
        if any(map(_is_of_item, faults)):  # without which a list is too short, but for that alone
            faults = [fault for fault in faults if fault["type"] != "too_short"]
        first, whole = faults[0], str(given.get(str(*name[:1])))[:40]
        words = " or ".join(dict.fromkeys(_wanted(fault, alone=len(faults) == 1) for fault in faults))
        sentence = words if first["type"] in SENTENCES else f"{words} is wanted"
        if not name:  # a check over several fields
            yield "", sentence
        elif len(faults) > 1 or len(first["loc"]) == 1 or first["type"] == "missing":
            not_set = first["type"] == "missing" and len(first["loc"]) == 1
            unset = f"{name[0]} is not set, and has no default"
            yield str(name[0]), unset if not_set else f"{name[0]} is {whole!r}, {sentence}"
        else:
            yield str(name[0]), f"{'.'.join(map(str, first['loc']))} is {str(first['input'])[:40]!r}, {sentence}"


def _is_unknown(fault: Any) -> bool:
    return fault["type"] == "extra_forbidden" and len(fault["loc"]) == 1


def _is_of_item(fault: Any) -> bool:
    return any(isinstance(part, int) for part in fault["loc"])


def _wanted(fault: Any, *, alone: bool) -> str:
    """As `wanted`; of an item that is no number, where there could have been something else, that a list is wanted."""
    if _is_of_item(fault) and fault["type"] == "missing":
        return "a longer list"
    is_of_type = fault["type"].endswith(("_type", "_parsing", "_from_float"))
    return "a valid list" if _is_of_item(fault) and is_of_type and not alone else wanted(fault)
