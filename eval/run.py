"""Cases in, a run out: every case is asked as a user asks it, and judged by characters.

Nothing is dropped. A question that fails, or a case whose own evidence is not in the library, stays
in every denominator and counts as wrong, so that neither can raise a figure.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePath
from typing import Any, Literal

from eval.cases import KINDS, NEEDS_ALL, Case, Evidence, find_quote
from eval.metrics import Refusal, contains_answer, mean, percentile, refusal, shown
from rag.errors import FootnoteError
from rag.index import Index
from rag.types import Answer, Citation, Passage

K = 10
ALL = "all"
# Per piece of evidence, every place it stands: source id, start, end.
Places = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of one case.

    ``right``: answered and holding one of the answers; for what cannot be answered, declined.
    ``cited``: some citation overlaps a piece of the evidence; ``cited_all``: every piece is
    overlapped. ``right_and_cited``: right, and cited as the kind needs it (all of the evidence for
    ``NEEDS_ALL``); for what cannot be answered the same as right. ``recall`` and ``all_gold``: the
    share of the evidence that the first 10 passages overlap, and whether it is all of it; None
    without evidence. ``exact`` of the ``citations`` quote their source to the character.
    ``case_error`` says which evidence is not in the library, ``problem`` why the question failed.
    """

    id: str
    kind: str
    question: str
    answerable: bool
    status: Literal["answered", "declined", "failed"]
    right: bool
    right_and_cited: bool
    cited: bool
    cited_all: bool
    recall: float | None
    all_gold: float | None
    citations: int
    exact: int
    confidence: float
    seconds: float
    query: str
    answer: str
    problem: str = ""
    case_error: str = ""


@dataclass(frozen=True, slots=True)
class Total:
    """The cases of one kind, or all: counts, means over the cases, seconds per question."""

    kind: str
    n: int
    asked: int
    failed: int
    unscored: int
    answered: int
    declined: int
    right: int
    right_and_cited: int
    cited: int
    cited_all: int
    recall_at_10: float | None
    all_gold_at_10: float | None
    citations: int
    exact: int
    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Run:
    """One evaluation: what was measured (``header``), per kind and all, and case by case."""

    header: Mapping[str, Any]
    totals: tuple[Total, ...]
    refusal: Refusal
    cases: tuple[CaseResult, ...]

    def to_dict(self) -> dict[str, Any]:
        """The run as JSON."""
        return asdict(self)


