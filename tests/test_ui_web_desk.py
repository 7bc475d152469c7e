"""What is behind the page: conversations, their exports, uploads, cases from bad answers."""

from __future__ import annotations

import errno
import json
import re
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser

from eval.cases import load_cases
from eval.run import run_cases
from ingest.sync import sync
from rag.answer_json import answer_from_dict
from rag.errors import BadIndex, BadInput
from rag.index import Index, create_index, open_index
from rag.receipt import read_receipts
from rag.recheck import check_receipt
from rag.settings import Settings
from rag.standing import changed_files
from rag.types import Answer
from tests.scripted import ScriptedModel
from tests.test_ui_cli import footnote
from tests.test_ui_web_render import HOSTILE, make
from tests.test_ui_web_written import told
from ui.users import Users, put_user
from ui.web.access import UPLOADS, Access
from ui.web.chat import Chat, Talk
from ui.web.conversations import Conversation, Conversations, Exchange
from ui.web.desk import Desk
from ui.web.export import export, export_name
from ui.web.feedback import add_case
from ui.web.models_panel import OTHERS, Models
from ui.web.uploads import Uploads

QUESTION = "Where was the Bramley apple first grown?"


@pytest.fixture
def store(tmp_path: Path) -> Conversations:
    return Conversations(tmp_path)


@pytest.fixture
def desk(index: Index, docs: Path) -> Desk:
    sync(index, [docs])
    return Desk(Access(index), Conversations(index.folder), Uploads(Access(index)))


def said(number: int, answer: Answer) -> Exchange:
    return Exchange(number, answer.question, "answered", answer.text, answer)


def ask(desk: Desk, question: str, chat: Chat | None = None, owner: str = "") -> Chat:
    talk = Talk(desk._access, desk._store)
    shown: Chat = Chat()
    for output in talk.ask(owner, question, chat or Chat(), Settings()):
        if isinstance(output[0], Chat):
            shown = output[0]
    return shown


def test_an_answer_survives_its_json(sample: Index) -> None:
    asked = (QUESTION, "What are Microsoft's six AI principles?", "How long do I boil an egg?")
    for answer in [*map(sample.ask, asked), make()]:
        again = json.loads(json.dumps(answer.to_dict()))
        assert answer_from_dict(again) == replace(answer, timings=again["timings"])


@pytest.mark.parametrize("row", [{}, {"question": "x"}, {"sentences": 1}, {"unknown": 1}])
def test_what_is_no_answer_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="not an answer"):
        answer_from_dict(row)


def test_a_conversation_is_there_again_after_a_restart(tmp_path: Path) -> None:
    store = Conversations(tmp_path)
    made = store.begin("", "What   stands\nhere?")
    store.put("", made, Exchange(1, "What stands here?", "asked"))
    store.put("", made, said(1, make()))
    store.put("", made, Exchange(2, "And there?", "stopped", "so far"))
    again = Conversations(tmp_path).load("", made)
    assert again.title == "What stands here?"
    first, second = again.exchanges
    assert first.answer == make()
    assert time.time() - 60 < first.asked <= time.time()
    assert (second.state, second.text, second.answer) == ("stopped", "so far", None)


def test_conversations_are_found_renamed_and_deleted(store: Conversations) -> None:
    first = store.begin("", "About apples")
    store.put("", first, said(1, make(text="They grow in Southwell", sentences=())))
    second = store.begin("", "About pears")
    store.put("", second, Exchange(1, "About pears", "stopped"))
    assert [e.title for e in store.found("")] == ["About pears", "About apples"]
    assert [e.id for e in store.found("", "SOUTHWELL")] == [first]
    assert not store.found("", "100%")
    assert not store.found("", "überstunden")
    store.put("", second, Exchange(1, "Wie viele ÜBERSTUNDEN?", "stopped"))
    assert [e.id for e in store.found("", "überstunden")] == [second]
    store.rename("", first, " Fruit \n")
    assert [e.title for e in store.found("", "fruit")] == ["Fruit"]
    with pytest.raises(BadInput, match="needs a name"):
        store.rename("", first, " ")
    store.delete("", first)
    with pytest.raises(BadInput, match="not there any more"):
        store.load("", first)
    assert [e.id for e in store.found("")] == [second]


