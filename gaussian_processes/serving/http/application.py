"""The Flask application: what is asked at which path, and who answers it."""

import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from typing import Any

from flask import Flask, Response, current_app, g, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.http import parse_options_header

from gaussian_processes.algorithm import Algorithm
from gaussian_processes.data.http import JSON
from gaussian_processes.errors import ExplainedError, UnusableModelError
from gaussian_processes.serving.http.bodies import read_body
from gaussian_processes.serving.http.invocation import Habits, Invocation, Tallying, parse_invocation
from gaussian_processes.serving.http.multi_model import MULTI_MODEL, error_type, multi_model
from gaussian_processes.serving.http.openapi import describe
from gaussian_processes.serving.models.loaded import Models
from gaussian_processes.serving.models.predictor import Predictor
from gaussian_processes.serving.watching.hooks import observe
from gaussian_processes.serving.watching.metrics import Facts, Measurements
from gaussian_processes.serving.work.client import Client
from gaussian_processes.serving.work.turns import Computing

# Bytes of a body that are parsed, and answered, in less time than it takes to have another thread do it.
SMALL = 2**14
# Numbers that are computed and written in less time than a person notices.
QUICK = 2**16


@dataclass(frozen=True)
class Batches:
    """What batch transform is told to send.

    Attributes:
        concurrent: requests at the same time.
        megabytes: of each.
    """

    concurrent: int = 1
    megabytes: int = 6


@dataclass(frozen=True)
class Service:
    """What an application is made of, beside its models.

    Attributes:
        habits: what holds for requests that do not say otherwise.
        max_body: bytes of a request's body that are taken; None for any number.
        batches: what batch transform is told.
        measurements: where requests are counted.
        computing: does the long part of a request, parsing and linear algebra, where it does not hold up other requests; None
            where it may stand as it is.
    """

    habits: Habits = field(default_factory=Habits)
    max_body: int | None = None
    batches: Batches = field(default_factory=Batches)
    measurements: Measurements = field(default_factory=lambda: Measurements(Facts()))
    computing: Computing | None = None


def create_app(
    algorithm: Algorithm[Any, Any], source: Predictor | UnusableModelError | Models, service: Service
) -> Flask:
    """The server's application.

    Args:
        algorithm: of all its models.
        source: what answers: one model; or the reason why there is none, which every request is told; or models that come
            and go.
        service: the rest.
    """
    app = Flask("gaussian_processes")
    observe(app, service.measurements)
    app.register_error_handler(ExplainedError, _explained)
    app.register_error_handler(HTTPException, partial(_refused, service.max_body))
    app.register_error_handler(Exception, _unforeseen)

    @app.get("/ping")
    def ping() -> Response:
        if not isinstance(source, Models):
            _required(source)
        return Response(status=200)

    if isinstance(source, Models):
        app.register_blueprint(multi_model(source, service.max_body, partial(_invoke, service)))
    else:

        @app.post("/invocations")
        def invocations() -> Response:
            return _invoke(service, partial(_required, source))

    @app.get("/execution-parameters")
    def execution_parameters() -> Response:
        return jsonify(
            MaxConcurrentTransforms=service.batches.concurrent,
            BatchStrategy="MULTI_RECORD",
            MaxPayloadInMB=service.batches.megabytes,
        )

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(service.measurements.exposition(), content_type=CONTENT_TYPE_LATEST)

    @app.get("/openapi.json")
    def openapi() -> Response:
        features = source.features if isinstance(source, Predictor) else None
        return jsonify(describe(algorithm, several=isinstance(source, Models), features=features))

    return app


def _invoke(service: Service, find: Callable[[], Predictor]) -> Response:
    """What a model says to the request that is under way."""
    body = read_body(request, service.max_body)  # first, whatever comes of it
    predictor, size = find(), body.getbuffer().nbytes
    if not size:
        return Response(status=204)
    invocation = parse_invocation(request.headers, predictor, service.habits)
    tallying = Tallying()
    answer = list(_answer(service.computing, invocation, predictor, body, tallying))
    g.tally = tallying.tally
    # Not `mimetype`, which adds a charset to text: AWS's clients, and containers of a pipeline, compare the whole.
    response = Response(answer, content_type=invocation.returned.media_type)
    response.content_length = sum(map(len, answer))
    return response


def _answer(
    computing: Computing | None, invocation: Invocation, predictor: Predictor, body: BytesIO, tallying: Tallying
) -> Iterable[bytes]:
    """The answer's bytes, computed where a request of this kind belongs."""
    if computing is None:
        return invocation.answer(predictor, body, tallying)
    size, query = body.getbuffer().nbytes, invocation.wish.query
    # A number takes two bytes at least, but for some that NumPy saved.
    rows = 1 + size // (2 * predictor.features)
    joint = predictor.is_joint(query)
    numbers = rows * (rows + query.samples if joint else 1)
    small = size <= SMALL and not invocation.received.is_compressed
    if small and not joint:
        return invocation.answer(computing.together(predictor), body, tallying)
    pieces = invocation.answer(predictor, body, tallying)
    if small and numbers <= QUICK:
        return computing.short(lambda: list(pieces))
    client = Client(
        request.environ.get("gunicorn.socket"), can_be_asked=request.environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    )
    return computing.pieces(pieces, numbers, client.is_gone)


def _required(source: Predictor | UnusableModelError) -> Predictor:
    if isinstance(source, UnusableModelError):
        raise source
    return source


def _explained(error: ExplainedError) -> Response:
    return _reason(str(error), error.http_status)


def _refused(max_body: int | None, error: HTTPException) -> Response:
    """No such path, or not by this method."""
    with suppress(ExplainedError):
        read_body(request, max_body)
    response = _reason(f"{error.name}: {request.method} {request.path}.", error.code or 500)
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response


def _unforeseen(error: Exception) -> Response:
    """Where it happened goes to the log; not what it says, which may repeat what was sent; and nothing to the client."""
    frames = traceback.extract_tb(error.__traceback__)
    g.fault = [type(error).__name__, *(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:])]
    return _reason(f"The server failed on this request; its log has the cause, under {g.request_id}.", 500)


def _reason(text: str, status: int) -> Response:
    accepted = (parse_options_header(name)[0].lower() for name, quality in request.accept_mimetypes if quality)
    if MULTI_MODEL in current_app.blueprints and any(map(JSON.has_name, accepted)):
        response = jsonify(code=status, type=error_type(status, request), message=text)
        response.status_code = status
    else:
        response = Response(text + "\n", status=status, mimetype="text/plain")
    if status == 503:
        response.headers["Retry-After"] = "5"
    return response
