"""Coordinates: an axis for each parameter and one for the objective, a line across them for each job."""

from gaussian_processes.report.plot import Plot, specification
from gaussian_processes.report.quantities import shortened
from gaussian_processes.tuning.ranking import Ranking, value_of
from gaussian_processes.tuning.timeline import SPECS

BETWEEN = 96  # pixels from an axis to the next, at least
MANY = 60  # lines that hide each other


def coordinates(ranking: Ranking) -> Plot | None:
    """Parallel coordinates of the completed jobs; None where there are none."""
    best = ranking.best
    if best is None or ranking.scale is None:
        return None
    scales = [*ranking.parameters, ranking.scale]
    points = []
    for trial in reversed(ranking.completed):
        value = value_of(trial) or 0.0
        found = [scale.find(trial.combination.get(scale.name)) for scale in ranking.parameters]
        job = {"row": trial.number, "best": trial is best, "shade": ranking.shade(value), "told": ranking.told(trial)}
        for i, (scale, place) in enumerate(zip(scales, [*found, ranking.scale.number(value)], strict=True)):
            if place is not None:
                points.append({**job, "axis": i, "share": scale.share(place)})
    labels = [{"axis": i, "share": share, "label": label} for i, s in enumerate(scales) for share, label in s.ends]
    shades = ranking.shades
    shades["shade"]["legend"] |= {"symbolType": "stroke"}
    return Plot(
        name="coordinates",
        title="Parameters and objective",
        reading="Each line is a completed job, from its parameters at the left to its value at the right; the colour is "
        "the rank of the value, and the thick line is the best job.",
        finding=f"Best is job {best.number}: {ranking.combination(best)}.",
        breadth=BETWEEN * len(scales),
        spec=specification(
            "coordinates",
            SPECS,
            **shades,
            points=points,
            labels=labels,
            names=[shortened(scale.name, 20) for scale in scales],
            axes=list(range(len(scales))),
            dimmed=specification("dimmed", SPECS, opacity=0.5 if len(ranking.completed) > MANY else 0.85),
        ),
    )
