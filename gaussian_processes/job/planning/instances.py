"""Instances: which of them, and how many of them, a job of a given size could ask for."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from gaussian_processes.algorithm import Algorithm, Size
from gaussian_processes.job.planning.plan import Machine, amount, duration, preferred
from gaussian_processes.job.planning.strategy import Way

COUNTS = (1, 2, 4, 8, 16)
# The share of an instance's memory that a job can have, and of its network's speed that it comes to; bytes a second that one
# process receives, however fast the network is: measured between two workers, docs/several_hosts.md.
FREE, REACHED, RECEIVED = 0.92, 0.5, 0.5e9
# Seconds until several hosts have met, and for the scheduler's own work.
MEETING = 60.0


@dataclass(frozen=True)
class Instance:
    """A kind of machine that SageMaker lends.

    Attributes:
        name: as in a job's InstanceType.
        vcpus: threads of its processors.
        memory: GiB.
        network: Gbit/s.
    """

    name: str
    vcpus: int
    memory: int
    network: float


# From EC2's pages of instance types, m5, r5, m7i and r7i.
INSTANCES = (
    Instance("ml.m5.12xlarge", 48, 192, 10.0),
    Instance("ml.m5.24xlarge", 96, 384, 25.0),
    Instance("ml.r5.24xlarge", 96, 768, 25.0),
    Instance("ml.m7i.48xlarge", 192, 768, 50.0),
    Instance("ml.r7i.48xlarge", 192, 1536, 50.0),
)


@dataclass(frozen=True)
class Offer:
    """What a job would take on so many instances.

    Attributes:
        instance: of which kind.
        way: how it would come to its model, on how many of them.
        memory: bytes of each.
        seconds: that it would compute.
    """

    instance: Instance
    way: Way
    memory: float
    seconds: float

    def __str__(self) -> str:
        room = amount(FREE * self.instance.memory * 2**30)
        return (
            f"{self.way.hosts} x {self.instance.name}: memory: {amount(self.memory)} of {room} each; "
            f"time: {duration(self.seconds)}"
        )


def offer(
    algorithm: Algorithm[Any, Any], size: Size, hyperparameters: BaseModel, rate: float, machines: tuple[Instance, int]
) -> Offer | None:
    """What a job would take on so many instances; None where it would not fit, or could not use so many.

    Args:
        algorithm: which says what it needs.
        size: of the job's data.
        hyperparameters: of the algorithm.
        rate: floating-point operations a second of one vCPU.
        machines: of which kind, and how many.
    """
    instance, hosts = machines
    room = FREE * instance.memory * 2**30
    way = preferred(algorithm, size, hyperparameters, Machine(instance.vcpus, room, float("inf"), hosts))
    needs = way.needs(algorithm, size)
    if needs is None or needs.memory > room or way.hosts != hosts:
        return None
    seconds = needs.operations / (rate * instance.vcpus * hosts)
    if hosts > 1:
        # What travels does so while the rest computes.
        seconds = MEETING + max(seconds, needs.traffic / min(REACHED * instance.network * 1e9 / 8, RECEIVED))
    return Offer(instance, way, needs.memory, seconds)


def offers(algorithm: Algorithm[Any, Any], size: Size, hyperparameters: BaseModel, rate: float) -> Iterator[Offer]:
    """Of each kind of instance, the fewest on which the job fits; arguments as `offer`."""
    for instance in INSTANCES:
        possible = (offer(algorithm, size, hyperparameters, rate, (instance, count)) for count in COUNTS)
        if fewest := next(filter(None, possible), None):
            yield fewest
