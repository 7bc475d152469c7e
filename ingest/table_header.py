"""Whether the first row of a table names its columns, or its first column labels the values.

Where a format marks its headers, those marks come first; this is for tables without any.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMBER = re.compile(r"[\s(\[$€£¥+\-–−—]*\d[\d.,:/\-\s]*[%)\]]*")
_MOST_PAIRS = 60  # a form or the head of minutes has no more rows
_LABEL_LENGTH = 40
_LONG = 60  # a longer cell is no name of a column, but what is said under a label
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
# Labels of forms, letters and minutes. Names of columns too, but not of one after the other.
_LABEL = re.compile(
    r"date(?: and (?:time|place))?|day|time|venue|place|location|room"
    r"|(?:also |members )?present|attend(?:ing|ees|ance)|in attendance|participants|guests"
    r"|apologies(?: for absence)?|regrets|absent(?:ees)?|chair(?:man|woman|person|ed by)?"
    r"|minutes|(?:minute|note) ?taker|secretary|subject|re|regarding|(?:our |your )?ref(?:erence)?"
    r"|to|from|b?cc|sent|author|owner|contact|phone|telephone|mobile|fax|e-?mail|web ?site"
    r"|(?:\w+ )?address|(?:first |last |full |\w+ )?name|date of birth|nationality|title"
    r"|department|company|organi[sz]ation|client|customer|supplier|project|version|revision"
    r"|status|deadline|next (?:meeting|review)|duration|language|landlord|tenant|property|rent"
    r"|deposit|buyer|seller|employer|employee|salary|model|serial number"
    r"|\w+ (?:by|date)|(?:\w+ )?(?:number|no\.?)",
    re.IGNORECASE,
)
_COLUMN = re.compile(
    r"amount|answer|category|comments?|content|criteri(?:a|on)|definition|description|details?"
    r"|entry|explanation|feature|field|information|items?|key|label|meaning|notes?|price"
    r"|question|remarks?|results?|role|score|term|topic|type|values?|what|who",
    re.IGNORECASE,
)


def is_header(row: Sequence[str]) -> bool:
    """Whether a first row may name columns: two or more different names, none of them a number."""
    names = _texts(row)
    filled = [name for name in names if name]
    return (
        len(filled) >= 2
        and len(set(filled)) == len(filled)
        and not any(_NUMBER.fullmatch(name) for name in filled)
    )


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of a table's rows names the columns of the others."""
    return len(rows) > 1 and is_header(rows[0]) and not are_pairs(rows)


def take_header(rows: list[list[str]], marked: bool = False) -> list[str] | None:
    """Take the first of several rows out if it names columns, or is ``marked`` as one that does."""
    return rows.pop(0) if (marked and len(rows) > 1) or has_header(rows) else None


def are_pairs(rows: Sequence[Sequence[str]]) -> bool:
    """Whether every row is a label and its value: "Date" beside a day, "Present" beside names.

    So it is where the labels end in colons or are those of forms and minutes, and where what
    stands beside the first of them says too much for the name of a column.
    """
    if not 0 < len(rows) <= _MOST_PAIRS or any(len(row) > 2 and any(row[2:]) for row in rows):
        return False
    texts = [[*_texts(row[:2]), ""][:2] for row in rows if any(_texts(row[:2]))]
    labels = [label for label, _ in texts if label]
    if not texts or not all(texts[0]) or not all(map(_is_label, labels)):
        return False
    (_, value), *rest = texts
    if 2 * sum(one.endswith(":") for one in labels) > len(labels):
        return True
    if any(_COLUMN.fullmatch(name) for name in texts[0]) or _LABEL.fullmatch(value):
        return False
    known = [bool(_LABEL.fullmatch(one)) for one in labels]
    if known[0] and 2 * sum(known) >= max(len(known), 4):
        return True
    return _says_much(value, [below for _, below in rest if below])


def _texts(row: Sequence[str]) -> list[str]:
    return [" ".join(cell.split()) for cell in row]


def _is_label(text: str) -> bool:
    few = len(text) <= _LABEL_LENGTH and not any(map(str.isdigit, text))
    return few and any(map(str.isalpha, text)) and text[-1] not in ".;!"


def _says_much(value: str, below: Sequence[str]) -> bool:
    """Whether a first ``value`` of several is too long for a name, or counts or dates something.

    Above figures it is a name for all that: "Year to 30 June 2025", "Price per 100 g".
    """
    if not below or all(map(_NUMBER.fullmatch, below)):
        return False
    if len(value) > _LONG:
        return True
    if not any(map(str.isdigit, value)):
        return False
    counting = sum(any(map(str.isdigit, one)) for one in below)
    if _YEAR.search(value):
        return counting < len(below) or any(map(_YEAR.search, below))
    return value.lstrip("~<>≤≥+-–$€£¥ (")[0].isdigit() or 2 * counting < len(below)
