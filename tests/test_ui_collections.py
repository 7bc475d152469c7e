"""Two readers of one server, each with a collection, and what one gets of the other's: nothing."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from ingest.sync import sync
from ingest.watched import Watching
from rag.errors import BadInput
from rag.index import Index, create_index
from tests.test_ui_users import PASSWORD, call, first_id, rail, send, served, signed_in
from tests.test_ui_web import BOX, CHROMIUM, QUIET
from ui.cli import main
from ui.users import Users, put_user
from ui.web import uploads as uploads_module
from ui.web.access import Access
from ui.web.uploads import Uploads

pytestmark = [
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]
SECRET = "Zenobia Quillfeather"
ASKED = "Who is on the list of Operation Marmalade?"
TEXTS = {
    "open/fruit.txt": "The Bramley apple was first grown in Southwell in 1809.",
    "hr/marmalade.md": "# Marmalade plans\n\n## Who is on the list of spread?\n\n"
    f"{SECRET} of Leeds is on the list of Operation Marmalade.",
    "law/brief.txt": "The lawyers of Operation Marmalade work in Hull.",
}
TELLTALES = ("Quillfeather", "Leeds", "Marmalade plans", "marmalade.md", "list of spread")


@dataclass(frozen=True)
class Site:
    url: str
    index: Index
    source: str

    def call(self, client: httpx.Client, name: str, row: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = call(client, rail(client), name, row).json()
        return answer


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shelves") / "docs"
    for name, text in TEXTS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n", encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def site(folders: Path) -> Iterator[Site]:
    """A server with ada, who sees hr, bob, who sees law, and eve, who sees everything."""
    users = folders.parent / "users"
    put_user(users, "ada", PASSWORD, ["hr"])
    put_user(users, "bob", PASSWORD, ["law"])
    put_user(users, "eve", PASSWORD)
    with create_index(folders.parent / "index") as index:
        sync(index, [folders])
        for name in ("hr", "law"):
            sync(index, [folders / name], collection=name)
        source = next(s.id for s in index.library.sources().values() if "plans" in s.title)
        app, url = served(index, Users(users))
        yield Site(url, index, source)
        app.close(verbose=False)


def test_another_readers_document_is_nowhere(site: Site) -> None:
    place = {"source": site.source, "start": 0, "end": 10}
    quoted = {"number": 1, "vote": -1, "case": True, "quote": "of Leeds", "source": site.source}
    with signed_in(site.url, "ada") as ada:
        assert SECRET in str(send(ada, "ask", {"question": ASKED}))
        assert SECRET in site.call(ada, "view", place)["html"]
        assert "Marmalade plans" in site.call(ada, "library", {})["html"]
        assert "list of spread" in str(site.call(ada, "suggest", {}))
        assert "Kept as a case" in site.call(ada, "vote", {"id": first_id(ada), **quoted})["said"]
    with signed_in(site.url, "bob") as bob:
        all_settings = {"Decline below": 0, "Passages": 50, "Unsupported sentences": "off"}
        answers = [
            send(bob, "ask", {"question": ASKED}, "his"),
            send(bob, "ask", {"question": "Who else?"}, "his"),
            send(bob, "again", {"question": "What are the plans for spread?"}, "his"),
            send(bob, "ask", {"question": ASKED}, settings=all_settings),
            send(bob, "ask", {"question": ASKED}, settings={"Collections": ["hr"]}),
            site.call(bob, "library", {}),
            site.call(bob, "library", {"words": "zenobia"}),
            site.call(bob, "suggest", {}),
            site.call(bob, "jobs", {}),
        ]
        viewed = site.call(bob, "view", place)
        assert "removed from the library" in viewed["html"]
        refused = [
            site.call(bob, "more", {**place, "at": 0, "back": False}),
            site.call(bob, "remove", {"source": site.source}),
            site.call(bob, "vote", {"id": first_id(bob), **quoted}),
        ]
        assert "no more of this document" in refused[0]["error"]
        assert all("not in the library any more" in row["error"] for row in refused[1:])
        for word in TELLTALES:
            assert word not in json.dumps([*answers, viewed, *refused]), word
        assert site.call(bob, "library", {})["count"] == "2"
        # His own is there, and what is in no collection.
        assert "Hull" in str(send(bob, "ask", {"question": "Where do the lawyers work?"}))
        asked = {"question": "Where was the Bramley apple first grown?"}
        assert "Southwell" in str(send(bob, "ask", asked))
    assert site.source in site.index.library.sources()
    with signed_in(site.url, "eve") as eve:
        assert SECRET in str(send(eve, "ask", {"question": ASKED}))
        assert site.call(eve, "library", {})["count"] == "3"


def test_collections_are_chosen_on_the_page_and_the_reader_leaves(site: Site) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium here: the chat is not tested in a browser")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        for name, offered in (("bob", []), ("eve", ["hr", "law"])):
            page.goto(site.url)
            page.get_by_label("username").fill(name)
            page.get_by_label("password").fill(PASSWORD)
            page.get_by_role("button", name="Login").click()
            page.wait_for_selector(f".fn-reader:has-text('Signed in as {name}.')")
            page.click("#fn-settings button")
            page.get_by_text("How many are looked at").wait_for()
            choice = page.get_by_label("Collections")
            assert choice.count() == (1 if offered else 0)
            if offered:
                choice.click()
                options = page.locator("[role=listbox] [role=option]")
                assert options.all_inner_texts() == offered
                options.filter(has_text="law").click()
                page.fill(BOX, ASKED)
                page.press(BOX, "Enter")
                page.wait_for_selector(".fn-turn[data-done='1']")
                page.wait_for_selector("#fn-live .fn-near, #fn-live .fn-said")
                assert "Leeds" not in page.inner_text("#fn-chat")
                page.keyboard.press("Escape")
                page.click("#fn-settings .token-remove >> nth=0")
                page.fill(BOX, ASKED)
                page.press(BOX, "Enter")
                page.wait_for_selector(".fn-turn[data-turn='2'][data-done='1']")
                assert SECRET in page.inner_text("#fn-live")
            page.click(".fn-reader a")
            page.get_by_label("username").wait_for()
        browser.close()


def upload(client: httpx.Client, name: str, text: str) -> str:
    sent = client.post("/gradio_api/upload", files={"files": (name, text.encode())})
    path: str = sent.json()[0]
    return path


def wait(site: Site, client: httpx.Client) -> str:
    for _ in range(600):
        shown = site.call(client, "jobs", {})
        if not shown["running"]:
            return str(shown["html"])
        time.sleep(0.1)
    raise AssertionError("never done")


def test_what_a_reader_adds_is_for_their_collection(site: Site) -> None:
    with signed_in(site.url, "ada") as ada, signed_in(site.url, "bob") as bob:
        for client, text in ((bob, "The zorble weighs 4 kg."), (ada, "The zorble weighs 9 kg.")):
            path = upload(client, "zorble.txt", text)
            assert not site.call(client, "add", {"path": path, "name": "zorble.txt"})
            assert "ready" in wait(site, client)
        for client, own, other in ((bob, "4 kg", "9 kg"), (ada, "9 kg", "4 kg")):
            said = str(send(client, "ask", {"question": "How much does the zorble weigh?"}))
            assert own in said and other not in said
        site.call(bob, "dismiss", {})
        assert not site.call(bob, "jobs", {})["html"]
        assert "zorble" in site.call(ada, "jobs", {})["html"]
        by_place = {Path(s.uri).name: s.id for s in site.index.library.sources().values()}
        refused = site.call(bob, "remove", {"source": by_place["fruit.txt"]})["error"]
        assert "only who sees the whole library" in refused
        page = {"addresses": "https://example.org/hr"}
        assert "web pages are added by who sees" in site.call(bob, "add", page)["error"]
        places = site.index.library.files()
        his = next(i for uri, i in places.items() if "/uploads/bob/" in uri)
        assert "not in the library" in site.call(ada, "remove", {"source": his})["error"]
        assert not site.call(bob, "remove", {"source": his})
        wait(site, bob)
        assert his not in site.index.library.sources()
        assert any("/uploads/ada/" in uri for uri in site.index.library.files())


def test_who_sees_some_collections_changes_none_and_sees_no_folders(
    site: Site, folders: Path
) -> None:
    by_place = {Path(s.uri).name: s.id for s in site.index.library.sources().values()}
    before = site.index.library.collections()
    asked = {"source": by_place["brief.txt"]}
    with Watching(site.index.folder, [folders]), signed_in(site.url, "bob") as bob:
        assert site.call(bob, "library", {})["whole"] is False
        assert site.call(bob, "library", {})["collections"] == ["law"]
        assert site.call(bob, "library", {"chosen": [site.source]})["chosen"] == []
        for collection in ("law", "hr", "mine", ""):
            refused = site.call(bob, "move", {**asked, "collection": collection})["error"]
            assert "only who sees the whole library says which collection" in refused
        again = site.call(bob, "read_again", asked)["error"]
        assert "only who sees the whole library has the documents of others" in again
        for name, row in (("move", {"collection": "law"}), ("read_again", {})):
            hidden = site.call(bob, name, {"source": site.source, **row})["error"]
            assert "not in the library" in hidden
        path = upload(bob, "own.txt", "The zarble is Bob's.")
        row = {"path": path, "name": "own.txt", "collection": "hr"}
        assert "says which collection" in site.call(bob, "add", row)["error"]
        assert site.call(bob, "watched", {})["html"] == ""
        assert "only who sees" in site.call(bob, "pull", {"name": "qwen2.5-coder-1.5b"})["error"]
        assert "only who sees" in site.call(bob, "unwatch", {"key": "x"})["error"]
        # Chosen sources reach no further than what he sees.
        settings = {"Decline below": 0}
        chosen = json.dumps([site.source])
        for text in (chosen, json.dumps([site.source, by_place["brief.txt"]])):
            said = str(send(bob, "ask", {"question": ASKED}, settings=settings, scope=text))
            assert "Leeds" not in said and "choose again" in said
        assert "Hull" in str(
            send(
                bob,
                "ask",
                {"question": "Where do the lawyers work?"},
                scope=json.dumps([by_place["brief.txt"]]),
            )
        )
        # His own he may have read again.
        path = upload(bob, "own.txt", "The zarble is Bob's.")
        site.call(bob, "add", {"path": path, "name": "own.txt"})
        wait(site, bob)
        own = next(i for uri, i in site.index.library.files().items() if "/bob/own.txt" in uri)
        assert not site.call(bob, "read_again", {"source": own})
        assert "read again" in wait(site, bob)
        site.call(bob, "remove", {"source": own})
        wait(site, bob)
    assert site.index.library.collections() == before
    with Watching(site.index.folder, [folders]), signed_in(site.url, "eve") as eve:
        assert "Watching" in site.call(eve, "watched", {})["html"]
        assert site.call(eve, "library", {})["collections"] == ["hr", "law"]
        assert not site.call(eve, "move", {**asked, "collection": "hr"})
        assert "now in hr" in wait(site, eve)
        assert "Hull" not in str(site.index.within(("law",)).ask(ASKED).to_dict())
        site.call(eve, "move", {**asked, "collection": "law"})
        wait(site, eve)


def test_a_server_of_some_collections_shows_no_others(site: Site) -> None:
    app, url = served(site.index, None, ("law",))
    try:
        with httpx.Client(base_url=url, timeout=60) as visitor:
            assert "Leeds" not in str(send(visitor, "ask", {"question": ASKED}))
            place = {"source": site.source, "start": 0, "end": 10}
            assert "removed from the library" in site.call(visitor, "view", place)["html"]
            brief = next(s.id for s in site.index.library.sources().values() if "brief" in s.uri)
            moved = site.call(visitor, "move", {"source": brief, "collection": "hr"})
            assert "only law can be seen here" in moved["error"]
            assert site.call(visitor, "watched", {})["html"] == ""
    finally:
        app.close(verbose=False)


def run(*words: str) -> str:
    return CliRunner().invoke(main, list(words)).output


def test_collections_on_the_command_line(folders: Path, tmp_path: Path) -> None:
    index = str(tmp_path / "index")
    run("ingest", str(folders), "--index", index)
    run("ingest", str(folders / "hr"), "--index", index, "--collection", "hr")
    assert f"{folders}/hr/marmalade.md (collection hr)" in run("library", "--index", index)
    rows = json.loads(run("library", "--index", index, "--json"))
    assert sorted(row["collections"] for row in rows) == [[], [], ["hr"]]
    assert SECRET in run("ask", ASKED, "--index", index, "--collection", "hr")
    unknown = run("ask", ASKED, "--index", index, "--collection", "law")
    assert "no collection 'law'" in unknown and "it has hr" in unknown
    run("ingest", str(folders / "law"), "--index", index, "--collection", "law")
    words = ("ask", ASKED, "--index", index, "--threshold", "0", "--json")
    assert SECRET not in run(*words, "--collection", "law")
    assert len(json.loads(run(*words, "--passages", "1"))["passages"]) == 1
    assert SECRET not in run(*words, "--source", "fruit.txt", "--source", "brief.txt")
    assert SECRET in run(*words, "--source", "hr/marmalade.md")
    assert SECRET not in run(*words, "--source", "hr/marmalade.md", "--collection", "law")
    assert "no source 'none.txt'" in run(*words, "--source", "none.txt")
    assert SECRET in run(*words, "--source", "Marmalade")
    run("ingest", str(folders / "hr"), "--index", index, "--collection", "")
    assert SECRET in run(*words, "--collection", "law")


def test_what_is_too_large_is_not_taken(site: Site) -> None:
    sizes = (("/gradio_api/upload", 505_000_001), ("/gradio_api/queue/join", 5_000_001))
    for path, size in (*sizes, ("/login", 5_000_001)):
        assert head(site.url, path, size) == 413
        assert head(site.url, path, 1_000) != 413
    assert httpx.post(f"{site.url}/login", content=iter([b"x"])).status_code == 411


def head(url: str, path: str, size: int) -> int:
    """The status that a request of so many bytes gets before they are sent."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    try:
        connection.putrequest("POST", path)
        connection.putheader("content-length", str(size))
        connection.endheaders(b"x" * size if size < 5_000 else None)
        return connection.getresponse().status
    finally:
        connection.close()


def test_uploads_have_a_largest_size_and_number(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = Uploads(Access(index))
    sent = tmp_path / "sent"
    sent.write_text("x" * 2_000, encoding="utf-8")
    monkeypatch.setattr(uploads_module, "LARGEST", 1_000)
    with pytest.raises(BadInput, match="is larger than"):
        uploads.add_file(sent, "big.txt")
    assert not sent.exists()
    monkeypatch.setattr(uploads_module, "MOST_WAITING", 0)
    sent.write_text("x", encoding="utf-8")
    with pytest.raises(BadInput, match="at most 0 may"):
        uploads.add_file(sent, "small.txt")
    # What is refused is left nowhere.
    assert not sent.exists() and not (index.folder / "uploads").exists()
