"""Hosts: which machines a job runs on, and which of them does the work."""

from dataclasses import dataclass
from pathlib import Path

from gaussian_processes.errors import ConfigurationError
from gaussian_processes.job.contract.documents import read_object


@dataclass(frozen=True)
class Hosts:
    """The machines of a job, by the names that SageMaker gives them.

    Attributes:
        current: this one.
        names: all of them, sorted.
        local: whether containers of one machine play them, in the local mode of SageMaker's SDK.
        interface: of the network in which they see each other, where it is said.
        group: of instances that this one belongs to, where there are several groups.
    """

    current: str
    names: tuple[str, ...]
    local: bool = False
    interface: str | None = None
    group: str | None = None

    @property
    def leader(self) -> str:
        """The one that trains, prints the metrics and writes the model."""
        return self.names[0]

    @property
    def leads(self) -> bool:
        """Whether this machine is the leader."""
        return self.current == self.leader

    @property
    def followers(self) -> tuple[str, ...]:
        """The others."""
        return self.names[1:]


def read_hosts(resource_config: Path) -> Hosts:
    """What resourceconfig.json says; one host where there is no such file, as in some local runs.

    Raises:
        ConfigurationError: the file is not as SageMaker writes it.
    """
    document = read_object(resource_config)
    current = document.get("current_host", "algo-1")
    names = document.get("hosts", [current])
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names) and current in names):
        raise ConfigurationError(
            f"{resource_config.name}: current_host is {str(current)[:40]!r} and hosts {str(names)[:80]}; a list of names "
            f"that holds the current one is wanted. SageMaker writes this file: leave it out for a single host."
        )
    local = str(document.get("current_instance_type", "")).startswith("local")
    interface = document.get("network_interface_name")
    groups = document.get("instance_groups")
    group = str(document.get("current_group_name")) if isinstance(groups, list) and len(groups) > 1 else None
    return Hosts(current, tuple(sorted(names)), local, interface if isinstance(interface, str) else None, group)
