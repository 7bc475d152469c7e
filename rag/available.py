"""Which language models can be used here, and what the others would take.

Of keys, only whether there is one is looked at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

from rag.errors import ModelError
from rag.model_store import MEGABYTE, KnownModel, find_model, list_models, models_folder
from rag.providers import PROVIDERS, Provider, install

OLLAMA_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Available:
    """A language model: ``value`` is what ``Settings.llm`` takes, ``title`` what it is called.

    ``lack`` says in a few words what is missing, ``need`` in a sentence what to do about it; both
    are "" when it can be used. ``download`` is the model to fetch where that is all.
    """

    value: str
    title: str
    lack: str = ""
    need: str = ""
    download: KnownModel | None = None


def available(base_url: str = "") -> list[Available]:
    """The models to choose from, those that can be used first; ``base_url`` as in ``Settings``."""
    found = [*_local(), *_ollama(), *(_provided(p, p.model, base_url) for p in PROVIDERS)]
    return sorted(found, key=lambda model: bool(model.lack))


def lookup(value: str, base_url: str = "") -> Available:
    """What is known of any value of ``Settings.llm``."""
    provider, colon, model = value.partition(":")
    if provider == "local":
        return _given(value, model)
    if provider == "ollama" and colon:
        models = _ollama()
        same = (m for m in models if m.value in (value, "ollama:"))
        return next(same, Available(value, value))
    if not provider or not colon or not model:
        need = "Give it as provider:model, such as openai:gpt-5-mini, or as local:name."
        return Available(value, value, "not a model", need)
    for known in PROVIDERS:
        if known.name == provider:
            return _provided(known, model, base_url)
    return Available(value, value)


def _local() -> Iterator[Available]:
    """The known models, and the other files beside them."""
    lack, need = _runner()
    known = list_models()
    for state in known:
        model = state.model
        value, title = f"local:{model.name}", f"{model.name}, on this machine"
        if lack or state.here:
            yield Available(value, title, lack, need)
            continue
        size = f"{model.size / MEGABYTE:,.0f} MB"
        need = f"It is not here: {size} to download, under the licence {model.licence}."
        yield Available(value, title, f"{size} to download", need, model)
        need = ""
    names = {state.model.file for state in known}
    for path in sorted(models_folder().glob("*.gguf")):
        if path.name not in names:
            yield Available(f"local:{path}", f"{path.name}, on this machine", lack, need)


def _given(value: str, name: str) -> Available:
    for model in _local():
        if model.value == value:
            return model
    lack, need = _runner()
    try:
        title = find_model(name).name
    except ModelError as error:
        return Available(value, value, lack or "not here", need or _sentence(str(error)))
    return Available(value, f"{title}, on this machine", lack, need)


def _runner() -> tuple[str, str]:
    """What keeps any local model from running."""
    if find_spec("xllamacpp"):
        return "", ""
    return (
        "needs a package",
        f"It needs a package: run {install('local')}, then start Footnote again.",
    )


def _ollama() -> list[Available]:
    """The models that Ollama has, where it runs."""
    if not find_spec("langchain_ollama"):
        need = f"It needs a package: run {install('ollama')}, then start Footnote again."
        return [Available("ollama:", "Ollama", "needs a package", need)]
    import httpx
    import ollama

    try:
        models = ollama.Client(timeout=OLLAMA_SECONDS).list().models
    except (ConnectionError, httpx.HTTPError, ollama.ResponseError):
        need = "It needs Ollama running: start it, or say where it runs in OLLAMA_HOST."
        return [Available("ollama:", "Ollama", "not running", need)]
    if not models:
        need = "Ollama runs, but has no model: run `ollama pull` with the name of one."
        return [Available("ollama:", "Ollama", "has no model", need)]
    return [Available(f"ollama:{m.model}", f"{m.model}, by Ollama") for m in models if m.model]


def _provided(provider: Provider, model: str, base_url: str) -> Available:
    value, title = f"{provider.name}:{model}", f"{model}, by {provider.title}"
    if not find_spec(provider.module):
        need = f"It needs a package: run {install(provider.name)}, then start Footnote again."
        return Available(value, title, "needs a package", need)
    if provider.name == "openai" and base_url:
        return Available(value, f"{model}, at {base_url}")
    if any(os.environ.get(key) for key in provider.keys):
        return Available(value, title)
    keys = " or ".join(provider.keys)
    need = f"It needs {keys} in the environment: set it, then start Footnote again."
    return Available(value, title, f"needs {provider.keys[0]}", need)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
