"""The local search: what is drawn, how jobs are run, how the objective is read."""

import json
import re
import subprocess
import sys

import pytest
from processes import run_train
from reference import DATA, ROOT
from reporting import metrics_in

from gaussian_processes.errors import ConfigurationError
from gaussian_processes.tuning.request import TuningRequest, read_request
from gaussian_processes.tuning.search import Runner, draw_combinations, find_objective, search

REQUEST = ROOT / "local_test/tuning_job.json"


def changed(**config):
    """The committed request with parts of its configuration replaced."""
    request = json.loads(REQUEST.read_text())
    request["HyperParameterTuningJobConfig"].update(config)
    return request


def ignore(_trial):
    """For searches whose trials are looked at when all have ended."""


def parsed(**config):
    return TuningRequest.model_validate(changed(**config))


@pytest.fixture
def data(tmp_path):
    """The example's channels."""
    for channel, name in (("training", "example_train.csv"), ("validation", "example_validation.csv")):
        (tmp_path / "data" / channel).mkdir(parents=True)
        (tmp_path / "data" / channel / name).write_bytes((DATA / name).read_bytes())
    return tmp_path / "data"


def test_the_committed_request_is_the_users():
    """q 0-4, l 1-4, sigma2 static at 0.1, Random, ten jobs, three at a time."""
    request = read_request(REQUEST)
    config = request.hyper_parameter_tuning_job_config
    values = {known.name: [known.at(i) for i in range(known.size)] for known in config.parameter_ranges.discrete}
    assert values == {"q": ["0", "1", "2", "3", "4"], "l": ["1", "2", "3", "4"]}
    assert request.training_job_definition.static_hyper_parameters == {"sigma2": "0.1"}
    assert config.strategy == "Random"
    limits = config.resource_limits
    assert (limits.max_number_of_training_jobs, limits.max_parallel_training_jobs) == (10, 3)


def test_random_combinations_do_not_repeat_and_follow_the_seed():
    """Ten of twenty; the same again for the same seed, others for another."""
    first = draw_combinations(parsed().hyper_parameter_tuning_job_config)
    assert len({tuple(sorted(chosen.items())) for chosen in first}) == 10
    assert draw_combinations(parsed().hyper_parameter_tuning_job_config) == first
    assert draw_combinations(parsed(RandomSeed=2).hyper_parameter_tuning_job_config) != first


def test_a_wide_range_is_not_written_out():
    """A billion whole numbers, two of which are drawn."""
    wide = {"Name": "k", "MinValue": "1", "MaxValue": "1000000000"}
    limits = {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1}
    config = parsed(ParameterRanges={"IntegerParameterRanges": [wide]}, ResourceLimits=limits)
    values = [int(chosen["k"]) for chosen in draw_combinations(config.hyper_parameter_tuning_job_config)]
    assert all(1 <= value <= 10**9 for value in values)


def test_more_jobs_than_combinations_try_each_once():
    """Twenty combinations, a hundred jobs asked for."""
    limits = {"MaxNumberOfTrainingJobs": 100, "MaxParallelTrainingJobs": 3}
    assert len(draw_combinations(parsed(ResourceLimits=limits).hyper_parameter_tuning_job_config)) == 20


def test_a_grid_is_every_combination():
    """Of the values, as strings."""
    ranges = {"CategoricalParameterRanges": [{"Name": "a", "Values": ["x", "y"]}, {"Name": "b", "Values": ["1", "2"]}]}
    config = parsed(Strategy="Grid", ParameterRanges=ranges).hyper_parameter_tuning_job_config
    found = {(chosen["a"], chosen["b"]) for chosen in draw_combinations(config)}
    assert found == {("x", "1"), ("x", "2"), ("y", "1"), ("y", "2")}


def test_continuous_ranges_are_drawn_within_their_bounds():
    """Evenly in the logarithm when the request says so."""
    wide = {"Name": "sigma2", "MinValue": "1e-4", "MaxValue": "1", "ScalingType": "Logarithmic"}
    limits = {"MaxNumberOfTrainingJobs": 400, "MaxParallelTrainingJobs": 1}
    config = parsed(ParameterRanges={"ContinuousParameterRanges": [wide]}, ResourceLimits=limits)
    values = [float(chosen["sigma2"]) for chosen in draw_combinations(config.hyper_parameter_tuning_job_config)]
    assert all(1e-4 <= value <= 1 for value in values)
    assert 150 < sum(value < 1e-2 for value in values) < 250


@pytest.mark.parametrize(
    ("log", "value"),
    [
        ("validation:RMSE=1.5;", 1.5),
        ("validation:RMSE=1.2e-05;", 1.2e-5),
        ("validation:RMSE=3;\nvalidation:RMSE=2;\nother", 2.0),
        ("x validation:RMSE=3; y validation:RMSE=4;", 4.0),
        ("validation:RMSE=3;\nvalidation:RMSE=oops;", 3.0),
        ("validation:RMSE=3;\nvalidation:RMSE=nan;", 3.0),
        ("validation:RMSE=3", None),
        ("validation:RMSE=\n3;", None),
    ],
)
def test_the_objective_is_read_as_sagemaker_reads_it(log, value):
    """Line by line, first group, last match that is a number."""
    assert find_objective(log, re.compile("validation:RMSE=(.*?);")) == value


