"""Made questions, the threshold chosen by them, and what becomes of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from eval.calibrate import OVER_REFUSAL, calibrate, choose, format_calibration
from eval.made import ELSEWHERE, MOST_HELD, far_questions, held, near_questions, own_questions
from eval.measure import half_of
from eval.rows import json_rows
from ingest.backup import backup, restore
from ingest.reindex import reindex
from ingest.sync import add_texts, sync
from rag.confidence import THRESHOLD
from rag.errors import BadIndex
from rag.index import Index, open_index
from rag.lexical import analyze
from rag.manifest import Calibration
from rag.settings import Settings
from ui.cli import main

CALIBRATION = Calibration(0.9999, 0.9, 0.8, 0.05, 50, 50, 3)


@pytest.fixture
def own_sample(sample_folder: Path, tmp_path: Path) -> Path:
    """A copy of the sample index, to change."""
    return Path(shutil.copytree(sample_folder, tmp_path / "index"))


def put(index: Index, calibration: Calibration) -> None:
    manifest = replace(index.manifest, calibration=calibration)
    with index.lock(), index.library.writing():
        index.library.put_manifest(manifest)


def test_elsewhere_is_many_questions_on_many_topics() -> None:
    rows = [row for _, row in json_rows(ELSEWHERE)]
    assert len(rows) >= 100
    assert len({row["question"] for row in rows}) == len({row["id"] for row in rows}) == len(rows)
    assert len({row["topic"] for row in rows}) >= 20


def test_made_questions_are_what_they_say(sample: Index) -> None:
    library = sample.library
    own = own_questions(library, 60)
    assert own == own_questions(library, 60)
    assert len({m.question for m in own}) == len(own) > 40
    assert len({m.cluster for m in own}) > 10
    for made in own:
        assert library.text(made.cluster)
    near = near_questions(library, own, 20)
    assert near
    for made in near:
        assert made.question not in {m.question for m in own}
        new = set(analyze(made.question)) - set(analyze(library.text(made.cluster)))
        assert new, "what was put in stands nowhere in the document"
    far = far_questions(library, 50)
    assert far
    assert all(held(library, m.question) <= MOST_HELD for m in far)
    assert not any(m.answerable for m in (*near, *far))


def test_a_general_question_that_the_index_answers_is_left_out(index: Index) -> None:
    add_texts(
        index, [("jokes", "", "Never tell me a joke about penguins: which joke is about them?")]
    )
    asked = {m.question for m in far_questions(index.library, 1000)}
    assert "Tell me a joke about penguins." not in asked
    assert len(asked) > 100


@given(st.lists(st.floats(0, 1), min_size=20, max_size=300))
def test_the_choice_moves_only_towards_what_the_limit_allows(confidences: list[float]) -> None:
    threshold = choose(confidences)
    declined = sum(c < threshold for c in confidences)
    mean = OVER_REFUSAL * len(confidences)
    assert threshold <= THRESHOLD or declined <= mean + 3 * max(1.0, mean) ** 0.5
    assert THRESHOLD / 2 <= threshold <= (1 + THRESHOLD) / 2


def test_the_shipped_threshold_moves_only_when_it_is_contradicted() -> None:
    assert choose([0.1] * 5 + [0.8] * 95) == THRESHOLD
    assert choose([0.1] * 7 + [0.8] * 93) == THRESHOLD, "two more are no evidence"
    assert choose([0.1] * 30 + [0.8] * 70) == pytest.approx((THRESHOLD + 0.1) / 2)
    assert choose([0.8] * 100) == pytest.approx((THRESHOLD + 0.8) / 2)
    rising = [i / 100 for i in range(100)]
    assert 0.15 < choose(rising) < THRESHOLD


def test_calibration_is_stored_used_and_kept(own_sample: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    arguments = ["eval", "calibrate", "--index", str(own_sample), "--n", "100", "--json", str(out)]
    dry = CliRunner().invoke(main, [*arguments, "--dry-run"])
    assert dry.exit_code == 0, dry.output
    with open_index(own_sample) as index:
        assert index.manifest.calibration is None
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert "over-refusal" in done.output
    result = json.loads(out.read_text())
    with open_index(own_sample) as index:
        stored = index.manifest.calibration
        assert stored is not None
        assert asdict(stored) == result["calibration"]
        backup(index, tmp_path / "backup.zip")
    rows = result["questions"]
    halves = {(row["cluster"], row["half"]) for row in rows}
    assert len(halves) == len({cluster for cluster, _ in halves}), "no document is in both halves"
    report = [r for r in rows if r["half"] == "report" and r["kind"] != "own"]
    assert stored.recall == sum(r["confidence"] < stored.threshold for r in report) / len(report)
    with restore(tmp_path / "backup.zip", tmp_path / "back") as index:
        assert index.manifest.calibration == stored


def test_the_index_declines_by_its_calibration(own_sample: Path) -> None:
    question = "When did ChatGPT launch?"
    with open_index(own_sample) as index:
        assert index.ask(question).status == "answered"
        put(index, CALIBRATION)
        assert index.ask(question).status == "declined"
        assert index.ask(question, settings=Settings(threshold=0.2)).status == "answered"


def test_an_index_made_anew_is_not_calibrated(index: Index, docs: Path) -> None:
    sync(index, [docs])
    put(index, CALIBRATION)
    assert index.manifest.calibration == CALIBRATION
    sync(index, [docs])
    assert index.manifest.calibration == CALIBRATION
    reindex(index)
    assert index.manifest.calibration is None


def test_a_manifest_from_before_is_read(index: Index) -> None:
    row = asdict(index.manifest)
    del row["calibration"]
    with index.lock(), index.library.writing():
        index.library._db.execute("UPDATE manifest SET value = ?", (json.dumps(row),))
    assert index.library.manifest() == replace(index.manifest, calibration=None)
    put(index, CALIBRATION)
    assert index.library.manifest() == replace(index.manifest, calibration=CALIBRATION)


def test_a_small_index_is_not_calibrated(index: Index, docs: Path) -> None:
    sync(index, [docs])
    with pytest.raises(BadIndex, match="are needed"):
        calibrate(index)
    assert index.manifest.calibration is None


def test_a_share_of_nothing_is_shown_as_none() -> None:
    row = {"threshold": 0.3, "precision": None, "recall": None, "over_refusal": 0.1}
    counts = {"answerable": 10, "unanswerable": 0}
    result = {"calibration": row | counts, "shipped": row, "kinds": {"near": None}, "stored": False}
    assert format_calibration(result).splitlines()[1].split()[:4] == ["0.300", "-", "-", "0.100"]


def test_halves_are_about_even() -> None:
    tune = sum(half_of(str(n), byte=0) == "tune" for n in range(1000))
    assert 400 < tune < 600
