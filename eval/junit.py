"""Results as JUnit's XML, which continuous integration reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from eval.gate import Gate
from eval.output import write_text
from eval.scored import Run

# What XML 1.0 cannot hold, not even escaped.
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_run_junit(path: str | Path, run: Run) -> None:
    """A test a case: failed with its cause, in error when it could not be asked.

    Raises ``BadInput`` for a file that cannot be written.
    """
    rows = []
    for case in run.cases:
        trouble = "failure" if case.cause != "correct" else ""
        if case.status == "failed":
            trouble = "error"
        text = case.problem or f"{case.cause}: {case.question}\n{case.answer}"
        rows.append((case.kind, case.id, trouble, text, case.seconds))
    _write(path, "footnote eval", rows)


def write_gate_junit(path: str | Path, gate: Gate) -> None:
    """A test a gated figure, and one for the verdict.

    Raises ``BadInput`` for a file that cannot be written.
    """
    rows = []
    for one in gate.figures:
        c = one.change
        text = f"{c.before} -> {c.after}, change {c.change} ({c.low} to {c.high}), p {c.p}"
        rows.append(("gate", one.measure.name, "failure" if one.worse else "", text, 0.0))
    trouble = {"pass": "", "regression": "failure"}.get(gate.verdict, "error")
    rows.append(("gate", "verdict", trouble, gate.message, 0.0))
    _write(path, "footnote eval gate", rows)


def _write(path: str | Path, name: str, rows: Sequence[tuple[str, str, str, str, float]]) -> None:
    suite = ElementTree.Element(
        "testsuite",
        name=name,
        tests=str(len(rows)),
        failures=str(sum(trouble == "failure" for _, _, trouble, _, _ in rows)),
        errors=str(sum(trouble == "error" for _, _, trouble, _, _ in rows)),
        skipped="0",
        time=f"{sum(seconds for *_, seconds in rows):.3f}",
    )
    for group, test, trouble, text, seconds in rows:
        case = ElementTree.SubElement(
            suite, "testcase", classname=_fit(group), name=_fit(test), time=f"{seconds:.3f}"
        )
        if trouble:
            text = _fit(text)
            ElementTree.SubElement(case, trouble, message=text.split("\n")[0]).text = text
    ElementTree.indent(suite)
    write_text(path, ElementTree.tostring(suite, "utf-8", xml_declaration=True).decode())


def _fit(text: str) -> str:
    return _UNFIT.sub("\ufffd", text)
