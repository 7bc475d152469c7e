"""Which files a path, folder or pattern means, links and members of containers included."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingest.files import find_documents, find_files, is_under, vanished
from rag.errors import BadInput


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the one that the user gives."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    folder = tmp_path / "inside"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "sub" / "b.zip").write_bytes(b"PK")
    (folder / "sub" / "c.mbox").write_text("From ")
    (folder / "d.exe").write_text("d")
    return folder


def test_containers_are_found_and_other_formats_passed_over(inside: Path) -> None:
    names = [path.name for path in find_files([inside])]
    assert names == ["a.txt", "b.zip", "c.mbox"]


@pytest.mark.parametrize("target", ["secret.txt", "."])
@pytest.mark.parametrize("given", ["inside", "inside/*", "inside/**/*.txt"])
def test_links_out_of_a_folder_are_listed_with_the_reason(
    inside: Path, outside: Path, target: str, given: str
) -> None:
    link = inside / "link.txt"
    link.symlink_to(outside / target)
    found = find_documents([inside.parent / given])
    refused = [document for document in found if document.problem]
    assert refused
    for document in refused:
        assert document.uri.startswith(str(link))
        assert f"link to {outside}" in document.problem
        assert str(inside) in document.problem
    assert not any(d.path.is_relative_to(link) for d in found if not d.problem)
    assert inside / "a.txt" in [document.path for document in found]
    assert refused[0].path not in find_files([inside.parent / given])


def test_links_within_the_folder_and_links_given_outright_are_followed(
    inside: Path, outside: Path, tmp_path: Path
) -> None:
    (inside / "again.txt").symlink_to(inside / "a.txt")
    (inside / "link.txt").symlink_to(outside / "secret.txt")
    (tmp_path / "way").symlink_to(inside)
    assert inside / "again.txt" in find_files([inside])
    assert find_files([inside / "link.txt"]) == [inside / "link.txt"]
    assert inside / "link.txt" in find_files([inside, inside / "link.txt"])
    assert inside / "link.txt" in find_files([inside / "link.txt", inside])
    assert tmp_path / "way" / "again.txt" in find_files([tmp_path / "way"])


def test_dangling_and_circular_links_do_no_harm(inside: Path) -> None:
    (inside / "gone.txt").symlink_to(inside / "nothing")
    (inside / "round").symlink_to(inside)
    (inside / "self.txt").symlink_to(inside / "self.txt")
    before = ["a.txt", "b.zip", "c.mbox"]
    assert [document.path.name for document in find_documents([inside])] == before


def test_a_member_vanishes_with_its_container(inside: Path) -> None:
    container = inside / "sub" / "b.zip"
    known = [f"{container}!/x.txt", f"{container}!/in.zip!/y.txt", "https://example.org/!/z.txt"]
    assert vanished([inside], known) == []
    assert find_documents([container], known)[0].uri == str(container)
    container.unlink()
    assert vanished([inside], known) == known[:2]
    assert vanished([container], known) == known[:2]
    assert vanished([inside / "a.txt"], known) == []
    assert find_documents([container], known) == []


def test_a_folder_that_looks_like_a_container_is_one_no_more(tmp_path: Path) -> None:
    folder = tmp_path / "wow!"
    folder.mkdir()
    file = folder / "x.txt"
    file.write_text("x")
    assert vanished([tmp_path], [str(file)]) == []
    file.unlink()
    assert vanished([tmp_path], [str(file)]) == [str(file)]


@pytest.mark.parametrize(
    ("uri", "root", "expected"),
    [
        ("/d/a.zip!/x.txt", "/d/a.zip", True),
        ("/d/a.zip!/x.txt", "/d", True),
        ("/d/a.zip!/x.txt", "/d/a.zi", False),
        ("/d/a.zip.txt", "/d/a.zip", False),
        ("https://example.org/d", "/", False),
    ],
)
def test_what_is_under_a_root(uri: str, root: str, expected: bool) -> None:
    assert is_under(uri, Path(root)) is expected


@pytest.mark.parametrize("name", ["x" * 300 + ".txt", "a\x00b.txt", "C:\\docs\\a.txt", "\udcff"])
def test_impossible_names_are_bad_input(inside: Path, name: str) -> None:
    with pytest.raises(BadInput, match="nothing found"):
        find_documents([inside / name])
    assert vanished([inside], [str(inside / name)]) == [str(inside / name)]


@pytest.mark.skipif(os.name != "posix", reason="names that only POSIX allows")
@pytest.mark.parametrize("name", ["a\nb.txt", "C:\\docs\\a.txt", "con.txt", " .txt ", "[x].txt"])
def test_odd_names_are_found(inside: Path, name: str) -> None:
    path = inside / name
    path.write_text("text")
    assert find_files([path]) == [path]
    assert (path in find_files([inside])) == name.endswith(".txt")


@pytest.mark.skipif(os.name != "posix", reason="names that only POSIX allows")
def test_a_name_that_is_no_text_is_found(inside: Path) -> None:
    raw = os.fsencode(inside) + b"/\xff.txt"
    with open(raw, "w") as file:  # noqa: PTH123 - bytes
        file.write("text")
    assert Path(os.fsdecode(raw)) in find_files([inside])
