"""Files appear whole or not at all."""

import pytest

from gaussian_processes.files import write_by_rename


def test_a_file_appears_when_all_of_it_is_written(tmp_path):
    """Not before, and with nothing beside it."""
    with write_by_rename(tmp_path / "a") as stream:
        stream.write(b"half")
        assert not (tmp_path / "a").exists()
        stream.write(b" and half")
    assert (tmp_path / "a").read_bytes() == b"half and half"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def write_half(path, interruption):
    with write_by_rename(path) as stream:
        stream.write(b"half")
        raise interruption


@pytest.mark.parametrize("interruption", [OSError("disk full"), SystemExit(143), KeyboardInterrupt()], ids=repr)
def test_an_interruption_leaves_what_was_there(tmp_path, interruption):
    """The old file, or none; and no leftover."""
    for before in (None, b"old"):
        if before is not None:
            (tmp_path / "a").write_bytes(before)
        with pytest.raises(type(interruption)):
            write_half(tmp_path / "a", interruption)
        assert [path.read_bytes() for path in tmp_path.iterdir()] == ([] if before is None else [before])
