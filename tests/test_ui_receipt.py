"""``footnote verify`` and ``footnote find`` as a user meets them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from rag import open_index
from rag.receipt import make_receipt, write_receipt
from rag.settings import Settings
from tests.test_ui_cli import fails, footnote
from ui.cli import main
from ui.printable import json_text, printable

GROWN = "Where was the Bramley apple first grown?"


@pytest.fixture
def ready(tmp_path: Path, docs: Path) -> Path:
    assert footnote("ingest", docs, "--index", tmp_path / "ix").exit_code == 0
    return tmp_path / "ix"


@pytest.fixture
def receipt(tmp_path: Path, ready: Path) -> Path:
    with open_index(ready) as index:
        write_receipt(make_receipt(index, index.ask(GROWN)), tmp_path / "r.json")
    return tmp_path / "r.json"


def test_a_receipt_that_holds(ready: Path, receipt: Path) -> None:
    result = footnote("verify", receipt, "--index", ready)
    assert result.exit_code == 0, result.output
    assert "the quote is where it was" in result.stdout
    assert "apples.txt" in result.stdout
    assert result.stdout.splitlines()[-1] == "1 receipt: 1 ok"


def test_a_newer_version_is_said_and_breaks_nothing(ready: Path, receipt: Path, docs: Path) -> None:
    path = docs / "apples.txt"
    path.write_text(path.read_text(encoding="utf-8") + "More.\n", encoding="utf-8")
    footnote("ingest", docs, "--index", ready)
    result = footnote("verify", receipt, "--index", ready)
    assert result.exit_code == 0
    said = "the quote stands in the earlier version that was quoted; the file has another content "
    assert f"{said}now and still says this" in result.stdout
    assert result.stdout.splitlines()[-1] == "1 receipt: 1 changed"
    path.write_text("Apples\n\nThe Cox apple was raised in 1825.\n", encoding="utf-8")
    footnote("ingest", docs, "--index", ready)
    result = footnote("verify", receipt, "--index", ready)
    assert f"{said}now and no longer says this" in result.stdout


def test_a_quoted_file_that_is_gone_is_said(ready: Path, receipt: Path, docs: Path) -> None:
    path = docs / "apples.txt"
    copy = path.rename(docs / "copy.txt")  # the same source, at another place
    footnote("ingest", docs, "--index", ready)
    copy.write_text("Apples\n\nThe Cox apple was raised in 1825.\n", encoding="utf-8")
    footnote("ingest", docs, "--index", ready)
    result = footnote("verify", receipt, "--index", ready)
    assert "that was quoted; its file is no longer in the index" in result.stdout


def test_a_broken_one_among_others(ready: Path, receipt: Path, docs: Path) -> None:
    changed = receipt.with_name("changed.json")
    text = receipt.read_text(encoding="utf-8")
    changed.write_text(text.replace("Southwell", "Northwell"), encoding="utf-8")
    result = footnote("verify", changed, receipt, receipt.with_name("none"), "--index", ready)
    assert result.exit_code == 1
    assert "changed after it was made" in result.stdout
    assert "check the path" in result.stdout
    assert result.stdout.splitlines()[-1] == "3 receipts: 1 ok, 2 broken"
    footnote("remove", docs / "apples.txt", "--index", ready)
    result = footnote("verify", receipt, "--index", ready)
    assert result.exit_code == 1
    assert "removed" in result.stdout


def test_a_worse_verdict_shows_the_reason(ready: Path, tmp_path: Path) -> None:
    with open_index(ready) as index:
        answer = index.ask(GROWN)
        text = "The Bramley apple was first grown in Southwell in 1909."
        false = replace(answer.sentences[0], text=text, start=0, end=len(text))
        answer = replace(answer, text=text, sentences=(false,), engine="llm")
        write_receipt(make_receipt(index, answer), tmp_path / "r.json")
    result = footnote("verify", tmp_path / "r.json", "--index", ready)
    assert result.exit_code == 1
    assert "supported then" in result.stdout
    assert "1909" in result.stdout


def test_verify_as_json(ready: Path, receipt: Path) -> None:
    rows = json.loads(footnote("verify", receipt, "--index", ready, "--json").stdout)
    assert [row["result"] for row in rows] == ["ok"]
    assert rows[0]["receipt"] == str(receipt)
    assert rows[0]["citations"][0]["quote"] == "there"
    receipt.write_text("{}", encoding="utf-8")
    result = footnote("verify", receipt, "--index", ready, "--json")
    assert result.exit_code == 1
    assert "no receipt" in json.loads(result.stdout)[0]["error"]


def test_verify_needs_an_index(receipt: Path, tmp_path: Path) -> None:
    fails(footnote("verify", receipt, "--index", tmp_path / "none"), "footnote ingest")


def test_find_groups_by_source_and_counts(ready: Path) -> None:
    result = footnote("find", "find every prize in London", "--index", ready)
    assert result.exit_code == 0, result.output
    with open_index(ready) as index:
        chunks = index.library.counts().chunks
    assert "pears.md" in result.stdout
    assert "The Conference pear won a prize in London in 1885." in result.stdout
    assert "[words" in result.stdout
    assert f"all {chunks} passages of 3 sources were checked" in result.stdout


def test_find_without_a_match_is_no_failure(ready: Path) -> None:
    result = footnote("find", '"quince jelly"', "--index", ready)
    assert result.exit_code == 0
    assert "0 matches in 0 sources" in result.stdout
    fails(footnote("find", "?!", "--index", ready), "empty")


def test_find_limits_what_is_printed_not_what_is_counted(ready: Path) -> None:
    several = footnote("find", '"in"', "--index", ready, "--limit", "1")
    assert "... and" in several.stdout
    row = json.loads(footnote("find", '"in"', "--index", ready, "--limit", "1", "--json").stdout)
    assert len(row["matches"]) == 1
    assert row["found"] > 1
    (match,) = row["matches"]
    with open_index(ready) as index:
        text = index.library.text(match["source_id"])
    assert text[match["start"] : match["end"]] == match["quote"]
    assert row["checked"] >= 3


def test_no_escape_sequence_of_a_document_reaches_the_terminal(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    evil = "The \x1b[31mred\x1b]0;title\x07 \x9b2Jpepper \u202egreen\u202c is ripe."
    (folder / "a\x1bb.txt").write_text(f"Title\x1b[1m\n\n{evil}\n", encoding="utf-8")
    index = tmp_path / "ix"
    assert footnote("ingest", folder, "--index", index).exit_code == 0
    with open_index(index) as opened:
        assert "\x1b[31m" in opened.library.text(*opened.library.sources())
        answer = opened.ask("Is the pepper ripe?", settings=Settings(threshold=0.0))
        assert answer.status == "answered"
        write_receipt(make_receipt(opened, answer), tmp_path / "r.json")
    arguments: list[tuple[Any, ...]] = [
        ("find", "pepper ripe"),
        ("find", '"pepper"'),
        ("find", "pepper ripe", "--json"),
        ("verify", tmp_path / "r.json"),
        ("verify", tmp_path / "r.json", "--json"),
        ("verify", f"{tmp_path}/\x1b[31mr.json"),
    ]
    for row in arguments:
        # In color, as on a terminal: elsewhere click drops escape sequences itself.
        words = [str(a) for a in (*row, "--index", index)]
        out = CliRunner().invoke(main, words, color=True).stdout
        assert out
        assert not set(out) & set("\x1b\x07\x9b\u202e\u202c"), row
    found = json.loads(footnote("find", "pepper ripe", "--json", "--index", index).stdout)
    assert "\x1b[31m" in found["matches"][0]["quote"], "JSON loses nothing"


@given(st.text())
def test_printable_text_is_one_line_that_a_terminal_shows(text: str) -> None:
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in shown)
    assert json.loads(json_text(text)) == text


def test_what_joins_letters_and_emoji_is_kept() -> None:
    for text in ("क्‍ष", "👩‍🔬", "می‌خواهم", "naïve – “quoted”"):
        assert printable(text) == text
