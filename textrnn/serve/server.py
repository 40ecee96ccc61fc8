"""The server itself: it listens, cuts slow clients, and ends at once when it is told to."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from textrnn.base.errors import RunError

HEAD_S = 10.0  # in which the first line and the headers of a request have to come
STALL_S = 10.0  # for which a client may take nothing of what is sent to it
END_S = 1  # in which requests may end when the server does
MOST_CONNECTIONS = 1000


class Connection(H11Protocol):
    """A connection that is cut where its client sends no request, or does not take the answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for the first request."""
        super().connection_made(transport)
        self._waiting: asyncio.TimerHandle | None = self.loop.call_later(HEAD_S, self._cut_if_silent)
        self._stalled: asyncio.TimerHandle | None = None

    def _cut_if_silent(self) -> None:
        if self.cycle is None:
            self.transport.abort()

    def pause_writing(self) -> None:
        """The client takes less than is sent: it has some seconds to go on."""
        super().pause_writing()
        self._stalled = self.loop.call_later(STALL_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It has gone on."""
        super().resume_writing()
        self._forget()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone."""
        self._forget()
        if self._waiting is not None:
            self._waiting.cancel()
        super().connection_lost(exc)

    def _forget(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None


class Server(uvicorn.Server):
    """A server whose requests end when it does.

    Args:
        app: answers.
        stop: ends all that is being written.
        ready: is called once it listens.
    """

    def __init__(self, app: ASGIApp, stop: Callable[[], None], ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Connection,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                limit_concurrency=MOST_CONNECTIONS,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=END_S,
            )
        )
        self._stop, self._ready = stop, ready
        logging.getLogger("uvicorn").addHandler(logging.NullHandler())  # its lines may hold what clients sent
        logging.getLogger("uvicorn").propagate = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to listen."""
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends what is being written, then the connections."""
        self._stop()
        await super().shutdown(sockets)


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        RunError: the port is taken, or there is no such address.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        reason: Any = error.strerror or error
        raise RunError(f"cannot listen on {host} port {port}: {reason}; choose another --port") from None
