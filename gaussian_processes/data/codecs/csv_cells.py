"""One line of CSV: its cells, which of them are numbers, and whether they are names instead."""

import csv
import math
import re
from collections.abc import Iterable, Sequence

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
TRUTHS = {"True": 1.0, "TRUE": 1.0, "true": 1.0, "False": 0.0, "FALSE": 0.0, "false": 0.0}
# What common programs write where there is no finite number: such words are data, and no names.
MISSING = frozenset(("na", "n/a", "#n/a", "nan", "-nan", "null", "none", "nil", "missing", "?", "-", "."))
INFINITE = frozenset(("inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"))

# What else stands between cells, in a line that has no comma.
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}


def split_line(line: bytes) -> list[str]:
    """The cells of a line of UTF-8.

    Raises:
        UnicodeDecodeError: it is no UTF-8.
        csv.Error: a quote is left open, so that the line would go on in the next one; or a cell is too long to be one.
    """
    text = line.decode()
    if text.count('"') % 2:
        raise csv.Error("a quote is left open")
    return next(csv.reader([text]))


def number(cell: str) -> float | None:
    """The finite number in a cell, the truth values being 1 and 0: what pandas reads there; None for anything else."""
    cell = cell.strip()
    if cell in TRUTHS:
        return TRUTHS[cell]
    value = float(cell) if NUMBER.fullmatch(cell) else math.nan
    return value if math.isfinite(value) else None


def are_names(cells: Iterable[str]) -> bool:
    """Whether these are the names of columns: words in every cell, none of them a number or the lack of one."""
    words = [cell.strip() for cell in cells]
    data = MISSING | INFINITE | TRUTHS.keys()
    return all(word and not NUMBER.fullmatch(word) and not {word, word.lower()} & data for word in words)


def fault_of_line(number: int, error: UnicodeDecodeError | csv.Error) -> str:
    """What `split_line` found wrong with line `number`, in words."""
    if isinstance(error, UnicodeDecodeError):
        return f"line {number} is not text in utf-8 ({error.reason}: byte 0x{error.object[error.start]:02x})"
    return f"line {number} is not CSV: {error}"


def fault_of_names(number: int, cells: Iterable[str]) -> str:
    """What is wrong with names in line `number`, where there must be none, in words."""
    return f"line {number} ({','.join(cells)[:60]!r}) has no number in it; if it is a header line, remove it"


def fault_of_separator(cells: Sequence[str]) -> str | None:
    """What seems to separate cells in the place of commas, in words; None where nothing does."""
    other = next((mark for mark in SEPARATORS if len(cells) == 1 and mark in cells[0].strip()), None)
    return f"its cells seem to be separated by {SEPARATORS[other]}; commas are wanted" if other else None
