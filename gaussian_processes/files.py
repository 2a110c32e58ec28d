"""Files that appear whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def write_by_rename(path: Path) -> Iterator[BinaryIO]:
    """A stream whose bytes become `path` when the block ends well; when it does not, nothing is left behind."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.chmod(0o644)  # mkstemp's 0600 would keep the endpoint's or the host's user out
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink()
        raise
