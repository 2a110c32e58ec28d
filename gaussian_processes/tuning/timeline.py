"""Timeline: the jobs of a search against time."""

from itertools import accumulate
from pathlib import Path
from typing import Any

from gaussian_processes.report.plot import Plot, drawn, specification
from gaussian_processes.report.quantities import duration, plain
from gaussian_processes.tuning.ranking import Ranking, status_of, value_of

SPECS = Path(__file__).parent / "specs"
LANE = 26  # pixels of a row of the timeline
LOOKS = {
    "completed": ("circle", "var(--point)"),
    "stopped": ("diamond", "var(--axis)"),
    "failed": ("cross", "var(--missing)"),
    "no value": ("cross", "var(--axis)"),
}


def progress(ranking: Ranking) -> Plot | None:
    """Each job when it ended, and the best value so far; None where none completed with a value."""
    best, scale = ranking.best, ranking.scale
    if best is None or scale is None:
        return None
    ended = sorted(ranking.completed, key=lambda trial: (trial.ended, trial.number))
    numbers = (scale.number(value_of(trial) or 0.0) for trial in ended)
    so_far = list(accumulate(numbers, min if ranking.minimize else max))
    when = [*(ranking.end(trial) for trial in ended), ranking.last]
    steps = [{"ended": drawn(t), "value": drawn(v)} for t, v in zip(when, [*so_far, so_far[-1]], strict=True)]
    looks = {"steps": steps, "objective": scale.axis("value"), **_looks(ranking)}
    return Plot(
        name="progress",
        title="Objective against time",
        reading="Each point is a job at the time when it ended; the line is the best value so far.",
        finding=f"Job {best.number} ended after {duration(ranking.end(best))} with the best value, "
        f"{plain(value_of(best) or 0.0)}.",
        spec=specification("progress", SPECS, **looks),
    )


def timeline(ranking: Ranking) -> Plot:
    """A bar for each job from its beginning to its end, in as many rows as jobs ran at once."""
    longest = max(ranking.trials, key=lambda trial: trial.ended - trial.began)
    together = duration(sum(max(trial.ended - trial.began, 0.0) for trial in ranking.trials))
    return Plot(
        name="timeline",
        title="Timeline of jobs",
        reading="Each bar is a job from its beginning to its end; jobs in the same row ran one after the other.",
        finding=f"Job {longest.number} took the longest, {duration(max(longest.ended - longest.began, 0.0))}; all jobs together worked for {together}.",
        spec=specification("timeline", SPECS, height=LANE * max(2, *ranking.lanes.values()), **_looks(ranking)),
    )


def _looks(ranking: Ranking) -> dict[str, Any]:
    """Values of both specifications: the legend has the kinds of jobs that there are."""
    there = {status_of(trial) for trial in ranking.trials}
    kinds = {name: look for name, look in LOOKS.items() if name in there}
    shapes, colours = zip(*kinds.values(), strict=True)
    status = {"field": "status", "type": "nominal", "legend": {"title": None, "orient": "top"}}
    return {
        "seconds": [0.0, 1.04 * ranking.last or 1.0],
        "colour": {**status, "scale": {"domain": list(kinds), "range": colours}},
        "shape": {**status, "scale": {"domain": list(kinds), "range": shapes}},
        "dimmed": specification("dimmed", SPECS, opacity=0.9),
    }
