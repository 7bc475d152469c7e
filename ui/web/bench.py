"""How long a reader waits for the page and for an answer, alone and among twenty.

    python -m ui.web.bench [--visitors 20] [--questions 5] [--rounds 5] [--json OUT]

The sample library is served by a process of its own, to which no question was put before. A real
browser opens the page and asks. Of another such process, visitors that speak the page's own
protocol ask their own questions, all at once; then the same again, one visitor at a time, and every
answer must be the same both times.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import httpx

from eval.bench import script
from eval.cases import load_cases
from eval.metrics import percentile
from eval.output import write_json
from ingest.sync import sync
from rag.errors import BadInput
from rag.index import create_index

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]
CASES = ROOT / "eval" / "cases" / "sample.jsonl"
# In the page: when Enter was pressed in the question box, and when its answer was on the screen.
_STOPWATCH = """() => {
  addEventListener("keydown", (e) => { if (e.key === "Enter") window.fnAsked = performance.now(); }, true);
  new MutationObserver(() => {
    const turn = document.querySelector("#fn-live .fn-turn");
    if (!turn?.querySelector(".fn-chip") || window.fnTurn === turn.dataset.turn) return;
    window.fnTurn = turn.dataset.turn;
    requestAnimationFrame(() => requestAnimationFrame(
      () => (window.fnShown = [turn.dataset.turn, performance.now() - window.fnAsked])));
  }).observe(document.getElementById("fn-live"), { subtree: true, childList: true });
}"""  # noqa: E501


@dataclass
class Visitor:
    """A visit that speaks as the page does; ``said`` are its answers' turns as HTML."""

    address: str
    said: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Load what the page loads."""
        self._client = httpx.Client(base_url=self.address, timeout=120)
        self._session = secrets.token_hex(6)
        config = self._client.get("/config").json()
        self._page = next(c["id"] for c in config["components"] if c["props"].get("server_fns"))
        target = [self._page, "ask"]
        self._event = next(d for d in config["dependencies"] if target in d["targets"])
        self._values = {c["id"]: c["props"].get("value") for c in config["components"]}

    def ask(self, question: str) -> str:
        """The turn that the page would show."""
        start = time.perf_counter()
        body = {
            "data": [self._values[i] for i in self._event["inputs"]],
            "fn_index": self._event["id"],
            "session_hash": self._session,
            "event_data": {"question": question},
            "trigger_id": self._page,
        }
        self._client.post("/gradio_api/queue/join", json=body).raise_for_status()
        turn = self._turn()
        self.seconds.append(time.perf_counter() - start)
        self.said.append(turn)
        return turn

    def close(self) -> None:
        """Leave."""
        self._client.close()

    def _turn(self) -> str:
        address = f"/gradio_api/queue/data?session_hash={self._session}"
        with self._client.stream("GET", address) as lines:
            for line in lines.iter_lines():
                message = json.loads(line.removeprefix("data: ")) if line else {}
                if message.get("msg") == "process_completed":
                    if not message["success"]:
                        raise BadInput(f"the server did not answer: {message['output']}")
                    return str(message["output"]["data"][2])
        raise BadInput("the server ended without an answer: look at its terminal")


def main() -> None:
    """Serve the sample library, measure, and print what it took."""
    from playwright.sync_api import sync_playwright

    parser = script.parser(__doc__)
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--questions", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    cases = [c.question for c in load_cases(CASES) if c.answerable and not c.history]
    asked = [cases[(n * 7) % len(cases)] for n in range(options.visitors * options.questions)]
    chats = [asked[n :: options.visitors] for n in range(options.visitors)]
    load = os.getloadavg()[0]
    with served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        opened = [page_figures(browser, address, chats[n]) for n in range(options.rounds)]
        browser.close()
    with served() as address:
        # First all at once, so that nobody finds what somebody else's question has warmed.
        together = chat(address, chats)
        alone = [chat(address, [own])[0] for own in chats]
    differing = sum(
        _answer(one) != _answer(other)
        for first, second in zip(alone, together, strict=True)
        for one, other in zip(first.said, second.said, strict=True)
    )
    result = {
        "first_paint_ms": statistics.median(row["paint"] for row in opened),
        "interactive_ms": statistics.median(row["interactive"] for row in opened),
        "answer_on_screen_ms": _spread([ms for row in opened for ms in row["answers"]]),
        "visitors": options.visitors,
        "questions": options.visitors * options.questions,
        "alone_ms": _spread([1000 * s for visitor in alone for s in visitor.seconds]),
        "together_ms": _spread([1000 * s for visitor in together for s in visitor.seconds]),
        "answers_that_differ": differing,
        "load_before": load,
        **script.stamp(),
    }
    write_json(options.json, result)
    click.echo(json.dumps(result, indent=1))


@contextmanager
def served(index: Path | None = None, port: int = 0) -> Iterator[str]:
    """The address of a server in a process of its own, over an index or the sample library."""
    port = port or free_port()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = index or Path(temporary) / "index"
        if index is None:
            with create_index(folder) as made:
                sync(made, [ROOT / "eval" / "library"])
        command = [sys.executable, "-m", "ui.cli", "serve"]
        process = subprocess.Popen(
            [*command, "--index", str(folder), "--port", str(port)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        address = f"http://127.0.0.1:{port}/"
        try:
            _wait(address, process)
            yield address
        finally:
            process.terminate()
            process.wait()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def page_figures(browser: Browser, address: str, questions: Sequence[str]) -> dict[str, Any]:
    """What a first visit, with an empty cache, waits for, in milliseconds.

    Until the first paint; until question box and library are there; for each question, from Enter
    to a quoted answer on the screen.
    """
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(address)
    page.wait_for_selector(".fn-library li")
    interactive = page.evaluate("performance.now()")
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
    page.evaluate(_STOPWATCH)
    answers = []
    for turn, question in enumerate(questions, 1):
        page.fill("#fn-box textarea", question)
        page.press("#fn-box textarea", "Enter")
        page.wait_for_selector(f".fn-turn[data-turn='{turn}'][data-done='1']")
        if page.locator("#fn-live .fn-chip").count():
            page.wait_for_function(f"window.fnShown?.[0] === '{turn}'")
            answers.append(page.evaluate("window.fnShown[1]"))
    page.close()
    return {"paint": paint, "interactive": interactive, "answers": answers}


def chat(address: str, chats: Sequence[Sequence[str]]) -> list[Visitor]:
    """Each of the visitors asks their questions one after the other, all visitors at once."""
    visitors = [Visitor(address) for _ in chats]
    threads = [
        threading.Thread(target=lambda v=visitor, own=own: [v.ask(question) for question in own])
        for visitor, own in zip(visitors, chats, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for visitor in visitors:
        visitor.close()
    return visitors


def _answer(turn: str) -> str:
    """A turn without what differs from one time to the next: its conversation and how long."""
    return turn.partition(">")[2].partition('<p class="fn-time">')[0]


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            httpx.get(address, timeout=10)
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise BadInput("the server did not start: its message is above")


def _spread(values: Sequence[float]) -> dict[str, float | None]:
    return {"p50": percentile(values, 50), "p95": percentile(values, 95)}


if __name__ == "__main__":
    main()
