"""Runs of the evaluation from the page: one is asked at a time, in a thread of its own.

All are kept under the index, where the commands find them too. What a run has become is read from
its folder, so that one which was interrupted is stopped, and can go on.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from eval.cases import SAMPLE_CASES, SAMPLE_LIBRARY, Case, load_cases
from eval.folder import HEADER, SCORES, read_folder, write_scores
from eval.gate import Compared, compare, read_scores
from eval.generate import generate
from eval.header import differences, make_header, settings_of
from eval.judged import with_judges
from eval.report import page, read_run
from eval.run import ask_cases
from eval.score import score
from eval.stats import Interval
from rag.errors import BadInput, FootnoteError
from rag.files import sha256_of
from rag.index import Index
from rag.settings import Settings
from ui.options import HOW
from ui.web.feedback import FILE

RUNS = "runs"
MADE = 50  # cases made from the documents, unless told how many
FAILED = "failed: the terminal that runs Footnote says what"

JobState = Literal["asking", "scoring", "done", "stopped", "failed"]

log = logging.getLogger(__name__)


@dataclass
class Job:
    """The run that is being asked, or the last one: how far it is, or what became of it."""

    name: str
    state: JobState = "asking"
    done: int = 0
    total: int = 0
    problem: str = ""
    stop: threading.Event = field(default_factory=threading.Event)
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("done", "stopped", "failed")

    @property
    def is_stopping(self) -> bool:
        """Whether nothing more is asked."""
        return self.stop.is_set()

    @property
    def seconds(self) -> float:
        """How long it has been, or was, at work."""
        return (self.ended or time.monotonic()) - self.started


@dataclass(frozen=True, slots=True)
class Kept:
    """A run on disk. ``right`` is the share of a whole one; ``problem`` says why one is unreadable.

    ``asked`` of its ``cases`` have an answer, ``failed`` ones have none though they were asked.
    ``settings`` are as its header has them.
    """

    name: str
    date: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    cases: int = 0
    asked: int = 0
    failed: int = 0
    right: Interval | None = None
    problem: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether it was asked to its end and scored."""
        return self.right is not None


