"""The objective: what a tuning job compares, and whether SageMaker will find it, both tried before the job pays."""

import json
import math
import re
from collections.abc import Collection, Iterable, Sequence

from gaussian_processes.algorithm import Metric
from gaussian_processes.data.dataset import Array
from gaussian_processes.errors import ConfigurationError
from gaussian_processes.job.contract.metric_definitions import READING_SECONDS, Definition, definition_for, reading
from gaussian_processes.job.contract.metric_lines import metric_line

# A value of each kind that a regex may stumble over: many digits, leading zeros, large, whole.
SPECIMENS = (0.123456789012345, 0.0000123, 1234567.25, 3.0)


def require_objective(
    objective: str | None,
    definitions: Sequence[Definition],
    metrics: Sequence[Metric],
    *,
    has_validation: bool,
    others: Iterable[str] = (),
) -> Metric | None:
    """The metric that the tuning job compares; None where no tuning job asks for one.

    Args:
        objective: the tuning job's MetricName, if there is one.
        definitions: the request's MetricDefinitions, as far as they are known.
        metrics: what the algorithm declares.
        has_validation: whether the job has a validation channel.
        others: the names of its channels that are not read.

    Raises:
        ConfigurationError: a definition will not find its number; or the objective is not printed, is no objective, or
            needs a validation channel where there is none.
    """
    if not metrics and (definitions or objective):
        raise ConfigurationError("This algorithm prints no metrics; leave out MetricDefinitions, and tuning with them.")
    faults = definition_faults(definitions, objective, metrics)
    if faults:
        raise ConfigurationError(" ".join(faults))
    if objective is None:
        return None
    metric = objective_metric(objective, definitions, metrics)
    name = objective if objective == metric.name else f"{objective} ({metric.name})"
    if metric.direction is None:
        raise ConfigurationError(
            f"{name} cannot be a tuning objective: neither a larger nor a smaller value of it is better."
        )
    if metric.needs_validation and not has_validation:
        rename = "".join(f", or give this name to {other!r}" for other in others)
        raise ConfigurationError(
            f"The tuning objective {name} needs a channel named 'validation', and the job has none. "
            f"Add the channel to the request's InputDataConfig{rename}."
        )
    return metric


def require_spread(objective: Metric, target: Array) -> None:
    """Refuse an objective that says nothing of the validation channel's target (N,).

    Raises:
        ConfigurationError: the target is constant, and the objective needs one that varies.
    """
    if objective.needs_validation and objective.needs_spread and target.min() == target.max():
        raise ConfigurationError(
            f"The tuning objective {objective.name} says nothing of a target that is constant, and the validation "
            f"channel's is {target[0]:g} in every row. Validate on rows whose targets differ, or choose another objective."
        )


def require_available(objective: Metric, lacking: Collection[str]) -> None:
    """Refuse an objective that the model will not have.

    Raises:
        ConfigurationError: it is one of those that are lacking.
    """
    if objective.name in lacking:
        raise ConfigurationError(
            f"The tuning objective {objective.name} is not to be had of a model that is learned in this way, which lacks "
            f"{', '.join(sorted(lacking))}. Choose another objective, or another way: the hyperparameters say which there "
            "are."
        )


def objective_metric(objective: str, definitions: Sequence[Definition], metrics: Sequence[Metric]) -> Metric:
    """The metric of that name, or the one that the definition of that name reads.

    Args:
        objective: the tuning job's MetricName.
        definitions: without faults.
        metrics: what the algorithm declares.

    Raises:
        ConfigurationError: there is neither.
    """
    declared = _named(objective, metrics)
    if declared is not None:
        return declared
    for definition in definitions:
        if definition.name == objective:
            (metric,) = _read_by(definition.pattern, metrics)
            return metric
    usual = metrics[-1]
    raise ConfigurationError(
        f"The tuning objective {objective} is not printed by this algorithm, which prints "
        f"{', '.join(metric.name for metric in metrics)}. Set MetricName to one of them, and MetricDefinitions "
        f"accordingly, such as [{_json(definition_for(usual, metrics))}]."
    )


