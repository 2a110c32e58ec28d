"""Comparison: a plot of the variants among which a model was chosen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from gaussian_processes.algorithm import Comparison
from gaussian_processes.report.figure import Axis, Dots, Figure, Frame, Key, Label, Mark, Panel, breadth
from gaussian_processes.report.heat_map import Grid, Side
from gaussian_processes.report.label import fitted
from gaussian_processes.report.plot import (
    ASIDE,
    LEGEND,
    TICKS,
    TITLE,
    WIDTH,
    Plot,
    figure_of,
    row_for,
    shortened,
    titled,
    widened,
)
from gaussian_processes.report.quantities import exponent_of, scaled
from gaussian_processes.report.shades import legend, shade
from gaussian_processes.report.variants import Value, Variants, is_number, less, shown

COLUMNS, PANELS = 20, 4  # of a map, at most
LOWEST, HIGHEST, TALL = 20.0, 36.0, 300.0  # of a cell, and of all rows of cells as far as that allows
CAPTION = 22.0  # above each panel of several
MOST, BEST = 40, 20  # rows of the only setting, and rows where there are several
NAMES, HEAD = 200.0, 48.0  # the room at the left of rows, and what a column's name may have of it for itself
GAP = 12.0  # between their columns


@dataclass(frozen=True)
class Map:
    """Variants as cells.

    Attributes:
        x: the setting that runs from the left to the right, by its place among the names.
        y: the one that runs upwards.
        other: the one that tells panels apart; None where there is one panel.
        choices: for each setting its values, in the order of an axis.
    """

    x: int
    y: int
    other: int | None
    choices: tuple[tuple[Value | None, ...], ...]

    @classmethod
    def of(cls, variants: Variants) -> "Map | None":
        """None where two numbers, or two and something of a few values, do not say which variant it is."""
        choices = variants.choices
        places = range(len(choices))
        if len(places) not in {2, 3} or any(None in each for each in choices):
            return None
        numeric = [place for place in places if all(is_number(value) for value in choices[place])]
        other = None
        if len(places) == 3:
            words = [place for place in places if place not in numeric]
            other = words[0] if words else min(reversed(places), key=lambda place: len(choices[place]))
        axes = [place for place in numeric if place != other]
        cells = int(np.prod([len(each) for each in choices]))
        if (
            len(axes) != 2
            or max(len(choices[place]) for place in axes) > COLUMNS
            or (other is not None and len(choices[other]) > PANELS)
            or len(set(variants.settings)) < len(variants)
            or 2 * len(variants) < cells
        ):
            return None
        return cls(axes[0], axes[1], other, choices)

    @property
    def panels(self) -> tuple[Value | None, ...]:
        """What tells them apart."""
        return (None,) if self.other is None else self.choices[self.other]

    def at(self, panel: Value | None, column: int, row: int) -> tuple[Value | None, ...]:
        """The settings of a cell."""
        settings = {self.x: self.choices[self.x][column], self.y: self.choices[self.y][row]}
        if self.other is not None and panel is not None:
            settings[self.other] = panel
        return tuple(settings[place] for place in range(len(self.choices)))


def comparison(compared: Comparison) -> Plot | None:
    """A map where two settings are numbers, rows elsewhere; None where nothing was compared."""
    if not compared.variants:
        return None
    variants = Variants.of(compared)
    layout = Map.of(variants)
    reading, figure = _mapped(variants, layout) if layout else _listed(variants)
    return Plot(
        name="comparison",
        title=f"Variants by {variants.criterion}",
        reading=reading,
        finding=variants.finding,
        figure=figure,
    )


def _mapped(variants: Variants, layout: Map) -> tuple[str, Figure]:
    where = {settings: which for which, settings in enumerate(variants.settings)}
    columns, rows = len(layout.choices[layout.x]), len(layout.choices[layout.y])
    high = min(max(TALL / (rows * len(layout.panels)), LOWEST), HIGHEST)
    across, up = (
        Side(variants.names[place], [shown(v) for v in layout.choices[place]]) for place in (layout.x, layout.y)
    )
    panels: list[Panel] = []
    top, absent, silent = LEGEND, False, False
    for panel in layout.panels:
        marks: list[Mark] = []
        if layout.other is not None:
            top += CAPTION
        grid = Grid.over(across, up, high, top, widens=False)
        if layout.other is not None:
            caption = fitted(f"{shortened(variants.names[layout.other])} = {shown(panel)}", grid.frame.width)
            marks.append(Label(grid.frame.left, top - 7.0, caption, "title"))
        if not panels and variants.known:
            marks += legend(variants.behind[: variants.known].tolist(), grid.frame.left, less)
        for column, row in product(range(columns), range(rows)):
            which = where.get(layout.at(panel, column, row))
            drawn, fits = _cell(variants, which, grid, column, row)
            marks += drawn
            absent, silent = absent or which is None, silent or not fits
        for column, row in product(range(columns), range(rows)):
            if variants.chosen is not None and where.get(layout.at(panel, column, row)) == variants.chosen:
                marks += grid.outline(column, row)
        frame = grid.frame
        if panel != layout.panels[-1]:
            frame = replace(frame, x=replace(frame.x, title=""))
        panels.append(Panel(frame, tuple(marks)))
        top += grid.frame.height + TICKS
    reading = _reading("Each cell is", variants, "is outlined" if variants.chosen is not None else "")
    reading += " The colour follows the logarithm of that difference." if variants.worst else ""
    reading += " Hatched cells could not be computed." if variants.known < len(variants) else ""
    reading += " Cells with a dashed rim were not compared." if absent else ""
    reading += " Numbers that do not fit are left out." if silent else ""
    return reading, Figure(WIDTH, top + TITLE, tuple(panels))


def _cell(variants: Variants, which: int | None, grid: Grid, column: int, row: int) -> tuple[list[Mark], bool]:
    """And whether its number fits."""
    if which is None:
        return [grid.cell("empty", column, row)], True
    if which >= variants.known:
        return [grid.cell("unknown", column, row, variants.told(which)), grid.hatch(column, row)], True
    colour = shade(variants.level(which))
    x, y = grid.middle(column, row)
    cell = grid.cell(f"shade{colour}", column, row, variants.told(which))
    text = variants.difference(which)
    fits = breadth(text) + 5.0 <= grid.size[0]
    return [cell, *([Label(x, y + 4.0, text, f"on{colour} mean", "middle")] if fits else [])], fits


def _listed(variants: Variants) -> tuple[str, Figure]:
    drawn = _drawn(variants)
    texts = [[shown(value) for value in variants.settings[which]] for which in drawn]
    room = _shared(
        [
            max(min(breadth(name), HEAD), *map(breadth, column))
            for name, *column in zip(variants.names, *texts, strict=True)
        ]
    )
    left = sum(room) + GAP * len(room)
    behind = variants.behind[drawn]
    known = np.isfinite(behind)
    exponent = exponent_of(behind[known])
    difference = -scaled(behind, exponent)
    title = titled(f"Less than the best{f',{variants.unit}' if variants.unit else ''}", exponent)
    x = Axis.over(title, *widened(float(difference[known].min(initial=0.0)), 0.0), about=3)
    high = row_for(len(drawn))
    frame = Frame(
        left, LEGEND + 16.0, WIDTH - left - ASIDE, high * len(drawn), x, Axis("", len(drawn) - 0.5, -0.5, (), ())
    )
    at = np.arange(len(drawn), dtype=float)
    middles = frame.down(at).tolist()
    marks: list[Mark] = []
    for i, name in enumerate(variants.names):
        begin = sum(room[:i]) + GAP * i + 4.0
        marks.append(Label(begin, frame.top - 6.0, fitted(name, room[i]), "title"))
        marks += [Label(begin, y + 4.0, fitted(row[i], room[i]), "") for row, y in zip(texts, middles, strict=True)]
    chosen = np.array([which == variants.chosen for which in drawn])
    for kind, radius, shows in (("point", 3.0, known & ~chosen), ("chosen point", 4.5, known & chosen)):
        dots = frame.dots(kind, difference[shows], at[shows], radius)
        told = [variants.told(which) for which, is_shown in zip(drawn, shows.tolist(), strict=True) if is_shown]
        marks.append(Dots(kind, dots.points, radius, told))
    for which, y in zip(drawn, middles, strict=True):
        text = variants.difference(which) if which < variants.known else "not computed"
        marks.append(Label(frame.left + frame.width + 10.0, y + 4.0, text))
    marked = bool(np.any(known & chosen))
    keys = [Key("point", "dot", "compared")] + ([Key("chosen point", "dot", "chosen")] if marked else [])
    reading = _reading("Each row is", variants, "has a rim" if marked else "")
    if len(drawn) < len(variants):
        rest = " and the chosen one" if len(drawn) > BEST else ""
        reading += f" The best {BEST} of {len(variants):,}{rest} are drawn."
    return reading, figure_of(frame, marks, keys)


def _reading(each: str, variants: Variants, mark: str) -> str:
    nats = f", in{variants.unit}" if variants.unit else ""
    chosen = f"; the one that was chosen {mark}" if mark else ""
    return f"{each} a variant, its number its {variants.criterion} less that of the best{nats}{chosen}."


def _drawn(variants: Variants) -> list[int]:
    """The only setting in its own order; of several, the best, and the one that was chosen."""
    everything = list(range(len(variants)))
    if len(variants.names) == 1 and len(variants) <= MOST:
        return sorted(everything, key=lambda which: variants.choices[0].index(variants.settings[which][0]))
    best = everything[:BEST]
    return best if variants.chosen is None or variants.chosen in best else [*best, variants.chosen]


def _shared(wanted: Sequence[float]) -> list[float]:
    """How broad columns are: as they want to be, or less for those that want more than their share of the room."""
    given = [0.0] * len(wanted)
    left = NAMES - GAP * len(wanted)
    for done, i in enumerate(sorted(range(len(wanted)), key=wanted.__getitem__)):
        given[i] = min(wanted[i], left / (len(wanted) - done))
        left -= given[i]
    return given
