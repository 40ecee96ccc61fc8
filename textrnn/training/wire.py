"""One TCP connection between two workers: messages of a JSON object and bytes, and what tells that it is broken."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import struct
import threading
from collections.abc import Mapping
from typing import Any

PING_S = 5.0
SILENT_PINGS = 8  # a process may be stopped for half a minute, as by a laptop's lid
HEAD = struct.Struct(">IQ")  # length of the JSON, length of what follows it

Message = tuple[dict[str, Any], bytes]


class Peer:
    """One connection: a thread reads it, and one at a time may write to it."""

    def __init__(self, connection: socket.socket, rank: int) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(PING_S)
        self.rank, self.said_bye = rank, False
        self.inbox: queue.Queue[Message] = queue.Queue()
        self._connection, self._lock = connection, threading.Lock()

    def send(self, header: Mapping[str, Any], payload: bytes = b"") -> None:
        """Sends a message.

        Raises:
            OSError: the connection is broken.
        """
        text = json.dumps(header).encode()
        data = memoryview(HEAD.pack(len(text), len(payload)) + text + payload)
        silent = 0
        with self._lock:
            while data:
                try:
                    data, silent = data[self._connection.send(data) :], 0
                except TimeoutError:
                    silent += 1
                    if silent >= SILENT_PINGS:
                        raise

    def read(self, limit: int | None = None) -> Message:
        """The next message.

        Raises:
            OSError: the connection is broken, or silent for long.
            ValueError: this is no message.
        """
        text_bytes, payload_bytes = HEAD.unpack(self._read_bytes(HEAD.size))
        if limit is not None and text_bytes + payload_bytes > limit:
            raise ValueError("this is no worker of textrnn")
        header = json.loads(self._read_bytes(text_bytes))
        if not isinstance(header, dict):
            raise ValueError("this is no worker of textrnn")
        return header, self._read_bytes(payload_bytes)

    def _read_bytes(self, size: int) -> bytes:
        data, silent = bytearray(), 0
        while len(data) < size:
            try:
                piece = self._connection.recv(min(size - len(data), 1 << 20))
            except TimeoutError:
                silent += 1  # counted, not timed: while this process itself is stopped, nobody is silent
                if silent >= SILENT_PINGS:
                    raise OSError(f"silent for {SILENT_PINGS * PING_S:.0f} seconds") from None
                continue
            if not piece:
                raise OSError("its connection was closed")
            data += piece
            silent = 0
        return bytes(data)

    def close(self) -> None:
        """Closes the connection, which also wakes the thread that reads it."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


def listening(host: str, port: int, backlog: int) -> socket.socket:
    """A socket that takes connections; raises OSError if it cannot."""
    is_local = host in ("localhost", "127.0.0.1", "::1")  # then nobody outside of this machine can reach it
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    dual = not is_local and socket.has_dualstack_ipv6()
    return socket.create_server(
        (host if is_local else "", port),
        family=socket.AF_INET6 if dual else family,
        backlog=backlog,
        dualstack_ipv6=dual,
    )


def connected(host: str, port: int) -> socket.socket | None:
    """A connection; None if it came to itself, which happens on the same machine; raises OSError if there is none."""
    connection = socket.create_connection((host, port), timeout=PING_S)
    if connection.getsockname() != connection.getpeername():
        return connection
    connection.close()
    return None
