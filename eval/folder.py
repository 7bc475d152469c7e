"""A run on disk: a folder that grows by a line an answer, and can be gone on with.

``header.json`` says what the run was made with, ``cases.jsonl`` is what is asked,
``evidence.jsonl`` where its evidence stands in the library, ``answers.jsonl`` has a record a line
as they come, ``scores.json`` the scores, ``annotations.jsonl`` what people said about sentences,
``rulings.jsonl`` what a language model said of them, and ``labelled.jsonl`` other sentences that
people judged, to see how often such a model is right.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval.cases import load_cases
from eval.header import differences
from eval.output import write_json, write_text
from eval.record import Asked, Located, Record
from eval.rows import read_rows, write_rows
from rag.errors import BadInput

HEADER = "header.json"
CASES = "cases.jsonl"
EVIDENCE = "evidence.jsonl"
ANSWERS = "answers.jsonl"
SCORES = "scores.json"
ANNOTATIONS = "annotations.jsonl"
RULINGS = "rulings.jsonl"
LABELLED = "labelled.jsonl"


def start_folder(folder: Path, run: Asked) -> Asked:
    """Make a run's folder, or go on with the one that is there.

    Raises ``BadInput`` for a folder with other files or that cannot be made, and for a run made
    with anything else than this one: its answers could not be counted together.
    """
    if (folder / HEADER).is_file():
        kept = read_folder(folder)
        if changed := differences(kept.header, run.header):
            raise BadInput(
                f"the run in {str(folder)!r} was made otherwise ({_shown(changed, kept, run)}):"
                " give a new folder with --out"
            )
        return kept
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{str(folder)!r} holds other files: give an empty or new folder with --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"no folder can be made at {str(folder)!r} ({error.strerror}): give another with --out"
        ) from error
    write_rows(folder / CASES, map(asdict, run.cases))
    located = (Located(i, pieces) for i, pieces in run.evidence.items())
    write_rows(folder / EVIDENCE, map(asdict, located))
    # Last: a folder with a header is whole.
    write_json(folder / HEADER, run.header)
    return run


def read_folder(folder: Path) -> Asked:
    """A run as far as it got. Raises ``BadInput`` for a folder that holds none, or a damaged one.

    A last line that was cut off while it was written is left out.
    """
    if not (folder / HEADER).is_file():
        raise BadInput(f"{str(folder)!r} holds no run: make one with `footnote eval run --out`")
    try:
        header = json.loads((folder / HEADER).read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput(f"{folder / HEADER}: not JSON: {error}") from error
    cases = tuple(load_cases(folder / CASES))
    evidence = read_rows(folder / EVIDENCE, Located, "evidence of a case")
    records = read_rows(folder / ANSWERS, Record, "a record of a run")
    return Asked(
        header,
        cases,
        {located.id: located.pieces for located in evidence},
        {record.id: record for record in records},
    )


def write_scores(path: str | Path, run: Mapping[str, Any]) -> None:
    """Write a scored run, ``Run.to_dict()``, with a line a row, so that a change reads as one.

    Raises ``BadInput`` for a file that cannot be written.
    """
    fields = []
    for name, value in run.items():
        if isinstance(value, list | tuple):
            rows = ",\n  ".join(json.dumps(_rounded(row), ensure_ascii=False) for row in value)
            fields.append(f" {json.dumps(name)}: [\n  {rows}\n ]")
        else:
            fields.append(f" {json.dumps(name)}: {json.dumps(_rounded(value), ensure_ascii=False)}")
    write_text(path, "{\n" + ",\n".join(fields) + "\n}\n")


def _rounded(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Floats with six decimals, whole ones as integers: the rest is noise that takes space."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else round(value, 6)
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value


def _shown(changed: Sequence[str], kept: Asked, run: Asked) -> str:
    def value(x: object) -> str:
        return f"{x:.12}" if isinstance(x, str) else str(x)

    return "; ".join(
        f"{name}: {value(kept.header.get(name))}, now {value(run.header.get(name))}"
        for name in changed[:3]
    )
