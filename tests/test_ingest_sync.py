"""Files in, index up to date: nothing lost, nothing left, whatever happens in between."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from ingest.files import find_files
from ingest.originals import original_path
from ingest.report import FileReport, Progress
from ingest.sync import remove, sync
from rag.errors import BadIndex, BadInput
from rag.index import Index, create_index, open_index
from tests.conftest import ROOT


def states(index: Index, *paths: Path) -> dict[str, str]:
    return {Path(row.uri).name: row.state for row in sync(index, paths).files}


def check_whole(index: Index) -> None:
    """Library, lexical index and vectors hold the same chunks, and every offset is exact."""
    chunks = index.library.chunks(range(10_000))
    assert index.vectors.ids() == {chunk.id for chunk in chunks.values()}
    assert len(index.library.lexical) == len(chunks)
    assert index.library.counts().owed == 0
    assert not index.library.doomed()
    sources = index.library.sources()
    assert {chunk.source_id for chunk in chunks.values()} == set(sources)
    for chunk in chunks.values():
        assert index.library.text(chunk.source_id)[chunk.start : chunk.end] == chunk.text
        assert chunk.id in set(index.library.embedded().values())
    assert not index.library.has_unused_vectors()
    kept = {p.name for p in (index.folder / "originals").glob("*/*")}
    assert kept == index.library.hashes() >= {source.sha256 for source in sources.values()}


def test_new_unchanged_changed_and_vanished(index: Index, docs: Path) -> None:
    assert states(index, docs) == {"apples.txt": "added", "pears.md": "added", "plums.csv": "added"}
    check_whole(index)
    assert set(states(index, docs).values()) == {"unchanged"}
    (docs / "apples.txt").write_text("Apples\n\nThe Cox apple was raised by Richard Cox in 1825.\n")
    (docs / "plums.csv").unlink()
    assert states(index, docs) == {
        "apples.txt": "changed",
        "pears.md": "unchanged",
        "plums.csv": "removed",
    }
    check_whole(index)
    text = " ".join(p.chunk.text for p in index.search("Bramley apple and Pershore plum", k=20))
    assert "Cox" in text
    assert "Bramley" not in text
    assert "Pershore" not in text


def test_originals_are_the_bytes_as_they_were(index: Index, docs: Path) -> None:
    sync(index, [docs])
    for source in index.library.sources().values():
        assert original_path(index, source.sha256).read_bytes() == Path(source.uri).read_bytes()


def test_the_same_file_twice_is_one_source_at_two_places(index: Index, docs: Path) -> None:
    shutil.copy(docs / "apples.txt", docs / "deep" / "again.txt")
    sync(index, [docs])
    check_whole(index)
    (passage,) = [p for p in index.search("Bramley apple") if "Bramley" in p.chunk.text]
    assert [Path(u).name for u in (passage.source.uri, *passage.source.also_at)] == [
        "apples.txt",
        "again.txt",
    ]
    (docs / "apples.txt").unlink()
    sync(index, [docs])
    check_whole(index)
    (passage,) = [p for p in index.search("Bramley apple") if "Bramley" in p.chunk.text]
    assert Path(passage.source.uri).name == "again.txt"


def test_a_renamed_file_is_not_embedded_again(index: Index, docs: Path) -> None:
    sync(index, [docs])
    (docs / "apples.txt").rename(docs / "renamed.txt")
    report = sync(index, [docs])
    assert report.embedded == 0
    check_whole(index)
    names = {Path(s.uri).name for s in index.library.sources().values()}
    assert names == {"renamed.txt", "pears.md", "plums.csv"}


def test_one_bad_file_stops_nothing_and_loses_nothing(index: Index, docs: Path) -> None:
    sync(index, [docs])
    (docs / "apples.txt").write_bytes(b"\x00\x01\x02 binary \x00" * 50)
    (docs / "new.md").write_text("# Quinces\n\nThe quince is baked.\n")
    report = sync(index, [docs])
    problems = {Path(r.uri).name: r.problem for r in report.files if r.state == "failed"}
    assert list(problems) == ["apples.txt"]
    assert "apples.txt" in problems["apples.txt"]
    check_whole(index)
    assert any("Bramley" in p.chunk.text for p in index.search("Bramley apple"))
    assert any("quince" in p.chunk.text for p in index.search("quince"))


def test_remove_drops_a_folder_from_the_index_only(index: Index, docs: Path) -> None:
    sync(index, [docs])
    report = remove(index, [docs / "deep"])
    assert [Path(r.uri).name for r in report.files] == ["pears.md"]
    assert (docs / "deep" / "pears.md").exists()
    check_whole(index)
    assert not any("Conference" in p.chunk.text for p in index.search("Conference pear"))


def test_paths_patterns_and_folders(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (docs / ".hidden").mkdir()
    (docs / ".hidden" / "x.txt").write_text("secret")
    (docs / "tool.exe").write_bytes(b"MZ")
    monkeypatch.chdir(docs)
    names = ["apples.txt", "pears.md", "plums.csv"]
    assert sorted(p.name for p in find_files(["."])) == names
    assert [p.name for p in find_files(["*.txt"])] == ["apples.txt"]
    assert sorted(p.name for p in find_files(["**/*"])) == names
    assert [p.name for p in find_files(["apples.txt", docs])].count("apples.txt") == 1
    assert [p.name for p in find_files(["tool.exe"])] == ["tool.exe"]


def test_a_path_that_is_not_there_changes_nothing(index: Index, docs: Path) -> None:
    sync(index, [docs])
    before = index.library.revision()
    with pytest.raises(BadInput, match="nowhere"):
        sync(index, [docs / "nowhere", docs])
    assert index.library.revision() == before


def test_a_file_that_was_named_and_has_gone_is_dropped(index: Index, docs: Path) -> None:
    sync(index, [docs / "apples.txt", docs / "plums.csv"])
    (docs / "apples.txt").unlink()
    assert states(index, docs / "apples.txt") == {"apples.txt": "removed"}
    check_whole(index)


def test_a_stop_between_vectors_and_mark_is_healed(
    index: Index, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(index.library, "put_vectors", stop)
        with pytest.raises(KeyboardInterrupt):
            sync(index, [docs])
    assert index.library.counts().owed == index.library.counts().chunks > 0
    # Until then every word can be found.
    assert any("Bramley" in p.chunk.text for p in index.search("Bramley"))
    sync(index, [docs])
    check_whole(index)


def test_vectors_lost_behind_its_back_are_published_again(index: Index, docs: Path) -> None:
    sync(index, [docs])
    with index.lock():
        index.vectors.delete(sorted(index.vectors.ids())[:2], index.library.revision())
    assert sync(index, [docs]).embedded == 0
    check_whole(index)


def test_one_writer_at_a_time(index: Index, docs: Path) -> None:
    with (
        index.lock(),
        create_index(index.folder) as other,
        pytest.raises(BadIndex, match="another process is writing"),
    ):
        sync(other, [docs])
    assert sync(index, [docs]).count("added") == 3


def test_progress_is_told_of_every_file_and_vector(index: Index, docs: Path) -> None:
    class Count(Progress):
        def __init__(self) -> None:
            self.seen: list[tuple[str, int]] = []

        def files(self, total: int) -> None:
            self.seen.append(("files", total))

        def file(self, row: FileReport) -> None:
            self.seen.append(("file", 1))

        def embedding(self, done: int, total: int) -> None:
            assert done <= total
            self.seen.append(("embedded", 0))
            self.last = done, total

    progress = Count()
    report = sync(index, [docs], progress)
    tally = {name: sum(n for x, n in progress.seen if x == name) for name, _ in progress.seen}
    assert tally["files"] == tally["file"] == 3
    assert progress.last == (report.embedded, report.embedded)
    assert report.embedded > 0


def test_two_spellings_of_a_path_are_one_file(index: Index, docs: Path) -> None:
    sync(index, [docs / "deep" / ".." / "apples.txt"])
    assert states(index, docs)["apples.txt"] == "unchanged"
    assert index.library.counts().files == 3


def test_a_name_that_is_no_text_is_reported(index: Index, docs: Path) -> None:
    Path(os.fsdecode(os.fsencode(docs) + b"/caf\xe9.txt")).write_text("Coffee is served.")
    report = sync(index, [docs])
    (failed,) = [row for row in report.files if row.state == "failed"]
    assert "not valid UTF-8" in failed.problem
    failed.uri.encode()
    check_whole(index)


def test_pipes_and_circles_do_not_hold_it_up(index: Index, docs: Path) -> None:
    os.mkfifo(docs / "pipe.txt")
    (docs / "circle").symlink_to(docs)
    report = sync(index, [docs / "pipe.txt", docs, docs / "**" / "*.txt"])
    assert [(Path(r.uri).name, r.state) for r in report.files] == [
        ("pipe.txt", "failed"),
        ("apples.txt", "added"),
        ("pears.md", "added"),
        ("plums.csv", "added"),
    ]


def test_a_lost_library_is_built_again(index: Index, docs: Path) -> None:
    sync(index, [docs])
    index.close()
    for path in index.folder.glob("library.sqlite3*"):
        path.unlink()
    with create_index(index.folder) as again:
        sync(again, [docs])
        check_whole(again)


def test_lost_vectors_lose_no_answer_and_are_published_again(index: Index, docs: Path) -> None:
    sync(index, [docs])
    index.close()
    shutil.rmtree(index.folder / "chroma")
    with create_index(index.folder) as again:
        first = again.search("a pear's award")[0]
        assert "Conference" in first.chunk.text
        assert first.similarity is not None
        assert sync(again, [docs]).embedded == 0
        check_whole(again)


def test_a_question_during_anothers_writing_loses_nothing(index: Index, docs: Path) -> None:
    sync(index, [docs])
    question = "Where was the Bramley apple first grown?"
    with open_index(index.folder) as reader:
        before = reader.ask(question)
        with index.lock():
            during = reader.ask(question)
    assert during.notes == before.notes == ()
    assert during.text == before.text
    assert [(p.chunk.id, round(p.score, 4)) for p in during.passages] == [
        (p.chunk.id, round(p.score, 4)) for p in before.passages
    ]


CHILD = """
import sys
from ingest.sync import sync
from rag.index import create_index
with create_index(sys.argv[1]) as index:
    sync(index, [sys.argv[2]])