def definition_faults(definitions: Sequence[Definition], objective: str | None, metrics: Sequence[Metric]) -> list[str]:
    """What is wrong with the definitions, each fault with the entry to paste; nothing where there are none.

    A definition is sound when its regex reads every value of one metric's lines in full, and no other metric's lines:
    those of the metric that bears its name, where there is one.
    """
    faults = [fault for definition in definitions if (fault := _fault(definition, metrics))]
    names = [definition.name for definition in definitions]
    if names and objective is not None and objective not in names:
        meant = _named(objective, metrics) or metrics[-1]
        faults.append(
            f"MetricDefinitions do not define the tuning objective {objective}, but {', '.join(names)}. "
            f"{_paste(meant, metrics, objective)}"
        )
    return faults


def _fault(definition: Definition, metrics: Sequence[Metric]) -> str | None:
    named = _named(definition.name, metrics)
    wrong, meant = definition.fault, named
    if not wrong:
        try:
            with reading():
                wrong, meant = _misreading(definition.pattern, named, metrics)
        except TimeoutError:
            line = _lines(metrics[-1])[0]
            wrong = f"takes more than {READING_SECONDS:g} s for '{line}': a quantifier in a quantifier, as in (a+)+, does that"
    remedy = _paste(meant or metrics[-1], metrics, definition.name)
    return f"The regex {definition.regex} of {definition.name} {wrong}. {remedy}" if wrong else None


def _misreading(pattern: re.Pattern[str], named: Metric | None, metrics: Sequence[Metric]) -> tuple[str, Metric | None]:
    """What is wrong with what a pattern reads, if anything is, and the metric that it is for."""
    read = _read_by(pattern, metrics)
    if named is None and len(read) != 1:
        shown = read or metrics[-1:]
        return f"captures {_captures(pattern, shown[:2])}; the number of one metric is wanted", shown[-1]
    metric = named or read[0]
    others = [other for other in read if other != metric]
    if others:
        return f"captures {_captures(pattern, others[:2])}", metric
    misread = [line for line in _lines(metric) if _number(pattern, line) != _value(line)]
    # What is no objective may be a count, which a regex for whole numbers reads.
    if misread and (metric.direction is not None or len(misread) == len(_lines(metric))):
        return f"captures {_capture(pattern, misread[0])}", metric
    return "", metric


def _named(name: str, metrics: Sequence[Metric]) -> Metric | None:
    return next((metric for metric in metrics if metric.name == name), None)


def _lines(metric: Metric) -> list[str]:
    """What `train` may print of it."""
    values = [*SPECIMENS, *(-value for value in SPECIMENS if metric.negative)]
    return [metric_line(metric.name, value) for value in values]


def _value(line: str) -> float:
    return float(line.rpartition("=")[2].removesuffix(";"))


def _number(pattern: re.Pattern[str], line: str) -> float:
    """The number that SageMaker would take from the line, the last; NaN where there is none."""
    number = math.nan
    for match in pattern.finditer(line):
        try:
            number = float(match.group(1))
        except (TypeError, ValueError):  # passed over without a word, as SageMaker does
            continue
    return number


def _reads(pattern: re.Pattern[str], line: str) -> bool:
    return not math.isnan(_number(pattern, line))


def _read_by(pattern: re.Pattern[str], metrics: Sequence[Metric]) -> list[Metric]:
    """The metrics from whose lines the pattern takes some number."""
    return [metric for metric in metrics if any(_reads(pattern, line) for line in _lines(metric))]


def _capture(pattern: re.Pattern[str], line: str) -> str:
    """What the pattern takes from the line, in words."""
    match = pattern.search(line)
    return f"{'nothing' if match is None else repr(match.group(1) or '')} from '{line}'"


def _captures(pattern: re.Pattern[str], metrics: Sequence[Metric]) -> str:
    """What the pattern takes from a line of each of the metrics, one in which it finds a number if there is one."""
    lines = (max(_lines(metric), key=lambda line: _reads(pattern, line)) for metric in metrics)
    return " and ".join(_capture(pattern, line) for line in lines)


def _json(definition: Definition) -> str:
    return json.dumps(definition.entry, ensure_ascii=False)


def _paste(metric: Metric, metrics: Sequence[Metric], name: str) -> str:
    return f"Paste {_json(definition_for(metric, metrics, name))}."
