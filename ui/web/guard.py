"""What the chat's server lets through and tells browsers, so that documents stay where they are."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.errors import BadInput

LOOPBACK = ("127.0.0.1", "localhost", "::1")
# What a browser needs to show the form, and Gradio to start; none of it tells of a document.
SIGN_IN = ("/", "/login", "/theme.css", "/favicon.ico", "/manifest.json")
SIGN_IN_PARTS = ("/assets/", "/static/", "/svelte/")
STARTING = "/gradio_api/startup-events"
UPLOAD = "/gradio_api/upload"
# Bytes of any request but an upload, and of what is around a file in one.
FORM = 5_000_000

log = logging.getLogger(__name__)

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
    Where only this machine is listened to, that page must not point its own name here either.
    """

    def __init__(self, app: ASGIApp, host: str, largest: int) -> None:
        """``host`` is the address that is listened on, ``largest`` a file's bytes at most."""
        self._app = app
        self._largest = largest
        self._is_local = host in LOOPBACK

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and add the headers to its response."""
        if scope["type"] != "lifespan" and self._is_local and _named(scope) not in LOOPBACK:
            await PlainTextResponse("this is not the name of this server", 400)(
                scope, receive, send
            )
            return
        if scope["type"] == "http":
            if _foreign(scope):
                await PlainTextResponse("this request comes from another site", 403)(
                    scope, receive, send
                )
                return
            if refused := _too_large(scope, self._largest):
                await PlainTextResponse(*refused)(scope, receive, send)
                return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                cookies = _cookies(message.get("headers", []), scope["scheme"] == "https")
                message = {**message, "headers": [*cookies, *HEADERS]}
            await send(message)

        await self._app(scope, receive, guarded)


class SignedIn:
    """Lets nobody through who is not signed in, but to the form; whatever Gradio checks itself."""

    def __init__(self, app: ASGIApp, knows: Callable[[str], bool]) -> None:
        """``knows`` tells whether there still is a user of a name."""
        self._app = app
        self._knows = knows

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with 401."""
        if scope["type"] != "lifespan":
            name = name_of(scope["app"], HTTPConnection(scope).cookies)
            if name and not self._still(scope["app"], name):
                name = ""
            if not name and not _is_form(scope["path"]):
                await JSONResponse({"detail": "Not authenticated"}, 401)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _still(self, app: Any, name: str) -> bool:  # noqa: ANN401 - Gradio's application
        """Whether the user is still there; if not, the form is shown again."""
        try:
            known = self._knows(name)
        except BadInput as error:
            log.error("nobody is let in: %s", error)
            return False
        if not known:
            for token in [token for token, owner in app.tokens.items() if owner == name]:
                app.tokens.pop(token, None)
        return known


def _too_large(scope: Scope, largest: int) -> tuple[str, int] | None:
    """What to answer to a body that is too large, or does not say how large it is."""
    headers = Headers(scope=scope)
    if "transfer-encoding" in headers:
        return "say how long this is", 411
    limit = largest + FORM if scope["path"] == UPLOAD else FORM
    size = int(headers.get("content-length", 0))
    return (f"this is larger than {limit:,} bytes", 413) if size > limit else None


def name_of(app: Any, cookies: Mapping[str, str]) -> str:  # noqa: ANN401 - Gradio's application
    """Who is signed in by these cookies; "" for nobody."""
    for cookie in (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}"):
        if name := app.tokens.get(cookies.get(cookie)):
            return str(name)
    return ""


def check_open(host: str, has_users: bool) -> None:
    """Raise ``BadInput`` where everyone who reaches this machine could read the library."""
    if host not in LOOPBACK and not has_users:
        raise BadInput(
            f"on {host} everyone who reaches this machine could read the library: name who may "
            "with `footnote users add NAME --auth-file FILE` and give that --auth-file here, or "
            "leave out --host"
        )


def _is_form(path: str) -> bool:
    return path in (*SIGN_IN, STARTING) or path.startswith(SIGN_IN_PARTS)


def _named(scope: Scope) -> str | None:
    try:
        return urlsplit("//" + Headers(scope=scope).get("host", "")).hostname
    except ValueError:
        return None


def _cookies(headers: list[tuple[bytes, bytes]], is_https: bool) -> list[tuple[bytes, bytes]]:
    """The headers with Gradio's two cookies for a session as one that no other site's page sends.

    It is marked secure where the connection is; Gradio sends the same token once so and once not.
    """
    kept = []
    for name, value in headers:
        if name.lower() == b"set-cookie" and value.startswith(b"access-token-"):
            if (
                value.startswith(b"access-token-unsecure-") == is_https
                and b"Max-Age=0" not in value
            ):
                continue
            parts = [p for p in value.split(b"; ") if not p.lower().startswith(b"samesite")]
            value = b"; ".join([*parts, b"SameSite=Lax"])
        kept.append((name, value))
    return kept


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
