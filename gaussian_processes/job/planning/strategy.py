"""Strategy: how a job comes to its model, where there is more than one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from gaussian_processes.algorithm import Algorithm, Needs, SeveralHosts, Size


def terms_of(algorithm: Algorithm[Any, Any], hyperparameters: BaseModel, hosts: int) -> SeveralHosts | None:
    """On which terms the hosts of a job may work together; None where one of them does it all."""
    if hosts == 1 or algorithm.distribution is None or not isinstance(hyperparameters, SeveralHosts):
        return None
    return hyperparameters if hyperparameters.distributed is not False else None


@dataclass(frozen=True)
class Way:
    """How a job comes to its model.

    Attributes:
        hyperparameters: with nothing left to choose.
        hosts: that take part.
    """

    hyperparameters: BaseModel
    hosts: int = 1

    def needs(self, algorithm: Algorithm[Any, Any], size: Size) -> Needs | None:
        """What it takes, of each host; None where the algorithm does not say."""
        if self.hosts > 1 and algorithm.distribution:
            return algorithm.distribution.needs(size, self.hyperparameters, self.hosts)
        return algorithm.needs(size, self.hyperparameters) if algorithm.needs else None


def ways(algorithm: Algorithm[Any, Any], hyperparameters: BaseModel, hosts: int) -> Iterator[Way]:
    """All that the job may go, in the order in which they are preferred.

    The first one is gone by one host alone if that can; the others, which are for want of room, by all that there are.

    Args:
        algorithm: which knows them.
        hyperparameters: as given.
        hosts: that the job has.
    """
    together = terms_of(algorithm, hyperparameters, hosts)
    counts = [1] if together is None else [hosts] if together.distributed is True else [1, hosts]
    first, *others = algorithm.ways(hyperparameters) if algorithm.ways else (hyperparameters,)
    yield from (Way(first, count) for count in counts)
    yield from (Way(settled, count) for settled in others for count in reversed(counts))
