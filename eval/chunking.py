"""How well chunks fit what a question needs, by characters: nothing missed, little else fetched."""

from __future__ import annotations

import tempfile
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import ingest.chunk
from eval.bench.script import stamp
from eval.measure import HALVES, Half, Progress, half_of, quiet, scratch_index
from eval.metrics import mean
from eval.record import Spot
from eval.retrieval_metrics import shared_characters
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

Splitter = Callable[[Parsed, Encoder], list[Span]]


@dataclass(frozen=True, slots=True)
class Reference:
    """Characters of a corpus that answer a question."""

    content: str
    start_index: int
    end_index: int


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the name of its corpus, and what answers it there."""

    question: str
    corpus: str
    references: tuple[Reference, ...]

    @property
    def half(self) -> Half:
        """Which half of the questions it is in, by its hash."""
        return half_of(self.question, byte=0)

    @property
    def gold(self) -> list[list[Spot]]:
        """Where its references stand, each in one place."""
        return [[(self.corpus, one.start_index, one.end_index)] for one in self.references]


@dataclass(frozen=True, slots=True)
class Method:
    """A way to cut documents.

    ``splitter`` cuts a text otherwise than the product does. For a chunk that was found the one of
    the spans that ``larger`` makes is handed on in which it begins, with so many ``around`` it.
    """

    name: str
    splitter: Splitter | None = None
    tokens: int = SHIPPED
    larger: Splitter | None = None
    around: int = 0


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
    found: dict[str, list[list[Spot]]] = {}
    done = count(1)
    for method in methods:
        with _indexed(folder, questions, method) as (index, larger):
            found[method.name] = []
            for question in questions:
                found[method.name].append(_handed_on(index, larger, method, question.question))
                progress(next(done), len(methods) * len(questions))
    shipped = [spots[:K] for spots in found["shipped"]]
    budget = round(_mean_size(shipped) or 0)
    result = _figures(questions, shipped) | {
        "halves": {half: _figures(questions, shipped, half) for half in HALVES},
        "target_tokens": SHIPPED,
    }
    if compare:
        result["budget_characters"] = budget
        result["compare"] = [
            {
                "method": method.name,
                f"top{K}": _both(questions, [spots[:K] for spots in found[method.name]]),
                "budget": _both(questions, [_cut(spots, budget) for spots in found[method.name]]),
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
    for number, row in typed_rows(path, Question):
        if row.corpus not in texts:
            texts[row.corpus] = _corpus_path(folder, row.corpus).read_text(encoding="utf-8")
        for one in row.references:
            if texts[row.corpus][one.start_index : one.end_index] != one.content:
                raise BadInput(
                    f"{path}:{number}: {row.corpus}.md does not hold {one.content[:60]!r} "
                    f"at {one.start_index}"
                )
        if not any(one.content for one in row.references):
            raise BadInput(f"{path}:{number}: has no references, or empty ones")
        questions.append(row)
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
) -> Iterator[tuple[Index, dict[str, list[Span]]]]:
    """An index of the corpora, cut by this method, and the larger spans of each, if there are."""
    with tempfile.TemporaryDirectory(prefix="footnote-") as temporary, scratch_index() as index:
        paths = {name: Path(temporary, f"{name}.txt") for name in {q.corpus for q in questions}}
        for name, path in paths.items():
            path.write_bytes(_corpus_path(folder, name).read_bytes())
        with cut_by(method):
            report = sync(index, sorted(paths.values()))
        if failed := [row.problem for row in report.files if row.state == "failed"]:
            raise BadInput(failed[0])
        for source in index.library.sources().values():
            name = Path(source.uri).stem
            # Every range below counts the characters of the file.
            if index.library.text(source.id) != paths[name].read_text(encoding="utf-8"):
                raise BadInput(f"{name}.md is not read character by character")
        larger = {}
        if method.larger:
            larger = {n: method.larger(parse(path), index.encoder) for n, path in paths.items()}
        yield index, larger


@contextmanager
def cut_by(method: Method) -> Iterator[None]:
    """Have documents cut by this method; the product has one chunker and no option for another."""
    with ExitStack() as other:
        other.enter_context(patch.object(ingest.chunk, "TARGET_TOKENS", method.tokens))
        if split := method.splitter:

            def cut(parsed: Parsed, source_id: str, title: str, encoder: Encoder) -> list[Chunk]:
                return _chunks(parsed.text, source_id, split(parsed, encoder))

            other.enter_context(patch("ingest.intake.chunk_document", cut))
        yield


def _handed_on(
    index: Index, larger: Mapping[str, Sequence[Span]], method: Method, question: str
) -> list[Spot]:
    """The places that are handed on for a question, best first, each once."""
    spots: list[Spot] = []
    for passage in index.search(question, k=DEEP):
        name, chunk = Path(passage.source.uri).stem, passage.chunk
        start, end = chunk.start, chunk.end
        if spans := larger.get(name):
            here = max(0, bisect_right(spans, start, key=lambda span: span.start) - 1)
            near = spans[max(0, here - method.around) : here + method.around + 1]
            start, end = near[0].start, near[-1].end
        spots.append((name, start, end))
    return list(dict.fromkeys(spots))


def _figures(
    questions: Sequence[Question], found: Sequence[Sequence[Spot]], half: Half | None = None
) -> dict[str, Any]:
    recall, precision, iou = [], [], []
    for question, spots in zip(questions, found, strict=True):
        if half in (None, question.half):
            both, got, gold = shared_characters(spots, question.gold)
            recall.append(both / gold)
            precision.append(both / got if got else 0.0)
            iou.append(both / (gold + got - both))
    return {
        "char_recall": mean(recall),
        "precision": mean(precision),
        "iou": mean(iou),
        "n": len(recall),
    }


def _both(questions: Sequence[Question], found: Sequence[Sequence[Spot]]) -> dict[str, Any]:
    halves = {half: _figures(questions, found, half) for half in HALVES}
    return _figures(questions, found) | {"characters": _mean_size(found), "halves": halves}


def _mean_size(found: Sequence[Sequence[Spot]]) -> float | None:
    """How many characters are handed on, each counted once."""
    return mean(float(shared_characters(spots, ())[1]) for spots in found)


def _cut(spots: Sequence[Spot], budget: int) -> list[Spot]:
    """The first places, as far as ``budget`` characters go; what comes again costs nothing."""
    kept: list[Spot] = []
    seen: set[tuple[str, int]] = set()
    for name, start, end in spots:
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
        Method(
            f"sentence with {WINDOW} on either side", _sentences, larger=_sentences, around=WINDOW
        ),
        Method(f"structure, {SMALL} tokens, handed on as shipped", None, SMALL, _shipped),
    ]


def _fixed(tokens: int, overlap: int) -> Splitter:
    def split(parsed: Parsed, encoder: Encoder) -> list[Span]:
        offsets = encoder.tokenizer.encode(parsed.text, add_special_tokens=False).offsets
        spans = []
        for first in range(0, len(offsets), tokens - overlap):
            window = offsets[first : first + tokens]
            spans.append(Span(window[0][0], window[-1][1]))
            if first + tokens >= len(offsets):
                break
        return spans

    return split


def _recursive(tokens: int, overlap: int) -> Splitter:
    def split(parsed: Parsed, encoder: Encoder) -> list[Span]:
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
        return spans

    return split


def _sentences(parsed: Parsed, encoder: Encoder) -> list[Span]:
    return [span for block in parsed.blocks for span in quotable(parsed.text, block)]


def _shipped(parsed: Parsed, encoder: Encoder) -> list[Span]:
    return [
        Span(chunk.start, chunk.end) for chunk in chunk_document(parsed, "", parsed.title, encoder)
    ]


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
