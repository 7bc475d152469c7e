"""What is said of language models: which can be used here, and what the others would take."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rag.available import Available, available, lookup
from rag.llm import load_llm
from rag.providers import PROVIDERS
from tests.make_gguf import write_gguf
from tests.model_site import MODEL, pretend_installed

KEY = "sk-this-is-a-secret-0123456789"


@pytest.fixture(autouse=True)
def nothing_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No key, no model, no Ollama; every package but its client, which is asked for real."""
    for provider in PROVIDERS:
        for key in provider.keys:
            monkeypatch.delenv(key, raising=False)
    monkeypatch.setattr("rag.model_store.KNOWN", (MODEL,))
    monkeypatch.setenv("FOOTNOTE_MODELS", str(tmp_path))
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    pretend_installed(monkeypatch, "xllamacpp", *(provider.module for provider in PROVIDERS))


def by_value() -> dict[str, Available]:
    return {model.value: model for model in available()}


def test_without_keys_each_says_what_it_takes() -> None:
    found = by_value()
    assert all(model.lack and model.need.endswith(".") for model in found.values())
    assert found["local:made-up"].download == MODEL
    assert "under the licence MIT" in found["local:made-up"].need
    assert "GOOGLE_API_KEY or GEMINI_API_KEY" in found["google_genai:gemini-flash-latest"].need


def test_ollama_that_does_not_run_is_said() -> None:
    pytest.importorskip("langchain_ollama")
    assert "OLLAMA_HOST" in by_value()["ollama:"].need
    assert lookup("ollama:llama3").lack == "not running"


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda p: p.name)
def test_a_key_makes_a_provider_ready_and_is_never_told(
    monkeypatch: pytest.MonkeyPatch, provider: object
) -> None:
    assert isinstance(provider, type(PROVIDERS[0]))
    for key in provider.keys:
        with monkeypatch.context() as patch:
            patch.setenv(key, KEY)
            first = available()[0]
            assert (first.value, first.lack) == (f"{provider.name}:{provider.model}", "")
            assert KEY not in str(available())
            assert not lookup(f"{provider.name}:another").lack


@pytest.mark.parametrize("provider", PROVIDERS[:4], ids=lambda p: p.name)
def test_the_model_named_for_each_provider_is_one_it_knows(
    monkeypatch: pytest.MonkeyPatch, provider: object
) -> None:
    assert isinstance(provider, type(PROVIDERS[0]))
    pytest.importorskip(f"{provider.module}.chat_models")  # a stand-in has no parts
    monkeypatch.setenv(provider.keys[0], KEY)
    assert not load_llm(f"{provider.name}:{provider.model}").note  # its window is known


def test_a_package_that_is_not_here_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("langchain_openai", "langchain_ollama", "xllamacpp"):
        monkeypatch.setitem(sys.modules, name, None)
    found = by_value()
    assert "run pip install 'footnote-rag[openai]'," in found["openai:gpt-5-mini"].need
    assert "run pip install 'footnote-rag[ollama]'," in found["ollama:"].need
    assert "run pip install 'footnote-rag[local]'," in found["local:made-up"].need
    assert found["local:made-up"].download is None


def test_files_beside_the_known_models_can_be_chosen(tmp_path: Path) -> None:
    write_gguf(tmp_path / "own.gguf")
    first = available()[0]
    assert (first.value, first.lack) == (f"local:{tmp_path / 'own.gguf'}", "")
    assert lookup(f"local:{tmp_path / 'own.gguf'}").title == "own.gguf, on this machine"
    assert "check the path" in lookup(f"local:{tmp_path / 'none.gguf'}").need


def test_a_server_of_ones_own_needs_no_key() -> None:
    found = {m.value: m for m in available("http://127.0.0.1:1/v1")}
    assert found["openai:gpt-5-mini"].title == "gpt-5-mini, at http://127.0.0.1:1/v1"
    assert not found["openai:gpt-5-mini"].lack


@pytest.mark.parametrize("value", ["gpt", "openai:", ":x", "local models"])
def test_what_is_no_name_of_a_model_says_how_one_is_written(value: str) -> None:
    assert "Give it as provider:model" in lookup(value).need
