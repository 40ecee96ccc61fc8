"""`textrnn serve`: saved runs as a page and over HTTP, on this machine."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import webbrowser
from pathlib import Path
from typing import Any

import click

from textrnn.base.escapes import unescape
from textrnn.cli.console import leave_at_once
from textrnn.cli.options import MODELS_DIR, Command, config_flags, split_options
from textrnn.serve.options import ServeConfig


@click.command(cls=Command)
@MODELS_DIR
@click.option("--open/--no-open", "opens", default=None, help="Show the page.  [default: where there is a desktop]")
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="Let pages of this site ask as well, such as https://example.org; may be repeated.",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="A further name under which this machine is reached; may be repeated.",
)
@click.option(
    "--chat-template",
    metavar="TEXT",
    help=r"How messages and answers alternate, such as 'Ann: {user}\nBob: {assistant}\n'.  [default: as a run has it]",
)
@config_flags(ServeConfig)
@click.pass_context
def serve(context: click.Context, /, **options: Any) -> None:
    """Show saved models as a page, and answer HTTP in OpenAI's form; Ctrl-C ends it."""
    asked, given = split_options(context, options, ServeConfig)
    if "token" not in given and os.environ.get("TEXTRNN_TOKEN"):
        given["token"] = os.environ["TEXTRNN_TOKEN"]
    config = ServeConfig(**given)
    from textrnn.language_model.chat import ChatTemplate
    from textrnn.serve.app import make_app
    from textrnn.serve.server import Server, listening

    template = None if asked.chat_template is None else ChatTemplate(unescape(asked.chat_template))
    models_dir = Path(asked.models_dir)
    app, stop = make_app(models_dir, config, chat_template=template, origins=asked.origins, hosts=asked.hosts)
    listens = listening(config.host, config.port)
    place = f"[{config.host}]" if ":" in config.host else config.host
    url = f"http://{place}:{listens.getsockname()[1]}/"

    def ready() -> None:
        click.echo(f"{url} shows the runs of {models_dir}; Ctrl-C ends it")
        sys.stdout.flush()
        if _has_desktop() if asked.opens is None else asked.opens:
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    with contextlib.suppress(KeyboardInterrupt):
        Server(app, stop, ready).run(sockets=[listens])
    leave_at_once(0)


def _has_desktop() -> bool:
    """Whether somebody at a terminal has a screen that a browser can be shown on."""
    screen = sys.platform in ("win32", "darwin") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(screen) and sys.stdout is not None and sys.stdout.isatty()