"""


def test_a_reader_sees_what_another_process_wrote(index: Index, docs: Path) -> None:
    sync(index, [docs / "apples.txt"])
    with open_index(index.folder) as reader:
        assert not any("Conference" in p.chunk.text for p in reader.search("a pear's award"))
        child = [sys.executable, "-c", CHILD, str(index.folder), str(docs)]
        subprocess.run(child, check=True, cwd=ROOT)
        first = reader.search("a pear's award")[0]
        assert "Conference" in first.chunk.text
        assert first.similarity is not None


WRITER = """
import sys, time
from pathlib import Path
from ingest.sync import sync
from rag.index import create_index
with create_index(sys.argv[1]) as index, index.lock():
    sync(index, [sys.argv[2]])
    print("written", flush=True)
    sys.stdin.readline()
"""


def test_a_reader_sees_what_a_writing_process_committed(index: Index, docs: Path) -> None:
    sync(index, [docs / "apples.txt"])
    child = [sys.executable, "-c", WRITER, str(index.folder), str(docs)]
    with (
        open_index(index.folder) as reader,
        subprocess.Popen(child, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer,
    ):
        assert not any("Conference" in p.chunk.text for p in reader.search("a pear's award"))
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        # It still holds the lock, and may write at any moment.
        first = reader.search("a pear's award")[0]
        assert "Conference" in first.chunk.text
        assert first.similarity is not None
        assert reader.ask("Where was the Bramley apple first grown?").notes == ()
        writer.communicate(b"\n", timeout=60)
    assert writer.returncode == 0


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from ingest.sync import sync
from rag.errors import BadIndex
from rag.index import create_index
with create_index(sys.argv[1]) as index:
    index.warm()
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
    try:
        sync(index, [sys.argv[2]])
    except BadIndex as error:
        assert "space" in str(error) or "room" in str(error), error
        sys.exit(7)
"""


