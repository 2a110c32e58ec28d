"""The start of the server: first the port, then everything that takes time."""

import os
import shutil
import sys
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

from gaussian_processes.errors import ExplainedError, PlatformError
from gaussian_processes.serving.nginx import Nginx
from gaussian_processes.serving.settings import Settings
from gaussian_processes.serving.waiting import BACKLOG, answer_meanwhile, listen

# In memory, where there is such a folder: workers tell there that they are alive, and what they count.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # folders of its own are made there


def start(environ: MutableMapping[str, str]) -> int:
    """What `serve` does: listen, load the model, then serve until SIGTERM.

    Returns:
        The exit code of a server that could not start.
    """
    owner, folder = os.getpid(), None
    try:
        settings = Settings.from_environ(environ)
        folder = _own_folder()
        return _start(environ, settings, folder)
    except ExplainedError as error:
        print(error, file=sys.stderr, flush=True)
        return error.exit_code
    finally:
        if folder and os.getpid() == owner:  # and not a worker, which leaves by the same way
            shutil.rmtree(folder, ignore_errors=True)


def _own_folder() -> Path:
    shared = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None
    try:
        return Path(tempfile.mkdtemp(prefix="serve-", dir=shared))
    except OSError as error:
        raise PlatformError(f"The server needs a folder to write to, /dev/shm or /tmp: {error}.") from error


def _start(environ: MutableMapping[str, str], settings: Settings, folder: Path) -> int:
    if settings.front == "nginx":
        listener = listen(folder / "server.sock")
        front = Nginx.start(folder, settings.port, folder / "server.sock", settings.cores, BACKLOG)
    else:
        listener, front = listen(settings.port), None
    model_is_there = answer_meanwhile(listener)
    # prometheus_client reads it when it is imported.
    environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)

    # All this takes time, and comes when the port is open.
    from gevent import monkey  # noqa: PLC0415

    monkey.patch_all()  # before anything is imported that would keep an unpatched lock or socket

    from gaussian_processes.serving.server import serve  # noqa: PLC0415

    return serve(environ, settings, folder, listener.detach(), model_is_there, front)
