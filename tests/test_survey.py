"""The look at a channel before it is read."""

import gzip
import io

import numpy as np
import pytest
from reference import DATA

from gaussian_processes.data.channels import survey as module
from gaussian_processes.data.channels.channel import Channel, parse_channel_type
from gaussian_processes.data.channels.reading import read_channel
from gaussian_processes.data.channels.survey import Survey, survey_channel

PARQUET = DATA / "parquet"


def channel(tmp_path, files, content_type=None):
    directory = tmp_path / "training"
    directory.mkdir()
    for name, content in files.items():
        (directory / name).write_bytes(content)
    return Channel("training", directory, *parse_channel_type("training", content_type))


def npy(rows):
    stream = io.BytesIO()
    np.save(stream, rows)
    return stream.getvalue()


EXACT = {
    "CSV": ({"a.csv": b"1,2,3\n4,5,6\n"}, 2, 3),
    "blank lines and a header line": ({"a.csv": b"\ny,a\n\n1,2\r\n3,4\r\n\r\n5,6"}, 3, 2),
    "byte order mark": ({"a.csv": b"\xef\xbb\xbfy,a\n1,2\n"}, 1, 2),
    "quotes": ({"a.csv": b'"a, in m","y"\n1,2\n'}, 1, 2),
    "JSON Lines": ({"a.jsonl": b'{"target": 1, "features": [2, 3]}\n[4, 5, 6]'}, 2, 3),
    "gzip": ({"a.csv.gz": gzip.compress(b"1,2\n" * 60_000)}, 60_000, 2),
    "NumPy": ({"a.npy": npy(np.ones((70_000, 9)))}, 70_000, 9),
    "Parquet": ({"a.parquet": (PARQUET / "row_groups.parquet").read_bytes()}, 1000, 6),
    "several": ({"a.csv": b"1,2\n", "b.npy": npy(np.ones((3, 2))), "_c": b"x"}, 4, 2),
}


@pytest.mark.parametrize(("files", "rows", "columns"), EXACT.values(), ids=EXACT)
def test_what_can_be_seen_at_a_glance_is_exact(tmp_path, files, rows, columns):
    """Small text as a whole, arrays and Parquet of any size."""
    size = sum(len(content) for name, content in files.items() if not name.startswith("_"))
    assert survey_channel(channel(tmp_path, files)) == Survey(rows, True, columns, size)


LINES = "".join(f"{x!r},{-x!r}\n" for x in np.random.default_rng(0).normal(size=40_000).tolist()).encode()


@pytest.mark.parametrize(
    "files",
    [
        {"a.csv": LINES},
        {"a.csv": b"y,a\n" + LINES},
        {"a.csv": LINES.replace(b"\n", b"\r")},
        {"a.jsonl": b"[" + LINES.replace(b"\n", b"]\n[")[:-1]},
        {"a.csv.gz": gzip.compress(LINES)},
        {"a.npy.gz": gzip.compress(npy(np.ones((40_000, 2))))},
        {f"{number:02}.csv": LINES[: LINES.index(b"\n", 80_000) + 1] for number in range(19)},
    ],
    ids=["CSV", "header line", "CR", "JSON Lines", "gzip", "NumPy in gzip", "many files"],
)
def test_of_more_than_that_it_is_an_estimate(tmp_path, files):
    """Within some per cent, and said to be one."""
    of_many = channel(tmp_path, files)
    survey = survey_channel(of_many)
    dataset = read_channel(of_many)
    assert survey.rows == pytest.approx(len(dataset), rel=0.03)
    assert (survey.exact, survey.columns) == (False, 2)
    assert survey.bytes == sum(map(len, files.values()))


def test_an_encoding_of_two_bytes_a_letter_is_no_matter(tmp_path):
    """Whether the file is small or large."""
    text = channel(tmp_path, {"a.csv": LINES.decode().encode("utf-16")}, "text/csv; charset=utf-16")
    assert survey_channel(text).rows == pytest.approx(40_000, rel=0.03)


@pytest.mark.parametrize(
    ("files", "size"),
    [
        ({"a.csv": b"\xff\xfe\x00"}, 3),
        ({"a.csv": b'"'}, 1),
        ({"a.jsonl": b"{"}, 1),
        ({"a.npy": b"1,2\n"}, 4),
        ({"a.parquet": b"PAR1"}, 4),
        ({"a.parquet": b"xxxxxxxxxxxxPAR1"}, 16),
        ({"a.csv.gz": gzip.compress(b"1,2\n" * 99, mtime=0)[:20]}, 20),
        ({"notes.txt": b"x"}, None),
    ],
    ids=repr,
)
def test_what_cannot_be_read_is_left_for_the_reading_to_explain(tmp_path, files, size):
    """It never raises."""
    assert survey_channel(channel(tmp_path, files)) == Survey(bytes=size)


def test_of_a_pipe_or_an_empty_folder_nothing_is_known(tmp_path):
    """Looking into a pipe would take bytes out of it."""
    assert survey_channel(Channel("training", tmp_path / "training", piped=True)) == Survey()
    assert survey_channel(channel(tmp_path, {})).rows is None


def test_few_files_are_opened_and_little_is_read_of_them(tmp_path, monkeypatch):
    """Whatever the size of the channel: a first line of the log waits for it."""
    looked = []
    look = module._look
    monkeypatch.setattr(module, "_look", lambda *args: looked.append(args) or look(*args))
    survey = survey_channel(channel(tmp_path, {f"{number:03}.csv": b"1,2\n" for number in range(200)}))
    assert len(looked) == 16
    assert (survey.rows, survey.exact) == (200, False)


def test_room_is_made_for_no_more_than_a_number_a_byte():
    """However wrong an estimate is: a file of zeros in gzip promises the earth."""
    assert Survey(10**12, False, 10, 1000).capacity == 100
    assert Survey(100, True, 10, 10**5).capacity == 105
    assert Survey(None, False, None, 10**5).capacity == 0
