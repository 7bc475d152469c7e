"""Opening indexes: the right one, the wrong one, none."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

import rag
from ingest.sync import sync
from rag import Answer, BadIndex, BadInput, BadQuestion, create_index, open_index
from rag.embed import DEFAULT_MODEL, model_path
from rag.index import Index
from rag.library import Library


def test_everything_public_is_there() -> None:
    for name in rag.__all__:
        assert getattr(rag, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        rag.nonsense  # noqa: B018


def test_no_index_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(BadIndex, match="footnote ingest"):
        open_index(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_folder_that_is_no_index_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(BadIndex, match="not an index"):
        open_index(tmp_path)
    with pytest.raises(BadInput, match="other files"):
        create_index(tmp_path)
    with pytest.raises(BadInput, match="other files"):
        create_index(tmp_path / "thesis.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_index_whose_making_was_stopped_is_made_whole(tmp_path: Path, docs: Path) -> None:
    folder = tmp_path / "half"
    folder.mkdir()
    Library(folder / "library.sqlite3", create=True).close()
    with pytest.raises(BadIndex, match="never finished"):
        open_index(folder)
    with create_index(folder) as whole:
        assert sync(whole, [docs]).count("added") == 3


def test_an_index_of_another_layout_is_refused(index: Index) -> None:
    index.close()
    with sqlite3.connect(index.folder / "library.sqlite3") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(BadIndex, match="layout 99"):
        open_index(index.folder)


def test_a_missing_or_broken_library_says_so(index: Index) -> None:
    index.close()
    path = index.folder / "library.sqlite3"
    path.unlink()
    with pytest.raises(BadIndex, match="has no library"):
        open_index(index.folder)
    path.write_bytes(b"this is no database, and never was one" * 100)
    with pytest.raises(BadIndex, match="cannot be used"):
        open_index(index.folder)


def test_an_index_of_another_embedding_model_names_both(index: Index) -> None:
    with index.library.writing():
        index.library.put_manifest(replace(index.manifest, embedding_fingerprint="0" * 64))
    with open_index(index.folder) as other, pytest.raises(BadIndex) as caught:
        other.search("anything")
    assert "000000000000" in str(caught.value)
    assert "--embedding-model" in str(caught.value)


def test_an_empty_index_declines(index: Index) -> None:
    answer = index.ask("Who invested in OpenAI?")
    assert answer.status == "declined"
    assert answer.passages == ()
    assert answer.confidence == 0.0


@pytest.mark.parametrize("question", ["", "   \n", "?!", "x" * 100_000])
def test_questions_that_cannot_be_asked(index: Index, question: str) -> None:
    with pytest.raises(BadQuestion):
        index.ask(question)


def test_history_must_be_turns(index: Index) -> None:
    with pytest.raises(BadQuestion, match="row 1"):
        index.ask("Why?", history=[{"speaker": "me"}])
    with pytest.raises(BadQuestion, match="row 1"):
        index.ask("Why?", history=["hi"])  # type: ignore[list-item]


def test_batch_invoke_and_stream_agree(index: Index, docs: Path) -> None:
    sync(index, [docs])
    question = "Where was the Bramley apple first grown?"
    answer = index.ask(question)
    *pieces, last = index.stream(question)
    assert isinstance(last, Answer)
    assert "".join(str(piece) for piece in pieces) == last.text == answer.text
    (batched,) = index.chain.batch([question])
    assert batched.text == answer.text


def test_the_retriever_is_langchains(index: Index, docs: Path) -> None:
    sync(index, [docs])
    document = index.retriever.invoke("Bramley apple")[0]
    text = index.library.text(document.metadata["source_id"])
    assert text[document.metadata["start"] : document.metadata["end"]] == document.page_content
    assert "Bramley" in document.page_content


def test_many_threads_share_an_index(index: Index, docs: Path) -> None:
    sync(index, [docs])
    for _ in range(5):
        with open_index(index.folder) as shared, ThreadPoolExecutor(7) as pool:
            warming = pool.submit(shared.warm)
            asking = [pool.submit(shared.ask, "Who grew the first Bramley?") for _ in range(6)]
            assert warming.result(timeout=60) > 0
            assert len({job.result(timeout=60).text for job in asking}) == 1


def test_the_working_directory_may_change(
    index: Index, docs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sync(index, [docs])
    monkeypatch.chdir(index.folder.parent)
    with open_index(index.folder.name) as relative:
        monkeypatch.chdir(docs)
        assert relative.search("Bramley apple")[0].similarity is not None


@pytest.mark.parametrize("question", ["caf\udce9?", "\ud800 why"])
def test_a_question_that_is_no_text_is_refused(index: Index, question: str) -> None:
    with pytest.raises(BadQuestion, match="not valid text"):
        index.ask(question)


def test_a_model_given_by_its_folder_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, docs: Path
) -> None:
    (tmp_path / "model").symlink_to(model_path(DEFAULT_MODEL))
    monkeypatch.chdir(tmp_path)
    with create_index("by-path", "./model") as made:
        sync(made, [docs])
    monkeypatch.chdir(docs)
    with open_index(tmp_path / "by-path") as found:
        assert found.search("Bramley apple")[0].similarity is not None
        assert found.manifest.embedding_model == str(tmp_path / "model")
