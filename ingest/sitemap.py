"""Sitemaps: the addresses of the pages of a site."""

from __future__ import annotations

import itertools
from urllib.robotparser import RobotFileParser
from xml.parsers import expat

import httpx

from ingest.containers import is_url
from ingest.http import USER_AGENT, get, parsed_url, unpacked
from rag.errors import BadDocument

MOST_PAGES = 1000
_MAX_SITEMAPS = 50


def sitemap_urls(url: str, *, allow_private: bool = False) -> list[str]:
    """The addresses of pages in a sitemap, or in those that a sitemap index names.

    At most ``MOST_PAGES``, and only those on the same host that its ``robots.txt`` does not forbid.
    Raises ``BadDocument`` as ``fetch`` does, and for what is no sitemap.
    """
    host = parsed_url(url).host
    robots = _robots(url, allow_private)
    found: dict[str, None] = {}
    queue, seen = [url], {url}
    while queue and len(found) < MOST_PAGES:
        sitemap = queue.pop(0)
        _, _, content = get(sitemap, allow_private)
        is_index, locations = _locations(sitemap, unpacked(sitemap, content))
        own = [each for each in locations if is_url(each) and _host(each) == host]
        if is_index:
            fresh = [each for each in dict.fromkeys(own) if each not in seen]
            queue += fresh[: _MAX_SITEMAPS - len(seen)]
            seen.update(queue)
        else:
            found |= dict.fromkeys(each for each in own if robots.can_fetch(USER_AGENT, each))
    return list(itertools.islice(found, MOST_PAGES))


def _host(url: str) -> str:
    try:
        return httpx.URL(url).host
    except (httpx.InvalidURL, ValueError):
        return ""


def _robots(url: str, allow_private: bool) -> RobotFileParser:
    """The rules of a host; a host without them allows all."""
    robots = RobotFileParser()
    try:
        _, _, content = get(str(parsed_url(url).join("/robots.txt")), allow_private)
        robots.parse(content.decode("utf-8", errors="replace").splitlines())
    except BadDocument:
        robots.parse([])
    return robots


def _locations(url: str, data: bytes) -> tuple[bool, list[str]]:
    """Whether a sitemap is an index of others, and the addresses in it."""
    tags: list[str] = []
    roots: list[str] = []
    locations: list[str] = []

    def refuse(*_: object) -> None:
        raise BadDocument(f"{url}: has a document type, as no sitemap does: refused")

    def start(name: str, _: object) -> None:
        tag = name.rpartition(" ")[2]  # without its namespace
        if not tags:
            roots.append(tag)
        elif len(tags) == 2 and tag == "loc":
            locations.append("")
        tags.append(tag)

    def text(part: str) -> None:
        if len(tags) == 3 and tags[-1] == "loc":
            locations[-1] += part

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: tags.pop()
    parser.CharacterDataHandler = text
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise BadDocument(f"{url}: is no sitemap ({error}): check the address") from error
    if roots[0] not in ("urlset", "sitemapindex"):
        raise BadDocument(f"{url}: is no sitemap (its root is {roots[0]!r}): check the address")
    return roots[0] == "sitemapindex", [location.strip() for location in locations]
