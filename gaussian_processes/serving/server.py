"""gunicorn in front of the application: one model in memory, as many workers as cores."""

import gc
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gevent
from flask import Flask
from gevent.util import wrap_errors
from gunicorn.app.base import BaseApplication
from threadpoolctl import threadpool_limits

from gaussian_processes.algorithm import load_algorithm
from gaussian_processes.errors import ConfigurationError, ExplainedError
from gaussian_processes.job.paths import OptMl
from gaussian_processes.job.resources import available_cores, threads_for
from gaussian_processes.serving.application import create_app
from gaussian_processes.serving.predictor import Predictor

# Threads a worker computes in, beside the one that answers /ping: behind one long request, short ones still pass.
COMPUTE_THREADS = 2
# SageMaker kills a container 30 s after SIGTERM; requests in progress have until then less a margin.
GRACEFUL_TIMEOUT = 20
# Workers give their signs of life through a file; in memory, a slow disk cannot make a live one look dead.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # gunicorn makes its file there by mkstemp


@dataclass(frozen=True)
class Settings:
    """What the environment says about the server.

    Attributes:
        port: SAGEMAKER_BIND_TO_PORT, 8080 when not set.
        workers: MODEL_SERVER_WORKERS, one for each core when not set.
        timeout: MODEL_SERVER_TIMEOUT, seconds without a sign of life after which a worker is replaced; 60 when not set.
        threads: that each worker computes in: OMP_NUM_THREADS, its share of the cores when not set. The cores are
            those that this process may use, by its affinity and its container's quota.
    """

    port: int
    workers: int
    timeout: int
    threads: int

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises ConfigurationError for values that are not whole numbers in their range."""
        cores = available_cores()
        workers = _whole_number(environ, "MODEL_SERVER_WORKERS", cores)
        return cls(
            port=_whole_number(environ, "SAGEMAKER_BIND_TO_PORT", 8080, most=65535),
            workers=workers,
            timeout=_whole_number(environ, "MODEL_SERVER_TIMEOUT", 60),
            threads=threads_for(environ, cores // workers),
        )


def main(environ: Mapping[str, str]) -> int:
    """What `serve` does: load the model, then serve until SIGTERM; returns only when that failed."""
    try:
        settings = Settings.from_environ(environ)
        predictor = Predictor.load(OptMl.from_environ(environ).model, load_algorithm(environ))
    except ExplainedError as error:
        print(error, file=sys.stderr, flush=True)
        return error.exit_code
    app = create_app(predictor, offload=_in_native_thread)
    # Workers are forked from here. What is frozen is never moved by their collectors, and so stays shared.
    gc.collect()
    gc.freeze()
    _Gunicorn(app, _gunicorn_settings(settings)).run()
    return 0


def _gunicorn_settings(settings: Settings) -> dict[str, Any]:
    def post_fork(_server: Any, _worker: Any) -> None:
        # Processes times threads should not exceed the cores: beyond them OpenBLAS falls off a cliff.
        threadpool_limits(settings.threads)
        gevent.get_hub().threadpool.maxsize = COMPUTE_THREADS

    return {
        "bind": f"0.0.0.0:{settings.port}",
        "workers": settings.workers,
        "worker_class": "gevent",
        "post_fork": post_fork,
        "timeout": settings.timeout,
        "graceful_timeout": GRACEFUL_TIMEOUT,
        "worker_tmp_dir": str(SHARED_MEMORY) if os.access(SHARED_MEMORY, os.W_OK) else None,
        # Nobody manages workers through a socket, and the root may be read-only.
        "control_socket_disable": True,
    }


class _Gunicorn(BaseApplication):  # type: ignore[misc]  # gunicorn has no type hints
    """gunicorn configured by a dictionary instead of a command line."""

    def __init__(self, app: Flask, settings: Mapping[str, Any]) -> None:
        self._app = app
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._app


def _in_native_thread(work: Callable[[], bytes]) -> bytes:
    """A BLAS call never yields to gevent; in a thread of its own it leaves the worker free to answer /ping."""
    # The pool would print the traceback of every error; most are a client's.
    answer: bytes | Exception = gevent.get_hub().threadpool.apply(wrap_errors(Exception, work))
    if isinstance(answer, Exception):
        raise answer
    return answer


def _whole_number(environ: Mapping[str, str], name: str, default: int, most: int = 10**6) -> int:
    text = environ.get(name) or str(default)
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and 1 <= int(text) <= most):
        raise ConfigurationError(
            f"The environment variable {name} is {text[:40]!r}; a whole number from 1 to {most} is wanted."
        )
    return int(text)