def test_the_search_agrees_with_training_by_hand(data, tmp_path, example_job):
    """The best comes first, and its number is what `train` prints for those hyperparameters."""
    limits = {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 3}
    ended = []
    trials = search(parsed(ResourceLimits=limits), Runner(data, tmp_path / "results"), ended.append)
    assert len(trials) == 3
    assert sorted(ended, key=lambda trial: trial.number) == sorted(trials, key=lambda trial: trial.number)
    assert [trial.objective for trial in trials] == sorted(trial.objective for trial in trials)
    done = run_train(example_job(sigma2="0.1", **trials[0].combination))
    assert metrics_in(done.stdout)["validation:RMSE"] == trials[0].objective
    assert (trials[0].directory / "model/model.pkl").exists()


def test_maximising_puts_the_largest_first(data, tmp_path):
    """R2, say."""
    objective = {"Type": "Maximize", "MetricName": "validation:R2"}
    limits = {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2}
    request = changed(HyperParameterTuningJobObjective=objective, ResourceLimits=limits)
    request["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"] = [
        {"Name": "validation:R2", "Regex": "validation:R2=(.*?);"}
    ]
    trials = search(TuningRequest.model_validate(request), Runner(data, tmp_path / "results"), ignore)
    assert trials[0].objective >= trials[1].objective


def test_a_job_that_fails_is_recorded_with_its_reason_and_stops_no_other(data, tmp_path):
    """The failure file's first line stands in the table, below the jobs that succeeded."""
    ranges = {"CategoricalParameterRanges": [{"Name": "geometry", "Values": ["sphere", "plane"]}]}
    limits = {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1}
    request = parsed(ParameterRanges=ranges, ResourceLimits=limits)
    good, bad = search(request, Runner(data, tmp_path / "results"), ignore)
    assert (good.combination["geometry"], good.reason) == ("sphere", "")
    assert bad.objective is None
    assert bad.reason.startswith("1 hyperparameter is wrong: geometry is 'plane'")


def test_an_interruption_starts_no_further_job(data, tmp_path):
    """Ctrl-C after the first of ten: those that run are waited for, the rest never begin."""

    def interrupt(_trial):
        raise KeyboardInterrupt

    limits = {"MaxNumberOfTrainingJobs": 10, "MaxParallelTrainingJobs": 1}
    with pytest.raises(KeyboardInterrupt):
        search(parsed(ResourceLimits=limits), Runner(data, tmp_path / "results"), interrupt)
    assert len(list((tmp_path / "results").iterdir())) <= 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r["HyperParameterTuningJobConfig"].update(Strategy="Bayesian"), "Strategy: .*'Random' or 'Grid'"),
        (lambda r: r["TrainingJobDefinition"]["AlgorithmSpecification"].update(MetricDefinitions=[]), "do not define"),
        (
            lambda r: r["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"][0].update(Regex="("),
            "regex",
        ),
        (
            lambda r: r["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"][0].update(Regex="RMSE"),
            r"has no group; validation:RMSE=\(\.\*\?\); would do",
        ),
        (
            lambda r: r["HyperParameterTuningJobConfig"]["ParameterRanges"]["IntegerParameterRanges"][0].update(
                MinValue="9"
            ),
            "q: MinValue 9 is above MaxValue 4",
        ),
        (lambda r: r.pop("TrainingJobDefinition"), "TrainingJobDefinition: Field required"),
    ],
)
def test_a_request_that_cannot_be_run_is_refused_before_any_job(tmp_path, change, message):
    """Field by field, in AWS's names."""
    request = changed()
    change(request)
    (tmp_path / "request.json").write_text(json.dumps(request))
    with pytest.raises(ConfigurationError, match=message):
        read_request(tmp_path / "request.json")


def test_places_that_are_not_there_or_not_empty_are_refused(data, tmp_path):
    """No earlier result is written over."""
    with pytest.raises(ConfigurationError, match="There is no data folder"):
        search(parsed(), Runner(tmp_path / "nowhere", tmp_path / "results"), ignore)
    with pytest.raises(ConfigurationError, match="is not empty"):
        search(parsed(), Runner(data, data), ignore)


def test_the_command_line_prints_the_table(data, tmp_path):
    """Each job as it ends, then all of them from the best to the worst."""
    request = changed(ResourceLimits={"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2})
    (tmp_path / "request.json").write_text(json.dumps(request))
    command = [sys.executable, "-m", "gaussian_processes.tuning", str(tmp_path / "request.json"), "--data", str(data)]
    command += ["--results", str(tmp_path / "results")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    table = done.stdout.partition("Minimize validation:RMSE, the best first:\n")[2].splitlines()
    values = [float(line.split()[-1]) for line in table]
    assert len(values) == 2
    assert values == sorted(values)
