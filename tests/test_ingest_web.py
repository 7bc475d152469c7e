"""Web pages from a real server, and what must never be connected to."""

from __future__ import annotations

import gzip
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ingest import http
from ingest import sitemap as sitemap_module
from ingest.http import USER_AGENT, is_public
from ingest.parsed import Parsed
from ingest.sitemap import sitemap_urls
from ingest.web import Page, fetch, store
from ingest.worker import Reader
from rag.errors import BadDocument

PAGE = """<!doctype html><html lang="en"><head><title>Apples in Kent | The Daily</title>
<link rel="canonical" href="/apples"><meta name="author" content="Ada Byron">
<meta property="article:published_time" content="2024-03-02T10:00:00+00:00"></head><body>
<div class="menu"><ul><li><a href="/">Home</a></li><li><a href="/news">News</a></li></ul></div>
<div id="content"><h1>Apples in Kent</h1>
<p>The Bramley apple was first grown in Southwell in 1809. It is used for cooking, and it is known
in all of England for its sharp taste.</p><h2>Harvest</h2>
<p>It is picked in October, when the weather is fine and the farmers have the time for it.</p>
<table><tr><th>Apple</th><th>Year</th></tr><tr><td>Bramley</td><td>1809</td></tr>
<tr><td>Cox</td><td>1825</td></tr></table></div>
<div class="sidebar"><h3>Related</h3><a href="/a">Ten best pears</a></div>
<div class="cookie-banner">We use cookies. Accept all.</div></body></html>"""

Answer = tuple[int, dict[str, str], bytes] | Callable[[BaseHTTPRequestHandler], None]


