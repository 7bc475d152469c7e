"""What happens to documents over time: versions, deletion, following, making anew, backup."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from ingest import reindex as module
from ingest.backup import backup, restore
from ingest.originals import original_path
from ingest.reindex import reindex
from ingest.report import Report
from ingest.sync import remove, sync
from ingest.watch import follow
from rag.embed import DEFAULT_MODEL, model_path
from rag.errors import BadIndex, BadInput
from rag.index import Index, create_index, open_index
from rag.library import KEPT_VERSIONS
from rag.standing import standing
from tests.test_ingest_sync import check_whole

BRAMLEY = "Where was the Bramley apple first grown?"


def cox(docs: Path) -> None:
    (docs / "apples.txt").write_text("Apples\n\nThe Cox apple was raised by Richard Cox in 1825.\n")


def test_an_answer_keeps_pointing_at_the_version_it_quoted(index: Index, docs: Path) -> None:
    sync(index, [docs])
    answer = index.ask(BRAMLEY)
    (citation,) = answer.citations
    assert answer.notes == ()
    assert standing(index.library, answer) == {1: "current"}
    cox(docs)
    assert "no longer as it was when it was read" in index.ask(BRAMLEY).notes[0]
    sync(index, [docs])
    check_whole(index)
    assert standing(index.library, answer) == {1: "superseded"}
    assert index.library.text(citation.source_id)[citation.start : citation.end] == citation.quote
    assert index.library.places(citation.source_id)
    original = original_path(index, citation.source_id.split("-")[1])
    assert any(p.name.startswith(original.name) for p in original.parent.glob("*"))
    assert not any("Bramley" in p.chunk.text for p in index.search("Bramley apple"))
    remove(index, [docs / "apples.txt"])
    assert standing(index.library, answer) == {1: "gone"}
    with pytest.raises(KeyError):
        index.library.text(citation.source_id)
    check_whole(index)


def test_a_file_changed_back_is_current_again(index: Index, docs: Path) -> None:
    before = (docs / "apples.txt").read_bytes()
    sync(index, [docs])
    answer = index.ask(BRAMLEY)
    cox(docs)
    sync(index, [docs])
    (docs / "apples.txt").write_bytes(before)
    report = sync(index, [docs])
    assert report.count("changed") == 1
    check_whole(index)
    assert standing(index.library, answer) == {1: "current"}
    assert index.ask(BRAMLEY).text == answer.text


def test_only_so_many_versions_are_kept(index: Index, docs: Path) -> None:
    for i in range(KEPT_VERSIONS + 3):
        (docs / "apples.txt").write_text(f"Apples\n\nThe harvest was {i} tons.\n")
        sync(index, [docs])
    check_whole(index)
    assert index.library.earlier_versions(str(docs / "apples.txt")) == KEPT_VERSIONS
    assert len(index.library.hashes()) == KEPT_VERSIONS + 3


def test_what_was_deleted_is_nowhere(index: Index, docs: Path) -> None:
    secret = docs / "secret.txt"
    for word in ("zanzibarium", "quixotrope"):
        secret.write_text(f"Secrets\n\nThe {word} is kept under the third stone of the garden.\n")
        sync(index, [docs])
    assert "quixotrope" in index.ask("Where is the quixotrope kept?").text
    secret.unlink()
    assert sync(index, [docs]).count("removed") == 1
    check_whole(index)
    for word in ("zanzibarium", "quixotrope"):
        assert not index.library.lexical.search(word, 10)
        assert index.library.lexical.df(word) == 0
        vector = index.encoder.encode_queries([f"the {word} under the third stone"])[0]
        chunks = index.library.chunks(list(index.nearest(vector, 50)))
        assert not any("stone" in chunk.text for chunk in chunks.values())
        assert index.ask(f"Where is the {word} kept?").status == "declined"
        kept = [p.read_bytes() for p in (index.folder / "originals").rglob("*") if p.is_file()]
        assert not any(word.encode() in data for data in kept)
    sources = index.library.hashes()
    assert len(sources) == 3
    with index.lock():
        assert not any("secret" in i for i in index.vectors.ids())


def test_a_small_change_embeds_only_what_changed(index: Index, docs: Path) -> None:
    sections = [f"# Part {i}\n\nOrchard number {i} bears {i + 3} kinds of pears." for i in range(8)]
    (docs / "many.md").write_text("\n\n".join(sections))
    sync(index, [docs])
    made: list[int] = []
    encode = index.encoder.encode_documents
    sections[3] = "# Part 3\n\nOrchard number 3 was felled."
    (docs / "many.md").write_text("\n\n".join(sections))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            index.encoder,
            "encode_documents",
            lambda texts, *rest: (made.append(len(texts)), encode(texts, *rest))[1],
        )
        sync(index, [docs])
    assert sum(made) == 1
    check_whole(index)
    assert any("felled" in p.chunk.text for p in index.search("which orchard was felled?"))


def test_reindex_reads_everything_again(index: Index, docs: Path) -> None:
    shutil.copy(docs / "apples.txt", docs / "again.txt")
    sync(index, [docs])
    answer = index.ask(BRAMLEY)
    cox(docs)
    with open_index(index.folder) as reader:
        before = reader.ask(BRAMLEY).text
        report = reindex(index)
        assert report.count("changed") == 3
        assert report.embedded > 0
        check_whole(index)
        # The kept originals are read, not the files; versions and places stay.
        assert reader.ask(BRAMLEY).text == before == answer.text
        assert reader.library.counts() == index.library.counts()
        assert index.library.counts().files == 4
    assert not (index.folder / "reindex").exists()
    assert index.manifest.collection == "chunks-2"
    assert sync(index, [docs]).count("changed") == 1


def test_reindex_changes_the_embedding_model(index: Index, docs: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(model_path(DEFAULT_MODEL), model)
    (model / "extra.json").write_text("{}")  # the same weights under another fingerprint
    sync(index, [docs])
    old = index.manifest
    with open_index(index.folder) as reader:
        assert reader.search("a pear's award")
        reindex(index, str(model))
        assert index.manifest.embedding_fingerprint != old.embedding_fingerprint
        first = reader.search("a pear's award")[0]
        assert "Conference" in first.chunk.text
        assert first.similarity is not None
        assert reader.encoder.fingerprint == index.manifest.embedding_fingerprint
    with pytest.raises(BadIndex, match="reindex --embedding-model"):
        create_index(index.folder, DEFAULT_MODEL)


def test_a_failed_reindex_changes_nothing_and_can_go_on(
    index: Index, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(index, [docs])
    before, manifest = index.ask(BRAMLEY), index.manifest
    real, calls = module.record_of, 0

    def stop(*args: object, **more: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return real(*args, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(module, "record_of", stop)
        with pytest.raises(KeyboardInterrupt):
            reindex(index)
    assert index.manifest == manifest
    assert index.ask(BRAMLEY).text == before.text
    check_whole(index)
    assert len(reindex(index).files) == 2
    check_whole(index)
    assert index.ask(BRAMLEY).text == before.text


def test_reindex_keeps_what_cannot_be_read_any_more(index: Index, docs: Path) -> None:
    sync(index, [docs])
    source = next(s for s in index.library.sources().values() if s.uri.endswith("apples.txt"))
    original_path(index, source.sha256).unlink()
    report = reindex(index)
    (failed,) = [row for row in report.files if row.state == "failed"]
    assert "kept as it was" in failed.problem
    assert "Southwell" in index.ask(BRAMLEY).text


def test_a_backup_is_the_whole_index(index: Index, docs: Path, tmp_path: Path) -> None:
    sync(index, [docs])
    cox(docs)
    sync(index, [docs])
    question = "Who raised the Cox apple?"
    answer = index.ask(question)
    (index.folder / "cases.jsonl").write_text("{}\n")
    with closing(sqlite3.connect(index.folder / "conversations.sqlite3")) as talk:
        talk.executescript("PRAGMA journal_mode = WAL; CREATE TABLE said (text TEXT)")
        talk.execute("INSERT INTO said VALUES ('hello')")
        talk.commit()
        size = backup(index, tmp_path / "saved.zip")
    assert size == (tmp_path / "saved.zip").stat().st_size
    with restore(tmp_path / "saved.zip", tmp_path / "new" / "index") as again:
        check_whole(again)
        assert again.ask(question).text == answer.text
        assert again.library.files() == index.library.files()
        assert sync(again, [docs]).count("unchanged") == 3
        assert (again.folder / "cases.jsonl").read_text() == "{}\n"
        with closing(sqlite3.connect(again.folder / "conversations.sqlite3")) as talk:
            assert talk.execute("SELECT text FROM said").fetchall() == [("hello",)]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["docs", "index", "new", "saved.zip"]


@pytest.mark.timeout(30)  # one that saves itself would fill the disk
def test_a_backup_in_the_indexs_own_folder_is_refused(index: Index, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(index.folder)
    for target in (index.folder / "saved.zip", tmp_path / "link" / "originals" / "saved.zip"):
        with pytest.raises(BadInput, match="own folder"):
            backup(index, target)
    assert not list(index.folder.rglob("saved*"))


def test_a_damaged_backup_is_refused(index: Index, docs: Path, tmp_path: Path) -> None:
    sync(index, [docs])
    saved = tmp_path / "saved.zip"
    backup(index, saved)
    with pytest.raises(BadInput, match="not empty"):
        restore(saved, docs)
    with zipfile.ZipFile(saved) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    original = next(name for name in parts if name.startswith("originals/"))
    for change in (
        {original: b"something else"},
        {"library.sqlite3": parts["library.sqlite3"][:-10]},
        {"../outside.txt": b"x"},
        {"SHA256SUMS": b""},
    ):
        with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
            for name, data in (parts | change).items():
                archive.writestr(name, data)
        with pytest.raises(BadIndex):
            restore(tmp_path / "bad.zip", tmp_path / "restored")
        assert not (tmp_path / "restored").exists()
    saved.write_bytes(saved.read_bytes()[:500])
    with pytest.raises(BadIndex, match="cannot be restored"):
        restore(saved, tmp_path / "restored")


@pytest.fixture
def following(index: Index, docs: Path) -> Iterator[Callable[[], Report]]:
    """Follows ``docs``; each call waits for the next report."""
    stop, arrived = threading.Event(), threading.Condition()
    reports: list[Report] = []

    def run() -> None:
        for report in follow(index, [docs], stop=stop):
            with arrived:
                reports.append(report)
                arrived.notify()

    thread = threading.Thread(target=run)
    thread.start()

    def following_report() -> Report:
        with arrived:
            assert arrived.wait_for(lambda: reports, timeout=60), "nothing was noticed"
            return reports.pop(0)

    yield following_report
    stop.set()
    thread.join(timeout=60)
    assert not thread.is_alive()


def changes(report: Report) -> set[tuple[str, str]]:
    return {(Path(r.uri).name, r.state) for r in report.files if r.state != "unchanged"}


def test_a_folder_is_followed(
    index: Index, docs: Path, tmp_path: Path, following: Callable[[], Report]
) -> None:
    assert following().count("added") == 3
    (docs / "quinces.md").write_text("# Quinces\n\nThe Vranja quince comes from Serbia.\n")
    assert changes(following()) == {("quinces.md", "added")}
    # As editors save: a new file takes the place of the old one.
    (docs / "quinces.md.tmp~").write_text("# Quinces\n\nThe Meech quince is from Connecticut.\n")
    (docs / "quinces.md.tmp~").replace(docs / "quinces.md")
    assert changes(following()) == {("quinces.md", "changed")}
    shutil.move(docs / "deep", docs / "deeper")
    assert changes(following()) == {("pears.md", "added"), ("pears.md", "removed")}
    (docs / "apples.txt").unlink()
    (docs / ".swap.txt").write_text("not for anyone")
    assert changes(following()) == {("apples.txt", "removed")}
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "medlars.txt").write_text("Medlars\n\nThe medlar is eaten bletted.\n")
    shutil.move(outside, docs / "inside")
    assert changes(following()) == {("medlars.txt", "added")}
    check_whole(index)
    assert {Path(uri).name for uri in index.library.files()} == {
        "pears.md",
        "plums.csv",
        "quinces.md",
        "medlars.txt",
    }


@pytest.mark.skipif(sys.platform != "linux", reason="counts what Linux is asked to watch")
def test_only_the_folders_that_are_named_are_followed_to_any_depth(
    index: Index, docs: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    for n in range(50):
        (home / f"other {n}").mkdir(parents=True)
    (home / "todo.md").write_text("Buy quinces.\n", encoding="utf-8")
    stop = threading.Event()
    reports = follow(index, [home / "todo.md", docs], stop=stop)
    assert next(reports).count("added") == 4
    told = ""
    for file in Path("/proc/self/fdinfo").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            told += file.read_text()
    assert 0 < told.count("inotify wd:") < 10
    (home / "todo.md").write_text("Buy medlars.\n", encoding="utf-8")
    assert changes(next(reports)) == {("todo.md", "changed")}
    (docs / "deep" / "new.md").write_text("The quince is yellow.\n", encoding="utf-8")
    assert changes(next(reports)) == {("new.md", "added")}
    stop.set()
    assert list(reports) == []


def test_nothing_to_follow_is_said(index: Index, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nothing to follow"):
        next(follow(index, [tmp_path / "none"]))
