"""Questions that ask several things: each part is asked on its own, so each finds its evidence.

No model is asked: only what the wording shows is divided ("When was it founded and who runs it?",
"Compare A with B"). A later part that leans on an earlier one is completed from it.

A question may also need a fact that only another passage names ("Which team did the singer of X
play for?"): what the best passage leaves open is then searched again with the names it brings in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import takewhile

from rag.dates import is_month, period_asked
from rag.followup import CARRIED, EMPTY_IT, carried_over, may_be_whole, standalone
from rag.lexical import MAX_TERMS, STOPWORDS, analyze, query_terms
from rag.types import Passage, Turn

MOST = 3
LONGEST = 500  # characters; what is longer is a pasted text rather than a question
HOP_TERMS = 7  # a question of fewer terms asks one thing
HOP_NAMES = 4
_ASKS = (
    r"(?:who|whom|whose|what|when|where|why|which|how|"
    r"(?:in|at|by|for|to|from|on) (?:what|which|whom))"
)
_COUNTED = r"(?:\(?\d{1,2}[.)]|[-*•])\s+"
_NEXT = re.compile(
    rf"[,;]?\s+(?:and|but)\s+(?={_ASKS}\b)|[?;]\s+(?:and\s+)?(?:{_COUNTED})?(?={_ASKS}\b)",
    re.IGNORECASE,
)
_COMPARE = re.compile(
    r"\W*(?:please )?compare (?P<a>.{4,}?) (?:with|to|and|against) (?P<b>.{4,}?)\W*", re.IGNORECASE
)
_COMPARE_OWNERS = re.compile(
    r"\W*(?:please )?compare (?P<a>[^,;]+?)['’]s? (?:with|to|and|against) (?P<b>[^,;]+?)['’]s? "
    r"(?P<what>[^,;]{4,}?)\W*",
    re.IGNORECASE,
)
_SOURCE = (
    r"(?:the|this|these|my|our|your) "
    r"(?:article|document|file|library|page|paper|passage|report|source|text)s?"
)
_SAYS_ABOUT = re.compile(
    rf"\W*what (?:does|do|did) {_SOURCE} (?:say|state|mention|write|tell(?: me| us)?) "
    r"(?:about|on|regarding) (?P<topic>.+?)\W*",
    re.IGNORECASE,
)
_ACCORDING = re.compile(rf"\W*according to {_SOURCE},?\s+|,?\s+according to {_SOURCE}\b", re.I)
PLEASE = (
    r"\W*(?:(?:please|(?:can|could|would) you|i(?:['’]d| would)? (?:need|want|like)"
    r"|(?:give|show|write|make|provide)(?: (?:me|us))?)\s)*"
)
"""How a request may begin."""
_TAIL = (
    r"(?:\s+(?:briefly|shortly|please|for (?:me|us)"
    r"|(?:in|as|with) [^.?!]*?"
    r"(?:words?|sentences?|paragraphs?|bullets?|points|pages?|english)))*\W*"
)
_IN_BRIEF = re.compile(
    rf"{PLEASE}(?:"
    r"(?:summari[sz]e|sum up|recap|tl;?dr(?: of)?|outline(?= (?:how|the|this|what|why)\b))\b"
    r"(?P<a>.*?)"
    r"|(?:what (?:is|are) )?(?:(?:an?|the|me|us|some|one-page|short|brief|quick|concise) )*"
    r"(?:summary|overview|outline|gist"
    r"|(?:key|main|most important) (?:points|findings|takeaways|messages|ideas)|highlights)"
    r"(?:(?: (?:of|for|from|in|on)\b|:)(?P<b>.*?))?"
    rf"){_TAIL}",
    re.IGNORECASE | re.DOTALL,
)
"""A request for a summary, and what of: ``a`` or ``b``."""
_WORD = re.compile(r"[\w'’-]+")
_OWNER = re.compile(r"['’]s$")
_THEY = re.compile(r"\b(?:it|its|they|them|their)\b", re.IGNORECASE)
_POINTS = re.compile(r"\b(?:the|it|its|they|them|their)\b", re.IGNORECASE)
_NAME = re.compile(r"(?<![\w-])[A-Z][\w'’.&-]*(?: (?:(?:of|the|de|and) )?[A-Z0-9][\w'’.&-]*)*")


def parts(question: str) -> list[str]:
    """The one to three questions that a question consists of, each fit to be searched alone.

    Words that only point to the documents are left out: of "What does the article say about
    pay?" it is pay that is asked about, as it is of "Summarise pay".
    """
    if len(question) > LONGEST:
        return [question]
    question = _ACCORDING.sub("", question)
    if says := _SAYS_ABOUT.fullmatch(question):
        question = says["topic"]
    elif (topic := summarised(question)) and any(map(str.isalnum, topic)):
        question = topic
    if owners := _COMPARE_OWNERS.fullmatch(question):
        return [f"{owners['what']} of {owner}" for owner in owners.group("a", "b")]
    compared = _COMPARE.fullmatch(question)
    question = re.sub(rf"^\s*{_COUNTED}", "", question)
    pieces = [compared["a"], compared["b"]] if compared else _NEXT.split(question)
    pieces = [piece.strip() for piece in pieces]
    if not 2 <= len(pieces) <= MOST or not all(_stands(p) for p in pieces):
        return [question]
    if compared:
        return pieces
    history: list[Turn] = []
    whole: list[str] = []
    for piece in pieces:
        begins = re.search(rf"(?i)[?;]\s+(?:and\s+)?(?:{_COUNTED})?{re.escape(piece)}", question)
        is_whole = begins and may_be_whole(piece)
        completed = piece if is_whole else standalone(piece, history)
        if completed == piece and whole and _POINTS.search(EMPTY_IT.sub("", piece)):
            completed = _with_names(piece, pieces[0])
        whole.append(completed)
        history.append(Turn("user", piece))
    if _THEY.search(EMPTY_IT.sub("", pieces[1])):
        whole[0] = _with_names(pieces[0], pieces[1])
    return whole


def summarised(question: str) -> str | None:
    """What a request for a summary is to be of, "" where it does not say; None for no request.

    A text longer than ``LONGEST`` was pasted rather than typed.
    """
    brief = _IN_BRIEF.fullmatch(question) if len(question) <= LONGEST else None
    return (brief["a"] or brief["b"] or "").strip() if brief else None


def _with_names(piece: str, other: str) -> str:
    """A part with the names of another one, if it has none itself."""
    return piece if _names(piece) else carried_over(piece, _names(other))


def _names(piece: str) -> list[str]:
    """What a part writes large, except for its first word and times."""
    found = []
    for match in _NAME.finditer(piece, 1):
        words = match[0].split()
        if period_asked(match[0]).periods:  # "Amazon's Q3 2023 10-Q" is a report of Amazon's
            words = list(takewhile(str.isalpha, (_OWNER.sub("", word) for word in words)))
        name = _OWNER.sub("", " ".join(words))
        if name and not is_month(name) and name.lower() != "i":
            found.append(name)
    return found


def _stands(piece: str) -> bool:
    """Whether a piece is long enough to ask something."""
    return len(piece.split()) >= 3


def next_query(question: str, best: Passage, idf: Callable[[str], float]) -> str:
    """What to search for after the best passage was found, or "" when nothing is to be.

    That is the words of the question that the passage does not hold, and the names that its nearest
    sentence adds. A short question, one completed from the conversation, and one whose passage adds
    no name need one search only. ``idf`` gives a term's inverse document frequency.
    """
    terms = query_terms(question)
    if not HOP_TERMS <= len(terms) <= MAX_TERMS or CARRIED.search(question):
        return ""
    chunk = best.chunk
    held = set(analyze(f"{best.source.title} {chunk.text}"))
    left = [
        word
        for word in _WORD.findall(question)
        if (found := set(query_terms(word))) <= set(terms) and not found <= held
    ]
    sentences = [chunk.cut(span) for span in chunk.sentences]
    weight = {term: idf(term) for term in terms}
    nearest = max(
        sentences,
        key=lambda text: sum(weight[t] for t in weight.keys() & set(analyze(text))),
        default="",
    )
    names = _new_names(nearest, set(terms))
    return " ".join([*left, *names[:HOP_NAMES]]) if left and names else ""


def _new_names(sentence: str, known: set[str]) -> list[str]:
    """The names in a sentence that are not in the question, in order."""
    names = []
    for match in _NAME.finditer(sentence):
        start, words = match.start(), match[0].rstrip(".'’").split()
        while words and words[0].lower() in STOPWORDS:
            start += len(words.pop(0)) + 1
        terms = set(query_terms(" ".join(words)))
        # One capital word at the start is no sign of a name.
        if (start > 0 or len(words) > 1) and not terms <= known:
            names.append(" ".join(words))
            known = known | terms
    return names
