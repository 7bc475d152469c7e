"""How well chunks fit what a question needs, by characters: nothing missed, little else fetched."""

from __future__ import annotations

import tempfile
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import ingest.chunk
from eval.bench.script import stamp
from eval.measure import HALVES, Half, Progress, half_of, quiet, scratch_index
from eval.metrics import mean
from eval.rows import typed_rows
from ingest.chunk import chunk_document, quotable
from ingest.parse import parse
from ingest.parsed import Parsed
from ingest.sync import sync
from rag.embed import Encoder
from rag.errors import BadInput
from rag.index import Index
from rag.types import Chunk, Span

K = 5
DEEP = 50  # as many as the retriever knows of; a budget is filled from these
SHIPPED = ingest.chunk.TARGET_TOKENS
WINDOW = 2  # sentences on either side
SMALL = 64  # tokens of a chunk that stands for the larger one around it

Chunker = Callable[[Parsed, str, str, Encoder], list[Chunk]]
Pieces = list[tuple[str, int, int]]  # corpus, start, end; best first
Expand = Callable[["_Corpora", str, int], Span]


@dataclass(frozen=True, slots=True)
class Reference:
    """Characters of a corpus that answer a question, as the file of questions names them."""

    content: str
    start_index: int
    end_index: int


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file of questions."""

    question: str
    corpus: str
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the character ranges of its corpus that answer it."""

    text: str
    corpus: str
    gold: tuple[Span, ...]

    @property
    def half(self) -> Half:
        """Which half of the questions it is in, by its hash."""
        return half_of(self.text, byte=0)


@dataclass(frozen=True, slots=True)
class Method:
    """A way to cut documents, and what is handed on for a chunk that was found."""

    name: str
    chunker: Chunker | None = None
    tokens: int = SHIPPED
    expand: Expand | None = None


@dataclass
class _Corpora:
    """The corpora as the product reads them, and what some methods hand on instead of chunks."""

    parsed: Mapping[str, Parsed]
    encoder: Encoder
    _sentences: dict[str, list[Span]] = field(default_factory=dict)
    _parents: dict[str, list[Span]] = field(default_factory=dict)

    def sentences(self, name: str) -> list[Span]:
        if name not in self._sentences:
            parsed = self.parsed[name]
            self._sentences[name] = [s for b in parsed.blocks for s in quotable(parsed.text, b)]
        return self._sentences[name]

    def parents(self, name: str) -> list[Span]:
        if name not in self._parents:
            chunks = chunk_document(self.parsed[name], name, name, self.encoder)
            self._parents[name] = [Span(chunk.start, chunk.end) for chunk in chunks]
        return self._parents[name]


def run_chunking(folder: Path, compare: bool = False, progress: Progress = quiet) -> dict[str, Any]:
    """Index the corpora of a folder, search its questions, and return the figures as JSON.

    ``folder`` holds ``questions.jsonl`` (``question``, ``corpus``, and ``references`` with
    ``content``, ``start_index`` and ``end_index``) and a ``<corpus>.md`` for each. The ranges count
    the characters of the raw file, so the corpora are read as plain text, which keeps every one of
    them. All corpora are in one index. Each question is searched as the product does, and the first
    ``K`` chunks are judged by characters: ``char_recall`` is the share of the reference that was
    retrieved, ``precision`` the share of what was retrieved that is in the reference, ``iou`` what
    is in both by what is in either; means over the ``n`` questions. ``halves`` has the same for two
    halves of the questions, by hash. ``compare`` adds other ways to cut, each also at an equal
    budget: as many characters as the shipped chunks have on average, the last piece cut to fit.
    Raises ``BadInput``.
    """
    start = time.perf_counter()
    questions = read_questions(folder)
    methods = [Method("shipped"), *(other_methods() if compare else ())]
    found: dict[str, list[Pieces]] = {}
    done = 0
    for method in methods:
        with _indexed(folder, questions, method) as (index, corpora):
            found[method.name] = []
            for question in questions:
                found[method.name].append(_pieces(index, corpora, method, question.text))
                done += 1
                progress(done, len(methods) * len(questions))
    shipped = [pieces[:K] for pieces in found["shipped"]]
    budget = round(mean(float(_size(pieces)) for pieces in shipped) or 0)
    result = _figures(questions, shipped) | {
        "halves": {half: _figures(questions, shipped, half) for half in HALVES},
        "target_tokens": SHIPPED,
    }
    if compare:
        result["budget_characters"] = budget
        result["compare"] = [
            {
                "method": method.name,
                f"top{K}": _both(questions, [pieces[:K] for pieces in found[method.name]]),
                "budget": _both(questions, [_cut(p, budget) for p in found[method.name]]),
            }
            for method in methods
        ]
    return result | {
        **stamp(),
        "seconds": time.perf_counter() - start,
    }


