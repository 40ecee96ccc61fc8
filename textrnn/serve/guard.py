"""Who is answered: the right Host, no foreign page, the token; and the headers that keep the page to itself."""

from __future__ import annotations

import hmac
import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from textrnn.serve.options import ServeConfig
from textrnn.serve.problems import Problem, error_response

PAGE = ("/", "/page.css", "/page.js")  # what everybody may see: nothing of any run is in it
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Passes on those requests that may be answered.

    A page of another site can make a browser send requests here, and by DNS rebinding even read the answers under its
    own name: so the name in Host has to be this machine's, and Origin, which browsers set, the page's own or an
    allowed one.

    Args:
        app: what answers.
        config: host and token.
        origins: pages of other sites that may ask, such as `https://example.org`.
        hosts: further names under which this machine is reached.
    """

    def __init__(self, app: ASGIApp, config: ServeConfig, origins: Collection[str], hosts: Collection[str]) -> None:
        self._app, self._token, self._origins = app, config.token, {origin.rstrip("/") for origin in origins}
        self._hosts = {name.lower() for name in ("localhost", config.host, *hosts)}
        self._any_address = config.token is not None
        if self._any_address:
            self._hosts.add(socket.gethostname().lower())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or refuses it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        allowed = origin if origin in self._origins else None

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = MutableHeaders(scope=message)
                own.update(HEADERS)
                if allowed:
                    own.update({"Access-Control-Allow-Origin": allowed, "Vary": "Origin"})
                    own["Cross-Origin-Resource-Policy"] = "cross-origin"
            await send(message)

        try:
            self._check(scope["path"], headers)
        except Problem as problem:
            await error_response(problem)(scope, receive, sending)
            return
        if scope["method"] == "OPTIONS" and allowed:
            names = {"Access-Control-Allow-Methods": "GET, POST", "Access-Control-Allow-Headers": "*, Authorization"}
            await Response(status_code=204, headers=names)(scope, receive, sending)
            return
        await self._app(scope, receive, sending)

    def _check(self, path: str, headers: Headers) -> None:
        """Raises Problem where a request is not to be answered."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._is_own(host):
            raise Problem(421, f"the Host {host!r:.80} is not this server's: --allow-host names further ones")
        if origin is not None and origin not in self._origins and urlsplit(origin).netloc.lower() != host.lower():
            raise Problem(403, f"the page {origin!r:.80} may not ask: --allow-origin names pages that may")
        is_link = headers.get("sec-fetch-mode") == "navigate" and path in PAGE
        if origin is None and headers.get("sec-fetch-site") in ("cross-site", "same-site") and not is_link:
            raise Problem(403, "a page of another site may not ask: --allow-origin names pages that may")
        is_preflight = origin in self._origins and "access-control-request-method" in headers
        if self._token is not None and path not in PAGE and not is_preflight:
            kind, _, given = headers.get("authorization", "").partition(" ")
            if kind.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self._token.encode()):
                raise Problem(401, "send the server's token as API key (Authorization: Bearer TOKEN)")

    def _is_own(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self._hosts:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return self._any_address or address.is_loopback  # an address cannot be rebound
