"""Files that the evaluation writes: told to fail before the work, and whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from eval.folder import start_folder, write_scores
from eval.generate import write_cases
from eval.output import check_writable, write_json, write_text
from eval.record import Asked
from rag.errors import BadInput
from ui.cli import main


@pytest.fixture(params=["no folder", "a file for a folder", "a folder that takes none"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A path that nothing can be written to."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    folders = {"no folder": tmp_path / "none", "a file for a folder": tmp_path / "file"}
    return str(folders.get(request.param, Path("/proc")) / "x.json")


def test_what_cannot_be_written_is_told_before_the_work_and_after_it(path: str) -> None:
    tries: list[Callable[[], object]] = [
        lambda: check_writable(path),
        lambda: write_json(path, {}),
        lambda: write_scores(path, {}),
        lambda: write_cases(path, []),
    ]
    for tried in tries:
        with pytest.raises(BadInput, match="give another"):
            tried()


def test_no_run_starts_in_a_folder_that_cannot_be_made() -> None:
    with pytest.raises(BadInput, match=r"no folder can be made .*--out"):
        start_folder(Path("/proc/run"), Asked({}, (), {}))


def test_a_command_says_so_in_one_line(path: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["eval", "benchmark", str(tmp_path), "--json", path])
    assert done.exit_code == 1 and f"{path!r} cannot be written" in done.output


def test_a_check_leaves_everything_as_it_was(tmp_path: Path) -> None:
    there, link, loose = tmp_path / "there", tmp_path / "link", tmp_path / "loose"
    there.write_text("old", encoding="utf-8")
    link.symlink_to(there)
    loose.symlink_to(tmp_path / "target")
    before = sorted(tmp_path.iterdir())
    for path in (there, link, loose, tmp_path / "new", None):
        check_writable(path)
    assert sorted(tmp_path.iterdir()) == before and there.read_text("utf-8") == "old"


def test_text_that_is_not_valid_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_text(path, "old")
    with pytest.raises(BadInput, match="cannot be written"):
        write_text(path, "\udc80")
    assert path.read_text("utf-8") == "old"


def test_a_link_and_a_pipe_are_written_into(tmp_path: Path) -> None:
    there, link, pipe = tmp_path / "there", tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(there)
    write_text(link, "new")
    assert link.is_symlink() and there.read_text("utf-8") == "new"
    os.mkfifo(pipe)
    check_writable(pipe)
    read: list[str] = []
    reader = Thread(target=lambda: read.append(pipe.read_text("utf-8")))
    reader.start()
    write_text(pipe, "new")
    reader.join(10)
    assert read == ["new"] and pipe.is_fifo()
