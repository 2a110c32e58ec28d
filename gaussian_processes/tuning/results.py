"""Results: what a search leaves, and how it is found again."""

import csv
import io
import json
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Any

from gaussian_processes.errors import ConfigurationError
from gaussian_processes.storage.atomic import write_by_rename
from gaussian_processes.tuning.job import values_in
from gaussian_processes.tuning.request import TuningRequest
from gaussian_processes.tuning.service_model import complaints, service
from gaussian_processes.tuning.trial import Trial

# SageMaker's names for where a job runs, filled in for a machine that is nobody's.
ARN = "arn:aws:sagemaker:local:000000000000"
RESULTS, TABLE, REQUEST, BEST, PAGE = "results.json", "results.csv", "request.json", "best", "tuning.html"
LOCK, ANSWER = ".lock", "ListTrainingJobsForHyperParameterTuningJob"


def ranked(request: TuningRequest, trials: Sequence[Trial]) -> list[Trial]:
    """The best first; of equal ones, and of those that have no objective, the earlier."""
    sign = request.objective.sign
    with_value = sorted(
        (trial for trial in trials if trial.objective is not None),
        key=lambda trial: (sign * (trial.objective or 0.0), trial.number),
    )
    return with_value + sorted((t for t in trials if t.objective is None), key=lambda trial: trial.number)


def best(request: TuningRequest, trials: Sequence[Trial]) -> Trial | None:
    """The trial whose model is the result; None where no job succeeded."""
    completed = [trial for trial in trials if trial.status == "Completed" and trial.objective is not None]
    return next(iter(ranked(request, completed)), None)


def write_results(folder: Path, request: TuningRequest, trials: Sequence[Trial]) -> None:
    """results.json, as ListTrainingJobsForHyperParameterTuningJob answers; results.csv; `best`, a link to the best job.

    Raises:
        OSError: the folder cannot be written to.
    """
    in_order = sorted(trials, key=lambda trial: trial.number)
    summaries = {"TrainingJobSummaries": [summary(request, trial) for trial in in_order]}
    with write_by_rename(folder / RESULTS) as stream:
        stream.write(json.dumps(summaries, indent=2).encode())
    with write_by_rename(folder / TABLE) as stream:
        stream.write(_table(request, trials).encode())
    winner = best(request, trials)
    if winner is not None:
        link = folder / f".{BEST}"
        link.unlink(missing_ok=True)
        link.symlink_to(winner.directory.name, target_is_directory=True)
        link.replace(folder / BEST)


def summary(request: TuningRequest, trial: Trial) -> dict[str, Any]:
    """A HyperParameterTrainingJobSummary."""
    found: dict[str, Any] = {
        "TrainingJobName": trial.directory.name,
        "TrainingJobArn": f"{ARN}:training-job/{trial.directory.name}",
        "TuningJobName": request.hyper_parameter_tuning_job_name,
        "CreationTime": _time(trial.began),
        "TrainingStartTime": _time(trial.began),
        "TrainingEndTime": _time(trial.ended),
        "TrainingJobStatus": trial.status,
        "TunedHyperParameters": dict(trial.combination),
        "ObjectiveStatus": "Failed" if trial.objective is None else "Succeeded",
    }
    if trial.reason:
        found["FailureReason"] = trial.reason[:1024]
    if trial.objective is not None:
        metric = {"MetricName": request.objective.metric_name, "Value": trial.objective}
        found["FinalHyperParameterTuningJobObjectiveMetric"] = {"Type": request.objective.type, **metric}
    return found


def hold(folder: Path) -> None:
    """Make a folder, and keep other searches out of it until this process ends, however it does.

    Raises:
        ConfigurationError: it cannot be made, or another search has it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        flock(os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666), LOCK_EX | LOCK_NB)
    except (FileExistsError, NotADirectoryError):
        raise ConfigurationError(f"The results folder {folder} is a file; name a folder with --results.") from None
    except BlockingIOError:
        raise ConfigurationError(
            f"Another search runs in {folder}; wait until it has ended, or name a new one."
        ) from None


def read_results(folder: Path, regex: re.Pattern[str]) -> list[Trial]:
    """The trials of a search, from its results.json and its jobs' logs.

    Raises:
        ConfigurationError: there are none, or they are not as `write_results` leaves them.
    """
    path = folder / RESULTS
    try:
        document = json.loads(path.read_bytes())
        wrong = complaints(service("sagemaker").operation_model(ANSWER).output_shape, document)
        if not wrong:
            return [_trial(folder, one, regex) for one in document["TrainingJobSummaries"]]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        wrong = [f"{error!r}."]
    except OSError as error:
        raise ConfigurationError(f"The results {path} cannot be read: {error.strerror}.") from None
    remedy = "Put back what was there, or remove the file: its jobs run again."
    raise ConfigurationError(f"The results {path} are not as a search leaves them: {wrong[0]} {remedy}")


def _trial(folder: Path, found: dict[str, Any], regex: re.Pattern[str]) -> Trial:
    directory = folder / found["TrainingJobName"]
    log, final = directory / "log.txt", found.get("FinalHyperParameterTuningJobObjectiveMetric")
    values: tuple[float, ...] = () if final is None else (float(final["Value"]),)
    if log.is_file():
        with suppress(TimeoutError):
            values = tuple(values_in(log.read_text(encoding="utf-8", errors="replace"), regex)) or values
    return Trial(
        number=int(directory.name.rpartition("-")[2]),
        combination=found["TunedHyperParameters"],
        status=found["TrainingJobStatus"],
        values=values,
        reason=found.get("FailureReason", ""),
        directory=directory,
        began=datetime.fromisoformat(found["TrainingStartTime"]).timestamp(),
        ended=datetime.fromisoformat(found["TrainingEndTime"]).timestamp(),
    )


def _table(request: TuningRequest, trials: Sequence[Trial]) -> str:
    names = [one.name for one in request.hyper_parameter_tuning_job_config.parameter_ranges.all]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["number", "status", "objective", "reason", "seconds", *names])
    for trial in ranked(request, trials):
        objective = "" if trial.objective is None else repr(trial.objective)
        seconds = f"{trial.ended - trial.began:.3f}"
        chosen = [trial.combination.get(name, "") for name in names]
        writer.writerow([trial.number, trial.status, objective, trial.reason, seconds, *chosen])
    return text.getvalue()


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
