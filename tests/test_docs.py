"""What the documents claim is what was measured and what the program does."""

from __future__ import annotations

import re

from eval.publish import files
from tests.conftest import ROOT
from ui.cli import main


def test_tables_are_those_of_the_committed_runs() -> None:
    for path, content in files().items():
        shown = path.read_text(encoding="utf-8")
        assert shown == content, f"{path.name}: run `python -m eval.publish`"


def test_the_readme_names_every_command_and_no_other() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"footnote (\w+)", readme))
    assert named - {"eval", "and"} <= set(main.commands)
    assert set(main.commands) <= named


def test_links_and_pictures_exist() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_versions_agree() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    version = re.search(r'^version = "(.+)"', project, re.M)
    assert version
    assert f"## {version[1]} (" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_dependency_is_pinned_and_none_names_a_place() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    names = re.findall(r'^    "([A-Za-z0-9_.-]+?)(?:\[|[=<>~])', project, re.M)
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in pins.splitlines()}
    for name in names:
        assert name.lower().replace("_", "-") in pinned, name
    assert "torch==2.13.0\n" in pins
    assert not re.search(r"@|file:|https?:|\+cpu", pins)
