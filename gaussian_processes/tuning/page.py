"""Page: a search as one HTML file, for people."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaussian_processes.report.page import Drawing, templates_in
from gaussian_processes.report.plot import Plot
from gaussian_processes.report.quantities import aligned, duration
from gaussian_processes.tuning.coordinates import coordinates
from gaussian_processes.tuning.pairs import can_be_mapped, heat_map
from gaussian_processes.tuning.ranking import Ranking, value_of
from gaussian_processes.tuning.request import TuningRequest
from gaussian_processes.tuning.scale import Scale
from gaussian_processes.tuning.slices import pair, slices
from gaussian_processes.tuning.timeline import progress, timeline
from gaussian_processes.tuning.trial import Trial


@dataclass(frozen=True)
class Datum:
    """A value for people and for programs; `number` where it is one."""

    text: str
    value: str
    number: bool


def page(request: TuningRequest, trials: Sequence[Trial]) -> str:
    """What a search found, in a file that needs no other, and no network."""
    ranking = Ranking.of(request, trials)
    rows = _rows(ranking)
    plots = list(_plots(ranking))
    template = templates_in(Path(__file__).parent).get_template("tuning.html")
    return template.render(
        job=request.hyper_parameter_tuning_job_name,
        ranking=ranking,
        rows=rows,
        best=next((row for row in rows if row["best"]), None),
        counts=_counts(trials),
        took=_took(trials),
        plots=plots,
        drawing=Drawing.of(plots, "jobs", ranking.columns),
    )


def _plots(ranking: Ranking) -> Iterator[Plot]:
    if ranking.best is None:
        return
    drawn: list[Plot | None] = [progress(ranking), timeline(ranking)]
    if len(ranking.parameters) == 2:
        drawn.append((heat_map if can_be_mapped(ranking.parameters) else pair)(ranking))
    drawn += [*slices(ranking), coordinates(ranking)]
    yield from (plot for plot in drawn if plot is not None)


def _rows(ranking: Ranking) -> list[dict[str, Any]]:
    columns = [_parameter(scale, ranking.trials) for scale in ranking.parameters]
    values = [value_of(trial) for trial in ranking.trials]
    texts = iter(aligned([value for value in values if value is not None]))
    return [
        {
            "trial": trial,
            "best": trial is ranking.best,
            "parameters": [column[i] for column in columns],
            "objective": Datum("none", "", number=True)
            if value is None
            else Datum(next(texts), repr(value), number=True),
            "took": _duration(trial.ended - trial.began),
        }
        for i, (trial, value) in enumerate(zip(ranking.trials, values, strict=True))
    ]


def _parameter(scale: Scale, trials: Sequence[Trial]) -> list[Datum]:
    """A column of the table; what cannot be read as a number stays as it is."""
    given = [trial.combination.get(scale.name) for trial in trials]
    if scale.kind == "places":
        return [Datum("not set" if text is None else text, text or "", number=False) for text in given]
    read = [text is not None and scale.find(text) is not None for text in given]
    numbers = iter(aligned([float(text or 0) for text, known in zip(given, read, strict=True) if known], 5))
    return [
        Datum(next(numbers) if known else text or "not set", text or "", number=True)
        for text, known in zip(given, read, strict=True)
    ]


def _counts(trials: Sequence[Trial]) -> str:
    """Such as: 8 completed, 1 failed, 1 stopped."""
    counts = Counter(trial.status for trial in trials)
    return ", ".join(f"{counts[status]:,} {status.lower()}" for status in ("Completed", "Failed", "Stopped"))


def _took(trials: Sequence[Trial]) -> Datum | None:
    """From the first beginning to the last end."""
    if not trials:
        return None
    return _duration(max(trial.ended for trial in trials) - min(trial.began for trial in trials))


def _duration(seconds: float) -> Datum:
    seconds = max(seconds, 0.0)
    return Datum(duration(seconds), f"{seconds:.3f}", number=True)
