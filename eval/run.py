"""Cases in, a run out: every case is asked as a user asks it, then scored by characters.

Asking and scoring are two steps. What was asked is kept, in a folder if one is given, and can be
scored again without asking.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from threading import Event

from eval.anchors import ask_anchors
from eval.cases import Case
from eval.folder import ANSWERS, start_folder
from eval.header import make_header
from eval.hidden import unused_citations, without
from eval.locate import excerpts, locate, overlaps
from eval.measure import Progress, quiet
from eval.record import Asked, Piece, Record, citations_of, passage_spots, spot_of
from eval.rows import appending
from eval.score import score
from eval.scored import Run
from rag.errors import BadInput, FootnoteError
from rag.index import Index
from rag.settings import Settings
from rag.types import Answer

DEEP = 100  # as many as the retriever can know of: 50 by words and 50 by meaning


def run_cases(
    index: Index,
    cases: Sequence[Case],
    out: str | Path | None = None,
    settings: Settings | None = None,
    *,
    workers: int = 1,
    without_cited: bool = False,
    progress: Progress = quiet,
) -> Run:
    """Ask every case of the index and score the answers: ``ask_cases``, then ``score``."""
    return score(
        ask_cases(
            index,
            cases,
            out,
            settings,
            workers=workers,
            without_cited=without_cited,
            progress=progress,
        )
    )


def ask_cases(
    index: Index,
    cases: Sequence[Case],
    out: str | Path | None = None,
    settings: Settings | None = None,
    *,
    workers: int = 1,
    without_cited: bool = False,
    progress: Progress = quiet,
    stop: Event | None = None,
) -> Asked:
    """Ask every case of the index, and keep all that scoring needs.

    ``out`` is the run's folder; a run that is there already goes on where it stopped, also after a
    question that failed: failed questions are asked again. ``workers`` questions are asked at a
    time, which helps where a language model is waited for; seconds are then not those of a user
    alone. ``without_cited`` asks what a language model wrote a second time, without the passages
    it cites: see ``eval.hidden``. The models are loaded before the first question, so its seconds
    are a question's. A ``FootnoteError`` fails its case and the run goes on. ``progress`` is called
    with the number of cases done and of all. Once ``stop`` is set nothing more is asked; what is
    being answered then is dropped, and what comes back misses it.

    Raises ``BadInput`` for ids that two cases share, and for a folder with another run.
    """
    settings = settings or index.settings
    if len({case.id for case in cases}) < len(cases):
        raise BadInput("two cases have the same id: give each its own")
    hides = without_cited or any(case.without for case in cases)
    if hides and not (settings.collections is None and settings.sources is None):
        raise BadInput(
            "evidence can be hidden in a whole index only: ask without collections or sources"
        )
    warm = index.warm()
    header = make_header(index, cases, settings) | {"warm_seconds": warm}
    if without_cited:
        header["without_cited"] = True
    evidence = locate(index, cases)
    asked = Asked(header, tuple(cases), evidence)
    if out is not None:
        asked = start_folder(Path(out), asked)
    records = {i: record for i, record in asked.records.items() if record.answer is not None}
    left = [case for case in asked.cases if case.id not in records]
    stop = stop or Event()
    opened = nullcontext() if out is None else appending(Path(out) / ANSWERS)
    with opened as append, _workers(workers) as pool:
        waiting = [
            pool.submit(_ask, index, c, evidence[c.id], settings, without_cited, stop) for c in left
        ]
        for future in as_completed(waiting):
            record = future.result()
            if record is None:
                continue
            records[record.id] = record
            if append is not None:
                append(record.to_dict())
            progress(len(records), len(cases))
    return replace(asked, records=records)


@contextmanager
def _workers(n: int) -> Iterator[ThreadPoolExecutor]:
    """A pool that asks nothing more once something is wrong, or the user has had enough."""
    pool = ThreadPoolExecutor(n)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _ask(
    index: Index,
    case: Case,
    pieces: Sequence[Piece],
    settings: Settings,
    without_cited: bool,
    stop: Event,
) -> Record | None:
    """One question, asked and looked into; None once ``stop`` is set."""
    if stop.is_set():
        return None
    start = time.perf_counter()
    first, answer, problem = None, None, ""
    hidden = tuple(spot for piece in pieces for spot in piece.places) if case.without else ()
    try:
        opened = without(index, hidden) if hidden else index
        for part in opened.stream(case.question, case.history, settings):
            if stop.is_set():
                return None
            if first is None:
                first = time.perf_counter() - start
            if isinstance(part, Answer):
                answer = part
    except FootnoteError as error:
        problem = f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - start
    quotes = settings.engine == "extractive" or (settings.engine == "auto" and not settings.llm)
    unused: tuple[bool, ...] | None = () if quotes or without_cited else None
    if answer and (without_cited or answer.engine != "llm"):
        unused = unused_citations(index, case, answer, settings, hidden)
    return Record(
        id=case.id,
        answer=answer,
        seconds=seconds,
        first_seconds=first,
        problem=problem,
        excerpts=excerpts(index, map(spot_of, citations_of(answer))) if answer else (),
        deep=_deep(index, answer, pieces) if answer and case.answerable else (),
        anchors=ask_anchors(index, answer.query if answer else case.question),
        peak_mb=_peak_mb(),
        unused=unused,
    )


def _deep(index: Index, answer: Answer, pieces: Sequence[Piece]) -> tuple[int | None, ...]:
    """See ``Record.deep``."""
    given = passage_spots(answer.passages)
    lost = [bool(piece.places) and not overlaps(piece.places, given) for piece in pieces]
    if not any(lost):
        return (0,) * len(pieces)
    found = passage_spots(index.search(answer.query, k=DEEP))

    def rank(piece: Piece) -> int | None:
        return next((n for n, s in enumerate(found, 1) if overlaps(piece.places, [s])), None)

    return tuple(rank(p) if missed else 0 for p, missed in zip(pieces, lost, strict=True))


def _peak_mb() -> float | None:
    """The most memory this process has held, in megabytes; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1_000_000 if sys.platform == "darwin" else 1_000)
