"""An answer on file: what is noticed when the file, its documents or its verdicts change."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sync import remove, sync
from rag import Answer, BadInput, Turn
from rag.index import Index
from rag.receipt import BUILT_IN, Receipt, make_receipt, read_receipts, write_receipt
from rag.recheck import Check, check_receipt
from rag.settings import Settings

GROWN = "Where was the Bramley apple first grown?"


@pytest.fixture
def ready(index: Index, docs: Path) -> Index:
    sync(index, [docs])
    return index


@pytest.fixture
def receipt(ready: Index) -> Receipt:
    made = make_receipt(ready, ready.ask(GROWN))
    assert made.citations
    return made


def generated(answer: Answer, text: str) -> Answer:
    """The answer as a language model might have put it, on the same citations."""
    first = answer.sentences[0]
    sentence = replace(first, text=text, start=0, end=len(text))
    return replace(answer, text=f"{text} [1]", sentences=(sentence,), engine="llm", model="x:y")


def test_what_is_written_is_what_is_read(sample: Index, tmp_path: Path) -> None:
    history = [Turn("user", "Hello, wörld"), {"role": "assistant", "content": "東京"}]
    answer = sample.ask("How much did Microsoft invest in OpenAI in 2019?", history)
    made = make_receipt(sample, answer, history)
    write_receipt(made, tmp_path / "r.json")
    assert read_receipts(tmp_path / "r.json") == [made]
    row = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert row["format"] == "footnote receipt"
    assert row["history"][1] == {"role": "assistant", "text": "東京"}
    assert made.text == answer.text
    assert made.index_revision == sample.library.revision()
    assert made.embedding_fingerprint == sample.encoder.fingerprint
    assert made.verifier == BUILT_IN
    cited = {citation.source_id for citation in answer.citations}
    known = sample.library.sources(cited)
    assert {(s.id, s.sha256, s.uri) for s in made.sources} == {
        (i, known[i].sha256, known[i].uri) for i in cited
    }
    assert check_receipt(sample, made).result == "ok"


def test_the_verifier_of_the_question_is_recorded(ready: Index) -> None:
    answer = ready.ask(GROWN)
    made = make_receipt(ready, answer, settings=Settings(verifier="./judge"))
    assert made.verifier == "./judge"


def test_a_declined_answer_has_a_receipt_too(ready: Index, tmp_path: Path) -> None:
    answer = ready.ask("Who won the chess world championship of 1972?")
    assert answer.status == "declined"
    write_receipt(make_receipt(ready, answer), tmp_path / "r.json")
    check = check_receipt(ready, *read_receipts(tmp_path / "r.json"))
    assert (check.result, check.citations, check.sentences) == ("ok", (), ())


@pytest.fixture(scope="module")
def written(sample: Index, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("receipts") / "r.json"
    question = "How much did Microsoft invest in OpenAI in 2019?"
    write_receipt(make_receipt(sample, sample.ask(question), [Turn("user", "Hi")]), path)
    return path


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401
    """The way to every value in a JSON document that holds no others."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if isinstance(inner, dict | list) and inner:
            yield from leaves(inner, (*path, key))
        else:
            yield (*path, key)


@cache
def content(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@given(data=st.data())
def test_any_changed_value_is_noticed(written: Path, data: st.DataObject) -> None:
    row = json.loads(content(written))
    way = data.draw(st.sampled_from(list(leaves(row))))
    holder = row
    for key in way[:-1]:
        holder = holder[key]
    before = holder[way[-1]]
    other = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())
    after = data.draw(other.filter(lambda value: json.dumps(value) != json.dumps(before)))
    holder[way[-1]] = after
    changed = written.with_name("changed.json")
    changed.write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(BadInput, match=r"changed\.json"):
        read_receipts(changed)


