"""Channels in Pipe mode, with SageMaker's part played by a thread: a named pipe that comes late and is written once."""

import gzip
import io
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
from reference import ROOT

from gaussian_processes.data.channels.channel import Channel, parse_channel_type
from gaussian_processes.data.channels.reading import read_channel
from gaussian_processes.data.channels.streams import wait_for_pipe
from gaussian_processes.errors import DataError, PlatformError


@contextmanager
def written(path, *parts, delay=0.0):
    """Make the pipe after `delay` seconds, and write the parts into it, one after the other, for as long as it is read."""

    def write():
        time.sleep(delay)
        os.mkfifo(path)
        try:
            with path.open("wb", buffering=0) as pipe:
                for part in parts:
                    pipe.write(part)
                    time.sleep(0.001)
        except BrokenPipeError:
            pass

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def piped(tmp_path, content_type=None):
    return Channel("training", tmp_path / "training", *parse_channel_type("training", content_type), piped=True)


def npy(rows):
    stream = io.BytesIO()
    np.save(stream, np.array(rows))
    return stream.getvalue()


CSV = b"y,a\n1,2\n3,4\ny,a\n5,6\n"
SENT = {
    "CSV": (None, [CSV]),
    "CSV by its content type": ("text/csv", [CSV]),
    "byte by byte": (None, [bytes([byte]) for byte in CSV]),
    "gzip": (None, [gzip.compress(CSV)]),
    "gzip byte by byte": (None, [bytes([byte]) for byte in gzip.compress(CSV)]),
    "gzip files joined": (None, [gzip.compress(b"y,a\n1,2\n"), gzip.compress(b"y,a\n3,4\n5,6\n")]),
    "JSON Lines": ("application/jsonlines", [b'[1, 2]\n{"target": 3, "features": [4]}\n', b"[5, 6]\n"]),
    "NumPy": ("application/x-npy", [npy([[1, 2]]), npy([[3.0, 4.0], [5.0, 6.0]])]),
}


@pytest.mark.parametrize("delay", [0, 0.2])
@pytest.mark.parametrize(("content_type", "parts"), SENT.values(), ids=SENT)
def test_a_pipe_is_read_to_its_end(tmp_path, content_type, parts, delay):
    """Files one after the other, whether the pipe is there before or after it is asked for."""
    told = []
    with written(tmp_path / "training_0", *parts, delay=delay):
        dataset = read_channel(piped(tmp_path, content_type), told.append)
    assert (dataset.target.tolist(), dataset.features.tolist()) == ([1, 3, 5], [[2], [4], [6]])
    assert dataset.sources[0].name == "training_0"
    assert told[-1] == sum(map(len, parts))


# Files without a line end at their end, of which a pipe makes one line.
SEAM = r"two joined lines\? end every file with a line end"
LINES = "application/jsonlines"
RAGGED = "line {} has another number of columns than line 1: {} and not {}"
JOINED = {
    RAGGED.format(2, 3, 2): [b"1,2\n3,0.5", b"1.3,4\n"],
    RAGGED.format(3, 3, 2): [b"1,2\n3,4\n5,6", b"7,8\n"],
    RAGGED.format(2, 5, 3): [b"1,2,3\n3,4,0.5", b"1.3,4,5\n"],
    "line 3 has another .*: 3 and not 2": [b"y,a\n1,2\n3,4", b"y,a\n5,6\n"],
    RAGGED.format(2, 2, 3): [b"1,2", b"3,4\n5,6\n"],
    RAGGED.format(2, 3, 5): [b"y,a,b", b"y,a,b\n1,2,3\n"],
}


def test_a_line_that_is_longer_for_another_reason_is_not_called_joined(tmp_path):
    """The last cell of one line and the first of the next would be one, of two characters at least."""
    for text in (b"1,2\n3,4,5\n", b"1,2,3\n1,2,3,4\n", b"1,22,3\n1,2,3,4,5,6\n", b"1,22\n3\n"):
        (tmp_path / "training_0").unlink(missing_ok=True)
        with written(tmp_path / "training_0", text), pytest.raises(DataError) as refused:
            read_channel(piped(tmp_path))
        assert "joined" not in str(refused.value)


@pytest.mark.parametrize(
    ("content_type", "parts", "message"),
    [
        (None, [b"1,2\n", b"x,4\n"], r"^training_0: line 2, column 1: found 'x', a finite number is wanted\.$"),
        (None, [], r"Channel 'training' holds no file with rows in it \(looked in .*training_0\)"),
        (None, [b"1,2\nx,2\n" + b"3,4\n" * 3_000_000], r"^training_0: line 2, column 1: found 'x'"),
        ("application/x-npy", [npy([[1.0, 2.0]])[:-8]], "training_0 breaks off"),
        *((None, parts, rf"^training_0: {place} \({SEAM}\)") for place, parts in JOINED.items()),
        (LINES, [b"[1, 2]\n[3, 4]", b"[5, 6]\n"], rf"line 2: Invalid JSON: trailing .* column 7 \({SEAM}\)\.$"),
        (LINES, [b"[1, 2]", b"[3, 4]\n[5, 6]\n"], rf"line 1: Invalid JSON: trailing .* column 7 \({SEAM}\)\.$"),
    ],
)
def test_what_is_wrong_in_a_pipe_is_explained(tmp_path, content_type, parts, message):
    """Though it cannot be read a second time."""
    with written(tmp_path / "training_0", *parts), pytest.raises(DataError, match=message):
        read_channel(piped(tmp_path, content_type))


def test_parquet_is_refused_before_anything_is_read(tmp_path):
    """With what to do."""
    with pytest.raises(DataError, match=r"Parquet cannot be read from a pipe; use the input mode File or FastFile\."):
        piped(tmp_path, "application/x-parquet")


def test_a_pipe_that_never_comes_is_named(tmp_path):
    """After some patience."""
    with pytest.raises(PlatformError, match=r"training_0: there is no such pipe after 0 s"):
        wait_for_pipe(tmp_path / "training_0", patience=0.01)


WAITING = """
import signal, sys
from pathlib import Path
from gaussian_processes.data.channels.channel import Channel
from gaussian_processes.data.channels.reading import read_channel

def stop(*_):
    print("told to stop", flush=True)
    sys.exit(3)

signal.signal(signal.SIGTERM, stop)
print("waiting", flush=True)
read_channel(Channel("training", Path(sys.argv[1]), piped=True))
"""


@pytest.mark.parametrize("state", ["no pipe", "not opened", "half written"])
def test_a_signal_is_heard_while_waiting(tmp_path, state):
    """For the pipe, for its other end, or for more of its bytes: a stopped job has two minutes to end."""
    pipe, writer = tmp_path / "training_0", None
    if state != "no pipe":
        os.mkfifo(pipe)
    command = [sys.executable, "-c", WAITING, str(tmp_path / "training")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "waiting\n"
        if state == "half written":
            writer = os.open(pipe, os.O_WRONLY)
            os.write(writer, b"1,2\n3,")
        time.sleep(0.3)  # until it waits; if it does not yet, the signal is heard all the same
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=30)[0] == "told to stop\n"
        assert process.returncode == 3
    if writer is not None:
        os.close(writer)
