"""Terms that manuals and glossaries define: options, parameters, commands, names of things.

Of a longer definition the first paragraph begins with its term, as "work_mem (integer): Sets the
amount of memory ...", and the term is the last heading over all of it.
"""

from __future__ import annotations

import re

from rag.types import Chunk

_SEVERAL = re.compile(r", (?=\S)")
# "port (integer)" is called "port", and "--exclude=<pattern>" is "--exclude".
_ARGUMENT = re.compile(r"\s*[(<\[=].*", re.DOTALL)


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
        if name
    )
