"""The log of requests: a line of JSON each, with the id that the answer carries, and nothing of what was sent."""

import json
import sys
import uuid
from datetime import UTC, datetime
from typing import Any

REQUEST_ID = "X-Request-Id"
# Of a path, which a client chooses: enough to know it by.
PATH = 200


def new_request_id() -> str:
    """One that no other request has."""
    return uuid.uuid4().hex


def log_request(identity: str, method: str, path: str, status: int, **facts: Any) -> None:
    """One line on standard output, written at once and in one piece, so that those of several processes do not mix.

    Args:
        identity: of the request.
        method: of HTTP.
        path: without its query.
        status: of the answer.
        facts: what else is known of it, by name; None is left out.
    """
    event = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "request_id": identity,
        "method": method[:PATH],
        "path": path[:PATH],
        "status": int(status),
        **{name: value for name, value in facts.items() if value is not None},
    }
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()
