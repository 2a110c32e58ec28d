"""gunicorn in front of the application: one model in memory, as many workers as cores and memory allow."""

import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from flask import Flask
from gevent.threadpool import ThreadPool
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.sock import TCPSocket
from gunicorn.workers import base
from gunicorn.workers.workertmp import WorkerTmp
from threadpoolctl import threadpool_limits

from gaussian_processes.algorithm import Algorithm, load_algorithm
from gaussian_processes.data.http import exchange_named
from gaussian_processes.errors import ConfigurationError, DataError, ExplainedError, UnusableModelError
from gaussian_processes.job.contract.paths import OptMl
from gaussian_processes.job.failure import Failure
from gaussian_processes.job.planning.resources import available_memory
from gaussian_processes.serving.http.application import Batches, Service, create_app
from gaussian_processes.serving.http.invocation import Habits
from gaussian_processes.serving.http.queries import WORDS, parse_attributes, parse_query
from gaussian_processes.serving.models.loaded import Models
from gaussian_processes.serving.models.predictor import Predictor
from gaussian_processes.serving.processes.nginx import Nginx
from gaussian_processes.serving.processes.server_settings import Settings
from gaussian_processes.serving.processes.worker import ENDINGS
from gaussian_processes.serving.watching.metrics import Facts, Measurements
from gaussian_processes.serving.work.decoder import Decoders
from gaussian_processes.serving.work.memory import Memory
from gaussian_processes.serving.work.turns import Computing, in_thread

# Long requests that a worker computes at the same time, beside short ones and the thread that answers /ping.
COMPUTING = 2
# Models that are loaded at the same time, in threads of their own: one may hang, on a disk that does.
LOADING = 64
# Workers that may be there beside those that were wanted: a reload has twice as many for a moment.
SPARE = 64
# SageMaker kills a container 30 s after SIGTERM; requests in progress have until then less a margin.
GRACEFUL_TIMEOUT = 20
# Seconds that a connection is kept for the next request.
KEEPALIVE = 60
# Connections of a worker, if it may open so many files and some more.
CONNECTIONS, MORE_FILES = 1000, 64
# Bytes that a worker needs of its own, beside the model that it shares: the interpreter's pages that it has written to, and
# for two requests at a time a body of some megabytes, a block of covariances, an answer, and a process that reads Parquet.
WORKER_MEMORY = 2**28