def test_what_another_reader_said_does_not_exist(store: Conversations) -> None:
    hers = store.begin("ada", "Mine")
    store.put("ada", hers, said(1, make()))
    assert not store.found("bob")
    attempts: list[Callable[[], object]] = [
        lambda: store.load("bob", hers),
        lambda: store.rename("bob", hers, "His"),
        lambda: store.delete("bob", hers),
        lambda: store.put("bob", hers, said(1, make())),
        lambda: store.vote("bob", hers, 1, -1, ""),
    ]
    for attempt in attempts:
        with pytest.raises(BadInput, match="not there any more"):
            attempt()
    assert store.load("ada", hers).title == "Mine"


def test_a_long_list_comes_in_pages(store: Conversations) -> None:
    for number in range(60):
        store.begin("", f"Number {number}")
    assert len(store.found("")) == 50
    assert len({e.id for start in (0, 50) for e in store.found("", "", start)}) == 60


def test_a_damaged_file_of_conversations_is_named(tmp_path: Path) -> None:
    (tmp_path / "conversations.sqlite3").write_bytes(b"this is no database" * 100)
    with pytest.raises(BadIndex, match=r"conversations.sqlite3.*moved away"):
        Conversations(tmp_path)


def test_old_answers_say_what_has_become_of_their_sources(desk: Desk, docs: Path) -> None:
    index = desk._access.index
    chat = ask(desk, QUESTION)
    talk = Talk(desk._access, desk._store)
    assert "has changed since" not in talk.open("", chat.id, Chat())[2]
    (docs / "apples.txt").write_text("Apples\n\nNothing is known of them.\n", encoding="utf-8")
    sync(index, [docs])
    changed = talk.open("", chat.id, Chat())
    assert "has changed since" in changed[2]
    assert next(e.answer for e in changed[0].exchanges if e.answer).text
    (docs / "apples.txt").unlink()
    sync(index, [docs])
    assert "has been removed since" in talk.open("", chat.id, Chat())[2]
    citation = chat.exchanges[0].answer.citations[0]  # type: ignore[union-attr]
    row = {"source": citation.source_id, "start": citation.start, "end": citation.end}
    gone = desk.view({**row, "quote": citation.quote}, "")
    assert "removed from the library" in gone["html"]
    assert citation.quote in LexborHTMLParser(gone["html"]).text()


def test_a_question_that_the_server_did_not_finish_says_so(desk: Desk) -> None:
    made = desk._store.begin("", "Anything")
    desk._store.put("", made, Exchange(1, "Anything", "asked"))
    shown = Talk(desk._access, desk._store).open("", made, Chat())
    assert "was not answered" in shown[2]


def test_asking_again_replaces_the_last_answer(desk: Desk) -> None:
    chat = ask(desk, QUESTION)
    talk = Talk(desk._access, desk._store)
    *_, (state, past, live, _) = talk.again("", "Which pear won a prize?", chat, Settings())
    assert past == "" and "Conference" in live
    assert [e.question for e in desk._store.load("", chat.id).exchanges] == [
        "Which pear won a prize?"
    ]
    assert len(state.exchanges) == 1


def exported() -> Conversation:
    declined = make(status="declined", sentences=(), citations=(), passages=())
    exchanges = (said(1, make()), said(2, declined), Exchange(3, "Q", "stopped", "half"))
    return Conversation("x", "About *everything*", exchanges)


def test_markdown_has_every_quote_as_a_footnote(sample: Index) -> None:
    text = export(exported(), "md", sample)
    assert text.startswith("# About \\*everything\\*\n")
    assert re.search(r"The quoted words stand here\.\[\^1-1\]\n", text)
    assert "[^1-1]: A title, Part › Chapter, page 4, 2025-11-14, papers/a.md: “The quoted" in text
    assert "Nothing in the library answers this for certain." in text
    assert "half (stopped)" in text


def test_json_can_be_read_back(sample: Index) -> None:
    rows = json.loads(export(exported(), "json", sample))["exchanges"]
    assert answer_from_dict(rows[0]["answer"]) == make()
    assert rows[0]["receipt"] is None and "papers/a.md is gone" in rows[0]["no_receipt"]
    assert rows[2]["answer"] is None