@pytest.mark.parametrize("limit", [150_000, 400_000])
def test_a_disk_that_is_full_loses_nothing(tmp_path: Path, docs: Path, limit: int) -> None:
    for i in range(30):
        text = " ".join(f"Orchard {i} row {j} bears pears and apples." for j in range(60))
        (docs / f"orchard-{i}.txt").write_text(text)
    folder = tmp_path / "index"
    child = [sys.executable, "-c", FULL, str(folder), str(docs), str(limit)]
    assert subprocess.run(child, cwd=ROOT).returncode == 7
    with create_index(folder) as index:
        sync(index, [docs])
        check_whole(index)
        assert index.library.counts().files == 33


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_run_killed_at_any_moment_heals(tmp_path: Path, docs: Path) -> None:
    for i in range(150):
        text = " ".join(f"Orchard {i} row {j} bears pears and apples." for j in range(60))
        (docs / f"orchard-{i}.txt").write_text(text)
    with zipfile.ZipFile(docs / "more.zip", "w") as archive:
        for i in range(20):
            archive.writestr(f"member-{i}.txt", f"Member {i} tells of quinces. " * 40)
    folder = tmp_path / "index"
    create_index(folder).close()
    child = [sys.executable, "-c", CHILD, str(folder), str(docs)]
    moment = random.Random(7)
    for attempt in range(100):
        for i in moment.sample(range(150), 20):
            text = " ".join(f"Orchard {i} row {j} bears {attempt} pears." for j in range(60))
            (docs / f"orchard-{i}.txt").write_text(text)
        process = subprocess.Popen(child, cwd=ROOT)
        time.sleep(moment.uniform(0.1, 8.0))
        process.kill()
        process.wait()
        with open_index(folder) as reader:
            reader.search("orchard")
            for number, chunk in reader.library.chunks(range(10_000)).items():
                text = reader.library.text(chunk.source_id)
                assert text[chunk.start : chunk.end] == chunk.text, number
    with create_index(folder) as index:
        sync(index, [docs])
        check_whole(index)