@given(data=st.data())
def test_any_missing_or_added_value_is_noticed(written: Path, data: st.DataObject) -> None:
    row = json.loads(content(written))
    way = data.draw(st.sampled_from(list(leaves(row))))
    holder = row
    for key in way[:-1]:
        holder = holder[key]
    if isinstance(holder, list) or data.draw(st.booleans()):
        del holder[way[-1]]
    else:
        holder["more"] = ""
    changed = written.with_name("changed.json")
    changed.write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(BadInput, match=r"changed\.json"):
        read_receipts(changed)


def test_the_layout_of_the_file_does_not_matter(written: Path) -> None:
    row = json.loads(content(written))
    other = written.with_name("other.json")
    turned = dict(reversed(row.items()))
    other.write_text(json.dumps(turned, ensure_ascii=True), encoding="utf-8")
    assert read_receipts(other) == read_receipts(written)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a": NaN}', "not JSON"),
        (b'{"format": "footnote receipt", "version": 1, "confidence": 1e999}', "no receipt"),
        (b'{"format": "footnote receipt", "format": "footnote receipt"}', "twice"),
        (b"[]", "no receipt"),
        (b"{}", "no receipt"),
        (b'{"format": "footnote receipt", "version": 2}', "version 2"),
        (b'{"format": "footnote receipt", "version": 1}', "changed after it was made"),
    ],
)
def test_what_is_no_receipt_says_why(tmp_path: Path, given: bytes, words: str) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(given)
    with pytest.raises(BadInput, match=words):
        read_receipts(path)


def test_files_that_cannot_be_used(tmp_path: Path, receipt: Receipt) -> None:
    with pytest.raises(BadInput, match="check the path"):
        read_receipts(tmp_path / "none.json")
    with pytest.raises(BadInput, match="another file"):
        write_receipt(receipt, tmp_path / "none" / "r.json")
    with pytest.raises(BadInput, match="not valid text"):
        write_receipt(replace(receipt, text="\ud800"), tmp_path / "r.json")


def test_an_edited_file_that_was_read_again(ready: Index, docs: Path, receipt: Receipt) -> None:
    path = docs / "apples.txt"
    path.write_text(path.read_text(encoding="utf-8").replace("1809", "1810"), encoding="utf-8")
    sync(ready, [docs])
    check = check_receipt(ready, receipt)
    assert check.result == "changed"
    row = check.citations[0]
    assert (row.quote, row.standing, row.result) == ("there", "superseded", "changed")
    assert "earlier version" in row.detail
    assert [s.result for s in check.sentences] == ["ok"] * len(receipt.sentences)


def test_an_edited_file_that_was_not_read_again(ready: Index, docs: Path, receipt: Receipt) -> None:
    (docs / "apples.txt").write_text("Something else altogether.", encoding="utf-8")
    row = check_receipt(ready, receipt).citations[0]
    assert (row.quote, row.standing, row.result) == ("there", "current", "changed")
    assert "has changed since it was read" in row.detail


def test_a_removed_file(ready: Index, docs: Path, receipt: Receipt) -> None:
    remove(ready, [docs / "apples.txt"])
    check = check_receipt(ready, receipt)
    assert check.result == "broken"
    row = check.citations[0]
    assert (row.quote, row.standing) == ("missing", "gone")
    assert "removed" in row.detail


def test_a_moved_file_is_the_same_document(ready: Index, docs: Path, receipt: Receipt) -> None:
    shutil.move(docs / "apples.txt", docs / "deep" / "bramley.txt")
    sync(ready, [docs])
    row = check_receipt(ready, receipt).citations[0]
    assert (row.quote, row.standing) == ("there", "current")
    assert "bramley.txt" in row.detail


def with_citation(receipt: Receipt, **changes: Any) -> Receipt:  # noqa: ANN401
    first, *others = receipt.sentences
    citation = replace(first.citations[0], **changes)
    return replace(receipt, sentences=(replace(first, citations=(citation,)), *others))


