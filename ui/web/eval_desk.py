"""What the page's script asks the server for on the evaluation, for who sees the whole library."""

from __future__ import annotations

import time
from collections.abc import Callable
from html import escape
from typing import Any

from rag.errors import BadInput, FootnoteError
from rag.settings import Settings
from ui.web import eval_panel
from ui.web.access import Access
from ui.web.desk import Row, served
from ui.web.evaluation import Evaluation, Job

MOST = 10_000  # questions of one run


class EvaluationDesk:
    """The functions behind the evaluation; each is as those of ``Desk``."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self.evaluation = Evaluation(access.index)

    def functions(self) -> list[Callable[..., dict[str, Any]]]:
        """What the page may call, by name."""
        checked = (self.runs, self.run_report, self.compare_runs, self.go_on, self.stop_run)
        return [served(self.run_job), *(served(self._checked(function)) for function in checked)]

    def start(self, owner: str, cases: str, limit: str, settings: Settings) -> str:
        """Begin a run of a set of ``cases``; HTML that says nothing, or why not.

        It comes with the time, so that the page sees each of two that say the same.
        """
        problem = ""
        try:
            self._access.check_everything(owner)
            self.evaluation.start(cases, _number(limit), settings)
        except FootnoteError as error:
            problem = str(error)
        return f'<span data-at="{time.time_ns()}">{escape(problem)}</span>'

    def run_job(self, row: Row, owner: str) -> dict[str, Any]:
        """How far the run is that is being asked, and whether this reader may see it at all."""
        if not self._access.sees_everything(owner):
            return {"may": False}
        job = self.evaluation.job
        return {"may": True} | ({} if job is None else _told(job))

    def runs(self, row: Row, owner: str) -> dict[str, Any]:
        """What can be asked, and the runs there are."""
        job = self.evaluation.job
        running = "" if job is None or job.is_over else job.name
        return {
            "choices": eval_panel.options(self.evaluation.choices()),
            "html": eval_panel.runs(self.evaluation.runs(), running),
        }

    def run_report(self, row: Row, owner: str) -> dict[str, Any]:
        """The report of the run ``name``."""
        return {"html": self.evaluation.report(str(row["name"]))}

    def compare_runs(self, row: Row, owner: str) -> dict[str, Any]:
        """The two runs of ``names`` beside each other."""
        names = [str(name) for name in row["names"]]
        return {"html": eval_panel.comparison(*self.evaluation.compared(names))}

    def go_on(self, row: Row, owner: str) -> dict[str, Any]:
        """Ask what is left of the run ``name``."""
        self.evaluation.go_on(str(row["name"]))
        return {}

    def stop_run(self, row: Row, owner: str) -> dict[str, Any]:
        """Ask no more."""
        self.evaluation.stop()
        return {}

    def _checked(
        self, function: Callable[[Row, str], dict[str, Any]]
    ) -> Callable[[Row, str], dict[str, Any]]:
        """A function for who sees the whole library, and a sentence for who does not."""

        def call(row: Row, owner: str) -> dict[str, Any]:
            self._access.check_everything(owner)
            return function(row, owner)

        call.__name__ = function.__name__
        return call


def _told(job: Job) -> dict[str, Any]:
    return {
        "name": job.name,
        "state": job.state,
        "said": eval_panel.job_line(job),
        "count": eval_panel.job_count(job),
        "done": job.done,
        "total": job.total,
        "running": not job.is_over,
        "can_stop": job.state == "asking" and not job.is_stopping,
    }


def _number(limit: str) -> int | None:
    limit = limit.strip()
    if limit and not (limit.isdecimal() and 1 <= int(limit[:9]) <= MOST):
        raise BadInput(f"ask from 1 to {MOST:,} questions, or leave the number out for all")
    return int(limit) if limit else None
