"""nginx before the server, for who wants it there: it listens on the port, and passes on whatever comes."""

import _thread
import os
import shutil
import signal
import subprocess
from contextlib import suppress

from gaussian_processes.errors import ConfigurationError

# Nothing here is tighter than what stands behind it: bodies of any size, heads as large as gunicorn's limits allow (100
# fields of 8,190 bytes), and more patience than any caller has; but for heads, which are all that it waits for by itself. Idle
# connections yield to others where there are no more than it may open. A client that sends no more may still wait: nginx cannot
# ask it, as the server does, and so lets the server work for those that have gone, too. Bodies and answers are not kept on a
# disk: nothing is, as a disk may be full, or not be there. What nginx wants folders for, it then never uses. Its number is in a
# file in memory; when it ends it says that this one cannot be removed.
CONFIGURATION = """\
daemon off;
{user}
pid /proc/self/fd/{number};
error_log stderr warn;
worker_processes {workers};
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    server_tokens off;
    client_body_temp_path /dev;
    proxy_temp_path /dev;
    fastcgi_temp_path /dev;
    uwsgi_temp_path /dev;
    scgi_temp_path /dev;
    client_max_body_size 0;
    large_client_header_buffers 104 16k;
    client_header_timeout 60s;
    client_body_timeout 3600s;
    send_timeout 3600s;
    keepalive_timeout 75s;
    upstream server {{
        server 127.0.0.1:{behind};
        keepalive 64;
    }}
    server {{
        listen {port} backlog={backlog} reuseport;
        location / {{
            proxy_pass http://server;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_request_buffering off;
            proxy_buffering off;
            proxy_ignore_client_abort on;
            proxy_connect_timeout 3600s;
            proxy_send_timeout 3600s;
            proxy_read_timeout 3600s;
        }}
    }}
}}
"""


class Nginx:
    """A running nginx.

    Args:
        process: whose end, should it come before `close`, is this process's too.
    """

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._closed = False
        # A native thread, which no fork copies, and of which gevent, that patches the others, knows nothing.
        _thread.start_new_thread(self._watch, (os.getpid(),))

    @classmethod
    def start(cls, port: int, behind: int, workers: int, backlog: int) -> "Nginx":
        """Start it.

        Args:
            port: that it listens on.
            behind: the port that the server listens on.
            workers: its processes.
            backlog: connections that may wait.

        Raises:
            ConfigurationError: there is no nginx.
        """
        program = shutil.which("nginx")
        if program is None:
            raise ConfigurationError(
                "MODEL_SERVER_FRONT is nginx, and there is no nginx on PATH. Install it, or leave it out."
            )
        configuration, number = os.memfd_create("nginx.conf"), os.memfd_create("nginx.pid")
        # Where it is started by root, its workers would take another user, who may not open this one's files.
        user = "user root;" if os.geteuid() == 0 else ""
        text = CONFIGURATION.format(
            connections=max(64, min(4096, os.sysconf("SC_OPEN_MAX") - 32)),
            number=number,
            port=port,
            behind=behind,
            workers=workers,
            backlog=backlog,
            user=user,
        )
        os.write(configuration, text.encode())
        # -e: it would write to a file of its own before it has read where to.
        command = [program, "-e", "stderr", "-p", "/", "-c", f"/proc/self/fd/{configuration}"]
        # With its workers, it is a group of its own.
        return cls(subprocess.Popen(command, start_new_session=True, pass_fds=(configuration, number)))  # noqa: S603

    def close(self) -> None:
        """No new connections; requests that are under way are answered."""
        self._closed = True
        self._process.send_signal(signal.SIGQUIT)

    def _watch(self, server: int) -> None:
        self._process.wait()  # which returns, too, where gunicorn is the one that learns of the end
        if not self._closed:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)  # its workers would go on listening
            os.kill(server, signal.SIGTERM)