def read_questions(folder: Path) -> list[Question]:
    """The questions of a folder, each reference checked against its corpus. Raises ``BadInput``."""
    path = folder / "questions.jsonl"
    texts: dict[str, str] = {}
    questions = []
    for number, row in typed_rows(path, Row):
        if row.corpus not in texts:
            texts[row.corpus] = _corpus_path(folder, row.corpus).read_text(encoding="utf-8")
        gold = tuple(Span(one.start_index, one.end_index) for one in row.references)
        for span, one in zip(gold, row.references, strict=True):
            if texts[row.corpus][span.start : span.end] != one.content:
                raise BadInput(
                    f"{path}:{number}: {row.corpus}.md does not hold {one.content[:60]!r} "
                    f"at {span.start}"
                )
        if not any(span.start < span.end for span in gold):
            raise BadInput(f"{path}:{number}: has no references, or empty ones")
        questions.append(Question(row.question, row.corpus, gold))
    if not questions:
        raise BadInput(f"{path}: holds no questions")
    return questions


def _corpus_path(folder: Path, corpus: str) -> Path:
    path = folder / f"{corpus}.md"
    if not path.is_file():
        raise BadInput(f"{str(folder)!r} holds no {corpus}.md")
    return path


@contextmanager
def _indexed(
    folder: Path, questions: Sequence[Question], method: Method
) -> Iterator[tuple[Index, _Corpora]]:
    """An index of the corpora, cut by this method."""
    with tempfile.TemporaryDirectory(prefix="footnote-") as temporary, scratch_index() as index:
        paths = {name: Path(temporary, f"{name}.txt") for name in {q.corpus for q in questions}}
        for name, path in paths.items():
            path.write_bytes(_corpus_path(folder, name).read_bytes())
        parsed = {name: parse(path) for name, path in paths.items()}
        corpora = _Corpora(parsed, index.encoder)
        with cut_by(method):
            report = sync(index, sorted(paths.values()))
        if failed := [row.problem for row in report.files if row.state == "failed"]:
            raise BadInput(failed[0])
        for source in index.library.sources().values():
            name = Path(source.uri).stem
            # Every range below counts the characters of the file.
            if index.library.text(source.id) != paths[name].read_text(encoding="utf-8"):
                raise BadInput(f"{name}.md is not read character by character")
        yield index, corpora


@contextmanager
def cut_by(method: Method) -> Iterator[None]:
    """Have documents cut by this method; the product has one chunker and no option for another."""
    with ExitStack() as other:
        other.enter_context(patch.object(ingest.chunk, "TARGET_TOKENS", method.tokens))
        if method.chunker is not None:
            other.enter_context(patch("ingest.intake.chunk_document", method.chunker))
        yield


def _pieces(index: Index, corpora: _Corpora, method: Method, question: str) -> Pieces:
    """The ranges handed on for a question, best first, each once."""
    pieces: Pieces = []
    for passage in index.search(question, k=DEEP):
        name, chunk = Path(passage.source.uri).stem, passage.chunk
        span = Span(chunk.start, chunk.end)
        if method.expand is not None:
            span = method.expand(corpora, name, chunk.start)
        pieces.append((name, span.start, span.end))
    return list(dict.fromkeys(pieces))


def _figures(
    questions: Sequence[Question], found: Sequence[Pieces], half: Half | None = None
) -> dict[str, Any]:
    recall, precision, iou = [], [], []
    for question, pieces in zip(questions, found, strict=True):
        if half and question.half != half:
            continue
        gold = _characters((question.corpus, span.start, span.end) for span in question.gold)
        got = _characters(pieces)
        both = len(gold & got)
        recall.append(both / len(gold))
        precision.append(both / len(got) if got else 0.0)
        iou.append(both / len(gold | got))
    return {
        "char_recall": mean(recall),
        "precision": mean(precision),
        "iou": mean(iou),
        "n": len(recall),
    }


