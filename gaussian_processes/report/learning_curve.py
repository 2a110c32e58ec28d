"""Learning curve: the criterion after each iteration of the learning."""

import numpy as np

from gaussian_processes.algorithm import LearningCurve
from gaussian_processes.report.plot import Plot, Table, drawn, specification
from gaussian_processes.report.quantities import exponent_of, plain, scaled, shortened, titled


def learning_curve(curve: LearningCurve) -> Plot | None:
    """The criterion after each iteration, a line for each run; None where no run has a finite value."""
    runs = {name: np.asarray(values, float) for name, values in curve.runs.items()}
    finite = {name: values[np.isfinite(values)] for name, values in runs.items() if np.isfinite(values).any()}
    if not finite:
        return None
    exponent = exponent_of(*finite.values())
    points = [
        {"run": shortened(name, 40), "iteration": i, "value": drawn(value)}
        for name in finite
        for i, value in enumerate(scaled(runs[name], exponent).tolist(), start=1)
    ]
    criterion = shortened(curve.criterion, 60)
    title = criterion[:1].upper() + criterion[1:]
    best = max(finite, key=lambda name: float(finite[name].max()))
    count, gain = len(runs[best]), float(finite[best][-1] - finite[best][0])
    finding = f"{title} rose by {plain(gain, 4)} to {plain(float(finite[best][-1]))} "
    finding += f"within {count:,} iteration{'s' if count > 1 else ''}"
    finding += f" of the best of {len(finite)} runs, {shortened(best, 60)}." if len(finite) > 1 else "."
    cells = [
        (name, f"{len(runs[name]):,}", plain(float(values[0])), plain(float(values[-1])))
        for name, values in finite.items()
    ]
    return Plot(
        name="learning",
        title=f"{title} over the learning",
        reading="Each point is an iteration of the optimiser; a line that still climbs at its end asks for more iterations.",
        finding=finding,
        table=Table(("Run", "Iterations", "After the first", "After the last"), cells),
        spec=specification("learning", points=points, best=shortened(best, 40), criterion=titled(title, exponent)),
    )