def serve(
    environ: Mapping[str, str],
    settings: Settings,
    listener: int,
    model_is_there: Callable[[], None],
    front: Nginx | None,
) -> int:
    """Load the model, then serve until SIGTERM.

    Args:
        environ: of the process.
        settings: as read from it.
        listener: the number of the socket that the port is.
        model_is_there: ends what has answered until then.
        front: what stands before the socket.

    Raises:
        ConfigurationError: the environment names what does not exist. A model that is unusable is no such reason: the
            server then says so to who asks.
    """
    try:
        algorithm = load_algorithm(environ)
        habits = _habits(settings, algorithm)
        started = time.perf_counter()
        with threadpool_limits(1):  # no thread of BLAS is there to be lost in a fork
            source = _source(environ, settings, algorithm)
        facts = _facts(source, time.perf_counter() - started)
        workers, several = _workers(settings), settings.multi_model
        service = Service(
            habits=habits,
            max_body=settings.max_body,
            batches=Batches(workers, max(1, min(6, 100 // workers))),
            measurements=Measurements(facts, 2 * workers + SPARE),
            computing=Computing(
                settings.cores if several else 1,
                max(COMPUTING, settings.cores) if several else COMPUTING,
                _connections() // 8,
            ),
        )
        app = create_app(algorithm, source, service)
        left = available_memory()
        memory = Memory(max(left / 2, left - workers * WORKER_MEMORY), available_memory, 2 * workers + SPARE)
        app.wsgi_app = memory.around(app.wsgi_app)  # type: ignore[method-assign, assignment]  # as Flask has it
    except Exception:
        if front is not None:
            front.close()
        raise
    finally:
        model_is_there()
    # Workers are forked from here. What is frozen is never moved by their collectors, and so stays shared.
    gc.collect()
    gc.freeze()

    def begin(slot: int) -> None:
        service.measurements.begin(slot)
        memory.enter(slot)
        if isinstance(source, Models):
            source.recall()

    if hasattr(os, "memfd_create"):  # on Linux
        base.WorkerTmp = _Pulse  # which no setting of gunicorn's can change
    _Gunicorn(app, _gunicorn_settings(settings, workers, begin), listener, front).run()
    return 0


def _habits(settings: Settings, algorithm: Algorithm[Any, Any]) -> Habits:
    words = parse_attributes(settings.usual_query)
    unknown = sorted(words.keys() - set(WORDS))
    if unknown or (settings.usual_query and not words):
        found = unknown[0] if unknown else settings.usual_query
        raise ConfigurationError(
            f"MODEL_SERVER_QUERY has {found[:40]!r}; {', '.join(WORDS)} are wanted, as in outputs=mean,interval;level=0.9"
        )
    try:
        parse_query(words, algorithm.outputs, usual=True)
    except DataError as error:
        raise ConfigurationError(f"MODEL_SERVER_QUERY is wrong. {error}") from None
    return Habits(
        batch=settings.batch,
        usual_format=exchange_named(settings.usual_accept) if settings.usual_accept else None,
        usual_words=words,
        formats=Decoders(settings.max_body).formats(),
    )


def _source(
    environ: Mapping[str, str], settings: Settings, algorithm: Algorithm[Any, Any]
) -> Predictor | UnusableModelError | Models:
    """The model, or the reason why there is none, or room for several."""
    if settings.multi_model:
        pool = cache(lambda: ThreadPool(LOADING))  # made by the worker that has the models

        def load(folder: Path) -> Predictor:
            return _loaded(folder, algorithm)

        return Models(load, available_memory, settings.max_models, lambda work: in_thread(pool(), work))
    try:
        return _loaded(OptMl.from_environ(environ).model, algorithm)
    except ExplainedError as error:
        print(error, file=sys.stderr, flush=True)
        return UnusableModelError(str(error))
    except Exception as error:  # noqa: BLE001  # whatever it is, the server stays to be asked, and its log to be read
        print(Failure.of(error).log, end="", file=sys.stderr, flush=True)
        return UnusableModelError("The model cannot be loaded, by a fault of the program; the server's log has it.")


def _loaded(directory: Path, algorithm: Algorithm[Any, Any]) -> Predictor:
    """A model; what speaks against trusting it is in the server's log."""
    predictor = Predictor.load(directory, algorithm)
    for warning in predictor.artifact.warnings:
        print(f"Warning: {warning}", file=sys.stderr, flush=True)
    return predictor


def _facts(source: Predictor | UnusableModelError | Models, seconds: float) -> Facts:
    match source:
        case Predictor():
            artifact = source.artifact
            settings = {name: str(value) for name, value in artifact.hyperparameters.items()}
            return Facts(seconds, {"algorithm": artifact.algorithm, "features": str(artifact.features), **settings})
        case Models():
            return Facts(models=lambda: len(source))
        case _:
            return Facts()


def _workers(settings: Settings) -> int:
    """One for each core, if the memory that the model has left is enough; of several models one process has them all."""
    if settings.multi_model:
        return 1
    return settings.workers or max(1, int(min(settings.cores, available_memory() // WORKER_MEMORY)))


def _connections() -> int:
    """Of a worker: as many as it may open files, and some less."""
    return int(max(MORE_FILES, min(CONNECTIONS, os.sysconf("SC_OPEN_MAX") - MORE_FILES)))


def _gunicorn_settings(settings: Settings, workers: int, begin: Callable[[int], None]) -> dict[str, Any]:
    def pre_fork(server: Any, worker: Any) -> None:
        taken = {other.slot for other in server.WORKERS.values()}
        worker.slot = next(slot for slot in count() if slot not in taken)

    def post_fork(_server: Any, _worker: Any) -> None:
        # Processes times threads should not exceed the cores: beyond them OpenBLAS falls off a cliff.
        several = settings.multi_model
        threadpool_limits(settings.threads or (1 if several else max(1, settings.cores // workers)))

    return {
        "workers": workers,
        "worker_class": "gaussian_processes.serving.processes.worker.Worker",
        "pre_fork": pre_fork,
        "post_fork": post_fork,
        "post_worker_init": lambda worker: begin(worker.slot),
        "worker_connections": _connections(),
        "timeout": settings.timeout,
        "graceful_timeout": GRACEFUL_TIMEOUT,
        "keepalive": KEEPALIVE,
        # Nobody manages workers through a socket, and the root may be read-only.
        "control_socket_disable": True,
    }


class _Pulse(WorkerTmp):  # type: ignore[misc]
    """The file by whose date gunicorn sees that a worker is alive: in memory, as a disk may be full when a worker is replaced."""

    def __init__(self, _settings: Any) -> None:
        self._tmp = os.fdopen(os.memfd_create("pulse"), "w+b", buffering=0)


class _Gunicorn(BaseApplication):  # type: ignore[misc]  # gunicorn has no type hints
    """gunicorn configured by a dictionary instead of a command line."""

    def __init__(self, app: Flask, settings: Mapping[str, Any], listener: int, front: Nginx | None) -> None:
        self._app = app
        self._settings = settings
        self._listener = listener
        self._front = front
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._app

    def run(self) -> None:
        _Arbiter(self, self._listener, self._front).run()


class _Arbiter(Arbiter):  # type: ignore[misc]
    """gunicorn's parent process, on a socket that is open already; it stops what stands before that first."""

    def __init__(self, app: _Gunicorn, listener: int, front: Nginx | None) -> None:
        super().__init__(app)
        self.LISTENERS = [TCPSocket(("", 0), self.cfg, self.log, fd=listener)]
        self._front = front

    def spawn_worker(self) -> Any:
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
        try:
            return super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)

    def stop(self, graceful: bool = True) -> None:
        if self._front is not None:
            self._front.close()
        super().stop(graceful)
