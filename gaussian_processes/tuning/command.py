"""Command line: run a tuning-job request on this machine, and print its table."""

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from gaussian_processes.algorithm import load_algorithm
from gaussian_processes.errors import ConfigurationError, ExplainedError, PlatformError, printable
from gaussian_processes.job.planning.resources import available_cores
from gaussian_processes.storage.atomic import write_by_rename
from gaussian_processes.tuning.job import Place
from gaussian_processes.tuning.live_table import Lines, LiveTable, row
from gaussian_processes.tuning.page import page
from gaussian_processes.tuning.request import TuningRequest, parse_request, read_document
from gaussian_processes.tuning.results import (
    BEST,
    LOCK,
    PAGE,
    REQUEST,
    RESULTS,
    TABLE,
    best,
    hold,
    ranked,
    read_results,
)
from gaussian_processes.tuning.search import search, unfinished_removed
from gaussian_processes.tuning.trial import Trial
from gaussian_processes.tuning.warm_start import parents


def main(arguments: Sequence[str]) -> int:
    """Parse the command line, search, print the trials from the best to the worst; 0 if one of them succeeded."""
    given, interruptions = _parser().parse_args(arguments), list[int]()
    try:
        return _run(given, interruptions)
    except KeyboardInterrupt:
        begin = "\n" if sys.stderr.isatty() else ""  # after the ^C that it shows
        said = "The jobs that ran were stopped; the results of the others are kept. Go on with --resume."
        print(f"{begin}{said}", file=sys.stderr)
        return 128 + next(iter(interruptions), signal.SIGINT)
    except (ExplainedError, OSError) as raised:
        error = PlatformError.of(raised) if isinstance(raised, OSError) else raised
        print(printable(str(error)), file=sys.stderr)
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gaussian_processes.tuning",
        description="Run a tuning-job request on this machine, and print its table.",
    )
    parser.add_argument("request", type=Path, help="a CreateHyperParameterTuningJob request, in JSON")
    parser.add_argument("--data", type=Path, required=True, help="a folder that holds one folder for each channel")
    parser.add_argument(
        "--results", type=Path, help="a new folder for the jobs; a numbered one in local_test/results if not given"
    )
    parser.add_argument("--image", help="run each job in this container image instead of in a child process")
    parser.add_argument(
        "--surrogate",
        choices=["gp", "tpe"],
        default="gp",
        help="of the strategy Bayesian: this project's Gaussian process (gp) or Optuna's Parzen estimators (tpe)",
    )
    parser.add_argument("--resume", action="store_true", help="go on with the search that was interrupted in --results")
    return parser


def _run(given: argparse.Namespace, interruptions: list[int]) -> int:
    # What an image trains is known to its jobs alone.
    algorithm = load_algorithm(os.environ) if given.image is None else None
    document, validated = read_document(given.request), (given.data / "validation").is_dir() or not given.data.is_dir()
    request = parse_request(document, given.request.name, algorithm, has_validation=validated)
    config, name = request.hyper_parameter_tuning_job_config, request.hyper_parameter_tuning_job_name
    results = (given.results or _numbered(name)).resolve()
    threads = max(1, available_cores() // config.resource_limits.max_parallel_training_jobs)
    place = Place(given.data.resolve(), results, given.image, threads)
    place.require_data()
    earlier = parents(request, results.parent)
    _require(results, resume=given.resume)
    hold(results)
    trials = _begin(request, document, results, resume=given.resume)
    console = Console()
    print(f"{name}: jobs run in {results}", flush=True)
    live = console.is_terminal
    watcher = LiveTable(console, request, config.number_of_jobs, len(trials)) if live else Lines(console)
    for one in (signal.SIGINT, signal.SIGTERM):  # from here on there is something to stop
        signal.signal(one, lambda signum, _: interruptions.append(signum))
    try:
        with watcher:
            trials = search(request, place, watcher, earlier, trials, given.surrogate, lambda: len(interruptions))
    finally:
        if (results / RESULTS).exists():
            trials = read_results(results, request.objective_regex)
            with write_by_rename(results / PAGE) as stream:
                stream.write(page(request, trials).encode())
    print(f"\n{request.objective.type} {request.objective.metric_name}, the best first:")
    for rank, trial in enumerate(ranked(request, trials), start=1):
        print(f"{rank:>3}  {row(trial)}")
    print(f"\ntable: {results / TABLE}\nplots: {results / PAGE}")
    if best(request, trials) is None:
        return 1
    print(f"best:  SAGEMAKER_BASE_DIR={results / BEST} gaussian_processes/serve")
    return 0


def _numbered(name: str) -> Path:
    """A folder beside those of earlier searches, named like this one."""
    parent, number = Path("local_test/results"), 1
    while (parent / f"{name}.{number}").exists():
        number += 1
    return parent / f"{name}.{number}"


def _require(results: Path, *, resume: bool) -> None:
    """Refuse a folder in which the search can neither begin nor go on."""
    if resume and not (results / REQUEST).exists():
        raise ConfigurationError(f"There is no search in {results} to go on with; name another, or leave --resume out.")
    if not resume and results.is_dir() and any(path.name != LOCK for path in results.iterdir()):
        raise ConfigurationError(
            f"The results folder {results} is not empty; name a new one, or go on with the search in it by --resume."
        )


def _begin(request: TuningRequest, document: object, results: Path, *, resume: bool) -> list[Trial]:
    """Put the request into the folder; or what of the search is done already, if it goes on.

    Raises:
        ConfigurationError: another search is there.
    """
    _require(results, resume=resume)  # again: now nobody else can begin there
    if not resume:
        with write_by_rename(results / REQUEST) as stream:
            stream.write(json.dumps(document, indent=2).encode())
        return []
    if read_document(results / REQUEST) != document:
        raise ConfigurationError(f"The search in {results} was of another request; name its folder, or a new one.")
    done = read_results(results, request.objective_regex) if (results / RESULTS).exists() else []
    unfinished_removed(results, request, done)
    return done
