"""One question being answered, in a thread of its own, so that it can be left at any moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Literal

from rag.types import Answer

END_SECONDS = 5.0
# A page that is given more than it can draw answers no click.
PIECE_SECONDS = 1 / 25


class Run:
    """The pieces of an answer, until it is whole, stopped or dropped.

    Stopping ends the iteration at once, also while a model is silent; what it says afterwards is
    read by nobody. A dropped run is one whose place on the page is taken: nothing of it is shown.
    """

    def __init__(self, stream: Callable[[], Iterator[str | Answer]]) -> None:
        self._stream = stream
        self._pieces: SimpleQueue[str | Answer | Exception | None] = SimpleQueue()
        self._ended = threading.Event()
        self.state: Literal["running", "stopped", "dropped"] = "running"
        threading.Thread(target=self._work, daemon=True).start()

    def __iter__(self) -> Iterator[str | Answer]:
        """Text, as much at a time as is there, and last the answer. Raises what making it raised.

        Text comes no more often than each ``PIECE_SECONDS``. Whoever iterates calls ``close`` when
        the page shows the end of it.
        """
        soonest = 0.0
        while self.state == "running":
            piece = self._pieces.get()
            time.sleep(max(0.0, soonest - time.monotonic()) if isinstance(piece, str) else 0.0)
            soonest = time.monotonic() + PIECE_SECONDS
            text = ""
            while isinstance(piece, str):
                text += piece
                try:
                    piece = self._pieces.get_nowait()
                except Empty:
                    break
            if text and self.state == "running":
                yield text
            if isinstance(piece, Exception):
                raise piece
            if piece is None:
                return
            if isinstance(piece, Answer) and self.state == "running":
                yield piece

    def stop(self) -> None:
        """Say no more; what was said stays."""
        if self.state == "running":
            self.state = "stopped"
        self._pieces.put(None)

    def drop(self) -> None:
        """Show nothing more, and wait until nothing more can come."""
        self.state = "dropped"
        self._pieces.put(None)
        self._ended.wait(END_SECONDS)

    def close(self) -> None:
        """Nothing of this run reaches the page any more."""
        self.stop()
        self._ended.set()

    def _work(self) -> None:
        try:
            for piece in self._stream():
                self._pieces.put(piece)
                if self.state != "running":
                    break
        except Exception as error:  # raised again where the answer is shown
            self._pieces.put(error)
        self._pieces.put(None)
