"""The local search: what is tried, how jobs are run, stopped and learnt from."""

import json
import re
import statistics
import time

import botocore.session
import pytest
from tuning import Quiet, document, parsed, place, pretended

from gaussian_processes.errors import ConfigurationError
from gaussian_processes.tuning.job import misread, values_in
from gaussian_processes.tuning.request import parse_request
from gaussian_processes.tuning.results import best, ranked, read_results, summary
from gaussian_processes.tuning.sampling import Sampler, combinations
from gaussian_processes.tuning.search import search, unfinished_removed
from gaussian_processes.tuning.service_model import complaints
from gaussian_processes.tuning.trial import Trial

pytestmark = pytest.mark.slow

REGEX = re.compile("validation:RMSE=(.*?);")
WHOLE = {"IntegerParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "9"}]}


def config(**changes):
    return pretended(**changes).hyper_parameter_tuning_job_config


def test_random_combinations_do_not_repeat_and_follow_the_seed():
    """Ten of twenty; the same again for the same seed, others for another."""
    first = list(combinations(parsed(RandomSeed=1).hyper_parameter_tuning_job_config))
    assert len({tuple(sorted(chosen.items())) for chosen in first}) == 10
    assert list(combinations(parsed(RandomSeed=1).hyper_parameter_tuning_job_config)) == first
    assert list(combinations(parsed(RandomSeed=2).hyper_parameter_tuning_job_config)) != first


@pytest.mark.parametrize("strategy", ["Random", "Bayesian", "Hyperband"])
def test_the_same_seed_makes_the_same_search(tmp_path, strategy):
    """One job after the other: each strategy tries the same again, and something else with another seed."""
    tried = []
    own = {"StrategyConfig": {"HyperbandStrategyConfig": {"MaxResource": 9}}} if strategy == "Hyperband" else {}
    for number, seed in enumerate((5, 5, 6)):
        request = pretended(Strategy=strategy, RandomSeed=seed, jobs=4, parallel=1, **own)
        trials = search(request, place(tmp_path, f"results{number}"), Quiet())
        tried.append([trial.combination for trial in trials])
    assert tried[0] == tried[1]
    assert tried[0] != tried[2]


def test_a_wide_range_is_not_written_out():
    """A billion whole numbers, two of which are drawn."""
    wide = {"Name": "k", "MinValue": "1", "MaxValue": "1000000000"}
    values = [int(one["k"]) for one in combinations(config(ranges={"IntegerParameterRanges": [wide]}, jobs=2))]
    assert len(values) == 2
    assert all(1 <= value <= 10**9 for value in values)


def test_as_many_jobs_as_combinations_try_each_once():
    """Ten numbers, ten jobs."""
    chosen = [one["x"] for one in combinations(config(ranges=WHOLE, jobs=10))]
    assert sorted(chosen) == sorted(map(str, range(10)))


def test_more_combinations_than_can_be_counted_are_drawn_from():
    """Sixty-four bits, twice."""
    ranges = [{"Name": name, "MinValue": "0", "MaxValue": str(2**63 - 1)} for name in "ab"]
    chosen = list(combinations(config(ranges={"IntegerParameterRanges": ranges}, jobs=3)))
    assert len({tuple(one.values()) for one in chosen}) == 3
    assert all(0 <= int(value) < 2**63 for one in chosen for value in one.values())


def test_a_grid_is_every_combination(tmp_path):
    """Each is run, once."""
    ranges = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["0", "1"]}, {"Name": "b", "Values": ["1", "2"]}]}
    request = parsed(Strategy="Grid", ParameterRanges=ranges, ResourceLimits={"MaxParallelTrainingJobs": 2})
    trials = search(request, place(tmp_path), Quiet())
    found = sorted((trial.combination["x"], trial.combination["b"]) for trial in trials)
    assert found == [("0", "1"), ("0", "2"), ("1", "1"), ("1", "2")]


