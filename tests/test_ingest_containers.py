"""Archives, mailboxes and large texts: every member found, none that can do harm."""

from __future__ import annotations

import csv
import io
import json
import mailbox
import os
import re
import stat
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import big_text, containers
from ingest.big_text import parts
from ingest.containers import Document, is_container, members
from ingest.parse import parse
from ingest.worker import Reader
from tests.conftest import ROOT

Content = dict[str, str | bytes]


def zipped(content: Content) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in content.items():
            archive.writestr(name, text)
    return data.getvalue()


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


@pytest.fixture
def unpack(tmp_path: Path, into: Path) -> Callable[[bytes, str], dict[str, str]]:
    """The uris in a container, without the container's own, with their text or their problem."""

    def run(data: bytes, name: str = "a.zip") -> dict[str, str]:
        path = tmp_path / name
        path.write_bytes(data)
        found: dict[str, str] = {}
        warnings: list[str] = []
        for document in members(path, into, warnings):
            assert document.uri not in found
            if document.problem:
                assert document.problem.startswith(f"{document.uri}: ")
                text = document.problem.removeprefix(document.uri)
            else:
                assert document.path.parent == into
                text = document.path.read_bytes().decode(errors="replace")
                document.path.unlink()
            found[document.uri.removeprefix(str(path)).removeprefix("!/")] = text
        assert list(into.iterdir()) == []
        if warnings:
            found["warnings"] = "; ".join(warnings)
        return found

    return run


