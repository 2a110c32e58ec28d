"""Files without a name, where the system has them, and a system that has none."""

import errno
import os

open_file = os.open


def refuse_unnamed(path, flags, *arguments, **named):
    """os.open on a file system that has no files without a name."""
    if flags & os.O_TMPFILE == os.O_TMPFILE:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), path)
    return open_file(path, flags, *arguments, **named)


def has_unnamed_files(folder):
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY))
    except OSError:
        return False
    return True


def names(folder):
    return sorted(path.name for path in folder.iterdir())
