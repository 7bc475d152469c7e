"""The date that a document gives itself in words, where its format has none or only the file's."""

from __future__ import annotations

import re

from ingest.parsed import Parsed
from rag.dates import period_asked
from rag.spans import overlap

_OPENING = 600  # characters; further down, dates are those of what is told
_SAID = (
    r"(?:last |first )?(?:approved|adopted|updated|revised|amended|modified|published|issued|dated)"
    r"(?: on)?|effective(?: from| as of| date)?|(?:in|into) force (?:from|since|on)"
    r"|(?:publication |issue )?date|date of (?:this )?(?:letter|issue|publication|approval|report)"
    r"|version [\d.]+"
)
_DAY = (
    r"\d{4}-\d\d-\d\d|\d{1,2}(?:st|nd|rd|th)? (?:of )?[a-z]{3,9}\.?,? \d{4}"
    r"|[a-z]{3,9}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4}"
)
# What is said of the document begins a line or a clause of its own, and the date ends it or comes
# before who decided it. "The merger was approved on ..." and "Published on ..., the book ..." tell
# of something else.
_STATED = re.compile(
    rf"(?:(?:^|\n)(?=(?-i:[A-Z]))|[.;|(·]\s*|\s[-–—]\s+|\bversion [\d.]+[,;]? "
    rf"|(?<=\b\d{{4}}),? (?:and )?|\bthis \w+ (?:was|is|has been) )(?:{_SAID})[:,]?\s+"
    rf"(?:[a-z]+day,? )?(?P<day>{_DAY})"
    rf"(?=\s*(?:$|[.;|)·\n]|[-–—]\s|by\b|and\b|, ?(?:{_SAID})\b))",
    re.IGNORECASE,
)


def stated_date(parsed: Parsed) -> str:
    """The ISO 8601 day on which a document says, at its beginning, that it was made or approved.

    The last one where it states several, "" where it states none. Tables, code and what is flagged
    say nothing of the kind.
    """
    days = []
    for block in parsed.blocks:
        if block.start >= _OPENING:
            break
        flagged = any(overlap(block, flag) for flag in parsed.flags)
        if flagged or block.kind in ("table_row", "code"):
            continue
        for match in _STATED.finditer(parsed.text[block.start : min(block.end, _OPENING)]):
            stated = period_asked(match["day"]).periods
            days += [period.first for period in stated if period.first == period.last]
    return max(days).isoformat() if days else ""
