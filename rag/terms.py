"""Terms that manuals and glossaries define: options, parameters, commands, names of things.

Of a longer definition the first paragraph begins with its term, as "work_mem (integer): Sets the
amount of memory ...", and the term is the last heading over all of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from rag.types import Chunk
from rag.words import STOP

if TYPE_CHECKING:
    from rag.select import Candidate

NAMED_WITHIN = 3.0
"""So far behind the best, in log-odds, what defines a term that is asked about may be."""

LONGEST_TERM = 5
"""The most words of a term that is asked for."""
LONGEST_QUESTION = 200
"""In characters. A longer one asks for more than a definition."""
_SEVERAL = re.compile(r", (?=\S)")
# "port (integer)" is called "port", and "--exclude=<pattern>" is "--exclude".
_ARGUMENT = re.compile(r"\s*[(<\[=].*", re.DOTALL)
_WHAT_IS = re.compile(
    r"\W*(?:(?:so|and|but),? )?(?:what(?:['’]s| is| are)|define|explain|what does)\s+"
    r"(?:(?:meant by|the (?:meaning|definition) of)\s+)?(?:(?:an?|the)\s+)?[\"“‘']?"
    r"(?P<term>\w[\w.&/'’ -]{0,60}?)[\"”’']?(?:\s+means?)?"
    r"(?:,?\s+(?:in|under|by|according to|for)\s+(?:the\s+)?[^\W\d][^\d]*?)?\W*",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"(?:(?:http|smtp|error|exit|reply|response|return|status) ?)*(?:codes? )?\d[\w.]*",
    re.IGNORECASE,
)


@lru_cache(maxsize=64)
def definition_asked(question: str) -> re.Pattern[str] | None:
    """How a sentence begins that defines what a question asks for; None if it asks otherwise.

    Contracts and glossaries write so: ``1.7. "Larger Work" means ...``, ``Latency: the delay ...``,
    and lists of codes so: ``354 Start mail input``.
    """
    asked = _WHAT_IS.fullmatch(question) if len(question) <= LONGEST_QUESTION else None
    if not asked or len(words := asked["term"].split()) > LONGEST_TERM:
        return None
    if _CODE.fullmatch(asked["term"]):
        return re.compile(rf"\W*{re.escape(words[-1])}(?::\s|\s+(?=[A-Z<]))")
    term = r"\s+".join(map(re.escape, words)).removesuffix("s")
    return re.compile(
        rf"\W*(?:\d[\d.]*\s+)?(?:(?:an?|the)\s+)?[\"“‘'*_]*{term}s?[\"”’'*_]*(?:\s+\([^)]*\))?"
        r"(?::\s|,?\s+(?:shall\s+)?(?:means?|refers?\s+to|denotes?|(?:is|are)\s+defined\s+as)\s)",
        re.IGNORECASE,
    )


def term_of(chunk: Chunk) -> str:
    """The term that a passage begins to define; "" for any other passage."""
    heading = chunk.headings[-1] if chunk.headings else ""
    return heading if heading and chunk.text.startswith(f"{heading}:") else ""


def with_term(chunk: Chunk, sentence: str) -> str:
    """A sentence of a definition with the term, which only the first of them begins with.

    "The default is 64 MB." is said of it as much as what comes before.
    """
    term = term_of(chunk)
    return sentence if not term or sentence.startswith(term) else f"{term}: {sentence}"


def is_named(term: str, question: str) -> bool:
    """Whether a question names a term, by one of its names; "" is named by none."""
    names = (_ARGUMENT.sub("", name) for name in _SEVERAL.split(term))
    return any(
        re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)", question, re.IGNORECASE)
        for name in names
        if name and name.lower() not in STOP
    )


def of_terms_named(question: str, ranked: Sequence[Candidate]) -> Sequence[Candidate]:
    """Without what defines other terms, where something of one that the question names is near.

    The definition of ``core.eol`` speaks of ``core.autocrlf``, and most of its words are the same.
    """
    terms = [term_of(candidate.passage.chunk) for candidate in ranked]
    named = [is_named(term, question) for term in terms]
    first = next((c for c, is_meant in zip(ranked, named, strict=True) if is_meant), None)
    if first is None or ranked[0].rank - first.rank > NAMED_WITHIN:
        return ranked
    kept = zip(ranked, terms, named, strict=True)
    return [candidate for candidate, term, is_meant in kept if is_meant or not term]
