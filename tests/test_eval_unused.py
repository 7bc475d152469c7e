"""Whether answers need what they cite, what a good one costs, and what else a report shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from eval.annotate import annotate, items, read_annotations
from eval.cases import Case, Evidence
from eval.folder import ANNOTATIONS, EVIDENCE, read_folder
from eval.operations import Prices, format_cost, operations
from eval.record import Record
from eval.report import page
from eval.run import run_cases
from eval.score import score
from eval.scored import Run
from ingest.sync import sync
from rag.errors import BadInput
from rag.index import Index, create_index
from rag.settings import Settings
from rag.types import Answer
from tests.scripted import Script, scripted
from ui.cli import main

HIGH = "The Quillon Tower is 330 metres high."
CASE = Case(
    "tower", "single_fact", "How high is the Quillon Tower?", (), True, "", ("330 metres",),
    (Evidence("tower.txt", HIGH),),
)  # fmt: skip
WROTE = "The Quillon Tower rises to 330 metres [1]."
OTHER = "The Quillon Tower was painted in 1950 [1]."


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("library")
    (folder / "tower.txt").write_text(f"{HIGH}\n", encoding="utf-8")
    (folder / "paint.txt").write_text(
        "How high the Quillon Tower is was painted on the Quillon Tower in 1950.\n",
        encoding="utf-8",
    )
    with create_index(tmp_path_factory.mktemp("index") / "index") as opened:
        sync(opened, [folder])
        yield opened


def asked(index: Index, *replies: str | Script, without_cited: bool = True) -> Run:
    model = scripted(*replies)
    settings = Settings("llm", model, policy="off")
    run = run_cases(index, [CASE], settings=settings, without_cited=without_cited)
    assert not model.scripts, "as often as it should be"
    return run


def unused(run: Run) -> tuple[float | None, int]:
    (figure,) = (f for f in run.figures if f.name == "cited_but_unused")
    return figure.value, figure.scored


def test_what_is_said_again_without_its_passage_is_flagged(index: Index) -> None:
    same = asked(index, WROTE, WROTE)
    assert unused(same) == (1, 1)
    assert "said again without what it cites" in page(same)
    needed = asked(index, WROTE, OTHER)
    assert unused(needed) == (0, 1)
    assert "said again without what it cites" not in page(needed)
    half = asked(index, f"{WROTE} The Quillon Tower has 330 metres [1].", WROTE)
    assert unused(half) == (0.5, 1)


def test_what_would_be_withheld_was_written_all_the_same(index: Index) -> None:
    model = scripted(HIGH.replace(".", " [1]."), HIGH.replace(".", " [1]."))
    run = run_cases(index, [CASE], settings=Settings("llm", model), without_cited=True)
    assert run.cases[0].status == "answered"
    assert unused(run) == (1, 1)


def test_a_second_asking_that_fails_says_nothing(index: Index) -> None:
    run = asked(index, WROTE, [ValueError("overloaded")])
    assert run.cases[0].status == "answered"
    assert unused(run) == (None, 0)


def test_quotations_need_what_they_quote_and_a_model_is_asked_twice_only_if_told(
    index: Index,
) -> None:
    assert unused(run_cases(index, [CASE])) == (0, 1)
    assert unused(asked(index, WROTE, without_cited=False)) == (None, 0)


def test_the_passage_is_really_away(index: Index) -> None:
    model = scripted(WROTE, OTHER)
    run_cases(index, [CASE], settings=Settings("llm", model, policy="off"), without_cited=True)
    first, second = (str(messages[-1].content) for messages in model.asked)
    assert HIGH in first and HIGH not in second


def test_with_and_without_the_second_asking_are_two_runs(index: Index, tmp_path: Path) -> None:
    run_cases(index, [CASE], tmp_path / "run")
    with pytest.raises(BadInput, match=r"made otherwise.*without_cited"):
        run_cases(index, [CASE], tmp_path / "run", without_cited=True)


def test_it_is_kept_on_disk(index: Index, tmp_path: Path) -> None:
    settings = Settings("llm", scripted(WROTE, WROTE), policy="off")
    run = run_cases(index, [CASE], tmp_path / "run", settings, without_cited=True)
    assert unused(score(read_folder(tmp_path / "run"))) == unused(run) == (1, 1)


def record(seconds: float, read: int = 0, written: int = 0) -> Record:
    usage = {"input_tokens": read, "output_tokens": written} if read else {}
    answer = Answer("?", "?", "answered", "", (), (), (), 0.5, "t", {}, 1, usage=usage)
    return Record("a", answer, seconds)


def test_what_a_right_and_grounded_answer_costs() -> None:
    rows = [record(1, 3_000, 100), record(2, 1_000, 300), Record("b", None, 3, problem="gone")]
    cost = operations(rows, 2, Prices(per_input=0.5, per_output=10))
    assert cost.per_good == {
        "seconds": 3,
        "input_tokens": 2_000,
        "output_tokens": 200,
        "money": pytest.approx((4_000 * 0.5 + 400 * 10) / 1_000_000 / 2),
    }
    assert format_cost(cost) == (
        "3.00 seconds, 2,000 tokens read, 200 tokens written, 0.003000 in money at the prices given"
    )
    assert "money" not in operations(rows, 2).per_good
    none = operations(rows, 0, Prices(1, 1))
    assert set(none.per_good.values()) == {None} and format_cost(none) == "there is none"


@pytest.fixture
def folder(index: Index, tmp_path: Path) -> Path:
    run_cases(index, [CASE], tmp_path / "run", Settings("llm", scripted(WROTE)))
    return tmp_path / "run"


def test_prices_are_for_score_and_report(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    for command in ("score", "report"):
        order = ["eval", command, str(folder), "--price-in", "1", "--json", str(out)]
        assert CliRunner().invoke(main, order).exit_code == 0
        per_good = json.loads(out.read_text(encoding="utf-8"))["operations"]["per_good"]
        assert per_good["money"] == pytest.approx(7 / 1_000_000)
    assert (
        CliRunner().invoke(main, ["eval", "score", str(folder), "--price-in", "-1"]).exit_code == 2
    )


RESULTS = Path(__file__).parents[1] / "eval" / "results"
MEASURED = ("squad2_half", "grounding", "chunking", "injection")


def test_other_measurements_are_in_the_same_report(folder: Path, tmp_path: Path) -> None:
    hostile = tmp_path / "mine.json"
    hostile.write_text('{"<img src=x>": "<b>", "rows": [{"a": null}, {"b": true}], "list": []}')
    files = [*(RESULTS / f"{name}.json" for name in MEASURED), hostile]
    html, out = tmp_path / "r.html", tmp_path / "r.json"
    order = ["eval", "report", str(folder), "--html", str(html), "--json", str(out)]
    done = CliRunner().invoke(main, [*order, *(x for f in files for x in ("--with", str(f)))])
    assert done.exit_code == 0, done.output
    text = html.read_text(encoding="utf-8")
    ndcg = json.loads((RESULTS / "squad2_half.json").read_text())["retrieval"]["ndcg@10"]
    shown = (f"{ndcg:.3g}", "attack success rate", "summedits")
    for words in ("Other measurements", *MEASURED, *shown):
        assert words in text
    assert "<img src=x>" not in text and "&lt;img src=x&gt;" in text
    stored = json.loads(out.read_text(encoding="utf-8"))["others"]
    assert stored.keys() == {*MEASURED, "mine"}
    assert stored["injection"]["n_attacks"] == 75


def test_what_is_no_measurement_is_said(folder: Path, tmp_path: Path) -> None:
    for name, text, message in (
        ("list.json", "[1]", "holds no measurement"),
        ("bad.json", "{", "is not JSON"),
        ("nan.json", '{"auroc": NaN}', "NaN is no number"),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
        order = ["eval", "report", str(folder), "--json", str(tmp_path / "r.json")]
        done = CliRunner().invoke(main, [*order, "--with", str(tmp_path / name)])
        assert done.exit_code == 1 and message in done.output
    gone = CliRunner().invoke(main, [*order, "--with", str(tmp_path / "gone.json")])
    assert gone.exit_code == 1 and "cannot be read" in gone.output
    twice = CliRunner().invoke(main, [*order, "--with", "a/x.json", "--with", "b/x.json"])
    assert twice.exit_code in (1, 2)


def test_people_are_in_the_report_for_programs(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.json"
    order = ["eval", "report", str(folder), "--json", str(out)]
    assert CliRunner().invoke(main, order).exit_code == 0
    assert json.loads(out.read_text(encoding="utf-8"))["agreement"] is None
    (item,) = items(read_folder(folder))
    annotate(folder, item, False)
    # Half of a line, as a crash leaves it: it is not there, and what comes next is.
    with (folder / ANNOTATIONS).open("a", encoding="utf-8") as file:
        file.write('{"case": "tow')
    assert len(read_annotations(folder)) == 1
    annotate(folder, item, True)
    assert [one.supported for one in read_annotations(folder)] == [True]
    assert CliRunner().invoke(main, order).exit_code == 0
    agreement = json.loads(out.read_text(encoding="utf-8"))["agreement"]
    assert (agreement["n"], agreement["both"] + agreement["people_only"]) == (1, 1)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        (ANNOTATIONS, '{"case": "tower", "sentence": "0", "supported": true}'),
        (ANNOTATIONS, '{"case": "tower", "sentence": -1, "supported": true}'),
        (ANNOTATIONS, '{"case": "tower", "sentence": 0, "supported": 1}'),
        (ANNOTATIONS, "[]"),
        (EVIDENCE, '{"id": "tower"}'),
        (EVIDENCE, "\udcff"),
    ],
)
def test_a_damaged_line_is_named(folder: Path, name: str, row: str) -> None:
    (folder / name).write_bytes(b"\n" + row.encode("utf-8", "surrogateescape") + b"\n")
    with pytest.raises(BadInput, match=rf"{name}:2: not"):
        read_folder(folder)
        read_annotations(folder)


def test_a_question_that_failed_lowers_the_groundedness(index: Index) -> None:
    lost = replace(CASE, id="lost", question=" ")
    run = run_cases(index, [CASE, lost])
    assert [row.status for row in run.cases] == ["answered", "failed"]
    said = len(run.details["tower"].grounds)
    assert run.groundedness.value == pytest.approx(said / (said + 1))
