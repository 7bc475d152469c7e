"""Words of a question that the library does not have, spelt as it spells them.

What is cut short is written out where the library has it in full alone: "hrs", or "CMA" where it
speaks of the Competition and Markets Authority. A word is taken for a slip of the keyboard where
neither the library nor the embedding model knows it, while the library has one that is a single
letter away. The reader is shown what was searched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import ascii_lowercase
from typing import TYPE_CHECKING

from rag.lexical import INITIALS, STOPWORDS, analyze, names_by_initials
from rag.library_reader import LibraryReader
from rag.parts import LONGEST

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SHORTEST = 5
"""Shorter words are one letter from too many others."""
_WORD = re.compile(r"\b[A-Za-z]{5,24}\b")
_SHORT = {
    "acct": "account", "amt": "amount", "appt": "appointment", "approx": "approximately",
    "dept": "department", "govt": "government", "hq": "headquarters", "hrs": "hours",
    "mgmt": "management", "mins": "minutes", "mths": "months", "ppl": "people",
    "qty": "quantity", "wks": "weeks", "yr": "year", "yrs": "years",
}  # fmt: skip
_CUT_SHORT = re.compile(rf"\b(?:{'|'.join(_SHORT)}|HQ)\b")
_ACRONYM = re.compile(r"\b[A-Z]{3,6}\b")
_BODY = re.compile(  # "Cash In Advance" and "Paul David Foster" are no CIA and no PDF
    r" (?:of|for|in|on|and|the|&) | (?:Act|Agency|Agreement|Alliance|Assembly|Association|Authority"
    r"|Bank|Board|Bureau|Cent(?:er|re)|Commission|Committee|Company|Corporation|Council|Court"
    r"|Department|Directorate|Federation|Forum|Foundation|Fund|Group|Index|Institute|Institution"
    r"|Ministry|Network|Office|Organi[sz]ation|Party|Programme?|Regulation|Scheme|Service|Services"
    r"|Society|System|Trust|Union|University)$"
)
_BEGINS_WORD = ("", "▁", "Ġ")
"""How the vocabularies of models mark a token that begins a word, if they do."""


def respell(question: str, library: LibraryReader, tokenizer: Tokenizer) -> str:
    """The question with words cut short or misspelt as the library has them.

    A text longer than ``LONGEST`` was pasted rather than typed, and is left as it is.
    """
    if len(question) > LONGEST:
        return question
    with library.reading():
        question = _CUT_SHORT.sub(lambda found: _written_out(found[0], library), question)
        if not question.isupper():
            question = _ACRONYM.sub(lambda found: _named(found[0], library), question)
        return _WORD.sub(lambda found: _respelt(found[0], library, tokenizer), question)


def _written_out(word: str, library: LibraryReader) -> str:
    whole = _SHORT[word.lower()]
    short_term, term = (analyze(form) for form in (word.lower(), whole))
    return whole if library.holding(term) and not library.holding(short_term) else word


def _named(acronym: str, library: LibraryReader) -> str:
    """An acronym that the library does not write, as the name of a body there that begins so."""
    short = acronym.lower()
    if short in STOPWORDS:
        return acronym
    held = library.holding([*analyze(short), INITIALS + short])
    if list(held) != [INITIALS + short]:
        return acronym
    number = held[INITIALS + short][1]
    chunk = library.chunks([number])[number]
    names = [names_by_initials(text).get(acronym, "") for text in (*chunk.headings, chunk.text)]
    return next((name for name in names if _BODY.search(name)), acronym)


def _respelt(word: str, library: LibraryReader, tokenizer: Tokenizer) -> str:
    """A misspelt word as the library has it, in the asker's case."""
    lower = word.lower()
    if lower in STOPWORDS or library.holding(analyze(lower)):
        return word
    if any(tokenizer.token_to_id(sign + lower) is not None for sign in _BEGINS_WORD):
        return word
    near = list(_slips(lower))
    # Names that differ in a letter may be two persons: of those only a slip is mended.
    near += _mistaken(lower) if word.islower() else ()
    held = library.holding(list(dict.fromkeys(terms := analyze(" ".join(near)))))
    for n in sorted(range(len(near)), key=lambda n: -held.get(terms[n], (0, 0))[0]):
        if terms[n] not in held:
            break
        # Stems are indexed, and many a letter makes another word of the same stem.
        if written := _as_written(near[n], held[terms[n]][1], library):
            return written.capitalize() if word[0].isupper() else written
    return word


def _as_written(word: str, number: int, library: LibraryReader) -> str:
    """A word where a chunk has it, or one that goes on after it; else the form it has, or ""."""
    chunk = library.chunks([number])[number]
    text = " ".join((*chunk.headings, chunk.text)).lower()
    found = re.search(rf"\b(?:{word}|{word.removesuffix('s')}\w{{0,3}})\b", text)
    return "" if not found else word if found[0].startswith(word) else found[0]


def _slips(word: str) -> Iterator[str]:
    """A word with a letter more, a letter less or two neighbours changed over; its first stays."""
    for at in range(1, len(word) + 1):
        for letter in ascii_lowercase:
            yield word[:at] + letter + word[at:]
    for at in range(1, len(word)):
        if len(word) > SHORTEST:
            yield word[:at] + word[at + 1 :]
        yield word[:at] + word[at : at + 2][::-1] + word[at + 2 :]


def _mistaken(word: str) -> Iterator[str]:
    """A word with one letter exchanged for one that it is taken for; its first stays."""
    for at in range(1, len(word)):
        for letter in _TAKEN_FOR.get(word[at], ""):
            yield word[:at] + letter + word[at + 1 :]


def _taken_for() -> dict[str, str]:
    """Of each letter those beside it on a keyboard, and those that sound like it."""
    rows = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    at = {letter: (x, y) for y, row in enumerate(rows) for x, letter in enumerate(row)}
    beside = {
        letter: {
            other
            for other, (x2, y2) in at.items()
            if abs(y - y2) <= 1 and x2 - x in ((-1, 1) if y == y2 else (0, y - y2))
        }
        for letter, (x, y) in at.items()
    }
    for sounds in ("aeiouy", "csz", "ck", "dt", "fv", "gj", "mn"):
        for letter in sounds:
            beside[letter] |= set(sounds) - {letter}
    return {letter: "".join(sorted(others)) for letter, others in beside.items()}


_TAKEN_FOR = _taken_for()
