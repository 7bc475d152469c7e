"""What the chat promises: all can use it, nobody gets another's answers, nothing takes long."""

from __future__ import annotations

import dataclasses
import re
import shutil
import threading
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ingest.sync import sync
from rag.index import Index, open_index
from rag.types import Answer, Turn
from tests import test_ui_web as web
from tests.test_ui_users import PASSWORD
from tests.test_ui_web import BOX, PRINCIPLES, ask, in_view, last
from tests.test_ui_web_written import told
from ui.users import Users, put_user
from ui.web.bench import chat, free_port, page_figures, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# A machine that tests on two cores is busy; the figures themselves come from `ui.web.bench`.
NOISE = 3
EXAMINED = "How did the European Commission, the CMA and courts examine the partnership?"
WRITTEN = """**Two** fruits are sold, see `apples.txt` and $x^2 < 3$ [1].

- The *first* is green [1].
- The second is red.

| Fruit | Price |
|---|---|
| Apple | <img src=x onerror=window.__pwned=1> [1] |

```html
<script>window.__pwned = 1</script>
```
[1]
$\\text{<svg onload=window.__pwned=1>}$ and \\(\\href{javascript:window.__pwned=1}{x}\\) too [1].
[click](javascript:window.__pwned=1) ![x](//evil.example/x.png) <svg onload=window.__pwned=1> [1].
السعر هو ثلاثة جنيهات [1]."""
RIGHT_TO_LEFT = "العنوان\n\nتنمو تفاحة براملي في ساوثويل منذ عام 1809. وهي تستخدم للطبخ.\n"

pytestmark = web.pytestmark
browser, page = web.browser, web.page


