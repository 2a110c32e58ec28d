"""The job's log: lines, and how far a long phase is."""

import io
import itertools
import re
from itertools import count

from gaussian_processes.job.log import Log


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(stream, seconds_a_step, steps=100):
    """A phase of equal steps on a clock of its own."""
    ticks = count(0.0, seconds_a_step)
    log = Log(stream, clock=lambda: next(ticks))
    log.log("before")
    for step in range(steps + 1):
        log.progress("Cholesky", step / steps)
    log.log("after")
    return stream.getvalue()


def test_a_short_phase_says_nothing():
    """Jobs of a second have short logs."""
    assert run(io.StringIO(), seconds_a_step=0.01) == "before\nafter\n"


def test_a_long_phase_says_percent_and_time_left_in_lines():
    """No carriage return and no colour, which a log would show as rubbish; the last line says how long it took."""
    text = run(io.StringIO(), seconds_a_step=1.0)
    lines = text.splitlines()
    assert lines[0] == "before"
    assert re.fullmatch(r"Cholesky: +\d+% about \d:\d\d:\d\d left", lines[1])
    assert re.fullmatch(r"Cholesky: 100% took \d:\d\d:\d\d", lines[-2])
    assert lines[-1] == "after"
    assert not re.search(r"[\r\x1b\t]", text)


def test_lines_are_not_many():
    """However often the work calls: a line in ten seconds or a little more, from the beginning to the end."""
    lines = run(io.StringIO(), seconds_a_step=0.7, steps=1000).splitlines()[1:-2]
    shares = [int(re.match(r"Cholesky: +(\d+)% about", line)[1]) for line in lines]
    assert 700 / 11 < len(lines) <= 700 / 10
    assert all(0 < after - before <= 2 for before, after in itertools.pairwise(shares))
    assert (shares[0], shares[-1]) == (0, 99)


def test_a_terminal_gets_a_bar():
    """Redrawn in place."""
    text = run(Terminal(), seconds_a_step=1.0)
    assert re.search(r"\rCholesky: +\d+% \|#* *\| about", text)
    assert "100%" in text.rpartition("\r")[2]
    assert text.endswith("\nafter\n")


def test_a_phase_that_is_left_early_is_not_called_complete():
    """The next phase ends it, or a line of the log."""
    ticks = count(0.0, 3.0)
    stream = io.StringIO()
    log = Log(stream, clock=lambda: next(ticks))
    for fraction in (0.0, 0.2, 0.4):
        log.progress("refinement", fraction)
    log.log("converged")
    assert "100%" not in stream.getvalue()
    assert stream.getvalue().endswith("converged\n")


def test_each_phase_is_told_under_its_own_name():
    """And counts its time from its own beginning."""
    ticks = count(0.0, 1.5)
    stream = io.StringIO()
    log = Log(stream, clock=lambda: next(ticks))
    for phase in ("Gram matrix", "Cholesky"):
        for fraction in (0.0, 0.25, 0.5, 0.75):
            log.progress(phase, fraction)
    names = [line.partition(":")[0] for line in stream.getvalue().splitlines()]
    assert set(names) == {"Gram matrix", "Cholesky"}
    assert names == sorted(names, reverse=True)
