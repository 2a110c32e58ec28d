"""Channels: which files are read, in which order, and how rows keep their names."""

import gzip
import io

import numpy as np
import pytest
from reference import DATA

from gaussian_processes.data.channels.channel import Channel, parse_channel_type
from gaussian_processes.data.channels.reading import read_channel
from gaussian_processes.errors import DataError

PARQUET = DATA / "parquet"


def channel(tmp_path, files, content_type=None, **how):
    directory = tmp_path / "training"
    directory.mkdir()
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Channel("training", directory, *parse_channel_type("training", content_type), **how)


def test_files_are_joined_in_name_order_and_rows_keep_their_origin(tmp_path):
    """Whatever order the folder lists them in; nested prefixes included."""
    files = {"b.csv": "3,30\n4,40\n", "a.csv": "1,10\n", "c/part-0": "5,50\n"}
    dataset = read_channel(channel(tmp_path, files))
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
    assert len(read_channel(channel(tmp_path, files))) == 1


def test_the_content_type_decides_whatever_the_suffix(tmp_path):
    """Parameters do not matter to the choice."""
    assert len(read_channel(channel(tmp_path, {"a.data": "1,2\n"}, "text/csv; charset=utf-8"))) == 1


def test_links_are_followed_and_what_cannot_be_followed_is_an_error(tmp_path):
    """No row is left out without a word."""
    linked = channel(tmp_path, {"a.csv": "1,2\n"})
    directory = linked.path
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/b.csv").write_text("3,4\n5,6\n")
    (directory / "linked").symlink_to(tmp_path / "elsewhere")
    assert len(read_channel(linked)) == 3
    (directory / "dangling.csv").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"training/dangling\.csv is not a file that can be read"):
        read_channel(linked)


def test_a_circle_of_links_is_an_error(tmp_path):
    """And not an endless walk."""
    linked = channel(tmp_path, {"a.csv": "1,2\n"})
    (linked.path / "again").symlink_to(linked.path)
    with pytest.raises(DataError, match=r"is not a file that can be read"):
        read_channel(linked)


def test_a_name_that_would_break_the_line_is_made_visible(tmp_path):
    """In every message."""
    with pytest.raises(DataError, match=r"^'training/a\\nb\.csv': line 2, column 1"):
        read_channel(channel(tmp_path, {"a\nb.csv": "1,2\nx,2\n"}))


@pytest.mark.parametrize(
    ("files", "content_type", "message"),
    [
        ({}, None, r"Channel 'training' holds no file with rows .* Check the channel's S3 prefix"),
        ({"a.csv": ""}, None, r"Channel 'training' holds no file with rows"),
        ({"a.csv": "1\n2\n"}, None, r"training/a\.csv has one column; the target and then"),
        ({"a.csv": "1,2\n", "b.csv": "1,2,3\n"}, None, r"training/b\.csv has 3 columns where training/a\.csv has 2"),
        (
            {"a.csv": "1,2\n", "notes.txt": "hello"},
            None,
            r"training/notes\.txt has a suffix that means no format \(\.csv, .*\.parquet do\).* ContentType .*text/csv",
        ),
        ({"a.csv": "y,a\n"}, None, r"Channel 'training' holds no file with rows"),
        (
            {"a.csv": "y,a\n1,2\n", "b.csv": "a,y\n1,2\n"},
            None,
            r"training/b\.csv: column 1 is named 'a' where it is 'y' in",
        ),
        (
            {"a.csv": "y,a\n1,2\n", "b.csv": "y,c\n"},
            None,
            r"training/b\.csv: column 2 is named 'c' where it is 'a' in training/a",
        ),
        ({"a.csv": b"\x1f\x8b\x08broken"}, None, r"training/a\.csv is a broken gzip file"),
        ({"a.csv": gzip.compress(b"1,2\n" * 99)[:-5]}, None, r"training/a\.csv is a broken gzip file"),
        (
            {"a.csv": "1,2\n"},
            "text/csv; label_size=0",
            r"label_size=0 in its ContentType: there would be no target to learn",
        ),
        ({"a.csv": "1,2\n"}, "text/csv; label_size=2", r"label_size=2 .*: one target, in the first column, is wanted"),
        ({"a.csv": "1,2\nx,3\n"}, None, r"training/a\.csv: line 2, column 1: found 'x'"),
        ({"a.csv": "1,2\n"}, "application/json", r"Channel 'training': Content type 'application/json'"),
        ({"a.csv": "1,2\n"}, "json", r"Channel 'training': Content type 'json'"),
        ({"a.csv": "1,2\n"}, "text/libsvm", r"Channel 'training': Content type 'text/libsvm'"),
        ({"a.csv": "1,2\n"}, "v", r"Channel 'training': Content type 'v'"),
        ({"a.csv": "1,2\n"}, "text/", r"Channel 'training': Content type 'text/'"),
        ({"a.csv": "1,2\n"}, "xtext/csv", r"Channel 'training': Content type 'xtext/csv'"),
    ],
)
def test_says_what_is_wrong_with_a_channel(tmp_path, files, content_type, message):
    """Channel, file and what to do."""
    with pytest.raises(DataError, match=message):
        read_channel(channel(tmp_path, files, content_type))


