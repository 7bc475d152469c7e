"""What a run of ingest says while it goes and when it is done."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from rag.types import Fidelity

State = Literal["added", "changed", "unchanged", "removed", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file, and how well it was read.

    ``flagged`` ranges are text that may be meant to deceive, kept out of every answer. ``problem``
    is the reason of a failure, for the user, or why a file that holds nothing to read was skipped.
    """

    uri: str
    state: State
    characters: int = 0
    pages: int | None = None
    chunks: int = 0
    flagged: int = 0
    fidelity: Fidelity = field(default_factory=Fidelity)
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON, on one level."""
        row = asdict(self)
        return {**row, **row.pop("fidelity")}


@dataclass
class Report:
    """What a run did: a row for each file, vectors made, seconds taken.

    ``embedding_seconds`` is the time in which embedding was at work; it runs beside the reading.
    """

    files: list[FileReport] = field(default_factory=list)
    embedded: int = 0
    seconds: float = 0.0
    embedding_seconds: float = 0.0

    def count(self, state: State) -> int:
        """How many files ended in this state."""
        return sum(row.state == state for row in self.files)

    def total(self) -> dict[str, int]:
        """The sums over all files."""
        read = [row.fidelity for row in self.files]
        return {
            "files": len(self.files),
            "pages": sum(row.pages or 0 for row in self.files),
            "characters": sum(row.characters for row in self.files),
            "chunks": sum(row.chunks for row in self.files),
            "tables": sum(f.tables for f in read),
            "images": sum(f.images for f in read),
            "blank_pages": sum(len(f.blank_pages) for f in read),
            "ocr_pages": sum(len(f.ocr_pages) for f in read),
            "flagged": sum(row.flagged for row in self.files),
            "warnings": sum(len(f.warnings) for f in read),
        }

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON."""
        return {**asdict(self), "files": [f.to_dict() for f in self.files], "total": self.total()}


class Progress:
    """Told how a run goes; the command line draws bars of it, the default says nothing.

    Embedding is told from a thread of its own.
    """

    def files(self, total: int) -> None:
        """``total`` files will be looked at, as far as is known."""

    def file(self, row: FileReport) -> None:
        """One file is done."""

    def embedding(self, done: int, total: int) -> None:
        """``done`` of ``total`` chunks have their vector, as far as is known."""