class Evaluation:
    """The runs of one index."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._folder = index.folder / RUNS
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None
        self.job: Job | None = None

    def choices(self) -> dict[str, str]:
        """The sets of cases that can be asked, by name, in words."""
        found = {}
        if self._holds_sample():
            found["sample"] = "Written for the sample library"
        if (self._index.folder / FILE).exists():
            found["readers"] = "Kept by readers, from answers they did not like"
        if self._index.library.counts().chunks:
            found["made"] = f"Made from the documents, {MADE} unless told otherwise"
        return found

    def start(self, choice: str, limit: int | None, settings: Settings) -> Job:
        """Ask the cases of a set, at most ``limit`` of them, in a new run.

        ``settings`` say how; what is asked is the whole library, which the cases are about.
        Raises ``BadInput`` while another run is asked, and for a set that is not there.
        """
        if choice not in self.choices():
            raise BadInput("there are no such cases any more: reload the page")
        how = {name: getattr(settings, name) for name in HOW}
        settings = replace(self._index.settings, **how)
        name = f"{choice}-{datetime.now():%Y-%m-%d-%H%M%S}"
        return self._begin(
            Job(name), lambda job: self._ask(job, self._cases(choice, limit), settings)
        )

    def go_on(self, name: str) -> Job:
        """Ask what is left of a run, and what failed in it, as it was begun.

        Raises ``BadInput`` while another run is asked, and for a run that is not there.
        """
        folder = self._folder_of(name)
        return self._begin(Job(name), lambda job: self._go_on(job, folder))

    def stop(self) -> None:
        """Ask nothing more; the question that is being answered is dropped."""
        if self.job:
            self.job.stop.set()

    def wait(self, seconds: float) -> bool:
        """Whether nothing is asked any more, after waiting for it."""
        worker = self._worker
        if worker:
            worker.join(seconds)
        return not worker or not worker.is_alive()

    def runs(self) -> list[Kept]:
        """All runs, the newest first; one that is being asked is as far as it got."""
        if not self._folder.is_dir():
            return []
        found = [
            _kept(folder, _stamp(folder))
            for folder in self._folder.iterdir()
            if (folder / HEADER).is_file()
        ]
        return sorted(found, key=lambda kept: (kept.date, kept.name), reverse=True)

    def report(self, name: str) -> str:
        """The report of a whole run, as an HTML page of its own.

        Raises ``BadInput`` for a run that is not there, or not whole.
        """
        folder = self._folder_of(name)
        return _report(folder, _stamp(folder))

    def compared(self, names: Sequence[str]) -> tuple[Kept, Kept, tuple[Compared, ...]]:
        """What changed between two whole runs, the older one first.

        Raises ``BadInput`` where it would say nothing: see ``eval.gate.compare``.
        """
        two = [kept for kept in self.runs() if kept.name in names]
        if len(two) != 2:
            raise BadInput("choose two runs that are there to compare them")
        after, before = two
        if not (before.is_whole and after.is_whole):
            raise BadInput("only whole runs are compared: let them go on to their end first")
        a, b = (read_scores(self._folder / kept.name) for kept in (before, after))
        return before, after, compare(a, b)

    def _begin(self, job: Job, work: Callable[[Job], JobState]) -> Job:
        with self._lock:
            if self.job and not self.job.is_over:
                raise BadInput("a run is being asked already: wait for its end, or stop it")
            self.job = job
            self._worker = threading.Thread(target=self._work, args=(job, work), daemon=True)
            self._worker.start()
        return job

    def _work(self, job: Job, work: Callable[[Job], JobState]) -> None:
        state: JobState
        try:
            state = work(job)
        except FootnoteError as error:
            state, job.problem = "failed", str(error)
        except Exception:
            log.exception("the run %s failed", job.name)
            state, job.problem = "failed", FAILED
        job.ended = time.monotonic()
        job.state = state  # last: whoever sees it finds the rest

    def _cases(self, choice: str, limit: int | None) -> list[Case]:
        if choice == "made":
            return generate(self._index, limit or MADE)
        cases = load_cases(SAMPLE_CASES if choice == "sample" else self._index.folder / FILE)
        # Of each kind some: a file has them one after the other.
        n = len(cases) if limit is None else min(limit, len(cases))
        return [cases[i * len(cases) // n] for i in range(n)]

    def _ask(
        self, job: Job, cases: Sequence[Case], settings: Settings, without_cited: bool = False
    ) -> JobState:
        def step(done: int, total: int) -> None:
            job.done = done

        job.total = len(cases)
        folder = self._folder / job.name
        asked = ask_cases(
            self._index,
            cases,
            folder,
            settings,
            without_cited=without_cited,
            progress=step,
            stop=job.stop,
        )
        if asked.missing:
            return "stopped"
        job.state = "scoring"
        write_scores(folder / SCORES, with_judges(score(asked), folder).to_dict())
        return "done"

    def _go_on(self, job: Job, folder: Path) -> JobState:
        asked = read_folder(folder)
        job.done = sum(record.answer is not None for record in asked.records.values())
        settings = settings_of(asked.header, self._index.settings)
        now = make_header(self._index, asked.cases, settings)
        without_cited = bool(asked.header.get("without_cited"))
        changed = differences(asked.header, now)
        if set(changed) - {"without_cited"}:
            what = "documents have" if "corpus_sha256" in changed else "program or its models have"
            raise BadInput(
                f"{folder.name} cannot go on: the {what} changed since it was begun, so that its "
                "answers could not be counted together: start a new run"
            )
        return self._ask(job, asked.cases, settings, without_cited)

    def _folder_of(self, name: str) -> Path:
        """The folder of a run; no other path is ever touched."""
        if self._folder.is_dir():
            for folder in self._folder.iterdir():
                if folder.name == name and (folder / HEADER).is_file():
                    return folder
        raise BadInput("this run is not there any more")

    def _holds_sample(self) -> bool:
        held = {source.sha256 for source in self._index.library.sources().values()}
        return held >= _sample_hashes()


@lru_cache(maxsize=1)
def _sample_hashes() -> frozenset[str]:
    files = (path for path in SAMPLE_LIBRARY.iterdir() if path.is_file())
    return frozenset(map(sha256_of, files))


def _stamp(folder: Path) -> int:
    """Changes when a file of the run does; 0 for a folder that is just being removed."""
    try:
        return max((path.stat().st_mtime_ns for path in folder.iterdir()), default=0)
    except FileNotFoundError:
        return 0


@lru_cache(maxsize=200)
def _kept(folder: Path, stamp: int) -> Kept:
    """A run as it was at ``stamp``."""
    try:
        asked = read_folder(folder)
        whole = not asked.missing and (folder / SCORES).is_file()
        answered = sum(record.answer is not None for record in asked.records.values())
        return Kept(
            name=folder.name,
            date=str(asked.header["date"]),
            settings=dict(asked.header["settings"]),
            cases=len(asked.cases),
            asked=answered,
            failed=len(asked.records) - answered,
            right=_right(folder) if whole else None,
        )
    except FootnoteError as error:
        return Kept(folder.name, problem=str(error))
    except (OSError, KeyError, TypeError, ValueError, StopIteration) as error:
        return Kept(folder.name, problem=f"its header or scores cannot be read: {error!r}")


def _right(folder: Path) -> Interval:
    figures = json.loads((folder / SCORES).read_text(encoding="utf-8"))["figures"]
    right = next(figure for figure in figures if figure["name"] == "right")
    return Interval(right["value"], right["low"], right["high"])


@lru_cache(maxsize=4)
def _report(folder: Path, stamp: int) -> str:
    """The report of a run as it was at ``stamp``."""
    return page(*read_run(folder))
