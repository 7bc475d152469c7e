"""What is behind the evaluation's page: runs in a thread, what is kept, who may see it."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from selectolax.lexbor import LexborHTMLParser

from eval.cases import SAMPLE_CASES, load_cases
from eval.folder import ANSWERS, HEADER, SCORES, read_folder
from eval.gate import Scores, compare
from ingest.sync import sync
from rag.errors import BadIndex, BadInput
from rag.index import Index, open_index
from rag.settings import Settings
from tests.test_ui_users import PASSWORD, call, rail, send, served, signed_in
from tests.test_ui_web_evaluation import CASES, Gate, library
from ui.cli import main
from ui.users import Users, put_user
from ui.web import evaluation as module
from ui.web.access import Access
from ui.web.eval_desk import EvaluationDesk
from ui.web.eval_panel import comparison
from ui.web.evaluation import FAILED, RUNS, Evaluation, Job, Kept
from ui.web.feedback import FILE

pytestmark = [
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return library(tmp_path_factory.mktemp("evaluated"))


@pytest.fixture
def index(made: Path, tmp_path: Path) -> Iterator[Index]:
    shutil.copytree(made, tmp_path / "index")
    with open_index(tmp_path / "index") as opened:
        yield opened


@pytest.fixture
def desk(index: Index) -> EvaluationDesk:
    return EvaluationDesk(Access(index))


def finished(evaluation: Evaluation, job: Job) -> Job:
    assert evaluation.wait(120)
    assert job.is_over
    return job


def asked(evaluation: Evaluation, limit: int | None = None, **settings: Any) -> str:  # noqa: ANN401
    job = finished(evaluation, evaluation.start("readers", limit, Settings(**settings)))
    assert job.state == "done", job.problem
    return job.name


def test_a_run_is_that_of_the_command(index: Index, tmp_path: Path) -> None:
    name = asked(Evaluation(index))
    words = ["eval", "run", str(index.folder / FILE), "--index", str(index.folder)]
    out = tmp_path / "out"
    assert CliRunner().invoke(main, [*words, "--out", str(out)]).exit_code == 0
    mine, its = (
        json.loads((folder / SCORES).read_text(encoding="utf-8"))
        for folder in (index.folder / RUNS / name, out)
    )
    assert [row["parts"] for row in mine["cases"]] == [row["parts"] for row in its["cases"]]
    assert mine["header"]["cases_sha256"] == its["header"]["cases_sha256"]
    (kept,) = Evaluation(index).runs()
    assert (kept.name, kept.cases, kept.asked, kept.failed) == (name, 5, 5, 0)
    assert kept.right is not None
    assert kept.right.value == pytest.approx(
        next(figure["value"] for figure in its["figures"] if figure["name"] == "right")
    )


def test_a_limit_takes_cases_from_the_whole_file(index: Index) -> None:
    evaluation = Evaluation(index)
    name = asked(evaluation, limit=2)
    ids = [case.id for case in read_folder(index.folder / RUNS / name).cases]
    assert ids == [CASES[0]["id"], CASES[2]["id"]]
    assert [case.id for case in evaluation._cases("readers", 99)] == [c["id"] for c in CASES]


def test_what_can_be_asked_depends_on_what_is_there(index: Index, sample: Index) -> None:
    assert list(Evaluation(sample).choices()) == ["sample", "made"]
    assert Evaluation(sample)._cases("sample", None) == load_cases(SAMPLE_CASES)
    assert list(Evaluation(index).choices()) == ["readers", "made"]
    with pytest.raises(BadInput, match="no such cases any more"):
        Evaluation(index).start("sample", None, Settings())
    assert len(Evaluation(sample)._cases("made", 12)) == 12


def test_the_whole_library_is_asked_whatever_the_reader_has_chosen(index: Index) -> None:
    name = asked(Evaluation(index), collections=("hr",), policy="mark", passages=7)
    made = read_folder(index.folder / RUNS / name).header["settings"]
    assert (made["collections"], made["policy"], made["passages"]) == (None, "mark", 7)


def test_only_one_run_is_asked_at_a_time(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()
    gate.on(index, monkeypatch)
    evaluation = Evaluation(index)
    job = evaluation.start("readers", None, Settings())
    with pytest.raises(BadInput, match="already: wait for its end, or stop it"):
        evaluation.start("readers", None, Settings())
    with pytest.raises(BadInput, match="already"):
        gate.let(1)
        evaluation.go_on(_there(evaluation, index))
    evaluation.stop()
    gate.let(100)
    assert finished(evaluation, job).state == "stopped"


def _there(evaluation: Evaluation, index: Index) -> str:
    """The run, once its folder is there."""
    while not (runs := evaluation.runs()):
        pass
    return runs[0].name


def test_a_run_that_fails_says_why_and_can_go_on(
    index: Index, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    evaluation = Evaluation(index)

    def broken(error: Exception) -> Job:
        def fail(*_: object) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(module, "score", fail)
            return finished(evaluation, evaluation.start("readers", None, Settings()))

    known = broken(BadIndex("the index is damaged: ingest again"))
    assert (known.state, known.problem) == ("failed", "the index is damaged: ingest again")
    with caplog.at_level(logging.ERROR, logger="ui.web.evaluation"):
        unknown = broken(RuntimeError("secret detail"))
    assert (unknown.state, unknown.problem) == ("failed", FAILED)
    assert "secret detail" in caplog.text
    assert finished(evaluation, evaluation.go_on(unknown.name)).state == "done"
    damaged = index.folder / FILE
    damaged.write_text("{}\n", encoding="utf-8")
    job = finished(evaluation, evaluation.start("readers", None, Settings()))
    assert job.problem == f"{damaged}:1: field 'id' is missing"


def test_a_run_goes_on_with_the_settings_it_was_begun_with(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    evaluation = Evaluation(index)
    with monkeypatch.context() as patch:
        gate.on(index, patch)
        job = evaluation.start("readers", None, Settings(threshold=1.0, passages=3))
        gate.let(1)
        while job.done < 1:
            pass
        evaluation.stop()
        gate.let(1)
        assert finished(evaluation, job).state == "stopped"
    (kept,) = evaluation.runs()
    assert (kept.asked, kept.cases, kept.is_whole) == (1, 5, False)
    with pytest.raises(BadInput, match="still to be asked"):
        evaluation.report(job.name)
    again = Evaluation(index)  # as after a restart
    assert finished(again, again.go_on(job.name)).state == "done"
    records = read_folder(index.folder / RUNS / job.name).records.values()
    assert len(records) == 5
    assert all(r.answer and r.answer.status == "declined" for r in records)


def test_a_run_over_other_documents_does_not_go_on(index: Index, docs: Path) -> None:
    evaluation = Evaluation(index)
    name = asked(evaluation)
    sync(index, [docs])
    job = finished(evaluation, evaluation.go_on(name))
    assert job.state == "failed"
    assert "the documents have changed since it was begun" in job.problem


def test_what_failed_is_asked_again(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise BadIndex("not now")

    evaluation = Evaluation(index)
    with monkeypatch.context() as patch:
        patch.setattr(index, "stream", fail)
        name = asked(evaluation)
    html = EvaluationDesk(Access(index)).runs({}, "")["html"]
    assert "5 questions failed" in html and "Ask again" in html
    assert finished(evaluation, evaluation.go_on(name)).state == "done"
    assert [(kept.asked, kept.failed) for kept in evaluation.runs()] == [(5, 0)]


def test_a_damaged_run_is_listed_with_what_is_wrong(index: Index, desk: EvaluationDesk) -> None:
    name = asked(Evaluation(index))
    folder = index.folder / RUNS / name
    (folder / SCORES).write_text("{", encoding="utf-8")
    assert "cannot be read" in desk.runs({}, "")["html"]
    (folder / ANSWERS).write_text('{"id": "<b>x</b>"}\n', encoding="utf-8")
    (folder / HEADER).touch()
    html = desk.runs({}, "")["html"]
    assert "not a record of a run" in html and "<b>x" not in html
    (index.folder / RUNS / "else").mkdir()
    assert html.count("<li") == 1


@pytest.mark.parametrize("name", ["..", ".", "", "/", "../chroma", "none", "<b>"])
def test_no_other_folder_is_opened(index: Index, name: str) -> None:
    evaluation = Evaluation(index)
    (index.folder / HEADER).write_text("{}", encoding="utf-8")
    (index.folder / RUNS).mkdir(exist_ok=True)
    for act in (evaluation.report, evaluation.go_on):
        with pytest.raises(BadInput, match="not there any more"):
            act(name)


@pytest.mark.parametrize("limit", ["0", "-1", "1.5", "many", "10001", "9" * 5000])
def test_a_wrong_number_of_questions_is_a_sentence(desk: EvaluationDesk, limit: str) -> None:
    said = desk.start("", "readers", limit, Settings())
    assert "ask from 1 to 10,000 questions" in said
    assert desk.evaluation.job is None


def test_a_hostile_name_of_a_run_is_text(index: Index, desk: EvaluationDesk) -> None:
    name = asked(Evaluation(index))
    runs = index.folder / RUNS
    hostile = '"><img src=x onerror=alert(1)>'
    shutil.copytree(runs / name, runs / hostile)
    listed = desk.runs({}, "")["html"]
    told = desk.compare_runs({"names": [name, hostile]}, "")["html"]
    for html in (listed, told):
        assert "<img" not in html and "&lt;img" in html


def test_a_change_beyond_luck_is_marked_and_said() -> None:
    def scores(right: int, absent: int) -> Scores:
        names = [str(n) for n in range(40)]
        parts = {
            name: {"right": (float(n < right), 1.0), "hallucination_rate": (float(n < absent), 1.0)}
            for n, name in enumerate(names)
        }
        one = dict(zip(names, names, strict=True))
        return Scores({"seed": 0}, one, dict.fromkeys(names, "answered"), parts)

    before, after = Kept("a", settings={"passages": 10}), Kept("b", settings={"passages": 5})
    html = comparison(before, after, compare(scores(36, 30), scores(10, 4)))
    text = LexborHTMLParser(html).text(separator=" ")
    assert "1 clearly better, 1 clearly worse." in text
    assert "passages 10 → 5" in text
    rows = [row.text(separator=" ") for row in LexborHTMLParser(html).css("tbody tr")]
    (right,) = (row for row in rows if row.startswith("Right "))
    (absent,) = (row for row in rows if "less is better" in row)
    assert "90% 25% −65.0" in right and right.endswith("▼ worse")
    assert "75% 10% −65.0" in absent and absent.endswith("▲ better")
    # What neither run measured is left out.
    assert len(rows) == 4


def test_a_server_of_some_collections_has_no_evaluation(index: Index) -> None:
    part = EvaluationDesk(Access(index, collections=("hr",)))
    assert part.run_job({}, "") == {"may": False}
    assert "who sees the whole library" in part.start("", "readers", "", Settings())
    assert part.evaluation.job is None


def test_who_sees_only_some_collections_cannot_run_or_see_evaluations(
    index: Index, tmp_path: Path
) -> None:
    name = asked(Evaluation(index))
    put_user(tmp_path / "users", "ada", PASSWORD)
    put_user(tmp_path / "users", "bob", PASSWORD, ["hr"])
    app, url = served(index, Users(tmp_path / "users"))
    rows: Sequence[tuple[str, dict[str, Any]]] = (
        ("runs", {}),
        ("run_report", {"name": name}),
        ("compare_runs", {"names": [name, name]}),
        ("go_on", {"name": name}),
        ("stop_run", {}),
    )
    wanted = {"cases": "readers", "limit": "1"}
    try:
        with signed_in(url, "ada") as ada, signed_in(url, "bob") as bob:
            assert call(bob, rail(bob), "run_job", {}).json() == {"may": False}
            for function, row in rows:
                (given,) = call(bob, rail(bob), function, row).json().items()
                assert given == (
                    "error",
                    "evaluations are for who sees the whole library: ask them",
                )
            assert "who sees the whole library" in str(send(bob, "evaluate", wanted))
            assert call(ada, rail(ada), "run_job", {}).json() == {"may": True}
            assert name in call(ada, rail(ada), "runs", {}).json()["html"]
            assert "Scorecard" in call(ada, rail(ada), "run_report", {"name": name}).json()["html"]
            assert "who sees" not in str(send(ada, "evaluate", wanted))
            while (job := call(ada, rail(ada), "run_job", {}).json())["running"]:
                pass
            assert job["state"] == "done" and job["name"] != name
            assert call(bob, rail(bob), "run_job", {}).json() == {"may": False}
    finally:
        app.close(verbose=False)
