"""The gate sees what is planted, and does not see what is not there."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from eval.cases import SAMPLE_CASES, load_cases
from eval.folder import write_scores
from eval.gate import EXIT, GATED, Scores, compare, gate, read_scores, scores_of
from eval.record import Asked
from eval.run import ask_cases
from eval.score import score
from rag.errors import BadInput
from rag.index import Index
from rag.retrieve import HybridRetriever, Retrieved
from rag.settings import Settings
from rag.types import Answer, Citation
from rag.verify import Judgement
from ui.cli import main


@pytest.fixture(scope="module")
def asked(sample: Index) -> Asked:
    return ask_cases(sample, load_cases(SAMPLE_CASES))


@pytest.fixture(scope="module")
def good(asked: Asked) -> Scores:
    return scored(asked)


@pytest.fixture(scope="module")
def reckless(sample: Index) -> Scores:
    return scored(ask_cases(sample, load_cases(SAMPLE_CASES), settings=Settings(threshold=0.0)))


@pytest.fixture(scope="module")
def crippled(sample: Index) -> Scores:
    """The retriever leaves out the ten best."""
    find = HybridRetriever.find

    def worse(self: HybridRetriever, query: str, k: int | None = None) -> Retrieved:
        passages, queries = find(self, query, (k or self.k) + 10)
        return Retrieved(passages[10:], queries)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(HybridRetriever, "find", worse)
        return scored(ask_cases(sample, load_cases(SAMPLE_CASES)))


def scored(asked: Asked) -> Scores:
    return scores_of(score(asked).to_dict())


def worse(run: Scores, baseline: Scores) -> set[str]:
    result = gate(run, baseline)
    assert EXIT[result.verdict] == (1 if any(one.worse for one in result.figures) else 0)
    return {one.measure.name for one in result.figures if one.worse}


def changed(asked: Asked, change: object) -> Asked:
    """The run with other answers."""
    assert callable(change)
    records = {
        i: replace(record, answer=change(record.answer)) for i, record in asked.records.items()
    }
    return replace(asked, records=records)


def test_the_same_run_passes(good: Scores) -> None:
    result = gate(good, good)
    assert (result.verdict, EXIT[result.verdict]) == ("pass", 0)
    assert "a loss of 5.6% of 'Right' would show" in result.message


def test_a_crippled_retriever_is_caught(good: Scores, crippled: Scores) -> None:
    assert {"right", "right_and_cited", "recall@10"} <= worse(crippled, good)


def test_never_declining_is_caught(good: Scores, reckless: Scores) -> None:
    assert "refusal_recall" in worse(reckless, good)
    back = gate(good, reckless)
    assert back.verdict != "regression", "to get better is none"
    assert "refusal_recall" in {one.measure.name for one in back.figures if one.better}


def test_citations_shifted_to_the_next_number_are_caught(asked: Asked, good: Scores) -> None:
    def shift(answer: Answer) -> Answer:
        cited = answer.citations
        after = dict(zip(cited, [*cited[1:], *cited[:1]], strict=True))
        sentences = [
            replace(s, citations=tuple(after[c] for c in s.citations)) for s in answer.sentences
        ]
        return replace(answer, sentences=tuple(sentences))

    assert "citation_recall" in worse(scored(changed(asked, shift)), good)


def test_citations_shifted_by_a_character_are_caught(asked: Asked, good: Scores) -> None:
    def moved(citation: Citation) -> Citation:
        return replace(citation, start=citation.start + 1, end=citation.end + 1)

    def shift(answer: Answer) -> Answer:
        return replace(
            answer,
            citations=tuple(map(moved, answer.citations)),
            sentences=tuple(
                replace(s, citations=tuple(map(moved, s.citations))) for s in answer.sentences
            ),
        )

    assert worse(scored(changed(asked, shift)), good) == {"exact_quotes"}


@pytest.mark.parametrize("verdict", [1.0, 0.0])
def test_a_verifier_that_always_says_the_same_is_caught(
    asked: Asked, good: Scores, verdict: float
) -> None:
    class Stuck:
        def verify(self, sentence: str, evidence: object) -> Judgement:
            return Judgement("supported" if verdict else "unsupported", verdict, (), None)

    stuck = scores_of(score(asked, Stuck()).to_dict())  # type: ignore[arg-type]
    assert "verifier_probes" in worse(stuck, good)


def drawn(runs: list[Scores], rng: random.Random) -> Scores:
    """A run of a system that answers each case now like one, now like another."""
    picked = {i: rng.choice(runs).parts[i] for i in runs[0].parts}
    return replace(runs[0], parts=picked)


def test_runs_of_the_same_system_are_no_regression(
    good: Scores, reckless: Scores, crippled: Scores
) -> None:
    """200 pairs of runs of one system that is as unsteady as three systems are different."""
    rng = random.Random(7)
    runs = [good, reckless, crippled]
    alarms = sum(
        gate(drawn(runs, rng), drawn(runs, rng)).verdict == "regression" for _ in range(200)
    )
    assert alarms <= 10


def test_a_margin_is_put_up_with(good: Scores, reckless: Scores) -> None:
    assert gate(reckless, good, margin=1.0).verdict == "pass"
    assert gate(reckless, good, margin=0.1).verdict == "regression"


def few(scores: Scores, n: int) -> Scores:
    kept = list(scores.parts)[:n]
    return replace(
        scores,
        parts={i: scores.parts[i] for i in kept},
        status={i: scores.status[i] for i in kept},
    )


def test_too_few_cases_to_tell(good: Scores) -> None:
    result = gate(few(good, 30), few(good, 30))
    assert (result.verdict, EXIT[result.verdict]) == ("too few cases", 4)
    assert "would not show a loss below" in result.message


def test_what_cannot_be_measured_is_no_regression(good: Scores) -> None:
    other = replace(good, header={**good.header, "corpus_sha256": "x"})
    result = gate(other, good)
    assert (result.verdict, EXIT[result.verdict]) == ("could not measure", 3)
    assert "other documents" in result.message
    assert gate(other, good, anyway=True).verdict == "pass"
    down = replace(good, status=dict.fromkeys(good.status, "failed"))
    assert EXIT[gate(down, good).verdict] == 3
    with pytest.raises(BadInput, match="other cases"):
        compare(good, replace(good, header={**good.header, "cases_sha256": "x"}))
    with pytest.raises(BadInput, match="no case in common"):
        compare(good, replace(good, parts={}))


def test_the_command(asked: Asked, good: Scores, reckless: Scores, tmp_path: Path) -> None:
    run = score(asked).to_dict()
    write_scores(tmp_path / "good.json", run)
    bad = json.loads((tmp_path / "good.json").read_text())
    for row in bad["cases"]:
        row["parts"] = reckless.parts[row["id"]]
    (tmp_path / "bad.json").write_text(json.dumps(bad))
    assert read_scores(tmp_path / "good.json").parts.keys() == good.parts.keys()

    def call(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["eval", *arguments])
        return done.exit_code, done.output

    a, b, junit = (str(tmp_path / name) for name in ("good.json", "bad.json", "junit.xml"))
    code, said = call("gate", a, "--baseline", a, "--junit", junit)
    assert code == 0 and said.strip().splitlines()[-1].startswith("pass: nothing is worse")
    assert ElementTree.parse(junit).getroot().attrib["failures"] == "0"
    code, said = call("gate", b, "--baseline", a, "--junit", junit)
    assert code == 1 and "regression: worse: " in said and "WORSE" in said
    suite = ElementTree.parse(junit).getroot()
    assert int(suite.attrib["failures"]) == said.count("WORSE") + 1 and suite.attrib[
        "tests"
    ] == str(len(GATED) + 1)
    assert call("gate", a)[0] == 2
    assert call("gate", a, "--baseline", a, "--junit", str(tmp_path / "no" / "j.xml"))[0] == 2
    assert call("gate", a, "--baseline", str(tmp_path / "none.json"))[0] == 3
    (tmp_path / "foreign.json").write_text('{"cases": 1}')
    code, said = call("gate", a, "--baseline", str(tmp_path / "foreign.json"))
    assert code == 3 and "holds no scores of a run" in said
    code, said = call("compare", a, b)
    assert code == 0 and "Answered when absent" in said
