"""Warm start: the searches that a request names for its parents, and what they must have in common with it."""

from collections.abc import Iterator
from pathlib import Path

from gaussian_processes.errors import ConfigurationError
from gaussian_processes.tuning.request import TuningRequest, read_document, read_request
from gaussian_processes.tuning.results import REQUEST, read_results
from gaussian_processes.tuning.trial import Trial


def parents(request: TuningRequest, beside: Path) -> list[Trial]:
    """The trials of the parents, whose results are looked for in a folder.

    Raises:
        ConfigurationError: one is not there, or differs where SageMaker allows no difference.
    """
    trials, faults = list[Trial](), list[str]()
    names = request.warm_start_config.parent_hyper_parameter_tuning_jobs if request.warm_start_config else ()
    for name in (parent.hyper_parameter_tuning_job_name for parent in names):
        if name == request.hyper_parameter_tuning_job_name:
            faults.append(f"WarmStartConfig names {name}, which is this search. Give it a name of its own.")
            continue
        folders = [path.parent for path in sorted(beside.glob(f"*/{REQUEST}")) if _name_in(path) == name]
        if not folders:
            faults.append(f"WarmStartConfig names {name}, and no folder in {beside} has results of that search.")
        for folder in folders:
            parent = read_request(folder / REQUEST)
            faults += _differences(name, _described(parent), _described(request))
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


def _differences(parent: str, theirs: dict[str, str], ours: dict[str, str]) -> Iterator[str]:
    for one in sorted(theirs.keys() | ours.keys()):
        kinds = {theirs.get(one, "missing"), ours.get(one, "missing")}
        # What is searched in one may be static in the other.
        if len(kinds) > 1 and not ("static" in kinds and "missing" not in kinds):
            yield (
                f"{one} is {theirs.get(one, 'missing')} in the parent {parent}, and {ours.get(one, 'missing')} here. A warm "
                "start needs the same objective, and the same hyperparameters of the same types."
            )


def _described(request: TuningRequest) -> dict[str, str]:
    """What a parent and its child have to have in common: the objective's name, and what each hyperparameter is."""
    ranges = request.hyper_parameter_tuning_job_config.parameter_ranges.all
    static = dict.fromkeys(request.training_job_definition.static_hyper_parameters, "static")
    return {
        "the objective": request.objective.metric_name,
        **static,
        **{one.name: type(one).__name__ for one in ranges},
    }
