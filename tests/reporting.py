"""A reporter that keeps what it is told."""


class Lines(list):
    """The lines of a job's log."""

    def log(self, message):
        self.append(message)
