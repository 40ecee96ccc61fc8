"""`/openapi.json`: the interface, as the fields of the requests have it."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from textrnn import __version__
from textrnn.base.config import fields_with_types
from textrnn.serve.requests import Answering, Asked, Chat, Classifying, Completion, Scoring, Translating

POSTS: dict[str, type[Asked]] = {
    "/v1/completions": Completion,
    "/v1/chat/completions": Chat,
    "/v1/score": Scoring,
    "/v1/classify": Classifying,
    "/v1/translate": Translating,
    "/v1/answer": Answering,
}
_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", Sequence: "array", Mapping: "object"}


def document() -> dict[str, Any]:
    """The description of the interface, OpenAPI 3.1."""
    paths: dict[str, Any] = {path: {"post": _post(kind)} for path, kind in POSTS.items()}
    table = {"description": "The table itself", "content": {"application/octet-stream": {"schema": {}}}}
    given = [_parameter("model", "query", "Name of a classifier."), _parameter("name", "query", "Name of the file.")]
    paths["/v1/classify/table"] = {
        "post": dict(summary="A table with its labels", parameters=given, requestBody=table, responses=_responses())
    }
    name = [_parameter("name", "path", "Of a run.")]
    paths["/v1/models"] = {"get": dict(summary="The runs there are", responses=_responses())}
    paths["/v1/models/{name}"] = {
        "get": dict(summary="What is known of a run", parameters=name, responses=_responses()),
        "delete": dict(summary="Delete a run", parameters=name, responses=_responses()),
    }
    paths["/v1/models/{name}/events"] = {
        "get": dict(summary="A training that goes on, as events", parameters=name, responses=_responses())
    }
    security = {"token": {"type": "http", "scheme": "bearer"}}
    return dict(
        openapi="3.1.0",
        info=dict(title="textrnn", version=__version__, description="Saved runs over HTTP, in OpenAI's form."),
        paths=paths,
        components=dict(securitySchemes=security),
        security=[{"token": []}, {}],
    )


def _parameter(name: str, place: str, text: str) -> dict[str, Any]:
    return {"name": name, "in": place, "required": True, "description": text, "schema": {"type": "string"}}


def _responses() -> dict[str, Any]:
    return {"200": {"description": "JSON"}, "default": {"description": "error: message, type, param, code"}}


def _post(kind: type[Asked]) -> dict[str, Any]:
    schema = dict(type="object", properties={item.name: _schema(item, hint) for item, hint in fields_with_types(kind)})
    summary = (kind.__doc__ or "").partition(": ")[2]
    return dict(
        summary=summary[:1].upper() + summary[1:].rstrip("."),
        requestBody={"required": True, "content": {"application/json": {"schema": schema}}},
        responses=_responses(),
    )


def _schema(item: dataclasses.Field[Any], hint: Any) -> dict[str, Any]:
    """What a field may be."""
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    names = [_TYPES[typing.get_origin(kind) or kind] for kind in kinds if kind is not type(None)]
    facts = item.metadata
    limits = dict(minimum=facts["low"], maximum=facts["high"], exclusiveMinimum=facts["above"], default=item.default)
    found: dict[str, Any] = dict(type=names[0] if len(names) == 1 else names, description=facts["help"])
    found.update({name: value for name, value in limits.items() if value is not None})
    if facts["choices"]:
        found["enum"] = list(facts["choices"])
    return found
