"""What a process leaves to the one that takes its place: the last value that was whole, whenever it was killed."""

import mmap
import os
import random
import signal
import time

import pytest

from gaussian_processes.serving.models.shared_list import SIZE, Record


class Breaking(mmap.mmap):
    """Memory whose writer is killed in the middle of its n-th assignment; None for never."""

    left = None

    def __setitem__(self, place, value):
        if self.left == 0:
            if isinstance(place, slice):
                super().__setitem__(slice(place.start, place.start + len(value) // 2), value[: len(value) // 2])
            raise KeyboardInterrupt
        if self.left:
            self.left -= 1
        super().__setitem__(place, value)


@pytest.mark.parametrize("breaks", range(3))
@pytest.mark.parametrize("written", [1, 2, 3, 4])
def test_a_value_that_is_not_written_to_its_end_is_none(written, breaks):
    """The one before it holds, and the next one is written over what is broken."""
    record = Record()
    record._copies = [Breaking(-1, SIZE), Breaking(-1, SIZE)]
    values = [[number] * 10 for number in range(written)]
    for value in values:
        record.write(value)
    for copy in record._copies:
        copy.left = breaks
    with pytest.raises(KeyboardInterrupt):
        record.write([99] * 10)
    for copy in record._copies:
        copy.left = None
    assert record.read(None) == values[-1]
    record.write("next")
    assert record.read(None) == "next"


def test_a_process_that_is_killed_leaves_the_last_value_or_the_last_but_one():
    """At whatever moment, twenty times, each by one that goes on where the last one ended."""
    record, last = Record(), 0
    for _ in range(20):
        child = os.fork()
        if not child:
            number = record.read([0])[0]
            while True:
                number += 1
                record.write([number] * 2000)
        time.sleep(random.uniform(0.001, 0.02))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        value = record.read([0])
        assert set(value) == {value[0]}
        assert value[0] >= last
        last = value[0]
    assert last > 0


def test_before_anything_is_written_there_is_the_default():
    """Of the first process."""
    assert Record().read([]) == []


def test_names_of_any_kind_come_back():
    """JSON has words for all of them, and no zero byte."""
    record = Record()
    value = [["a\0b", "\ud800"], ["é\u2028", "x" * 5000]]
    record.write(value)
    assert record.read([]) == value


def test_a_value_that_is_too_large_leaves_the_last_one(capsys):
    """However often; and the log says so."""
    record = Record()
    record.write(["known"])
    for _ in range(3):
        record.write(["x" * SIZE])
        assert record.read([]) == ["known"]
    assert "to note" in capsys.readouterr().err
    record.write(["later"])
    assert record.read([]) == ["later"]
