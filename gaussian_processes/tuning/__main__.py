"""Command line: run a tuning-job request on this machine, and print its table."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from gaussian_processes.algorithm import load_algorithm
from gaussian_processes.errors import ConfigurationError, ExplainedError, PlatformError
from gaussian_processes.files import write_by_rename
from gaussian_processes.job.resources import available_cores
from gaussian_processes.tuning.job import Place
from gaussian_processes.tuning.page import page
from gaussian_processes.tuning.request import TuningRequest, read_request
from gaussian_processes.tuning.results import BEST, PAGE, REQUEST, RESULTS, TABLE, best, ranked, read_results
from gaussian_processes.tuning.search import search, unfinished_removed
from gaussian_processes.tuning.table import Lines, LiveTable, row
from gaussian_processes.tuning.trial import Trial
from gaussian_processes.tuning.warm_start import parents

INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Parse the command line, search, print the trials from the best to the worst; 0 if one of them succeeded."""
    given = _parser().parse_args(arguments)
    try:
        return _run(given)
    except KeyboardInterrupt:
        print(
            "\nThe jobs that ran were stopped; the results of the others are kept. Go on with --resume.",
            file=sys.stderr,
        )
        return INTERRUPTED
    except (ExplainedError, OSError) as raised:
        error = PlatformError.of(raised) if isinstance(raised, OSError) else raised
        print(error, file=sys.stderr)
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


def _run(given: argparse.Namespace) -> int:
    # What an image trains is known to its jobs alone.
    algorithm = load_algorithm(os.environ) if given.image is None else None
    request = read_request(given.request, algorithm, has_validation=(given.data / "validation").is_dir())
    results = (given.results or _numbered(request)).resolve()
    done = _begin(request, given.request, results, resume=given.resume)
    config = request.hyper_parameter_tuning_job_config
    parallel = config.resource_limits.max_parallel_training_jobs
    place = Place(given.data.resolve(), results, given.image, max(1, available_cores() // parallel))
    console = Console()
    print(f"{request.hyper_parameter_tuning_job_name}: jobs run in {results}", flush=True)
    total = config.number_of_jobs
    watcher = LiveTable(console, request, total, len(done)) if console.is_terminal else Lines(console)
    trials = done
    try:
        with watcher:
            trials = search(request, place, watcher, parents(request, results), done, given.surrogate)
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


def _numbered(request: TuningRequest) -> Path:
    """A folder beside those of earlier searches, named like this one."""
    parent, name = Path("local_test/results"), request.hyper_parameter_tuning_job_name
    number = 1
    while (parent / f"{name}.{number}").exists():
        number += 1
    return parent / f"{name}.{number}"


def _begin(request: TuningRequest, source: Path, results: Path, *, resume: bool) -> list[Trial]:
    """Make the folder, with the request in it; what of the search is done already, if it goes on.

    Raises:
        ConfigurationError: another search is there, or none to go on with.
    """
    document = json.loads(source.read_bytes())
    kept = results / REQUEST
    if not resume:
        if results.exists() and any(results.iterdir()):
            raise ConfigurationError(
                f"The results folder {results} is not empty; name a new one, or go on with the search in it by --resume."
            )
        results.mkdir(parents=True, exist_ok=True)
        with write_by_rename(kept) as stream:
            stream.write(json.dumps(document, indent=2).encode())
        return []
    if not kept.exists():
        raise ConfigurationError(f"There is no search in {results} to go on with; leave --resume out.")
    if json.loads(kept.read_bytes()) != document:
        raise ConfigurationError(f"The search in {results} was of another request; name its folder, or a new one.")
    done = read_results(results, request.objective_regex) if (results / RESULTS).exists() else []
    unfinished_removed(results, request, done)
    return done


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
