"""A document without a date of its own has the one that it states at its beginning."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import docx
import pytest

from ingest.parse import parse
from tests.test_ingest_parse_text import read


@pytest.mark.parametrize(
    ("opening", "date"),
    [
        ("Mill Trust - version 3, approved on 20 May 2025 by the directors.", "2025-05-20"),
        ("Made on 4 April 2019 under the Act. In force from 1 September 2019.", "2019-09-01"),
        ("Date of letter: 14 November 2025", "2025-11-14"),
        ("Date: Friday, 14 November 2025", "2025-11-14"),
        ("Last updated: 2024-05-06", "2024-05-06"),
        ("Published November 14th, 2025 | Ada Holm", "2025-11-14"),
        ("Version 1.2, 8 March 2022", "2022-03-08"),
        ("Rules of the mill (effective 1 January 2024)", "2024-01-01"),
        ("This policy was adopted on 1 May 2023.", "2023-05-01"),
        ("Adopted on 1 May 2010, last updated 3 June 2024.", "2024-06-03"),
        ("Approved on 1 May 2010 and in force from 3 June 2024", "2024-06-03"),
        ("Last updated 3 June 2024. Adopted on 1 May 2010.", "2024-06-03"),
        ("He was born on 8 August 1957.", ""),
        ("Date of birth: 8 August 1957", ""),
        ("Due date: 8 August 2025", ""),
        ("The merger was approved on 3 May 2021 by the owners.", ""),
        ("Published on 14 March 2023, the book tells of a mill.", ""),
        ("The book, published on 14 March 2023, tells of a mill.", ""),
        ("The report was\npublished on 14 March 2023.", ""),
        ("This version replaces version 2 of 8 March 2022.", ""),
        ("Approved on 31 February 2025.", ""),
        ("Approved in May 2025.", ""),
        ("Effective from 30 days 2024", ""),
    ],
)
@pytest.mark.parametrize("name", ["policy.txt", "policy.md", "policy.html"])
def test_the_date_is_the_one_stated_for_the_document(
    tmp_path: Path, name: str, opening: str, date: str
) -> None:
    title = {"policy.txt": "Milling", "policy.md": "# Milling"}.get(name, "<h1>Milling</h1>")
    text = f"<p>{opening}</p>" if name.endswith("html") else opening
    assert read(tmp_path, name, f"{title}\n\n{text}\n\nThe mill is old.\n").date == date


def test_a_date_of_the_format_counts_before_one_in_words(tmp_path: Path) -> None:
    page = '<meta name="dc.date" content="2024-01-02"><p>Approved on 20 May 2025.</p>'
    assert read(tmp_path, "a.html", page).date == "2024-01-02"


def test_what_a_file_says_counts_before_when_it_was_made(tmp_path: Path) -> None:
    document = docx.Document()
    document.core_properties.created = datetime(2026, 11, 29, tzinfo=UTC)
    document.core_properties.author = "Ada Holm"
    document.add_heading("Milling", 1)
    document.save(str(tmp_path / "undated.docx"))
    document.add_paragraph("Approved on 20 May 2025.")
    document.save(str(tmp_path / "dated.docx"))
    assert parse(tmp_path / "undated.docx").date.startswith("2026-11-29")
    assert parse(tmp_path / "dated.docx").date == "2025-05-20"


def test_only_the_beginning_states_a_date(tmp_path: Path) -> None:
    prose = "The mill is old.\n\n" * 40
    assert read(tmp_path, "a.txt", f"{prose}Approved on 20 May 2025.\n").date == ""
    assert read(tmp_path, "a.csv", "Rule,State\nSpeed,Approved on 20 May 2025\n").date == ""
    assert read(tmp_path, "a.py", "# Last updated: 2024-05-06\n").date == ""


def test_what_nobody_sees_states_no_date(tmp_path: Path) -> None:
    page = '<p>The mill is old.</p><p style="color:#fff;background:#fff">Approved on 20 May 2025.'
    parsed = read(tmp_path, "a.html", page)
    assert "Approved" in parsed.text
    assert parsed.date == ""
