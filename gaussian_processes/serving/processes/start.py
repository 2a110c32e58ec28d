"""The start of the server: first the port, then everything that takes time."""

import resource
import sys
from collections.abc import MutableMapping
from contextlib import suppress

from gaussian_processes.errors import ExplainedError
from gaussian_processes.serving.processes.nginx import Nginx
from gaussian_processes.serving.processes.server_settings import Settings
from gaussian_processes.serving.processes.waiting import BACKLOG, answer_meanwhile, listen


def start(environ: MutableMapping[str, str]) -> int:
    """What `serve` does: listen, load the model, then serve until SIGTERM.

    Returns:
        The exit code of a server that could not start.
    """
    try:
        settings = Settings.from_environ(environ)
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        with suppress(ValueError):  # macOS calls it endless, and then refuses that
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        if settings.front == "nginx":
            listener = listen(0, "127.0.0.1")
            front = Nginx.start(settings.port, listener.getsockname()[1], settings.cores, BACKLOG)
        else:
            listener, front = listen(settings.port), None
        model_is_there = answer_meanwhile(listener)

        # All this takes time, and comes when the port is open.
        from gevent import monkey  # noqa: PLC0415

        monkey.patch_all()  # before anything is imported that would keep an unpatched lock or socket

        from gaussian_processes.serving.processes.server import serve  # noqa: PLC0415

        return serve(environ, settings, listener.detach(), model_is_there, front)
    except ExplainedError as error:
        print(error, file=sys.stderr, flush=True)
        return error.exit_code