def test_continuous_ranges_are_drawn_within_their_bounds():
    """Evenly in the logarithm when the request says so."""
    wide = {"Name": "sigma2", "MinValue": "1e-4", "MaxValue": "1", "ScalingType": "Logarithmic"}
    drawn = combinations(config(ranges={"ContinuousParameterRanges": [wide]}, jobs=400))
    values = [float(chosen["sigma2"]) for chosen in drawn]
    assert all(1e-4 <= value <= 1 for value in values)
    assert 150 < sum(value < 1e-2 for value in values) < 250


@pytest.mark.parametrize(
    ("log", "values"),
    [
        ("validation:RMSE=1.5;", [1.5]),
        ("validation:RMSE=1.2e-05;", [1.2e-5]),
        ("validation:RMSE=3;\nvalidation:RMSE=2;\nother", [3.0, 2.0]),
        ("x validation:RMSE=3; y validation:RMSE=4;", [3.0, 4.0]),
        ("validation:RMSE=3;\nvalidation:RMSE=oops;", [3.0]),
        ("validation:RMSE=3;\nvalidation:RMSE=nan;", [3.0]),
        ("validation:RMSE=3", []),
        ("validation:RMSE=\n3;", []),
    ],
)
def test_the_objective_is_read_as_sagemaker_reads_it(log, values):
    """Line by line, first group, what is a number."""
    assert list(values_in(log, REGEX)) == values


@pytest.mark.parametrize(
    ("regex", "line", "part"),
    [
        (r"RMSE=([0-9\.]+)", "RMSE=1.2e-05;", "'1.2' of 1.2e-05"),
        (r"R2=-?([0-9\.]+)", "R2=-0.25;", "'0.25' of -0.25"),
        (r"RMSE=(\d+)", "RMSE=3.5", "'3' of 3.5"),
        (r"RMSE=([0-9\.]+)", "RMSE=1.5; it took 1.2e-05 s", None),
        ("RMSE=(.*?);", "RMSE=1.2e-05;", None),
        ("RMSE=(.*?);", "RMSE= -3 ;", None),
        ("RMSE=(.*?);", "RMSE=oops;", None),
    ],
)
def test_a_number_that_is_read_in_part_is_noticed(regex, line, part):
    """Exponents, signs, decimals: what SageMaker would take without a word."""
    assert misread(line, re.compile(regex)) == part


