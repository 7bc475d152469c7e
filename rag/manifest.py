"""What an index was made with: one small JSON file, written when the index is created."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.errors import BadIndex

NAME = "manifest.json"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """``schema`` is the layout of the folder; the rest describes the embedding model."""

    schema: int
    embedding_model: str
    embedding_fingerprint: str
    dimension: int
    max_tokens: int


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of an index. Raises ``BadIndex`` when there is none that can be used."""
    path = folder / NAME
    if not folder.is_dir():
        raise BadIndex(
            f"no index at {str(folder)!r}: run `footnote ingest PATHS --index {folder}` first"
        )
    if not path.is_file():
        raise BadIndex(
            f"{str(folder)!r} is not an index (it has no {NAME}): "
            "give the folder that `footnote ingest` wrote with --index"
        )
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["schema"] != SCHEMA:
            raise BadIndex(
                f"the index at {str(folder)!r} has layout {values['schema']}, this version reads "
                f"{SCHEMA}: ingest the documents again into a new --index folder"
            )
        return Manifest(**values)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadIndex(
            f"{str(path)!r} cannot be read ({error}): restore it from a backup, "
            "or remove the folder and ingest the documents again"
        ) from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest so that a reader sees the whole of it or nothing."""
    part = folder / f"{NAME}.part"
    part.write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    part.replace(folder / NAME)
