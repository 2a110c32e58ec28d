"""What a job will take, against what there is."""

import math
from dataclasses import replace

import nearest_neighbours
import numpy as np
import pytest

from gaussian_processes.algorithm import Needs, Size
from gaussian_processes.errors import PlatformError
from gaussian_processes.job.planning.plan import Machine, amount, duration, free_disk, measured_rate, settle

PLENTY = Machine(threads=1, memory=math.inf, disk=math.inf)
HYPERPARAMETERS = nearest_neighbours.Hyperparameters()
ALGORITHM = replace(
    nearest_neighbours.algorithm,
    needs=lambda size, _: Needs(memory=8 * size.rows**2 + size.features, operations=0.0, disk=4 * size.rows**2),
)


def test_training_that_does_not_fit_is_refused_before_it_starts():
    """With what the rows need, what there is, and how many rows would fit."""
    size = Size(1000, 3)
    machine = replace(PLENTY, memory=8 * 400**2 + 5.0)
    with pytest.raises(PlatformError) as caught:
        settle(ALGORITHM, size, HYPERPARAMETERS, machine)
    assert str(caught.value) == (
        "Training on 1000 rows of 3 features needs 8.00 MB of memory, and 1.28 MB are free: 400 rows would fit. "
        "Use an instance with more memory, or fewer rows."
    )
    settle(ALGORITHM, size, HYPERPARAMETERS, replace(PLENTY, memory=8e6 + 3))
    with pytest.raises(PlatformError, match="999 rows would fit"):
        settle(ALGORITHM, size, HYPERPARAMETERS, replace(PLENTY, memory=8e6 + 2))


def test_a_model_that_will_not_fit_on_the_disk_is_refused_before_it_is_computed():
    """With the setting that makes the disk larger."""
    with pytest.raises(PlatformError, match=r"takes 4\.00 GB on disk, and 3\.00 GB are free .*VolumeSizeInGB"):
        settle(ALGORITHM, Size(31623, 3), HYPERPARAMETERS, replace(PLENTY, disk=3e9))


def test_an_estimate_refuses_only_what_is_clearly_too_large():
    """The rows are counted later."""
    machine = replace(PLENTY, memory=8e6 + 3)
    settle(ALGORITHM, Size(10_009, 3), HYPERPARAMETERS, machine, doubt=10)
    with pytest.raises(PlatformError, match=r"Training on about 10010 rows .* needs 0\.80 GB .*: 1000 rows would fit"):
        settle(ALGORITHM, Size(10_010, 3), HYPERPARAMETERS, machine, doubt=10)


def test_an_algorithm_that_says_nothing_is_never_refused():
    """There is nothing to compare."""
    settle(replace(ALGORITHM, needs=None), Size(10**9, 3), HYPERPARAMETERS, replace(PLENTY, memory=0.0, disk=0.0))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "less than 1 s"),
        (41.4, "about 41 s"),
        (599.4, "about 599 s"),
        (7200.0, "about 120 min"),
        (3600.0 * 100, "about 100 h"),
        (86400.0 * 1e6, "about 1000000 days"),
    ],
    ids=str,
)
def test_time_is_said_in_words(seconds, words):
    """Operations over their rate."""
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (99, "99 B"),
        (20_480, "20.48 kB"),
        (65_536_000, "65.54 MB"),
        (99e6, "99.00 MB"),
        (130e6, "0.13 GB"),
        (24.53e9, "24.53 GB"),
        (math.inf, "unknown"),
    ],
)
def test_bytes_are_said_in_units_that_show_them(count, words):
    """A full disk has 0 B, and not 0.00 GB of 0.00 GB."""
    assert amount(count) == words


def test_the_rate_is_that_of_a_matrix_product():
    """2 n^3 operations in the shortest of three times."""
    ticks = iter([0.0, 3.0, 3.0, 4.0, 4.0, 6.0])
    assert measured_rate(lambda: next(ticks)) == 2 * 768**3 / 1.0
    assert 1e8 < measured_rate() < 1e14
    assert np.isfinite(measured_rate())


def test_free_disk_is_that_of_the_nearest_folder_that_exists(tmp_path):
    """The model's folder is made later."""
    assert 0 < free_disk(tmp_path / "model/deeper") == pytest.approx(free_disk(tmp_path), rel=0.01)
