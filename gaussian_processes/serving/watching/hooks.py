"""Hooks: what the log and the measurements hear of each request, with nothing in either of what it held."""

import time
from functools import partial

from flask import Flask, Response, g, request
from werkzeug.http import parse_options_header

from gaussian_processes.data.http import REQUESTS
from gaussian_processes.serving.watching.metrics import Measurements
from gaussian_processes.serving.watching.request_log import REQUEST_ID, log_request, new_request_id

MEDIA_TYPES = frozenset(name for known in REQUESTS for name in known.media_types)
# Asked every few seconds, and of no interest while all is well.
ROUTINE = frozenset(("/ping", "/metrics"))


def observe(app: Flask, measurements: Measurements) -> None:
    """Have every request of an application counted and logged, and its answer carry the id under which it is.

    Views leave in `g` what only they know: `tally`, of the rows; `fault`, of the program.
    """
    app.before_request(_begin)
    app.after_request(partial(_finish, measurements))


def _begin() -> None:
    g.started = time.perf_counter()
    g.request_id = new_request_id()
    g.tally = g.fault = None


def _finish(measurements: Measurements, response: Response) -> Response:
    seconds, tally = time.perf_counter() - g.started, g.tally
    # Of these there are few, whatever clients make up.
    path = request.url_rule.rule if request.url_rule else "other"
    content_type = parse_options_header(request.content_type)[0].lower()
    content_type = content_type if content_type in MEDIA_TYPES else "other" if content_type else "none"
    measurements.observe(path, response.status_code, content_type, seconds, tally)
    response.headers[REQUEST_ID] = g.request_id
    if path not in ROUTINE or response.status_code != 200:
        log_request(
            g.request_id,
            request.method,
            request.path,
            response.status_code,
            content_type=content_type,
            accept=response.mimetype,
            bytes_in=request.content_length,
            bytes_out=response.content_length,
            rows=tally and tally.rows,
            refused_rows=tally and tally.faults,
            extrapolating_rows=tally and tally.extrapolating,
            milliseconds=round(1000 * seconds, 2),
            inference_id=request.headers.get("X-Amzn-SageMaker-Inference-Id", "")[:64] or None,
            target_model=request.headers.get("X-Amzn-SageMaker-Target-Model", "")[:200] or None,
            fault=g.fault,
        )
    return response
