"""The lexical half of retrieval: BM25 over SQLite's FTS5, in the store's own database.

FTS5 is transactional and incremental: a chunk and its words appear, change and vanish together.
Text is analyzed here rather than by FTS5, so that one analysis serves the index, the query and
everything else that compares texts by their words.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Sequence

import Stemmer

# The words an English question is made of; what is left is what it asks about.
_FUNCTION_WORDS = """a about all also am an and any are as at be been being but by can could did do
does doing done for from had has have having he her him his how i if in into is it its might must
my no not of on or our shall she should so some such than that the their them then there these
they this those to was we were what when where which who whom whose why will with would you your"""
STOPWORDS = frozenset(_FUNCTION_WORDS.split())
INITIALS = "initials"
"""What the terms begin with that a long name has for its initials, to be told from a word."""
IDENTIFIER = re.compile(  # work_mem, gc.auto, postgresql.conf, --no-ff, -n, %D
    r"\b[^\W\d_]\w*_\w+(?:\.\w+)*|\b[a-z]\w+(?:\.[a-z]\w+)+"
    r"|(?<![\w.-])--?[^\W\d_][\w-]*|(?<![\w%])%[^\W\d_](?!\w)"
)
"""What a program calls something by, made of words and signs."""
WHOLE = "0whole"
"""What the term begins with that an identifier has as a whole, beside those of its words."""
_SIGNS = str.maketrans({"_": "0u", ".": "0p", "-": "0d", "%": "0c"})
MAX_TERMS = 64  # of one query, the rarest; a pasted page would otherwise scan the whole index

_UNSPACED = (  # scripts that put no space between words: Thai to Khmer, kana, Han, Hangul
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\U00020000-\U0003ffff"
)
_INDIC = "\u0900-\u0963\u0966-\u0dff"  # their vowel signs are part of a word, but not of \w
_TOKEN = re.compile(rf"[{_UNSPACED}]+|(?:[^\W_{_UNSPACED}]|[{_INDIC}])+")
_UNSPACED_START = re.compile(f"[{_UNSPACED}]")
_JOINERS = "of|for|in|on|and|the|&"
_LONG_NAME = re.compile(  # the initials of two words are those of too many
    r"(?<![\w-])[A-Z][\w-]*"
    rf"(?:(?: |[ \n](?:{_JOINERS})[ \n](?:(?:{_JOINERS})[ \n])?)[A-Z][\w-]*){{1,4}}"
)
# Accents, Hebrew and Arabic vowel points: people search without them.
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]")


def analyze(text: str) -> list[str]:
    """The terms of a text, in order and repeated: caseless, without accents, English stems.

    Scripts written without spaces become overlapping pairs of characters. Identifiers follow, each
    as a whole. A term holds letters and digits only, never a character that FTS5 could read as
    syntax.
    """
    return [*_stems(_words(text)), *_identifiers(text)]


def query_terms(query: str) -> list[str]:
    """The distinct terms to search for: those of ``query`` that are not stop words, or else all."""
    words = list(dict.fromkeys(_words(query)))
    asked = _stems([w for w in words if w not in STOPWORDS] or words)
    return list(dict.fromkeys([*asked, *_identifiers(query)]))


def names_by_initials(text: str) -> dict[str, str]:
    """The long names in a text by their initials, ``BLS`` or with the small words, ``DOJ``."""
    found = {}
    for name in _LONG_NAME.findall(text):
        words = name.split()
        while words and words[0].lower() in STOPWORDS:
            words = words[1:]
        for letters in (words, [w for w in words if w[0].isupper()]):
            if len(letters) > 2:
                found["".join(word[0] for word in letters).upper()] = " ".join(words)
    return found


def _words(text: str) -> list[str]:
    if not text.isascii():
        bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
        text = unicodedata.normalize("NFKC", bare.casefold())
    words: list[str] = []
    for word in _TOKEN.findall(text.lower()):
        if len(word) > 2 and _UNSPACED_START.match(word):
            words.extend(word[i : i + 2] for i in range(len(word) - 1))
        else:
            words.append(word)
    return words


def _identifiers(text: str) -> list[str]:
    return [WHOLE + _caseless(name).translate(_SIGNS) for name in IDENTIFIER.findall(text)]


def _caseless(name: str) -> str:
    """An identifier in small letters; of a single letter the size tells two apart: -n and -N."""
    return f"{name[0]}0g{name[1].lower()}" if len(name) == 2 and name[1].isupper() else name.lower()


def _stems(words: list[str]) -> list[str]:
    stemmer = Stemmer.Stemmer("english")  # one per call: an instance is not safe between threads
    stems: list[str] = stemmer.stemWords(words)
    return stems


def _indexed(parts: Sequence[str]) -> list[str]:
    short = {initials.lower() for part in parts for initials in names_by_initials(part)}
    return [*analyze("\n".join(parts)), *(INITIALS + initials for initials in sorted(short))]


class LexicalIndex:
    """An inverted index of chunks in two tables of an open database, inside its transactions.

    Chunks are known by an integer. Scores are FTS5's BM25 (k1 = 1.2, b = 0.75, Robertson's IDF kept
    above 0), made positive: greater is better, and 0 means that no term is shared.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def create(self) -> None:
        """Create the tables if they are not there."""
        # The text is terms already, so the tokenizer has only spaces to find: "ascii" splits at
        # nothing else that is left in it.
        self._db.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS lexical USING fts5(terms, tokenize = 'ascii')"
        )
        self._db.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS lexical_terms USING fts5vocab('lexical', 'row')"
        )

    def add(self, rows: Iterable[tuple[int, str, str, str]]) -> None:
        """Index chunks given as (number, title, headings, text); the numbers must be new.

        Of a long name there are the initials, too, as a term of their own kind.
        """
        self._db.executemany(
            "INSERT INTO lexical (rowid, terms) VALUES (?, ?)",
            ((number, " ".join(_indexed(parts))) for number, *parts in rows),
        )

    def delete(self, numbers: Iterable[int]) -> None:
        """Forget chunks; a number that is not there is ignored."""
        self._db.executemany("DELETE FROM lexical WHERE rowid = ?", ((n,) for n in numbers))

    def search(self, query: str, k: int) -> list[tuple[int, float]]:
        """The ``k`` chunks that score highest, best first, as (number, score)."""
        if not (match := self._match(query)):
            return []
        rows = self._db.execute(
            "SELECT rowid, -rank FROM lexical WHERE lexical MATCH ? ORDER BY rank, rowid LIMIT ?",
            (match, k),
        )
        return [(int(number), float(score)) for number, score in rows]

    def score(self, query: str, numbers: Sequence[int]) -> dict[int, float]:
        """The scores of these chunks, the same that ``search`` gives them; 0 without a match."""
        scores = dict.fromkeys(numbers, 0.0)
        if numbers and (match := self._match(query)):
            # "+rowid" makes one pass over the matches: a look-up by row starts BM25 anew each time.
            rows = self._db.execute(
                "SELECT rowid, -rank FROM lexical WHERE lexical MATCH ?"
                " AND +rowid IN (SELECT value FROM json_each(?))",
                (match, json.dumps(list(numbers))),
            )
            scores.update((int(number), float(score)) for number, score in rows)
        return scores

    def df(self, term: str) -> int:
        """How many chunks hold a term, as ``analyze`` gives it."""
        row = self._db.execute("SELECT doc FROM lexical_terms WHERE term = ?", (term,)).fetchone()
        return int(row[0]) if row else 0

    def holding(self, terms: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Of these terms, how many chunks hold each, and one that does; without those in none."""
        there = self._db.execute(
            "SELECT value FROM json_each(?) WHERE EXISTS "
            "(SELECT 1 FROM lexical_terms WHERE term = value)",
            (json.dumps(list(terms)),),
        ).fetchall()
        # Of a view, only what it shows is counted.
        count = "SELECT count(*), min(rowid) FROM lexical WHERE lexical MATCH ?"
        found = {term: self._db.execute(count, (f'"{term}"',)).fetchone() for (term,) in there}
        return {term: (n, number) for term, (n, number) in found.items() if n}

    def __len__(self) -> int:
        """How many chunks are indexed."""
        # FTS5's own table of lengths: count(*) on the index itself would read every text.
        return int(self._db.execute("SELECT count(*) FROM lexical_docsize").fetchone()[0])

    def idf(self, term: str) -> float:
        """The inverse document frequency of a term, above 0: ln(1 + (N - n + .5) / (n + .5))."""
        return self.idf_of(self.df(term))

    def idf_of(self, n: int) -> float:
        """The inverse document frequency of any term that ``n`` chunks hold."""
        return math.log1p(max(0.0, len(self) - n + 0.5) / (n + 0.5))

    def _match(self, query: str) -> str:
        terms = query_terms(query)
        if len(terms) > MAX_TERMS:
            terms = sorted(terms, key=self.df)[:MAX_TERMS]
        return " OR ".join(f'"{term}"' for term in terms)