def test_the_likely_cause_of_an_empty_shard_is_named(tmp_path):
    """A host can be given no file at all."""
    with pytest.raises(DataError, match=r"no file with rows.*S3DistributionType is ShardedByS3Key: .*fewer files"):
        read_channel(channel(tmp_path, {}, sharded=True))


def npy(rows):
    stream = io.BytesIO()
    np.save(stream, rows)
    return stream.getvalue()


WRITTEN = {
    "a.csv": b"1,2\n3,4\n",
    "A.CSV": b"1,2\n3,4\n",
    "part-0": b"1,2\n3,4\n",
    "b.jsonl": b"[1, 2]\n[3, 4]\n",
    "b.ndjson": b'{"target": 1, "features": [2]}\n[3, 4]',
    "c.npy": npy(np.array([[1, 2], [3, 4]])),
    "d.parquet": (PARQUET / "two_rows.parquet").read_bytes(),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", WRITTEN)
def test_the_suffix_says_the_format_and_the_first_bytes_whether_it_is_gzip(tmp_path, name, packed):
    """With '.gz' behind it or without."""
    content = gzip.compress(WRITTEN[name]) if packed else WRITTEN[name]
    for suffix in ("", ".gz"):
        (tmp_path / suffix).mkdir(exist_ok=True)
        dataset = read_channel(channel(tmp_path / suffix, {name + suffix: content}))
        assert (dataset.target.tolist(), dataset.features.tolist()) == ([1, 3], [[2], [4]])


@pytest.mark.parametrize(
    ("content_type", "name"),
    [
        ("TEXT/CSV; label_size=1", "a.csv"),
        ("application/jsonlines", "b.jsonl"),
        ("application/x-jsonlines; charset=utf-8", "b.jsonl"),
        ("application/x-npy", "c.npy"),
        ("application/x-parquet", "d.parquet"),
        ("csv", "a.csv"),
        ("CSV; label_size=1", "a.csv"),
        ("application/csv", "a.csv"),
        ("text/x-csv", "a.csv"),
        ("application/ndjson", "b.jsonl"),
        ("application/jsonl", "b.jsonl"),
        ("jsonlines", "b.jsonl"),
        ("npy", "c.npy"),
        ("parquet", "d.parquet"),
        ("application/parquet", "d.parquet"),
        ("Parquet;version=1", "d.parquet"),
        ("application/vnd.apache.parquet", "d.parquet"),
    ],
)
def test_a_content_type_rules_over_the_suffix(tmp_path, content_type, name):
    """Its parameters never decide the format."""
    dataset = read_channel(channel(tmp_path, {"wrong.npy": WRITTEN[name]}, content_type))
    assert (dataset.target.tolist(), dataset.features.tolist()) == ([1, 3], [[2], [4]])


def test_formats_may_stand_side_by_side(tmp_path):
    """A channel of several files, each of its own suffix."""
    dataset = read_channel(channel(tmp_path, WRITTEN))
    assert dataset.target.tolist() == [1, 3] * len(WRITTEN)


def test_names_of_columns_are_kept_with_where_they_stood(tmp_path):
    """Part files may each have the header line, or none."""
    files = {"a.csv": "y,a\n1,2\n3,4\n", "b.csv": "y,a\n", "c.csv": "5,6\n"}
    dataset = read_channel(channel(tmp_path, files))
    assert dataset.columns == ("y", "a")
    assert [(source.name, source.rows, source.header) for source in dataset.sources] == [
        ("training/a.csv", 2, True),
        ("training/b.csv", 0, True),
        ("training/c.csv", 1, False),
    ]
    assert [dataset.origin(row) for row in (1, 2)] == [
        "training/a.csv, row 2 below its header line",
        "training/c.csv, row 1",
    ]


def test_manifests_and_gzip_of_nothing_hold_no_rows(tmp_path):
    """Nor do files of no bytes."""
    files = {"a.csv": "1,2\n", "b.manifest": "[{}]", "x-manifest": "[{}]", "c.csv.gz": gzip.compress(b""), "d.txt": ""}
    assert len(read_channel(channel(tmp_path, files))) == 1


def test_features_are_one_block_of_rows_and_nothing_else(tmp_path):
    """As BLAS wants them, however many files and pieces there were."""
    files = {f"{number}.csv": f"{number},1,2\n" * number for number in range(1, 9)}
    dataset = read_channel(channel(tmp_path, files))
    assert dataset.features.flags.c_contiguous
    assert dataset.features.flags.owndata
    assert dataset.features.nbytes == 36 * 2 * 8
    assert np.array_equal(dataset.target, np.repeat(np.arange(1.0, 9.0), range(1, 9)))


@pytest.mark.parametrize("packed", [False, True])
def test_progress_ends_at_the_bytes_of_the_files(tmp_path, packed):
    """It grows from call to call, in bytes as they lie on the disk, for every format."""
    files = {name: gzip.compress(content) if packed else content for name, content in WRITTEN.items()}
    files["e.csv"] = "1,2\n" * 3_000_000
    files["_ignored"] = "x" * 1000
    told = []
    read_channel(channel(tmp_path, files), told.append)
    assert told == sorted(set(told))
    assert told[-1] == sum(len(content) for name, content in files.items() if name != "_ignored")
    assert len(told) > len(files)
