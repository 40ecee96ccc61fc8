"""Answers of the HTTP interface: JSON, and errors in OpenAI's form."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from textrnn.base.errors import ConfigError, DataError, TextRNNError, in_keywords
from textrnn.text.normalize import replace_surrogates

INVALID, NOT_FOUND, SERVER = "invalid_request_error", "not_found_error", "server_error"


class Problem(Exception):
    """Why a request is not answered.

    Args:
        status: of HTTP.
        message: in one line.
        kind: as OpenAI calls it.
    """

    def __init__(self, status: int, message: str, kind: str = INVALID) -> None:
        super().__init__(message)
        self.status, self.message, self.kind = status, message, kind


def problem_of(error: Exception) -> Problem:
    """What a client is told of an error."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, TextRNNError):
        status, kind = (400, INVALID) if isinstance(error, ConfigError | DataError) else (500, SERVER)
        return Problem(status, in_keywords(str(error), {}), kind)
    return Problem(500, "something went wrong here: the server's terminal says what", SERVER)


def as_json(values: Any) -> bytes:
    """JSON in UTF-8; lone surrogates, which it has no bytes for, as escapes."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


def json_response(values: Any, status: int = 200) -> Response:
    """An answer."""
    return Response(as_json(values), status, media_type="application/json")


class Events(StreamingResponse):
    """Server-sent events.

    Args:
        parts: the events.
        held: what is let go at the end, however that comes: a generator that was never begun lets go of nothing.
    """

    def __init__(self, parts: AsyncIterator[bytes], held: contextlib.AsyncExitStack) -> None:
        super().__init__(parts, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends them."""
        async with self._held:
            await super().__call__(scope, receive, send)


def error_values(problem: Problem) -> dict[str, Any]:
    """An error as OpenAI writes it."""
    return {
        "error": {
            "message": replace_surrogates(problem.message),
            "type": problem.kind,
            "param": None,
            "code": problem.status,
        }
    }


def error_response(problem: Problem) -> Response:
    """An answer that says what is wrong."""
    headers = {"WWW-Authenticate": "Bearer"} if problem.status == 401 else {}
    if problem.status in (408, 413):  # the rest of the request is not read
        headers["Connection"] = "close"
    response = json_response(error_values(problem), problem.status)
    response.headers.update(headers)
    return response
