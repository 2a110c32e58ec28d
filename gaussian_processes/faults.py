"""Faults: what pydantic finds wrong with a document, in words of our own."""

import re
from typing import Any

from pydantic_core import PydanticCustomError

# What pydantic says, and what is said here instead.
WORDS = {
    r"^Value error, |^Input should be |, (unable to|got) .*| after validation, not \d+$": "",
    r"^(Tuple|List|Set) should have": "a list with",
    r"valid (tuple|array)": "valid list",
    r"valid dictionary( or instance of \w+)?": "valid object",
    r"^Invalid JSON": "this is no JSON",
}
# Kinds whose words are a whole sentence.
SENTENCES = ("value_error", "json_invalid")
# The kind of a fault whose words tell everything.
SENTENCE = "sentence"


def sentence(words: str) -> PydanticCustomError:
    """A fault for a validator to raise: these words alone, without the name and the value before them."""
    return PydanticCustomError(SENTENCE, "{words}", {"words": words})


def wanted(fault: Any) -> str:
    """What one of a ValidationError's errors asks for, such as "a valid number"; or, of SENTENCES, what it says."""
    text = str(fault["msg"])
    for pattern, words in WORDS.items():
        text = re.sub(pattern, words, text)
    return text


def in_words(fault: Any) -> str:
    """One of a ValidationError's errors, such as "instances[3].features[1]: wanted a valid number, found 'a'"."""
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"]).lstrip(".")
    if fault.get("type") == "missing":
        return f"{place} is missing"
    found = "" if isinstance(fault["input"], (dict, list, bytes)) else f", found {str(fault['input'])[:40]!r}"
    words = wanted(fault) if fault.get("type") in SENTENCES else f"wanted {wanted(fault)}"
    return f"{place}: {words}{found}" if place else words
