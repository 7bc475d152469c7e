"""Where language models run that are not ours, and what each takes to be used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a model runs that is not ours: its module, one of whose ``keys`` it wants, a model.

    ``extra`` is which of our extras installs it; ``patient`` whether it is told by ``timeout`` and
    ``max_retries`` when to give up.
    """

    name: str
    title: str
    module: str
    keys: tuple[str, ...]
    model: str
    extra: str
    patient: bool = True


PROVIDERS = (
    Provider("openai", "OpenAI", "langchain_openai", ("OPENAI_API_KEY",), "gpt-5-mini", "openai"),
    Provider(
        "anthropic",
        "Anthropic",
        "langchain_anthropic",
        ("ANTHROPIC_API_KEY",),
        "claude-haiku-4-5",
        "anthropic",
    ),
    Provider(
        "google_genai",
        "Google",
        "langchain_google_genai",
        ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
        "gemini-flash-latest",
        "google",
    ),
    Provider(
        "mistralai",
        "Mistral",
        "langchain_mistralai",
        ("MISTRAL_API_KEY",),
        "mistral-small-latest",
        "mistral",
    ),
    Provider(
        "bedrock_converse",
        "Amazon Bedrock",
        "langchain_aws",
        ("AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"),
        "amazon.nova-lite-v1:0",
        "bedrock",
        patient=False,
    ),
)
PATIENT = frozenset(provider.name for provider in PROVIDERS if provider.patient)
# The last three are not offered as the others are, but may be named.
_EXTRAS = {provider.name: provider.extra for provider in PROVIDERS} | {
    name: name for name in ("bedrock", "local", "ollama")
}


def install(provider: str) -> str:
    """The command that installs what a provider needs, or what runs models on this machine."""
    extra = _EXTRAS.get(provider)
    package = f"'footnote-rag[{extra}]'" if extra else f"langchain-{provider.replace('_', '-')}"
    return f"pip install {package}"
