"""Reading in another process: the same result, in order, and never more than one file is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import worker
from ingest.containers import Document
from ingest.parse import parse
from ingest.parsed import Block, Parsed
from ingest.wire import pack, unpack
from ingest.worker import Reader
from rag.errors import BadDocument
from rag.types import Fidelity, Flag, Place
from tests.conftest import ROOT

TEXT = "Apples\n\nThe Bramley apple was first grown in Southwell in 1809.\n"


def write(path: Path, text: str = TEXT) -> Document:
    path.write_text(text, encoding="utf-8")
    return Document(str(path), path)


@pytest.fixture
def parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put code before the parsers of the child, which sees the ``path`` and the ``text`` in it.

    It is how a parser can be made to hang, crash or misbehave on demand.
    """
    folder = tmp_path / "hooks"
    folder.mkdir()

    def install(code: str) -> None:
        (folder / "sitecustomize.py").write_text(
            "import ingest.parse_text as target\n"
            "plain = target.parse_plain\n"
            "def parse_plain(path, data, media_type):\n"
            "    text = data.decode()\n"
            + textwrap.indent(textwrap.dedent(code), "    ")
            + "\n    return plain(path, data, media_type)\n"
            "target.parse_plain = parse_plain\n"
        )
        monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{folder}")

    return install


places = st.builds(
    Place,
    st.integers(),
    st.integers(),
    page=st.none() | st.integers(),
    box=st.none() | st.tuples(*[st.floats(allow_nan=False)] * 4),
    cell=st.text(),
    line=st.none() | st.integers(),
)
fidelities = st.builds(
    Fidelity,
    blank_pages=st.lists(st.integers()).map(tuple),
    ocr_confidence=st.none() | st.floats(0, 1),
    labels=st.lists(st.text()).map(tuple),
    warnings=st.lists(st.text()).map(tuple),
)
documents = st.builds(
    Parsed,
    text=st.text(st.characters()),
    blocks=st.lists(st.builds(Block, st.just("code"), st.integers(), st.integers())).map(tuple),
    title=st.text(),
    date=st.text(),
    media_type=st.text(),
    pages=st.none() | st.integers(),
    author=st.text(),
    places=st.lists(places).map(tuple),
    flags=st.lists(st.builds(Flag, st.integers(), st.integers(), st.just("hidden"), st.text())).map(
        tuple
    ),
    fidelity=fidelities,
)


@given(documents)
def test_a_parsed_document_survives_the_way(parsed: Parsed) -> None:
    (back,) = unpack(Parsed, json.loads(json.dumps(pack(Parsed, [parsed]))))
    assert back == parsed
    assert [type(place.box) for place in back.places] == [type(p.box) for p in parsed.places]
    assert hash(back) == hash(parsed)


def test_the_result_is_that_of_the_parser_in_order(docs: Path, tmp_path: Path) -> None:
    paths = sorted(path for path in docs.rglob("*") if path.is_file())
    paths.insert(1, tmp_path / "missing.txt")
    with Reader() as reader:
        results = list(reader.read(Document(str(path), path) for path in paths))
    assert [document.path for document, _ in results] == paths
    for path, (_, result) in zip(paths, results, strict=True):
        if path.exists():
            assert result == parse(path)
        else:
            assert isinstance(result, BadDocument)
            with pytest.raises(BadDocument) as caught:
                parse(path)
            assert str(result) == str(caught.value)


def test_a_problem_known_before_goes_through_unread(tmp_path: Path) -> None:
    bad = Document("a.zip!/b.txt", Path(), "a.zip!/b.txt: is encrypted")
    with Reader() as reader:
        results = dict(reader.read([bad, write(tmp_path / "a.txt"), bad]))
    assert str(results[bad]) == bad.problem
    assert sum(isinstance(result, Parsed) for result in results.values()) == 1


