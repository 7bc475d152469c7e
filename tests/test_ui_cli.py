"""The command line as a user meets it: results, JSON, one-line errors, exit codes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from tests.conftest import LIBRARY, ROOT
from ui.cli import main

GROWN = "The Bramley apple was first grown in Southwell in 1809. [1]"


def footnote(*arguments: str | Path, given: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], input=given)


def fails(result: Result, *words: str) -> None:
    """One clear line, a non-zero exit, no traceback."""
    assert result.exit_code not in (0, None)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    error = result.stderr.strip()
    assert "Traceback" not in error
    assert len(error.splitlines()) == 1 or error.startswith("Usage:")
    for word in words:
        assert word in error


@pytest.fixture
def ready(tmp_path: Path, docs: Path) -> Path:
    result = footnote("ingest", docs, "--index", tmp_path / "ix")
    assert result.exit_code == 0, result.output
    return tmp_path / "ix"


def test_ingest_reports_each_file_then_a_total(tmp_path: Path, docs: Path) -> None:
    result = footnote("ingest", docs, "--index", tmp_path / "ix")
    assert result.exit_code == 0
    assert "added" in result.stdout
    assert "apples.txt" in result.stdout
    assert "3 added; 3 sources" in result.stdout
    again = json.loads(footnote("ingest", docs, "--index", tmp_path / "ix", "--json").stdout)
    assert {row["state"] for row in again["files"]} == {"unchanged"}


def test_ask_answers_with_sources(ready: Path) -> None:
    result = footnote("ask", "Where was the Bramley apple first grown?", "--index", ready)
    assert result.exit_code == 0, result.output
    assert "Southwell" in result.stdout
    assert "[1]" in result.stdout
    assert "apples.txt" in result.stdout


def test_ask_json_is_the_answers_own_form(ready: Path) -> None:
    result = footnote("ask", "Where was the Bramley apple first grown?", "--json", "--index", ready)
    answer = json.loads(result.stdout)
    assert answer["status"] == "answered"
    for sentence in answer["sentences"]:
        assert answer["text"][sentence["start"] : sentence["end"]] == sentence["text"]
        assert sentence["citations"][0]["quote"]


def test_ask_from_a_file_gives_one_line_each(ready: Path, tmp_path: Path) -> None:
    rows = [
        {"id": "a", "question": "Where was the Bramley apple first grown?"},
        {
            "id": "b",
            "question": "And what is it used for?",
            "history": [
                {"role": "user", "text": "Where was the Bramley apple first grown?"},
                {"role": "assistant", "text": GROWN},
            ],
        },
        {"id": "c", "question": " "},
    ]
    path = tmp_path / "q.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + "\n\n", encoding="utf-8")
    result = footnote("ask", "--from", path, "--json", "--index", ready)
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [a["id"] for a in answers] == ["a", "b", "c"]
    assert [a["status"] for a in answers] == ["answered", "answered", "failed"]
    assert "cooking" in answers[1]["text"]
    assert answers[1]["query"] != answers[1]["question"]
    assert result.exit_code == 1


def test_ask_reads_questions_from_standard_input(ready: Path) -> None:
    row = json.dumps({"question": "Which pear won a prize?"})
    result = footnote("ask", "--from", "-", "--json", "--index", ready, given=row + "\n")
    assert json.loads(result.stdout)["id"] == "1"


@pytest.mark.parametrize("line", ["not json", "[]", '{"id": 1}', '{"question": "x", "history": 3}'])
def test_a_bad_row_names_its_place(ready: Path, tmp_path: Path, line: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(f"\n{line}\n")
    fails(footnote("ask", "--from", path, "--index", ready), "q.jsonl:2")


def test_chat_remembers_the_conversation(ready: Path) -> None:
    talk = "Where was the Bramley apple first grown?\nWhat is it used for?\n\n"
    result = footnote("chat", "--index", ready, given=talk)
    assert result.exit_code == 0
    assert "Southwell" in result.stdout
    assert "cooking" in result.stdout


def test_chat_opens_the_place_of_a_citation(ready: Path) -> None:
    talk = "Where was the Bramley apple first grown?\n[1]\n7\n\n"
    result = footnote("chat", "--index", ready, given=talk)
    assert result.exit_code == 0
    shown = result.stdout.split("[1]")[-1]
    assert ">>" in shown and "<<" in shown and "Southwell" in shown


@pytest.mark.parametrize("word", ["quit", "EXIT", ":q", "/quit", ""])
def test_chat_ends_on_a_word_and_helps(ready: Path, word: str) -> None:
    talk = f"help\n?\n{word}\nWhere was the Bramley apple first grown?\n"
    result = footnote("chat", "--index", ready, given=talk)
    assert result.exit_code == 0
    assert "quit or exit ends the chat, help says more" in result.stdout.splitlines()[0]
    assert result.stdout.count("what went before is remembered") == 2
    assert "Southwell" not in result.stdout


def test_an_answer_shows_each_quote_on_its_line_and_its_place(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "mill.txt").write_text(
        "The mill\n\nThe Ambleford mill was built in 1809.\n\nIt is old.\n\n"
        "The Ambleford mill was sold in 1911.\n"
    )
    (docs / "flour.csv").write_text("Flour,Price\nRye flour,12 pounds\nOat flour,14 pounds\n")
    assert footnote("ingest", docs, "--index", tmp_path / "ix").exit_code == 0
    asked = "When was the Ambleford mill built, and when was it sold?"
    lines = footnote("ask", asked, "--index", tmp_path / "ix").stdout.splitlines()
    assert "The Ambleford mill was built in 1809. [1]" in lines
    assert "The Ambleford mill was sold in 1911. [2]" in lines
    assert f"[2] The mill, line 7 ({docs / 'mill.txt'})" in lines
    row = footnote("ask", "What is the price of rye flour?", "--index", tmp_path / "ix").stdout
    assert f"[1] flour, A2:B2 ({docs / 'flour.csv'})" in row.splitlines()


def test_a_source_is_known_by_part_of_its_name_or_title(ready: Path, docs: Path) -> None:
    (docs / "n17.md").write_text("# The Quince Trees of Kent\n\nQuinces are ripe in October.\n")
    footnote("ingest", docs, "--index", ready)
    assert "October" in footnote("library", "show", "quince trees", "--index", ready).stdout
    assert "Victoria" in footnote("library", "show", "Plums", "--index", ready).stdout
    fails(footnote("library", "show", ".", "--index", ready), "may be", "n17.md", "plums.csv")


def test_library_and_remove(ready: Path, docs: Path) -> None:
    assert "3 sources" in footnote("library", "--index", ready).stdout
    assert "removed" in footnote("remove", docs / "deep", "--index", ready).stdout
    sources = json.loads(footnote("library", "--json", "--index", ready).stdout)
    assert sorted(Path(s["uri"]).name for s in sources) == ["apples.txt", "plums.csv"]
    fails(footnote("remove", docs / "deep", "--index", ready), "footnote library")


def test_library_says_how_well_each_file_was_read(ready: Path, docs: Path) -> None:
    rows = json.loads(footnote("library", "--json", "--index", ready).stdout)
    assert {row["state"] for row in rows} == {"current"}
    assert all(row["chunks"] and row["version"] and row["warnings"] == [] for row in rows)
    assert sum(row["tables"] for row in rows) == 1
    (docs / "apples.txt").write_text("Apples\n\nThe Cox apple was raised in 1825.\n")
    listed = footnote("library", "--index", ready).stdout
    assert f"{docs / 'apples.txt'} (changed on disk since)" in listed
    footnote("ingest", docs, "--index", ready)
    rows = json.loads(footnote("library", "--json", "--index", ready).stdout)
    assert [row["earlier_versions"] for row in rows if "apples" in row["uri"]] == [1]
    assert "1 earlier kept" in footnote("library", "--index", ready).stdout


def test_show_prints_the_text_with_its_map(ready: Path, docs: Path) -> None:
    shown = footnote("library", "show", "plums.csv", "--index", ready).stdout
    assert "A2:C2" in shown
    assert "Victoria" in shown
    whole = json.loads(footnote("library", "show", "plums.csv", "--json", "--index", ready).stdout)
    cells = {
        p["cell"].split("!")[-1]: whole["text"][p["start"] : p["end"]] for p in whole["places"]
    }
    assert cells == {
        "A2": "Victoria",
        "B2": "Sussex",
        "C2": "1840",
        "A3": "Pershore",
        "B3": "Worcestershire",
        "C3": "1827",
    }
    fails(footnote("library", "show", "none.txt", "--index", ready), "none.txt", "footnote library")


def test_backup_restore_and_reindex(ready: Path, tmp_path: Path) -> None:
    saved = tmp_path / "saved.zip"
    assert "verified" in footnote("backup", saved, "--index", ready).stdout
    restored = footnote("restore", saved, "--index", tmp_path / "again")
    assert "3 sources" in restored.stdout
    fails(footnote("restore", saved, "--index", tmp_path / "again"), "not empty")
    result = footnote("reindex", "--index", tmp_path / "again")
    assert "3 changed" in result.stdout, result.output
    question = "Where was the Bramley apple first grown?"
    assert "Southwell" in footnote("ask", question, "--index", tmp_path / "again").stdout


def test_watch_follows_until_it_is_stopped(ready: Path, docs: Path) -> None:
    command = [sys.executable, "-m", "ui.cli", "watch", str(docs), "--index", str(ready)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "unchanged" in process.stdout.readline()
        time.sleep(1)
        (docs / "quinces.md").write_text("# Quinces\n\nThe quince is baked.\n")
        assert any("quinces.md" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130


def test_doctor_finds_all_well_and_says_what_is_not(ready: Path, tmp_path: Path) -> None:
    good = footnote("doctor", "--index", ready)
    assert good.exit_code == 0, good.output
    assert "53aa51172d14" in good.stdout and "reading model" in good.stdout
    bad = footnote("doctor", "--index", tmp_path / "none", "--json")
    assert bad.exit_code == 1
    (finding,) = [f for f in json.loads(bad.stdout) if not f["ok"]]
    assert "footnote ingest" in finding["detail"]


def test_bad_input_is_one_line(ready: Path, tmp_path: Path, docs: Path) -> None:
    fails(footnote("ingest", tmp_path / "nowhere", "--index", tmp_path / "new"), "nowhere")
    assert not (tmp_path / "new").exists()
    fails(footnote("ask", "Why?", "--index", tmp_path / "none"), "footnote ingest")
    fails(footnote("ask", "Why?", "--index", docs), "not an index")
    fails(footnote("ask", "", "--index", ready), "empty")
    fails(footnote("ask", "x" * 100_000, "--index", ready), "100,000")
    fails(footnote("ask", "--index", ready), "--from")
    fails(footnote("ask", "Why?", "--from", "-", "--index", ready), "both given")
    fails(footnote("ask", "--from", tmp_path / "none", "--index", ready), "no file")
    fails(footnote("ingest", docs, "--index", ready, "--embedding-model", "./none"), "./none")
    fails(footnote("eval", "run", tmp_path / "none.jsonl", "--index", ready), "none.jsonl")
    fails(footnote("eval", "benchmark", tmp_path / "none"), "none")


def test_bad_files_fail_the_run_but_not_the_others(tmp_path: Path, docs: Path) -> None:
    (docs / "empty.txt").touch()
    (docs / "photo.txt").write_bytes(bytes(range(256)) * 100)
    (docs / "broken.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    with (docs / "huge.txt").open("wb") as file:
        file.truncate(40_000_000)  # a text this large is read in three parts
    result = footnote("ingest", docs, "--index", tmp_path / "ix")
    assert result.exit_code == 1
    assert "3 added" in result.stdout
    failures = [line for line in result.stderr.splitlines() if line.startswith("failed:")]
    assert len(failures) == 6
    for name in ("empty.txt", "photo.txt", "broken.pdf", "huge.txt!/huge (part 1).txt"):
        assert any(name in line for line in failures)


def test_an_icon_is_skipped_and_fails_nothing(tmp_path: Path, docs: Path) -> None:
    Image.new("RGB", (12, 12), "white").save(docs / "plus.png")
    result = footnote("ingest", docs, "--index", tmp_path / "ix")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "plus.png: is a picture of 12 by 12 pixels, too small to hold text" in result.stdout
    assert "3 added, 1 skipped" in result.stdout


@pytest.mark.slow
def test_the_sample_library_in_a_new_process() -> None:
    out = subprocess.run(
        [sys.executable, "-m", "ui.cli", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert "ingest" in out.stdout
    assert LIBRARY.is_dir()
