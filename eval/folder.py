"""A run on disk: a folder that grows by a line an answer, and can be gone on with.

``header.json`` says what the run was made with, ``cases.jsonl`` is what is asked,
``evidence.jsonl`` where its evidence stands in the library, ``answers.jsonl`` has a record a line
as they come, ``scores.json`` the scores, ``annotations.jsonl`` what people said about sentences,
``rulings.jsonl`` what a language model said of them, and ``labelled.jsonl`` other sentences that
people judged, to see how often such a model is right.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from eval.cases import Case, load_cases
from eval.header import differences
from eval.output import write_json, write_text
from eval.record import Asked, Piece, read_piece, read_record
from rag.errors import BadInput

HEADER = "header.json"
CASES = "cases.jsonl"
EVIDENCE = "evidence.jsonl"
ANSWERS = "answers.jsonl"
SCORES = "scores.json"
ANNOTATIONS = "annotations.jsonl"
RULINGS = "rulings.jsonl"
LABELLED = "labelled.jsonl"
_T = TypeVar("_T")


def start_folder(
    folder: Path,
    header: Mapping[str, Any],
    cases: Sequence[Case],
    evidence: Mapping[str, Sequence[Piece]],
) -> Asked:
    """Make a run's folder, or go on with the one that is there.

    Raises ``BadInput`` for a folder with other files or that cannot be made, and for a run made
    with anything else than this one: its answers could not be counted together.
    """
    if (folder / HEADER).is_file():
        asked = read_folder(folder)
        if changed := differences(asked.header, header):
            raise BadInput(
                f"the run in {str(folder)!r} was made otherwise ({_shown(changed, asked, header)}):"
                " give a new folder with --out"
            )
        return asked
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{str(folder)!r} holds other files: give an empty or new folder with --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"no folder can be made at {str(folder)!r} ({error.strerror}): give another with --out"
        ) from error
    write_rows(folder / CASES, map(asdict, cases))
    rows = [{"id": i, "pieces": [asdict(p) for p in pieces]} for i, pieces in evidence.items()]
    write_rows(folder / EVIDENCE, rows)
    # Last: a folder with a header is whole.
    write_json(folder / HEADER, header)
    return Asked(header, tuple(cases), {i: tuple(p) for i, p in evidence.items()})


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
    evidence = read_rows(
        folder / EVIDENCE,
        lambda row: (str(row["id"]), tuple(map(read_piece, row["pieces"]))),
        "evidence of a case",
    )
    records = read_rows(folder / ANSWERS, read_record, "a record of a run")
    return Asked(header, cases, dict(evidence), {record.id: record for record in records})


def read_rows(path: Path, read: Callable[[dict[str, Any]], _T], what: str) -> list[_T]:
    """What ``read`` makes of each row of a file that grows by the line; none without the file.

    A last line that was cut off while it was written is left out. Raises ``BadInput`` as
    ``path:line: not WHAT``.
    """
    found = []
    for number, line in _whole_lines(path):
        try:
            found.append(read(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError, BadInput) as error:
            raise BadInput(f"{path}:{number}: not {what}: {error!r}") from error
    return found


@contextmanager
def appending(path: Path) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Give what adds a row to a file, so that a crash cannot take it back.

    A last line that was cut off when a process died is dropped first.
    """
    _drop_torn_line(path)
    with path.open("a", encoding="utf-8") as file:

        def append(row: Mapping[str, Any]) -> None:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            file.flush()

        yield append


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a file of rows as a whole or not at all. Raises ``BadInput`` where it cannot be."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def write_scores(path: str | Path, run: Mapping[str, Any]) -> None:
    """Write a scored run, ``Run.to_dict()``, with a line a row, so that a change reads as one.

    Raises ``BadInput`` for a file that cannot be written.
    """
    fields = []
    for name, value in run.items():
        if isinstance(value, list):
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


def _whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that have their end, with their numbers, but for empty ones."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.endswith(b"\n") and line.strip():
                yield number, line


def _drop_torn_line(path: Path) -> None:
    if path.exists() and not (data := path.read_bytes()).endswith(b"\n"):
        path.write_bytes(data[: data.rfind(b"\n") + 1])


def _shown(changed: Sequence[str], asked: Asked, header: Mapping[str, Any]) -> str:
    def value(x: object) -> str:
        return f"{x:.12}" if isinstance(x, str) else str(x)

    return "; ".join(
        f"{name}: {value(asked.header.get(name))}, now {value(header.get(name))}"
        for name in changed[:3]
    )
