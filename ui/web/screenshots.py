"""The pictures of the chat in ``docs/images``: ``python -m ui.web.screenshots``."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.sync import sync
from rag.index import Index, create_index, open_index
from rag.settings import Settings
from ui.users import Users, put_user
from ui.web.app import start
from ui.web.bench import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Act = Callable[["Page"], object]

ROOT = Path(__file__).parent.parent.parent
IMAGES = ROOT / "docs" / "images"
ANSWERED = ("What is Stargate?", "Where is its first campus?")
CONTRADICTED = ("How much did OpenAI spend on Azure computing in 2024?",)
EXAMINED = ("How did the European Commission, the CMA and courts examine the partnership?",)
TABLE = ("When was GitHub Copilot first announced, and with which first model?",)
MOVED = ("When did GitHub Copilot become available?",)
DECLINED = ("How long do I boil an egg so the yolk stays soft?",)
WHEN = ("When was Sam Altman dismissed, and when did he return?",)
WRITTEN = """**Two events** frame the crisis of 2023:

- OpenAI announced the return of Sam Altman on **22 November 2023** [1]. The board had dismissed him on 17 November 2023 [1].
- Microsoft announced its first investment in OpenAI, worth $7 billion, in July 2019 [1].
"""  # noqa: E501
PASSWORD = "only for the picture"
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
DARK = {"color_scheme": "dark"}
CHIP = "#fn-live .fn-chip >> nth=0"


def main() -> None:
    """Index the sample library, ask it, and photograph what a reader sees."""
    from playwright.sync_api import sync_playwright

    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        folder = Path(temporary)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        with create_index(folder / "index") as index:
            sync(index, [ROOT / "eval" / "library"])
            app, address = start(index, "127.0.0.1", free_port())
            _pictures(browser, address, folder)
            app.close(verbose=False)
            app, address = start(index, "127.0.0.1", free_port())
            _shoot(browser, address, "reopened", (), _reopen)
            app.close(verbose=False)
            _with_a_model(browser, index)
            _signing_in(browser, index, folder)
        browser.close()


def _pictures(browser: Browser, address: str, folder: Path) -> None:
    def shoot(name: str, asked: tuple[str, ...] = (), act: Act = _nothing, **options: Any) -> None:  # noqa: ANN401
        _shoot(browser, address, name, asked, act, **options)

    shoot("start")
    shoot("chat", CONTRADICTED, _open)
    shoot("chat-dark", ANSWERED, _open, **DARK)
    shoot("chat-phone", CONTRADICTED, viewport=PHONE, device_scale_factor=2)
    shoot("phone-viewer", EXAMINED, _open, viewport=PHONE, device_scale_factor=2)
    shoot("phone-library", act=_open_library, viewport=PHONE, device_scale_factor=2)
    shoot("chat-declined", DECLINED)
    shoot("viewer-pdf", EXAMINED, _open)
    shoot("viewer-html", MOVED, _open)
    shoot("viewer-table", TABLE, _open)
    shoot("viewer-dark", EXAMINED, _open, **DARK)
    shoot("hover", ANSWERED[:1], lambda page: page.hover(CHIP))
    shoot("keyboard", ANSWERED[:1], lambda page: page.focus(CHIP))
    shoot("feedback", ANSWERED[:1], _complain)
    shoot("settings", act=lambda page: page.click("#fn-settings button"))
    shoot("upload", act=lambda page: _upload(page, folder))
    shoot("delete", act=_ask_to_remove)
    shoot("evaluation", act=_evaluate)


def _with_a_model(browser: Browser, index: Index) -> None:
    """An answer as a model might write it: one that always says the same, slowly, stands in."""
    from langchain_core.language_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.outputs import ChatGenerationChunk

    class Slow(GenericFakeChatModel):
        def _stream(self, *given: Any, **more: Any) -> Iterator[ChatGenerationChunk]:  # noqa: ANN401
            for chunk in super()._stream(*given, **more):
                time.sleep(0.1)
                yield chunk

    model = Slow(messages=cycle([AIMessage(WRITTEN)]))
    with open_index(index.folder, Settings("llm", model)) as written:
        app, address = start(written, "127.0.0.1", free_port())
        _shoot(browser, address, "streaming", (), _stream)
        _shoot(browser, address, "stopped", (), _stop)
        _shoot(browser, address, "written", WHEN, _open_withheld)
        app.close(verbose=False)


def _signing_in(browser: Browser, index: Index, folder: Path) -> None:
    put_user(folder / "users", "ada", PASSWORD)
    app, address = start(index, "127.0.0.1", free_port(), users=Users(folder / "users"))
    page = _page(browser, address)
    page.get_by_label("username").fill("ada")
    page.screenshot(path=IMAGES / "users-sign-in.png")
    page.get_by_label("password").fill(PASSWORD)
    page.get_by_role("button", name="Login").click()
    _ask(page, ANSWERED)
    page.wait_for_selector(".fn-reader >> visible=true")
    page.screenshot(path=IMAGES / "users.png")
    page.close()
    app.close(verbose=False)


def _shoot(
    browser: Browser,
    address: str,
    name: str,
    asked: tuple[str, ...],
    act: Act,
    **options: Any,  # noqa: ANN401 - Playwright's own
) -> None:
    page = _page(browser, address, **options)
    page.wait_for_selector(".fn-library li", state="attached")
    _ask(page, asked)
    act(page)
    page.wait_for_timeout(400)
    page.screenshot(path=IMAGES / f"{name}.png")
    page.close()


def _page(browser: Browser, address: str, **options: Any) -> Page:  # noqa: ANN401
    page = browser.new_page(**{"reduced_motion": "reduce", "viewport": DESKTOP} | options)
    page.set_default_timeout(120_000)
    page.goto(address)
    return page


def _ask(page: Page, questions: tuple[str, ...]) -> None:
    for turn, question in enumerate(questions, 1):
        page.fill("#fn-box textarea", question)
        page.press("#fn-box textarea", "Enter")
        page.wait_for_selector(f".fn-turn[data-turn='{turn}'][data-done='1']")


def _nothing(page: Page) -> None:
    page.wait_for_timeout(200)


def _open(page: Page) -> None:
    page.click(CHIP)
    page.wait_for_selector("#fn-viewer .fn-here")
    page.mouse.move(0, 0)


def _open_library(page: Page) -> None:
    page.click(".fn-top [data-rail]")


def _reopen(page: Page) -> None:
    """A conversation from before the server was started again, and a citation of it."""
    page.click(f".fn-open:has-text('{CONTRADICTED[0][:12]}') >> nth=0")
    page.hover(CHIP)


def _stream(page: Page) -> None:
    page.fill("#fn-box textarea", WHEN[0])
    page.press("#fn-box textarea", "Enter")
    page.wait_for_selector("#fn-live .fn-growing:has-text('2023')")


def _stop(page: Page) -> None:
    _stream(page)
    page.click("#fn-box button:has-text('Stop')")
    page.wait_for_selector("#fn-live .fn-note")


def _open_withheld(page: Page) -> None:
    page.click("#fn-live .fn-withheld summary")
    page.mouse.move(0, 0)


def _complain(page: Page) -> None:
    page.click("#fn-live [data-act=bad]")
    page.check(".fn-complaint [name=case]")
    page.fill(".fn-complaint [name=reason]", "Who pays for it is missing.")


def _upload(page: Page, folder: Path) -> None:
    (folder / "Lease of the quay.md").write_text(
        "# Lease of the quay\n\nThe lease ends on 30 June 2031.\n", encoding="utf-8"
    )
    (folder / "broken.pdf").write_bytes(b"this is no PDF")
    page.set_input_files("#fn-files", [folder / "Lease of the quay.md", folder / "broken.pdf"])
    page.wait_for_selector(".fn-job-done")
    page.wait_for_selector(".fn-job-failed")


def _evaluate(page: Page) -> None:
    """Ask the sample cases and open their report."""
    page.click("[data-view=evaluation]")
    page.wait_for_selector("#fn-eval option", state="attached")
    page.click(".fn-run")
    page.wait_for_selector(".fn-eval-job[data-state=done]", timeout=300_000)
    page.click("[data-open-run]")
    page.frame_locator("#fn-eval iframe").locator("h1").wait_for()


def _ask_to_remove(page: Page) -> None:
    page.hover(".fn-library li")
    page.click(".fn-drop-src >> nth=0")


if __name__ == "__main__":
    main()
