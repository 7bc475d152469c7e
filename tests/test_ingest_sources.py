"""Archives and web pages in an index: kept in step with what they hold now."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ingest.reindex import reindex
from ingest.report import Report
from ingest.sync import remove, sync
from rag.index import Index
from tests.test_ingest_sync import check_whole

QUINCE = "# Quinces\n\nThe Vranja quince comes from Serbia.\n"
MEDLAR = "Medlars\n\nThe medlar is eaten when it is bletted.\n"


def states(report: Report) -> dict[str, str]:
    return {row.uri.rpartition("/")[2]: row.state for row in report.files}


def packed(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def test_an_archive_is_followed_member_by_member(index: Index, tmp_path: Path) -> None:
    path = packed(tmp_path / "fruit.zip", {"a/quinces.md": QUINCE, "medlars.txt": MEDLAR})
    report = sync(index, [path])
    assert states(report) == {"quinces.md": "added", "medlars.txt": "added"}
    check_whole(index)
    answer = index.ask("Where does the Vranja quince come from?")
    assert answer.citations[0].uri == f"{path}!/a/quinces.md"
    assert states(sync(index, [path])) == {"fruit.zip": "unchanged"}

    packed(path, {"a/quinces.md": QUINCE, "b/medlars.txt": MEDLAR + "It is small.\n"})
    assert "changed since" in index.ask("Where does the Vranja quince come from?").notes[0]
    report = sync(index, [tmp_path])
    assert [(r.uri.partition("!/")[2], r.state) for r in report.files if "!/" in r.uri] == [
        ("a/quinces.md", "unchanged"),
        ("medlars.txt", "removed"),
        ("b/medlars.txt", "added"),
    ]
    check_whole(index)

    path.unlink()
    assert set(states(sync(index, [tmp_path])).values()) == {"removed"}
    check_whole(index)
    assert index.library.counts().chunks == 0


def test_a_damaged_archive_loses_nothing(index: Index, tmp_path: Path) -> None:
    path = packed(tmp_path / "fruit.zip", {"quinces.md": QUINCE, "medlars.txt": MEDLAR})
    sync(index, [path])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    report = sync(index, [path])
    assert report.count("failed") >= 1
    assert report.count("removed") == 0
    assert index.library.counts().files == 2
    path.write_bytes(whole)
    sync(index, [path])
    check_whole(index)
    assert remove(index, [path]).count("removed") == 2
    assert index.library.counts().chunks == 0


PAGE = """<html lang="en"><head><title>{title}</title>
<link rel="canonical" href="/{name}"></head><body><nav>Home | Fruit | Contact</nav>
<article><h1>{title}</h1><p>{text} It has been grown there for a very long time, and people
walk for many miles to see the trees when they are in flower in the month of May.</p></article>
<footer>All rights reserved by the orchard.</footer></body></html>"""


class Site:
    """A few pages on loopback that can change."""

    def __init__(self) -> None:
        self.pages = {
            "quinces.html": ("Quinces", "The Vranja quince comes from Serbia."),
            "medlars.html": ("Medlars", "The Nottingham medlar comes from England."),
        }
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.lstrip("/")
                body, kind = "", "text/html; charset=utf-8"
                if name in site.pages:
                    title, text = site.pages[name]
                    body = PAGE.format(title=title, name=name, text=text)
                elif name == "sitemap.xml":
                    rows = "".join(f"<url><loc>{site.url}/{n}</loc></url>" for n in site.pages)
                    body, kind = f"<urlset>{rows}</urlset>", "application/xml"
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def test_pages_of_a_sitemap(index: Index, site: Site) -> None:
    address = f"{site.url}/sitemap.xml"
    refused = sync(index, [address])
    assert [row.state for row in refused.files] == ["failed"]
    assert "private" in refused.files[0].problem
    report = sync(index, [address], allow_private=True)
    assert states(report) == {"quinces.html": "added", "medlars.html": "added"}
    check_whole(index)
    answer = index.ask("Where does the Vranja quince come from?")
    (citation,) = answer.citations
    assert citation.uri == f"{site.url}/quinces.html"
    assert citation.title == "Quinces"
    assert answer.notes == ()
    text = index.library.text(citation.source_id)
    assert "rights reserved" not in text
    assert "Contact" not in text

    site.pages["quinces.html"] = ("Quinces", "The Meech quince comes from Connecticut.")
    report = sync(index, [f"{site.url}/quinces.html"], allow_private=True)
    assert states(report) == {"quinces.html": "changed"}
    assert set(states(sync(index, [address], allow_private=True)).values()) == {"unchanged"}
    del site.pages["medlars.html"]
    gone = sync(index, [f"{site.url}/medlars.html"], allow_private=True)
    assert [row.state for row in gone.files] == ["failed"]
    assert index.library.counts().files == 2
    assert reindex(index).count("failed") == 0
    check_whole(index)
    assert "Connecticut" in index.ask("Where does the Meech quince come from?").text
    assert remove(index, [f"{site.url}/medlars.html"]).count("removed") == 1
    check_whole(index)