def _both(questions: Sequence[Question], found: Sequence[Pieces]) -> dict[str, Any]:
    sizes = mean(float(_size(pieces)) for pieces in found)
    halves = {half: _figures(questions, found, half) for half in HALVES}
    return _figures(questions, found) | {"characters": sizes, "halves": halves}


def _characters(pieces: Iterator[tuple[str, int, int]] | Pieces) -> set[tuple[str, int]]:
    return {(name, i) for name, start, end in pieces for i in range(start, end)}


def _size(pieces: Pieces) -> int:
    return len(_characters(pieces))


def _cut(pieces: Pieces, budget: int) -> Pieces:
    """The first pieces, as far as ``budget`` characters go; what comes again costs nothing."""
    kept: Pieces = []
    seen: set[tuple[str, int]] = set()
    for name, start, end in pieces:
        for i in range(start, end):
            if len(seen) >= budget:
                return [*kept, (name, start, i)]
            seen.add((name, i))
        kept.append((name, start, end))
    return kept


def other_methods() -> list[Method]:
    """What the shipped chunker is compared with."""
    return [
        *(Method(f"structure, {n} tokens", tokens=n) for n in (64, 96, 128)),
        *(
            Method(f"fixed, {n} tokens, {overlap} shared", _fixed(n, overlap))
            for n, overlap in ((200, 0), (200, 50), (100, 0))
        ),
        *(
            Method(f"recursive, {n} tokens, {overlap} shared", _recursive(n, overlap))
            for n, overlap in ((200, 0), (200, 50))
        ),
        Method(f"sentence with {WINDOW} on either side", _sentences, expand=_window),
        Method(f"structure, {SMALL} tokens, handed on as shipped", None, SMALL, _parent),
    ]


def _fixed(tokens: int, overlap: int) -> Chunker:
    def cut(parsed: Parsed, source_id: str, title: str, encoder: Encoder) -> list[Chunk]:
        offsets = encoder.tokenizer.encode(parsed.text, add_special_tokens=False).offsets
        spans = []
        for first in range(0, len(offsets), tokens - overlap):
            window = offsets[first : first + tokens]
            spans.append(Span(window[0][0], window[-1][1]))
            if first + tokens >= len(offsets):
                break
        return _chunks(parsed.text, source_id, spans)

    return cut


def _recursive(tokens: int, overlap: int) -> Chunker:
    def cut(parsed: Parsed, source_id: str, title: str, encoder: Encoder) -> list[Chunk]:
        try:
            from langchain_text_splitters import RecursiveCharacterTextSplitter
        except ImportError as error:
            raise BadInput(
                "--compare needs LangChain's splitters: pip install 'footnote-rag[bench]'"
            ) from error
        splitter = RecursiveCharacterTextSplitter(
            chunk_size=tokens,
            chunk_overlap=overlap,
            length_function=lambda text: len(
                encoder.tokenizer.encode(text, add_special_tokens=False).ids
            ),
            separators=["\n\n", "\n", ".", "?", "!", " ", ""],
        )
        spans = []
        start = -1
        for piece in splitter.split_text(parsed.text):
            # Its own indices are wrong where lengths are not counted in characters.
            start = parsed.text.index(piece, start + 1)
            spans.append(Span(start, start + len(piece)))
        return _chunks(parsed.text, source_id, spans)

    return cut


def _sentences(parsed: Parsed, source_id: str, title: str, encoder: Encoder) -> list[Chunk]:
    spans = [span for block in parsed.blocks for span in quotable(parsed.text, block)]
    return _chunks(parsed.text, source_id, spans)


def _chunks(text: str, source_id: str, spans: Sequence[Span]) -> list[Chunk]:
    return [
        Chunk(
            id=f"{source_id}-{span.start}-{span.end}",
            source_id=source_id,
            text=text[span.start : span.end],
            start=span.start,
            end=span.end,
            sentences=(span,),
        )
        for span in spans
    ]


def _window(corpora: _Corpora, name: str, start: int) -> Span:
    sentences = corpora.sentences(name)
    here = bisect_right(sentences, start, key=lambda span: span.start) - 1
    around = sentences[max(0, here - WINDOW) : here + WINDOW + 1]
    return Span(around[0].start, around[-1].end)


def _parent(corpora: _Corpora, name: str, start: int) -> Span:
    parents = corpora.parents(name)
    return parents[max(0, bisect_right(parents, start, key=lambda span: span.start) - 1)]
