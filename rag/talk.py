"""Messages that no passage can answer, and what is said to them: thanks, "which files are there?".

Nothing is searched for them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.followup import is_small_talk
from rag.library_reader import LibraryReader
from rag.parts import PLEASE
from rag.types import HOLDS, INVITATION, WHICH, Source

TITLES = 8
"""So many titles of a library are told."""
_ALL_OF = r"(?:(?:a list|all|everything|of|the|my|your|our)\s)*"
_LISTED = re.compile(
    rf"(?i){PLEASE}(?:(?:list|show|name)(?: me)?|what|which|how many)?\s*"
    rf"{_ALL_OF}(?:documents?|files?|sources?|is)"
    r"(?:\s(?:are|is)\s(?:there|here|loaded|indexed)"
    r"|(?:\s(?:are|is))?\s(?:there\s)?in (?:the|this|my|your) (?:library|index|collection)"
    r"|\s(?:do|does|have|can)?\s?(?:you|i|we|the library)\s(?:have|hold|know|read|search|got)"
    r"(?:\sof)?)?(?:,?\splease)?\W*"
)


def said_to(message: str, summarised: Sequence[Source] | None, library: LibraryReader) -> str:
    """What is said to a message that asks nothing of the documents; "" to one that does.

    ``summarised`` are the documents to be told in brief, by ``to_be_summarised``.
    """
    if is_small_talk(message):
        return INVITATION
    if _LISTED.fullmatch(message):
        return _holds(library)
    return f"{WHICH} {_holds(library)}" if summarised == [] else ""


def _holds(library: LibraryReader) -> str:
    sources, there = library.listed(most=TITLES)
    if not there:
        return f"{HOLDS} no documents yet."
    more = f"; and {there - len(sources):,} more" if there > len(sources) else ""
    documents = "1 document" if there == 1 else f"{there:,} documents"
    return f"{HOLDS} {documents}: {'; '.join(source.title for source in sources)}{more}."
