"""The server itself: it listens, cuts slow clients, and ends at once when it is told to."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from textrnn.base.errors import RunError

HEAD_S = 10.0  # in which the first line and the headers of a request have to come
STALL_S = 10.0  # for which a client may take nothing of what is sent to it
SEND_BYTES = 1 << 17  # that the system holds for a client; else several MB before it is seen to take nothing
END_S = 1  # in which requests may end when the server does
MOST_CONNECTIONS = 1000


class Connection(H11Protocol):
    """A connection that is cut where its client sends no request, or does not take the answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for the first request."""
        super().connection_made(transport)
        if (own := transport.get_extra_info("socket")) is not None:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
        self._timers = dict[str, asyncio.TimerHandle]()
        self._cut_after(HEAD_S, "head")

    def data_received(self, data: bytes) -> None:
        """Some of a request has come."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE or not self.conn.trailing_data[0]:
            self._forget("head")
        elif "head" not in self._timers:  # of a further request on this connection
            self._cut_after(HEAD_S, "head")

    def pause_writing(self) -> None:
        """The client takes less than is sent: it has some seconds to go on."""
        super().pause_writing()
        self._cut_after(STALL_S, "stall")

    def resume_writing(self) -> None:
        """It has gone on."""
        super().resume_writing()
        self._forget("stall")

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone."""
        for name in list(self._timers):
            self._forget(name)
        super().connection_lost(exc)

    def _cut_after(self, seconds: float, name: str) -> None:
        self._timers[name] = self.loop.call_later(seconds, self.transport.abort)

    def _forget(self, name: str) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()


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
        for name in ("uvicorn", "asyncio"):  # their lines may hold what clients sent, or tell that one has gone
            logging.getLogger(name).addHandler(logging.NullHandler())
            logging.getLogger(name).propagate = False

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