def test_json_has_a_receipt_of_every_answer_that_verify_takes(desk: Desk, tmp_path: Path) -> None:
    index = desk._access.index
    chat = ask(desk, QUESTION)
    chat = ask(desk, "What is it used for?", chat)
    ask(desk, "How long do I boil an egg?", chat)
    file = tmp_path / "conversation.json"
    row = {"id": chat.id, "form": "json"}
    file.write_text(desk.export(row, "")["text"], encoding="utf-8")
    receipts = read_receipts(file)
    assert [len(receipt.history) for receipt in receipts] == [0, 2, 4]
    assert [check_receipt(index, receipt).result for receipt in receipts] == ["ok"] * 3
    result = footnote("verify", file, "--index", index.folder)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "3 receipts: 3 ok"
    (single := tmp_path / "one.json").write_text(
        json.dumps(json.loads(file.read_text(encoding="utf-8"))["exchanges"][0]["receipt"]),
        encoding="utf-8",
    )
    assert read_receipts(single) == [receipts[0]]
    changed = file.read_text(encoding="utf-8").replace("Southwell", "Northwell")
    file.write_text(changed, encoding="utf-8")
    result = footnote("verify", file, "--index", index.folder)
    assert result.exit_code == 1
    assert "question 1: this receipt was changed" in result.stdout
    file.write_text('{"format": "footnote conversation", "exchanges": [{}, 1]}', encoding="utf-8")
    with pytest.raises(BadInput, match="no receipt"):
        read_receipts(file)


MARKED = """**Two** fruits, see `a|b` and $x^2 < 3$ [1].
- The *first* is 2*3 wide [1].
- Second.

| Fruit | Price |
|---|---|
| Apple | <b>3</b> [1] |

```html
<script>window.__pwned = 1</script>
```
[1]"""


def test_what_a_model_marked_is_marked_in_the_files(sample: Index) -> None:
    conversation = Conversation("x", "About fruit", (said(1, told(MARKED)),))
    text = export(conversation, "md", sample)
    tree = LexborHTMLParser(MarkdownIt("commonmark").enable("table").render(text))
    assert [n.text() for n in tree.css("strong, em")] == ["Two", "first"]
    assert [n.text() for n in tree.css("p code")] == ["a|b", "x^2 < 3"]
    assert len(tree.css("ul li")) == 2 and "is 2*3 wide" in tree.css("ul li")[0].text()
    assert [n.text() for n in tree.css("td")][:4] == ["Fruit", "Price", "Apple", "<b>3</b>[^1-1]"]
    assert "<script>" in tree.css("pre code")[0].text()
    assert not tree.css("script, b")
    page = LexborHTMLParser(export(conversation, "html", sample))
    assert [n.text() for n in page.css("strong, em")] == ["Two", "first"]
    assert [n.text() for n in page.css("td")][:2] == ["Fruit", "Price"]
    assert len(page.css("math")) == 1 and not page.css("script, b, img")


def test_the_page_to_print_has_the_quotes_and_no_script(sample: Index) -> None:
    tree = LexborHTMLParser(export(exported(), "html", sample))
    assert [n.text() for n in tree.css("sup a")] == ["1"]
    target = (tree.css_first("sup a") or tree).attributes["href"]  # type: ignore[union-attr]
    assert "The quoted words stand here." in tree.css_first(f"[id='{target[1:]}']").text()  # type: ignore
    assert not tree.css("script, img, link")


@pytest.mark.parametrize("bad", HOSTILE)
def test_exports_of_hostile_text_run_nothing(sample: Index, bad: str) -> None:
    answer = make(title=bad, uri=bad, headings=(bad,), quote=bad, question=bad, notes=(bad,))
    conversation = Conversation("x", bad, (said(1, answer), Exchange(2, bad, "failed", bad)))
    tree = LexborHTMLParser(export(conversation, "html", sample))
    assert not tree.css("script, img, svg, [onerror], [onload], [onfocus], [onmouseover]")
    rendered = MarkdownIt("commonmark").render(export(conversation, "md", sample))
    assert not LexborHTMLParser(rendered).css("script, img, svg, a, strong")
    assert re.fullmatch(r"[\w-]+\.md", export_name(conversation, "md"))