def run_cases(
    index: Index, cases: Sequence[Case], progress: Callable[[int, int], None] | None = None
) -> Run:
    """Ask every case of the index and judge the answers.

    The models are loaded before the first question, so its seconds are a question's. A
    ``FootnoteError`` fails its case and the run goes on. ``progress`` is called with the number of
    cases done and of all.
    """
    warm = index.warm()
    places = _locate(index, cases)
    results = []
    for done, case in enumerate(cases, 1):
        results.append(_run_case(index, case, [places[item] for item in case.evidence]))
        if progress is not None:
            progress(done, len(cases))
    kinds = [kind for kind in KINDS if any(row.kind == kind for row in results)]
    totals = [_total(kind, [row for row in results if row.kind == kind]) for kind in kinds]
    header = {
        "package": _version(),
        "python": platform.python_version(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "index_revision": index.library.revision(),
        "embedding_model": index.manifest.embedding_model,
        "sources": index.library.counts().sources,
        "chunks": index.library.counts().chunks,
        "cases": len(cases),
        "warm_seconds": warm,
    }
    figures = refusal(
        [row.status == "declined" for row in results],
        [row.answerable for row in results],
        [row.confidence for row in results],
    )
    return Run(header, (*totals, _total(ALL, results)), figures, tuple(results))


def format_table(run: Run) -> str:
    """A run as plain text: a row per kind, the refusal figures, and what went wrong by name."""
    head = (
        "kind n failed unscored answered declined right right+cited all_cited "
        f"recall@{K} all_gold@{K} exact_quotes p50_s p95_s"
    ).split()
    rows = [head]
    for t in run.totals:
        counts = [t.n, t.failed, t.unscored, t.answered, t.declined]
        counts += [t.right, t.right_and_cited, t.cited_all]
        recalls = shown(t.recall_at_10), shown(t.all_gold_at_10)
        seconds = shown(t.p50), shown(t.p95)
        rows.append([t.kind, *map(str, counts), *recalls, f"{t.exact}/{t.citations}", *seconds])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *rest in rows:
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        lines.append("  ".join([first.ljust(widths[0]), *cells]))
    r = run.refusal
    lines.append("")
    lines.append(
        f"refusal: precision {shown(r.precision)}, recall {shown(r.recall)}, "
        f"over-refusal {shown(r.over_refusal)}, AUROC of the confidence {shown(r.auroc)}"
    )
    lines += [f"failed: {row.id}: {row.problem}" for row in run.cases if row.problem]
    lines += [f"unscored: {row.id}: {row.case_error}" for row in run.cases if row.case_error]
    return "\n".join(lines)


def _locate(index: Index, cases: Sequence[Case]) -> dict[Evidence, Places]:
    """Where each piece of evidence stands in the library's texts; nowhere is an empty tuple."""
    ids: dict[str, set[str]] = {}
    wanted = {item.source for case in cases for item in case.evidence}
    for uri, source_id in index.library.files().items():
        place = f"/{PurePath(uri).as_posix()}"
        for name in wanted:
            if place.endswith(f"/{name}"):
                ids.setdefault(name, set()).add(source_id)
    texts = {i: index.library.text(i) for found in ids.values() for i in found}
    return {
        item: tuple(
            (source_id, span.start, span.end)
            for source_id in sorted(ids.get(item.source, ()))
            for span in find_quote(texts[source_id], item.quote)
        )
        for case in cases
        for item in case.evidence
    }


def _run_case(index: Index, case: Case, places: Sequence[Places]) -> CaseResult:
    start = time.perf_counter()
    answer, problem = None, ""
    try:
        answer = index.ask(case.question, case.history)
    except FootnoteError as error:
        problem = f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - start
    declined = answer is not None and answer.status == "declined"
    right = declined
    if case.answerable:
        said = "" if answer is None or declined else answer.text
        right = contains_answer(said, case.answers)
    citations = _citations(answer)
    cited = [_overlaps(spot, [_spot(c) for c in citations]) for spot in places]
    passages = [_passage_spot(p) for p in answer.passages[:K]] if answer else []
    found = [_overlaps(spot, passages) for spot in places]
    needed = all if case.kind in NEEDS_ALL else any
    return CaseResult(
        id=case.id,
        kind=case.kind,
        question=case.question,
        answerable=case.answerable,
        status="failed" if answer is None else answer.status,
        right=right,
        right_and_cited=right and (needed(cited) or not case.answerable),
        cited=any(cited),
        cited_all=bool(cited) and all(cited),
        recall=mean(map(float, found)),
        all_gold=float(all(found)) if found else None,
        citations=len(citations),
        exact=sum(_is_exact(index, c) for c in citations),
        # A failure is as wrong as can be: sure of nothing, or sure of what is not there.
        confidence=answer.confidence if answer else float(not case.answerable),
        seconds=seconds,
        query=answer.query if answer else "",
        answer=answer.text if answer else "",
        problem=problem,
        case_error=_case_error(case, places),
    )


def _case_error(case: Case, places: Sequence[Places]) -> str:
    lost = [e for e, spots in zip(case.evidence, places, strict=True) if not spots]
    return "; ".join(f"{e.source!r} is not in the index or lacks {e.quote!r}" for e in lost)


def _citations(answer: Answer | None) -> list[Citation]:
    if answer is None:
        return []
    below = (c for sentence in answer.sentences for c in sentence.citations)
    return list(dict.fromkeys([*answer.citations, *below]))


def _spot(citation: Citation) -> tuple[str, int, int]:
    return citation.source_id, citation.start, citation.end


def _passage_spot(passage: Passage) -> tuple[str, int, int]:
    return passage.source.id, passage.chunk.start, passage.chunk.end


def _overlaps(places: Places, spots: Iterable[tuple[str, int, int]]) -> bool:
    return any(
        source == other and start < until and since < end
        for source, since, until in spots
        for other, start, end in places
    )


def _is_exact(index: Index, citation: Citation) -> bool:
    try:
        text = index.library.text(citation.source_id)
    except KeyError:
        return False
    return bool(citation.quote) and text[citation.start : citation.end] == citation.quote


def _total(kind: str, rows: Sequence[CaseResult]) -> Total:
    seconds = [row.seconds for row in rows]
    return Total(
        kind=kind,
        n=len(rows),
        asked=len(rows),
        failed=sum(row.status == "failed" for row in rows),
        unscored=sum(bool(row.case_error) for row in rows),
        answered=sum(row.status == "answered" for row in rows),
        declined=sum(row.status == "declined" for row in rows),
        right=sum(row.right for row in rows),
        right_and_cited=sum(row.right_and_cited for row in rows),
        cited=sum(row.cited for row in rows),
        cited_all=sum(row.cited_all for row in rows),
        recall_at_10=mean(row.recall for row in rows),
        all_gold_at_10=mean(row.all_gold for row in rows),
        citations=sum(row.citations for row in rows),
        exact=sum(row.exact for row in rows),
        p50=percentile(seconds, 50),
        p95=percentile(seconds, 95),
    )


def _version() -> str:
    try:
        return version("footnote-rag")
    except PackageNotFoundError:
        return "not installed"
