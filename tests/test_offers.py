"""Offers: on which instances a job would fit, and how long it would take there."""

from dataclasses import replace

import pytest
import spread_neighbours

from gaussian_processes.algorithm import Distribution, Needs, Size
from gaussian_processes.job.planning.instances import (
    COUNTS,
    FREE,
    INSTANCES,
    MEETING,
    REACHED,
    RECEIVED,
    Instance,
    offer,
    offers,
)

RATE = 1e10
SLOW = Instance("ml.slow", 10, 100, 2.0)
FAST = replace(SLOW, network=1000.0)
ROOM = FREE * 100 * 2**30


def algorithm(memory, operations=1e15, traffic=0.0):
    """That takes so much, dealt over the hosts there are."""

    def across(_size, _hyperparameters, hosts):
        return Needs(memory // hosts, operations, 0, traffic)

    return replace(
        spread_neighbours.algorithm,
        needs=lambda _size, _hyperparameters: Needs(memory, operations, 0),
        distribution=Distribution(spread_neighbours.fit_across, across),
    )


def made(one, instance, hosts, **settings):
    return offer(one, Size(10**5, 5), spread_neighbours.Hyperparameters(**settings), RATE, (instance, hosts))


@pytest.mark.parametrize("hosts", COUNTS)
def test_it_fits_where_each_host_has_room_for_its_part(hosts):
    """To the byte; and not on more hosts than are of use."""
    fitting = made(algorithm(int(ROOM) * hosts), SLOW, hosts)
    assert fitting.way.hosts == hosts
    assert made(algorithm((int(ROOM) + 1) * hosts), SLOW, hosts) is None
    if hosts > 1:
        assert made(algorithm(int(ROOM)), SLOW, hosts) is None
        assert made(algorithm(int(ROOM)), SLOW, hosts, distributed=True).way.hosts == hosts


def test_time_is_operations_at_the_rate_of_all_processors():
    """And the meeting, of several hosts."""
    assert made(algorithm(0), SLOW, 1).seconds == pytest.approx(1e15 / (RATE * 10))
    assert made(algorithm(0), SLOW, 4, distributed=True).seconds == pytest.approx(MEETING + 1e15 / (RATE * 40))


@pytest.mark.parametrize(("instance", "speed"), [(SLOW, REACHED * 2e9 / 8), (FAST, RECEIVED)], ids=["slow", "fast"])
def test_time_is_the_networks_where_that_is_longer(instance, speed):
    """Which no process empties faster than it can."""
    found = made(algorithm(0, operations=1e9, traffic=1e13), instance, 2, distributed=True)
    assert found.seconds == pytest.approx(MEETING + 1e13 / speed)


def test_of_each_instance_the_fewest_are_offered():
    """None where even the most are not enough."""
    needed = int(1.5 * FREE * 384 * 2**30)
    found = list(offers(algorithm(needed), Size(10**5, 5), spread_neighbours.Hyperparameters(), RATE))
    wanted = {}
    for one in INSTANCES:
        count = next(count for count in COUNTS if needed // count <= FREE * one.memory * 2**30)
        wanted[one.name] = count
    assert {one.instance.name: one.way.hosts for one in found} == wanted
    assert "2 x ml.m5.24xlarge: memory: 284.50 GB of 379.33 GB each; time: about " in " ".join(map(str, found))
    assert not list(offers(algorithm(10**15), Size(10**5, 5), spread_neighbours.Hyperparameters(), RATE))