def test_a_bad_answer_becomes_a_case_that_the_evaluation_takes(desk: Desk) -> None:
    index = desk._access.index
    chat = ask(desk, QUESTION)
    source = next(s for s in index.library.sources().values() if s.uri.endswith("apples.txt"))
    row = {"id": chat.id, "number": 1, "vote": -1, "reason": "too short", "case": True}
    words = {"quote": "first grown in Southwell\n in 1809", "source": source.id}
    assert "footnote eval run" in desk.vote({**row, **words}, "")["said"]
    desk.vote({**row, **words}, "")
    second = ask(desk, "What of its skin?", chat)
    desk.vote({**row, "id": second.id, "number": 2}, "")
    cases = load_cases(index.folder / "cases.jsonl")
    assert [(c.kind, c.answerable, c.note) for c in cases] == [
        ("single_fact", True, "too short"),
        ("unanswerable_near", False, "too short"),
    ]
    assert cases[1].history[0].text == QUESTION
    results = run_cases(index, cases).cases
    assert not any(result.case_error for result in results)
    kept = desk._store.load("", chat.id).exchanges[0]
    assert (kept.vote, kept.reason) == (-1, "too short")
    with pytest.raises(BadInput, match="copy them from the document"):
        desk.vote({**row, "quote": "never said", "source": source.id}, "")
    assert len(load_cases(index.folder / "cases.jsonl")) == 2


def test_many_readers_complain_at_once(index: Index) -> None:
    def complain(n: int) -> None:
        said = Conversation(f"c{n}", "", (Exchange(1, f"Question {n}?", "answered"),))
        add_case(index, said, 1, "", "", "")

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(complain, range(40)))
    cases = load_cases(index.folder / "cases.jsonl")
    assert {case.question for case in cases} == {f"Question {n}?" for n in range(40)}
    assert not (index.folder / "cases.jsonl.new").exists()


