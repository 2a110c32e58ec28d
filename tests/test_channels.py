"""Channels: which files are read, in which order, and how rows keep their names."""

import numpy as np
import pytest

from gaussian_processes.data.channels import read_channel
from gaussian_processes.errors import DataError


def channel(tmp_path, files):
    directory = tmp_path / "training"
    directory.mkdir()
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return directory


def test_files_are_joined_in_name_order_and_rows_keep_their_origin(tmp_path):
    """Whatever order the folder lists them in; nested prefixes included."""
    files = {"b.csv": "3,30\n4,40\n", "a.csv": "1,10\n", "c/part-0": "5,50\n"}
    dataset = read_channel(channel(tmp_path, files), None)
    assert np.array_equal(dataset.target, [1, 3, 4, 5])
    assert np.array_equal(dataset.features, [[10], [30], [40], [50]])
    origins = [dataset.origin(row) for row in range(4)]
    assert origins == [
        "training/a.csv, row 1",
        "training/b.csv, row 1",
        "training/b.csv, row 2",
        "training/c/part-0, row 1",
    ]
    with pytest.raises(IndexError):
        dataset.origin(4)


def test_hidden_and_empty_files_hold_no_rows(tmp_path):
    """Markers and leftovers of other tools are passed over."""
    files = {"a.csv": "1,2\n", ".DS_Store": "x", "_SUCCESS": "x", "empty.csv": "", "_tmp/part": "x"}
    assert len(read_channel(channel(tmp_path, files), None)) == 1


def test_the_content_type_decides_whatever_the_suffix(tmp_path):
    """Parameters do not matter to the choice."""
    assert len(read_channel(channel(tmp_path, {"a.data": "1,2\n"}), "text/csv; charset=utf-8")) == 1


def test_links_are_followed_and_what_cannot_be_followed_is_an_error(tmp_path):
    """No row is left out without a word."""
    directory = channel(tmp_path, {"a.csv": "1,2\n"})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/b.csv").write_text("3,4\n5,6\n")
    (directory / "linked").symlink_to(tmp_path / "elsewhere")
    assert len(read_channel(directory, None)) == 3
    (directory / "dangling.csv").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"training/dangling\.csv is not a file that can be read"):
        read_channel(directory, None)


def test_a_circle_of_links_is_an_error(tmp_path):
    """And not an endless walk."""
    directory = channel(tmp_path, {"a.csv": "1,2\n"})
    (directory / "again").symlink_to(directory)
    with pytest.raises(DataError, match=r"is not a file that can be read"):
        read_channel(directory, None)


def test_a_name_that_would_break_the_line_is_made_visible(tmp_path):
    """In every message."""
    with pytest.raises(DataError, match=r"^'training/a\\nb\.csv': row 1, column 1"):
        read_channel(channel(tmp_path, {"a\nb.csv": "x,2\n"}), None)


@pytest.mark.parametrize(
    ("files", "content_type", "message"),
    [
        ({}, None, r"Channel 'training' holds no file with rows .* Check the channel's S3 prefix"),
        ({"a.csv": ""}, None, r"Channel 'training' holds no file with rows"),
        ({"a.csv": "1\n2\n"}, None, r"training/a\.csv has one column; the target and then"),
        ({"a.csv": "1,2\n", "b.csv": "1,2,3\n"}, None, r"training/b\.csv has 3 columns where training/a\.csv has 2"),
        ({"notes.txt": "hello"}, None, r"training/notes\.txt is not a \.csv file"),
        ({"a.csv": "1,2\nx,3\n"}, None, r"training/a\.csv: row 2, column 1: found 'x'"),
        ({"a.csv": "1,2\n"}, "application/json", r"Channel 'training': Content type 'application/json'"),
    ],
)
def test_says_what_is_wrong_with_a_channel(tmp_path, files, content_type, message):
    """Channel, file and what to do."""
    with pytest.raises(DataError, match=message):
        read_channel(channel(tmp_path, files), content_type)
