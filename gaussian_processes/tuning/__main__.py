"""Command line: run a tuning-job request on this machine, and print its table."""

import argparse
import sys
import tempfile
from pathlib import Path

from gaussian_processes.errors import ExplainedError, PlatformError
from gaussian_processes.tuning.request import read_request
from gaussian_processes.tuning.search import Runner, Trial, search


def main(arguments: list[str]) -> int:
    """Parse the command line, search, print the trials from the best to the worst; 0 if one of them succeeded."""
    parser = argparse.ArgumentParser(
        prog="python -m gaussian_processes.tuning",
        description="Run a tuning-job request on this machine, and print its table.",
    )
    parser.add_argument("request", type=Path, help="a CreateHyperParameterTuningJob request, in JSON")
    parser.add_argument("--data", type=Path, required=True, help="a folder that holds one folder for each channel")
    parser.add_argument("--results", type=Path, help="an empty folder for the jobs; a temporary one if not given")
    parser.add_argument("--image", help="run each job in this container image instead of in a child process")
    given = parser.parse_args(arguments)
    try:
        request = read_request(given.request)
        results = given.results or Path(tempfile.mkdtemp(prefix="tuning-"))
        metric = request.objective.metric_name
        print(f"{request.hyper_parameter_tuning_job_name}: jobs run in {results}")
        runner = Runner(given.data.resolve(), results.resolve(), given.image)
        trials = search(request, runner, lambda trial: print(f"job {trial.number:>3}  {_row(trial)}", flush=True))
    except (ExplainedError, OSError) as raised:
        error = PlatformError.of(raised) if isinstance(raised, OSError) else raised
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"\n{request.objective.type} {metric}, the best first:")
    for rank, trial in enumerate(trials, start=1):
        print(f"{rank:>3}  {_row(trial)}")
    return 0 if trials and trials[0].objective is not None else 1


def _row(trial: Trial) -> str:
    chosen = "  ".join(f"{name}={value}" for name, value in trial.combination.items())
    return f"{chosen}  {trial.reason if trial.objective is None else f'{trial.objective:.6g}'}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
