"""Which sentences answer a question.

Words choose a shortlist. If the small model is used (``rag.reader``), it reads their passages and
adds the sentences where it sees an answer. A linear model over ``FACTS``, one for each of the two
ways, orders the shortlist. The weights were fitted by ``eval.bench.fit_select`` and are read from
``select_weights.json``, which also holds the data, the date and the figures.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rag.features import FEATURES, is_heading, is_row, passage_features
from rag.followup import CARRIED
from rag.odds import sigmoid
from rag.question import NEGATION, Query, held_by, joined_names, read_question
from rag.scope import are_apart
from rag.terms import definition_asked, of_terms_named, with_term
from rag.types import Chunk, Citation, Passage, Source, Span
from rag.words import content_stems, stems_of, tokens

if TYPE_CHECKING:
    from rag.reader import Reader, Reading

SHORTLIST = {"words": 5, "reader": 8}
READ = 4
"""Of so many passages the small model reads a part, of ``WINDOW`` characters."""
WINDOW = 700
HEADING = 200
"""So many characters of a heading are read before it."""
SPOKEN = 0.2
"""So much of what was carried over to a follow-up a passage must speak of to be read for it."""
SEEN = 0.05
"""From this chance on a sentence where it sees the answer joins the shortlist."""
FIRST = 1e-6
"""By so little, in log-odds, a definition that is asked for goes before the best of the others."""
SURELY_SEEN = 0.5
SEEN_BESIDE = 0.1
"""Beside a sentence in which it sees the answer so surely, none in which it does less than this."""
QUOTES = 3
"""The most sentences that are quoted for a question, but for lists and parts named whole."""
MORE_WITHIN = 9.0
"""So far behind the best, in log-odds, an exception or a reason may be that is quoted with it."""
ALIKE = 0.6
COLONS = (":", "：")
"""What ends a sentence that announces something."""

WEIGHTS: Mapping[str, Any] = json.loads(
    files("rag").joinpath("select_weights.json").read_text(encoding="utf-8")
)
FACTS = (
    *FEATURES,
    "answers",  # the chance that the passage answers, by the small model; 0 where it has not read
    "answer_here",  # the share of the answer's likely beginnings and ends that are in the sentence
)
_RANK = {
    way: np.array([WEIGHTS[way]["rank"].get(name, 0.0) for name in FACTS])
    for way in ("words", "reader")
}
_ANSWER_HERE = FACTS.index("answer_here")
_COVERAGE = FACTS.index("coverage")
_SIMILARITY = FACTS.index("similarity")
_KIND = FACTS.index("kind")
_NAMES_LOST = FACTS.index("names_lost")
_NAMES_ELSEWHERE = FACTS.index("names_elsewhere")
_OPPOSED = FACTS.index("opposed")
_PASSAGE_SIMILARITY = FACTS.index("passage_similarity")
SEVERAL = re.compile(
    r"\b(?:both|compare[ds]?|comparison|differ\w*|versus|vs|respectively|while|whereas|similar\w*"
    r"|advantages|disadvantages|reasons|ways|forecasts|estimates|opinions|views|same|consisten\w+|contrast\w*)\b"
    r"|[,;] (?:[^,]+ )?(?:and|or) |^(?:who|which|what)\b.* or "
    r"|^(?:is|are|was|were|do|does|did|ha[sd]|have)\b.* (?:and|or) ",
    re.I,
)
"""How a question sounds that asks for several things, which may be in several documents."""
_WHY = re.compile(r"\W*(?:and |but |so )?why\b", re.IGNORECASE)
_WHETHER = re.compile(
    r"\W*(?:can|could|may|might|must|should|shall|will|would|is|are|was|were|do|does|did|ha[sd]|have)\b",
    re.IGNORECASE,
)

_Found = tuple[Passage, Span, str, list[float]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may be quoted.

    ``score`` in [0, 1] is the probability that it answers the question, ``rank`` the same in
    log-odds on a scale of its own, which orders the sentences of one question. ``facts`` are what
    both come from, in the order of ``FACTS``. ``answer`` is where its few words are that answer, in
    the characters of the source as ``span`` is; None where the small model does not say.
    ``mark`` is that of an item of a list (``rag.lists``), as ``-`` or ``2.``; ``goes_on`` says that
    the list has more items than are quoted.
    """

    passage: Passage
    span: Span
    text: str
    score: float
    rank: float
    facts: tuple[float, ...]
    answer: Span | None = None
    mark: str = ""
    goes_on: bool = False


