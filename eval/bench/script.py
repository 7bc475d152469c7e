"""What the scripts have in common: their options, and what a measurement was made on."""

from __future__ import annotations

import argparse
import os
import platform
from datetime import date
from pathlib import Path


def parser(about: str | None, needs_json: bool = False) -> argparse.ArgumentParser:
    """Options of a script that says what it is ``about``, of which ``--json FILE`` is the first."""
    options = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawTextHelpFormatter
    )
    options.add_argument("--json", type=Path, required=needs_json, help="write the figures here")
    return options


def stamp() -> dict[str, str]:
    """The day and the machine, to be kept with the figures."""
    return {
        "date": date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
    }
