"""Public retrieval sets in the BEIR layout, asked through the chain that a user asks."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field

from eval.measure import Progress, quiet, scratch_index
from eval.metrics import contains_answer, mean, percentile, refusal
from eval.rankings import NAMES, rankings
from eval.retrieval_metrics import all_gold, document_ranks, ndcg, recall, reciprocal_rank
from eval.rows import typed_rows
from ingest.sync import add_texts
from rag.errors import BadInput, FootnoteError
from rag.files import sha256_of
from rag.index import LIBRARY, Index, create_index
from rag.settings import Settings
from rag.types import Answer, Role, Turn

DOCUMENTS = 10
# Passages fetched so that ten documents are among them, though one document may hold several.
PASSAGES = 30
MARK = "benchmark-corpus.sha256"
_LOG = logging.getLogger(__name__)


Id = Annotated[str, Field(validation_alias="_id")]


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a corpus."""

    id: Id
    text: str
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Message(Turn):
    """A turn whose speaker may be named as other data sets do."""

    role: Annotated[
        Role,
        Field(validation_alias=AliasChoices("role", "speaker")),
        BeforeValidator(lambda role: "assistant" if role == "agent" else role),
    ]


@dataclass(frozen=True, slots=True)
class Query:
    """One question of a set; ``gold`` are the documents that answer it.

    ``answerable`` is None where the set does not say.
    """

    id: Id
    text: str
    answerable: bool | None = None
    answers: tuple[str, ...] = ()
    history: tuple[Message, ...] = ()
    gold: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Quoted:
    """What was quoted, best first; the defaults are those of a query that failed."""

    quotes: tuple[str, ...] = ()
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a query came back with, as shipped and, in ``words``, without the small model."""

    seconds: float
    documents: tuple[str, ...] = ()
    rankings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    said: Quoted = Quoted()
    words: Quoted = Quoted()


def run_benchmark(
    folder: Path,
    limit: int | None = None,
    progress: Progress = quiet,
    index_dir: Path | None = None,
) -> dict[str, Any]:
    """Index a corpus, ask its queries, and return the figures as JSON.

    ``folder`` holds ``corpus.jsonl[.gz]`` (``_id``, ``title``, ``text``), ``queries.jsonl[.gz]``
    (``_id``, ``text``, and if known ``answerable``, ``answers``, ``history``) and ``qrels.tsv`` or
    ``qrels/test.tsv``, which starts with a header line. ``limit`` takes the first queries only.
    ``index_dir`` keeps the index and uses it again while the corpus file is the same: remove it
    after a change of how documents are cut or embedded.

    Each query is asked with declining off (threshold 0), so that what would have been quoted is
    judged for every query; it counts as refused when the confidence is below the threshold that a
    user gets. It is asked once more without the small model: ``words`` has those figures.

    - Retrieval, over answerable queries with qrels. What is ranked is documents, by their best
      passage or the one that it repeats. An answer's 10 passages may cover fewer than 10 documents,
      so the query as the chain completed it is searched again for 30 passages, and the first 10
      documents among them count. ``baselines`` are the same figures for BM25 alone, vectors alone
      and their reciprocal ranks.
    - Answer, over answerable queries with ``answers``: ``sentence_hit@1`` is the share whose best
      quoted sentence (highest score; the first one on a tie) contains a gold answer after SQuAD
      normalisation, ``answer_hit`` the share where any quoted sentence does.
    - Refusal, over queries that say whether they are ``answerable``; ``auroc`` of the confidence.

    A query that fails stays in every denominator with the worst value. Raises ``BadInput`` for a
    folder in another layout, and for an ``index_dir`` that holds something else.
    """
    start = time.perf_counter()
    queries = read_queries(folder)[:limit]
    if not queries:
        raise BadInput(f"{str(folder)!r} asks nothing: give a folder with queries")
    outcomes: list[Outcome] = []
    with corpus_index(folder, index_dir) as index:
        index.warm()
        for done, query in enumerate(queries, 1):
            outcomes.append(_ask(index, query))
            progress(done, len(queries))
    figures = _figures(queries, outcomes)
    return figures | {"seconds": time.perf_counter() - start}


def _ask(index: Index, query: Query) -> Outcome:
    start = time.perf_counter()
    try:
        answer = index.ask(query.text, query.history, Settings(threshold=0.0))
        seconds = time.perf_counter() - start
        plain = index.ask(query.text, query.history, Settings(threshold=0.0, reader=False))
        passages = index.search(answer.query, k=PASSAGES)
        alone = rankings(index, answer.query, PASSAGES)
    except FootnoteError as error:
        _LOG.warning("query %s failed: %s", query.id, error)
        return Outcome(time.perf_counter() - start)
    sources = [one.source for p in passages for one in (p, *p.copies)]
    documents = dict.fromkeys(uri for source in sources for uri in (source.uri, *source.also_at))
    others = {name: found[:DOCUMENTS] for name, found in alone.items()}
    return Outcome(seconds, tuple(documents)[:DOCUMENTS], others, _quoted(answer), _quoted(plain))


def _quoted(answer: Answer) -> Quoted:
    best_first = sorted(answer.sentences, key=lambda s: -s.score)
    return Quoted(tuple(s.text for s in best_first), answer.confidence)


def _figures(queries: Sequence[Query], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    sought = [
        (query.gold, outcome)
        for query, outcome in zip(queries, outcomes, strict=True)
        if query.answerable is not False and query.gold
    ]
    seconds = [outcome.seconds for outcome in outcomes]
    return {
        "retrieval": _retrieval([document_ranks(one.documents, gold) for gold, one in sought]),
        "baselines": {
            name: _retrieval(
                [document_ranks(one.rankings.get(name, ()), gold) for gold, one in sought]
            )
            for name in NAMES
        },
        **_answering(queries, [outcome.said for outcome in outcomes]),
        "words": _answering(queries, [outcome.words for outcome in outcomes]),
        "n": {
            "queries": len(queries),
            "answerable": sum(q.answerable is True for q in queries),
            "unanswerable": sum(q.answerable is False for q in queries),
            "scored_retrieval": len(sought),
            "scored_answer": sum(_has_answer(q) for q in queries),
            "failed": sum(outcome.said.confidence is None for outcome in outcomes),
        },
        "latency": {"p50": percentile(seconds, 50), "p95": percentile(seconds, 95)},
    }


def _retrieval(ranks: Sequence[Sequence[int | None]]) -> dict[str, float | None]:
    """The mean of each figure over the queries."""
    figures = (
        ("ndcg", ndcg, 10),
        ("recall", recall, 5),
        ("recall", recall, 10),
        ("mrr", reciprocal_rank, 10),
        ("all_gold", all_gold, 10),
    )
    return {f"{name}@{k}": mean(figure(one, k) for one in ranks) for name, figure, k in figures}


def _answering(queries: Sequence[Query], said: Sequence[Quoted]) -> dict[str, Any]:
    """How well sentences were chosen, and how well it was declined."""
    # Imported here: the module loads its model's weights.
    from rag.confidence import THRESHOLD

    first: list[float] = []
    any_: list[float] = []
    judged: list[tuple[bool, bool, float]] = []
    for query, one in zip(queries, said, strict=True):
        if query.answerable is not None:
            worst = float(not query.answerable)
            confidence = worst if one.confidence is None else one.confidence
            refused = one.confidence is not None and confidence < THRESHOLD
            judged.append((refused, query.answerable, confidence))
        if _has_answer(query):
            hits = [contains_answer(quote, query.answers) for quote in one.quotes]
            first.append(float(any(hits[:1])))
            any_.append(float(any(hits)))
    columns = [list(column) for column in zip(*judged, strict=True)] or [[], [], []]
    return {
        "answer": {"sentence_hit@1": mean(first), "answer_hit": mean(any_)},
        "refusal": asdict(refusal(*columns)),
    }


def _has_answer(query: Query) -> bool:
    return query.answerable is not False and bool(query.answers)


@contextmanager
def corpus_index(folder: Path, index_dir: Path | None = None) -> Iterator[Index]:
    """An index over the corpus of a set, in ``index_dir`` or only for now. Raises ``BadInput``."""
    corpus = _find(folder, "corpus.jsonl", "corpus.jsonl.gz")
    if index_dir is None:
        with scratch_index() as index:
            add_texts(index, _documents(corpus))
            yield index
        return
    mark, sha256 = index_dir / MARK, sha256_of(corpus)
    if (index_dir / LIBRARY).exists() and not mark.exists():
        raise BadInput(f"{str(index_dir)!r} is no benchmark's index: give another folder")
    if mark.exists() and mark.read_text() != sha256:
        raise BadInput(
            f"{str(index_dir)!r} was made from another corpus than {str(corpus)!r}: "
            "give another folder"
        )
    with create_index(index_dir) as index:
        mark.write_text(sha256)
        ids = {uri for uri, _, _ in _documents(corpus)}
        if set(index.library.files()) != ids or index.library.counts().owed:
            add_texts(index, _documents(corpus))
        yield index


def _documents(corpus: Path) -> Iterator[tuple[str, str, str]]:
    for _, row in typed_rows(corpus, Document):
        yield row.id, row.title or "", row.text


def read_corpus(folder: Path) -> Iterator[tuple[str, str, str]]:
    """The documents of a data set as (id, title, text). Raises ``BadInput`` naming the line."""
    return _documents(_find(folder, "corpus.jsonl", "corpus.jsonl.gz"))


def read_queries(folder: Path) -> list[Query]:
    """The queries of a data set with what is known of their answers. Raises ``BadInput``."""
    path = _find(folder, "queries.jsonl", "queries.jsonl.gz")
    gold = _read_qrels(_find(folder, "qrels.tsv", "qrels/test.tsv"))
    return [
        replace(query, gold=frozenset(gold.get(query.id, ())))
        for _, query in typed_rows(path, Query)
    ]


def _read_qrels(path: Path) -> dict[str, set[str]]:
    gold: dict[str, set[str]] = {}
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if not line.strip():
            continue
        if len(cells) != 3 or not cells[2].strip().lstrip("-").isdigit():
            raise BadInput(f"{path}:{number}: not query-id, corpus-id and score between tabs")
        if int(cells[2]) > 0:
            gold.setdefault(cells[0], set()).add(cells[1])
    return gold


def _find(folder: Path, *names: str) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise BadInput(f"{str(folder)!r} holds no {' or '.join(names)}")