def test_a_member_is_shown_under_its_own_name(tmp_path: Path) -> None:
    path = write(tmp_path / "member-000001.txt", "no heading here.\n").path
    empty = write(tmp_path / "member-000002.txt", "").path
    given = [Document("/a.zip!/deep/Notes.txt", path), Document("/a.zip!/Empty.txt", empty)]
    with Reader() as reader:
        (_, read), (_, failed) = reader.read(given)
    assert isinstance(read, Parsed)
    assert read.title == "Notes"
    assert str(failed).startswith("/a.zip!/Empty.txt: ")
    assert str(tmp_path) not in str(failed)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("while 'bad' in text: pass", "took longer than 3 s"),
        ("import time\nif 'bad' in text: time.sleep(100)", "took longer than 3 s"),
        ("if 'bad' in text: import ctypes; ctypes.string_at(0)", r"crashed the parser \(SIGSEGV\)"),
        ("if 'bad' in text: import os; os._exit(7)", r"crashed the parser \(status 7\)"),
        ("if 'bad' in text: bytearray(10**9)", r"needed more than 0\.5 GB of memory"),
        ("if 'bad' in text: 1 / 0", "cannot be read .ZeroDivisionError"),
        (
            "def f(): f()\nif 'bad' in text: f()",
            "cannot be read .RecursionError|crashed the parser",
        ),
        (
            "import socket\nif 'bad' in text: socket.create_connection(('127.0.0.1', 9), 1)",
            "a parser may not do this: socket",
        ),
        ("import os\nif 'bad' in text: os.system('true')", "a parser may not do this: os.system"),
        ("if 'bad' in text: open(path, 'a')", "a parser may not do this: open"),
        ("import os\nif 'bad' in text: os.unlink(path)", "a parser may not do this: os.remove"),
    ],
)
def test_one_bad_file_is_told_and_the_others_are_read(
    tmp_path: Path, parser: Callable[[str], None], code: str, says: str
) -> None:
    parser(code)
    names = ["a.txt", "bad.txt", "b.txt", "bad2.txt", "c.txt"]
    given = [write(tmp_path / name, f"{TEXT}{name}") for name in names]
    with Reader(seconds=3, memory_bytes=2**29) as reader:
        results = dict(reader.read(given))
    assert list(results) == given
    for document, result in results.items():
        if "bad" in document.path.name:
            assert isinstance(result, BadDocument)
            assert str(result).startswith(f"{document.path}: ")
            with pytest.raises(BadDocument, match=says):
                raise result
        else:
            assert isinstance(result, Parsed)


def test_what_a_parser_prints_is_no_reply(tmp_path: Path, parser: Callable[[str], None]) -> None:
    parser("import os, sys\nprint('x' * 10**6, flush=True)\nos.write(1, b'y')\nsys.stdin.read()")
    given = [write(tmp_path / f"{n}.txt") for n in range(3)]
    with Reader(seconds=10) as reader:
        assert all(isinstance(result, Parsed) for _, result in reader.read(given))


def test_memory_left_by_the_files_before_is_no_failure(
    tmp_path: Path, parser: Callable[[str], None]
) -> None:
    parser("import sys\nsys.kept = [*getattr(sys, 'kept', ()), bytearray(150_000_000)]")
    given = [write(tmp_path / f"{n}.txt") for n in range(6)]
    with Reader(memory_bytes=2**29) as reader:
        assert all(isinstance(result, Parsed) for _, result in reader.read(given))


def test_the_next_file_is_parsed_while_the_caller_works(
    tmp_path: Path, parser: Callable[[str], None]
) -> None:
    # The time of the file is a mark that a parser may leave.
    parser("import os\nplain(path, data, media_type)\nos.utime(path, (0, 0))")
    given = [write(tmp_path / f"{n}.txt") for n in range(3)]
    with Reader() as reader:
        results = reader.read(given)
        next(results)
        deadline = time.monotonic() + 20
        while (late := given[1].path.stat().st_mtime) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not late
        assert given[2].path.stat().st_mtime  # and only the next
        assert len(list(results)) == 2


