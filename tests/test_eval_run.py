"""A small library, asked for real; and answers made up, to see that they are judged rightly."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from eval.anchors import ask_anchors
from eval.cases import Case, Evidence
from eval.folder import ANSWERS, HEADER, SCORES, read_folder, write_scores
from eval.header import make_header, settings_of
from eval.run import ask_cases, run_cases
from eval.score import score
from eval.scored import CaseResult, Run
from eval.table import format_table
from ingest.sync import sync
from rag.errors import BadIndex, BadInput
from rag.index import Index, create_index
from rag.settings import Settings
from rag.types import Answer, Citation, Sentence, Turn

TOWER = "The Quillon Tower is 330 metres high.\n\nIt was opened in 1921 by Mara Devlin.\n"
BRIDGE = "The Osric Bridge is 812 metres\nlong. It was built by Mara Devlin in 1934.\n"
HIGH = Evidence("tower.txt", "The Quillon Tower is 330 metres high.")
LONG = Evidence("bridge.txt", "The Osric Bridge is 812 metres long.")


def case(identifier: str, *evidence: Evidence, kind: str = "single_fact", **fields: object) -> Case:
    base = Case(
        id=identifier,
        kind=kind,
        question="How high is the Quillon Tower?",
        history=(),
        answerable=bool(evidence),
        reference="",
        answers=("330 metres",) if evidence else (),
        evidence=evidence,
    )
    return replace(base, **fields)  # type: ignore[arg-type]


FAR = case(
    "far", kind="unanswerable_far", question="Which spices go into a Portuguese custard tart?"
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("library")
    (folder / "tower.txt").write_text(TOWER, encoding="utf-8")
    (folder / "deep").mkdir()
    (folder / "deep" / "bridge.txt").write_text(BRIDGE, encoding="utf-8")
    with create_index(tmp_path_factory.mktemp("index") / "index") as opened:
        sync(opened, [folder])
        yield opened


class Canned:
    """The index, except that it answers what it was given; an exception is raised."""

    def __init__(self, index: Index, *answers: Answer | BaseException) -> None:
        self._index = index
        self._answers = list(answers)
        self.asked: list[tuple[str, tuple[Turn, ...]]] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._index, name)

    def stream(
        self, question: str, history: tuple[Turn, ...], settings: Settings
    ) -> Iterator[str | Answer]:
        self.asked.append((question, history))
        answer = self._answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        yield answer.text
        yield answer


def judge(index: Index, asked: Case, answer: Answer | Exception) -> CaseResult:
    run = run_cases(Canned(index, answer), [asked])  # type: ignore[arg-type]
    return run.cases[0]


def answer(index: Index, text: str = "", *spots: tuple[str, int, int], **fields: object) -> Answer:
    """An answer that cites characters of files; without text, one that declines."""
    ids = {Path(uri).name: i for uri, i in index.library.files().items()}
    citations = tuple(
        Citation(
            n, ids[name], name, name, None, (), start, end, quote(index, ids[name], start, end)
        )
        for n, (name, start, end) in enumerate(spots, 1)
    )
    made = Answer(
        question="", query="How high?", status="answered" if text else "declined", text=text,
        sentences=(), citations=citations, passages=(), confidence=0.9, engine="test", timings={},
        index_revision=1,
    )  # fmt: skip
    return replace(made, **fields)  # type: ignore[arg-type]


def quote(index: Index, source_id: str, start: int, end: int) -> str:
    return index.library.text(source_id)[start:end]


def test_a_run_over_a_real_index(index: Index) -> None:
    steps: list[tuple[int, int]] = []
    lost = case("lost", Evidence("tower.txt", "The Quillon Tower is 331 metres high."))
    run = run_cases(
        index, [case("high", HIGH), lost, FAR], progress=lambda *done: steps.append(done)
    )
    assert steps == [(1, 3), (2, 3), (3, 3)]
    high, broken, far = run.cases
    assert (high.status, high.right, high.right_and_cited, high.recall) == ("answered",) + (
        True,
    ) * 3
    assert high.case_error == "" and high.citations == high.exact >= 1
    assert "'tower.txt' is not in the index or lacks" in broken.case_error
    assert broken.right and not broken.cited and broken.recall == 0
    assert far.recall is None and far.all_gold is None
    assert run.totals[-1].kind == "all" and run.totals[-1].n == 3
    assert run.totals[-1].unscored == 1 and run.totals[-1].failed == 0
    assert run.totals[-1].recall_at_10 == 0.5
    assert run.header["cases"] == 3
    assert run.header["embedding_model"] == index.manifest.embedding_model
    assert run.header["index_revision"] == index.library.revision()
    assert json.loads(json.dumps(run.to_dict(), allow_nan=False))["cases"][1]["id"] == "lost"
    table = format_table(run)
    assert "unscored: lost: 'tower.txt'" in table
    assert [line.split()[0] for line in table.splitlines()[:4]] == [
        "kind", "single_fact", "unanswerable_far", "all",
    ]  # fmt: skip


def test_a_wrong_citation_is_not_cited(index: Index) -> None:
    asked = case("high", HIGH)
    cited = judge(index, asked, answer(index, "It is 330 metres. [1]", ("tower.txt", 30, 50)))
    assert cited.right and cited.cited and cited.cited_all and cited.right_and_cited
    beside = judge(index, asked, answer(index, "It is 330 metres. [1]", ("tower.txt", 37, 50)))
    assert beside.right and not beside.cited and not beside.right_and_cited
    other = judge(index, asked, answer(index, "It is 330 metres. [1]", ("bridge.txt", 0, 30)))
    assert other.right and not other.cited
    wrong = judge(index, asked, answer(index, "It is 812 metres. [1]", ("tower.txt", 0, 30)))
    assert wrong.cited and not wrong.right and not wrong.right_and_cited


def test_the_number_of_a_citation_is_no_answer(index: Index) -> None:
    two = case("two", HIGH, answers=("2",))
    made = answer(index, "It is high. [2]", ("tower.txt", 0, 37))
    said = Sentence("It is high.", 0, 11, "supported", 0.9, made.citations)
    assert not judge(index, two, replace(made, sentences=(said,))).right
    told = replace(said, text="It has 2.")
    assert judge(index, two, replace(made, sentences=(told,))).right


@pytest.mark.parametrize("kind", ["two_document", "contradiction"])
def test_two_pieces_of_evidence_need_two_citations(index: Index, kind: str) -> None:
    asked = case("both", HIGH, LONG, kind=kind)
    spots = ("tower.txt", 0, 20), ("bridge.txt", 0, 20)
    half = judge(index, asked, answer(index, "330 metres", spots[0]))
    assert half.right and half.cited and not half.cited_all and not half.right_and_cited
    whole = judge(index, asked, answer(index, "330 metres", *spots))
    assert whole.cited_all and whole.right_and_cited
    either = case("either", HIGH, LONG)
    assert judge(index, either, answer(index, "330 metres", spots[0])).right_and_cited


def test_declining(index: Index) -> None:
    declined = judge(index, case("high", HIGH), answer(index, confidence=0.1))
    assert (declined.status, declined.right, declined.right_and_cited) == ("declined", False, False)
    rightly = judge(index, FAR, answer(index, confidence=0.1))
    assert rightly.right and rightly.right_and_cited and not rightly.cited
    wrongly = judge(index, FAR, answer(index, "Cinnamon."))
    assert not wrongly.right and not wrongly.right_and_cited
    # What a declined answer says about the nearest passages is no answer.
    text = "Nothing in the library answers this for certain. Nearest: 330 metres"
    assert not judge(index, case("high", HIGH), answer(index, text, status="declined")).right


def test_a_failure_is_recorded_counts_as_wrong_and_stops_nothing(index: Index) -> None:
    canned = Canned(index, BadIndex("gone"), BadIndex("gone"), answer(index, confidence=0.2))
    again = replace(FAR, id="again")
    run = run_cases(canned, [case("high", HIGH), FAR, again])  # type: ignore[arg-type]
    assert [row.status for row in run.cases] == ["failed", "failed", "declined"]
    assert run.cases[0].problem == "BadIndex: gone"
    assert run.cases[0].recall == 0 and not run.cases[0].right
    assert not run.cases[1].right
    assert run.totals[-1].failed == 2 and run.totals[-1].n == 3 and run.totals[-1].right == 1
    # Failed is not declined: half of what cannot be answered was refused.
    assert run.refusal.recall == 0.5 and run.refusal.over_refusal == 0
    assert run.refusal.auroc == 0
    assert "failed: high: BadIndex: gone" in format_table(run)


def test_a_bug_is_no_failure_of_a_case(index: Index) -> None:
    with pytest.raises(ZeroDivisionError):
        judge(index, FAR, ZeroDivisionError())


def test_history_is_asked_with_the_question(index: Index) -> None:
    history = (Turn("user", "What of the tower?"), Turn("assistant", "Well?"))
    canned = Canned(index, answer(index))
    asked = case("follow", HIGH, kind="follow_up", history=history)
    run_cases(canned, [asked])  # type: ignore[arg-type]
    assert canned.asked == [(asked.question, history)]


def test_a_quote_that_is_not_the_source_is_counted(index: Index) -> None:
    made = answer(index, "330 metres", ("tower.txt", 0, 20), ("tower.txt", 0, 30))
    first, second = made.citations
    gone = replace(second, number=3, source_id="gone")
    made = replace(made, citations=(first, replace(second, quote="Something else"), gone))
    row = judge(index, case("high", HIGH), made)
    assert (row.citations, row.exact) == (3, 1)


def test_a_source_is_matched_by_whole_path_parts(index: Index) -> None:
    deep = case("deep", Evidence("deep/bridge.txt", LONG.quote))
    assert judge(index, deep, answer(index)).case_error == ""
    part = case("part", Evidence("ridge.txt", LONG.quote))
    assert "'ridge.txt' is not in the index" in judge(index, part, answer(index)).case_error


def test_no_cases_make_dashes(index: Index) -> None:
    run: Run = run_cases(index, [])
    assert [total.kind for total in run.totals] == ["all"]
    line = format_table(run).splitlines()[1].split()
    assert line == ["all", *["0"] * 8, "-", "-", "0/0", "-", "-"]
    assert "nan" not in json.dumps(run.to_dict()).lower()


def test_a_run_goes_on_where_it_stopped(index: Index, tmp_path: Path) -> None:
    cases = [case("high", HIGH), FAR, case("lost", HIGH)]
    folder = tmp_path / "run"
    given = answer(index, "330 metres", ("tower.txt", 0, 37))
    stopped = Canned(index, given, BadIndex("gone"), KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        ask_cases(stopped, cases, folder)  # type: ignore[arg-type]
    assert read_folder(folder).missing == 1
    with pytest.raises(BadInput, match="1 of 3 questions are still to be asked"):
        score(read_folder(folder))
    # What was being written when the machine went down is asked again.
    with (folder / ANSWERS).open("a", encoding="utf-8") as file:
        file.write('{"id": "lost", "answer": nu')
    rest = Canned(index, answer(index), given)
    run = run_cases(rest, cases, folder)  # type: ignore[arg-type]
    assert len(rest.asked) == 2, "the failed question and the one that was never asked"
    assert [row.status for row in run.cases] == ["answered", "declined", "answered"]
    done = Canned(index)
    again = run_cases(done, cases, folder)  # type: ignore[arg-type]
    assert again.to_dict() == run.to_dict()
    assert score(read_folder(folder)).to_dict() == run.to_dict(), "nothing is lost on disk"


def test_another_run_does_not_go_on_in_the_same_folder(index: Index, tmp_path: Path) -> None:
    run_cases(index, [FAR], tmp_path / "run")
    with pytest.raises(BadInput, match=r"made otherwise.*settings.*new folder"):
        run_cases(index, [FAR], tmp_path / "run", Settings(threshold=0.5))
    with pytest.raises(BadInput, match=r"made otherwise.*cases"):
        run_cases(index, [FAR, case("high", HIGH)], tmp_path / "run")
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BadInput, match="holds other files"):
        run_cases(index, [FAR], tmp_path)
    with pytest.raises(BadInput, match="holds no run"):
        read_folder(tmp_path)
    with pytest.raises(BadInput, match="the same id"):
        run_cases(index, [FAR, FAR])
    hidden = replace(FAR, id="hidden", without=(HIGH,))
    with pytest.raises(BadInput, match="whole index"):
        run_cases(index, [hidden], settings=Settings(collections=("a",)))


def test_settings_are_those_of_the_questions(index: Index) -> None:
    run = run_cases(index, [case("high", HIGH)], settings=Settings(threshold=1.0))
    assert run.cases[0].status == "declined"
    assert run.header["settings"]["threshold"] == 1.0


def test_questions_asked_at_the_same_time_keep_their_answers(index: Index) -> None:
    cases = [case("high", HIGH), FAR, case("long", LONG, question="How long is the Osric Bridge?")]
    one, four = run_cases(index, cases), run_cases(index, cases, workers=4)
    assert [r.answer for r in one.cases] == [r.answer for r in four.cases]


def test_scores_are_a_file_with_a_line_a_case(index: Index, tmp_path: Path) -> None:
    run = run_cases(index, [case("high", HIGH), FAR])
    write_scores(tmp_path / SCORES, run.to_dict())
    text = (tmp_path / SCORES).read_text(encoding="utf-8")
    stored = json.loads(text)
    assert [row["id"] for row in stored["cases"]] == ["high", "far"]
    assert sum('"id": "high"' in line for line in text.splitlines()) == 1
    assert stored["cases"][0]["parts"]["right"] == [1, 1]


def test_the_header_names_what_a_run_was_made_with(index: Index, tmp_path: Path) -> None:
    run_cases(index, [FAR], tmp_path / "run")
    header = json.loads((tmp_path / "run" / HEADER).read_text(encoding="utf-8"))
    for name in ("corpus_sha256", "chunks_sha256", "cases_sha256", "code_sha256"):
        assert len(header[name]) == 64
    assert header["embedding_sha256"] == index.manifest.embedding_fingerprint
    assert header["weights"].keys() >= {
        "reader.onnx",
        "select_weights.json",
        "verify_weights.json",
    }
    assert header["settings"]["engine"] == "auto"
    assert header["sources"] == 2 and header["machine"] and header["packages"]["chromadb"]


def test_the_anchors_know_words_only(index: Index) -> None:
    bm25, overlap = ask_anchors(index, "How high is the Quillon Tower?")
    assert bm25.quote == HIGH.quote and not bm25.declined
    source, start, end = bm25.spot
    assert index.library.text(source)[start:end] == bm25.quote
    assert overlap.quote == bm25.quote and 0.5 <= overlap.confidence <= 1
    for anchor in ask_anchors(index, "Which spices go into a Portuguese custard tart?"):
        assert anchor.declined and anchor.confidence < 0.5 and not anchor.quote
    best, first = ask_anchors(index, "Who opened the tower in 1921?")
    assert "1921" in best.quote and first.quote == HIGH.quote


def test_evidence_that_is_lost_is_named_by_where(index: Index) -> None:
    cases = [
        case("file", Evidence("none.txt", "x"), answers=("nothing",)),
        case("words", Evidence("tower.txt", "not there"), answers=("nothing",)),
        case("high", HIGH, question="How high is the Quillon Tower, in metres?"),
        FAR,
    ]
    run = run_cases(index, cases)
    assert [row.cause for row in run.cases] == [
        "not in corpus", "parsed away", "correct", "correct",
    ]  # fmt: skip
    assert sum(run.causes.values()) == len(cases)
    asked = ask_cases(index, [case("long", LONG)])
    assert asked.records["long"].deep == (0,), "found, so not looked for"


def test_a_run_that_is_stopped_misses_the_rest_and_goes_on(index: Index, tmp_path: Path) -> None:
    stop = Event()
    cases = [case("a", HIGH), case("b", HIGH), FAR]
    done = []

    def step(number: int, total: int) -> None:
        done.append((number, total))
        stop.set()

    asked = ask_cases(index, cases, tmp_path / "run", progress=step, stop=stop)
    assert list(asked.records) == ["a"] and asked.missing == 2
    assert done == [(1, 3)]
    with pytest.raises(BadInput, match="2 of 3 questions are still to be asked"):
        score(asked)
    assert not ask_cases(index, cases, tmp_path / "run").missing


def test_the_settings_of_a_run_are_read_back_from_its_header(index: Index) -> None:
    class Model:
        model_name = "tiny-1"

    now = Settings(llm=Model(), base_url="https://me:word@host/v1")  # type: ignore[arg-type]
    made = replace(now, engine="llm", threshold=0.3, passages=5, collections=("a", "b"))
    header = json.loads(json.dumps(make_header(index, [FAR], made)))
    assert settings_of(header, now) == made
    # Without the object, its name is all there is.
    assert settings_of(header, Settings()).llm == "Model tiny-1"
    assert settings_of(header, Settings()).base_url == "https://host/v1"


def test_a_model_given_as_an_object_is_named_in_the_header(index: Index) -> None:
    class Model:
        model_name = "tiny-1"

    header = make_header(index, [FAR], Settings(llm=Model()))  # type: ignore[arg-type]
    assert json.loads(json.dumps(header))["settings"]["llm"] == "Model tiny-1"


def test_what_is_secret_in_an_address_is_not_written_down(index: Index) -> None:
    secret = Settings("auto", "openai:x", "https://me:word@host:81/v1?api_key=word")
    header = make_header(index, [FAR], secret)
    assert header["settings"]["base_url"] == "https://host:81/v1"
    assert "word" not in json.dumps(header["settings"])
    assert make_header(index, [FAR], Settings())["settings"]["base_url"] == ""


def test_model_files_are_hashed_in_the_header(index: Index, tmp_path: Path) -> None:
    gguf, nli = tmp_path / "tiny.gguf", tmp_path / "nli"
    gguf.write_bytes(b"GGUF")
    (nli / "deep").mkdir(parents=True)
    (nli / "deep" / "weights.bin").write_bytes(b"w")
    used = Settings("llm", f"local:{gguf}", verifier=str(nli))
    files = make_header(index, [FAR], used)["model_files"]
    assert files == {
        "tiny.gguf": hashlib.sha256(b"GGUF").hexdigest(),
        "weights.bin": hashlib.sha256(b"w").hexdigest(),
    }
    gguf.write_bytes(b"GGUF2")
    assert make_header(index, [FAR], used)["model_files"] != files
    assert "model_files" not in make_header(index, [FAR], Settings("extractive", "local:gone.gguf"))