def rank_sentences(
    question: str,
    passages: Sequence[Passage],
    openings: Mapping[str, str],
    embed: Callable[[Sequence[str]], NDArray[np.float32]],
    idf: Callable[[str], float],
    reader: Reader | None = None,
) -> list[Candidate]:
    """The sentences most likely to answer, best first.

    ``passages`` come best first; ``openings`` are how their sources begin, by id. ``embed`` turns n
    texts into n unit vectors, ``idf`` a stem into its inverse document frequency in the index, on
    any scale. Words choose a shortlist of ``SHORTLIST``. The ``reader``, if any, reads the best
    passages of it, and may add a sentence of each. Only the shortlist is embedded.
    """
    query = read_question(question, idf)
    found = _distinct(query, passages, openings)
    if not found:
        return []
    way = way_of(reader)
    rows = np.array([row for _, _, _, row in found])
    short = np.argsort(-(rows @ _RANK["words"]), kind="stable")[: SHORTLIST[way]].tolist()
    read = _read(query, question, found, short, openings, reader) if reader else {}
    answers: list[Span | None] = [None] * len(found)
    for k, (passage, span, *_) in enumerate(found):
        if passage.chunk.id in read:
            reading, start = read[passage.chunk.id]
            place = span.moved(-start)
            rows[k, -2:] = reading.answers, reading.answers * reading.share(place)
            answer = reading.answer(place)
            answers[k] = answer.moved(start) if answer else None
    if read:
        _move_to_the_row_asked_for(query, found, rows, answers)
    short += _seen(found, short, rows[:, -1])
    defines = definition_asked(CARRIED.sub("", question))
    if defines:
        short += [k for k, f in enumerate(found) if k not in short and defines.match(f[2])]
    found, rows, answers = [found[i] for i in short], rows[short], [answers[i] for i in short]
    vectors = embed([question, *(with_term(p.chunk, text) for p, _, text, _ in found)])
    rows[:, _SIMILARITY] = vectors[1:] @ vectors[0]
    for row, (passage, *_) in zip(rows, found, strict=True):
        if passage.similarity is None:
            row[_PASSAGE_SIMILARITY] = row[_SIMILARITY]
    ranks = rows @ _RANK[way]
    if defines:
        ranks[[bool(defines.match(text)) for _, _, text, _ in found]] = ranks.max() + FIRST
    chance = WEIGHTS[way]["chance"]
    return [
        Candidate(
            passage=found[k][0],
            span=found[k][1],
            text=found[k][2],
            score=sigmoid(chance["slope"] * ranks[k] + chance["intercept"]),
            rank=float(ranks[k]),
            facts=tuple(rows[k].tolist()),
            answer=answers[k],
        )
        for k in np.argsort(-ranks, kind="stable")
    ]


def way_of(reader: Reader | None) -> str:
    """Which of the two ways' weights to use."""
    return "words" if reader is None else "reader"


def _read(
    query: Query,
    question: str,
    found: Sequence[_Found],
    short: Sequence[int],
    openings: Mapping[str, str],
    reader: Reader,
) -> dict[str, tuple[Reading, int]]:
    """By chunk, what the model makes of a part of it, and where that starts.

    It reads the passages of the shortlist, and the one that is nearest in meaning, each below its
    heading: "It is fifty pounds." answers what the fees are in a section on fees. A follow-up it
    reads as it was asked, and only where what was carried over to it is spoken of: the bracket is
    no language that it knows, and without it every price is what "it" costs.
    """
    passages: dict[str, Passage] = {}
    spans: dict[str, list[Span]] = {}
    for passage, span, *_ in (found[i] for i in short):
        passages[passage.chunk.id] = passage
        spans.setdefault(passage.chunk.id, []).append(span)
    first = list(passages.values())[:READ]
    nearest = max((passage for passage, *_ in found), key=lambda p: p.similarity or 0.0)
    if nearest.chunk.id not in {passage.chunk.id for passage in first}:
        first[READ - 1 :] = [nearest]
    carried = query.stems - query.said
    chunks = [p.chunk for p in first if _speaks_of(carried, p, openings.get(p.source.id, ""))]
    windows = [
        _window(chunk, spans.get(chunk.id, [Span(chunk.start, chunk.start)])) for chunk in chunks
    ]
    heads = [f"{chunk.headings[-1][:HEADING]}: " if chunk.headings else "" for chunk in chunks]
    texts = [
        head + chunk.cut(window) for chunk, head, window in zip(chunks, heads, windows, strict=True)
    ]
    readings = reader.read(CARRIED.sub("", question), texts)
    return {
        chunk.id: (reading.after(len(head)), window.start)
        for chunk, reading, head, window in zip(chunks, readings, heads, windows, strict=True)
    }


