"""Pair: the objective over two parameters, as points."""

import numpy as np

from gaussian_processes.report.figure import Dots, Mark
from gaussian_processes.report.plot import Plot, figure_of, frame_for
from gaussian_processes.report.shades import legend, shade
from gaussian_processes.tuning.ranking import Ranking, value_of


def pair(ranking: Ranking) -> Plot | None:
    """A point for each completed job; None where none has both parameters."""
    x, y = ranking.parameters
    frame = frame_for(x.axis, y.axis)
    marks: list[Mark] = []
    for trial in reversed(ranking.completed):
        places = x.find(trial.combination.get(x.name)), y.find(trial.combination.get(y.name))
        if places[0] is None or places[1] is None:
            continue
        points = frame.dots("", np.array([places[0]]), np.array([places[1]])).points
        colour = f"shade{shade(ranking.level(value_of(trial) or 0.0))}"
        kind, radius = (f"winner spot {colour}", 6.0) if trial is ranking.best else (f"spot {colour}", 4.0)
        marks.append(Dots(kind, points, radius, [ranking.told(trial)]))
    if not marks or ranking.best is None:
        return None
    return Plot(
        name="pair",
        title="Objective over both parameters",
        reading="Each point is a completed job; the colour is its value, and the large point with a rim is the best job.",
        finding=f"Best is job {ranking.best.number}: {ranking.combination(ranking.best)}.",
        figure=figure_of(frame, [*legend(ranking.values, frame.left), *marks]),
    )