def test_a_plain_file_yields_itself(tmp_path: Path, into: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("text")
    warnings: list[str] = []
    assert list(members(path, into, warnings)) == [Document(str(path), path)]
    assert not is_container(path)
    assert not is_container(tmp_path / "missing.txt")


def test_members_come_with_their_own_names(unpack: Callable[[bytes], dict[str, str]]) -> None:
    content: Content = {
        "a.txt": "A", "deep/er/ü.md": "U", ".hidden.txt": "h", "deep/.git/x.txt": "h",
        "__MACOSX/a.txt": "h", "b.exe": "x", "folder/": "",
    }  # fmt: skip
    assert unpack(zipped(content)) == {
        "a.txt": "A",
        "deep/er/ü.md": "U",
        "warnings": "3 hidden members were passed over; 1 unsupported members were passed over",
    }


def test_no_name_leads_anywhere(tmp_path: Path, unpack: Callable[[bytes], dict[str, str]]) -> None:
    names = [
        "../../up.txt", "/etc/root.txt", "C:\\windows\\w.txt", "..\\back.txt", "a\nb\x1b.txt",
        "x" * 5000 + ".txt", "d/" * 300 + "deep.txt", " .txt", "a/../b.txt", "b.txt", "./b.txt",
    ]  # fmt: skip
    before = sorted(tmp_path.iterdir())
    found = unpack(zipped({name: name for name in names}))
    assert sorted(set(tmp_path.iterdir()) - set(before)) == [tmp_path / "a.zip"]
    found.pop("warnings", None)
    for name in found:
        assert ".." not in name.split("/")
        assert not name.startswith("/")
        assert name.isprintable()
        assert len(name) < 5000
    assert {"up.txt", "etc/root.txt", "windows/w.txt", "back.txt", "b.txt", "b (2).txt"} <= {*found}


def test_archives_in_archives_two_deep(unpack: Callable[[bytes], dict[str, str]]) -> None:
    three = zipped({"c.zip": zipped({"deep.txt": "deep"})})
    found = unpack(zipped({"a.txt": "A", "b.zip": zipped({"b.txt": "B", "in.zip": three})}))
    assert found["a.txt"] == "A"
    assert found["b.zip!/b.txt"] == "B"
    assert "lies in 2 other archives" in found["b.zip!/in.zip"]
    assert len(found) == 3


def test_bad_members_are_told_and_the_others_unpacked(
    unpack: Callable[[bytes], dict[str, str]],
) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", "A" * 100)
        archive.writestr("locked.txt", "secret")
        archive.writestr("broken.txt", os.urandom(200))
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("rare.txt", "rare", zipfile.ZIP_LZMA)
        archive.writestr("inner.zip", b"no archive")
        archive.writestr("z.txt", "Z")
        for info in archive.infolist():
            if info.filename == "locked.txt":
                info.flag_bits |= 1
        start = archive.getinfo("broken.txt").header_offset
    raw = bytearray(data.getvalue())
    raw[start + 60] ^= 0xFF
    found = unpack(bytes(raw))
    assert (found.pop("a.txt"), found.pop("z.txt")) == ("A" * 100, "Z")
    assert "is encrypted: unpack it with its password" in found.pop("locked.txt")
    assert "cannot be unpacked" in found.pop("broken.txt")
    assert "is a link" in found.pop("link.txt")
    assert "compressed in a way that is not supported" in found.pop("rare.txt")
    assert "cannot be unpacked" in found.pop("inner.zip")
    assert not found


@pytest.mark.parametrize(
    "data",
    [b"", b"PK\x03\x04", b"no archive", zipped({"a.txt": "A"})[:-30], b"PK\x05\x06" + b"\xff" * 18],
    # Named, as an archive holds the time it was made at, and all processes must name a test alike.
    ids=["empty", "beginning", "text", "cut", "end"],
)
def test_a_broken_archive_is_one_problem(
    data: bytes, unpack: Callable[[bytes], dict[str, str]]
) -> None:
    found = unpack(data)
    assert list(found) == [""]
    assert "cannot be unpacked" in found[""]


def test_a_zip_bomb_is_refused_unread(unpack: Callable[[bytes], dict[str, str]]) -> None:
    found = unpack(zipped({"bomb.txt": bytes(50_000_000), "a.txt": "A"}))
    assert "50 MB" in found["bomb.txt"]
    assert "200 times are read" in found["bomb.txt"]
    assert found["a.txt"] == "A"


def test_a_bomb_that_lies_about_its_size_is_cut(
    unpack: Callable[[bytes], dict[str, str]],
) -> None:
    data = zipped({"bomb.txt": bytes(50_000_000)})
    size = struct.pack("<I", 50_000_000)
    found = unpack(data.replace(size, struct.pack("<I", 1000)))
    assert "cannot be unpacked" in found["bomb.txt"]


def test_limits_of_the_whole(
    unpack: Callable[[bytes], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    nested = {f"{n}.zip": zipped({"a.txt": os.urandom(3000)}) for n in range(4)}
    monkeypatch.setattr(containers, "MAX_UNPACKED_BYTES", 20_000)
    found = unpack(zipped(nested))
    assert "a.txt" in "".join(found)
    assert any("or the file as a whole to more than" in text for text in found.values())
    assert "read from one file" in unpack(zipped({"a.txt": bytes(30_000)}))[""]
    monkeypatch.setattr(containers, "MAX_MEMBER_BYTES", 100)
    assert "unpacks to more than" in unpack(zipped({"a.txt": bytes(200)}))["a.txt"]
    monkeypatch.setattr(containers, "MAX_MEMBERS", 3)
    many = unpack(zipped({f"{n}.txt": "x" for n in range(4)}))
    assert "more than 3 members" in many[""]


def test_a_huge_table_of_contents_is_refused_unread(
    unpack: Callable[[bytes], dict[str, str]],
) -> None:
    found = unpack(zipped({f"{n:060}.exe": "" for n in range(60_000)}))
    assert "holds more than 10,000 members" in found[""]


def test_members_are_unpacked_one_at_a_time(tmp_path: Path, into: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({f"{n}.txt": "x" for n in range(10)}))
    for document in members(path, into, []):
        assert list(into.iterdir()) == [document.path]
        document.path.unlink()


def mbox(path: Path, messages: Iterable[tuple[str, str]]) -> None:
    box = mailbox.mbox(path)
    for subject, text in messages:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "a@example.org", "b@c.org", subject
        message.set_content(text)
        box.add(message)
    box.close()


def test_each_message_of_a_mailbox_is_a_member(
    tmp_path: Path, unpack: Callable[[bytes, str], dict[str, str]]
) -> None:
    given = [
        ("Plain", "Hello\n\nFrom here on\n"),
        ("Grüße / naïve ✓", "text\n"),
        ("", "no subject\n" + "x" * 200_000),
    ]
    mbox(tmp_path / "made.mbox", given)
    found = unpack((tmp_path / "made.mbox").read_bytes(), "a.mbox")
    assert list(found) == ["0001 Plain.eml", "0002 Grüße - naïve ✓.eml", "0003.eml"]
    assert "\n\nFrom here on\n" in found["0001 Plain.eml"]
    for text in found.values():
        assert text.startswith("From: a@example.org")


@pytest.mark.parametrize("data", [b"", b"\n", b"Subject: x\n\nFrom a b\n"])
def test_what_is_no_mailbox_is_one_problem(
    data: bytes, unpack: Callable[[bytes, str], dict[str, str]]
) -> None:
    assert "is no mailbox" in unpack(data, "a.mbox")[""]


@given(st.lists(st.text(st.sampled_from("From a>\n"), max_size=40), min_size=1, max_size=8))
def test_a_mailbox_gives_back_what_was_put_in(texts: list[str]) -> None:
    bodies = [f"Subject: x\n\n{text}\n\n" for text in texts]
    quoted = [re.sub("^(>*From )", r">\1", body, flags=re.MULTILINE) for body in bodies]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.mbox")
        path.write_text("".join(f"From a b\n{body}" for body in quoted))
        assert [d.path.read_text() for d in members(path, Path(folder), [])] == bodies


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(big_text, "PART_BYTES", 64)
    monkeypatch.setattr(containers, "PART_BYTES", 64)


@given(st.text(st.sampled_from('ab ü€😀\n\r"'), max_size=600))
@settings(deadline=None)
def test_parts_are_the_text_and_cut_no_character(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(big_text, "PART_BYTES", 64)
        data = text.encode()
        found = list(parts(io.BytesIO(data), ".txt"))
        assert b"".join(found) == data
        assert all(0 < len(part) <= 64 for part in found)
        for part in found:
            part.decode()
        # A line is cut only where it is longer than a part.
        for part in found[:-1]:
            assert part.endswith(b"\n") or b"\n" not in part
        for encoding in ("utf-16", "utf-32"):
            wide = list(parts(io.BytesIO(text.encode(encoding)), ".log"))
            assert b"".join(wide).decode() == text
            assert all(len(part) <= 64 for part in wide)


rows = st.lists(
    st.tuples(st.integers(0, 999), st.text(st.sampled_from('ab,"\nü'), max_size=8)), max_size=40
)


@given(rows, st.booleans())
@settings(deadline=None)
def test_parts_of_a_table_hold_whole_rows_under_their_header(
    values: list[tuple[int, str]], headed: bool
) -> None:
    data = io.StringIO(newline="")
    writer = csv.writer(data)
    header = ["Number", "Text"]
    writer.writerows([header] if headed else [])
    writer.writerows(values)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(big_text, "PART_BYTES", 64)
        found = list(parts(io.BytesIO(data.getvalue().encode()), ".csv"))
    back: list[list[str]] = []
    for part in found:
        assert len(part) <= 64
        got = list(csv.reader(io.StringIO(part.decode(), newline="")))
        if headed:
            assert got.pop(0) == header
        back += got
    assert back == [[str(number), text] for number, text in values]


@pytest.mark.usefixtures("small_parts")
def test_a_large_text_is_read_in_parts(tmp_path: Path, into: Path) -> None:
    path = tmp_path / "Big Book.txt"
    lines = [f"This is sentence {n} of the big book." for n in range(20)]
    path.write_text("\n".join(lines))
    assert is_container(path)
    text = ""
    with Reader() as reader:
        for number, (document, parsed) in enumerate(reader.read(members(path, into, [])), 1):
            assert document.uri == f"{path}!/Big Book (part {number}).txt"
            assert not isinstance(parsed, Exception)
            text += parsed.text
            assert parsed == parse(document.path) or parsed.title.startswith("Big Book (part")
    assert text.split() == path.read_text().split()


@pytest.mark.usefixtures("small_parts")
def test_large_texts_and_mailboxes_in_an_archive(
    unpack: Callable[[bytes], dict[str, str]],
) -> None:
    found = unpack(zipped({"in/b.csv": "Name,Year\n" + "Ada,1815\n" * 20}))
    assert next(iter(found)) == "in/b.csv!/b (part 1).csv"
    assert all(text.startswith("Name,Year\nAda,1815\n") for text in found.values())
    assert "".join(found.values()).count("Ada,1815") == 20


MEASURE = """
import json, re, sys, tempfile
from pathlib import Path
from ingest.containers import members
total = count = 0
with tempfile.TemporaryDirectory() as into:
    for document in members(Path(sys.argv[1]), Path(into), []):
        assert not document.problem, document.problem
        total += document.path.stat().st_size
        count += 1
        document.path.unlink()
# Not getrusage: that counts what the parent had when it made this process.
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
print(json.dumps({"bytes": total, "parts": count, "peak_kb": peak}))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="measures in kilobytes as Linux does")
def test_300_mb_of_text_are_never_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "big.txt"
    with path.open("w") as file:
        for number in range(300):
            file.write(f"Line {number} of a large text, that goes on and on.\n" * 22_000)
    assert path.stat().st_size > 300_000_000
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    measured = json.loads(done.stdout)
    print(measured)  # noqa: T201
    assert measured["bytes"] == path.stat().st_size
    assert measured["parts"] == -(-path.stat().st_size // 16_000_000)
    assert measured["peak_kb"] < 400_000
