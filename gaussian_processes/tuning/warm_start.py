"""Warm start: the searches that a request names for its parents, and what they must have in common with it."""

from collections.abc import Iterator
from pathlib import Path

from gaussian_processes.errors import ConfigurationError
from gaussian_processes.tuning.request import TuningRequest, read_document, read_request
from gaussian_processes.tuning.results import REQUEST, read_results
from gaussian_processes.tuning.trial import Trial


def parents(request: TuningRequest, results: Path) -> list[Trial]:
    """The trials of the parents, which are looked for beside the results of this search.

    Raises:
        ConfigurationError: one is not there, or differs where SageMaker allows no difference.
    """
    trials, faults = list[Trial](), list[str]()
    names = request.warm_start_config.parent_hyper_parameter_tuning_jobs if request.warm_start_config else ()
    for name in (parent.hyper_parameter_tuning_job_name for parent in names):
        if name == request.hyper_parameter_tuning_job_name:
            faults.append(f"WarmStartConfig names {name}, which is this search. Give it a name of its own.")
            continue
        folders = [path.parent for path in sorted(results.parent.glob(f"*/{REQUEST}")) if _name_in(path) == name]
        if not folders:
            faults.append(
                f"WarmStartConfig names {name}, and no folder in {results.parent} has results of that search."
            )
        for folder in folders:
            parent = read_request(folder / REQUEST)
            faults += _differences(name, parent, request)
            trials += read_results(folder, parent.objective_regex)
    if faults:
        raise ConfigurationError(" ".join(faults))
    return trials


def _name_in(path: Path) -> object:
    try:
        document = read_document(path)
    except ConfigurationError:  # somebody else's file
        return None
    return document.get("HyperParameterTuningJobName") if isinstance(document, dict) else None


def _differences(name: str, parent: TuningRequest, child: TuningRequest) -> Iterator[str]:
    theirs, ours = parent.objective.metric_name, child.objective.metric_name
    if theirs != ours:
        yield f"The objective of the parent {name} is {theirs}, and not {ours}. A warm start needs the same objective."
    before, after = _kinds(parent), _kinds(child)
    if before.keys() != after.keys():
        other = ", ".join(sorted(before.keys() ^ after.keys()))
        yield f"The parent {name} has other hyperparameters: {other}. Set them, in ranges or static, in both or in neither."
    for one in sorted(before.keys() & after.keys()):
        if "static" not in {before[one], after[one]} and before[one] != after[one]:
            yield f"{one}: {before[one]} in the parent {name}, and {after[one]} here. A warm start needs the same type."


def _kinds(request: TuningRequest) -> dict[str, str]:
    """For each hyperparameter that a request sets, how."""
    ranges = request.hyper_parameter_tuning_job_config.parameter_ranges.all
    static = dict.fromkeys(request.training_job_definition.static_hyper_parameters, "static")
    return static | {one.name: type(one).__name__ for one in ranges}
