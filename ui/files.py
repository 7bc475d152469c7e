"""Files that commands write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rag.errors import BadInput


def write_json(out: str | None, value: Mapping[str, Any]) -> None:
    """Write JSON, if a file is asked for."""
    if out is not None:
        Path(out).write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", "utf-8")


def check_writable(out: str | None) -> None:
    """Fail before the work rather than after it. Raises ``BadInput``."""
    if out is not None and not Path(out).absolute().parent.is_dir():
        raise BadInput(f"no folder for {out!r}: make it first")