def test_a_file_is_not_late_because_the_caller_is(tmp_path: Path) -> None:
    given = [write(tmp_path / f"{n}.txt", TEXT * 5000) for n in range(3)]
    with Reader(seconds=4) as reader:
        results = reader.read(given)
        next(results)
        time.sleep(4.5)
        assert all(isinstance(result, Parsed) for _, result in results)


def test_leaving_in_the_middle_mixes_no_answers(tmp_path: Path) -> None:
    given = [write(tmp_path / f"{n}.txt", f"{TEXT}{n}") for n in range(4)]
    with Reader() as reader:
        left = reader.read(given)
        next(left)
        assert isinstance(left, Iterator)
        del left
        ((_, result),) = reader.read([given[3]])
    assert result == parse(given[3].path)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False


def wait_until_gone(pid: int) -> bool:
    deadline = time.monotonic() + 20
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(
    ("end", "hangs"), [(signal.SIGINT, True), (signal.SIGINT, False), (signal.SIGKILL, False)]
)
def test_the_child_ends_with_its_parent(
    tmp_path: Path, parser: Callable[[str], None], end: signal.Signals, hangs: bool
) -> None:
    parser("while 'hang' in text: pass")
    first = write(tmp_path / "a.txt")
    second = write(tmp_path / "b.txt", "hang" if hangs else TEXT)
    code = f"""
        import time
        from pathlib import Path
        from ingest.containers import Document
        from ingest.worker import Reader
        paths = [Path({str(first.path)!r}), Path({str(second.path)!r})]
        with Reader() as reader:
            for _ in reader.read(Document(str(path), path) for path in paths):
                print(reader._child._process.pid, flush=True)
            time.sleep(100)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert alive(child)
        time.sleep(0.3)
        process.send_signal(end)
        process.wait(20)
    assert wait_until_gone(child)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_hung_child_without_parent_ends_itself(
    tmp_path: Path, parser: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    parser("while True: pass")
    monkeypatch.setattr(worker, "_GRACE_SECONDS", 1)
    child = worker._Child(seconds=1, memory_bytes=2**30)
    child.ask(write(tmp_path / "a.txt"))
    assert wait_until_gone(child._process.pid) or child._process.poll() is not None
    child.end()


def test_the_folder_one_stands_in_is_not_imported_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ingest").mkdir()
    for name in ("json.py", "ingest/__init__.py", "ingest/worker.py"):
        (tmp_path / name).write_text("raise SystemExit('hostile')")
    monkeypatch.chdir(tmp_path)
    with Reader() as reader:
        ((_, result),) = reader.read([write(tmp_path / "a.txt")])
    assert isinstance(result, Parsed)


@pytest.mark.skipif(sys.platform != "linux", reason="says what Linux counts")
def test_a_child_is_not_charged_with_what_its_parent_holds(tmp_path: Path) -> None:
    given = [write(tmp_path / f"{n}.txt") for n in range(4)]
    held = b"x" * 600_000_000
    with Reader(memory_bytes=1_000_000_000) as reader:
        made = {reader._child and reader._child._process.pid for _ in reader.read(given)}
    assert len(held) and len(made) == 1


@pytest.mark.slow
def test_the_way_through_the_child_costs_little(tmp_path: Path) -> None:
    small = [write(tmp_path / f"{n}.txt", f"{TEXT}{n}") for n in range(1000)]
    line = "The Bramley apple was first grown in Southwell in 1809, and it is used for cooking.\n\n"
    large = write(tmp_path / "large.txt", line * (20_000_000 // len(line)))
    for name, asked in (("1000 small files", small), ("20 MB", [large])):
        start = time.perf_counter()
        for document in asked:
            parse(document.path)
        here = time.perf_counter() - start
        start = time.perf_counter()
        with Reader() as reader:
            assert all(isinstance(result, Parsed) for _, result in reader.read(asked))
        there = time.perf_counter() - start
        print(f"{name}: {here:.2f} s here, {there:.2f} s in the child")  # noqa: T201
        assert there < 3 * here + 5
