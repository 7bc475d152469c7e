"""The report as a person meets it: one file, in a real browser, with hostile documents."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from eval.annotate import items, read_annotations
from eval.cases import Case, Evidence
from eval.causes import CAUSES
from eval.folder import read_folder
from eval.report import page as report_page
from eval.report_plots import STAGES
from eval.run import run_cases
from eval.score import score
from ingest.sync import sync
from rag.index import create_index
from rag.types import Turn
from rag.verify import load_verifier
from ui.cli import main

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ATTACK = "<img src=x onerror=window.__pwned=1><script>window.__pwned=1</script>"
ZORBIUM = f"""Zorbium {ATTACK} report

The zorbium yield was 41 tonnes {ATTACK} in 2024. It doubled.
"""
TOWER = "The Quillon Tower is 330 metres high.\n\nIt was opened in 1921 by Mara Devlin.\n"


def case(
    identifier: str, question: str, answer: str = "", source: str = "", quote: str = ""
) -> Case:
    return Case(
        identifier,
        "single_fact" if answer else "unanswerable_far",
        question,
        (Turn("user", ATTACK),) if "onerror" in identifier else (),
        bool(answer),
        answer,
        (answer,) if answer else (),
        (Evidence(source, quote),) if answer else (),
    )


CASES = [
    case("tower", "How high is the Quillon Tower?", "330 metres", "tower.txt", TOWER[:37]),
    case('"><b onerror=1>', "What was the zorbium yield?", "41 tonnes", "z.txt", "41 tonnes"),
    case("far", "Which spices go into a Portuguese custard tart?"),
    case("lost", f"Who opened it? {ATTACK}", "Mara Devlin", "none.txt", "Mara Devlin"),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    (folder / "docs").mkdir()
    (folder / "docs" / "z.txt").write_text(ZORBIUM, encoding="utf-8")
    (folder / "docs" / "tower.txt").write_text(TOWER, encoding="utf-8")
    with create_index(folder / "index") as index:
        sync(index, [folder / "docs"])
        run_cases(index, CASES, folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def reports(run: Path) -> Path:
    """A folder with the three reports, made by the command."""
    out = run.parent / "out"
    out.mkdir()
    names = {name: str(out / f"r.{name}") for name in ("html", "junit", "json")}
    done = CliRunner().invoke(
        main, ["eval", "report", str(run), *(x for n, f in names.items() for x in (f"--{n}", f))]
    )
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium here: the report is not tested in a browser")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, reports: Path) -> Iterator[Page]:
    """The report, opened from disk. Nothing may be fetched, fail, or be run by a document."""
    visit = browser.new_page(viewport={"width": 1240, "height": 900})
    asked: list[str] = []
    problems: list[str] = []
    visit.on("request", lambda r: asked.append(r.url))
    visit.on("pageerror", lambda e: problems.append(str(e)))
    visit.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    address = (reports / "r.html").as_uri()
    visit.goto(address)
    yield visit
    pwned = visit.evaluate("window.__pwned")
    visit.close()
    assert asked == [address]
    assert problems == []
    assert pwned is None


def shown(page: Page) -> list[str]:
    found: list[str] = page.locator("details.q:visible > summary code").all_inner_texts()
    return found


def test_questions_are_sorted(page: Page) -> None:
    given = [c.id for c in CASES]
    assert shown(page) == given
    head = page.locator(".heads button[data-key=confidence]")
    head.click()
    rising = shown(page)
    values = page.locator("details.q").evaluate_all("rows => rows.map(r => +r.dataset.confidence)")
    assert values == sorted(values) and len(values) == len(given)
    head.click()
    assert shown(page) == rising[::-1]
    assert head.get_attribute("aria-sort") == "descending"


def test_questions_are_filtered(page: Page) -> None:
    page.fill("#find", "QUILLON 330")
    assert shown(page) == ["tower"]
    assert page.inner_text("#shown") == "1 of 4"
    page.fill("#find", "")
    page.select_option("select[name=kind]", "unanswerable_far")
    assert shown(page) == ["far"]
    page.select_option("select[name=kind]", "")
    page.click("button[data-cause='not in corpus']")
    assert shown(page) == ["lost"]


def test_a_sentence_leads_to_its_evidence_in_context(page: Page) -> None:
    question = page.locator("details.q[data-id=tower]")
    question.locator("summary").click()
    sentence = question.locator(".sentence a").first
    assert sentence.inner_text() == TOWER[:37]
    sentence.click()
    evidence = page.locator(".evidence:target")
    assert evidence.locator("mark").inner_text() == TOWER[:37]
    assert "opened in 1921" in evidence.inner_text()


def test_text_of_documents_is_shown_and_does_nothing(page: Page) -> None:
    question = page.locator("details.q").nth(1)
    question.locator("summary").click()
    assert ATTACK in question.inner_text()
    assert page.locator(".body img, .body script, .body b[onerror]").count() == 0


def test_the_page_works_without_a_script_and_names_what_was_measured(reports: Path) -> None:
    html = (reports / "r.html").read_text(encoding="utf-8")
    assert html.count("<script>") == 1
    assert "http://" not in html.replace("http://www.w3.org", "") and "https://" not in html
    for words in ("Scorecard", "BM25 alone", "corpus_sha256", "balanced accuracy", "not in corpus"):
        assert words in html


def test_reports_for_programs_say_the_same(reports: Path) -> None:
    suite = ElementTree.parse(reports / "r.junit").getroot()
    run = json.loads((reports / "r.json").read_text(encoding="utf-8"))
    assert [t.attrib["name"] for t in suite] == [c.id for c in CASES]
    wrong = [row["id"] for row in run["cases"] if row["cause"] != "correct"]
    assert [t.attrib["name"] for t in suite if t.find("failure") is not None] == wrong
    assert "lost" in wrong and "tower" not in wrong
    assert sum(run["causes"].values()) == len(CASES)


def test_a_verifier_that_was_not_measured_corrects_nothing(run: Path) -> None:
    asked = read_folder(run)
    header = {**asked.header, "settings": {**asked.header["settings"], "verifier": "<b>mine</b>"}}
    scored = score(replace(asked, header=header), load_verifier())
    assert scored.verifier == () and scored.groundedness.value is None
    html = report_page(scored)
    assert "&lt;b&gt;mine&lt;/b&gt; here; how often that is right was not measured" in html


def test_people_judge_sentences_in_the_terminal(run: Path) -> None:
    left = items(read_folder(run))
    assert len(left) >= 2
    done = CliRunner().invoke(main, ["eval", "annotate", str(run)], input="y\nmaybe\ns\nq\n")
    assert done.exit_code == 0 and "1 sentences are judged" in done.output
    assert left[0].sentence.text in done.output
    assert [(a.case, a.supported) for a in read_annotations(run)] == [(left[0].case, True)]
    assert len(items(read_folder(run), read_annotations(run))) == len(left) - 1
    html = run.parent / "judged.html"
    done = CliRunner().invoke(main, ["eval", "report", str(run), "--html", str(html)])
    assert done.exit_code == 0 and "1 sentences judged" in html.read_text(encoding="utf-8")
    assert CliRunner().invoke(main, ["eval", "report", str(run)]).exit_code == 2


def test_retrieval_answers_and_grounding_are_drawn_with_their_values(page: Page, run: Path) -> None:
    scored = score(read_folder(run))
    figures = {figure.name: figure for figure in scored.figures}
    bars = page.locator("svg.wide rect.bar title")
    told = dict(line.split(": ", 1) for line in bars.all_text_contents())
    for name, stage in STAGES.items():
        figure = figures[name]
        assert told[f"all, {stage}"].startswith(f"{figure.value:.2f}")
        if figure.low is not None:
            assert told[f"all, {stage}"].endswith(f", {figure.low:.2f} to {figure.high:.2f}")
    # What has no answer is not retrieved; it has no bar for that.
    assert "unanswerable far, retrieved" not in told
    assert "unanswerable far, answered right" in told


def test_latency_is_drawn_over_all_questions(page: Page, run: Path) -> None:
    figure = page.locator("figure", has_text="Latency")
    seconds = sorted(r.seconds for r in read_folder(run).records.values())
    # A step for each question, of the same height: each begins where the one before ended.
    path = figure.locator("path.l1").get_attribute("d")
    assert path is not None
    ys = [float(point.split()[1]) for point in re.split("[ML]", path)[1:]]
    assert len(ys) == 2 * len(seconds)
    assert ys[1:-1:2] == ys[2::2] and ys == sorted(ys, reverse=True)
    marks = figure.locator("text.tick[text-anchor=middle]").all_text_contents()
    ticks = [float(mark) for mark in marks]
    assert ticks[0] <= seconds[0] and seconds[-1] <= ticks[-1]


def test_a_question_that_went_wrong_says_why(page: Page) -> None:
    question = page.locator("details.q[data-id=lost]")
    question.locator("summary").click()
    assert f"not in corpus: {CAUSES['not in corpus']}" in question.locator(".body").inner_text()
    fine = page.locator("details.q[data-id=tower]")
    assert CAUSES["correct"] not in (fine.locator(".body").text_content() or "")
