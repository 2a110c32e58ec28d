"""Answers as the objects of JSON, one a record: {"mean": 0.5, "std": 0.1} or {"error": "..."}."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from gaussian_processes.data.answers import Answer, in_steps


def answer_objects(answers: Iterable[Answer]) -> Iterator[list[dict[str, Any]]]:
    """Some thousands of records at a time: a field for each column, one for each flag that is true, or the fault alone."""
    for answer in in_steps(answers):
        names = tuple(answer.columns)
        rows = zip(*(column.tolist() for column in answer.columns.values()), strict=True)
        faults = answer.faults
        objects: list[dict[str, Any]] = [
            {"error": faults[index]} if index in faults else dict(zip(names, row, strict=True))
            for index, row in enumerate(rows)
        ]
        for name, flag in answer.flags.items():
            for index in np.flatnonzero(flag).tolist():
                objects[index][name] = True
        yield objects