@pytest.fixture(scope="module")
def index(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("proof")
    shutil.copytree(sample_folder, folder / "index")
    (folder / "apples-ar.txt").write_text(RIGHT_TO_LEFT, encoding="utf-8")
    with open_index(folder / "index") as opened:
        sync(opened, [folder / "apples-ar.txt"])
        yield opened


@pytest.fixture(scope="module")
def address(index: Index) -> Iterator[str]:
    from ui.web.app import start

    app, url = start(index, "127.0.0.1", free_port())
    yield url
    app.close(verbose=False)


def violations(page: Page) -> list[str]:
    """What axe-core finds that keeps someone out, each with the element."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page.wait_for_timeout(250)  # for what fades in
    found = axe.run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{rule['id']}: {node['target']} {node['html'][:200]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def say(page: Page, index: Index, monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    """Ask, and get this answer as if a model were writing it, a word at a time."""

    def stream(question: str, *_: object) -> Iterator[str | Answer]:
        yield from re.split(r"(?<= )", answer.text)
        yield answer

    with monkeypatch.context() as patch:
        patch.setattr(index, "stream", stream)
        ask(page, "What is sold?", page.locator(".fn-turn").count() + 1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_on_the_page_keeps_anyone_out(
    page: Page,
    index: Index,
    monkeypatch: pytest.MonkeyPatch,
    scheme: Any,  # noqa: ANN401
) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.reload()
    page.wait_for_selector(".fn-library li")
    assert not violations(page)
    ask(page, PRINCIPLES)
    page.locator("#fn-live .fn-chip").first.focus()
    assert not violations(page), "the card of a chip"
    page.keyboard.press("Enter")
    page.wait_for_selector("#fn-viewer .fn-here")
    assert not violations(page), "text"
    page.keyboard.press("Escape")
    ask(page, EXAMINED, 2)
    page.click("#fn-live .fn-chip >> nth=0")
    page.wait_for_selector("#fn-viewer .fn-page img")
    assert not violations(page), "pages"
    page.keyboard.press("Escape")
    judged = ("the year differs",)
    for verdict in ("partial", "unsupported"):
        answer = told(WRITTEN, verdict)  # type: ignore[arg-type]
        doubted = tuple(dataclasses.replace(s, reasons=judged) for s in answer.sentences)
        withheld = tuple(dataclasses.replace(s, start=0, end=0) for s in doubted[:1])
        say(
            page,
            index,
            monkeypatch,
            dataclasses.replace(answer, sentences=doubted, withheld=withheld),
        )
        page.click("#fn-live .fn-withheld summary")
        assert not violations(page)
    ask(page, "How long do I boil an egg so the yolk stays soft?", 5)
    page.click("#fn-live [data-act=bad]")
    page.wait_for_selector(".fn-complaint")
    page.click("#fn-settings button")
    page.wait_for_selector("#fn-settings input >> visible=true")
    assert not violations(page)
    page.hover(".fn-library li")
    page.click(".fn-drop-src >> nth=0")
    page.wait_for_selector("#fn-dialog[open]")
    assert not violations(page)
    page.keyboard.press("Escape")


def test_nothing_on_a_phone_keeps_anyone_out(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    assert not violations(page)
    ask(page, EXAMINED)
    assert not violations(page)
    page.locator("#fn-live .fn-chip").first.click()
    page.wait_for_selector("#fn-viewer .fn-page img")
    assert not violations(page)
    page.click("#fn-viewer [data-close]")
    # What is out of sight is out of the order of the keys too.
    assert not page.is_visible("#fn-rail")
    page.focus(".fn-top [data-rail]")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#fn-side').getBoundingClientRect().x === 0")
    assert page.evaluate("document.activeElement.closest('#fn-rail') !== null")
    assert not violations(page)
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.matches('.fn-top [data-rail]')")


def test_chips_and_verdicts_are_read_out(
    page: Page, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(page, PRINCIPLES)
    heard = page.locator("#fn-live").aria_snapshot()
    assert 'heading "What are Microsoft\'s six AI principles?"' in heard
    assert 'button "Supported by its source"' in heard
    assert re.search(r'button "Source 1: Ethics[^"]*, open the passage"', heard)
    assert 'button "Not helpful"' in heard and 'button "Helpful"' in heard
    answer = told("It is red [1].", "partial")
    doubted = dataclasses.replace(answer.sentences[0], reasons=("the passage says green",))
    say(page, index, monkeypatch, dataclasses.replace(answer, sentences=(doubted,)))
    heard = page.locator("#fn-live").aria_snapshot()
    assert 'button "Partly supported by its source: the passage says green"' in heard
    assert page.locator("#fn-live [role=log]").count() == 1, "what is added is announced"


def focused(page: Page, selector: str) -> bool:
    return bool(page.evaluate(f"document.activeElement.matches({selector!r})"))


def tab_to(page: Page, selector: str, key: str = "Tab") -> None:
    """Press a key until something has the focus; whatever has it meanwhile shows so."""
    for _ in range(120):
        page.keyboard.press(key)
        assert page.evaluate(
            """() => {
              const at = document.activeElement, style = getComputedStyle(at);
              const box = at.closest("#fn-box, label")?.querySelector("*");
              return at === document.body || style.outlineStyle !== "none" ||
                style.boxShadow !== "none" || Boolean(box);
            }"""
        ), page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        if focused(page, selector):
            return
    raise AssertionError(f"{selector} is not reached with {key}")


def test_the_whole_way_is_gone_with_the_keyboard_alone(page: Page) -> None:
    assert focused(page, BOX), "the question box is where typing begins"
    page.keyboard.type("How much did OpenAI spend on Azure computing in 2024?")
    page.keyboard.press("Enter")
    page.wait_for_selector(".fn-turn[data-done='1'] .fn-chip")
    tab_to(page, ".fn-text .fn-chip", "Shift+Tab")
    number = page.locator("#fn-live .fn-text .fn-chip").count()
    assert number >= 2
    assert page.locator("#fn-live .fn-chip:focus .fn-tip").is_visible()
    page.keyboard.press("Enter")
    page.wait_for_selector("#fn-viewer .fn-here")
    shown = page.inner_text(".fn-count")
    page.keyboard.press("k")
    page.wait_for_function(f"document.querySelector('.fn-count').textContent !== '{shown}'")
    page.keyboard.press("j")
    page.wait_for_function(f"document.querySelector('.fn-count').textContent === '{shown}'")
    page.wait_for_function("!document.querySelector('#fn-viewer').hasAttribute('aria-busy')")
    tab_to(page, "#fn-viewer [data-back-to]")
    page.keyboard.press("Enter")
    assert focused(page, "#fn-live .fn-chip[aria-current]")
    page.keyboard.press("Escape")
    assert not page.is_visible("#fn-viewer")
    assert focused(page, "#fn-live .fn-chip")
    tab_to(page, "#fn-live [data-act=good]")
    page.keyboard.press("Enter")
    page.wait_for_selector("#fn-live [data-act=good][aria-pressed=true]")
    tab_to(page, "#fn-settings button", "Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#fn-settings input[type=radio]")
    tab_to(page, "#fn-settings input[type=radio]")
    page.keyboard.press("/")
    page.keyboard.type("And now?")
    assert page.input_value(BOX) == "And now?"


def test_what_a_model_writes_grows_is_shown_as_marked_and_runs_nothing(
    page: Page, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, go_on = told(WRITTEN), threading.Event()

    def stream(question: str, *_: object) -> Iterator[str | Answer]:
        yield answer.text[:60]
        go_on.wait(30)
        yield answer.text[60:]
        yield answer

    with monkeypatch.context() as patch:
        patch.setattr(index, "stream", stream)
        page.fill(BOX, "What is sold?")
        page.press(BOX, "Enter")
        page.wait_for_selector("#fn-live .fn-growing")
        assert last(page, ".fn-growing").startswith("Two fruits are sold, see apples.txt")
        assert page.locator(".fn-growing strong").first.inner_text() == "Two"
        go_on.set()
        page.wait_for_selector(".fn-turn[data-done='1']")
    live = page.locator("#fn-live")
    assert live.locator(".fn-text strong").first.inner_text() == "Two"
    assert live.locator(".fn-list li").count() == 2
    assert live.locator("thead th").all_inner_texts() == ["Fruit", "Price"]
    assert live.locator("pre").inner_text() == "<script>window.__pwned = 1</script>"
    assert live.locator("math").first.evaluate("m => m.getBoundingClientRect().width") > 10
    assert live.locator("math [href], a, img, svg, script").count() == 0
    arabic = live.locator("p.fn-text").last
    assert arabic.evaluate("p => getComputedStyle(p).direction") == "rtl"
    assert live.locator("p.fn-text").first.evaluate("p => getComputedStyle(p).direction") == "ltr"
    assert live.locator(".fn-said").count() == live.locator(".fn-verdict").count() == 9
    # A chip belongs to its own row, sentence or block.
    live.locator("tbody tr .fn-chip").click()
    assert live.locator(".fn-at").count() == 1
    assert live.locator("tr.fn-at").inner_text().startswith("Apple")
    live.locator(".fn-code .fn-chip").click()
    assert live.locator("pre.fn-at").count() == 1 == live.locator(".fn-at").count()


def test_an_answer_is_copied_as_it_was_written_with_its_quotes(
    page: Page, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    say(page, index, monkeypatch, told("- **One** costs $x^2$ [1].\n- Two."))
    page.click("#fn-live [data-act=copy]")
    page.wait_for_selector("#fn-say.fn-on:has-text('Copied')")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == (
        "- **One** costs $x^2$. [1]\n- Two.\n\n"
        "[1] A title, Part › Chapter · page 4 · 2025-11-14: “The quoted words stand here.”"
    )


def test_text_from_right_to_left_stands_on_the_right(page: Page) -> None:
    ask(page, "تفاحة براملي ساوثويل 1809")
    said = page.locator("#fn-live p.fn-text, #fn-live .fn-snippet").first
    assert "براملي" in said.inner_text()
    for shown in (said, page.locator("#fn-live .fn-question")):
        assert shown.evaluate("s => getComputedStyle(s).direction") == "rtl"
    page.click("#fn-live .fn-chip, #fn-live .fn-near >> nth=0")
    mark = page.locator("#fn-viewer mark.fn-here").first
    mark.wait_for()
    assert mark.evaluate("m => getComputedStyle(m.parentElement).direction") == "rtl"


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("When did GitHub Copilot become available?", "products-built-on-openai-models.html"),
        ("Why did many scientists join OpenAI?", "corporate-cultures.txt"),
    ],
)
def test_html_and_text_open_at_the_quoted_words(page: Page, question: str, name: str) -> None:
    ask(page, question)
    chip = page.locator("#fn-live .fn-chip").first
    chip.hover()
    quote = chip.locator("q").inner_text()
    chip.click()
    mark = page.locator("#fn-viewer mark.fn-here").first
    mark.wait_for()
    in_view(page, mark)
    assert name in page.inner_text("#fn-viewer .fn-doc")
    assert " ".join(quote.split()) == " ".join((mark.text_content() or "").split())


def test_the_end_of_the_server_is_noticed_and_the_reader_goes_on(
    browser: Browser, sample_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(sample_folder, tmp_path / "index")
    port = free_port()
    with served(tmp_path / "index", port) as url:
        visit = browser.new_page()
        visit.set_default_timeout(60_000)
        visit.goto(url)
        visit.wait_for_selector(".fn-library li")
        ask(visit, "What is Stargate?")
        visit.fill(BOX, "Where is its first campus?")
    visit.wait_for_selector("#fn-say.fn-on:has-text('does not answer any more')")
    with served(tmp_path / "index", port):
        visit.wait_for_event("load")
        visit.wait_for_selector(".fn-turn[data-turn='1'][data-done='1']")
        assert visit.input_value(BOX) == "Where is its first campus?"
        assert visit.locator("#fn-live .fn-chip").count() >= 1
        visit.press(BOX, "Enter")
        visit.wait_for_selector(".fn-turn[data-turn='2'][data-done='1']")
        assert "Stargate" in last(visit, ".fn-searched")
        visit.close()


def test_two_readers_see_their_own_conversations_only(
    browser: Browser, sample_folder: Path, tmp_path: Path
) -> None:
    from ui.web.app import start

    shutil.copytree(sample_folder, tmp_path / "index")
    for name in ("ada", "bob"):
        put_user(tmp_path / "users", name, PASSWORD)
    asked = {"ada": PRINCIPLES, "bob": "When did Elon Musk leave the OpenAI board?"}
    with open_index(tmp_path / "index") as opened:
        app, url = start(opened, "127.0.0.1", free_port(), users=Users(tmp_path / "users"))
        visits = {}
        for name, question in asked.items():
            visit = visits[name] = browser.new_context().new_page()
            visit.goto(url)
            visit.get_by_label("username").fill(name)
            visit.get_by_label("password").fill(PASSWORD)
            if name == "ada":
                # The form is Gradio's own, and it gives its page no title.
                assert {found.split(":")[0] for found in violations(visit)} <= {"document-title"}
            visit.get_by_role("button", name="Login").click()
            visit.wait_for_selector(".fn-library .fn-src")
            ask(visit, question)
            visit.wait_for_selector(".fn-open")
        for name, visit in visits.items():
            assert visit.locator(".fn-reader").inner_text().startswith(f"Signed in as {name}.")
            assert visit.locator(".fn-open").all_inner_texts() == [asked[name]]
        hers = visits["ada"].url
        visits["bob"].goto("about:blank")
        visits["bob"].goto(hers)
        visits["bob"].wait_for_selector(".fn-library .fn-src")
        visits["bob"].wait_for_timeout(500)
        assert visits["bob"].locator(".fn-turn").count() == 0
        for visit in visits.values():
            visit.context.close()
        app.close(verbose=False)


def test_twenty_readers_at_once_get_their_own_answers(address: str, index: Index) -> None:
    from eval.cases import load_cases
    from ui.web.bench import CASES

    cases = [c.question for c in load_cases(CASES) if c.answerable and not c.history][:40]
    chats = [(cases[n], cases[n + 20]) for n in range(20)]
    visitors = chat(address, chats)
    for own, visitor in zip(chats, visitors, strict=True):
        history: tuple[Turn, ...] = ()
        for number, (question, turn) in enumerate(zip(own, visitor.said, strict=True), 1):
            expected = index.ask(question, history)
            assert f'data-turn="{number}" data-done="1"' in turn
            shown = re.search(r'<h2 class="fn-question" dir="auto">(.*?)</h2>', turn, re.DOTALL)
            said = re.search(r'data-said="(.*?)"', turn, re.DOTALL)
            assert shown is not None and unescape(shown[1]) == question
            assert said is not None and unescape(said[1]) == expected.text
            history += (Turn("user", question), Turn("assistant", expected.text))
    kept = {re.findall('data-conversation="(.*?)"', visitor.said[-1])[0] for visitor in visitors}
    assert len(kept) == 20


def test_neither_the_page_nor_an_answer_is_waited_for_long(browser: Browser, address: str) -> None:
    figures = [page_figures(browser, address, [PRINCIPLES, "What is Stargate?"]) for _ in range(2)]
    assert min(row["paint"] for row in figures) < 1500 * NOISE
    assert min(row["interactive"] for row in figures) < 3000 * NOISE
    assert min(ms for row in figures for ms in row["answers"]) < 500 * NOISE


def test_long_work_does_not_hold_up_the_page(page: Page, index: Index, tmp_path: Path) -> None:
    many = [
        f"Sentence {n} of a long text says something about subject {n % 97}." for n in range(9000)
    ]
    (tmp_path / "long.txt").write_text("\n\n".join(many), encoding="utf-8")
    page.set_input_files("#fn-files", tmp_path / "long.txt")
    page.wait_for_selector(".fn-job:has-text('long.txt')")
    ask(page, PRINCIPLES)
    assert page.locator("#fn-live .fn-chip").count() >= 1
    assert page.locator(".fn-job-embedding, .fn-job-reading, .fn-job-waiting").count() == 1
    page.hover(".fn-library li")
    page.fill("[name=filter]", "glossary")
    page.wait_for_function("document.querySelectorAll('.fn-library .fn-src').length === 1")
