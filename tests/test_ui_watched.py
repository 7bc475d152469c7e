"""What a folder that is followed tells of itself, with a real `footnote watch` beside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from ingest.backup import backup, restore
from ingest.report import FileReport, Progress, Report
from ingest.watched import Watched, Watching, forget, line, watched
from rag.errors import BadInput
from rag.index import Index, create_index
from tests.conftest import ROOT
from ui.cli import main


@contextmanager
def watching(index: Index, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`footnote watch` in a process of its own."""
    words = ["-m", "ui.cli", "watch", str(folder), "--index", str(index.folder)]
    process = subprocess.Popen([sys.executable, *words], cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(index: Index, is_so: Callable[[Watched], bool]) -> Watched:
    for _ in range(600):
        for told in watched(index.folder):
            if is_so(told):
                return told
        time.sleep(0.1)
    raise AssertionError(f"never so: {watched(index.folder)}")


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_a_followed_folder_tells_what_it_does_until_it_is_stopped(
    index: Index, docs: Path, sent: signal.Signals
) -> None:
    with watching(index, docs) as process:
        first = until(index, lambda told: told.state == "following")
        assert first.places == (str(docs),)
        assert index.library.counts().sources == 3
        assert time.time() - 60 < first.synced <= time.time()
        assert line(first).startswith(f"Watching {docs}: up to date since ")
        (docs / "new.txt").write_text("The medlar is brown.\n", encoding="utf-8")
        (docs / "bad.pdf").write_bytes(b"not a PDF")
        second = until(index, lambda told: told.synced > first.synced and bool(told.problem))
        assert "bad.pdf" in second.problem and "bad.pdf" in line(second)
        again = CliRunner().invoke(main, ["watch", str(docs), "--index", str(index.folder)])
        assert "another process follows" in again.output and again.exit_code == 1
        with pytest.raises(BadInput, match="still followed"):
            forget(index.folder, first.key)
        os.kill(process.pid, sent)
        process.wait(30)
        stopped = until(index, lambda told: told.state == "stopped")
        assert ": stopped, up to date until " in line(stopped)
        listed = CliRunner().invoke(main, ["library", "--index", str(index.folder)]).output
        assert f"Watching {docs}: stopped, up to date until " in listed
    with watching(index, docs):
        until(index, lambda told: told.state == "following")
        assert len(watched(index.folder)) == 1
    until(index, lambda told: told.state == "stopped")
    forget(index.folder, stopped.key)
    assert not watched(index.folder) and not list(index.folder.glob("watch-*"))


def test_how_many_files_are_left_is_told_while_they_are_read(index: Index, docs: Path) -> None:
    with Watching(index.folder, [docs]) as telling:
        told = telling.reads(Progress())
        told.files(3)
        time.sleep(0.4)
        told.file(FileReport("a.txt", "added"))
        (now,) = watched(index.folder)
        assert line(now) == f"Watching {docs}: reading 2 files"
        telling.waits()
        (now,) = watched(index.folder)
        assert line(now) == f"Watching {docs}: waiting, as another process is writing"
        telling.is_done(Report())
    with pytest.raises(RuntimeError), Watching(index.folder, [docs]):
        raise RuntimeError("the disk is gone")
    (now,) = watched(index.folder)
    assert line(now) == (
        f"Watching {docs}: stopped, never up to date; run `footnote watch` again (the disk is gone)"
    )


def test_an_index_in_the_folder_that_is_followed_does_not_follow_itself(docs: Path) -> None:
    from ingest.watch import follow

    with create_index(docs / "index") as index:
        stop = threading.Event()
        timer = threading.Timer(6, stop.set)
        timer.start()
        reports = list(follow(index, [docs], stop=stop))
        assert len(reports) == 1
        (told,) = watched(index.folder)
        assert told.synced < time.time() - 3


def test_what_tells_nothing_is_passed_over_and_a_backup_has_none(
    index: Index, docs: Path, tmp_path: Path
) -> None:
    with Watching(index.folder, [docs]):
        (index.folder / "watch-x.state").write_text("{}", encoding="utf-8")
        assert [told.places for told in watched(index.folder)] == [(str(docs),)]
        backup(index, tmp_path / "all.zip")
    with restore(tmp_path / "all.zip", tmp_path / "again") as again:
        assert not watched(again.folder)
