"""Rules: what SageMaker's tuner refuses of a request that AWS's model of requests lets through, and what to write.

They stand in the API's reference, in the guide's pages on ranges, strategies and limits, or in answers of the service.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, product
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from gaussian_processes.algorithm import Algorithm
from gaussian_processes.errors import ConfigurationError
from gaussian_processes.job.contract.objective import require_objective
from gaussian_processes.job.contract.parsing import HyperparameterError, fields_by_name, parse_hyperparameters
from gaussian_processes.tuning.ranges import CategoricalRange, ContinuousRange, IntegerRange, Range

if TYPE_CHECKING:
    from gaussian_processes.tuning.request import TrainingJobDefinition, TuningJobConfig, TuningRequest

# Quotas, as far as they can be raised.
JOBS = {"Random": 10_000, "Bayesian": 750, "Hyperband": 750, "Grid": 750}
DAYS_28 = 28 * 86400
# Hyperparameters from which the tuner takes Hyperband's MaxResource.
EPOCHS = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
COMBINATIONS = 1000  # that are tried, at most, to find one that every check over several hyperparameters passes

# Whether a rule is broken, and the sentences that say so.
Checks = Iterator[tuple[object, str]]


def faults_of(
    request: "TuningRequest", algorithm: Algorithm[Any, Any] | None, *, has_validation: bool
) -> Iterator[str]:
    """What the tuner has against a request, and, where it is known, the algorithm."""
    config, definition = request.hyper_parameter_tuning_job_config, request.training_job_definition
    checks = (*_of_ranges(config, definition), *_of_search(config), *_of_definition(config, definition))
    yield from (sentence for broken, sentence in checks if broken)
    definitions, objective = request.definitions, request.objective.metric_name
    try:
        if algorithm is not None:
            require_objective(objective, definitions, algorithm.metrics, has_validation=has_validation)
    except ConfigurationError as error:
        yield str(error)
    else:
        for one in definitions:
            if one.fault:
                yield f"The regex {one.regex!r} of {one.name} {one.fault}; {one.name}=(.*?); would do."
        if objective not in {one.name for one in definitions}:
            entry = f'{{"Name": "{objective}", "Regex": "{objective}=(.*?);"}}'
            yield f"MetricDefinitions do not define the objective {objective}; add {entry}."
    if algorithm is not None:
        yield from _of_hyperparameters(algorithm.hyperparameters, config.parameter_ranges.all, definition)


def _of_hyperparameters(
    schema: type[BaseModel], ranges: Sequence[Range], definition: "TrainingJobDefinition"
) -> Iterator[str]:
    """Each value is looked at for itself. A check over several is a fault only where no combination passes it."""
    names, examples, known = [one.name for one in ranges], [_examples(one) for one in ranges], fields_by_name(schema)

    def faults(values: Iterable[str]) -> Sequence[tuple[str, str]]:
        try:
            parse_hyperparameters(schema, definition.static_hyper_parameters | dict(zip(names, values, strict=True)))
        except HyperparameterError as error:
            return error.faults
        return ()

    found = set[tuple[str, str]]()
    for row in range(max(map(len, examples), default=0)):
        found |= {fault for fault in faults(column[row % len(column)] for column in examples) if fault[0]}
    ignored = set(names).difference(known, dict(found))
    found |= {(name, f"'{name}' is SageMaker's own name, and not one") for name in ignored}
    combinations = list(islice(product(*examples), COMBINATIONS))
    if not found and all(map(faults, combinations)):
        found = set(faults(combinations[0]))
    if found:
        yield str(HyperparameterError(sorted(found), known))


def _examples(one: Range) -> Sequence[str]:
    """All categories; the ends of a range, and a number between that is not whole."""
    if isinstance(one, CategoricalRange):
        return one.values
    ends = repr(one.min_value), repr(one.max_value)
    return ends if isinstance(one, IntegerRange) else (*ends, repr(0.382 * one.min_value + 0.618 * one.max_value))


def _of_ranges(config: "TuningJobConfig", definition: "TrainingJobDefinition") -> Checks:
    ranges, static = config.parameter_ranges, definition.static_hyper_parameters
    names = [one.name for one in ranges.all]
    count = len({*names, *static})
    yield not names, "ParameterRanges hold no range: there is nothing to search. Add one."
    yield len(names) > 30, f"There are {len(names)} ranges; 30 are allowed. Make some hyperparameters static."
    yield count > 99, f"There are {count} hyperparameters; 99 are allowed beside the tuner's own. Leave some out."
    yield ranges.auto_parameters, "AutoParameters are for Autotune, which is not here. Write a range for each."
    for name in _repeated(names):
        yield True, f"{name}: named by more than one range. Keep one."
    for name in sorted(static.keys() & set(names)):
        yield True, f"{name}: both in StaticHyperParameters and in a range. Keep one."
    for one in ranges.categorical_parameter_ranges:
        for value in _repeated(one.values):
            yield True, f"{one.name}: Values hold {value[:40]!r} more than once. Write it once."
    for number in ranges.numeric:
        yield from _of_range(number.name, number)


def _of_range(name: str, one: IntegerRange | ContinuousRange) -> Checks:
    low, high, scaling, whole = one.min_value, one.max_value, one.scaling_type, isinstance(one, IntegerRange)
    yield low > high, f"{name}: MinValue {low} is above MaxValue {high}. Exchange them."
    static = f'Set "{name}": "{low}" in StaticHyperParameters instead.'
    yield low == high, f"{name}: MinValue and MaxValue are both {low}; the tuner needs a range. {static}"
    wide = max(abs(low), abs(high)) >= 2**63 if whole else math.isinf(high - low)
    wide |= low > 0 and one.logarithmic and math.isinf(high / low)
    yield wide, f"{name}: the range from {low} to {high} is too wide for the tuner's numbers. Take a narrower one."
    positive = f"Logarithmic scaling needs a MinValue above 0, found {low}. Write Linear, or another MinValue."
    yield scaling == "Logarithmic" and low <= 0, f"{name}: {positive}"
    if scaling == "ReverseLogarithmic":
        yield whole, f"{name}: ReverseLogarithmic scaling is for continuous ranges. Write Linear or Logarithmic."
        below = f"ReverseLogarithmic scaling needs 0 <= MinValue and MaxValue < 1, found {low} and {high}."
        yield not (whole or (low >= 0 and high < 1)), f"{name}: {below} Write Linear, or another range."


def _of_search(config: "TuningJobConfig") -> Checks:
    ranges, limits, strategy = config.parameter_ranges, config.resource_limits, config.strategy
    wanted, parallel = limits.max_number_of_training_jobs, limits.max_parallel_training_jobs
    cells = 2**63 if ranges.continuous_parameter_ranges else min(math.prod(one.size for one in ranges.discrete), 2**63)
    jobs, most = wanted or (0 if ranges.numeric else cells), JOBS[strategy]
    yield jobs > most, f"The strategy {strategy} runs at most {most} jobs, found {jobs}. Take fewer."
    yield parallel > 100, f"MaxParallelTrainingJobs is {parallel}. Make it 100 or less."
    if strategy != "Grid":
        yield wanted is None, "ResourceLimits need MaxNumberOfTrainingJobs; the strategy Grid alone does without."
        few = f"The ranges have {cells} combination{'s' * (cells > 1)}, and MaxNumberOfTrainingJobs is {wanted}."
        yield 0 < cells < (wanted or 0), f"{few} Make it {cells} or less, or widen the ranges."
    elif ranges.numeric:
        other = ", ".join(one.name for one in ranges.numeric)
        write = 'Write the values as a CategoricalParameterRange, such as "Values": ["0", "1", "2"].'
        yield True, f"The strategy Grid takes categorical ranges alone, and {other} is none. {write}"
    else:
        write = f"Leave MaxNumberOfTrainingJobs out, or make it {cells} instead of {wanted}."
        yield wanted not in (None, cells), f"Grid runs each combination once, and there are {cells}. {write}"


def _of_definition(config: "TuningJobConfig", definition: "TrainingJobDefinition") -> Checks:
    if config.strategy == "Hyperband":
        least, most = config.hyperband.min_resource, config.hyperband.max_resource
        stops = config.training_job_early_stopping_type != "Off"
        yield stops, "The strategy Hyperband stops jobs by itself; TrainingJobEarlyStoppingType has to be Off."
        write = f"Set MaxResource, or one of {', '.join(EPOCHS)} in StaticHyperParameters."
        unknown = most is None and not definition.static_hyper_parameters.keys() & set(EPOCHS)
        yield unknown, f"The strategy Hyperband needs the number of values that a job prints of the objective. {write}"
        wrong = most is not None and not least <= most <= 20_000
        yield wrong, f"MaxResource is {most}. Make it 20,000 or less, and no less than MinResource, {least}."
    else:
        yield config.strategy_config, f"StrategyConfig is for Hyperband, and not for {config.strategy}. Leave it out."
    algorithm, condition = definition.algorithm_specification, definition.stopping_condition
    one_of = "of TrainingImage and AlgorithmName, and leave the other out."
    yield (algorithm.training_image is None) == (algorithm.algorithm_name is None), f"Write one {one_of}"
    one_of = "of ResourceConfig and HyperParameterTuningResourceConfig, and leave the other out."
    resources = definition.resource_config, definition.hyper_parameter_tuning_resource_config
    yield resources.count(None) != 1, f"Write one {one_of}"
    count = len(algorithm.metric_definitions)
    yield count > 20, f"There are {count} MetricDefinitions; 20 are allowed. Leave some out."
    objective, other = (
        config.hyper_parameter_tuning_job_objective,
        "differs from HyperParameterTuningJobConfig. Leave it out.",
    )
    yield definition.tuning_objective not in (None, objective), f"TuningObjective {other}"
    yield definition.hyper_parameter_ranges not in (None, config.parameter_ranges), f"HyperParameterRanges {other}"
    longest, waits = condition.max_runtime_in_seconds, condition.max_wait_time_in_seconds
    yield longest > DAYS_28, f"MaxRuntimeInSeconds of a job is {longest}. Make it {DAYS_28}, 28 days, or less."
    spot = definition.enable_managed_spot_training
    yield (
        spot and (waits or 0) < longest,
        f"Spot training needs MaxWaitTimeInSeconds of {longest} or more, found {waits}.",
    )
    yield waits and not spot, "MaxWaitTimeInSeconds is for EnableManagedSpotTraining. Leave it out, or make that true."


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
