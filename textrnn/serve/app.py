"""The application: which function answers which path, and the files of the page."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from textrnn.base.errors import TextRNNError
from textrnn.language_model.chat import ChatTemplate
from textrnn.serve import openapi, runs, tasks, writing
from textrnn.serve.guard import Guard
from textrnn.serve.options import ServeConfig
from textrnn.serve.problems import NOT_FOUND, Events, Problem, error_response, json_response, problem_of
from textrnn.serve.requests import parsed, read_body
from textrnn.serve.shelf import Service, new_service

PAGE_FILES = {"/": ("page.html", "text/html"), "/page.css": ("page.css", "text/css")}
PAGE_FILES["/page.js"] = ("page.js", "text/javascript")
GONE = 499  # the client did not wait for the answer
Answer = dict[str, Any] | Response
Endpoint = Callable[[Request], Awaitable[Response]]
ANSWERS: dict[str, Callable[[Service, Any], Awaitable[Answer]]] = {
    "/v1/completions": writing.complete,
    "/v1/chat/completions": writing.chat,
    "/v1/score": tasks.score,
    "/v1/classify": tasks.classify,
    "/v1/translate": tasks.translate,
    "/v1/answer": tasks.answer,
}


def make_app(
    models_dir: Path,
    config: ServeConfig,
    *,
    chat_template: ChatTemplate | None = None,
    origins: Collection[str] = (),
    hosts: Collection[str] = (),
) -> tuple[ASGIApp, Callable[[], None]]:
    """The application for the runs of a folder.

    Args:
        models_dir: the folder.
        config: where it listens, and the limits.
        chat_template: for all runs, in place of their own.
        origins: see `Guard`.
        hosts: see `Guard`.

    Returns:
        the application, and what ends all that is being written.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.service = new_service(models_dir, config, chat_template)
        yield
        stop()

    def stop() -> None:
        if service := getattr(app.state, "service", None):
            service.shelf.stop()

    app = Starlette(
        routes=_routes(),
        lifespan=lifespan,
        exception_handlers={HTTPException: _refused},
    )
    return Guard(app, config, origins, hosts), stop


def _routes() -> list[Route]:
    routes = [Route(path, _page(*file), methods=["GET"]) for path, file in PAGE_FILES.items()]
    routes += [Route(path, _posted(path), methods=["POST"]) for path in openapi.POSTS]
    one = "/v1/models/{name}"
    return [
        *routes,
        Route("/openapi.json", _answering(_openapi), methods=["GET"]),
        Route("/v1/classify/table", _answering(_table), methods=["POST"]),
        Route("/v1/models", _answering(_models), methods=["GET"]),
        Route(f"{one}/events", _answering(_events), methods=["GET"]),
        Route(one, _answering(_model), methods=["GET"]),
        Route(one, _answering(_delete), methods=["DELETE"]),
    ]


def _answering(answer: Callable[[Service, Request, bytes], Awaitable[Answer]]) -> Endpoint:
    """An endpoint that answers errors in OpenAI's form, and ends when nobody waits for it any more."""

    async def endpoint(request: Request) -> Response:
        try:
            service: Service = request.app.state.service
            body = await read_body(request, service.config.max_body) if request.method == "POST" else b""
            found = await _while_there(request, answer(service, request, body))
        except ClientDisconnect:
            return Response(status_code=GONE)
        except (Problem, TextRNNError) as error:
            return error_response(problem_of(error))
        except Exception as error:
            report(error)
            return error_response(problem_of(error))
        return found if isinstance(found, Response) else json_response(found)

    return endpoint


def report(error: Exception) -> None:
    """Says on standard error what went wrong here, in one line, whatever characters are in it."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    print(f"error: {Path(frame.filename).name}:{frame.lineno}: {error!a:.300}", file=sys.stderr, flush=True)


async def _while_there(request: Request, answer: Awaitable[Answer]) -> Answer:
    """The answer; raises ClientDisconnect if the client goes away before, and ends the work for it."""
    task = asyncio.ensure_future(answer)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        for one in (task, leaving):
            one.cancel()
        await asyncio.gather(task, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    """Ends when the client has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _posted(path: str) -> Endpoint:
    kind, answer = openapi.POSTS[path], ANSWERS[path]

    async def posted(service: Service, request: Request, body: bytes) -> Answer:
        return await answer(service, parsed(body, kind))

    return _answering(posted)


def _page(name: str, media_type: str) -> Endpoint:
    content = (files("textrnn.serve") / "page" / name).read_bytes()

    async def page(request: Request) -> Response:
        return Response(content, media_type=media_type)

    return page


async def _openapi(service: Service, request: Request, body: bytes) -> Answer:
    return openapi.document()


async def _models(service: Service, request: Request, body: bytes) -> Answer:
    return await service.quick.run(lambda: runs.models(service))


async def _model(service: Service, request: Request, body: bytes) -> Answer:
    return await service.quick.run(lambda: runs.model(service, request.path_params["name"]))


async def _delete(service: Service, request: Request, body: bytes) -> Answer:
    return runs.delete(service, request.path_params["name"])


async def _events(service: Service, request: Request, body: bytes) -> Answer:
    held = contextlib.AsyncExitStack()
    held.enter_context(service.places.taken(1))
    return Events(runs.progress(service, request.path_params["name"]), held)


async def _table(service: Service, request: Request, body: bytes) -> Answer:
    names = request.query_params
    return await tasks.classify_table(service, names.get("model"), names.get("name", "table.csv"), body)


async def _refused(request: Request, error: Exception) -> Response:
    """What Starlette itself refuses: a path or a method that is not there."""
    status = getattr(error, "status_code", 500)
    what = {404: "there is no such path", 405: "there is no such method here"}.get(status, "refused")
    return error_response(Problem(status, f"{what}: see /openapi.json", NOT_FOUND))