class Site:
    """A server on loopback; ``pages`` maps paths to what it answers."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append((self.path, dict(self.headers)))
                answer = site.pages.get(self.path, (404, {}, b"no"))
                if callable(answer):
                    answer(self)
                    return
                status, headers, body = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:  # noqa: ANN401
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
            self.url = f"https://site.example:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def put(self, path: str, body: str | bytes, kind: str = "text/html", **more: str) -> str:
        data = body.encode() if isinstance(body, str) else body
        self.pages[path] = (200, {"Content-Type": kind, **more}, data)
        return self.url + path

    def redirect(self, path: str, to: str) -> str:
        self.pages[path] = (302, {"Location": to}, b"")
        return self.url + path

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


def local(url: str) -> Page:
    return fetch(url, allow_private=True)


def read(page: Page, into: Path) -> Parsed:
    with Reader() as reader:
        ((document, parsed),) = reader.read([store(page, into)])
    assert document.uri == page.canonical
    assert isinstance(parsed, Parsed), parsed
    return parsed


def test_a_page_is_its_main_content(site: Site, tmp_path: Path) -> None:
    url = site.put("/apples?from=feed", PAGE)
    page = local(url)
    assert (page.canonical, page.suffix) == (f"{site.url}/apples", ".html")
    assert page.content == PAGE.encode()
    parsed = read(page, tmp_path)
    assert (parsed.title, parsed.author) == ("Apples in Kent", "Ada Byron")
    assert parsed.date == "2024-03-02T10:00:00+00:00"
    assert "sharp taste" in parsed.text
    assert "Apple: Cox; Year: 1825" in parsed.text
    for beside in ("Home", "cookies", "pears"):
        assert beside not in parsed.text
    kinds = [block.kind for block in parsed.blocks]
    assert kinds == ["heading", "paragraph", "heading", "paragraph", "table_row", "table_row"]


def test_a_page_without_main_content_is_read_whole(site: Site, tmp_path: Path) -> None:
    parsed = read(local(site.put("/x", "<p>Open <b>daily</b></p>")), tmp_path)
    assert parsed.text == "Open daily"


def test_other_kinds_by_media_type_or_name(site: Site, tmp_path: Path) -> None:
    assert local(site.put("/a", b"%PDF-1.7", "application/pdf; x=y")).suffix == ".pdf"
    assert local(site.put("/a.md", "# A", "text/plain; charset=utf-8")).suffix == ".md"
    assert local(site.put("/b.pdf", b"%PDF-", "application/octet-stream")).suffix == ".pdf"
    assert local(site.put("/c.csv", "a,b", "text/plain")).suffix == ".csv"
    assert read(local(site.put("/d", "plain text.", "text/plain")), tmp_path).text == "plain text."
    with pytest.raises(BadDocument, match="is video/mp4, which cannot be read"):
        local(site.put("/v", b"", "video/mp4"))


def test_the_encoding_the_server_states(site: Site, tmp_path: Path) -> None:
    page = '<meta charset="utf-8"><p>Grüße aus Köln</p>'.encode("iso-8859-1")
    url = site.put("/l", page, "text/html; charset=ISO-8859-1")
    assert read(local(url), tmp_path).text == "Grüße aus Köln"
    wrong = site.put("/w", "Grüße", "text/plain; charset=no-such")
    assert read(local(wrong), tmp_path).text == "Grüße"


def test_the_request_names_the_program_and_holds_no_cookie(site: Site) -> None:
    site.pages["/a"] = (302, {"Location": "/b", "Set-Cookie": "id=1"}, b"")
    site.put("/b", PAGE)
    assert local(site.url + "/a").canonical == f"{site.url}/apples"
    assert [path for path, _ in site.asked] == ["/a", "/b"]
    for _, headers in site.asked:
        assert headers["User-Agent"] == USER_AGENT
        assert "Cookie" not in headers
        assert headers["Host"] == site.url.removeprefix("http://")


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        ("https://evil.example/x", False), ("//evil.example/x", False), ("/other", True),
        ("javascript:alert(1)", False), ("http://[broken", False),
    ],
)  # fmt: skip
def test_a_page_cannot_speak_for_another_site(site: Site, stated: str, kept: bool) -> None:
    url = site.put("/x", f'<link rel="canonical" href="{stated}"><p>text</p>')
    assert local(url).canonical == (f"{site.url}{stated}" if kept else url)


def test_redirects_are_followed_but_not_for_ever(site: Site) -> None:
    site.put("/end", "end", "text/plain")
    for n in range(5):
        site.redirect(f"/{n}", f"/{n + 1}" if n < 4 else "/end")
    assert local(f"{site.url}/0").content == b"end"
    with pytest.raises(BadDocument, match="redirects more than 5 times"):
        local(site.redirect("/round", "/round"))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://example.org/x", "not an http or https address"),
        ("file:///etc/passwd", "not an http or https address"),
        ("http://", "not an http or https address"),
        ("http://[::1", "is no web address"),
        ("http://exa mple.org/\x00", "is no web address"),
        ("http://" + "a" * 300 + ".org", "cannot be fetched|no web address"),
    ],
)
def test_what_is_no_web_address(url: str, says: str) -> None:
    with pytest.raises(BadDocument, match=says) as caught:
        fetch(url)
    assert str(caught.value).startswith(url)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "0.0.0.0", "127.1", "2130706433", "0x7f000001", "0177.0.0.1",
        "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "[::1]",
        "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]", "[::]", "255.255.255.255", "224.0.0.1",
    ],
)  # fmt: skip
def test_private_addresses_are_refused(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:  # noqa: ANN401
        raise AssertionError("connected")

    monkeypatch.setattr(socket.socket, "connect", never)
    with pytest.raises(BadDocument, match=r"not on the public internet: refused|Invalid IPv4"):
        fetch(f"http://{host}/")


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


class Resolver:
    """Answers each look-up with the next address, the last one for ever."""

    def __init__(self, site: Site, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.connected: list[str] = []
        self._port = int(site.url.rpartition(":")[2])
        self._connect = socket.create_connection

    def getaddrinfo(self, host: str, port: int, *_: Any, **__: Any) -> list[Any]:  # noqa: ANN401
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in answer]

    def create_connection(self, address: tuple[str, int], *args: Any, **more: Any) -> socket.socket:  # noqa: ANN401
        """A route by which public addresses lead to the site."""
        self.connected.append(address[0])
        return self._connect(("127.0.0.1", self._port), *args, **more)


@pytest.fixture
def resolver(site: Site, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Resolver]:
    def install(*answers: list[str]) -> Resolver:
        made = Resolver(site, *answers)
        plain = socket.getaddrinfo

        def getaddrinfo(host: str, *args: Any, **more: Any) -> Any:  # noqa: ANN401
            if host.endswith(".example"):
                return made.getaddrinfo(host, *args, **more)
            return plain(host, *args, **more)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        monkeypatch.setattr(socket, "create_connection", made.create_connection)
        return made

    return install


def test_the_address_that_was_checked_is_connected_to(
    site: Site, resolver: Callable[..., Resolver]
) -> None:
    site.put("/", "text", "text/plain")
    rebinding = resolver(["93.184.216.34"], ["127.0.0.1"])
    assert fetch("http://site.example/").content == b"text"
    assert rebinding.asked == ["site.example"]
    assert rebinding.connected == ["93.184.216.34"]
    with pytest.raises(BadDocument, match=r"site\.example is 127\.0\.0\.1.*refused"):
        fetch("http://site.example/")
    assert rebinding.connected == ["93.184.216.34"]


def test_the_certificate_is_that_of_the_name_not_of_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (openssl := shutil.which("openssl")):
        pytest.skip("needs the openssl command to make a certificate")
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    name = ["-subj", "/CN=site.example", "-addext", "subjectAltName=DNS:site.example"]
    make = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", *name]
    subprocess.run([*make, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    plain = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _, *args, **more: plain("127.0.0.1", *args, **more)
    )
    site = Site(context)
    try:
        site.put("/", "text", "text/plain")
        with pytest.raises(BadDocument, match="self-signed certificate"):
            local(site.url)
        monkeypatch.setenv("SSL_CERT_FILE", certificate)
        assert local(site.url).content == b"text"
        with pytest.raises(BadDocument, match="Hostname mismatch"):
            local(site.url.replace("site.", "other."))
    finally:
        site.close()


def test_one_private_address_among_others_is_enough(resolver: Callable[..., Resolver]) -> None:
    mixed = resolver(["93.184.216.34", "10.0.0.1"])
    with pytest.raises(BadDocument, match=r"is 10\.0\.0\.1"):
        fetch("http://site.example/")
    assert mixed.connected == []


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1/", "http://10.0.0.1/x", "http://inner.example/", "file:///etc/x"]
)
def test_a_redirect_into_a_private_network_is_refused(
    site: Site, resolver: Callable[..., Resolver], target: str
) -> None:
    site.redirect("/", target)
    found = resolver(["93.184.216.34"], ["192.168.0.1"])
    with pytest.raises(BadDocument, match=r"^http://site.example/: .*(refused|not an http)"):
        fetch("http://site.example/")
    assert found.connected == ["93.184.216.34"]


def test_a_page_too_large_or_too_slow_is_given_up(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 100_000)
        except OSError:
            pass

    def trickling(handler: BaseHTTPRequestHandler) -> None:
        try:
            for byte in b"HTTP/1.1 200 OK\r\n" + b"X-Long: y\r\n" * 100:
                handler.wfile.write(bytes([byte]))
                time.sleep(0.05)
        except OSError:
            pass

    monkeypatch.setattr(http, "MAX_PAGE_BYTES", 1_000_000)
    site.pages["/endless"] = endless
    with pytest.raises(BadDocument, match="is larger than 1 MB"):
        local(site.url + "/endless")
    bomb = gzip.compress(bytes(5_000_000))
    with pytest.raises(BadDocument, match="is larger than 1 MB"):
        local(site.put("/bomb", bomb, **{"Content-Encoding": "gzip"}))
    monkeypatch.setattr(http, "SECONDS", 1.0)
    site.pages["/slow"] = trickling
    start = time.perf_counter()
    with pytest.raises(BadDocument, match="took longer than 1 s"):
        local(site.url + "/slow")
    assert time.perf_counter() - start < 3


def test_what_a_server_may_do_wrong(site: Site) -> None:
    with pytest.raises(BadDocument, match="answers with status 404"):
        local(site.url + "/none")
    site.pages["/garbage"] = lambda handler: (
        handler.wfile.write(b"\x00\xff garbage\r\n\r\n") and None
    )
    with pytest.raises(BadDocument, match="cannot be fetched"):
        local(site.url + "/garbage")
    with pytest.raises(BadDocument, match="nobody asked for"):
        local(site.put("/br", b"x", **{"Content-Encoding": "br"}))
    with pytest.raises(BadDocument, match="broken gzip"):
        local(site.put("/gz", b"\x1f\x8bxxxx", **{"Content-Encoding": "gzip"}))
    with pytest.raises(BadDocument, match=r"redirects to .* not an http"):
        local(site.redirect("/r", "gopher://x/"))
    site.close()
    with pytest.raises(BadDocument, match="cannot be fetched"):
        local(site.url)


def sitemap(*urls: str, root: str = "urlset", each: str = "url") -> str:
    body = "".join(f"<{each}><loc> {url} </loc></{each}>" for url in urls)
    return f'<{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{body}</{root}>'


def test_a_sitemap_gives_the_pages_of_its_host(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    own = [f"{site.url}/{n}?a=1&amp;b=2" for n in range(5)]
    first = sitemap(*own[:3], "https://other.example/x", "ftp://x/y", own[0], "nonsense")
    site.put("/1.xml", first, "text/xml")
    site.put("/2.xml.gz", gzip.compress(sitemap(*own[3:]).encode()), "application/gzip")
    index = sitemap(
        f"{site.url}/1.xml", f"{site.url}/2.xml.gz", f"{site.url}/index.xml",
        "http://other.example/s.xml", root="sitemapindex", each="sitemap",
    )  # fmt: skip
    url = site.put("/index.xml", index, "text/xml")
    expected = [each.replace("&amp;", "&") for each in own]
    assert sitemap_urls(url, allow_private=True) == expected
    with pytest.raises(BadDocument, match="refused"):
        sitemap_urls(url)
    monkeypatch.setattr(sitemap_module, "MOST_PAGES", 2)
    assert sitemap_urls(url, allow_private=True) == expected[:2]


def test_pages_that_robots_may_not_read_are_left_out(site: Site) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /private/\n", "text/plain")
    url = site.put("/s.xml", sitemap(f"{site.url}/a", f"{site.url}/private/b"), "text/xml")
    assert sitemap_urls(url, allow_private=True) == [f"{site.url}/a"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("", "is no sitemap"),
        ("<html></html>", "its root is 'html'"),
        ("<urlset><url>", "is no sitemap"),
        ('<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><urlset/>', "document type"),
        (gzip.compress(b"x" * 100)[:-20], "broken gzip|no sitemap"),
        (b"\xff\xfe\x00", "is no sitemap"),
    ],
)
def test_what_is_no_sitemap(site: Site, data: str | bytes, says: str) -> None:
    with pytest.raises(BadDocument, match=says):
        sitemap_urls(site.put("/s.xml", data, "text/xml"), allow_private=True)
