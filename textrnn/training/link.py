"""The wire between workers: a TCP connection from each to the chief, by which they also see when one is gone.

Gradients go another way, by the collectives of TensorFlow. This one carries what is small or rare: the chief's clock
at each step, sums of validation, the state at a checkpoint. A process that ends closes its connections, whatever ends
it; a machine that goes silent is missed by its pings.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue
import shutil
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from textrnn import __version__
from textrnn.base.errors import TextRNNError
from textrnn.training import wire
from textrnn.training.cluster import Cluster, was_launched
from textrnn.training.wire import Message, Peer

GRACE_S = 10.0  # in which this process may end by itself when another one is gone
JOIN_S = 300.0  # in which all workers have to be there
LINGER_S = 10.0  # in which a chief that has failed waits for the others to tell them
HELLO_BYTES = 4096


class WorkerError(TextRNNError):
    """Another worker is gone, has failed or does something else.

    Attributes:
        told: whether the chief tells the person too.
    """

    def __init__(self, message: str, *, told: bool = False) -> None:
        super().__init__(message)
        self.told = told


def is_told_elsewhere(cluster: Cluster, error: TextRNNError) -> bool:
    """Whether another process on this terminal tells what went wrong: the chief, or the first that outlives it."""
    if cluster.is_chief or not was_launched():
        return False
    return not isinstance(error, WorkerError) or error.told or cluster.rank > 1


class Link:
    """The connections of one worker: the chief has one to each of the others, these have one to the chief.

    Args:
        cluster: all workers.
        end: what ends this process when another one is gone and the main thread does not see it.
    """

    def __init__(self, cluster: Cluster, *, end: Callable[[WorkerError], None] | None = None) -> None:
        self.cluster, self.where, self.asked_to_stop = cluster, "nothing was saved yet", threading.Event()
        self._end, self._lost = end or self._end_process, None  # type: Any, WorkerError | None
        self.unfinished: Path | None = None  # a folder that should not outlive this process
        self._stderr: int | None = None  # while TensorFlow starts, the usual one leads elsewhere
        with contextlib.suppress(OSError):
            self._stderr = os.dup(2)
        self._peers: dict[int, Peer] = {}
        self._changed, self._closed = threading.Condition(), threading.Event()
        self._listener: socket.socket | None = None

    def __enter__(self) -> Link:
        if self.cluster.is_chief:
            self._listen()
        else:
            self._connect()
        threading.Thread(target=self._ping, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._listener is not None and isinstance(error, TextRNNError) and self._lost is None:
            with self._changed:
                self._changed.wait_for(lambda: len(self._peers) == self.cluster.workers - 1, LINGER_S)
        if error is None:
            self._tell({"kind": "bye"})
        elif isinstance(error, WorkerError):
            self._tell({"kind": "failed", "line": str(error)})
        else:
            reason = str(error) or "interrupted" if isinstance(error, TextRNNError | KeyboardInterrupt) else repr(error)
            self._tell({"kind": "failed", "line": f"{self._name(self.cluster.rank)} has failed: {reason:.300}"})
        self._closed.set()
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # closing alone does not wake the thread that waits for it
            self._listener.close()
        for peer in self._peers.values():
            peer.close()
        if self._stderr is not None:
            os.close(self._stderr)
            self._stderr = None

    # ------------------------------------------------------------ coming together

    def _listen(self) -> None:
        host, port = self.cluster.link_address
        try:
            listener = wire.listening(host, port, self.cluster.workers)
        except OSError as error:
            raise WorkerError(
                f"the chief cannot listen on port {port} of {host} for the other workers: {error.strerror}; "
                "give it another port in TF_CONFIG"
            ) from None
        listener.settimeout(1.0)
        self._listener = listener
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                connection, _ = self._listener.accept()  # type: ignore[union-attr]
            except TimeoutError:
                continue
            except OSError:
                return
            threading.Thread(target=self._welcome, args=(connection,), daemon=True).start()

    def _welcome(self, connection: socket.socket) -> None:
        peer = Peer(connection, -1)
        try:
            hello, _ = peer.read(HELLO_BYTES)
            if hello != {**self._hello(), "rank": hello.get("rank")} or hello["rank"] not in range(
                1, self.cluster.workers
            ):
                raise ValueError("this is no worker of this training")
            peer.rank = hello["rank"]
            with self._changed:
                if self._closed.is_set():
                    raise ValueError("this training has ended")
                if peer.rank in self._peers:
                    raise ValueError("this worker is here already")
                peer.send({"kind": "welcome"})
                self._peers[peer.rank] = peer
                self._changed.notify_all()
        except (OSError, ValueError) as error:
            with contextlib.suppress(OSError):
                peer.send({"kind": "failed", "line": f"the chief does not let this worker in: {error}"})
            peer.close()
            return
        self._read_all(peer)

    def _hello(self) -> dict[str, Any]:
        digest = hashlib.sha256("\n".join(self.cluster.addresses).encode()).hexdigest()
        return {"kind": "hello", "cluster": digest, "version": __version__, "rank": self.cluster.rank}

    def _connect(self) -> None:
        host, port = self.cluster.link_address
        until = time.monotonic() + JOIN_S
        while True:
            try:
                connection = wire.connected(host, port)
                if connection is not None:
                    break
            except OSError as error:
                if time.monotonic() > until:
                    raise WorkerError(
                        f"the chief does not answer on port {port} of {host}: {error.strerror or error}; start all "
                        f"workers within {JOIN_S / 60:.0f} minutes, and let them reach this port"
                    ) from None
            time.sleep(0.1)
        peer = Peer(connection, 0)
        try:
            peer.send(self._hello())
            answer, _ = peer.read(HELLO_BYTES)
        except (OSError, ValueError) as error:
            peer.close()
            raise WorkerError(f"the chief at {host}:{port} does not answer as textrnn does: {error}") from None
        if answer.get("kind") != "welcome":
            peer.close()
            raise WorkerError(str(answer.get("line"))[:500] + "; start all workers with the same TF_CONFIG and textrnn")
        self._peers[0] = peer
        threading.Thread(target=self._read_all, args=(peer,), daemon=True).start()

    def wait_for_all(self) -> None:
        """Returns when all workers are there.

        Raises:
            WorkerError: some did not come.
        """
        until = time.monotonic() + JOIN_S
        with self._changed:
            while len(self._peers) < self.cluster.workers - 1:
                self.check()
                if time.monotonic() > until:
                    missing = [n for n in range(1, self.cluster.workers) if n not in self._peers]
                    names = ", ".join(f"{self.cluster.addresses[n]} (worker {n})" for n in missing)
                    raise WorkerError(
                        f"{len(missing)} of {self.cluster.workers} workers did not come within "
                        f"{JOIN_S / 60:.0f} minutes: {names}"
                    )
                self._changed.wait(0.5)

    # ------------------------------------------------------------ messages

    def send(self, header: Mapping[str, Any], payload: bytes = b"") -> None:
        """Sends a message: the chief's goes to all others, theirs to the chief.

        Raises:
            WorkerError: one is gone.
        """
        self.check()
        for peer in list(self._peers.values()):
            try:
                peer.send(header, payload)
            except OSError as error:
                self._lose(peer, error)
                self.check()

    def receive(self, kind: str, rank: int = 0) -> Message:
        """The next message of a worker, the chief's if no other is named.

        Raises:
            WorkerError: one is gone, or this worker does something else.
        """
        while True:
            try:
                header, payload = self._peers[rank].inbox.get(timeout=0.5)
                break
            except queue.Empty:
                self.check()
        if header.get("kind") != kind:
            raise WorkerError(f"{self._name(rank)} is out of step: it sent {header.get('kind')!r:.40}, not {kind!r}")
        return header, payload

    def check(self, wait_s: float = 0.0) -> None:
        """Raises WorkerError when one is gone; waits for such news if asked to."""
        with self._changed:
            self._changed.wait_for(lambda: self._lost is not None, wait_s)
        if self._lost is not None:
            raise WorkerError(str(self._lost), told=self._lost.told)

    def _tell(self, header: Mapping[str, Any]) -> None:
        for peer in list(self._peers.values()):
            with contextlib.suppress(OSError):
                peer.send(header)

    def _ping(self) -> None:
        while not self._closed.wait(wire.PING_S):
            self._tell({"kind": "ping"})

    # ------------------------------------------------------------ loss

    def _name(self, rank: int) -> str:
        return f"worker {rank} of {self.cluster.workers}" + (" (the chief)" if rank == 0 else "")

    def _read_all(self, peer: Peer) -> None:
        """Sorts what comes over a connection until it ends."""
        while True:
            try:
                header, payload = peer.read()
            except (OSError, ValueError) as error:
                self._lose(peer, error)
                return
            kind = header.get("kind")
            if kind == "bye":
                peer.said_bye = True
            elif kind == "stop":
                self.asked_to_stop.set()
            elif kind == "failed":
                self._declare(WorkerError(str(header.get("line"))[:500], told=peer.rank == 0))
            elif kind != "ping":
                peer.inbox.put((header, payload))

    def _lose(self, peer: Peer, error: Exception) -> None:
        if not peer.said_bye and not self._closed.is_set():
            reason = getattr(error, "strerror", None) or error
            self._declare(WorkerError(f"{self._name(peer.rank)} is gone ({reason}); {self.where}"))

    def _declare(self, error: WorkerError) -> None:
        """Takes note that the training is over, tells all others, and sees to it that this process ends."""
        with self._changed:
            if self._lost is not None or self._closed.is_set():
                return
            self._lost = error
            self._changed.notify_all()
        if self.cluster.is_chief:
            self._tell({"kind": "failed", "line": str(error)})
        threading.Thread(target=self._end_at_last, args=(error,), daemon=True).start()

    def _end_at_last(self, error: WorkerError) -> None:
        if not self._closed.wait(GRACE_S):
            self._end(error)

    def _end_process(self, error: WorkerError) -> None:
        """The last resort: the main thread hangs in a collective that nobody will answer."""
        if self._stderr is not None and not is_told_elsewhere(self.cluster, error):
            with contextlib.suppress(OSError):
                os.write(self._stderr, f"\nerror: {error}\n".encode())
        if self.unfinished is not None:
            shutil.rmtree(self.unfinished, ignore_errors=True)
        os._exit(1)
