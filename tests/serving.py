"""A server for tests: in a thread of this process, over copies of saved runs."""

import contextlib
import shutil
import threading
from pathlib import Path

import httpx

from textrnn.serve.app import make_app
from textrnn.serve.options import ServeConfig
from textrnn.serve.server import Server, listening

RUNS = Path(__file__).parent / "old_runs"


def copied(folder, *names):
    """A folder with copies of some saved runs, without what only a resume needs."""
    for name in names:
        shutil.copytree(RUNS / name, folder / name, ignore=shutil.ignore_patterns("checkpoint"))
    return folder


@contextlib.contextmanager
def serving(models_dir, *, origins=(), hosts=(), chat_template=None, **options):
    """A client of a server that ends with the block; `client.service` is what its requests share."""
    app, stop = make_app(
        models_dir, ServeConfig(**{"port": 0, **options}), origins=origins, hosts=hosts, chat_template=chat_template
    )
    ready, listens = threading.Event(), listening("127.0.0.1", 0)
    server = Server(app, stop, ready.set)
    thread = threading.Thread(target=server.run, args=([listens],))
    thread.start()
    assert ready.wait(20)
    url = f"http://127.0.0.1:{listens.getsockname()[1]}"
    try:
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
            client.service = app._app.state.service
            yield client
    finally:
        server.should_exit = True
        thread.join(10)
        listens.close()
        assert not thread.is_alive()
