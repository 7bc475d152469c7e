"""The evaluation on the page: run, watched, stopped, gone on with, opened, compared."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from eval.cases import load_cases
from eval.causes import CAUSES
from eval.folder import SCORES, read_folder, write_scores
from eval.run import run_cases
from ingest.sync import sync
from rag.index import Index, create_index, open_index
from tests import test_ui_web as web
from tests.test_ui_web import BOX
from ui.web.bench import free_port
from ui.web.evaluation import RUNS
from ui.web.feedback import FILE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FrameLocator, Page

pytestmark = web.pytestmark
browser, page = web.browser, web.page

ATTACK = '<img src=x onerror="window.__pwned=1"><script>window.__pwned=1</script>'
TOWER = "The Quillon Tower is 330 metres high."
DOCUMENTS = {
    "tower.txt": f"{TOWER}\n\nIt was opened in 1921 by Mara Devlin.\n",
    "zorbium.txt": f"Zorbium {ATTACK} report\n\nIts yield was 41 tonnes {ATTACK} in 2024.\n",
    "plums.csv": "Plum,County,Year\nVictoria,Sussex,1840\nPershore,Worcestershire,1827\n",
}


def row(identifier: str, question: str, answer: str = "", source: str = "") -> dict[str, Any]:
    quote = TOWER if answer == "330 metres" else answer
    return {
        "id": identifier,
        "kind": "single_fact" if answer else "unanswerable_far",
        "question": question,
        "answerable": bool(answer),
        "reference": answer,
        "answers": [answer] if answer else [],
        "evidence": [{"source": source, "quote": quote}] if answer else [],
    }


CASES = [
    row("tower", "How high is the Quillon Tower?", "330 metres", "tower.txt"),
    row(f'"><b>{ATTACK}', f"What was the zorbium yield? {ATTACK}", "41 tonnes", "zorbium.txt"),
    row("opened", "Who opened the Quillon Tower in 1921?", "Mara Devlin", "tower.txt"),
    row("egg", "How long do I boil an egg so the yolk stays soft?"),
    row("lost", "Which engineer drew the Quillon Tower?", "Ada Penhallow", "none.txt"),
]
KEPT = "kept"
QUESTIONS = {case["question"] for case in CASES}


def library(folder: Path) -> Path:
    """An index over a few documents, one of them hostile, with cases that readers kept."""
    (folder / "docs").mkdir()
    for name, text in DOCUMENTS.items():
        (folder / "docs" / name).write_text(text, encoding="utf-8")
    with create_index(folder / "index") as made:
        sync(made, [folder / "docs"])
    lines = [json.dumps(case) + "\n" for case in CASES]
    (folder / "index" / FILE).write_text("".join(lines), encoding="utf-8")
    return folder / "index"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return library(tmp_path_factory.mktemp("evaluated"))


@pytest.fixture(scope="module")
def index(folder: Path) -> Iterator[Index]:
    """The index, with a whole run of the cases: ``KEPT``."""
    with open_index(folder) as opened:
        whole = run_cases(opened, load_cases(folder / FILE), folder / RUNS / KEPT)
        write_scores(folder / RUNS / KEPT / SCORES, whole.to_dict())
        yield opened


@pytest.fixture(scope="module")
def address(index: Index) -> Iterator[str]:
    from ui.web.app import start

    app, url = start(index, "127.0.0.1", free_port())
    yield url
    app.close(verbose=False)


@pytest.fixture
def own(tmp_path: Path, folder: Path) -> Iterator[Index]:
    """An index of the test's own, without runs."""
    shutil.copytree(folder, tmp_path / "index", ignore=shutil.ignore_patterns(RUNS))
    with open_index(tmp_path / "index") as opened:
        yield opened


class Gate:
    """Holds the questions of cases until they are let through; others are asked as ever."""

    def __init__(self) -> None:
        self._permits = threading.Semaphore(0)
        self.asked = 0

    def let(self, number: int) -> None:
        self._permits.release(number)

    def on(self, index: Index, patch: pytest.MonkeyPatch) -> None:
        stream = index.stream

        def gated(question: str, *rest: Any, **named: Any) -> Any:  # noqa: ANN401
            if question in QUESTIONS:
                self.asked += 1
                assert self._permits.acquire(timeout=60)
            return stream(question, *rest, **named)

        patch.setattr(index, "stream", gated)


