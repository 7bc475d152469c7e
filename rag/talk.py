"""Messages that no passage can answer, and what is said to them: thanks, "which files are there?".

Nothing is searched for them.
"""

from __future__ import annotations

import re

from rag.followup import is_small_talk
from rag.library_reader import LibraryReader
from rag.overview import to_be_summarised
from rag.types import HOLDS, INVITATION, WHICH

TITLES = 8
"""So many titles of a library are told."""
_LISTED = re.compile(
    r"(?i)\W*(?:(?:please|can you|could you)\s)*"
    r"(?:(?:list|show|name)(?: me)?|what|which|how many)\s"
    r"(?:(?:all|of|the|my|your|our)\s)*(?:documents?|files?|sources?)"
    r"(?:\s(?:are|is)\s(?:there|here|loaded|indexed|(?:in|on) (?:the|this|my|your) [a-z]+)"
    r"|\s(?:do|does|have|can)\s(?:you|i|we|the library)\s(?:have|hold|know|read|search|got)"
    r"(?:\sof)?)?\W*"
)


def said_to(message: str, library: LibraryReader) -> str:
    """What is said to a message that asks nothing of the documents; "" to one that does."""
    if is_small_talk(message):
        return INVITATION
    if _LISTED.fullmatch(message):
        return _holds(library)
    return f"{WHICH} {_holds(library)}" if to_be_summarised(message, library) == [] else ""


def _holds(library: LibraryReader) -> str:
    sources, there = library.listed(most=TITLES)
    if not there:
        return f"{HOLDS} no documents yet."
    more = f"; and {there - len(sources):,} more" if there > len(sources) else ""
    documents = "1 document" if there == 1 else f"{there:,} documents"
    return f"{HOLDS} {documents}: {'; '.join(source.title for source in sources)}{more}."
