"""Faults: what pydantic finds wrong with a document, in words."""

from typing import Any


def in_words(fault: Any) -> str:
    """One of a ValidationError's errors, such as "instances[3].features[1]: Input should be a valid number, found 'a'"."""
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"]).lstrip(".")
    found = "" if isinstance(fault["input"], (dict, list, bytes)) else f", found {str(fault['input'])[:40]!r}"
    return f"{place}: {fault['msg']}{found}" if place else str(fault["msg"])
