"""What asking leaves behind: enough to score, and to show, without the library.

Places are characters of a source's parsed text: (source id, start, end), half-open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from eval.cases import Case
from rag.errors import BadInput
from rag.types import Answer, Citation, Passage

Spot = tuple[str, int, int]
Standing = Literal["found", "no_source", "no_text"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a case's evidence in the library.

    ``standing``: found, its file is not in the library, or its words are not in the file's text.
    ``places`` is everywhere it stands; ``held`` whether some chunk holds it whole. ``before`` and
    ``after`` are the text around its first place, to show it.
    """

    source: str
    quote: str
    standing: Standing
    places: tuple[Spot, ...] = ()
    held: bool = False
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Located:
    """The pieces of one case's evidence, as a run's folder keeps them."""

    id: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Characters of a source as the library has them, ``parsed_text[start:start + len(text)]``."""

    source_id: str
    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a trivial system says to the same question; see ``eval.anchors``.

    ``quote`` at ``spot`` is all it says, nothing when it ``declined``. ``passages`` come best
    first, ``confidence`` is in [0, 1].
    """

    name: str
    declined: bool
    confidence: float
    passages: tuple[Spot, ...]
    quote: str = ""
    spot: Spot = ("", 0, 0)


@dataclass(frozen=True, slots=True)
class Record:
    """One question, asked. ``answer`` is None when that failed, ``problem`` says why.

    ``seconds`` until the whole answer, ``first_seconds`` until its first piece. ``excerpts`` are
    the texts around the citations, read from the library anew. ``deep`` has for each piece of
    evidence that no passage of the answer touches the rank at which a deeper search finds it (None:
    not found; 0: not looked for). ``peak_mb`` is the process's peak memory so far. ``unused`` says
    of each sentence whether it is said again without the passages that the answer cites, of none
    for a question that failed; None where that was not tried.
    """

    id: str
    answer: Answer | None
    seconds: float
    first_seconds: float | None = None
    problem: str = ""
    excerpts: tuple[Excerpt, ...] = ()
    deep: tuple[int | None, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    peak_mb: float | None = None
    unused: tuple[bool, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON; the answer in the one shape of answers."""
        answer = None if self.answer is None else self.answer.to_dict()
        return asdict(self) | {"answer": answer}


@dataclass(frozen=True, slots=True)
class Asked:
    """A run before it is scored: each case with its evidence and its record, in order.

    ``evidence`` and ``records`` are by case id; a case that was not asked yet has no record.
    """

    header: Mapping[str, Any]
    cases: tuple[Case, ...]
    evidence: Mapping[str, tuple[Piece, ...]]
    records: Mapping[str, Record] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        """How many cases are still to be asked."""
        return sum(case.id not in self.records for case in self.cases)

    def check_whole(self) -> None:
        """Raises ``BadInput`` when questions are still to be asked."""
        if self.missing:
            raise BadInput(
                f"{self.missing} of {len(self.cases)} questions are still to be asked: "
                "`footnote eval run` with the same --out goes on"
            )


def citations_of(answer: Answer) -> list[Citation]:
    """The citations of an answer and of its sentences, each once."""
    below = (c for sentence in answer.sentences for c in sentence.citations)
    return list(dict.fromkeys([*answer.citations, *below]))


def spot_of(citation: Citation) -> Spot:
    """The characters a citation names."""
    return citation.source_id, citation.start, citation.end


def passage_spots(passages: Sequence[Passage]) -> tuple[Spot, ...]:
    """The characters of each passage, in their order."""
    return tuple((p.source.id, p.chunk.start, p.chunk.end) for p in passages)
