"""What tests of the local search share."""

import json
import sys
from dataclasses import dataclass

from reference import ROOT

from gaussian_processes.tuning.job import Place
from gaussian_processes.tuning.request import parse_request

REQUEST = ROOT / "local_test/tuning_job.json"
PRETENDED = ROOT / "tests/support/pretended.py"


def document(**config):
    """The committed request with parts of its configuration replaced."""
    request = json.loads(REQUEST.read_text())
    request["HyperParameterTuningJobConfig"].update(config)
    return request


def parsed(**config):
    return parse_request(document(**config), "request.json")


def pretended(static=None, jobs=6, parallel=2, ranges=None, **config):
    """A request for jobs that pretend; by default x from 0 to 1, tried at random."""
    ranges = ranges or {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]}
    limits = {"MaxNumberOfTrainingJobs": jobs, "MaxParallelTrainingJobs": parallel} | config.pop("limits", {})
    request = document(ParameterRanges=ranges, ResourceLimits=limits, **config)
    request["TrainingJobDefinition"]["StaticHyperParameters"] = static or {}
    return parse_request(request, "request.json")


@dataclass(frozen=True)
class Pretending(Place):
    """A place where jobs pretend."""

    def command(self, *_):
        return [sys.executable, str(PRETENDED)]


def place(tmp_path, results="results"):
    """With a channel that nobody reads."""
    (tmp_path / "data/training").mkdir(parents=True, exist_ok=True)
    (tmp_path / results).mkdir(exist_ok=True)
    return Pretending(tmp_path / "data", tmp_path / results, None, 1)


class Quiet:
    """A watcher that remembers."""

    def __init__(self, on_end=lambda: None):
        self.begun, self.values, self.trials, self.warnings, self._on_end = [], [], [], [], on_end

    def began(self, number, combination):
        self.begun.append((number, dict(combination)))

    def printed(self, number, value):
        self.values.append((number, value))

    def warned(self, warning):
        self.warnings.append(warning)

    def ended(self, trial, trials):
        assert trials[-1] is trial
        self.trials.append(trial)
        self._on_end()
