"""``footnote eval grounding`` on rows made here, and its figures against a count by hand."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from eval.grounding import best_threshold, figures, read_rows, run_grounding
from eval.measure import half_of
from rag.embed import Encoder
from rag.errors import BadInput, ModelError
from rag.verify import SUPPORTED, Verifier, load_verifier
from ui.cli import main

CONTEXT = "The mill was built in 1987 by Ada Norvik. It grinds 30 tonnes of rye a day."
ROWS: list[dict[str, Any]] = [
    {"id": "a", "context": CONTEXT, "response": "The mill was built in 1987.", "label": 1},
    {"id": "b", "context": CONTEXT, "response": "The mill was built in 1978.", "label": 0},
    {"id": "c", "context": CONTEXT, "response": "It grinds 30 tonnes of rye a day.", "label": 1},
    {"id": "d", "context": CONTEXT, "response": "Ada Norvik closed a bakery in Oslo.", "label": 0},
]


@pytest.fixture
def verifier(encoder: Encoder) -> Verifier:
    return load_verifier(encoder=encoder)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def test_figures_of_a_small_file(file: Path, verifier: Verifier) -> None:
    steps: list[tuple[int, int]] = []
    result = run_grounding(file, verifier, progress=lambda *done: steps.append(done))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert result["balanced_accuracy"] == result["auroc"] == result["f1"] == 1
    assert result["threshold"] == SUPPORTED
    assert (result["n"], result["supported"], result["failed"]) == (4, 2, 0)
    assert [round(share) for _, share, _ in result["reliability"]] == [0, 0, 1, 1]
    assert 0 < result["calibration_error"] < 0.5
    # Words cannot tell 1978 from 1987 better than this.
    assert 0.5 <= result["anchor"]["balanced_accuracy"] <= 1
    json.dumps(result, allow_nan=False)


def test_figures_are_those_counted_by_hand() -> None:
    found = figures([0.9, 0.4, 0.8, 0.1, 0.2], [True, True, False, False, False], 0.5)
    assert found["balanced_accuracy"] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert found["f1"] == pytest.approx(2 * 1 / (2 + 2))
    assert found["auroc"] == pytest.approx(5 / 6)
    assert best_threshold([0.1, 0.6, 0.7], [False, True, True]) == 0.6


def test_halves_share_nothing_and_miss_nothing(file: Path, verifier: Verifier) -> None:
    rows = read_rows(file)
    sizes = {half: sum(half_of(r.id) == half for r in rows) for half in ("tune", "report")}
    assert sum(sizes.values()) == 4
    for half, size in sizes.items():
        if size:
            assert run_grounding(file, verifier, half)["n"] == size  # type: ignore[arg-type]


def test_a_failed_row_counts_as_wrong(
    file: Path, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ModelError("no model")

    monkeypatch.setattr(verifier, "verify", fail)
    result = run_grounding(file, verifier)
    assert result["failed"] == 4 and result["balanced_accuracy"] == result["auroc"] == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "rows.jsonl:1: not JSON"),
        ('{"id": "a", "context": "x", "label": 1}', "rows.jsonl:1: field 'response' is missing"),
        (
            '{"id": "a", "context": "x", "response": "y", "label": 2}',
            "field 'label' should be 1 or 0",
        ),
        ('{"id": "a", "context": "x", "response": "y"}', "rows.jsonl:1: field 'label' is missing"),
        ("", "no rows"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, verifier: Verifier, line: str, message: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(BadInput, match=message):
        run_grounding(path, verifier)


def test_the_command_writes_what_it_prints(file: Path, tmp_path: Path) -> None:
    packed, out = tmp_path / "rows.jsonl.gz", tmp_path / "out.json"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    result = CliRunner().invoke(main, ["eval", "grounding", str(packed), "--json", str(out)])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == json.loads(out.read_text())
    missing = CliRunner().invoke(main, ["eval", "grounding", str(tmp_path / "no.jsonl")])
    assert missing.exit_code == 1 and "cannot be read" in missing.output


def test_a_public_set_is_told_better_than_by_words(shared: Path, verifier: Verifier) -> None:
    result = run_grounding(shared / "grounding" / "wice_claim.jsonl.gz", verifier, "report")
    assert result["balanced_accuracy"] >= 0.7
    assert result["balanced_accuracy"] > result["anchor"]["balanced_accuracy"]
