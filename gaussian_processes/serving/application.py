"""The Flask application: bytes to rows, to predictions, to bytes."""

import io
from collections.abc import Callable, Mapping
from contextlib import suppress

from flask import Flask, Response, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from gaussian_processes.data.formats import FORMATS, Exchange, negotiate
from gaussian_processes.data.media_types import parse_content_type
from gaussian_processes.data.table import joined
from gaussian_processes.errors import DataError, ExplainedError
from gaussian_processes.serving.predictor import Predictor

Offload = Callable[[Callable[[], bytes]], bytes]


def _at_once(work: Callable[[], bytes]) -> bytes:
    return work()


def create_app(predictor: Predictor, offload: Offload = _at_once) -> Flask:
    """The server's application.

    Args:
        predictor: what answers.
        offload: runs the long part of a request, parsing and linear algebra, where it does not hold up other
            requests; by default it runs where it stands.
    """
    app = Flask("gaussian_processes")

    @app.get("/ping")
    def ping() -> Response:
        """200 and nothing else: the model is loaded before the application exists."""
        return Response(status=200)

    @app.post("/invocations")
    def invocations() -> Response:
        """Predictions for the rows in the body, in the body's own format unless Accept asks for another."""
        body = _whole_body()  # first, whatever comes of it: many a client reads no answer before it has sent all
        received, parameters = parse_content_type(request.content_type, FORMATS)
        returned = negotiate(request.headers.get("Accept"), default=received)
        answer = offload(lambda: _answer(predictor, body, received, parameters, returned))
        return Response(answer, mimetype=returned.media_type)

    @app.errorhandler(ExplainedError)
    def explained(error: ExplainedError) -> Response:
        return _reason(str(error), error.http_status)

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        with suppress(DataError):
            _whole_body()
        response = _reason(f"{error.name}: {request.method} {request.path}.", error.code or 500)
        if isinstance(error, MethodNotAllowed):
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return response

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        # Internals go to the log and never to the client.
        app.logger.error("%s %s failed", request.method, request.path, exc_info=error)
        return _reason("The server failed on this request; its log has the cause.", 500)

    return app


def _whole_body() -> bytes:
    try:
        body = request.get_data(cache=False)
    except (OSError, ParseException) as error:
        raise DataError("The request body cannot be read: it breaks off, or its chunks are malformed.") from error
    if request.content_length is not None and len(body) != request.content_length:
        raise DataError(f"The request body breaks off: {len(body)} of {request.content_length} bytes came.")
    return body


def _answer(
    predictor: Predictor, body: bytes, received: Exchange, parameters: Mapping[str, str], returned: Exchange
) -> bytes:
    rows = joined(received.read(io.BytesIO(body), "The request body", parameters)).values
    return returned.write(predictor.predict(rows, predictor.query(usual=returned.every_output)))


def _reason(text: str, status: int) -> Response:
    return Response(text + "\n", status=status, mimetype="text/plain")
