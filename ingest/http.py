"""One request over HTTP, never to a private network, bounded in time and size.

Each connection goes to an address that was checked, so that no name can mean one machine when it
is looked up and another when it is connected to.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
import zlib
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import httpcore
import httpx

from rag.errors import BadDocument

USER_AGENT = f"footnote-rag/{version('footnote-rag')}"
MAX_PAGE_BYTES = 50_000_000
MAX_REDIRECTS = 5
SECONDS = 60.0  # for one page, redirects included
_READ_SECONDS = 20.0

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def get(url: str, allow_private: bool) -> tuple[httpx.URL, dict[str, str], bytes]:
    """Where redirects led to, the headers (names in lower case) and the body.

    Raises ``BadDocument`` as ``ingest.web.fetch`` does.
    """
    deadline = time.monotonic() + SECONDS
    target = parsed_url(url)
    backend = _CheckedBackend(allow_private, deadline)
    with httpcore.ConnectionPool(network_backend=backend, max_connections=1) as pool:
        try:
            for _ in range(MAX_REDIRECTS + 1):
                with pool.stream("GET", _core_url(target), headers=_headers(target)) as response:
                    headers = {
                        name.decode("latin-1").lower(): value.decode("latin-1")
                        for name, value in response.headers
                    }
                    if response.status in _REDIRECTS and "location" in headers:
                        target = parsed_url(str(target.join(headers["location"])), url)
                        continue
                    if response.status != 200:
                        raise BadDocument(
                            f"{url}: the server answers with status {response.status}: check the "
                            "address in a browser"
                        )
                    return target, headers, _body(url, response.iter_stream(), headers)
        except _Refused as error:
            raise BadDocument(f"{url}: {error}") from error
        except (httpcore.TimeoutException, TimeoutError) as error:
            raise BadDocument(f"{url}: took longer than {SECONDS:g} s: try again later") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError, UnicodeError) as error:
            raise BadDocument(
                f"{url}: cannot be fetched ({error}): check the address and the network"
            ) from error
        except httpx.InvalidURL as error:
            raise BadDocument(f"{url}: leads to a broken address ({error})") from error
    raise BadDocument(f"{url}: redirects more than {MAX_REDIRECTS} times: check it in a browser")


def _body(url: str, stream: Iterable[bytes], headers: dict[str, str]) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in stream:
        size += len(part)
        if size > MAX_PAGE_BYTES:
            raise BadDocument(_too_large(url))
        parts.append(part)
    match headers.get("content-encoding", "identity").lower():
        case "identity" | "":
            return b"".join(parts)
        case "gzip" | "x-gzip":
            return unpacked(url, b"".join(parts))
        case other:
            raise BadDocument(f"{url}: is compressed as {other!r}, which nobody asked for")


def parsed_url(url: str, asked: str = "") -> httpx.URL:
    """The address, made ready to be requested."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise BadDocument(f"{asked or url}: is no web address ({error}): check it") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        where = f"{asked}: redirects to {url}, which" if asked else f"{url}:"
        raise BadDocument(f"{where} is not an http or https address: save it as a file first")
    return parsed.copy_with(fragment=None, userinfo=b"")


def _core_url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )


def _headers(url: httpx.URL) -> dict[bytes | str, bytes | str]:
    return {
        "Host": url.netloc.decode("ascii"),
        "User-Agent": USER_AGENT,
        "Accept": "text/html, application/pdf;q=0.9, */*;q=0.8",
        "Accept-Encoding": "identity",  # whose size is the size that is sent
    }


class _Refused(Exception):
    """An address that must not be connected to."""


class _CheckedBackend(httpcore.NetworkBackend):
    """Looks a name up once, refuses private addresses, and connects to what it has checked."""

    def __init__(self, allow_private: bool, deadline: float) -> None:
        self._allow_private = allow_private
        self._deadline = deadline
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not self._allow_private:
            for address in addresses:
                if not is_public(address):
                    raise _Refused(
                        f"{host} is {address}, which is not on the public internet: refused; "
                        "allow private addresses if you trust it"
                    )
        error: Exception | None = None
        for address in addresses:
            try:
                stream = self._plain.connect_tcp(address, port, _left(self._deadline))
            except httpcore.ConnectError as failed:
                error = failed
            else:
                return _TimedStream(stream, self._deadline)
        raise error or httpcore.ConnectError(f"{host} has no address")


class _TimedStream(httpcore.NetworkStream):
    """A connection that ends at a deadline, however slowly its bytes trickle."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(self._deadline)
        stream = self._stream.start_tls(ssl_context, server_hostname, left)
        return _TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as the base class
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return min(left, _READ_SECONDS)


def is_public(address: str) -> bool:
    """Whether an IP address, or the IPv4 address wrapped in it, is on the public internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


def unpacked(url: str, data: bytes) -> bytes:
    """``data``, unpacked if it is gzip. Raises ``BadDocument`` for what unpacks to too much."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    unpacking = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacking.decompress(data, MAX_PAGE_BYTES)
    except zlib.error as error:
        raise BadDocument(f"{url}: is broken gzip ({error}): try again later") from error
    if unpacking.unconsumed_tail:
        raise BadDocument(_too_large(url))
    return unpacked


def _too_large(url: str) -> str:
    return (
        f"{url}: is larger than {MAX_PAGE_BYTES // 10**6} MB: download it, split it and ingest "
        "the parts"
    )