def _speaks_of(stems: Set[str], passage: Passage, opening: str) -> bool:
    """Whether a passage, what stands above it or its document's opening has enough of the stems."""
    if not stems:
        return True
    above = (passage.source.title, *passage.chunk.headings, opening)
    return len(stems & stems_of(passage.chunk.text, *above)) >= SPOKEN * len(stems)


def _move_to_the_row_asked_for(
    query: Query,
    found: Sequence[_Found],
    rows: NDArray[np.float64],
    answers: list[Span | None],
) -> None:
    """Give what the model sees in a table's row to the row that holds more of the question, if any.

    Of rows that differ by a key alone ("Zone: A", "Zone: B") it takes the first.
    """
    tables: dict[str, list[int]] = {}
    for k, (passage, _, text, _) in enumerate(found):
        if is_row(text):
            tables.setdefault(passage.chunk.id, []).append(k)
    for table in tables.values():
        seen = max(table, key=lambda k: rows[k, -1])
        asked = max(table, key=lambda k: rows[k, _COVERAGE])
        held, more = (query.share.keys() & held_by(query, found[k][2]) for k in (seen, asked))
        if held < more:
            rows[[seen, asked], -1] = rows[[asked, seen], -1]
            answers[seen] = None


def _seen(found: Sequence[_Found], short: Sequence[int], seen: NDArray[np.float64]) -> list[int]:
    """The sentences outside the shortlist, one of a passage, where the model sees the answer."""
    best: dict[str, int] = {}
    for k, (passage, *_) in enumerate(found):
        if seen[k] > seen[best.setdefault(passage.chunk.id, k)]:
            best[passage.chunk.id] = k
    return [k for k in best.values() if seen[k] >= SEEN and k not in short]


