"""Parsers run in another process, with limits: no file can stop a run, fill memory or hang it.

The parent sends the path of a file and gets its ``Parsed`` back, both as JSON behind its length.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import logging
import os
import queue
import re
import signal
import struct
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO, Any, Self

from ingest.containers import Document
from ingest.parse import parse
from ingest.parsed import Parsed
from ingest.wire import pack, uncollected, unpack
from rag.errors import BadDocument, NoDocument

log = logging.getLogger(__name__)

SECONDS = 120.0
MEMORY_BYTES = 2 * 2**30
MAX_REPLY_BYTES = 512_000_000

_LENGTH = struct.Struct(">Q")
_GRACE_SECONDS = 10  # after which a child without a parent ends itself
_OUT_OF_MEMORY = 3  # exit status
# fmt: off
_REFUSED = frozenset((
    "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.startfile", "os.system", "pty.spawn",
    "subprocess.Popen", "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename",
    "os.rmdir", "os.symlink", "os.truncate", "socket.bind", "socket.connect", "socket.getaddrinfo",
    "socket.gethostbyname", "socket.sendmsg", "socket.sendto",
))
# fmt: on
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Reader:
    """Parses documents in a child process that is ended when it takes too long or too much.

    ``seconds`` limits each document; ``memory_bytes`` the address space of the child, where the
    system enforces that: Linux does, macOS and Windows do not, there only the time is limited. In
    the child, parsers can neither use the network nor start programs nor write files.

    The child starts with the first document, and anew after each failure that ended it. Leaving
    the context ends it; it also ends by itself when this process dies.
    """

    def __init__(self, seconds: float = SECONDS, memory_bytes: int = MEMORY_BYTES) -> None:
        self._seconds = seconds
        self._memory_bytes = memory_bytes
        self._child: _Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def read(
        self, documents: Iterable[Document]
    ) -> Iterator[tuple[Document, Parsed | BadDocument]]:
        """Each document with what is in it, or why it cannot be read, in order.

        While the caller works on one, the next is being parsed: ``documents`` is asked for one
        more than was yielded.
        """
        asked: Document | None = None
        try:
            for document in documents:
                before, result = asked, self._result(asked) if asked else None
                asked = document
                self._ask(document)
                if before is not None and result is not None:
                    yield before, result
            if asked is not None:
                last, result, asked = asked, self._result(asked), None
                yield last, result
        finally:
            if asked is not None:  # left in the middle: its answer must not meet the next question
                self._end()

    def _ask(self, document: Document) -> None:
        if document.problem:
            return
        if self._child is None:
            self._child = _Child(self._seconds, self._memory_bytes)
        self._child.ask(document)

    def _result(self, document: Document) -> Parsed | BadDocument:
        if document.problem:
            return BadDocument(document.problem)
        try:
            reply = self._reply(document)
        except _Ended as ended:
            return BadDocument(f"{document.uri}: {ended}")
        if "problem" in reply:
            if reply["trace"]:
                log.error("cannot read %s\n%s", document.uri, reply["trace"])
            kind = NoDocument if reply["nothing"] else BadDocument
            return kind(reply["problem"].replace(str(document.path), document.uri))
        with uncollected():
            parsed: Parsed = unpack(Parsed, reply["parsed"])[0]
        if document.is_member and parsed.title == document.path.stem:  # which nobody chose
            return replace(parsed, title=PurePosixPath(document.uri).stem)
        return parsed

    def _reply(self, document: Document) -> dict[str, Any]:
        assert self._child is not None
        try:
            reply = self._child.reply()
        except _Ended as ended:
            again = self._child.used and not ended.late
            self._end()
            if not again:
                raise
            # It may have ended for what documents before this one left behind.
            self._ask(document)
            return self._reply(document)
        if reply["retire"]:
            self._end()
        return reply

    def _end(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None


class _Ended(Exception):
    """The child ended over a document, and why; ``late`` is whether its time was up."""

    def __init__(self, reason: str, *, late: bool = False) -> None:
        super().__init__(reason)
        self.late = late


class _Child:
    """The process that parses, as seen by its parent."""

    def __init__(self, seconds: float, memory_bytes: int) -> None:
        self.used = False
        self._seconds = seconds
        self._memory_bytes = memory_bytes
        self._deadline = 0.0
        self._replies: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        root = str(Path(__file__).parents[1])
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH")))),
            # Each thread or arena reserves address space, which is what is limited.
            "MALLOC_ARENA_MAX": "2",
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_THREAD_LIMIT": "1",  # OCR's threads wait for each other more than they gain
        }
        command = [sys.executable, "-B", "-P", "-m", "ingest.worker"]
        self._process = subprocess.Popen(
            [*command, str(seconds + _GRACE_SECONDS), str(memory_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # so that Ctrl-C reaches the parent alone, which ends the child
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        # A reply is taken at once, whatever the parent is doing.
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def ask(self, document: Document) -> None:
        """Have a document parsed."""
        self._deadline = time.monotonic() + self._seconds
        with contextlib.suppress(OSError):  # it has ended, as ``reply`` will say
            _send(self._input, json.dumps([document.uri, str(document.path)]).encode())

    def reply(self) -> dict[str, Any]:
        """What came of the file asked for last. Raises ``_Ended``."""
        try:
            data = self._replies.get(timeout=max(0.0, self._deadline - time.monotonic()))
        except queue.Empty:
            raise _Ended(
                f"took longer than {self._seconds:g} s to read: split it, or convert it to "
                "another format",
                late=True,
            ) from None
        if data is None:
            raise _Ended(self._end_reason())
        self.used = True
        reply: dict[str, Any] = json.loads(data.decode("utf-8", "surrogatepass"))
        return reply

    def end(self) -> None:
        """Kill the process and free what it held."""
        self._process.kill()
        self._process.wait()
        self._thread.join()
        for pipe in (self._input, self._output):
            with contextlib.suppress(OSError):
                pipe.close()

    def _listen(self) -> None:
        data: bytes | None = b""
        while data is not None:
            data = _receive(self._output)
            self._replies.put(data)

    def _end_reason(self) -> str:
        self._process.kill()  # where only its pipe has ended
        status = self._process.wait()
        if status == _OUT_OF_MEMORY:
            return (
                f"needed more than {self._memory_bytes / 2**30:.3g} GB of memory to read: split "
                "it, or convert it to another format"
            )
        name = f"status {status}"
        if status < 0:
            with contextlib.suppress(ValueError):
                name = signal.Signals(-status).name
        return f"crashed the parser ({name}): save it anew, or convert it to another format"


def main() -> None:
    """The child: answer each path on stdin with what is in that file, until stdin ends."""
    seconds, memory_bytes = float(sys.argv[1]), int(sys.argv[2])
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("r+b") as nothing:
        for stream in (0, 1, 2):  # what a library prints is no reply
            os.dup2(nothing.fileno(), stream)
        _confine(memory_bytes)
        while (request := _receive(requests)) is not None:
            # By a thread without the interpreter's lock: even a hung library is ended.
            faulthandler.dump_traceback_later(seconds, exit=True, file=nothing)
            try:
                uri, path = json.loads(request)
                data = _answer(Document(uri, Path(path)), memory_bytes)
            except MemoryError:
                os._exit(_OUT_OF_MEMORY)
            faulthandler.cancel_dump_traceback_later()
            _send(replies, data)


def _answer(document: Document, memory_bytes: int) -> bytes:
    path = document.path
    reply: dict[str, Any] = {"retire": False}
    try:
        reply["parsed"] = pack(Parsed, [_parse(document)])
    except MemoryError:
        raise
    except BadDocument as error:
        nothing = isinstance(error, NoDocument)
        reply |= {"problem": str(error), "trace": "", "nothing": nothing}
    except Exception as error:
        # Whatever a parser stumbles over in one file must not stop the others.
        reply |= {
            "problem": f"{path}: cannot be read ({type(error).__name__}: {error}): "
            "save it anew or convert it to another format",
            "trace": traceback.format_exc(),
            "nothing": False,
        }
    reply["retire"] = _peak_bytes() > memory_bytes // 2
    data = json.dumps(reply, ensure_ascii=False, separators=(",", ":"))
    encoded = data.encode("utf-8", "surrogatepass")
    if len(encoded) <= MAX_REPLY_BYTES:
        return encoded
    problem = f"{path}: holds more than {MAX_REPLY_BYTES // 10**6} MB of text: split it"
    return json.dumps({"problem": problem, "trace": "", "retire": True}).encode()


def _parse(document: Document) -> Parsed:
    if document.is_page:
        from ingest.parse_page import parse_page

        return parse_page(document.path, document.uri)
    return parse(document.path)


def _confine(memory_bytes: int) -> None:
    """Give up what a parser does not need: memory, files to write, programs, the network."""
    try:
        import resource
    except ImportError:  # Windows
        pass
    else:
        for kind, limit in (
            (resource.RLIMIT_AS, memory_bytes),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
        ):
            with contextlib.suppress(ValueError, OSError):  # macOS refuses some
                resource.setrlimit(kind, (limit, limit))

    def refuse(event: str, args: tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(args[2], int) and args[2] & _WRITING
        if event in _REFUSED or (writes and args[0] != os.devnull):
            raise PermissionError(f"a parser may not do this: {event} {args[:1]}")

    sys.addaudithook(refuse)


def _status() -> bytes:
    """What Linux says of this process, nothing elsewhere."""
    status = Path("/proc/self/status")
    return status.read_bytes() if status.exists() else b""


def _peak_bytes() -> int:
    # getrusage also counts what the parent had when it made this process: a server's gigabytes.
    if found := re.search(rb"VmHWM:\s+(\d+) kB", _status()):
        return int(found[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _send(pipe: IO[bytes], data: bytes) -> None:
    pipe.write(_LENGTH.pack(len(data)))
    pipe.write(data)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> bytes | None:
    """The next message, or None where the pipe ends or the message is over ``MAX_REPLY_BYTES``."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > MAX_REPLY_BYTES:
        return None
    data = pipe.read(length)
    return data if len(data) == length else None


if __name__ == "__main__":
    main()
