"""Requests of strangers to `textrnn serve`: each is answered, and what goes wrong is no fault of the server."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from fuzz.files import TABLES
from fuzz.mutate import edited_bytes, edited_value
from fuzz.runs import TEXT, copied
from textrnn.serve.app import make_app
from textrnn.serve.options import ServeConfig

LIMITS = ServeConfig(max_tokens=20, max_texts=8, max_chars=2_000, max_body=1)
RUNS = ("lstm", "counts", "conditions", "combined", "encoder-decoder", "answerer")
SAMPLED = dict(max_tokens=5, temperature=0.7, top_p=0.9, top_k=3, min_p=0.1, repetition_penalty=1.2, n=2, seed=1)
MESSAGES = [{"role": "system", "content": "be short"}, {"role": "user", "content": TEXT}]
ASKED: list[tuple[str, dict[str, Any]]] = [
    ("completions", dict(model="lstm", prompt=[TEXT, ""], logprobs=2, stop=["x", "yz"], echo=False, **SAMPLED)),
    ("completions", dict(model="counts", prompt=TEXT, stream=True, stream_options={"include_usage": True}, **SAMPLED)),
    ("completions", dict(model="conditions", prompt="", condition="a", guidance=1.5, use="network", **SAMPLED)),
    ("chat/completions", dict(model="lstm", messages=MESSAGES, logprobs=True, top_logprobs=2, **SAMPLED)),
    ("score", dict(model="counts", input=TEXT, per_char=True, use="mixture")),
    ("classify", dict(model="combined", input=[TEXT, ""], explain=True)),
    ("translate", dict(model="encoder-decoder", input=["water"], beam=2)),
    ("answer", dict(model="answerer", story=["Mira went to the mill."], question="Where is Mira?")),
]


def check(response: Any) -> None:
    """Raises AssertionError where a response is not one that a client can make something of."""
    if response.status_code < 400:
        if response.headers["content-type"].startswith("application/json"):
            response.json()
        assert '"server_error"' not in response.text, f"{response.text:.300}"
        return
    error = response.json()["error"]
    assert response.status_code < 500, f"{response.status_code}: {error}"
    assert error["message"] and "\n" not in error["message"], f"{error}"


class Requests:
    """Changed requests to a server over copies of runs of earlier versions.

    Args:
        folder: where the copies are.
    """

    def __init__(self, folder: Path) -> None:
        copied(folder, *RUNS)
        app, _ = make_app(folder, LIMITS)
        self._client = TestClient(app, base_url=f"http://127.0.0.1:{LIMITS.port}", raise_server_exceptions=False)
        self._client.__enter__()  # until the process ends

    def __call__(self, rng: random.Random) -> tuple[str, Callable[[], None]]:
        """A case: what it is, and what to run."""
        if rng.random() < 0.2:
            name = rng.choice(sorted(TABLES))
            path, body = f"classify/table?model=combined&name={name}", edited_bytes(TABLES[name], rng)
        else:
            path, asked = rng.choice(ASKED)
            for _ in range(rng.choice((1, 1, 2))):
                asked = edited_value(asked, rng)
            body = json.dumps(asked).encode()
            body = edited_bytes(body, rng) if rng.random() < 0.2 else body
        return f"/v1/{path}", lambda: check(self._client.post(f"/v1/{path}", content=body))
