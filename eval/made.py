"""Questions made from an index itself, and questions that it does not answer, without any model.

A question is made from a sentence: what could be asked for (a sum, a date, a number, a name) is
left out, the words around it are kept in part and some said otherwise. Nobody judged these
questions; they stand in for those of people where there are none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from random import Random
from typing import Literal

from eval.rows import json_rows
from rag.lexical import STOPWORDS, analyze, query_terms
from rag.library import Library
from rag.types import Chunk, Source
from rag.verify_words import synonyms

ELSEWHERE = Path(__file__).parent / "cases" / "elsewhere.jsonl"
# How much of a question, by rarity of its words, a passage may hold that does not answer it.
MOST_HELD = 0.6
LEAST, MOST = 3, 7  # content words that a question keeps of its sentence
DROPPED, REWORDED, BARE = 0.25, 0.25, 0.25  # chances: of a word, of a word, of a question
TITLE = 6  # words; a longer title or heading is a sentence
TRIES = 4  # sentences of a document looked at for every question wanted of it
LOOKED_AT = 50

_WORD = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*")
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][\w-]+(?: [A-Z][\w-]+)*|\b[A-Z]\w*[A-Z]\w*\b")
YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d\b")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_SCALE = r"(?: ?(?:thousand|million|billion|trillion))?"
_MONTH = f"(?:{'|'.join(MONTHS)})"
_ASKED_FOR = (
    (("How much",), re.compile(rf"[$€£] ?\d[\d.,]*{_SCALE}|\b\d[\d.,]*{_SCALE} (?:dollars|euros)")),
    (("When", "In which year"), re.compile(rf"\b(?:\d{{1,2}} )?(?:{_MONTH} )?{YEAR.pattern}")),
    (("How many",), re.compile(rf"(?<![\w.,$€£-])\d[\d.,]*{_SCALE}(?: percent|%)?(?![\w-])")),
    (("Who", "Which", "What"), _NAME),
)


@dataclass(frozen=True, slots=True)
class Made:
    """A question with what is known of it.

    ``own`` was made from a sentence of the index; ``near`` is such a question about somebody or
    something else in the index, of which the index does not say it; ``far`` is about something
    else altogether. ``cluster`` is the document it was made from, or its own id. Of one's own the
    ``answer`` and the sentence it is in, the ``quote``, are known.
    """

    question: str
    kind: Literal["own", "near", "far"]
    cluster: str
    answer: str = ""
    quote: str = ""

    @property
    def answerable(self) -> bool:
        """Whether the index answers it, as far as words tell."""
        return self.kind == "own"


def own_questions(library: Library, n: int, seed: str = "own") -> list[Made]:
    """At most ``n`` questions that the index answers, of as many documents as it has."""
    surface = _surface(library)
    rows: list[list[Made]] = []
    sources = sorted(library.sources().values(), key=lambda s: _hash(seed, s.id))[:n]
    each = -(-n // max(1, len(sources)))
    for source in sources:
        rng = Random(_hash(seed, source.id))
        made: dict[str, Made] = {}
        for chunk, sentence in islice(_sentences(library, source, rng), each * TRIES):
            asked = _ask(sentence, chunk, source, rng, surface)
            if asked and len(made) < each:
                question, answer = asked
                made[question] = Made(question, "own", source.id, answer, sentence)
        rows.append(list(made.values()))
    return [row[i] for i in range(each) for row in rows if i < len(row)][:n]


def near_questions(library: Library, own: Sequence[Made], n: int) -> list[Made]:
    """At most ``n`` of the questions, each about a name or year out of another one's document.

    What is put in stands nowhere in the document the question was made from, and no passage that
    holds it holds more than ``MOST_HELD`` of the rest: the library has no sentence on both.
    """
    made = []
    for asked in own:
        rng = Random(_hash("near", asked.question))
        other = rng.sample(range(len(own)), len(own))
        strangers = [own[k] for k in other if own[k].cluster != asked.cluster]
        for pattern in (_NAME, YEAR):
            question = _about_another(library, asked, strangers[:LOOKED_AT], pattern)
            if question:
                made.append(Made(question, "near", asked.cluster))
                break
        if len(made) == n:
            break
    return made


def far_questions(library: Library, n: int) -> list[Made]:
    """At most ``n`` general questions of which no passage holds more than ``MOST_HELD``."""
    rows = sorted((row for _, row in json_rows(ELSEWHERE)), key=lambda row: _hash("far", row["id"]))
    fit = (row for row in rows if held(library, row["question"]) <= MOST_HELD)
    return [Made(row["question"], "far", row["id"]) for row in islice(fit, n)]


def held(library: Library, question: str, among: Iterable[str] = ()) -> float:
    """The largest share of a question, by rarity of its words, that one passage holds.

    Only passages that hold all terms ``among`` count, and these are left out of the share.
    """
    only = frozenset(among)
    idf = {t: library.idf(t) for t in query_terms(question) if t not in only}
    with library.reading():
        numbers = [n for n, _ in library.lexical.search(question, LOOKED_AT)]
        chunks = library.chunks(numbers)
        titles = library.sources({c.source_id for c in chunks.values()})
    best = 0.0
    for chunk in chunks.values():
        said = set(analyze(" ".join((titles[chunk.source_id].title, *chunk.headings, chunk.text))))
        if only <= said:
            best = max(best, sum(v for t, v in idf.items() if t in said))
    return best / (sum(idf.values()) or 1.0)


def _sentences(library: Library, source: Source, rng: Random) -> Iterator[tuple[Chunk, str]]:
    found = []
    for chunk in library.chunks_of(source.id):
        for span in chunk.sentences:
            text = " ".join(chunk.cut(span).split())
            if LEAST + 2 <= len(_WORD.findall(text)) <= 40:
                found.append((chunk, text))
    rng.shuffle(found)
    yield from found


def _ask(
    sentence: str, chunk: Chunk, source: Source, rng: Random, surface: Mapping[str, str]
) -> tuple[str, str] | None:
    """A question that the sentence answers, with the answer, or None."""
    targets = [(ask, m) for ask, pattern in _ASKED_FOR for m in pattern.finditer(sentence)]
    if not targets:
        return None
    asks, target = rng.choice(targets)
    kept = _kept(sentence, target, rng)
    if len(kept) < LEAST:
        return None
    words = [
        _between(sentence, before, m) + _reworded(m[0], rng, surface)
        for before, m in zip([None, *kept], kept, strict=False)
    ]
    if not any(m[0][0].isupper() and m.start() for m in kept):
        words += _subject(chunk, source)
    if rng.random() < BARE:
        return " ".join([*words, rng.choice(asks).split()[0]]).lower(), target[0]
    return f"{rng.choice(asks)} {' '.join(words)}?", target[0]


def _kept(sentence: str, target: re.Match[str], rng: Random) -> list[re.Match[str]]:
    """The words to ask with, in order: content words near the target, not all of them."""
    words = [
        m
        for m in _WORD.finditer(sentence)
        if m[0].lower() not in STOPWORDS and not target.start() <= m.start() < target.end()
    ]
    near = sorted(words, key=lambda m: abs(m.start() - target.start()))[: MOST + 2]
    kept = [m for m in near if rng.random() >= DROPPED][:MOST]
    return sorted(kept, key=lambda m: m.start())


def _between(sentence: str, before: re.Match[str] | None, word: re.Match[str]) -> str:
    """The small words between two kept ones, where nothing else stands there."""
    gap = sentence[before.end() : word.start()] if before else ""
    small = all(w.lower() in STOPWORDS for w in _WORD.findall(gap))
    return f"{gap.strip()} " if small and gap.replace(" ", "").isalpha() else ""


def _subject(chunk: Chunk, source: Source) -> list[str]:
    """What the sentence is about by its heading or title, where that is short."""
    for text in (*reversed(chunk.headings), source.title):
        words = [w for w in _WORD.findall(text) if w.lower() not in STOPWORDS]
        if 0 < len(words) <= TITLE:
            return words
    return []


def _reworded(word: str, rng: Random, surface: Mapping[str, str]) -> str:
    """The word or, at times, one that can stand for it and that the index has too."""
    if word[0].isupper() or word[0].isdigit() or rng.random() >= REWORDED:
        return word
    (stem, *_) = analyze(word) or [""]
    known = sorted(surface[other] for other in synonyms(stem) or () if other in surface)
    return rng.choice(known) if known else word


def _surface(library: Library) -> dict[str, str]:
    """The commonest word of every stem, in a sample of the documents."""
    seen: dict[str, Counter[str]] = {}
    for source_id in sorted(library.sources(), key=lambda i: _hash("surface", i))[:200]:
        for word in _WORD.findall(library.text(source_id).lower()[:20_000]):
            if word.isalpha() and word not in STOPWORDS:
                for stem in analyze(word):
                    seen.setdefault(stem, Counter())[word] += 1
    return {stem: words.most_common(1)[0][0] for stem, words in seen.items()}


def _about_another(
    library: Library, asked: Made, strangers: Sequence[Made], pattern: re.Pattern[str]
) -> str | None:
    """The question with its first name (or year) changed for one that the library keeps apart."""
    match = pattern.search(asked.question)
    if not match:
        return None
    here = set(analyze(library.text(asked.cluster)))
    for other in strangers:
        for found in pattern.finditer(other.question):
            name = found[0]
            terms = analyze(name)
            if terms and not here & set(terms):
                question = asked.question[: match.start()] + name + asked.question[match.end() :]
                if held(library, question, terms) <= MOST_HELD:
                    return question
    return None


def _hash(seed: str, name: str) -> str:
    return sha256(f"{seed}\n{name}".encode()).hexdigest()
