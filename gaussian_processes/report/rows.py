"""Rows: plots with a name at the left of each."""

from collections.abc import Mapping

import numpy as np

from gaussian_processes.report.figure import Axis, Key, Label, Mark
from gaussian_processes.report.plot import LEGEND, Plot, figure_of, rows_for, titled, widened
from gaussian_processes.report.quantities import duration, exponent_of, number, scaled, share

MOST = 40  # rows in a figure


def timings(seconds: Mapping[str, float]) -> Plot:
    """A bar for each phase."""
    values = np.array(list(seconds.values()), float)
    total, longest = float(values.sum()), float(values.max())
    shares = [share(value / total) if total else "0 %" for value in values.tolist()]
    x = Axis.over("Seconds", 0.0, 1.02 * longest or 1.0, about=4)
    frame = rows_for(x, list(seconds), top=8.0)
    at = np.arange(len(values), dtype=float)
    marks: list[Mark] = [frame.bars("bar", at - 0.3, at + 0.3, values)]
    for end, middle, value, part in zip(
        frame.across(values).tolist(), frame.down(at).tolist(), values.tolist(), shares, strict=True
    ):
        marks.append(Label(end + 6.0, middle + 4.0, f"{duration(value)} ({part})"))
    slowest = int(values.argmax())
    return Plot(
        name="timings",
        title="Timings",
        reading="Each bar is the time that a phase of the job took.",
        finding=f"Of {duration(total)} in all, {list(seconds)[slowest]} took {shares[slowest]}.",
        figure=figure_of(frame, marks),
    )


def learned_hyperparameters(learned: Mapping[str, float], given: Mapping[str, object]) -> Plot | None:
    """From the value that learning began with, where that is a number, to the one found; None with nothing to draw."""
    finite = {name: value for name, value in learned.items() if np.isfinite(value)}
    if not finite:
        return None
    names = list(finite)[:MOST]
    end = np.array([finite[name] for name in names], float)
    begin = np.array([_number(given.get(name)) for name in names])
    shown = np.concatenate([end, begin[np.isfinite(begin)]])
    title, reading = "Value", "A filled point is a learned value"
    positive = shown[shown > 0.0]
    if end.min() >= 0.0 and positive.size and positive.max() > 20.0 * positive.min():
        # Learning begins elsewhere where what was given has no logarithm.
        with np.errstate(divide="ignore", invalid="ignore"):
            end, begin = np.log10(end), np.log10(begin)
        x = Axis.over_decades(title, *widened(float(np.log10(positive.min())), float(np.log10(positive.max()))))
    else:
        exponent = exponent_of(shown)
        end, begin, shown = (scaled(values, exponent) for values in (end, begin, shown))
        x = Axis.over(titled(title, exponent), *widened(float(shown.min()), float(shown.max())), about=4)
    frame = rows_for(x, names, top=LEGEND)
    at = np.arange(len(names), dtype=float)
    drawn = np.isfinite(end)
    known = np.isfinite(begin) & drawn
    keys = [Key("point", "dot", "learned")]
    if known.any():
        reading += ", the open one the value that learning began with"
        keys.insert(0, Key("start", "dot", "before"))
    if not drawn.all():
        reading += "; what is 0 has no place on this axis"
    marks: list[Mark] = [
        frame.line("change", np.array([a, b]), np.array([row, row]))
        for a, b, row in zip(begin[known].tolist(), end[known].tolist(), at[known].tolist(), strict=True)
    ]
    marks += [frame.dots("start", begin[known], at[known]), frame.dots("point", end[drawn], at[drawn])]
    middles = frame.down(at).tolist()
    aside = frame.left + frame.width + 10.0
    marks += [Label(aside, y + 4.0, number(finite[name])) for name, y in zip(names, middles, strict=True)]
    many = "1 hyperparameter was" if len(learned) == 1 else f"{len(learned)} hyperparameters were"
    return Plot(
        name="learned_hyperparameters",
        title="Learned hyperparameters",
        reading=f"{reading}.",
        finding=f"{many} learned from the training channel"
        + (f"; {len(names)} are drawn." if len(names) < len(learned) else "."),
        figure=figure_of(frame, marks, keys),
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else np.nan
