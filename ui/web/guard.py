"""What the chat's server tells browsers, so that documents stay on this machine."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.errors import BadInput

LOOPBACK = ("127.0.0.1", "localhost")
# Gradio's page compiles its templates, hence 'unsafe-eval'; nothing is loaded from elsewhere.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]


class Policy:
    """Tells the browser to load nothing from elsewhere and to be framed by nobody.

    Refuses what a page of another site sends: it must not ask, add or delete in the reader's name.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and add the headers to its response."""
        if scope["type"] == "http" and _foreign(scope):
            await PlainTextResponse("this request comes from another site", 403)(
                scope, receive, send
            )
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *HEADERS]}
            await send(message)

        await self._app(scope, receive, guarded)


def _foreign(scope: Scope) -> bool:
    """Whether a request that changes something comes from a page of another origin."""
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    if scope["method"] in ("GET", "HEAD", "OPTIONS") or origin is None:
        return False
    here = (headers.get("host"), headers.get("x-forwarded-host"))
    return urlsplit(origin).netloc not in here


def check_address(host: str, port: int) -> None:
    """Raise ``BadInput`` for an address that cannot be listened on."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address[0], port, *address[2:]))
    except (OSError, OverflowError) as error:
        raise BadInput(
            f"cannot listen on port {port} of {host}: {error}. Give a free port with "
            "`footnote serve --port N` or `make run PORT=N`"
        ) from error


def past_proxies() -> None:
    """Keep this process from asking a proxy for this machine, as Gradio does when it starts."""
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = [host.strip() for host in given.split(",") if host.strip()]
    os.environ["no_proxy"] = ",".join([*hosts, *(h for h in LOOPBACK if h not in hosts)])
