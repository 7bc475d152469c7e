"""An answer as a file that can be checked again later, without asking anything anew.

A receipt is JSON. ``sha256`` is the hash of all the rest in canonical form (sorted keys, no spaces,
ASCII), so a change is noticed. It is no signature: who changes a receipt and makes the hash anew
changes only what it claims: ``check_receipt`` compares the sentences and quotes with the index, and
sees that the text says nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rag.errors import BadInput
from rag.index import Index
from rag.settings import Settings
from rag.types import Answer, Citation, Policy, Sentence, Status, Turn, turns

FORMAT = "footnote receipt"
CONVERSATION = "footnote conversation"
"""The format of a file of exchanges, each with the receipt of its answer."""
VERSION = 1
BUILT_IN = "built-in"
"""The name of the verifier that ships."""


@dataclass(frozen=True, slots=True)
class CitedSource:
    """A document that an answer quotes, as it was then: ``sha256`` is that of the file's bytes."""

    id: str
    uri: str
    title: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was asked and answered, on what grounds, made by what.

    ``made`` is the time in UTC, ISO 8601; ``package`` the version of Footnote. ``sources`` are
    those that ``sentences`` and ``withheld`` cite. The embedding model is told by its name and its
    fingerprint, the SHA-256 of its weights. The rest is as in ``Answer``.
    """

    made: str
    package: str
    question: str
    history: tuple[Turn, ...]
    query: str
    status: Status
    text: str
    sentences: tuple[Sentence, ...]
    withheld: tuple[Sentence, ...]
    notes: tuple[str, ...]
    confidence: float
    sources: tuple[CitedSource, ...]
    index_revision: int
    embedding_model: str
    embedding_fingerprint: str
    engine: str
    policy: Policy
    model: str
    prompt_sha256: str
    verifier: str

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Every quote the answer's sentences stand on, once each, in the order of the answer."""
        return tuple(dict.fromkeys(c for sentence in self.sentences for c in sentence.citations))

    def to_dict(self) -> dict[str, Any]:
        """The JSON of the file, with its format, its version and its hash."""
        row = {"format": FORMAT, "version": VERSION, **asdict(self)}
        return {**row, "sha256": _digest(row)}


def make_receipt(
    index: Index,
    answer: Answer,
    history: Sequence[Turn | Mapping[str, str]] = (),
    settings: Settings | None = None,
) -> Receipt:
    """The receipt of an answer that this index gave, now.

    ``history`` and ``settings`` are those the question was asked with. Raises ``BadInput`` when a
    cited source is gone since, as its hash is then no longer known.
    """
    settings = settings or index.settings
    sentences = (*answer.sentences, *answer.withheld)
    cited = {c.source_id: c for sentence in sentences for c in sentence.citations}
    hashes: dict[str, str] = {}
    with index.library.reading():
        manifest = index.manifest
        for source_id, citation in cited.items():
            try:
                hashes[source_id] = index.library.version(source_id).sha256
            except KeyError as error:
                raise BadInput(
                    f"{citation.uri} is gone since this answer quoted it, so no receipt can be "
                    "made of the answer: ask again"
                ) from error
    return Receipt(
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        package=version("footnote-rag"),
        question=answer.question,
        history=turns(history),
        query=answer.query,
        status=answer.status,
        text=answer.text,
        sentences=answer.sentences,
        withheld=answer.withheld,
        notes=answer.notes,
        confidence=answer.confidence,
        sources=tuple(
            CitedSource(source_id, c.uri, c.title, hashes[source_id])
            for source_id, c in cited.items()
        ),
        index_revision=answer.index_revision,
        embedding_model=manifest.embedding_model,
        embedding_fingerprint=manifest.embedding_fingerprint,
        engine=answer.engine,
        policy=answer.policy,
        model=answer.model,
        prompt_sha256=answer.prompt_sha256,
        verifier=settings.verifier or BUILT_IN,
    )


def write_receipt(receipt: Receipt, path: str | Path) -> None:
    """Save a receipt. Raises ``BadInput`` when the file cannot be written."""
    body = json.dumps(receipt.to_dict(), ensure_ascii=False, indent=1) + "\n"
    try:
        Path(path).write_text(body, encoding="utf-8")
    except UnicodeEncodeError as error:
        raise BadInput(f"no receipt of an answer that is not valid text ({error})") from error
    except OSError as error:
        raise BadInput(
            f"cannot write the receipt {str(path)!r} ({error.strerror}): give another file"
        ) from error


def read_receipts(path: str | Path) -> list[Receipt]:
    """Read a receipt, or those of a conversation that was saved as JSON.

    Raises ``BadInput`` for a file that is or has none, or was changed after it was made.
    """
    name, row = repr(str(path)), _read(path)
    if not isinstance(row, dict) or row.get("format") != CONVERSATION:
        return [_checked(row, name)]
    exchanges = row.get("exchanges")
    found = [
        _checked(exchange["receipt"], f"{name}, question {number}")
        for number, exchange in enumerate(exchanges if isinstance(exchanges, list) else (), 1)
        if isinstance(exchange, dict) and exchange.get("receipt")
    ]
    if not found:
        raise BadInput(f"{name} has no receipt: no question in it was answered from the index")
    return found


def _read(path: str | Path) -> Any:  # noqa: ANN401 - whatever is in the file
    name = repr(str(path))
    try:
        return json.loads(
            Path(path).read_text(encoding="utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_number,
        )
    except OSError as error:
        raise BadInput(f"cannot read the receipt {name} ({error.strerror}): check the path") from (
            error
        )
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{name} is no receipt: not JSON ({error})") from error


def _checked(row: Any, name: str) -> Receipt:  # noqa: ANN401 - whatever is in the file
    if not isinstance(row, dict) or row.get("format") != FORMAT:
        raise BadInput(f'{name} is no receipt: it does not say "format": "{FORMAT}"')
    if row.get("version") != VERSION:
        raise BadInput(
            f"{name} is a receipt of version {row.get('version')!r}, this program reads {VERSION}: "
            "check it with the Footnote that made it"
        )
    row = dict(row)
    claimed = row.pop("sha256", None)
    try:
        digest = _digest(row)
    except ValueError as error:
        raise BadInput(f"{name} is no receipt: {error}") from error
    if claimed != digest:
        raise BadInput(
            f"{name}: this receipt was changed after it was made, its hash does not match: "
            "use an unchanged copy"
        )
    return _typed(row, name)


def _typed(row: dict[str, Any], name: str) -> Receipt:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Receipt).validate_python(row)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BadInput(f"{name} is no whole receipt: {place}: {first['msg']}") from error


def _digest(row: Mapping[str, Any]) -> str:
    canonical = json.dumps(row, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):
        # Readers differ in which of the two they show; the hash would cover one of them only.
        raise ValueError("a name occurs twice in one object")
    return row


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")
