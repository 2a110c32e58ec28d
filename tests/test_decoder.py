"""Reading Parquet in a child process: the same numbers, and whatever happens there costs one answer."""

import io
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from arro3.core import Array, RecordBatch
from arro3.io import write_parquet
from processes import wait_for
from reference import DATA

from gaussian_processes.data.format import parse_content_type
from gaussian_processes.data.http import PARQUET
from gaussian_processes.errors import DataError, ExplainedError, PayloadTooLargeError, PlatformError
from gaussian_processes.serving.work import decoder
from gaussian_processes.serving.work.decoder import Decoders

FOLDER = DATA / "parquet"
GOOD = (FOLDER / "two_rows.parquet").read_bytes()
KILLERS = sorted(FOLDER.glob("killer-*.parquet"))
BOMB = FOLDER / "small-bomb.parquet"
READABLE = sorted({*FOLDER.glob("*.parquet")} - {BOMB, *KILLERS})


@pytest.fixture
def parquet():
    """The format; when a test ends so do the children."""
    decoders = Decoders(100 * 2**20)
    yield codec_of(decoders)
    decoders.close()


def codec_of(decoders):
    return parse_content_type("application/x-parquet", decoders.formats())[0]


def children():
    here = Path("/proc/self/task").glob("*/children")
    return {int(child) for path in here for child in path.read_text().split()}


def read(codec, body):
    """The rows, and their names; or the refusal."""
    try:
        tables = list(codec.read(io.BytesIO(body), "The body", {}))
    except ExplainedError as error:
        return type(error), str(error)
    return np.concatenate([table.values for table in tables]).tolist(), {table.columns for table in tables}


def read_records(codec, body, width):
    try:
        pieces = list(codec.read_records(io.BytesIO(body), "The body", {}, width))
    except ExplainedError as error:
        return type(error), str(error)
    return [(np.nan_to_num(piece.values, nan=-1.0).tolist(), dict(piece.faults), piece.columns) for piece in pieces]


@pytest.mark.parametrize("path", READABLE, ids=lambda path: path.stem)
def test_what_is_read_is_what_this_process_would_read(parquet, path):
    """To the bit; and what is refused is refused in the same words."""
    body = path.read_bytes()
    assert read(parquet, body) == read(PARQUET, body)
    for width in (2, 6):
        assert read_records(parquet, body, width) == read_records(PARQUET, body, width)


def test_twenty_million_rows_in_a_few_bytes_are_refused_by_their_footer(parquet):
    """In 1.6 kB; before any of them is read."""
    for found in (read(parquet, BOMB.read_bytes()), read_records(parquet, BOMB.read_bytes(), 10)):
        assert found[0] is PayloadTooLargeError
        assert "has 20000000 rows of 10 numbers by its footer, and 52428800 numbers are taken" in found[1]


def test_a_body_that_ends_its_reader_is_refused_and_the_next_one_read(parquet):
    """However often; and no process, file or thread is left over."""
    read(parquet, GOOD)

    def had():
        return len(children()), len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

    before = had()
    for killer in KILLERS * 3:
        kind, words = read(parquet, killer.read_bytes())
        assert (kind, "is not a Parquet file that can be read" in words) == (DataError, True)
        assert read(parquet, GOOD)[0] == [[1, 2], [3, 4]]
    assert had() == before


def test_children_are_as_many_as_bodies_that_are_read_at_once(parquet):
    """One after the other, one is enough."""
    before = children()
    for _ in range(5):
        read(parquet, GOOD)
    assert len(children() - before) == 1


def test_a_child_that_was_ended_while_it_waited_is_replaced(parquet):
    """Where memory is scarce the system ends children first; the next request does not hear of it."""
    before = children()
    read(parquet, GOOD)
    (child,) = children() - before
    os.kill(child, signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert read(parquet, GOOD)[0] == [[1, 2], [3, 4]]
    assert not {child} & children()


def test_a_child_that_is_ended_at_work_is_no_fault_of_the_body(parquet):
    """It is worth another try."""
    before = children()
    read(parquet, GOOD)
    (child,) = children() - before
    os.kill(child, signal.SIGSTOP)
    os.waitid(os.P_PID, child, os.WSTOPPED)
    heard = []
    reading = threading.Thread(target=lambda: heard.append(read(parquet, GOOD)))
    reading.start()
    time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    reading.join(20)
    assert [kind for kind, _ in heard] == [PlatformError]
    assert read(parquet, GOOD)[0] == [[1, 2], [3, 4]]


def test_a_child_that_says_nothing_is_given_up(parquet, monkeypatch):
    """It is ended, whatever it does."""
    before = children()
    read(parquet, GOOD)
    (child,) = children() - before
    os.kill(child, signal.SIGSTOP)
    os.waitid(os.P_PID, child, os.WSTOPPED)
    monkeypatch.setattr(decoder, "PATIENCE", 0.2)
    monkeypatch.setattr(decoder, "LOOK", 0.1)
    assert read(parquet, GOOD)[0] is PlatformError  # who knows why
    monkeypatch.undo()
    assert not {child} & children()
    assert read(parquet, GOOD)[0] == [[1, 2], [3, 4]]


def test_a_few_bytes_cannot_take_much_memory(parquet):
    """They are refused for what they would take, and it is the child that finds out."""
    stream = io.BytesIO()
    column = Array.from_numpy(np.ones(60_000))
    write_parquet(
        RecordBatch({f"x{index}": column for index in range(800)}),
        stream,
        compression="zstd(3)",
        dictionary_enabled=False,
        data_page_size_limit=2**30,
        data_page_row_count_limit=2**30,
        write_batch_size=2**20,
    )
    assert len(stream.getvalue()) < 2**21
    assert "too much time or memory" in read(parquet, stream.getvalue())[1]
    assert read(parquet, GOOD)[0] == [[1, 2], [3, 4]]


def test_a_child_ends_with_its_parent():
    """Whatever ends that."""
    reader, writer = os.pipe()
    parent = os.fork()
    if not parent:
        codec = codec_of(Decoders(None))
        before = children()
        read(codec, GOOD)
        os.write(writer, str(*(children() - before)).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(parent, 0)
    child = os.read(reader, 100).decode()
    os.close(reader)
    os.close(writer)
    wait_for(lambda: not Path(f"/proc/{child}/cmdline").exists() or not Path(f"/proc/{child}/cmdline").read_bytes())


def test_a_bodys_memory_is_given_back(parquet):
    """It is in memory once while it is read: where the child reads it, and not in the request."""
    body = io.BytesIO(GOOD)
    list(parquet.read(body, "The body", {}))
    assert body.getbuffer().nbytes == 0
