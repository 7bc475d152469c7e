"""Text of documents for a terminal, which obeys some characters instead of showing them."""

from __future__ import annotations

import json
import re
from typing import Any

# Escape sequences begin in C0 or C1; overrides of the writing direction show other text than is
# there; U+2028 and U+2029 break lines. What joins letters or emoji stays.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_BEYOND_ASCII = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """The text on one line, with U+FFFD for every character that a terminal would obey."""
    return visible(re.sub(r"[ \t\r\n\f\v]+", " ", text))


def visible(line: str) -> str:
    """A line with its spaces as they are, and U+FFFD for what a terminal would obey."""
    return _CONTROLS.sub("\ufffd", line.replace("\t", "    "))


def json_text(value: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    """Readable JSON that a terminal shows as it is; nothing of the value is lost."""
    text = json.dumps(value, ensure_ascii=False, indent=1)
    return _BEYOND_ASCII.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