@pytest.fixture
def gate(index: Index, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made = Gate()
    made.on(index, monkeypatch)
    yield made
    made.let(1000)


def show(page: Page) -> None:
    page.wait_for_selector(".fn-views:not([hidden])")
    page.click("[data-view=evaluation]")
    page.wait_for_selector("#fn-eval option[value=readers]", state="attached")


def run(page: Page, limit: str = "") -> str:
    """Start a run, and give its name."""
    box = page.locator(".fn-eval-job")
    before = box.get_attribute("data-name")
    page.select_option("[name=cases]", "readers")
    page.fill("[name=limit]", limit)
    page.click(".fn-run")
    page.wait_for_function(
        "b => ![null, '', b].includes(document.querySelector('.fn-eval-job').dataset.name ?? null)",
        arg=before,
    )
    return box.get_attribute("data-name") or ""


def done(page: Page, name: str) -> str:
    page.wait_for_selector(f".fn-eval-job[data-state=done][data-name='{name}']")
    return name


def said(page: Page, words: str) -> None:
    page.wait_for_function(
        "words => document.querySelector('.fn-eval-job').innerText.includes(words)", arg=words
    )


def opened(page: Page, name: str) -> FrameLocator:
    page.click(f".fn-one-run[data-run='{name}'] .fn-run-open")
    frame = page.frame_locator("#fn-eval iframe")
    frame.locator("h1").wait_for()
    return frame


def test_a_run_is_started_watched_and_read_to_the_last_question(
    page: Page, gate: Gate, folder: Path
) -> None:
    show(page)
    assert page.get_attribute("[data-view=evaluation]", "aria-current") == "true"
    assert not page.is_visible(BOX)
    name = run(page)
    said(page, "0 of 5")
    gate.let(2)
    said(page, "2 of 5")
    assert page.evaluate("document.querySelector('#fn-eval progress').value") == 2
    # The seconds go on while a question takes long.
    before = page.inner_text(".fn-eval-job small")
    page.wait_for_function(
        "b => document.querySelector('.fn-eval-job small').innerText !== b", arg=before
    )
    # A second run has to wait, and the chat has not.
    assert page.is_disabled(".fn-run")
    page.click("[data-view=chat]")
    assert "40%" in page.inner_text(".fn-views")
    web.ask(page, "Which plum comes from Sussex?")
    assert "Victoria" in web.last(page, ".fn-said")
    page.click("[data-view=evaluation]")
    page.reload()
    page.wait_for_selector("#fn-eval", state="visible")
    said(page, "2 of 5")
    gate.let(3)
    done(page, name)
    listed = page.locator(f".fn-one-run[data-run='{name}']")
    listed.locator(".fn-run-open").wait_for()
    scores = json.loads((folder / RUNS / name / SCORES).read_text(encoding="utf-8"))
    (right,) = (figure for figure in scores["figures"] if figure["name"] == "right")
    assert f"{right['value']:.0%} right" in " ".join(listed.inner_text().split())
    assert "quotes · 5 questions" in listed.inner_text()

    frame = opened(page, name)
    assert "5 questions over 3 documents" in frame.locator("body").inner_text()
    for heading in ("Scorecard", "Retrieval, answers, grounding", "What confidence is worth"):
        assert frame.locator(f"h2:has-text('{heading}')").count() == 1
    assert frame.locator("svg.plot").count() == 4
    # From a cause to a question that has it: what was retrieved, said, judged, and why it failed.
    frame.locator("tr:has(button[data-cause='not in corpus']) a").first.click()
    body = frame.locator("details.q[data-id=lost] .body")
    body.wait_for(state="visible")
    assert f"not in corpus: {CAUSES['not in corpus']}" in body.inner_text()
    question = frame.locator("details.q[data-id=tower]")
    question.locator("summary").click()
    text = question.locator(".body").inner_text()
    assert TOWER in question.locator(".sentence a").inner_text()
    for part in ("supported, verbatim", "Expected", "Passages", "evidence", "Recall@10 1.00"):
        assert part in text
    page.click("[data-runs]")
    assert listed.is_visible()


def test_a_hostile_case_and_document_run_nothing_and_a_report_reaches_nothing(
    page: Page, browser: Browser
) -> None:
    show(page)
    frame = opened(page, KEPT)
    question = frame.locator("details.q").nth(1)
    question.locator("summary").click()
    assert ATTACK in question.locator("summary").inner_text()
    assert ATTACK in question.locator(".body").inner_text()
    assert frame.locator(".body img, .body script, summary img, code b").count() == 0
    assert page.frames[-1].evaluate("window.__pwned") is None
    # Its own script runs; whatever else might, has no way to the page or its server.
    other = browser.new_page()
    other.goto(page.url)
    other.frame_locator("#fn-eval iframe").locator("h1").wait_for()
    inside = other.frames[-1]
    assert inside.evaluate("document.querySelector('#shown').textContent") == "5 of 5"
    assert inside.evaluate("origin") == "null"
    reach = "(() => { try { return parent.document.title } catch { return 0 } })()"
    assert inside.evaluate(reach) == 0
    assert inside.evaluate("fetch('/config').then(() => 1, () => 0)") == 0
    other.close()


def test_two_runs_are_compared_and_runs_of_other_cases_are_not(page: Page) -> None:
    show(page)
    page.click("#fn-settings button")
    page.fill("#fn-settings input[type=number] >> nth=0", "1")
    page.press("#fn-settings input[type=number] >> nth=0", "Tab")
    second = done(page, run(page))
    third = done(page, run(page, limit="3"))
    assert page.is_disabled("[data-compare]")
    for name in (KEPT, third):
        page.check(f".fn-runs [value='{name}']")
    page.click("[data-compare]")
    page.wait_for_selector("#fn-say.fn-on:has-text('the runs are over other cases')")
    page.uncheck(f".fn-runs [value='{third}']")
    page.check(f".fn-runs [value='{second}']")
    page.click("[data-compare]")
    page.wait_for_selector(".fn-compared table")
    text = page.inner_text(".fn-compared")
    assert re.search(f"Before: {KEPT} .*\n.*After: {second}", text)
    assert "threshold as the index has it → 1" in text
    right = page.locator(".fn-compared tbody tr").nth(1)
    assert right.locator("th").inner_text().startswith("Right\n")
    # All but the one that rightly declines were right, and are declined now.
    assert right.locator("td").nth(1).inner_text() == "20%"
    # So few questions may differ by luck, and that is what it says.
    assert "No figure is clearly better or worse" in text
    exact = page.locator(".fn-compared tr:has-text('Verifier probes')")
    assert "= the same" in exact.inner_text()


def test_a_stopped_run_goes_on_also_after_a_restart(
    page: Page, gate: Gate, index: Index, folder: Path, browser: Browser
) -> None:
    from ui.web.app import start

    show(page)
    name = run(page)
    said(page, "0 of 5")
    gate.let(2)
    said(page, "2 of 5")
    page.click("[data-stop-run]")
    said(page, "Stopping")
    gate.let(1)
    page.wait_for_selector(".fn-eval-job[data-state=stopped]", timeout=5_000)
    assert f"{name} was stopped at 2 of 5" in page.inner_text(".fn-eval-job p")
    asked = gate.asked
    assert len(read_folder(folder / RUNS / name).records) == 2
    gate.let(1000)
    app, url = start(index, "127.0.0.1", free_port())
    other = browser.new_page()
    try:
        other.goto(url)
        show(other)
        listed = other.locator(f".fn-one-run[data-run='{name}']")
        assert "stopped at 2 of 5" in listed.inner_text()
        listed.locator("[data-go-on]").click()
        done(other, name)
        listed.locator(".fn-share-said").wait_for()
    finally:
        other.close()
        app.close(verbose=False)
    # What was answered is not asked again.
    assert gate.asked - asked == 3
    assert len(read_folder(folder / RUNS / name).records) == 5


def test_the_switch_and_a_run_are_worked_with_the_keyboard(page: Page) -> None:
    show(page)
    page.focus("[data-view=chat]")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.view") == "evaluation"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert page.is_visible(BOX) and not page.is_visible("#fn-eval")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    before = page.get_attribute(".fn-eval-job", "data-name")
    page.focus("[name=limit]")
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    page.wait_for_selector(f".fn-eval-job[data-state=done]:not([data-name='{before}'])")
    name = page.get_attribute(".fn-eval-job", "data-name")
    page.wait_for_selector(f".fn-one-run[data-run='{name}'] .fn-run-open")
    page.focus(f".fn-one-run[data-run='{name}'] .fn-run-open")
    page.keyboard.press("Enter")
    page.frame_locator("#fn-eval iframe").locator("h1").wait_for()
    assert page.evaluate("location.hash") == f"#/evaluation/{name}"
    page.reload()
    page.frame_locator("#fn-eval iframe").locator("h1").wait_for()
    assert page.inner_text(".fn-eval-open b") == name


def luminance(color: str) -> float:
    values = [int(n) / 255 for n in re.findall(r"\d+", color)[:3]]
    r, g, b = (v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_legible_in_the_dark_and_on_a_phone(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    page.wait_for_selector(".fn-views:not([hidden])", state="attached")
    page.click(".fn-top [data-rail]")
    show(page)
    page.wait_for_selector(".fn-runs li")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.evaluate("document.querySelector('#fn-eval').scrollWidth") == 390
    for selector in (
        "h1",
        ".fn-lead",
        ".fn-eval-form label",
        ".fn-run-open small",
        ".fn-share-said",
    ):
        shown = page.locator(f"#fn-eval {selector}").first
        color = shown.evaluate("e => getComputedStyle(e).color")
        behind = page.evaluate(
            "getComputedStyle(document.querySelector('.gradio-container')).backgroundColor"
        )
        assert contrast(color, behind) >= 4.5, selector
    frame = opened(page, KEPT)
    ink, paper = frame.locator("body").evaluate(
        "b => [getComputedStyle(b).color, getComputedStyle(b).backgroundColor]"
    )
    assert contrast(ink, paper) >= 7
    assert (luminance(paper) < 0.1) is (scheme == "dark")
    assert frame.locator("html").evaluate("h => h.scrollWidth") <= 390
