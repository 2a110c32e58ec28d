"""Progress: the objective against time."""

from collections.abc import Sequence

import numpy as np

from gaussian_processes.data.dataset import Array
from gaussian_processes.report.digits import plain
from gaussian_processes.report.figure import Axis, Dots, Key, Mark, Path
from gaussian_processes.report.plot import Plot, figure_of, frame_for
from gaussian_processes.report.quantities import duration
from gaussian_processes.tuning.ranking import Ranking, value_of
from gaussian_processes.tuning.trial import Trial

CROSS = 3.5  # half its width


def progress(ranking: Ranking) -> Plot | None:
    """Each job when it ended, and the best value so far; None where none completed with a value."""
    best, scale = ranking.best, ranking.scale
    if best is None or scale is None:
        return None
    start = min(trial.began for trial in ranking.trials)
    last = max(max(trial.ended for trial in ranking.trials) - start, 0.0)
    x = Axis.over("Time since the first job began (s)", 0.0, 1.04 * last or 1.0)
    frame = frame_for(x, scale.axis)

    def when(trials: Sequence[Trial]) -> Array:
        return np.array([trial.ended - start for trial in trials], float)

    def where(trials: Sequence[Trial]) -> Array:
        return np.array([scale.place(value_of(trial) or 0.0) for trial in trials], float)

    ended = sorted(ranking.completed, key=lambda trial: (trial.ended, trial.number))
    stopped = [trial for trial in ranking.trials if trial.status != "Completed" and value_of(trial) is not None]
    without = [trial for trial in ranking.trials if value_of(trial) is None]
    so_far = (np.minimum if ranking.minimize else np.maximum).accumulate(where(ended))
    steps = np.append(np.repeat(when(ended), 2)[1:], last), np.repeat(so_far, 2)
    marks: list[Mark] = [frame.line("line", *steps)]
    keys = [Key("point", "dot", "completed"), Key("line", "line", "best so far")]
    groups = [("point", ended)]
    if stopped:
        groups.insert(0, ("start", stopped))
        keys.insert(1, Key("start", "dot", "stopped"))
    for kind, trials in groups:
        points = frame.dots(kind, when(trials), where(trials)).points
        marks.append(Dots(kind, points, 3.5, [ranking.told(trial) for trial in trials]))
    bottom = frame.top + frame.height
    for trial, across in zip(without, frame.across(when(without)).tolist(), strict=True):
        d = f"M{across - CROSS:.1f} {bottom - CROSS:.1f}l7 7m0 -7l-7 7"
        marks.append(Path("failure", d, ranking.told(trial)))
    if without:
        failed = all(trial.status == "Failed" for trial in without)
        keys.append(Key("failure", "cross", "failed" if failed else "no value"))
    return Plot(
        name="progress",
        title="Objective against time",
        reading="Each point is a job at the time when it ended; the line is the best value so far.",
        finding=f"Job {best.number} ended after {duration(max(best.ended - start, 0.0))} with the best value, "
        f"{plain(value_of(best) or 0.0)}.",
        figure=figure_of(frame, marks, keys),
    )
