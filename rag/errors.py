"""Everything Footnote raises on purpose.

FootnoteError
├── BadInput          a path, file or argument that cannot be used
│   └── BadQuestion   a question or history that cannot be asked
├── BadDocument       one file that cannot be read; never stops the others
│   └── NoDocument    one that holds nothing to read, such as an icon: passed over, no failure
├── BadIndex          the index is missing, foreign, newer or damaged
│   └── IndexBusy     another process is writing to it
└── ModelError        the embedding or language model cannot be loaded or used

Each message says what failed, on what, and what to do next.
"""

from __future__ import annotations


def first_line(error: BaseException) -> str:
    """The first line that an error of another library says, or its kind where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


class FootnoteError(Exception):
    """Root of the tree: catch it to show the message; its text is written for the user."""


class BadInput(FootnoteError):
    """A path, file or argument that cannot be used."""


class BadQuestion(BadInput):
    """A question or history that cannot be asked."""


class BadDocument(FootnoteError):
    """One file that cannot be read. The run goes on with the others."""


class NoDocument(BadDocument):
    """One file that is as it should be and holds nothing to read. It is passed over."""


class BadIndex(FootnoteError):
    """The index is missing, foreign, made by another version or model, or damaged."""


class IndexBusy(BadIndex):
    """Another process is writing to the index; a moment later it may be free."""


class ModelError(FootnoteError):
    """The embedding or language model cannot be found, loaded or used."""
