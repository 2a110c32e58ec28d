"""Answers as the objects of JSON, one a record: {"mean": 0.5, "std": 0.1} or {"error": "..."}."""

import json
from collections.abc import Iterable, Iterator
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

import numpy as np

from gaussian_processes.data.records import Answer, in_steps


def answer_objects(answers: Iterable[Answer]) -> Iterator[list[str]]:
    """Some thousands of records at a time: a field for each column, one for each flag that is true, or the fault alone.

    Raises:
        ValueError: a number that JSON has no word for.
    """
    for answer in in_steps(answers):
        names, faults = tuple(answer.columns), answer.faults
        good = np.delete(np.arange(len(answer)), list(faults))
        rows = zip(*(column[good].tolist() for column in answer.columns.values()), strict=True)
        objects: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in rows]
        for name, flag in answer.flags.items():
            for index in np.flatnonzero(flag[good]).tolist():
                objects[index][name] = True
        # At once: a call for each costs ten times as much. They hold numbers alone, and no text with such signs in it.
        texts = iter(json.dumps(objects, allow_nan=False)[1:-1].replace("}, {", "}\n{").split("\n"))
        yield [f'{{"error": {quoted(faults[at])}}}' if at in faults else next(texts) for at in range(len(answer))]
