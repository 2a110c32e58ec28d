"""Computing: short work passes long work, and work ends when nobody waits for it."""

import socket
import threading
import time
from pathlib import Path

import gevent
import pytest

from gaussian_processes.errors import ClientGoneError, NoRoomError
from gaussian_processes.serving.work import client
from gaussian_processes.serving.work.client import Client
from gaussian_processes.serving.work.turns import NICENESS, Computing


@pytest.fixture
def computing():
    return Computing(short=1, long=2)


def there():
    return False


def work(name, steps, done):
    """So many pieces, each noted when it is made."""
    for step in range(steps):
        time.sleep(0.002)
        done.append(name)
        yield step


def spawn(computing, name, steps, done, size=0.0):
    return gevent.spawn(lambda: list(computing.pieces(work(name, steps, done), size, there)))


def joined(*greenlets):
    gevent.joinall(greenlets, timeout=20, raise_error=True)
    return [greenlet.value for greenlet in greenlets]


def test_pieces_come_whole_and_in_order(computing):
    """Of several at once, to each its own."""
    done = []
    answers = joined(*(spawn(computing, name, steps, done) for name, steps in (("a", 5), ("b", 1), ("c", 0), ("d", 9))))
    assert answers == [[*range(5)], [0], [], [*range(9)]]


def test_short_work_passes_long_work(computing):
    """Though all threads for long work are taken, and more of it waits."""
    stop, started = threading.Event(), []

    def hold():
        started.append(True)
        return stop.wait(20)

    held = [gevent.spawn(computing.long, hold) for _ in range(6)]
    while len(started) < 2:
        gevent.sleep(0.001)
    assert computing.short(lambda: "done") == "done"
    stop.set()
    assert joined(*held) == [True] * 6


def test_what_had_less_goes_first():
    """A long request that comes first does not keep one of a few pieces waiting for all of its own."""
    computing, done = Computing(short=1, long=1), []
    long = spawn(computing, "long", 50, done)
    gevent.sleep(0.02)
    few = spawn(computing, "few", 3, done)
    joined(few, long)
    last = max(index for index, name in enumerate(done) if name == "few")
    assert done[last:].count("long") > 20


def test_of_those_that_had_nothing_the_smallest_goes_first():
    """However they came."""
    computing, done, stop = Computing(short=1, long=1), [], threading.Event()
    first = gevent.spawn(computing.long, lambda: stop.wait(20))
    gevent.sleep(0)
    others = [spawn(computing, size, 1, done, size) for size in (3.0, 1.0, 2.0)]
    gevent.sleep(0)
    stop.set()
    joined(first, *others)
    assert done == [1.0, 2.0, 3.0]


def test_what_is_long_comes_to_its_turn():
    """What had some seconds lets pass what is new, and not what comes a minute later."""
    computing, done, stop = Computing(short=1, long=1), [], threading.Event()
    first = gevent.spawn(computing.long, lambda: stop.wait(20))
    gevent.sleep(0.01)
    others = [gevent.spawn(computing.long, lambda: done.append("had some"), had=5.0)]
    for name in ("new", "a minute later"):
        others.append(gevent.spawn(computing.long, lambda name=name: done.append(name)))
        gevent.sleep(0)
        computing._begun -= 60.0  # time flies
    stop.set()
    joined(first, *others)
    assert done == ["new", "had some", "a minute later"]


def test_there_is_an_end_to_what_waits():
    """Each holds a connection, and /ping needs one; those that wait already are not refused."""
    computing, stop, done = Computing(short=1, long=1, most=3), threading.Event(), []
    held = [gevent.spawn(computing.long, lambda: stop.wait(20)) for _ in range(4)]
    gevent.sleep(0.01)
    with pytest.raises(NoRoomError, match="Send the request again"):
        list(computing.pieces(work("late", 1, done), 0.0, there))
    stop.set()
    assert joined(*held) == [True] * 4
    assert joined(spawn(computing, "next", 2, done)) == [[0, 1]]


def test_work_stops_when_its_client_has_gone(computing):
    """Before the next piece; and what the generator holds is given back."""
    done, closed = [], []

    def holding():
        try:
            yield from work("held", 1000, done)
        finally:
            closed.append(True)

    with pytest.raises(ClientGoneError):
        list(computing.pieces(holding(), 0.0, lambda: len(done) >= 3))
    assert (len(done), closed) == (3, [True])


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_what_fails_is_heard_where_it_was_asked_and_takes_no_place(computing, error):
    """Whatever it is; the next one is done."""

    def failing():
        yield 1
        raise error("no")

    for _ in range(5):
        with pytest.raises(error, match="no"):
            list(computing.pieces(failing(), 0.0, there))
    assert computing._free == 2
    assert joined(spawn(computing, "next", 2, [])) == [[0, 1]]


def test_long_work_leaves_the_processor_to_others(computing):
    """By its thread's niceness, which short work does not have."""

    def niceness():
        stat = Path(f"/proc/self/task/{threading.get_native_id()}/stat").read_text()
        return int(stat.rpartition(")")[2].split()[16])

    here = niceness()
    assert (computing.long(niceness), computing.short(niceness)) == (max(here, NICENESS), here)


@pytest.fixture
def ends(monkeypatch):
    """The two ends of a connection, of which one asks the other at once."""
    monkeypatch.setattr(client, "PATIENCE", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    with ours, theirs:
        yield ours, theirs


def soon(condition):
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_a_client_that_waits_is_there(ends):
    """And hears nothing of the question, whether or not it has sent the next request."""
    ours, theirs = ends
    waiting = Client(ours, can_be_asked=True)
    assert not waiting.is_gone()
    theirs.sendall(b"GET")
    time.sleep(0.05)
    assert not waiting.is_gone()
    theirs.setblocking(False)
    with pytest.raises(BlockingIOError):
        theirs.recv(1)


def test_a_client_that_has_closed_is_gone(ends):
    """Soon after it is asked."""
    ours, theirs = ends
    theirs.close()
    assert soon(Client(ours, can_be_asked=True).is_gone)


def test_a_client_that_only_sends_no_more_is_there(ends):
    """It has closed one half of its connection, and gets an interim answer that says nothing, once."""
    ours, theirs = ends
    theirs.shutdown(socket.SHUT_WR)
    waiting = Client(ours, can_be_asked=True)
    for _ in range(5):
        time.sleep(0.02)
        assert not waiting.is_gone()
    assert theirs.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
    theirs.close()
    ours.send(b"more")
    assert soon(waiting.is_gone)


def test_a_client_is_asked_only_when_its_work_has_taken_a_while(ends, monkeypatch):
    """What is soon answered is answered without a word before."""
    ours, theirs = ends
    monkeypatch.setattr(client, "PATIENCE", 60.0)
    theirs.shutdown(socket.SHUT_WR)
    time.sleep(0.05)
    assert not Client(ours, can_be_asked=True).is_gone()
    theirs.setblocking(False)
    with pytest.raises(BlockingIOError):
        theirs.recv(1)


def test_an_old_client_that_only_sends_no_more_is_there_and_not_asked(ends):
    """HTTP/1.0 knows no interim answers."""
    ours, theirs = ends
    theirs.shutdown(socket.SHUT_WR)
    time.sleep(0.05)
    assert not Client(ours, can_be_asked=False).is_gone()
    ours.close()
    assert theirs.recv(1000) == b""


def test_without_a_connection_the_client_is_there():
    """As in tests of the application."""
    assert not Client(None, can_be_asked=True).is_gone()