def test_what_is_read_again_is_read_anew_though_it_did_not_change(
    index: Index, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(docs / "apples.txt", docs / "copy.txt")
    sync(index, [docs])
    before = index.library.sources()
    apples = next(s for s in before.values() if s.also_at)
    # As if an earlier version had read it badly.
    with index.library.writing():
        index.library._db.execute("UPDATE sources SET text = 'lost', title = 'lost'")
        index.library._db.execute("UPDATE chunks SET text = 'lost'")
    assert states(index, docs / "apples.txt") == {"apples.txt": "unchanged"}
    assert "lost" in index.library.text(apples.id)
    report = sync(index, [docs], again=True)
    assert {row.state for row in report.files} == {"changed"} and len(report.files) == 4
    assert index.library.sources() == before
    check_whole(index)
    assert index.search("Bramley apple")[0].source.id == apples.id


def test_what_is_read_again_keeps_its_collection_and_what_cannot_be_read_stays(
    index: Index, docs: Path
) -> None:
    sync(index, [docs], collection="fruit")
    (docs / "apples.txt").write_text("Apples\n\nThe Cox apple is of 1825.\n", encoding="utf-8")
    (docs / "plums.csv").write_bytes(b"\x00\x01")
    report = sync(index, [docs / "apples.txt", docs / "plums.csv"], again=True)
    assert [row.state for row in report.files] == ["changed", "failed"]
    assert set(index.library.collections().values()) == {"fruit"}
    assert "Cox" in index.search("Cox apple")[0].chunk.text
    assert "Pershore" in index.search("Pershore plum")[0].chunk.text
    check_whole(index)
