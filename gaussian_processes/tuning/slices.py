"""Slices: the objective over one parameter each, and over two."""

from collections.abc import Iterator
from typing import Any

from gaussian_processes.report.plot import Plot, specification
from gaussian_processes.report.quantities import shortened
from gaussian_processes.tuning.ranking import Ranking, shown
from gaussian_processes.tuning.timeline import SPECS

MOST = 12  # parameters with a slice


def slices(ranking: Ranking) -> Iterator[Plot]:
    """A plot for each parameter that some completed job has, up to MOST of them."""
    best, scale = ranking.best, ranking.scale
    if best is None or scale is None:
        return
    for i, parameter in enumerate(ranking.parameters[:MOST]):
        if any(parameter.find(trial.combination.get(parameter.name)) is not None for trial in ranking.completed):
            name = shortened(parameter.name)
            yield Plot(
                name=f"slice_{i}",
                title=f"{shortened(ranking.metric)} over {name}",
                reading="Each point is a completed job; the colour is the rank of its value.",
                finding=f"The best job has {name} = {shown(parameter, best.combination.get(parameter.name))}.",
                spec=_points(ranking, parameter.axis(f"p{i}"), scale.axis("value"), 240),
            )


def pair(ranking: Ranking) -> Plot | None:
    """A point for each completed job over two parameters; None where none has both."""
    best, scales = ranking.best, ranking.parameters
    both = [t for t in ranking.completed if all(s.find(t.combination.get(s.name)) is not None for s in scales)]
    if best is None or not both:
        return None
    return Plot(
        name="pair",
        title="Objective over both parameters",
        reading="Each point is a completed job; the colour is the rank of its value, and the large point with a rim is the "
        "best job.",
        finding=f"Best is job {best.number}: {ranking.combination(best)}.",
        spec=_points(ranking, scales[0].axis("p0"), scales[1].axis("p1"), 320),
    )


def _points(ranking: Ranking, x: dict[str, Any], y: dict[str, Any], height: int) -> Any:
    there = f"datum.status === 'completed' && datum.{x['field']} !== null && datum.{y['field']} !== null"
    dimmed = specification("dimmed", SPECS, opacity=1)
    return specification("points", SPECS, **ranking.shades, x=x, y=y, height=height, there=there, dimmed=dimmed)
