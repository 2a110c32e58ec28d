"""A reporter that keeps what it is told, and how to read what a job printed."""

import re

METRIC = re.compile(r"^([\w:]+)=(\S+);$", re.MULTILINE)


class Lines(list):
    """The lines of a job's log.

    `phases` are those whose progress was told, `kept_states` what was kept, each in order; `checkpoint` is what an
    interrupted run kept.
    """

    def __init__(self, checkpoint=None):
        super().__init__()
        self.phases = []
        self.kept_states = []
        self.checkpoint = checkpoint

    def log(self, message):
        self.append(message)

    def progress(self, phase, fraction):
        assert 0 <= fraction <= 1
        if phase not in self.phases:
            self.phases.append(phase)

    def kept(self):
        return self.checkpoint

    def keep(self, state):
        self.kept_states.append(state)


def metrics_in(log):
    """The metrics of a job's log, by name, in the order of their lines."""
    return {name: float(value) for name, value in METRIC.findall(log)}
