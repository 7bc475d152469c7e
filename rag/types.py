"""The data that flows through Footnote: frozen values, made once and never changed.

Offsets are Python string indices (code points), half-open: ``text[start:end]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Status = Literal["answered", "declined"]
Verdict = Literal["supported", "partial", "unsupported"]
Engine = Literal["extractive", "llm", "auto"]
Policy = Literal["strict", "mark", "off"]
Role = Literal["user", "assistant"]
FlagKind = Literal["hidden", "instruction"]
Box = tuple[float, float, float, float]
DECLINED = "Nothing in the library answers this for certain."
"""How the text of a declined answer begins, where anything is near to it."""

INVITATION = "Ask a question, and what the library says on it is quoted here."
"""What is said to what asks nothing of the documents (``rag.talk``)."""

WHICH = "Name one document, or tick it alone among the sources."
"""How the text begins where a summary of no document in particular is asked for."""

HOLDS = "The library here holds"
"""How the text begins where it is asked which documents there are."""


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of characters, ``text[start:end]``."""

    start: int
    end: int

    def moved(self, by: int) -> Span:
        """The range so many characters further on."""
        return Span(self.start + by, self.end + by)


@dataclass(frozen=True, slots=True)
class Place:
    """Where ``text[start:end]`` of a source stands in the original, to show it to a person.

    ``page`` is the 1-based page or slide. ``box`` is (left, top, right, bottom) as shares of that
    page's width and height, from its top left corner. ``cell`` is the address in a table or sheet,
    such as ``Prices!B2``. ``line`` is the 1-based line of a text file on which the range starts.
    """

    start: int
    end: int
    page: int | None = None
    box: Box | None = None
    cell: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """Text that may be meant to deceive: in no chunk, so neither found nor quoted nor sent.

    ``hidden`` text is not visible to a person, an ``instruction`` talks to a language model.
    ``reason`` is for the user.
    """

    start: int
    end: int
    kind: FlagKind
    reason: str


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How well a file could be read: what was in it, and what was lost, repaired or guessed.

    ``blank_pages`` are 1-based pages without text after all was tried, ``ocr_pages`` those read
    from their picture, with the mean ``ocr_confidence`` in [0, 1]. ``labels`` are the printed page
    labels (``iv``, ``A-1``) where they differ from the numbers. ``repaired`` counts characters.
    """

    tables: int = 0
    images: int = 0
    blank_pages: tuple[int, ...] = ()
    ocr_pages: tuple[int, ...] = ()
    ocr_confidence: float | None = None
    labels: tuple[str, ...] = ()
    repaired: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One document as it was read.

    ``id`` names the content, not the place: the same bytes read twice are one source.
    ``uri`` is the place to show, ``also_at`` every other place that holds the same bytes.
    ``date`` is the ISO 8601 date the document states for itself, or ""; so are ``author`` and
    ``language`` (BCP 47).
    """

    id: str
    uri: str
    title: str
    sha256: str
    media_type: str
    characters: int
    pages: int | None = None
    date: str = ""
    also_at: tuple[str, ...] = ()
    author: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of one source, where ``parsed_text[start:end] == text`` always.

    ``page`` is the 1-based page the chunk starts on, for paged formats. ``headings`` is the path
    of headings above it, outermost first. ``sentences`` are the ranges that can be quoted, in the
    source's own coordinates, in reading order and inside ``[start, end)``.
    """

    id: str
    source_id: str
    text: str
    start: int
    end: int
    page: int | None = None
    headings: tuple[str, ...] = ()
    sentences: tuple[Span, ...] = ()

    def cut(self, span: Span) -> str:
        """The text of a range inside it, given in the source's own coordinates."""
        return self.text[span.start - self.start : span.end - self.start]


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved chunk. ``score`` is the fused score in [0, 1] that orders the list.

    ``similarity`` is the cosine between question and chunk (None: not embedded yet), ``bm25`` the
    lexical score (0: no word in common). ``copies`` are passages that were found too and are left
    out of the list because this one says the same, nearly word for word.
    """

    chunk: Chunk
    source: Source
    score: float
    similarity: float | None
    bm25: float
    copies: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """The characters that support a sentence: ``quote == parsed_text[start:end]`` always.

    ``number`` is what the reader sees in brackets; one number per source passage in an answer.
    ``date`` is the one the source states for itself, or "".
    """

    number: int
    source_id: str
    uri: str
    title: str
    page: int | None
    headings: tuple[str, ...]
    start: int
    end: int
    quote: str
    date: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer, ``answer.text[start:end] == text``, and what it stands on.

    ``score`` in [0, 1] is the confidence behind ``verdict``; ``reasons`` say in words what speaks
    against the sentence, none when it is supported. ``answer`` is where in ``text`` the few words
    are that answer the question; None where that is not known.
    """

    text: str
    start: int
    end: int
    verdict: Verdict
    score: float
    citations: tuple[Citation, ...]
    reasons: tuple[str, ...] = ()
    answer: Span | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier message of the conversation."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question comes back as. Failures raise; there is no third status.

    ``query`` is what was searched, which differs from ``question`` when a follow-up was completed
    from the history, and is "" where nothing was (``rag.talk``); ``searched`` are all queries that
    were sent to the index, also for what the best passage left open. ``confidence`` in [0, 1] is
    the chance that the passages answer the question; below the index's threshold the status is
    ``declined``, ``sentences`` is empty, ``passages`` are the nearest, and ``nearest`` are the
    sentences that came nearest, best first, shown to be judged by the reader and not claimed.
    ``notes`` tells the reader of anything that made this answer a lesser one. ``timings`` are
    seconds per stage, ``usage`` the tokens a language model read and wrote.

    ``engine`` is the one that made the answer, which is not the one asked for when that failed; a
    note then says so. ``model`` names the language model, ``prompt_sha256`` is the hash of all that
    it was sent. What ``policy`` kept back is in ``withheld``, each with ``start == end`` at the
    place in the text where it would stand.
    """

    question: str
    query: str
    status: Status
    text: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]
    confidence: float
    engine: str
    timings: Mapping[str, float]
    index_revision: int
    notes: tuple[str, ...] = ()
    policy: Policy = "strict"
    withheld: tuple[Sentence, ...] = ()
    model: str = ""
    prompt_sha256: str = ""
    usage: Mapping[str, int] = field(default_factory=dict)
    searched: tuple[str, ...] = ()
    nearest: tuple[Citation, ...] = ()

    @property
    def searched_for(self) -> str:
        """What a reader is told was searched for; "" when that is the question and no more."""
        searched = self.searched or (self.query,)
        return "" if searched == (self.question,) else "; ".join(searched)

    def to_dict(self) -> dict[str, Any]:
        """The one JSON shape of an answer: command line, HTTP, run files."""
        return asdict(self)


def turns(history: Sequence[Turn | Mapping[str, str]]) -> tuple[Turn, ...]:
    """Read a conversation given as turns or as ``{"role", "text"}`` (or ``"content"``) mappings.

    Raises ``BadQuestion`` for a row without a known role or text.
    """
    from rag.errors import BadQuestion

    result: list[Turn] = []
    for row in history:
        if isinstance(row, Turn):
            result.append(row)
            continue
        role = text = None
        if isinstance(row, Mapping):
            role, text = row.get("role"), row.get("text", row.get("content"))
        if role not in ("user", "assistant") or not isinstance(text, str):
            raise BadQuestion(
                f"history row {len(result) + 1} is {row!r}: "
                'give {"role": "user" or "assistant", "text": "..."}'
            )
        result.append(Turn("user" if role == "user" else "assistant", text))
    return tuple(result)