def test_a_case_goes_into_a_file_that_an_editor_left_with_a_mark_and_empty_lines(
    index: Index,
) -> None:
    def complain(id: str, question: str) -> None:
        said = Conversation(id, "", (Exchange(1, question, "answered"),))
        add_case(index, said, 1, "", "", "")

    path = index.folder / "cases.jsonl"
    complain("a", "One line\u2028or two?")
    path.write_text("\ufeff\n" + path.read_text("utf-8") + "\n\n", encoding="utf-8")
    complain("b", "Which?")
    complain("b", "Which one?")
    assert [c.question for c in load_cases(path)] == ["One line\u2028or two?", "Which one?"]
    path.write_text("no case\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"cases.jsonl:1: not JSON"):
        complain("c", "Who?")
    assert path.read_text("utf-8") == "no case\n"


def uploaded(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sent"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_uploaded_file_is_searchable_and_can_be_removed(index: Index, tmp_path: Path) -> None:
    uploads = Uploads(Access(index))
    uploads.add_file(uploaded(tmp_path, "The quince is yellow when it is ripe."), "f/Quince.txt")
    assert uploads.wait(60)
    (job,) = uploads.jobs()
    assert (job.name, job.state) == ("f/Quince.txt", "done")
    answer = index.ask("What colour is a ripe quince?")
    assert answer.citations[0].uri == str(index.folder / UPLOADS / "f" / "Quince.txt")
    assert Path(answer.citations[0].uri).is_file()
    uploads.remove(next(iter(index.library.sources().values())))
    assert uploads.wait(60)
    assert uploads.jobs()[0].detail == "removed"
    assert not index.library.files()
    assert not list((index.folder / "originals").rglob("*.*"))
    assert not list((index.folder / UPLOADS).rglob("*.txt"))
    uploads.dismiss()
    assert not uploads.jobs()


def test_what_cannot_be_read_fails_alone_and_says_why(index: Index, tmp_path: Path) -> None:
    uploads = Uploads(Access(index))
    with pytest.raises(BadInput, match=r"cannot read \.exe"):
        uploads.add_file(uploaded(tmp_path, "MZ"), "virus.exe")
    with pytest.raises(BadInput, match="no web address"):
        uploads.add_addresses("file:///etc/passwd")
    uploads.add_file(uploaded(tmp_path, "not a pdf"), "broken.pdf")
    uploads.add_file(uploaded(tmp_path, "The medlar is brown."), "medlar.txt")
    assert uploads.wait(60)
    assert {job.name: job.state for job in uploads.jobs()} == {
        "broken.pdf": "failed",
        "medlar.txt": "done",
    }
    (broken,) = (job for job in uploads.jobs() if job.state == "failed")
    assert "PDF" in broken.detail and str(index.folder) not in broken.detail
    assert index.library.counts().sources == 1


def test_another_writer_is_a_failure_with_a_way_out(index: Index, tmp_path: Path) -> None:
    uploads = Uploads(Access(index))
    with index.lock():
        uploads.add_file(uploaded(tmp_path, "Waits."), "late.txt")
        assert uploads.wait(60)
    assert "try again when it is done" in uploads.jobs()[0].detail


def test_nothing_is_added_that_everybody_would_see_unawares(index: Index, tmp_path: Path) -> None:
    put_user(tmp_path / "users", "ada", "correct horse", ["law"])
    put_user(tmp_path / "users", "bob", "correct horse", ["law", "hr"])
    uploads = Uploads(Access(index, Users(tmp_path / "users"), ("hr",)))
    sent = uploaded(tmp_path, "The quince is yellow.")
    with pytest.raises(BadInput, match=r"law is shared with you, but only hr is served"):
        uploads.add_file(sent, "quince.txt", "ada")
    assert not sent.exists()
    uploads.add_file(uploaded(tmp_path, "The quince is yellow."), "quince.txt", "bob")
    assert uploads.wait(60)
    assert index.library.collection_names() == ["hr"]


def test_a_reader_has_the_models_that_are_offered_and_looks_at_no_file(
    index: Index, store: Conversations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-server")
    put_user(tmp_path / "users", "ada", "correct horse", ["hr"])
    put_user(tmp_path / "users", "eve", "correct horse")
    access = Access(index, Users(tmp_path / "users"))
    (tmp_path / "models").mkdir()
    tiny, hidden = tmp_path / "models" / "tiny.gguf", tmp_path / "hidden.gguf"
    for path in (tiny, hidden):
        path.write_bytes(b"GGUF")
    models, talk = Models(access), Talk(access, store)

    for llm in (f"local:{hidden}", f"local:{tmp_path / 'none'}", "openai:gpt-the-dearest"):
        *_, told = talk.ask("ada", "Why?", Chat("ada"), Settings(llm=llm))
        assert OTHERS in str(told) and OTHERS in models.need(llm, "ada")
        assert OTHERS not in models.need(llm, "eve")
    for llm in ("", f"local:{tiny}", "openai:gpt-5-mini"):
        assert OTHERS not in models.need(llm, "ada")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("folder", ["年" * 61, "a" * 200, "a." + "b" * 200, "." + "年" * 100])
def test_names_too_long_are_cut(index: Index, tmp_path: Path, folder: str) -> None:
    uploads = Uploads(Access(index))
    uploads.add_file(uploaded(tmp_path, "The medlar is brown."), f"{folder}/{'年' * 100}.txt")
    assert uploads.wait(60)
    (job,) = uploads.jobs()
    assert job.state == "done"
    parts = Path(job.uri).relative_to(index.folder / UPLOADS).parts
    assert parts[1] == "年" * 58 + ".txt"
    assert folder.lstrip(".").startswith(parts[0])
    assert 170 < len(parts[0].encode()) <= 180


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_no_name_leads_out_of_the_uploads(index: Index, name: str) -> None:
    uploads = Uploads(Access(index))
    uploads._put = lambda jobs: names.extend(job.uri for job in jobs)  # type: ignore
    names: list[str] = []
    for given_name in (name + ".txt", f"../{name}/../../etc/x.txt", f"/{name}\\..\\x.txt"):
        path = index.folder / "sent"
        path.write_text("x", encoding="utf-8")
        try:
            uploads.add_file(path, given_name)
        except BadInput:
            continue
    root = (index.folder / UPLOADS).resolve()
    assert all(Path(uri).resolve().is_relative_to(root) for uri in names)


def test_the_page_gets_only_what_the_index_holds(desk: Desk, docs: Path) -> None:
    with pytest.raises(BadInput, match="did not arrive"):
        desk.add({"path": str(docs / "apples.txt"), "name": "apples.txt"}, "")
    assert (docs / "apples.txt").is_file()
    for source in ("../../etc/passwd", str(docs / "apples.txt"), ""):
        shown = desk.view({"source": source, "start": 0, "end": 5}, "")
        assert "Bramley" not in shown["html"] and "root:" not in shown["html"]
    with pytest.raises(BadInput, match="not in the library"):
        desk.remove({"source": "nothing"}, "")


def test_what_fails_comes_back_as_a_sentence(desk: Desk) -> None:
    served = {function.__name__: function for function in desk.functions()}
    request: Any = SimpleNamespace(username=None)
    failed = served["rename"]({"id": "none", "title": "x"}, request)
    assert "not there any more" in failed["error"]
    assert "terminal" in served["view"]({"source": "x", "start": "y", "end": 1}, request)["error"]
    assert "terminal" in served["view"]([], request)["error"]


def test_whatever_fails_is_in_the_log_with_its_trace(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(owner: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(desk._uploads, "dismiss", full)
    served = {function.__name__: function for function in desk.functions()}
    request: Any = SimpleNamespace(username=None)
    assert "terminal" in served["dismiss"]({}, request)["error"]
    assert "No space left" in caplog.text and "in full" in caplog.text


def test_thousands_of_sources_are_listed_by_the_page(desk: Desk) -> None:
    from ingest.sync import add_texts

    add_texts(desk._access.index, [(f"t/{n}", f"Text {n:04}", f"Number {n}.") for n in range(120)])
    first = LexborHTMLParser(desk.library({}, "")["html"])
    assert len(first.css(".fn-src")) == 50
    assert "73 more" in first.css(".fn-rest")[0].text()
    last = LexborHTMLParser(desk.library({"start": 100}, "")["html"])
    assert len(last.css(".fn-src")) == 23 and not last.css(".fn-rest")
    found = LexborHTMLParser(desk.library({"words": "text 0007"}, "")["html"])
    assert [n.text() for n in found.css(".fn-src span")] == ["Text 0007"]


def test_first_questions_come_from_the_library(sample: Index) -> None:
    from ui.web.suggest import first_questions

    questions = first_questions(sample)
    assert 2 <= len(questions) <= 4
    assert all(q.endswith("?") for q in questions)
    assert all(sample.ask(q).status == "answered" for q in questions)


def test_first_questions_ask_no_language_model(docs: Path, tmp_path: Path) -> None:
    from ui.web.suggest import first_questions

    model = ScriptedModel(scripts=[], asked=[])
    with create_index(tmp_path / "index") as made:
        sync(made, [docs])
    with open_index(tmp_path / "index", Settings(engine="llm", llm=model)) as index:
        first_questions(index)
    assert model.asked == []


def test_first_questions_are_answered_and_follow_the_library(index: Index, tmp_path: Path) -> None:
    from ui.web.suggest import first_questions

    assert first_questions(index) == []
    prose = "The pier was built of oak in the year 1874 and is closed to the public in winter."
    (tmp_path / "pier.md").write_text(f"# The old pier\n\n## The pier\n\n{prose}\n")
    (tmp_path / "prices.csv").write_text("berth,price\nA,120\nB,90\n")
    sync(index, [tmp_path])
    # A heading that says no more than the title asks nothing, nor is a table told in brief.
    assert first_questions(index) == ["What is “The old pier” about?"]


def test_a_document_is_read_again_and_moved_in_the_order_asked_for(
    index: Index, docs: Path
) -> None:
    sync(index, [docs])
    uploads = Uploads(Access(index))
    apples = next(s for s in index.library.sources().values() if s.uri.endswith("apples.txt"))
    uploads.move(apples, "one")
    uploads.move(apples, "two")
    uploads.read_again(apples)
    uploads.move(apples, "one")
    assert uploads.wait(60)
    said = [(job.task, job.state, job.detail) for job in reversed(uploads.jobs())]
    assert [row for row in said if row[0] == "move"] == [
        ("move", "done", "now in one"),
        ("move", "done", "now in two"),
        ("move", "done", "now in one"),
    ]
    assert ("read again", "done", "") in said
    assert index.library.collections() == {apples.uri: "one"}
    assert index.library.sources()[apples.id].title == apples.title
    Path(apples.uri).write_text("The Cox apple is of 1825.", encoding="utf-8")
    uploads.read_again(apples)
    assert uploads.wait(60)
    assert "Cox" in index.search("Cox apple")[0].chunk.text
    Path(apples.uri).unlink()
    changed = next(s for s in index.library.sources().values() if s.uri == apples.uri)
    with pytest.raises(BadInput, match="is not where it was read: put it back"):
        uploads.read_again(changed)
    assert apples.uri in index.library.files()


def test_a_web_page_is_read_again(index: Index, tmp_path: Path) -> None:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"<title>Fruit</title><p>{said[0]}</p>".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:  # noqa: ANN401
            pass

    said = ["The quince is green."]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        uploads = Uploads(Access(index), allow_private=True)
        uploads.add_addresses(f"http://127.0.0.1:{server.server_port}/fruit.html")
        assert uploads.wait(60)
        (source,) = index.library.sources().values()
        said[0] = "The quince is yellow."
        uploads.read_again(source)
        assert uploads.wait(60)
        assert [job.state for job in uploads.jobs()] == ["done", "done"]
        (again,) = index.library.sources().values()
        assert again.uri == source.uri and "yellow" in index.library.text(again.id)
    finally:
        server.shutdown()
        server.server_close()


def test_what_a_member_of_an_archive_is_read_again_from_is_the_archive(
    index: Index, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("a/quince.txt", "The quince is yellow.")
    sync(index, [tmp_path / "all.zip"])
    (source,) = index.library.sources().values()
    uploads = Uploads(Access(index))
    uploads.read_again(source)
    assert uploads.wait(60)
    (job,) = uploads.jobs()
    assert (job.name, job.state) == ("all.zip", "done")
    assert list(index.library.sources()) == [source.id]


def test_a_file_in_a_folder_marked_as_an_archive_is_a_file(index: Index, tmp_path: Path) -> None:
    uploads = Uploads(Access(index))
    uploads.add_file(uploaded(tmp_path, "The quince is yellow."), "Urgent!/quince.txt")
    assert uploads.wait(60)
    (source,) = index.library.sources().values()
    file = Path(source.uri)
    assert file == index.folder / UPLOADS / "Urgent!" / "quince.txt"
    assert changed_files(index.library, [source.uri]) == []
    file.write_text("The quince is green.", encoding="utf-8")
    assert changed_files(index.library, [source.uri]) == [source.uri]
    uploads.read_again(source)
    assert uploads.wait(60)
    (source,) = index.library.sources().values()
    assert changed_files(index.library, [source.uri]) == []
    uploads.remove(source)
    assert uploads.wait(60)
    assert not file.exists()


def test_an_uploaded_archive_goes_with_the_last_document_in_it(
    index: Index, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "sent", "w") as archive:
        archive.writestr("quince.txt", "The quince is yellow.")
        archive.writestr("medlar.txt", "The medlar is brown.")
    uploads = Uploads(Access(index))
    uploads.add_file(tmp_path / "sent", "both.zip")
    assert uploads.wait(60)
    first, second = index.library.sources().values()
    uploads.remove(first)
    assert uploads.wait(60)
    assert list(index.library.sources()) == [second.id]
    assert (index.folder / UPLOADS / "both.zip").is_file()
    assert changed_files(index.library, [second.uri]) == []
    uploads.remove(second)
    assert uploads.wait(60)
    assert not (index.folder / UPLOADS / "both.zip").exists()


def test_rows_say_how_each_source_stands(desk: Desk, docs: Path, tmp_path: Path) -> None:
    index = desk._access.index
    (docs / "apples.txt").write_text("Changed.", encoding="utf-8")
    (docs / "plums.csv").unlink()
    rows = LexborHTMLParser(desk.library({}, "")["html"])
    said = {row.css("span")[0].text().lower(): row.css("small")[0].text() for row in rows.css("li")}
    size = index.library.stats()[str(docs / "apples.txt")].size
    assert said["apples"].startswith(f"changed since it was read · {size} B · 20")
    assert said["plums"].startswith("the file is gone · ")
    assert said["pears"].startswith("ready · ")
    with index.library.writing():
        index.library._db.execute("UPDATE chunks SET vector = NULL")
    rows = LexborHTMLParser(desk.library({"words": "pears"}, "")["html"])
    assert rows.css("small")[0].text().startswith("searchable by words")
    chosen = [*index.library.sources(), "gone"]
    assert desk.library({"chosen": chosen}, "")["chosen"] == sorted(index.library.sources())
