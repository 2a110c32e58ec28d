"""Atomic files: written so that they appear whole or not at all; read only if they are regular files."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from gaussian_processes.errors import DataError

# The open files of this process, by their numbers.
DESCRIPTORS = Path("/proc/self/fd")

# A file of more bytes has to be there for an eighth at least.
LARGE = 2**28

# Names under which this process is writing.
_unfinished: set[Path] = set()


def open_file(path: Path, *, follow: bool = False) -> BufferedReader:
    """Open a file to read it. What is none is not opened: that could wait for ever, or mean something to a device.

    Args:
        path: of the file.
        follow: a symbolic link that stays in its folder.

    Raises:
        DataError: it is a link, a device, a pipe or a socket, or it is nearly all holes.
        OSError: it is a folder, or cannot be opened.
    """
    target = Path(os.path.realpath(path))
    if follow and target.is_relative_to(os.path.realpath(path.parent)):
        path = target
    mode = os.lstat(path).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        found = "a symbolic link, which is not followed" if stat.S_ISLNK(mode) else "a device, a pipe or a socket"
        raise DataError(f"{path} is no file, but {found}. Put there what `train` wrote, or train again.")
    stream = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK))  # noqa: SIM115
    size, stored = (status := os.fstat(stream.fileno())).st_size, 512 * status.st_blocks
    # Disks that compress, and some of networks, count few blocks as well, but know of no holes.
    if size > max(LARGE, 8 * stored) and os.lseek(stream.fileno(), 0, os.SEEK_HOLE) < size:
        stream.close()
        raise DataError(
            f"{path} is damaged or cut short: of its {size} bytes the disk holds {stored}. Copy it again, or train again."
        )
    stream.seek(0)
    return stream


@contextmanager
def write_by_rename(path: Path, *, suffix: str = "") -> Iterator[BinaryIO]:
    """A stream whose bytes become `path` when the block ends well; when it does not, nothing is left behind.

    It can be read too, and mapped.

    Where the system can, the file has no name until all of it is on the disk, so that not even SIGKILL leaves a part of
    it. Elsewhere it has one that begins with a dot, and so has for a moment what takes an earlier file's place.

    Args:
        path: of the file.
        suffix: what that other name ends in, for those who watch the folder.

    Raises:
        OSError: the folder or the file cannot be written, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{suffix}")
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    _unfinished.add(temporary)
    try:
        unnamed = _open_unnamed(path.parent)
        with temporary.open("w+b") if unnamed is None else os.fdopen(unnamed, "w+b") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            if unnamed is not None:
                _give_name(unnamed, folder, path, temporary)
        if unnamed is None:
            temporary.replace(path)
        _keep_names(folder)
    finally:
        os.close(folder)
        temporary.unlink(missing_ok=True)
        _unfinished.discard(temporary)


def remove_unfinished() -> None:
    """For a process that is about to end without unwinding: remove what it has not written to the end."""
    for temporary in tuple(_unfinished):
        with suppress(OSError):  # the process ends all the same
            temporary.unlink(missing_ok=True)


def _open_unnamed(folder: Path) -> int | None:
    """A file that ends with its process unless it is given a name; None where the system has no such files."""
    if not hasattr(os, "O_TMPFILE") or not DESCRIPTORS.is_dir():
        return None
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666)
    except OSError:  # whatever the reason: opening by name will work, or say why
        return None


def _give_name(descriptor: int, folder: int, path: Path, temporary: Path) -> None:
    source = DESCRIPTORS / str(descriptor)
    # Without dst_dir_fd, Python would link /proc's symbolic link, and not the file.
    try:
        os.link(source, path.name, dst_dir_fd=folder)
    except FileExistsError:  # nothing can be linked over a file
        temporary.unlink(missing_ok=True)  # of an earlier process of this number
        os.link(source, temporary.name, dst_dir_fd=folder)
        temporary.replace(path)


def _keep_names(folder: int) -> None:
    """Have the names in an open folder, too, outlive a loss of power."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that does this for files alone
            raise
