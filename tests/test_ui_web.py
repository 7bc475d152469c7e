"""The chat as a person meets it: a real server over a real index, in a real browser."""

from __future__ import annotations

import asyncio
import logging
import shutil
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.types import Message

from eval.cases import load_cases
from ingest.sync import sync
from rag.errors import BadIndex, BadInput
from rag.index import Index, create_index
from ui.web.bench import free_port
from ui.web.guard import Policy

if TYPE_CHECKING:
    from playwright.sync_api import APIResponse, Browser, Locator, Page, Route

LIBRARY = Path(__file__).parent.parent / "eval" / "library"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
EXAMPLE = "Who put up the first equity for Stargate?"
PRINCIPLES = "What are Microsoft's six AI principles?"
BOX = "#fn-box textarea"
HOSTILE_NAME = "<img src=x onerror=window.__pwned=1>.txt"
HOSTILE = """Zorbium <script>window.__pwned=1</script> report

The zorbium yield was 41 tonnes <img src=x onerror="window.__pwned=1"> in 2024. The zorbium plant
is called {{constructor.constructor('window.__pwned=1')()}} ${window.__pwned=1} by its workers.
"""


# Gradio's queue counts its events with two options that pandas 3 deprecates, in its own thread.
pytestmark = [
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("web")
    documents = folder / "documents"
    shutil.copytree(LIBRARY, documents)
    (documents / HOSTILE_NAME).write_text(HOSTILE, encoding="utf-8")
    with create_index(folder / "index") as made:
        report = sync(made, [documents])
        assert not report.count("failed"), report.files
        yield made


@pytest.fixture(scope="module")
def address(index: Index) -> Iterator[str]:
    from ui.web.app import start

    app, url = start(index, "127.0.0.1", free_port(), examples=[EXAMPLE])
    yield url
    app.close(verbose=False)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium here: the chat is not tested in a browser")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A fresh visit. Whatever the test does, no request may leave and no script may fail."""
    visit = browser.new_page(viewport={"width": 1280, "height": 800})
    visit.set_default_timeout(30_000)
    hosts: set[str] = set()
    problems: list[str] = []
    visit.on("request", lambda r: hosts.add(urlsplit(r.url).netloc))
    visit.on("websocket", lambda w: hosts.add(urlsplit(w.url).netloc))
    visit.on("pageerror", lambda e: problems.append(str(e)))
    visit.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    visit.goto(address)
    visit.wait_for_selector(BOX)
    visit.wait_for_selector(".fn-library li")  # the page's own script has run to its end
    yield visit
    pwned = visit.evaluate("window.__pwned")
    visit.close()
    assert hosts <= {urlsplit(address).netloc, ""}
    assert not problems
    assert pwned is None


def ask(page: Page, question: str, turn: int = 1) -> None:
    page.fill(BOX, question)
    page.press(BOX, "Enter")
    page.wait_for_selector(f".fn-turn[data-turn='{turn}'][data-done='1']")


def last(page: Page, selector: str) -> str:
    return page.locator(f"#fn-live {selector}").first.inner_text()


def test_the_page_opens_with_the_library_and_examples(page: Page, index: Index) -> None:
    assert page.title() == "Footnote"
    assert page.locator(".fn-library .fn-src").count() == index.library.counts().sources
    assert "Everything stays on this machine" in page.inner_text("#fn-foot")
    assert page.evaluate("document.documentElement.scrollWidth") == 1280
    assert page.evaluate("document.documentElement.scrollHeight") == 800
    page.click(f"#fn-examples button:has-text('{EXAMPLE}')")
    page.wait_for_selector(".fn-time")
    assert last(page, "h2") == EXAMPLE
    assert not page.is_visible("#fn-examples")


def test_a_chip_shows_its_quote_and_opens_the_document_at_it(page: Page) -> None:
    ask(page, PRINCIPLES)
    assert "inclusiveness" in last(page, ".fn-said")
    verdict = page.locator("#fn-live .fn-verdict").first
    assert verdict.get_attribute("aria-label") == "Supported by its source"
    chip = page.locator("#fn-live .fn-chip").first
    chip.hover()
    tip = chip.locator(".fn-tip")
    assert tip.is_visible()
    quote = tip.locator("q").inner_text()
    chip.click()
    mark = page.locator("#fn-viewer mark.fn-here")
    mark.wait_for()
    assert mark.text_content() == quote
    assert mark.evaluate("m => getComputedStyle(m).backgroundColor") == "rgb(255, 226, 138)"
    in_view(page, mark)
    assert "Ethics, safety" in page.inner_text("#fn-viewer .fn-doc h2")
    assert "ethics-and-safety.md" in last(page, ".fn-card")


def in_view(page: Page, mark: Locator) -> None:
    """The marked words are inside the pane of the document, not scrolled away."""
    box, pane = mark.bounding_box(), page.locator(".fn-shown").bounding_box()
    assert box is not None and pane is not None
    assert pane["y"] <= box["y"] and box["y"] + box["height"] <= pane["y"] + pane["height"]


def test_a_pdf_opens_as_its_page_with_boxes_over_the_words(page: Page) -> None:
    ask(page, "How did the European Commission, the CMA and courts examine the partnership?")
    chip = page.locator("#fn-live .fn-chip").first
    chip.click()
    page.wait_for_selector("#fn-viewer .fn-page img")
    in_view(page, page.locator("#fn-viewer .fn-box.fn-here").first)
    assert page.locator("#fn-viewer img").first.evaluate("i => i.naturalWidth") >= 800
    shown = page.locator(".fn-page").count()
    page.click(".fn-further >> nth=0")
    page.wait_for_function(f"document.querySelectorAll('.fn-page').length === {shown + 1}")


def test_citations_are_read_with_the_keyboard_alone(page: Page) -> None:
    ask(page, "How much did OpenAI spend on Azure computing in 2024?")
    chips = page.locator("#fn-live .fn-text .fn-chip")
    number = chips.count()
    assert number >= 2
    chips.first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#fn-viewer .fn-here")
    assert page.inner_text(".fn-count") == f"1 of {number}"
    page.keyboard.press("j")
    page.wait_for_function(f"document.querySelector('.fn-count').textContent === '2 of {number}'")
    assert chips.nth(1).evaluate("c => c === document.activeElement")
    page.keyboard.press("k")
    page.wait_for_function(f"document.querySelector('.fn-count').textContent === '1 of {number}'")
    assert page.locator(".fn-said.fn-at").count() == 1
    page.keyboard.press("Escape")
    assert not page.is_visible("#fn-viewer")
    assert chips.first.evaluate("c => c === document.activeElement")
    page.keyboard.press("/")
    page.keyboard.type("hello")
    assert page.input_value(BOX) == "hello"


def test_a_follow_up_is_completed_and_the_first_answer_stays(page: Page) -> None:
    ask(page, "What is Stargate?")
    assert "$500 billion" in last(page, ".fn-text")
    ask(page, "Where is its first campus?", turn=2)
    assert "Stargate" in last(page, ".fn-searched")
    assert "Abilene" in last(page, ".fn-text")
    assert page.locator("#fn-past .fn-turn").count() == 1


def test_what_the_library_lacks_is_declined(page: Page) -> None:
    ask(page, "How long do I boil an egg so the yolk stays soft?")
    assert last(page, "h3") == "No sure answer in the library"
    assert page.locator("#fn-live .fn-near").count() == 3
    assert page.locator("#fn-live .fn-chip").count() == 0
    page.click("#fn-live .fn-near >> nth=0")
    page.wait_for_selector("#fn-viewer mark.fn-here")


def test_a_hostile_document_is_shown_and_runs_nothing(page: Page) -> None:
    ask(page, "What was the zorbium yield in 2024?")
    assert '41 tonnes <img src=x onerror="window.__pwned=1"> in 2024.' in last(page, ".fn-text")
    assert HOSTILE_NAME in last(page, ".fn-card")
    assert "<script>" in last(page, ".fn-card .fn-title")
    page.click("#fn-live .fn-chip >> nth=0")
    page.wait_for_selector("#fn-viewer mark.fn-here")
    assert "<script>window.__pwned=1</script>" in page.inner_text(".fn-paper")
    ask(page, "What do its workers call the zorbium plant?", turn=2)
    ask(page, "<img src=x onerror=window.__pwned=1> zorbium {{this}} ${1+1}?", turn=3)
    assert last(page, "h2") == "<img src=x onerror=window.__pwned=1> zorbium {{this}} ${1+1}?"
    assert page.locator("#fn-page img, #fn-page .fn-turn svg, #fn-page script").count() == 0
    page.wait_for_timeout(300)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(
    page: Page, scheme: Literal["light", "dark"]
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme=scheme)
    ask(page, "How much additional Azure capacity did OpenAI promise to buy in October 2025?")
    chips = page.locator("#fn-live .fn-pill button")
    for position in range(chips.count()):
        chips.nth(position).hover()
        box = chips.nth(position).locator(".fn-tip").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.locator("#fn-live .fn-card").first.click()
    page.wait_for_selector("#fn-viewer .fn-here")
    pane = page.locator("#fn-viewer").bounding_box()
    assert pane is not None and (pane["x"], pane["width"]) == (0, 390)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.click("#fn-viewer [data-close]")
    page.click(".fn-top [data-rail]")
    page.wait_for_selector(".fn-library .fn-src")
    page.wait_for_function("document.querySelector('#fn-side').getBoundingClientRect().x === 0")


def test_an_empty_question_asks_nothing_and_a_bad_one_says_why(page: Page) -> None:
    page.press(BOX, "Enter")
    page.fill(BOX, "   ")
    page.press(BOX, "Enter")
    page.wait_for_timeout(500)
    assert page.locator(".fn-turn").count() == 0
    ask(page, "a" * 10_001)
    assert "10,0" in last(page, ".fn-failed")


def endless(over: threading.Event) -> Any:  # noqa: ANN401
    """An answer that goes on as fast as it can until it is over."""

    def stream(question: str, *_: object) -> Iterator[str]:
        while not over.wait(0.002):
            yield "word "

    return stream


@pytest.fixture
def over() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_stop_keeps_what_was_said_and_nothing_comes_after(
    page: Page, index: Index, monkeypatch: pytest.MonkeyPatch, over: threading.Event
) -> None:
    monkeypatch.setattr(index, "stream", endless(over))
    for turn in (1, 2, 3):
        page.fill(BOX, "Anything")
        page.press(BOX, "Enter")
        page.wait_for_selector(f"#fn-live .fn-turn[data-turn='{turn}'] .fn-text")
        page.fill(BOX, "typed meanwhile")
        page.click("#fn-box button:has-text('Stop')")
        page.wait_for_selector("#fn-live .fn-note")
        stopped = last(page, ".fn-text")
        page.wait_for_timeout(500)
        assert last(page, ".fn-text") == stopped
        assert last(page, ".fn-text").startswith("word")
        assert last(page, ".fn-note") == "Stopped."
        assert page.input_value(BOX) == "typed meanwhile"
    monkeypatch.undo()
    ask(page, PRINCIPLES, turn=4)


def test_stop_does_not_wait_for_a_silent_model(
    page: Page, index: Index, monkeypatch: pytest.MonkeyPatch, over: threading.Event
) -> None:
    def silent(question: str, *_: object) -> Iterator[str]:
        over.wait(60)
        yield "too late"

    monkeypatch.setattr(index, "stream", silent)
    page.fill(BOX, "Anything")
    page.press(BOX, "Enter")
    page.click("#fn-box button:has-text('Stop')")
    page.wait_for_selector("#fn-live .fn-note", timeout=5_000)
    over.set()
    page.wait_for_timeout(300)
    assert "too late" not in page.inner_text("body")


def test_a_new_conversation_drops_an_answer_on_its_way(
    page: Page, index: Index, monkeypatch: pytest.MonkeyPatch, over: threading.Event
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(index, "stream", endless(over))
        page.fill(BOX, "Anything")
        page.press(BOX, "Enter")
        page.wait_for_selector("#fn-live .fn-text")
        page.click("[data-new]")
        page.wait_for_selector(".fn-turn", state="detached")
    page.wait_for_timeout(500)
    assert page.locator(".fn-turn").count() == 0
    assert page.is_visible("#fn-examples")
    assert page.is_visible("#fn-box button:has-text('Ask')")
    ask(page, PRINCIPLES)
    assert page.locator(".fn-turn").count() == 1


def test_failures_are_one_sentence_here_and_logged_there(
    page: Page, index: Index, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(error: Exception) -> None:
        def stream(question: str, *_: object) -> Iterator[str]:
            raise error

        monkeypatch.setattr(index, "stream", stream)

    fail(BadIndex("the index at '<x>' is damaged: ingest again"))
    ask(page, "Anything")
    assert last(page, ".fn-failed") == "the index at '<x>' is damaged: ingest again"
    fail(RuntimeError("secret detail"))
    with caplog.at_level(logging.ERROR, logger="ui.web.chat"):
        ask(page, "Anything else", turn=2)
    assert "secret detail" not in page.inner_text("body")
    assert "terminal" in last(page, ".fn-failed")
    assert "secret detail" in caplog.text
    assert page.is_visible("#fn-box button:has-text('Ask')")


def test_a_conversation_belongs_to_its_visit(page: Page, browser: Browser, address: str) -> None:
    ask(page, "When did Elon Musk leave the OpenAI board?")
    other = browser.new_page()
    other.goto(address)
    other.wait_for_selector(BOX)
    assert other.locator(".fn-turn").count() == 0
    other.close()


def test_a_conversation_is_there_after_a_restart_and_its_citations_open(
    browser: Browser, index: Index
) -> None:
    from ui.web.app import start

    for visit in range(2):
        app, url = start(index, "127.0.0.1", free_port())
        try:
            page = browser.new_page()
            page.goto(url)
            page.wait_for_selector(BOX)
            if visit == 0:
                ask(page, "Which fruit is grown in Abilene, and what is Stargate?")
            else:
                page.fill("[name=find]", "fruit is grown")
                page.click(".fn-open:has-text('Which fruit is grown')")
                page.wait_for_selector(".fn-turn[data-done='1']")
            page.click("#fn-live .fn-chip >> nth=0")
            page.wait_for_selector("#fn-viewer .fn-here")
            page.reload()
            page.wait_for_selector(".fn-turn[data-done='1']")
            assert last(page, "h2").startswith("Which fruit is grown")
            page.close()
        finally:
            app.close(verbose=False)


def test_a_conversation_is_renamed_saved_and_deleted(page: Page) -> None:
    ask(page, PRINCIPLES)
    entry = page.locator(".fn-conversations li").first
    entry.locator(".fn-open[aria-current]").wait_for()
    entry.locator("summary").click()
    with page.expect_download() as saved:
        entry.locator("[data-do=md]").click()
    text = Path(saved.value.path()).read_text(encoding="utf-8")
    assert saved.value.suggested_filename.endswith(".md")
    assert "[^1-1]: Ethics" in text
    entry.locator("summary").click()
    entry.locator("[data-do=rename]").click()
    entry.locator("input").fill("Six principles")
    entry.locator("input").press("Enter")
    page.wait_for_selector(".fn-open:has-text('Six principles')")
    entry.locator("summary").click()
    entry.locator("[data-do=delete]").click()
    page.click("#fn-dialog [value=yes]")
    page.wait_for_selector(".fn-turn", state="detached")
    page.wait_for_selector(".fn-open:has-text('Six principles')", state="detached")


def test_an_open_menu_stays_open_when_its_list_is_filled_anew(page: Page) -> None:
    ask(page, PRINCIPLES)
    entry = page.locator(".fn-conversations li").first
    entry.locator(".fn-open[aria-current]").wait_for()
    entry.locator("summary").click()
    entry.evaluate("row => row.dataset.old = 1")
    page.dispatch_event("[name=find]", "input")
    page.wait_for_selector(".fn-conversations li[data-old]", state="detached")
    assert entry.locator("[data-do=rename]").is_visible()


def test_a_file_is_added_asked_and_removed_on_the_page(page: Page, tmp_path: Path) -> None:
    name = "<img src=x onerror=window.__pwned=1>.md"
    (tmp_path / name).write_text(
        "# The <svg onload=window.__pwned=1> vurple\n\nThe vurple weighs 17 grams.\n",
        encoding="utf-8",
    )
    page.set_input_files("#fn-files", tmp_path / name)
    page.wait_for_selector(".fn-job-done", timeout=60_000)
    ask(page, "How much does the vurple weigh?")
    assert "17 grams" in last(page, ".fn-said")
    page.fill("[name=filter]", "vurple")
    page.wait_for_function("document.querySelectorAll('.fn-library .fn-src').length === 1")
    page.hover(".fn-library li")
    page.click(".fn-drop-src")
    page.click("#fn-dialog [value=no]")
    assert page.locator(".fn-library .fn-src").count() == 1
    page.click(".fn-drop-src")
    page.click("#fn-dialog [value=yes]")
    page.wait_for_selector(".fn-library .fn-src", state="detached", timeout=60_000)
    page.click("#fn-live .fn-chip >> nth=0")
    page.wait_for_selector("#fn-viewer .fn-changed")
    assert "The vurple weighs 17 grams." in page.inner_text(".fn-paper")
    page.click("#fn-viewer [data-close]")
    page.click("[data-dismiss]")
    page.wait_for_selector(".fn-job", state="detached")


def test_files_are_dropped_on_the_page(page: Page) -> None:
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["The zarple hums in winter."], "zarple.txt"));
          for (const kind of ["dragover", "drop"])
            document.body.dispatchEvent(
              new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
        }"""
    )
    page.wait_for_selector(".fn-job-done:has-text('zarple.txt')", timeout=60_000)
    ask(page, "When does the zarple hum?")
    assert "winter" in last(page, ".fn-said")


def test_a_bad_answer_is_complained_of_and_kept_as_a_case(page: Page, index: Index) -> None:
    ask(page, PRINCIPLES)
    page.click("#fn-live [data-act=good]")
    page.wait_for_selector("#fn-live [data-act=good][aria-pressed=true]")
    page.click("#fn-live [data-act=bad]")
    form = page.locator(".fn-complaint")
    form.locator("[name=reason]").fill("one is missing")
    form.locator("[name=case]").check()
    form.locator("[name=quote]").fill("words that stand nowhere")
    form.locator(".fn-send").click()
    page.wait_for_selector("#fn-say.fn-on:has-text('copy them from the document')")
    form.locator("[name=quote]").fill("What good governance would look like")
    form.locator(".fn-send").click()
    form.wait_for(state="detached")
    assert page.get_attribute("#fn-live [data-act=bad]", "aria-pressed") == "true"
    (case,) = load_cases(index.folder / "cases.jsonl")
    assert (case.question, case.note) == (PRINCIPLES, "one is missing")


def test_a_change_is_shown_though_the_list_was_on_its_way(browser: Browser, address: str) -> None:
    """The list that was asked for before the change comes after it, and knows nothing of it."""
    page = browser.new_page()
    early: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        if not early and '"jobs"' in (route.request.post_data or ""):
            early.append((route, route.fetch()))
        else:
            route.continue_()

    page.route("**/component_server/", hold)
    page.goto(address)
    page.wait_for_selector(".fn-library li")
    with page.expect_response(lambda r: '"add"' in (r.request.post_data or "")):
        page.set_input_files(
            "#fn-files", {"name": "early.txt", "mimeType": "text/plain", "buffer": b"Quinces."}
        )
    ((route, response),) = early
    route.fulfill(response=response)
    page.wait_for_selector(".fn-job-done:has-text('early.txt')")
    page.close()


def test_a_conversation_that_was_left_is_not_brought_back(page: Page) -> None:
    """An update of it can still be on its way when another one has begun."""
    ask(page, PRINCIPLES)
    late = page.locator("#fn-live [data-conversation]").evaluate("e => e.outerHTML")
    page.click("[data-new]")
    page.wait_for_selector(".fn-turn", state="detached")
    page.locator("#fn-live [data-conversation]").evaluate("(e, it) => { e.outerHTML = it; }", late)
    page.wait_for_selector(".fn-turn", state="detached")
    assert page.is_visible("#fn-examples")
    page.click(".fn-open >> nth=0")
    page.wait_for_selector("#fn-live .fn-turn")


def test_a_question_is_edited_and_asked_again(page: Page) -> None:
    ask(page, PRINCIPLES)
    page.click("#fn-live [data-act=edit]")
    page.fill(".fn-editing", "What is Stargate?")
    page.press(".fn-editing", "Enter")
    page.wait_for_function(
        "document.querySelector('#fn-live h2')?.textContent === 'What is Stargate?'"
    )
    page.wait_for_selector(".fn-turn[data-done='1']")
    assert page.locator(".fn-turn").count() == 1
    page.click("#fn-live .fn-next .fn-ask >> nth=0")
    page.wait_for_selector(".fn-turn[data-turn='2'][data-done='1']")


def test_another_site_cannot_ask_in_the_readers_name(address: str) -> None:
    def send(origin: str) -> int:
        request = urllib.request.Request(
            f"{address}gradio_api/component_server",
            data=b"{}",
            headers={"Origin": origin, "Content-Type": "application/json"},
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        refused.value.close()
        return refused.value.code

    assert send("http://evil.example") == 403
    assert send(address.rstrip("/")) != 403


def test_the_server_guards_its_pages(address: str) -> None:
    with urllib.request.urlopen(address) as response:
        policy = response.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    foreign = urllib.request.Request(address, headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="400") as refused:
        urllib.request.urlopen(foreign)
    refused.value.close()


def test_what_the_server_does_while_it_runs_is_begun_and_ended() -> None:
    """Gradio deletes left uploads so; an error here the server takes for an app without."""
    met = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        met.append("begun")
        yield
        met.append("ended")

    told = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> Message:
        return {"type": next(told)}

    async def send(message: Message) -> None:
        met.append(message["type"])

    guarded = Policy(Starlette(lifespan=lifespan), "127.0.0.1", 1)
    with ThreadPoolExecutor(1) as own:  # in this thread, the browser's loop may be running
        own.submit(asyncio.run, guarded({"type": "lifespan", "state": {}}, receive, send)).result()
    assert met == ["begun", "lifespan.startup.complete", "ended", "lifespan.shutdown.complete"]


def test_a_taken_port_is_named_with_the_way_out(index: Index) -> None:
    from ui.web.app import launch

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            BadInput, match=rf"port {port}.*footnote serve --port N.*make run PORT=N"
        ):
            launch(index, "127.0.0.1", port)
    with pytest.raises(BadInput, match="port 99999"):
        launch(index, "127.0.0.1", 99999)


def test_launch_says_where_it_is_and_minds_no_proxy(
    index: Index, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ui.web import app

    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "example.org")
    served: list[Any] = []
    monkeypatch.setattr(app.gr.Blocks, "block_thread", lambda self: served.append(self))
    port = free_port()
    app.launch(index, "127.0.0.1", port)
    assert f"http://127.0.0.1:{port}/" in capsys.readouterr().out
    served[0].close(verbose=False)
