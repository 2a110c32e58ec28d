"""The Gaussian process, over several hosts with tiles that take a while and with progress that a test can see.

$PROGRESS is the file in which each line is a phase and its fraction; $TILE_SECONDS is how long a task on a tile takes beside
its computation, without using a processor. $HASTE is for how long, at most, the hosts wait for each other to answer, if it is
set.
"""

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gaussian_processes.algorithm import Reporter
from gaussian_processes.arc_cosine import algorithm as gaussian_process
from gaussian_processes.cluster import follower, leader
from gaussian_processes.distributed_gp import tile

_updated, _divided, _factored = tile.updated, tile.divided, tile.factored

if "HASTE" in os.environ:
    leader.PARTING = follower.LEADER_SILENCE = follower.GONE = float(os.environ["HASTE"])


def _slowly(work, *arguments):
    time.sleep(float(os.environ["TILE_SECONDS"]))
    return work(*arguments)


def updated(*arguments):
    return _slowly(_updated, *arguments)


def divided(*arguments):
    return _slowly(_divided, *arguments)


def factored(*arguments):
    return _slowly(_factored, *arguments)


@dataclass(frozen=True)
class Watched:
    """A reporter that writes down the progress."""

    inner: Reporter

    def log(self, message):
        self.inner.log(message)

    def progress(self, phase, fraction):
        with Path(os.environ["PROGRESS"]).open("a") as stream:
            stream.write(f"{phase} {fraction}\n")
        self.inner.progress(phase, fraction)

    def kept(self):
        return self.inner.kept()

    def keep(self, state):
        self.inner.keep(state)


def fit(dataset: Any, hyperparameters: Any, reporter: Reporter, cluster: Any) -> Any:
    # The leader makes the tasks, and looks up by name what they do; the workers find it here.
    tile.updated, tile.divided, tile.factored = updated, divided, factored
    return gaussian_process.distribution.fit(dataset, hyperparameters, Watched(reporter), cluster)


algorithm = replace(gaussian_process, distribution=replace(gaussian_process.distribution, fit=fit))