def test_a_regex_that_does_not_know_exponents_warns(tmp_path):
    """Once a job, with what it takes and what would do; the search goes on, as SageMaker's does."""
    request = document(ResourceLimits={"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1})
    request["HyperParameterTuningJobConfig"]["ParameterRanges"] = WHOLE
    definition = request["TrainingJobDefinition"]
    definition["StaticHyperParameters"] = {"format": "e", "steps": "3"}
    definition["AlgorithmSpecification"]["MetricDefinitions"][0]["Regex"] = r"validation:RMSE=([0-9\.]+)"
    watcher = Quiet()
    trials = search(parse_request(request, "request.json"), place(tmp_path), watcher)
    assert [trial.status for trial in trials] == ["Completed"] * 2
    assert len(watcher.warnings) == 2
    for warning in watcher.warnings:
        assert re.match(
            r"job [12]: the regex validation:RMSE=\(\[0-9\\\.\]\+\) takes '[0-9.]+' of [0-9.]+e[-+]\d\d", warning
        )
        assert "validation:RMSE=(.*?); takes all of it" in warning


def test_as_many_jobs_run_side_by_side_as_the_request_says(tmp_path):
    """Three, and never four."""
    watcher = Quiet()
    search(pretended(static={"pause": "0.2"}, jobs=6, parallel=3), place(tmp_path), watcher)
    spans = sorted((trial.began, trial.ended) for trial in watcher.trials)
    together = [sum(began <= moment < ended for began, ended in spans) for moment, _ in spans]
    assert max(together) == 3


def test_a_job_has_the_files_that_sagemaker_would_give_it(tmp_path):
    """Hyperparameters as strings with the objective's name among them, channels, hosts, metric definitions."""
    (trial,) = search(pretended(static={"steps": "1"}, jobs=1), place(tmp_path), Quiet())
    read = {path.stem: json.loads(path.read_text()) for path in (trial.directory / "input/config").iterdir()}
    assert read["hyperparameters"] == {
        "steps": "1",
        "x": trial.combination["x"],
        "_tuning_objective_metric": "validation:RMSE",
    }
    channel = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
    assert read["inputdataconfig"] == {"training": {**channel, "ContentType": "text/csv"}}
    assert read["resourceconfig"]["hosts"] == ["algo-1"]
    assert read["metric-definition-regex"] == [{"Name": "validation:RMSE", "Regex": "validation:RMSE=(.*?);"}]
    assert (trial.directory / "input/data/training").is_dir()


def test_the_last_value_counts_and_each_is_told(tmp_path):
    """As a job prints it."""
    watcher = Quiet()
    (trial,) = search(pretended(static={"steps": "3"}, jobs=1), place(tmp_path), watcher)
    square = (float(trial.combination["x"]) - 0.3) ** 2
    assert trial.values == pytest.approx([square + 2 / 3, square + 1 / 6, square])
    assert trial.objective == pytest.approx(square)
    assert [value for _, value in watcher.values] == list(trial.values)


def test_a_job_that_fails_is_recorded_with_its_reason_and_stops_no_other(tmp_path):
    """The failure file's first line; it comes last, whatever it printed."""
    ranges = {"CategoricalParameterRanges": [{"Name": "fail", "Values": ["no", "yes"]}]}
    request = pretended(ranges=ranges, jobs=2, parallel=1)
    good, bad = ranked(request, search(request, place(tmp_path), Quiet()))
    assert (good.combination["fail"], good.status, good.reason) == ("no", "Completed", "")
    assert (bad.status, bad.objective, bad.reason) == ("Failed", None, "x is not to its taste")


def test_a_job_without_the_objective_has_failed(tmp_path):
    """The log is named, to look into."""
    request = pretended(static={"steps": "0"}, jobs=1)
    (trial,) = search(request, place(tmp_path), Quiet())
    assert (trial.status, best(request, [trial])) == ("Failed", None)
    assert re.search(r"finds no number in .*log\.txt", trial.reason)


def test_a_job_whose_time_is_over_is_stopped(tmp_path):
    """With SIGTERM; what it had printed stays."""
    request = pretended(static={"steps": "1000", "pause": "0.05"}, jobs=1)
    short = request.training_job_definition.stopping_condition.model_copy(update={"max_runtime_in_seconds": 3})
    definition = request.training_job_definition.model_copy(update={"stopping_condition": short})
    (trial,) = search(request.model_copy(update={"training_job_definition": definition}), place(tmp_path), Quiet())
    assert trial.status == "Stopped"
    assert trial.reason == "MaxRuntimeInSeconds of a job, 3, is over."
    assert trial.values
    assert trial.ended - trial.began < 30


def test_a_search_whose_time_is_over_starts_no_more(tmp_path):
    """And stops the jobs that run."""
    request = pretended(static={"steps": "1000", "pause": "0.05"}, limits={"MaxRuntimeInSeconds": 120})
    limits = request.hyper_parameter_tuning_job_config.resource_limits.model_copy(update={"max_runtime_in_seconds": 1})
    changed = request.hyper_parameter_tuning_job_config.model_copy(update={"resource_limits": limits})
    request = request.model_copy(update={"hyper_parameter_tuning_job_config": changed})
    trials = search(request, place(tmp_path), Quiet())
    assert [trial.status for trial in trials] == ["Stopped"] * 2


def test_a_target_that_is_reached_ends_the_search(tmp_path):
    """The first job is good enough."""
    criteria = {"TargetObjectiveMetricValue": 10.0}
    trials = search(pretended(jobs=20, parallel=1, TuningJobCompletionCriteria=criteria), place(tmp_path), Quiet())
    assert len(trials) == 1


def test_a_search_that_no_longer_improves_ends(tmp_path):
    """All jobs are alike: the first stays the best."""
    criteria = {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}
    ranges = {"IntegerParameterRanges": [{"Name": "unused", "MinValue": "1", "MaxValue": "50"}]}
    request = pretended(ranges=ranges, jobs=20, parallel=1, TuningJobCompletionCriteria=criteria)
    assert len(search(request, place(tmp_path), Quiet())) == 4


def test_the_median_rule_stops_jobs_that_fall_behind(tmp_path):
    """After five that have ended; none is stopped that is better than their median, and none with the rule off."""
    made = {"static": {"steps": "4", "pause": "0.1"}, "jobs": 12, "parallel": 1, "RandomSeed": 3}
    trials = search(pretended(**made, TrainingJobEarlyStoppingType="Auto"), place(tmp_path), Quiet())
    stopped = [trial for trial in trials if trial.status == "Stopped"]
    assert stopped
    for trial in stopped:
        assert trial.number > 5
        assert "others were better" in trial.reason
        step = len(trial.values) - 1
        before = [other.values[step] for other in trials[: trials.index(trial)] if other.status == "Completed"]
        median = statistics.median(before)
        assert min(trial.values) > median
    off = search(pretended(**made), place(tmp_path, "off"), Quiet())
    assert {trial.status for trial in off} == {"Completed"}


def test_hyperband_spends_less_on_what_does_badly(tmp_path):
    """Some jobs are stopped before their last step, and the best is none of them."""
    resources = {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 9}}
    request = pretended(
        static={"steps": "9", "pause": "0.05"},
        jobs=16,
        parallel=1,
        Strategy="Hyperband",
        StrategyConfig=resources,
        RandomSeed=2,
    )
    trials = search(request, place(tmp_path), Quiet())
    stopped = [trial for trial in trials if trial.status == "Stopped"]
    assert stopped
    assert all(len(trial.values) < 9 for trial in stopped)
    assert best(request, trials).status == "Completed"


def trial_at(number, x, value):
    return Trial(number, {"x": repr(x)}, "Completed", (value,), "", None, 0.0, 1.0)


def test_bayesian_search_learns_from_earlier_trials():
    """Forty that say where the best is: what it then tries is nearer to that than chance is; without them it is not."""
    request = config(Strategy="Bayesian", RandomSeed=0, jobs=40)
    earlier = [trial_at(number, number / 40, (number / 40 - 0.3) ** 2) for number in range(1, 41)]

    def distances(known):
        sampler = Sampler(request, known)
        return [abs(float(sampler.next().combination["x"]) - 0.3) for _ in range(20)]

    assert statistics.median(distances(earlier)) < 0.12
    assert statistics.median(distances([])) > 0.2


def test_earlier_trials_outside_of_the_ranges_are_passed_over():
    """Their parameter is another, or its value is not allowed here."""
    sampler = Sampler(config(Strategy="Bayesian", RandomSeed=0), [trial_at(1, 7.0, 0.0)])
    assert 0 <= float(sampler.next().combination["x"]) <= 1


def test_an_interruption_stops_the_jobs_and_keeps_the_results(tmp_path):
    """Then the search goes on: what has ended is not run again, what was running is, and all combinations are tried."""
    request = pretended(ranges=WHOLE, static={"steps": "20", "pause": "0.05"}, jobs=6, parallel=2, RandomSeed=4)
    where = place(tmp_path)
    ended = []

    def interrupt():
        ended.append(time.monotonic())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(request, where, Quiet(interrupt))
    assert time.monotonic() - ended[0] < 20
    done = read_results(where.results, REGEX)
    assert len(done) == 1
    unfinished_removed(where.results, request, done)
    watcher = Quiet()
    trials = search(request, where, watcher, done=done)
    assert done[0].number not in dict(watcher.begun)
    assert sorted(trial.number for trial in trials) == [1, 2, 3, 4, 5, 6]
    uninterrupted = search(request, place(tmp_path, "whole"), Quiet())
    assert {trial.number: trial.combination for trial in trials} == {
        trial.number: trial.combination for trial in uninterrupted
    }


def test_what_is_read_back_is_what_was_found(tmp_path):
    """From results.json and the logs."""
    request = pretended(static={"steps": "2"}, jobs=3)
    where = place(tmp_path)
    trials = search(request, where, Quiet())
    found = sorted(read_results(where.results, REGEX), key=lambda trial: trial.number)
    for was, one in zip(sorted(trials, key=lambda trial: trial.number), found, strict=True):
        assert (one.number, one.combination, one.status, one.values, one.reason, one.directory) == (
            was.number,
            was.combination,
            was.status,
            was.values,
            was.reason,
            was.directory,
        )
        assert (one.began, one.ended) == pytest.approx((was.began, was.ended), abs=1e-5)


def test_results_have_the_shape_of_awss_answer(tmp_path):
    """Of ListTrainingJobsForHyperParameterTuningJob, by AWS's own model."""
    ranges = {"CategoricalParameterRanges": [{"Name": "fail", "Values": ["no", "yes"]}]}
    request = pretended(ranges=ranges, jobs=2)
    where = place(tmp_path)
    trials = search(request, where, Quiet())
    document = json.loads((where.results / "results.json").read_text())
    service = botocore.session.get_session().get_service_model("sagemaker")
    shape = service.operation_model("ListTrainingJobsForHyperParameterTuningJob").output_shape
    assert complaints(shape, document) == []
    assert document["TrainingJobSummaries"] == [
        summary(request, trial) for trial in sorted(trials, key=lambda trial: trial.number)
    ]


def test_the_table_is_from_the_best_to_the_worst_and_best_is_a_link(tmp_path):
    """A row for each job, and the winner's folder with its model."""
    request = pretended(jobs=4)
    where = place(tmp_path)
    search(request, where, Quiet())
    header, *rows = (line.split(",") for line in (where.results / "results.csv").read_text().splitlines())
    assert header == ["number", "status", "objective", "reason", "seconds", "x"]
    values = [float(row[2]) for row in rows]
    assert values == sorted(values) == pytest.approx([(float(row[5]) - 0.3) ** 2 for row in rows])
    assert (where.results / "best/model/model.pkl").read_text() == str(float(rows[0][5]))
    assert (where.results / "best").readlink().name.endswith(f"-{int(rows[0][0]):03d}")


def test_maximising_puts_the_largest_first(tmp_path):
    """In the table, and as the best."""
    objective = {"Type": "Maximize", "MetricName": "validation:RMSE"}
    request = pretended(jobs=4, HyperParameterTuningJobObjective=objective)
    trials = search(request, place(tmp_path), Quiet())
    values = [trial.objective for trial in ranked(request, trials)]
    assert values == sorted(values, reverse=True)
    assert best(request, trials).objective == max(values)


def test_a_place_without_data_is_refused(tmp_path):
    """Before anything runs."""
    where = place(tmp_path)
    (tmp_path / "data/training").rmdir()
    (tmp_path / "data").rmdir()
    with pytest.raises(ConfigurationError, match="There is no data folder"):
        search(pretended(), where, Quiet())


@pytest.mark.parametrize("text", ["{", "{}", '{"TrainingJobSummaries": [{"TrainingJobName": "a-1"}]}'])
def test_results_that_nobody_wrote_are_refused(tmp_path, text):
    """By their file."""
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(ConfigurationError, match=r"results.json are not as a search leaves them"):
        read_results(tmp_path, REGEX)