def _window(chunk: Chunk, spans: Sequence[Span]) -> Span:
    """A part of a chunk around the first of its sentences and as many others as fit."""
    start, end = spans[0].start, spans[0].end
    for span in spans[1:]:
        if max(end, span.end) - min(start, span.start) <= WINDOW:
            start, end = min(start, span.start), max(end, span.end)
    left = min((start + end - WINDOW) // 2, chunk.end - WINDOW)
    left = min(start, max(chunk.start, left))
    return Span(left, min(chunk.end, max(end, left + WINDOW)))


def choose(
    question: str,
    ranked: Sequence[Candidate],
    reader: Reader | None = None,
    is_part: bool = False,
) -> list[Candidate]:
    """The one to three sentences to quote, best first.

    A further one is quoted when it is nearly as likely as the first, does not speak of others than
    are asked about, and does not say the contrary of more of the question ("inner", asked of the
    outer zone): only whether something is so, both may tell. A question that asks for several
    things also gets the best sentence of a second source, and so does one on whose figures the
    sources disagree: neither may stand alone. Nor may what is so without its exception, or without
    the reason that is asked for. What is near to a question that ``is_part`` of another may answer
    another part.
    """
    if not ranked:
        return []
    ranked = of_terms_named(question, ranked)
    best = ranked[0]
    rule = WEIGHTS[way_of(reader)]["quote"]
    chosen = [c for c in ranked[:QUOTES] if best.rank - c.rank <= rule["within"]]
    if not _WHETHER.match(question):
        chosen = [c for c in chosen if c.facts[_OPPOSED] <= best.facts[_OPPOSED]]
    if SEVERAL.search(question):
        other = next((c for c in ranked if c.passage.source.id != best.passage.source.id), None)
        if other is not None and best.rank - other.rank <= rule["within_other_source"]:
            chosen = [best, other, *(c for c in chosen[1:] if c is not other)][:QUOTES]
    elif not is_part and not joined_names(question):
        chosen = [best, *(c for c in chosen[1:] if _may_stand_beside(best, c))]
    if len(chosen) < QUOTES:
        near = [c for c in ranked if best.rank - c.rank <= MORE_WITHIN and c not in chosen]
        chosen += _exception(question, chosen, near) or _reason(question, chosen, near)
    dissent = next(
        (
            c
            for c in ranked
            if in_conflict(best.passage.source, best.text, c.passage.source, c.text)
        ),
        None,
    )
    if dissent is not None and dissent not in chosen[:2]:
        chosen = [best, dissent, *(c for c in chosen[1:] if c is not dissent)][:QUOTES]
    return chosen


def _may_stand_beside(best: Candidate, other: Candidate) -> bool:
    """Whether to quote another sentence, too, by where the model sees the answer.

    In one that speaks of others it must see more of it than in the best. A table's row that lacks
    a name which the best has is another's.
    """
    if is_row(other.text) and other.facts[_NAMES_LOST] > best.facts[_NAMES_LOST]:
        return False
    seen, there = best.facts[_ANSWER_HERE], other.facts[_ANSWER_HERE]
    if other.facts[_NAMES_ELSEWHERE] > best.facts[_NAMES_ELSEWHERE] and there <= seen:
        return False
    return there >= SEEN_BESIDE or seen < SURELY_SEEN


def _exception(
    question: str, chosen: Sequence[Candidate], ranked: Sequence[Candidate]
) -> list[Candidate]:
    """For whether something is so, the best sentence that denies the question's other words.

    That all may do it is one sentence, and who may not another of the same source.
    """
    if not _WHETHER.match(question):
        return []
    source = chosen[0].passage.source
    said = stems_of(source.title).union(
        *(stems_of(c.text, *c.passage.chunk.headings) for c in chosen)
    )
    left = content_stems(_WHETHER.sub("", question)) - said
    return [
        c
        for c in ranked
        if c.passage.source.id == source.id and NEGATION.search(c.text) and left & stems_of(c.text)
    ][:1]


def _reason(
    question: str, chosen: Sequence[Candidate], ranked: Sequence[Candidate]
) -> list[Candidate]:
    """For why something is so, the best sentence of the same source that gives a reason.

    What is quoted may say but that it is so. A reason must be of the names that this has.
    """
    if not _WHY.match(question) or any(c.facts[_KIND] for c in chosen):
        return []
    best = chosen[0]
    return [
        c
        for c in ranked
        if c.facts[_KIND]
        and c.facts[_NAMES_LOST] <= best.facts[_NAMES_LOST]
        and c.passage.source.id == best.passage.source.id
    ][:1]


def in_conflict(
    one: Source | Citation, text: str, other: Source | Citation, other_text: str
) -> bool:
    """Whether two sources say the same in all but the figures, and of the same time."""
    return one.uri != other.uri and not are_apart(one, other) and disagree(text, other_text)


def disagree(first: str, second: str) -> bool:
    """Whether two sentences say the same in all but the figures."""
    words = [{t.stem for t in tokens(text) if not t.digit} for text in (first, second)]
    figures = [{t.stem for t in tokens(text) if t.digit} for text in (first, second)]
    shared = len(words[0] & words[1]) / max(1, len(words[0] | words[1]))
    return shared >= ALIKE and all(figures) and figures[0] != figures[1]


def _distinct(
    query: Query, passages: Sequence[Passage], openings: Mapping[str, str]
) -> list[_Found]:
    """Every sentence once with its features; chunks overlap and documents repeat each other."""
    found = []
    seen: set[str] = set()
    top = max((p.score for p in passages), default=0.0)
    for passage in passages:
        chunk = passage.chunk
        relative = passage.score / top if top > 0 else 1.0
        rows = passage_features(query, passage, relative, openings.get(passage.source.id, ""))
        texts = [chunk.cut(span) for span in chunk.sentences]
        for n, (span, row, text) in enumerate(zip(chunk.sentences, rows, texts, strict=True)):
            key = " ".join(text.split())
            # What ends with a colon announces an answer and holds none, but for a list below it.
            alone = key.endswith(COLONS) and not _has_list(chunk, n, texts)
            if key and key not in seen and not alone and not is_heading(query, key):
                seen.add(key)
                found.append((passage, span, text, [*row, 0.0, 0.0]))
    return found


def _has_list(chunk: Chunk, n: int, texts: Sequence[str]) -> bool:
    """Whether the sentences after the ``n``-th stand on lines below it and are not of a table."""
    if n + 2 >= len(texts) or "table" in texts[n].lower():
        return False
    gap = chunk.cut(Span(chunk.sentences[n].end, chunk.sentences[n + 1].start))
    return "\n" in gap and not any(map(is_row, texts[n + 1 : n + 3]))
