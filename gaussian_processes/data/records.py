"""Records in, answers out: a request in pieces, of which each keeps its number of records whatever is wrong with one."""

from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from gaussian_processes.data.dataset import Array

STEP = 1 << 14  # numbers that are put into words at once, and records: some milliseconds of the interpreter's lock


@dataclass(frozen=True, eq=False)
class Records:
    """Some of a request's records, in their order.

    Attributes:
        values: (n, width) numbers, finite but where a record is at fault: NaN there.
        faults: what is wrong with a record, in words, by its index in this piece.
        columns: the names of the columns, where the request has them.
    """

    values: Array
    faults: Mapping[int, str] = field(default_factory=dict)
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True, eq=False)
class Answer:
    """What is said of some of a request's records, in their order.

    Attributes:
        columns: by name, (n,) or some beside each other (n, k); NaN where a record is at fault. There is at least one.
        flags: by name, (n,) truth values, of which only the true ones are worth a word.
        faults: what is wrong with a record, in words, by its index in this piece.
    """

    columns: Mapping[str, Array]
    flags: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    faults: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


def in_steps(answers: Iterable[Answer]) -> Iterator[Answer]:
    """The same records, some thousands at a time; an answer about none is left out."""
    for answer in answers:
        at_fault = sorted(answer.faults)
        step = max(1, STEP // (1 + sum(column[:1].size for column in answer.columns.values())))
        for start in range(0, len(answer), step):
            part = slice(start, start + step)
            yield Answer(
                {name: column[part] for name, column in answer.columns.items()},
                {name: flag[part] for name, flag in answer.flags.items()},
                {
                    row - start: answer.faults[row]
                    for row in at_fault[bisect(at_fault, start - 1) : bisect(at_fault, start + step - 1)]
                },
            )
