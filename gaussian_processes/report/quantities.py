"""Quantities: numbers of any size, scaled so that they can be drawn; numbers, durations, sizes and shares in words."""

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from gaussian_processes.data.dataset import Array

Value = int | float | str | None
X = TypeVar("X", float, Array)

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def exponent_of(*values: Array) -> int:
    """The power of ten to divide by before numbers are drawn: 0 for numbers of usual size."""
    largest = max(float(np.abs(x).max(initial=0.0)) for x in values)
    exponent = math.floor(math.log10(largest)) if largest else 0
    return 0 if -4 < exponent < 5 else exponent


def scaled(x: X, exponent: int) -> X:
    """Divided by 10**exponent, in two steps, as that may itself be too small to divide by."""
    with np.errstate(over="ignore"):
        return x / 10.0 ** (exponent // 2) / 10.0 ** (exponent - exponent // 2)


def number(value: float) -> str:
    """Six digits, and whole numbers in full."""
    if not math.isfinite(value):
        return "not finite"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:.6g}"


def power_of_ten(exponent: int) -> str:
    """Such as 10⁻³."""
    return f"10{str(exponent).translate(_SUPERSCRIPTS)}"


def duration(seconds: float) -> str:
    """Three digits at most."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 59.95:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def size(count: int) -> str:
    """Bytes, in decimal units."""
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def share(part: float) -> str:
    """In per cent, with two or three digits."""
    return f"{100 * part:.{3 if part >= 0.1 else 2}g} %"


def titled(title: str, exponent: int) -> str:
    """An axis title that says by what the numbers are to be multiplied."""
    return f"{title} (× {power_of_ten(exponent)})" if exponent else title


def in_units(value: float, exponent: int) -> str:
    """A number that was scaled by 10**exponent, in words."""
    digits, power = f"{value:.2e}".split("e")
    exponent += int(power)
    whole = float(f"{digits}e{exponent}")
    return number(whole) if math.isfinite(whole) else f"{digits} × {power_of_ten(exponent)}"


def rows_of(count: int, source: str) -> str:
    """Such as: 100 rows (validation channel)."""
    return f"{count:,} row{'s' if count > 1 else ''} ({source})"


def aligned(values: Sequence[float], digits: int = 6) -> list[str]:
    """Texts with `digits` digits for the smallest number; each by itself if their sizes differ much."""
    sizes = [abs(value) for value in values if value]
    if not sizes or all(value.is_integer() for value in sizes):
        return [plain(value, digits) for value in values]
    first, last = (math.floor(math.log10(size)) for size in (max(sizes), min(sizes)))
    if first - last >= digits or not -4 <= last <= first < digits:
        return [plain(value, digits) for value in values]
    decimals = max(0, min(digits - 1 - last, digits + 1 - first))
    return [f"{value:,.{decimals}f}".replace("-", "−") for value in values]


def plain(value: float, digits: int = 6) -> str:
    """A number with `digits` digits at most, and no zeros at its end."""
    if abs(value) >= 1e6 and digits < 6:
        return f"{value:.{digits}g}".replace("-", "−")
    return number(float(f"{value:.{digits}g}") if abs(value) < 1e300 else value).replace("-", "−")


def shown(value: Value) -> str:
    """A setting's value for people."""
    match value:
        case None:
            return "not set"
        case int() if not isinstance(value, bool):
            return f"{value:,}".replace("-", "−")
        case float():
            return plain(value)
        case _:
            return shortened(str(value))


def is_number(value: Value) -> bool:
    """Whether it has a place on an axis."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def less(behind: float) -> str:
    """A distance from the best as a difference: two digits below 1, one decimal below 100, whole numbers above."""
    if behind == 0.0:
        return "0"
    if behind < 0.995:
        return plain(-behind, 2)
    if behind < 999_999.5:
        return f"−{behind:,.{1 if behind < 99.95 else 0}f}"
    return plain(-behind, 3)


def shortened(text: str, length: int = 28) -> str:
    """A name that fits into a figure; Vega-Lite pastes titles into its expressions without escaping a backslash."""
    shown = "".join(character if character.isprintable() else "�" for character in text)
    shown = shown.replace("\\", "\N{REVERSE SOLIDUS OPERATOR}")
    return shown if len(shown) <= length else f"{shown[: length - 1]}…"
