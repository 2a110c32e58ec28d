"""The description of the server's paths in OpenAPI 3.1, made of what the server and its algorithm are."""

from typing import Any

from gaussian_processes import __version__
from gaussian_processes.algorithm import Algorithm
from gaussian_processes.data.http import ANSWERS, REQUESTS
from gaussian_processes.serving.http.queries import MOST_SAMPLES

Schema = dict[str, Any]

PREDICTIONS: Schema = {
    "type": "object",
    "properties": {"predictions": {"type": "array", "items": {"type": "object"}}},
    "required": ["predictions"],
}
MODEL: Schema = {
    "type": "object",
    "properties": {"modelName": {"type": "string"}, "modelUrl": {"type": "string"}},
    "required": ["modelName", "modelUrl"],
}
STATUS: Schema = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}

REASONS = {
    400: "What is wrong with the request, and where.",
    404: "There is nothing of that name.",
    408: "The request stopped coming.",
    409: "There is a model of that name.",
    413: "The body is too large.",
    406: "No answer can be given in a format that is accepted.",
    415: "The body's format is not known, or it is packed (Content-Encoding).",
    503: "There is no model to answer with; why.",
    507: "The model does not fit into memory beside the others.",
}
ASKING = (400, 406, 408, 413, 415, 503)


def describe(algorithm: Algorithm[Any, Any], *, several: bool, features: int | None) -> Schema:
    """The document.

    Args:
        algorithm: that answers.
        several: whether models come and go.
        features: how many numbers a record has; None where that is not known, or differs from model to model.
    """
    paths: Schema = {
        "/ping": {"get": _operation("Whether the server can answer.", _answers({200: None}, 503))},
        "/execution-parameters": {
            "get": _operation("What batch transform is told.", _answers({200: {"type": "object"}}))
        },
        "/metrics": {"get": _operation("Counts for Prometheus.", {"200": _answer("Counts.", {"text/plain": {}})})},
        "/openapi.json": {"get": _operation("This document.", _answers({200: {"type": "object"}}))},
    }
    if several:
        paths |= _models(algorithm)
    else:
        paths["/invocations"] = {"post": _invocation(algorithm, features)}
    return {
        "openapi": "3.1.0",
        "info": {"title": algorithm.name, "version": __version__},
        "paths": paths,
    }


def _invocation(algorithm: Algorithm[Any, Any], features: int | None, *more: int) -> Schema:
    outputs = ", ".join(f"{output.name} ({output.description})" for output in algorithm.outputs)
    words = (
        f"outputs: some of {outputs}; level: of intervals, between 0 and 1; samples: 1 to {MOST_SAMPLES}; seed. "
        'As in `outputs=mean;level=0.9`; in Accept, as parameters of the media type: `application/json;outputs="mean"`.'
    )
    attributes = {
        "name": "X-Amzn-SageMaker-Custom-Attributes",
        "in": "header",
        "description": words,
        "schema": {"type": "string"},
    }
    bodies: Schema = {name: {"schema": {}} for known in REQUESTS for name in known.media_types}
    bodies["application/json"] = {"schema": _instances(features)}
    returned: Schema = {known.media_type: {"schema": {}} for known in ANSWERS}
    returned["application/json"] = {"schema": PREDICTIONS}
    responses = {"200": _answer("A prediction for each row.", returned), "204": {"description": "The body is empty."}}
    return {
        **_operation("Predictions for rows of features.", responses | _answers({}, *ASKING, *more)),
        "parameters": [attributes],
        "requestBody": {"required": True, "content": bodies},
    }


def _instances(features: int | None) -> Schema:
    """Records in JSON, in all the forms that they have."""
    numbers: Schema = {"type": "array", "items": {"type": ["number", "boolean"]}, "minItems": features or 1}
    if features:
        numbers["maxItems"] = features
    values = _object(values=numbers)
    record = {"anyOf": [numbers, _object(features=numbers), _object(data=_object(features=values))]}
    records = {"type": "array", "items": record, "minItems": 1}
    return {"anyOf": [_object(instances=records), records]}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _models(algorithm: Algorithm[Any, Any]) -> Schema:
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    body = {
        "type": "object",
        "properties": {"model_name": {"type": "string"}, "url": {"type": "string"}},
        "required": ["model_name", "url"],
    }
    listed = {
        "type": "object",
        "properties": {"models": {"type": "array", "items": MODEL}, "nextPageToken": {"type": "string"}},
        "required": ["models"],
    }
    query = [
        {"name": "next_page_token", "in": "query", "schema": {"type": "string"}},
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}},
    ]
    paths: Schema = {
        "/models": {
            "get": {**_operation("The models that are loaded.", _answers({200: listed}, 400)), "parameters": query},
            "post": {
                **_operation("Load a model.", _answers({200: STATUS}, 400, 404, 408, 409, 413, 415, 507)),
                "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
            },
        },
        "/models/{name}": {
            "parameters": [name],
            "get": _operation("A model.", _answers({200: MODEL}, 404)),
            "delete": _operation("Unload a model.", _answers({200: STATUS}, 404)),
        },
        "/models/{name}/invoke": {"parameters": [name], "post": _invocation(algorithm, None, 404, 507)},
    }
    for operation in (operation for path in paths.values() for operation in path.values() if "responses" in operation):
        for response in operation["responses"].values():
            if "text/plain" in response.get("content", {}):  # an error, which is an object where that is asked for
                response["content"]["application/json"] = {"schema": {"type": "object"}}
    return paths


def _operation(summary: str, responses: Schema) -> Schema:
    return {"summary": summary, "responses": responses}


def _answers(good: dict[int, Schema | None], *reasons: int) -> Schema:
    """Answers in JSON, or empty, by status; and the statuses of which a line of text says why."""
    answers = {
        str(status): {"description": "Done."}
        if schema is None
        else _answer("Done.", {"application/json": {"schema": schema}})
        for status, schema in good.items()
    }
    return answers | {str(status): _answer(REASONS[status], {"text/plain": {}}) for status in sorted(reasons)}


def _answer(description: str, content: Schema) -> Schema:
    return {"description": description, "content": content}
