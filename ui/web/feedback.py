"""From a bad answer to a case that the evaluation asks again."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.cases import find_quote, load_cases
from eval.rows import json_rows
from rag.errors import BadInput
from rag.index import Index
from ui.web.conversations import Conversation, Exchange, turns_of

FILE = "cases.jsonl"
# Readers complain at the same time, and each case is written into what the others left.
_writing = threading.Lock()


def add_case(
    index: Index, conversation: Conversation, number: int, quote: str, source_id: str, note: str
) -> Path:
    """Write an exchange as a case into the index's own file of cases, which is returned.

    ``quote`` are the words of a source that answer the question; without any, the case is that the
    library does not answer it. Raises ``BadInput`` when the source does not have these words.
    """
    earlier = conversation.exchanges[: number - 1]
    exchange = conversation.exchanges[number - 1]
    quote = " ".join(quote.split())
    row = {
        "id": f"reader-{conversation.id}-{number}",
        "kind": _kind(earlier, quote),
        "question": exchange.question,
        "history": [{"role": t.role, "text": t.text} for t in turns_of(earlier)],
        "answerable": bool(quote),
        "reference": quote,
        "answers": [quote] if quote else [],
        "evidence": [_evidence(index, source_id, quote)] if quote else [],
        "note": note,
    }
    path = index.folder / FILE
    with _writing:
        _put(path, row)
    return path


def _put(path: Path, row: dict[str, Any]) -> None:
    """Write a case into a file of cases, in place of one of the same id.

    Raises ``BadInput`` for a file that holds anything but cases, which is left as it was.
    """
    there = [old for _, old in json_rows(path)] if path.exists() else []
    rows = [*(old for old in there if old.get("id") != row["id"]), row]
    new = path.with_name(f"{FILE}.new")
    text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows)
    new.write_text(text, encoding="utf-8")
    try:
        load_cases(new)
        os.replace(new, path)  # noqa: PTH105 - in one step
    finally:
        new.unlink(missing_ok=True)


def _kind(earlier: Sequence[Exchange], quote: str) -> str:
    if not quote:
        return "unanswerable_near"
    return "follow_up" if turns_of(earlier) else "single_fact"


def _evidence(index: Index, source_id: str, quote: str) -> dict[str, str]:
    try:
        source, text = index.library.version(source_id), index.library.text(source_id)
    except KeyError:
        raise BadInput("this document is not in the library any more: choose another") from None
    if not find_quote(text, quote):
        raise BadInput(f"these words are not in “{source.title}”: copy them from the document")
    return {"source": Path(source.uri).name, "quote": quote}
