"""The folders import in one direction, and light imports stay light."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from tests.conftest import ROOT

ORDER = ["rag", "ingest", "eval", "ui"]


def imported(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("folder", ORDER)
def test_imports_point_one_way(folder: str) -> None:
    later = set(ORDER[ORDER.index(folder) + 1 :])
    for path in sorted((ROOT / folder).rglob("*.py")):
        name = str(path.relative_to(ROOT))
        assert not imported(name) & later, f"{name} imports against the direction"


def test_eval_is_never_imported_over_the_builtin() -> None:
    for folder in [*ORDER, "tests"]:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    assert all(alias.asname or alias.name != "eval" for alias in node.names), path


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("ui.cli", {"chromadb", "gradio", "langchain_core", "numpy", "onnxruntime", "torch"}),
        ("rag", {"chromadb", "gradio", "langchain_core", "onnxruntime", "torch"}),
        ("rag.chain", {"gradio", "sentence_transformers", "torch", "transformers"}),
    ],
)
def test_light_imports_stay_light(module: str, heavy: set[str]) -> None:
    code = f"import sys, {module}; print(*sorted({heavy!r} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == []
