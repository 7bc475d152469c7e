"""The pictures of the chat in ``docs/images``: ``python -m ui.web.screenshots``."""

from __future__ import annotations

import shutil
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.sync import sync
from rag.index import create_index
from ui.web.app import start

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parent.parent.parent
IMAGES = ROOT / "docs" / "images"
ANSWERED = ("What is Stargate?", "Where is its first campus?")
CONTRADICTED = ("How much did OpenAI spend on Azure computing in 2024?",)
DECLINED = ("How long do I boil an egg so the yolk stays soft?",)
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


def main() -> None:
    """Index the sample library, ask it, and photograph the answers."""
    from playwright.sync_api import sync_playwright

    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, create_index(folder) as index:
        sync(index, [ROOT / "eval" / "library"])
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        app, address = start(index, "127.0.0.1", port)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            _shoot(browser, address, "start", (), viewport=DESKTOP)
            _shoot(browser, address, "chat", CONTRADICTED, viewport=DESKTOP, opened=0)
            _shoot(
                browser,
                address,
                "chat-dark",
                ANSWERED,
                viewport=DESKTOP,
                opened=0,
                color_scheme="dark",
            )
            _shoot(
                browser, address, "chat-phone", CONTRADICTED, viewport=PHONE, device_scale_factor=2
            )
            _shoot(browser, address, "chat-declined", DECLINED, viewport=DESKTOP)
            _shoot_evaluation(browser, address, viewport=DESKTOP)
            browser.close()
        app.close(verbose=False)


def _shoot(
    browser: Browser,
    address: str,
    name: str,
    questions: tuple[str, ...],
    opened: int | None = None,
    **options: Any,  # noqa: ANN401 - Playwright's own
) -> None:
    page = browser.new_page(reduced_motion="reduce", **options)
    page.goto(address)
    for turn, question in enumerate(questions, 1):
        page.fill("#fn-box textarea", question)
        page.press("#fn-box textarea", "Enter")
        page.wait_for_selector(f".fn-turn[data-turn='{turn}'][data-done='1']")
    page.wait_for_timeout(500)
    if opened is not None:
        page.locator("#fn-live .fn-chip").nth(opened).click()
        page.wait_for_selector("#fn-viewer .fn-here")
        page.mouse.move(0, 0)
        page.wait_for_timeout(300)
    page.screenshot(path=IMAGES / f"{name}.png")
    page.close()


def _shoot_evaluation(
    browser: Browser,
    address: str,
    **options: Any,  # noqa: ANN401 - Playwright's own
) -> None:
    """Ask the sample cases and photograph their report."""
    page = browser.new_page(reduced_motion="reduce", **options)
    page.goto(address)
    page.click("[data-view=evaluation]")
    page.wait_for_selector("#fn-eval option", state="attached")
    page.click(".fn-run")
    page.wait_for_selector(".fn-eval-job[data-state=done]", timeout=300_000)
    page.click("[data-open-run]")
    page.frame_locator("#fn-eval iframe").locator("h1").wait_for()
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / "evaluation.png")
    page.close()


if __name__ == "__main__":
    main()
