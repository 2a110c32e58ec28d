"""Queries: what a request wants to know, from the words that it says so in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from gaussian_processes.algorithm import Output, Query
from gaussian_processes.data.codecs.csv_cells import number
from gaussian_processes.errors import DataError

# The most functions that a request can have drawn for it.
MOST_SAMPLES = 1000
MOST_SEED = 2**63 - 1
# What a query is said in.
WORDS = ("outputs", "level", "samples", "seed")


@dataclass(frozen=True)
class Wish:
    """What was asked for.

    Attributes:
        query: what the algorithm is asked.
        explicit: whether the outputs were named, so that one which the model lacks is worth a refusal.
    """

    query: Query
    explicit: bool


def parse_attributes(text: str) -> Mapping[str, str]:
    """The words in `outputs=mean,interval;level=0.9`, as X-Amzn-SageMaker-Custom-Attributes and MODEL_SERVER_QUERY have it.

    What is written in another way says nothing of a query.
    """
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip().strip('"') for name, equals, value in pairs if equals}


def parse_query(words: Mapping[str, str], outputs: tuple[Output, ...], *, usual: bool) -> Wish:
    """The query in words such as {"outputs": "mean,interval", "level": "0.9"}.

    Args:
        words: by name; names that mean nothing here are left alone.
        outputs: the algorithm's.
        usual: whether a request that names no outputs gets all the usual ones, or the first alone.

    Raises:
        DataError: an output that does not exist, or a number that is none or out of its range; all of them.
    """
    known = [output.name for output in outputs]
    named = [name for name in map(str.strip, words.get("outputs", "").split(",")) if name]
    faults = [_unknown(name, known) for name in named if name not in known]
    level, samples, seed = (words.get(name) for name in ("level", "samples", "seed"))
    if level is not None and not _is_probability(level):
        faults.append(f"level is {level[:40]!r}, a probability between 0 and 1 is wanted")
    for name, text, least, most in (("samples", samples, 1, MOST_SAMPLES), ("seed", seed, 0, MOST_SEED)):
        if text is not None and not _is_whole(text, least, most):
            faults.append(f"{name} is {text[:40]!r}, a whole number from {least} to {most} is wanted")
    if faults:
        raise DataError.listing("What the request asks for", faults)
    default = [output.name for output in outputs if output.usual] if usual else known[:1]
    query = Query(
        outputs=tuple(dict.fromkeys(named or default)),
        level=Query.level if level is None else float(level),
        samples=Query.samples if samples is None else int(samples),
        seed=None if seed is None else int(seed),
    )
    return Wish(query, explicit=bool(named))


def _unknown(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, 1)
    return (
        f"{name[:40]!r} is no output"
        + (f" (did you mean '{close[0]}'?)" if close else "")
        + f"; {', '.join(known)} are"
    )


def _is_probability(text: str) -> bool:
    value = number(text)
    return value is not None and 0.0 < value < 1.0


def _is_whole(text: str, least: int, most: int) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 20 and least <= int(text) <= most
