"""A reporter that keeps what it is told, and how to read what a job printed."""

import re

METRIC = re.compile(r"^([\w:]+)=(\S+);$", re.MULTILINE)


class Lines(list):
    """The lines of a job's log; `phases` are those whose progress was told, in order."""

    def __init__(self):
        super().__init__()
        self.phases = []

    def log(self, message):
        self.append(message)

    def progress(self, phase, fraction):
        assert 0 <= fraction <= 1
        if phase not in self.phases:
            self.phases.append(phase)


def metrics_in(log):
    """The metrics of a job's log, by name, in the order of their lines."""
    return {name: float(value) for name, value in METRIC.findall(log)}
