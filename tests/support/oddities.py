"""What lies in the place of a file and is none that can be read: each makes it of a good one."""

import os
import shutil
import socket
import stat

import pytest


def pipe(path):
    path.unlink()
    os.mkfifo(path)


def device(path):
    path.unlink()
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # of endless zeros
    except PermissionError as error:
        pytest.skip(f"this user makes no devices: {error.strerror}")


def unix_socket(path):
    path.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:  # a socket's path may have 107 bytes
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)


def link_to_a_device(path):
    path.unlink()
    path.symlink_to("/dev/zero")


def link_out(path):
    """Though what it leads to is good."""
    elsewhere = path.parent.with_name(f"{path.parent.name}-elsewhere")
    elsewhere.mkdir()
    shutil.move(path, elsewhere / path.name)
    path.symlink_to(elsewhere / path.name)


def link_to_itself(path):
    path.unlink()
    path.symlink_to(path.name)


def stretched(path):
    """A terabyte of holes after the good part."""
    os.truncate(path, 2**40)


def hollow(path):
    """A terabyte of holes between the beginning and the end of the good part."""
    body = path.read_bytes()
    os.truncate(path, 2**40)
    with path.open("r+b") as stream:
        stream.seek(-100, os.SEEK_END)
        stream.write(body[-100:])


NO_FILES = {
    "a pipe": (pipe, "is no file, but a device, a pipe or a socket"),
    "a device": (device, "is no file, but a device, a pipe or a socket"),
    "a socket": (unix_socket, "is no file, but a device, a pipe or a socket"),
    "a link to a device": (link_to_a_device, "is no file, but a symbolic link"),
    "a link out of its folder": (link_out, "is no file, but a symbolic link"),
    "a link to itself": (link_to_itself, "is no file, but a symbolic link"),
    "holes at the end": (stretched, "of its 1099511627776 bytes the disk holds"),
    "holes in the middle": (hollow, "of its 1099511627776 bytes the disk holds"),
}
