"""A run on disk: a folder that grows by a line an answer, and can be gone on with.

``header.json`` says what the run was made with, ``cases.jsonl`` is what is asked,
``evidence.jsonl`` where its evidence stands in the library, ``answers.jsonl`` has a record a line
as they come, ``scores.json`` the scores, ``annotations.jsonl`` what people said about sentences.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from eval.cases import Case, json_rows, load_cases
from eval.header import differences
from eval.record import Asked, Piece, Record, read_piece, read_record
from rag.errors import BadInput

HEADER = "header.json"
CASES = "cases.jsonl"
EVIDENCE = "evidence.jsonl"
ANSWERS = "answers.jsonl"
SCORES = "scores.json"
ANNOTATIONS = "annotations.jsonl"


def start_folder(
    folder: Path,
    header: Mapping[str, Any],
    cases: Sequence[Case],
    evidence: Mapping[str, Sequence[Piece]],
) -> Asked:
    """Make a run's folder, or go on with the one that is there.

    Raises ``BadInput`` for a folder with other files, and for a run made with anything else than
    this one: its answers could not be counted together.
    """
    if (folder / HEADER).is_file():
        asked = read_folder(folder)
        if changed := differences(asked.header, header):
            raise BadInput(
                f"the run in {str(folder)!r} was made otherwise ({_shown(changed, asked, header)}):"
                " give a new folder with --out"
            )
        _drop_torn_line(folder / ANSWERS)
        return asked
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{str(folder)!r} holds other files: give an empty or new folder with --out")
    folder.mkdir(parents=True, exist_ok=True)
    _write_rows(folder / CASES, map(asdict, cases))
    rows = [{"id": i, "pieces": [asdict(p) for p in pieces]} for i, pieces in evidence.items()]
    _write_rows(folder / EVIDENCE, rows)
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
    evidence = {
        row["id"]: tuple(map(read_piece, row["pieces"])) for _, row in json_rows(folder / EVIDENCE)
    }
    return Asked(header, cases, evidence, _read_records(folder / ANSWERS))


def append_record(file: TextIO, record: Record) -> None:
    """Write a record to an open ``answers.jsonl``, so that a crash cannot take it back."""
    file.write(json.dumps(record.to_dict(), ensure_ascii=False) + "\n")
    file.flush()


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file as a whole or not at all."""
    beside = path.with_name(f"{path.name}.part")
    beside.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def write_scores(path: Path, run: Mapping[str, Any]) -> None:
    """Write a scored run, ``Run.to_dict()``, with a line a row, so that a change reads as one."""
    fields = []
    for name, value in run.items():
        if isinstance(value, list):
            rows = ",\n  ".join(json.dumps(_rounded(row), ensure_ascii=False) for row in value)
            fields.append(f" {json.dumps(name)}: [\n  {rows}\n ]")
        else:
            fields.append(f" {json.dumps(name)}: {json.dumps(_rounded(value), ensure_ascii=False)}")
    beside = path.with_name(f"{path.name}.part")
    beside.write_text("{\n" + ",\n".join(fields) + "\n}\n", encoding="utf-8")
    beside.replace(path)


def _rounded(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Floats with six decimals, whole ones as integers: the rest is noise that takes space."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else round(value, 6)
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value


def _read_records(path: Path) -> dict[str, Record]:
    records: dict[str, Record] = {}
    if not path.exists():
        return records
    lines = path.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines[:-1], 1):  # what follows the last line end is torn
        try:
            record = read_record(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(f"{path}:{number}: not a record of a run: {error!r}") from error
        records[record.id] = record
    return records


def _drop_torn_line(path: Path) -> None:
    if path.exists() and not (data := path.read_bytes()).endswith(b"\n"):
        path.write_bytes(data[: data.rfind(b"\n") + 1])


def _write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")


def _shown(changed: Sequence[str], asked: Asked, header: Mapping[str, Any]) -> str:
    def value(x: object) -> str:
        return f"{x:.12}" if isinstance(x, str) else str(x)

    return "; ".join(
        f"{name}: {value(asked.header.get(name))}, now {value(header.get(name))}"
        for name in changed[:3]
    )
