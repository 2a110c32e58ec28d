"""Quantities: numbers of any size made fit to be drawn, and numbers, durations, sizes and shares in words."""

import math

import numpy as np

from gaussian_processes.data.dataset import Array

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def exponent_of(*values: Array) -> int:
    """The power of ten to divide by before numbers are drawn: 0 for numbers of usual size."""
    largest = max(float(np.abs(x).max(initial=0.0)) for x in values)
    exponent = math.floor(math.log10(largest)) if largest else 0
    return 0 if -4 < exponent < 5 else exponent


def scaled(x: Array, exponent: int) -> Array:
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