@pytest.mark.parametrize(
    ("changes", "quote"),
    [
        (lambda c: {"quote": c.quote.replace("1809", "1909")}, "missing"),
        (lambda c: {"start": c.start + 1, "end": c.end + 1}, "moved"),
        (lambda c: {"end": c.end + 1}, "moved"),
        (lambda c: {"start": c.start - 1000, "end": c.end - 1000}, "moved"),
        (lambda c: {"source_id": "txt-00000000000000000000"}, "missing"),
    ],
)
def test_a_quote_that_is_not_where_it_is_said_to_be(
    ready: Index, receipt: Receipt, changes: Callable[[Any], dict[str, Any]], quote: str
) -> None:
    forged = with_citation(receipt, **changes(receipt.citations[0]))
    check = check_receipt(ready, forged)
    assert check.citations[0].quote == quote
    assert check.result != "ok"
    assert (check.result == "broken") == (quote == "missing")


def test_a_receipt_of_other_bytes_is_noticed(ready: Index, receipt: Receipt) -> None:
    forged = replace(receipt, sources=(replace(receipt.sources[0], sha256="0" * 64),))
    check = check_receipt(ready, forged)
    assert check.result == "broken"
    assert "another document" in check.citations[0].detail


def checked(index: Index, text: str, verdict: Any, policy: Any = "mark") -> Check:  # noqa: ANN401
    answer = generated(index.ask(GROWN), text)
    sentence = replace(answer.sentences[0], verdict=verdict)
    answer = replace(answer, sentences=(sentence,), policy=policy)
    return check_receipt(index, make_receipt(index, answer))


def test_a_verdict_that_was_recorded_wrong_is_noticed(ready: Index) -> None:
    false = "The Bramley apple was first grown in Paris in 1925."
    check = checked(ready, false, "supported")
    assert check.result == "broken"
    assert check.sentences[0].now != "supported"
    assert check.sentences[0].reasons
    assert checked(ready, false, check.sentences[0].now).result == "ok"
    true = "Southwell is where the Bramley apple was first grown."
    assert checked(ready, true, "supported").result == "ok"
    assert checked(ready, true, "unsupported").result == "changed"


def test_what_was_never_checked_is_not_checked_now(ready: Index) -> None:
    check = checked(ready, "The moon is made of cheese.", "supported", policy="off")
    assert (check.result, check.sentences) == ("ok", ())
    assert "not checked" in check.notes[0]


def test_the_text_must_say_what_its_sentences_say(ready: Index, receipt: Receipt) -> None:
    forged = replace(receipt, text=receipt.text.replace("Southwell", "Northwell"))
    check = check_receipt(ready, forged)
    assert check.result == "broken"
    assert "something else" in check.sentences[0].reasons[-1]


def test_the_text_says_nothing_beside_its_sentences(ready: Index, receipt: Receipt) -> None:
    lie = "The orchard owes a million at once. "
    moved = [replace(s, start=s.start + len(lie), end=s.end + len(lie)) for s in receipt.sentences]
    forged = replace(receipt, text=lie + receipt.text, sentences=tuple(moved))
    check = check_receipt(ready, forged)
    assert check.result == "broken" and "owes a million" in check.notes[0]
    empty = replace(receipt, text="Yes, it was.", sentences=(), sources=())
    assert check_receipt(ready, empty).result == "broken"


def test_another_verifier_is_told(ready: Index) -> None:
    answer = generated(ready.ask(GROWN), "Southwell is where the Bramley apple was first grown.")
    made = make_receipt(ready, answer, settings=Settings(verifier="/no/such/model"))
    (note,) = check_receipt(ready, made).notes
    assert "/no/such/model" in note


def test_a_receipt_of_a_source_that_changed_meanwhile_but_none_of_one_that_is_gone(
    ready: Index, docs: Path
) -> None:
    answer = ready.ask(GROWN)
    (docs / "apples.txt").write_text("Apples\n\nNothing is known of them.\n", encoding="utf-8")
    sync(ready, [docs])
    assert check_receipt(ready, make_receipt(ready, answer)).result == "changed"
    (docs / "apples.txt").unlink()
    sync(ready, [docs])
    with pytest.raises(BadInput, match="ask again"):
        make_receipt(ready, answer)
