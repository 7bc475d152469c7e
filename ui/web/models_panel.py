"""The choice of a language model: what is available here, what each would take, and fetching it."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from rag.available import Available, available, lookup
from rag.errors import BadInput, FootnoteError
from rag.model_pull import pull
from rag.model_store import MEGABYTE, KnownModel, known_model
from rag.settings import Settings
from ui.web.access import Access

NONE = "Without a model, answers are quotations."
FAILED = "The download failed; the terminal that runs Footnote says why."
ASK = "Only who sees the whole library downloads a model: ask them."
OTHERS = "Only who sees the whole library uses a model that is not offered: choose one that is."

log = logging.getLogger(__name__)


@dataclass
class Download:
    """A model that is being fetched, or was: bytes there, and why it ended early."""

    model: KnownModel
    done: int = 0
    problem: str = ""
    is_over: bool = False

    def step(self, done: int, total: int) -> None:
        """So many bytes are there."""
        self.done = done


class Models:
    """What the choice of a model shows to a reader, and the one download at a time."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._lock = threading.Lock()
        self._download: Download | None = None

    def choices(self) -> list[tuple[str, str]]:
        """The models to choose from, as (what is shown, value of ``Settings.llm``)."""
        settings = self._access.index.settings
        rows = [(f"{m.title}: {m.lack or 'ready'}", m.value) for m in offered(settings)]
        return [(none(settings), ""), *rows]

    def refresh(self) -> Any:  # noqa: ANN401 - a change of a component
        """The choice as it is now."""
        return gr.update(choices=self.choices())

    def need(self, value: str, reader: str) -> str:
        """What the model of this name takes, as HTML with a button where that is a download."""
        value = value.strip()
        if not value:
            return _box("", f"<p>{escape(NONE)}</p>")
        if not may_use(self._access, reader, value):
            return _box(value, f"<p>{escape(OTHERS)}</p>", "lack")
        found = lookup(value, self._access.index.settings.base_url)
        download = self._download
        if download and download.model == found.download and not download.is_over:
            return _box(value, _progress(download))
        if not found.lack:
            return _box(value, "<p>Ready: it is used for the next question.</p>", "ready")
        failed = download.problem if download and download.model == found.download else ""
        said = f"<p>{escape(failed or found.need)}</p>"
        return _box(value, said + self._button(found, reader, failed), "lack")

    def start(self, name: str, reader: str) -> None:
        """Begin to fetch a known model, or go on with it.

        Raises ``BadInput`` for a reader who may not and while another one is being fetched,
        ``ModelError`` for a model that is not known.
        """
        self._access.check_manages(reader, "downloads a model")
        model = known_model(name)
        with self._lock:
            if self._download and not self._download.is_over:
                if self._download.model == model:
                    return
                raise BadInput(f"{self._download.model.name} is being downloaded: wait for it")
            self._download = download = Download(model)
        threading.Thread(target=_fetch, args=(download,), daemon=True).start()

    def _button(self, found: Available, reader: str, failed: str) -> str:
        if not found.download:
            return ""
        if not self._access.manages(reader):
            return f"<p>{escape(ASK)}</p>"
        verb = "Go on" if failed else "Download"
        return (
            f'<button type="button" class="fn-pull" data-pull="{escape(found.download.name)}">'
            f"{verb}</button>"
        )


def offered(settings: Settings) -> list[Available]:
    """The models to choose from, the one that the server was started with among them."""
    found = {model.value: model for model in available(settings.base_url)}
    if isinstance(settings.llm, str) and settings.llm and settings.llm not in found:
        found = {settings.llm: lookup(settings.llm, settings.base_url), **found}
    return list(found.values())


def may_use(access: Access, reader: str, llm: Any) -> bool:  # noqa: ANN401 - as in Settings
    """Whether a reader may have this value of ``Settings.llm``.

    Who does not manage the library has those offered: any other name may be that of a file on this
    machine, or of a model that costs more.
    """
    settings = access.index.settings
    if access.manages(reader) or llm in ("", settings.llm):
        return True
    return any(model.value == llm for model in offered(settings))


def none(settings: Settings) -> str:
    """What stands for no name of a model."""
    return "No model" if isinstance(settings.llm, str) else "The model it was started with"


def wire(models: Models, panel: gr.Accordion, llm: gr.Dropdown, shown: gr.HTML) -> None:
    """Look anew whenever the settings are opened, and at what a chosen model takes."""
    from ui.web.desk import owner_of

    def opened(value: str | None, request: gr.Request) -> tuple[Any, str]:
        return models.refresh(), models.need(value or "", owner_of(request))

    def chosen(value: str | None, request: gr.Request) -> str:
        return models.need(value or "", owner_of(request))

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    panel.expand(opened, llm, [llm, shown], queue=False, **quiet)
    llm.change(chosen, llm, shown, queue=False, **quiet)


def _fetch(download: Download) -> None:
    try:
        pull(download.model, download.step)
    except FootnoteError as error:
        download.problem = str(error)
    except Exception:
        log.exception("fetching %s failed", download.model.name)
        download.problem = FAILED
    download.is_over = True


def _progress(download: Download) -> str:
    done, size = download.done, download.model.size
    said = f"{done / MEGABYTE:,.0f} of {size / MEGABYTE:,.0f} MB" if done < size else "checking it"
    return (
        f'<p>Downloading: {said}</p><progress max="{size}" value="{done}" '
        f'aria-label="Download of {escape(download.model.name)}"></progress>'
    )


def _box(value: str, inner: str, state: str = "") -> str:
    pulling = " data-pulling" if "<progress" in inner else ""
    return (
        f'<div class="fn-need fn-need-{state}" data-model="{escape(value)}"{pulling} '
        f'role="status">{inner}</div>'
    )
