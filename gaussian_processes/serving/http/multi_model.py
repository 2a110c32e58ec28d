"""The paths of a multi-model endpoint: SageMaker's contract for containers with several models [1].

[1] https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html
"""

from collections.abc import Callable
from io import BytesIO
from typing import Annotated

from flask import Blueprint, Request, Response, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.http import HTTP_STATUS_CODES

from gaussian_processes.errors import DataError
from gaussian_processes.faults import in_words
from gaussian_processes.serving.http.bodies import read_body
from gaussian_processes.serving.models.loaded import Entry, Models
from gaussian_processes.serving.models.predictor import Predictor

MULTI_MODEL = "models"  # the paths' name in an application
# What AWS's server for several models calls its errors, where that is not what HTTP calls them.
TYPES = {404: "ModelNotFound", 409: "ConflictStatus", 500: "InternalServer"}
# Models in one answer to GET /models, unless `limit` says otherwise.
PAGE, MOST = 100, 1000


class Load(BaseModel):
    """What POST /models wants."""

    model_config = ConfigDict(protected_namespaces=())

    model_name: Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^/\x00-\x1f\x7f]+$")]
    url: Annotated[str, Field(min_length=1, max_length=4096)]


def multi_model(
    models: Models, max_body: int | None, invoke: Callable[[Callable[[], Predictor]], Response]
) -> Blueprint:
    """The paths.

    Args:
        models: those that are loaded.
        max_body: bytes of a request that are taken.
        invoke: answers the request that is under way with the model that is found.
    """
    paths = Blueprint(MULTI_MODEL, __name__)

    @paths.post("/models")
    def load() -> Response:
        wanted = _parsed(read_body(request, max_body))
        models.load(wanted.model_name, wanted.url)
        return jsonify(status=f"The model '{wanted.model_name}' is loaded.")

    @paths.get("/models")
    def page() -> Response:
        limit = _limit(request.args.get("limit"))
        entries, last = models.page(request.args.get("next_page_token", ""), limit)
        token = {} if last is None else {"nextPageToken": last}
        return jsonify(models=[_shown(entry) for entry in entries], **token)

    @paths.get("/models/<name>")
    def one(name: str) -> Response:
        return jsonify(_shown(models.entry(name)))

    @paths.delete("/models/<name>")
    def unload(name: str) -> Response:
        models.unload(name)
        return jsonify(status=f"The model '{name}' is unloaded.")

    @paths.post("/models/<name>/invoke")
    def invocations(name: str) -> Response:
        return invoke(lambda: models.get(name))

    return paths


def error_type(status: int, asked: Request) -> str:
    """What AWS's server for several models calls an error."""
    name = TYPES.get(status) or HTTP_STATUS_CODES.get(status, "").title().replace(" ", "")
    return f"{'ResourceNotFound' if status == 404 and asked.url_rule is None else name}Exception"


def _parsed(body: BytesIO) -> Load:
    try:
        return Load.model_validate_json(body.getvalue())
    except ValidationError as error:
        raise DataError.listing("The request body", map(in_words, error.errors(include_url=False))) from None


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and 1 <= int(text) <= MOST):
        raise DataError(f"limit is {text[:40]!r}; a whole number from 1 to {MOST} is wanted.")
    return int(text)


def _shown(entry: Entry) -> dict[str, str]:
    return {"modelName": entry.name, "modelUrl": entry.url}
