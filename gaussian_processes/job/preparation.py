"""Preparation: everything about a job that can be checked before its data are read, all faults together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from gaussian_processes.algorithm import Algorithm, Metric, SeveralHosts, Size, load_algorithm
from gaussian_processes.errors import ConfigurationError, Faults
from gaussian_processes.job.checkpoint.file import checkpoint_file
from gaussian_processes.job.contract.channels import Inputs, find_channels
from gaussian_processes.job.contract.documents import read_object
from gaussian_processes.job.contract.hosts import Hosts
from gaussian_processes.job.contract.metric_definitions import read_definitions
from gaussian_processes.job.contract.objective import require_objective
from gaussian_processes.job.contract.parsing import objective_name, parse_hyperparameters
from gaussian_processes.job.contract.paths import OptMl
from gaussian_processes.job.planning.plan import Machine, free_disk, preferred, require_writable, settle
from gaussian_processes.job.planning.resources import available_cores, available_memory, threads_for
from gaussian_processes.job.planning.strategy import Way, terms_of


@dataclass(frozen=True)
class Job:
    """What is known of a job before its data are read, all of it checked.

    Attributes:
        algorithm: what it trains.
        hyperparameters: the algorithm's.
        inputs: where its data are.
        objective: the metric that its tuning job compares, if it has one.
        machine: what it can use.
        paths: where everything is.
        name: that SageMaker knows it by, if it does.
        checkpoint: the file in which it keeps what an interrupted run goes on from; None where it keeps nothing.
        hosts: that it has.
    """

    algorithm: Algorithm[Any, Any]
    hyperparameters: BaseModel
    inputs: Inputs
    objective: Metric | None
    machine: Machine
    paths: OptMl
    name: str | None
    checkpoint: Path | None
    hosts: Hosts

    @property
    def terms(self) -> SeveralHosts | None:
        """On which its hosts may work together; None where the leader does it all."""
        return terms_of(self.algorithm, self.hyperparameters, len(self.hosts.names))

    def likely(self, size: Size) -> Way:
        """How it will probably come to its model."""
        return preferred(self.algorithm, size, self.hyperparameters, self.machine)

    def settled(self, size: Size, doubt: int = 1) -> Way:
        """How it comes to its model; raises PlatformError where it cannot."""
        return settle(self.algorithm, size, self.hyperparameters, self.machine, doubt)


def prepare(environ: Mapping[str, str], paths: OptMl, hosts: Hosts) -> Job:
    """Everything that can be checked without reading the data.

    Raises:
        UserError: all that is wrong, together.
        PlatformError: the model or the checkpoint could not be written.
    """
    algorithm = load_algorithm(environ)
    name = environ.get("TRAINING_JOB_NAME") or None
    raw = read_object(paths.hyperparameters)
    faults = Faults()
    hyperparameters = faults.gather(lambda: parse_hyperparameters(algorithm.hyperparameters, raw))
    inputs = faults.gather(lambda: find_channels(paths, hosts.group))
    objective = faults.gather(
        lambda: require_objective(
            objective_name(raw),
            read_definitions(paths),
            algorithm.metrics,
            has_validation=inputs is None or inputs.validation is not None,
            others=inputs.others if inputs else (),
        )
    )
    threads = faults.gather(lambda: threads_for(environ, available_cores()))
    checkpoint = faults.gather(lambda: checkpoint_file(paths, name))
    if hyperparameters and inputs:
        faults.gather(lambda: _require_whole(inputs, terms_of(algorithm, hyperparameters, len(hosts.names)), hosts))
    faults.raise_any()
    require_writable(paths.model)
    if checkpoint:
        require_writable(checkpoint.parent)
    # What was not refused is there.
    machine = Machine(threads or 1, available_memory(), free_disk(paths.model), len(hosts.names))
    return Job(algorithm, hyperparameters, inputs, objective, machine, paths, name, checkpoint, hosts)  # type: ignore[arg-type]


def _require_whole(inputs: Inputs, terms: SeveralHosts | None, hosts: Hosts) -> None:
    """Refuse channels of which one host that does it all would see its share alone."""
    for channel in (inputs.training, inputs.validation):
        if channel and channel.sharded and len(hosts.names) > 1 and terms is None:
            raise ConfigurationError(
                f"Channel '{channel.name}' is ShardedByS3Key over {len(hosts.names)} hosts, and the one that trains would "
                "see its share alone. Set the channel's S3DataDistributionType to FullyReplicated, InstanceCount to 1, or, "
                "if the algorithm learns over several hosts, distributed=auto."
            )
