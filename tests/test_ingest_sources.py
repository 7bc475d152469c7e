"""Archives and web pages in an index: kept in step with what they hold now."""

from __future__ import annotations

import hashlib
import os
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ingest import intake as module
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
    assert set(states(sync(index, [path])).values()) == {"unchanged"}

    packed(path, {"a/quinces.md": QUINCE, "b/medlars.txt": MEDLAR + "It is small.\n"})
    assert "no longer as it was" in index.ask("Where does the Vranja quince come from?").notes[0]
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


def test_archives_of_one_run_do_not_meet(index: Index, tmp_path: Path) -> None:
    for number in range(4):
        text = f"Bridges\n\nThe bridge of village {number} is {number + 20} metres long.\n"
        packed(tmp_path / f"{number}.zip", {"bridge.txt": text})
    assert sync(index, [tmp_path / f"{n}.zip" for n in range(4)]).count("added") == 4
    check_whole(index)
    for uri, source_id in index.library.files().items():
        number = int(Path(uri.partition("!/")[0]).stem)
        assert f"village {number} is {number + 20}" in index.library.text(source_id)


def test_a_stop_before_a_member_is_stored_leaves_it_to_be_read(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path / "fruit.zip", {"quinces.md": QUINCE})

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "keep_original", stop)
        with pytest.raises(KeyboardInterrupt):
            sync(index, [path])
    assert index.library.counts().files == 0
    assert states(sync(index, [path])) == {"quinces.md": "added"}
    check_whole(index)
    assert not list(index.folder.glob("reading-*"))


def test_a_removed_archive_can_come_back(index: Index, tmp_path: Path) -> None:
    path = packed(tmp_path / "fruit.zip", {"quinces.md": QUINCE})
    sync(index, [path])
    remove(index, [path])
    assert sync(index, [path]).count("added") == 1
    check_whole(index)


def test_a_bad_member_is_told_each_time_and_keeps_nothing_alive(
    index: Index, tmp_path: Path
) -> None:
    path = packed(tmp_path / "fruit.zip", {"quinces.md": QUINCE, "m.txt": MEDLAR, "bad.txt": ""})
    assert sync(index, [path]).count("failed") == 1
    packed(path, {"quinces.md": QUINCE, "bad.txt": ""})
    report = sync(index, [path])
    assert (report.count("failed"), report.count("removed")) == (1, 1)
    check_whole(index)
    assert {uri.rpartition("/")[2] for uri in index.library.files()} == {"quinces.md"}


def test_a_text_that_outgrows_one_piece_is_there_once(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.txt"
    path.write_text(MEDLAR)
    sync(index, [path])
    for big_text in ("ingest.containers", "ingest.big_text"):
        monkeypatch.setattr(f"{big_text}.PART_BYTES", 100)
    path.write_text(MEDLAR * 5)
    sync(index, [path])
    check_whole(index)
    assert all("!/" in uri for uri in index.library.files())
    monkeypatch.undo()
    path.write_text(MEDLAR * 2)
    sync(index, [path])
    check_whole(index)
    assert list(index.library.files()) == [str(path)]


def test_a_file_that_changes_while_it_is_read_is_one_content(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.txt"
    path.write_text("The bridge is 10 metres long.")
    real = module._readable_sha256

    def swapped(given: Path) -> str:
        digest = real(given)
        path.write_text("The bridge is 99 metres long.")
        return digest

    with monkeypatch.context() as patch:
        patch.setattr(module, "_readable_sha256", swapped)
        sync(index, [path])
    check_whole(index)
    (source,) = index.library.sources().values()
    assert source.sha256 == hashlib.sha256(index.library.text(source.id).encode()).hexdigest()
    path.write_text("The bridge is 10 metres long.")
    assert sync(index, [path]).count("changed") == 1
    assert "10 metres" in index.ask("How long is the bridge?").text


def test_a_file_that_was_only_touched_is_as_it_was(index: Index, tmp_path: Path) -> None:
    path = tmp_path / "medlars.txt"
    path.write_text(MEDLAR)
    sync(index, [path])
    os.utime(path, (1, 1))
    question = "When is the medlar eaten?"
    assert "no longer as it was" in index.ask(question).notes[0]
    assert sync(index, [path]).count("unchanged") == 1
    assert index.ask(question).notes == ()


def test_what_a_pattern_matched_and_has_gone_is_dropped(index: Index, tmp_path: Path) -> None:
    for name in ("a.txt", "deep/b.txt", "deep/er/c.txt", "deep/d.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{MEDLAR}{name}")
    pattern = str(tmp_path / "**" / "*.txt")
    sync(index, [tmp_path])
    (tmp_path / "deep/er/c.txt").unlink()
    (tmp_path / "deep/d.md").unlink()
    assert states(sync(index, [pattern])) == {
        "a.txt": "unchanged",
        "b.txt": "unchanged",
        "c.txt": "removed",
    }
    (tmp_path / "a.txt").unlink()
    assert states(sync(index, [str(tmp_path / "*.txt")])) == {"a.txt": "removed"}


def test_searching_and_syncing_in_one_process(index: Index, tmp_path: Path) -> None:
    done = threading.Event()

    def search() -> int:
        asked = 0
        while not done.is_set():
            index.search("the medlar")
            asked += 1
        return asked

    with ThreadPoolExecutor(2) as pool:
        searching = [pool.submit(search) for _ in range(2)]
        for number in range(15):
            (tmp_path / f"{number % 4}.txt").write_text(f"{MEDLAR}It weighs {number} grams.")
            sync(index, [tmp_path / f"{n}.txt" for n in range(min(4, number + 1))])
        done.set()
        assert all(job.result(timeout=60) for job in searching)
    check_whole(index)


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
                name = self.path.lstrip("/").partition("?")[0]
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
    again = sync(index, [f"{site.url}/quinces.html?from={n}" for n in range(5)], allow_private=True)
    assert states(again) == {"quinces.html": "unchanged"}
    assert reindex(index).count("failed") == 0
    check_whole(index)
    assert "Connecticut" in index.ask("Where does the Meech quince come from?").text
    assert remove(index, [f"{site.url}/medlars.html"]).count("removed") == 1
    check_whole(index)
