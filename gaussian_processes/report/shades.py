"""Shades: colours from the best value to the worst, which those who see few colours can tell apart too."""

from collections.abc import Callable, Sequence

from gaussian_processes.report.digits import plain
from gaussian_processes.report.figure import Label, Mark, Path, breadth

# Viridis, whose lightness runs one way: the best stands out most from the paper.
LIGHT = ("#440154", "#46307e", "#375a8c", "#287d8e", "#1f9f88", "#44bf70", "#95d840")
DARK = ("#fde725", "#aadc32", "#5cc863", "#26ad81", "#218f8d", "#2d708e", "#3c4f8a")
INKS = ("#ffffff", "#0b0e12")  # of a text on a shade
SWATCH = 17.0


def shade(level: float) -> int:
    """Which colour a level from 0 to 1 has."""
    return min(int(level * len(LIGHT)), len(LIGHT) - 1)


def colours(shades: tuple[str, ...]) -> dict[str, str]:
    """By the names that the style sheet knows: shade0 is the best, on0 a text on it."""
    named = {f"shade{i}": colour for i, colour in enumerate(shades)}
    return named | {f"on{i}": max(INKS, key=lambda ink: contrast(ink, colour)) for i, colour in enumerate(shades)}


def contrast(one: str, other: str) -> float:
    """Of two colours, from 1 to 21, as the Web Content Accessibility Guidelines define it."""
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def legend(
    values: Sequence[float], left: float, told: Callable[[float], str] = lambda value: plain(value, 4)
) -> list[Mark]:
    """The best value, the shades from it to the worst, and the worst value, above a frame.

    Args:
        values: from the best to the worst.
        left: of the frame.
        told: a value in words.
    """
    if values[0] == values[-1]:
        text = f"{'all' if len(values) > 1 else 'only'} {told(values[0])}"
        return [_swatch(0, left), Label(left + SWATCH + 7.0, 18.0, text, "")]
    best, worst = told(values[0]), told(values[-1])
    begin = left + 1.15 * breadth(f"best {best}") + 7.0  # fonts differ
    end = begin + SWATCH * len(LIGHT)
    marks: list[Mark] = [_swatch(i, begin + SWATCH * i) for i in range(len(LIGHT))]
    return [Label(begin - 7.0, 18.0, f"best {best}", "", "end"), *marks, Label(end + 7.0, 18.0, f"{worst} worst", "")]


def _swatch(which: int, left: float) -> Path:
    return Path(f"cell shade{which}", f"M{left:.1f} 8h{SWATCH}v12h-{SWATCH}Z")


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
