"""Coordinates: an axis for each parameter and one for the objective, a line across them for each job."""

from dataclasses import replace

from gaussian_processes.report.figure import Axis, Dots, Figure, Frame, Mark, Panel, Path, breadth
from gaussian_processes.report.label import fitted
from gaussian_processes.report.plot import LEFT, LEGEND, TICKS, WIDTH, Plot
from gaussian_processes.report.shades import legend, shade
from gaussian_processes.tuning.ranking import Ranking, value_of
from gaussian_processes.tuning.scale import Scale

HEIGHT, TICK = 260.0, 16.0  # of an axis; from a tick to the next, at least
BETWEEN = 104.0  # axes, at least
TALL = 600.0  # an axis is no higher, even if its ticks have less room then
MANY = 60  # lines that hide each other
MARGIN = 50.0  # at the right, for half a title


def coordinates(ranking: Ranking) -> Plot | None:
    """Parallel coordinates of the completed jobs; None where there are none."""
    best = ranking.best
    if best is None or ranking.scale is None:
        return None
    scales = [*ranking.parameters, ranking.scale]
    frames = _frames(scales)
    marks: list[Mark] = []
    many = "many " if len(ranking.completed) > MANY else ""
    for trial in reversed(ranking.completed):
        value = value_of(trial) or 0.0
        places = [scale.find(trial.combination.get(scale.name)) for scale in ranking.parameters]
        points = [
            (frame.left, frame.top + frame.height * _down(scale, place))
            for frame, scale, place in zip(frames, scales, [*places, ranking.scale.place(value)], strict=True)
            if place is not None
        ]
        d = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        colour = f"shade{shade(ranking.level(value))}"
        told = ranking.told(trial)
        if trial is best:
            marks += [Path("halo", d), Path(f"course winner {colour}", d, told), Dots(f"spot {colour}", points, 4.5)]
        else:
            marks.append(Path(f"{many}course {colour}", d, told))
    marks += legend(ranking.values, 14.0)
    width = frames[-1].left + MARGIN
    height = LEGEND + frames[0].height + TICKS
    # The lines go into the first panel: the axes and their ticks come to stand above them.
    panels = [Panel(frame, tuple(marks) if frame is frames[0] else ()) for frame in frames]
    return Plot(
        name="coordinates",
        title="Parameters and objective",
        reading="Each line is a completed job, from its parameters at the left to its value at the right; the colour is "
        "the value, and the thick line with points is the best job.",
        finding=f"Best is job {best.number}: {ranking.combination(best)}.",
        figure=Figure(width, height, tuple(panels)),
    )


def _frames(scales: list[Scale]) -> list[Frame]:
    """Without breadth, as far from each other as their ticks and titles ask for."""
    height = min(max(HEIGHT, *(TICK * len(scale.axis.ticks) for scale in scales)), TALL)
    ticks = [max(map(breadth, scale.axis.labels), default=0.0) + 24.0 for scale in scales]
    left = max(LEFT, ticks[0])
    apart = [max(BETWEEN, room) for room in ticks[1:]]
    spare = max(WIDTH - MARGIN - left - sum(apart), 0.0) / len(apart) if apart else 0.0
    frames = []
    for i, scale in enumerate(scales):
        at = left + sum(apart[:i]) + spare * i
        # The title stands below: a frame draws lines through its ticks where its upright axis has one.
        below = Axis("", -1.0, 1.0, [0.0], [fitted(scale.axis.title, 2.0 * MARGIN - 2.0)])
        frames.append(Frame(at, LEGEND, 0.0, height, below, replace(scale.axis, title="")))
    return frames


def _down(scale: Scale, place: float) -> float:
    """From the top of an axis, as a share of its height."""
    return min(max((scale.axis.high - place) / (scale.axis.high - scale.axis.low), 0.0), 1.0)
