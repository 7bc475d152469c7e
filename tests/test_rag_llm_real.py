"""A real language model writes: in this process, and behind a server of OpenAI's protocol."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.errors import ModelError
from rag.index import Index
from rag.local_model import load_engine
from rag.model_store import find_model
from rag.receipt import make_receipt
from rag.recheck import check_receipt
from rag.settings import Settings
from rag.types import Answer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
QUESTION = "How much did Microsoft invest in OpenAI in 2019?"


@pytest.fixture(scope="module")
def path() -> Path:
    pytest.importorskip("xllamacpp", reason="needs the extra `local`")
    try:
        return find_model().resolve()
    except ModelError as error:
        pytest.skip(str(error))


def check(index: Index, answer: Answer) -> None:
    """Answered in the model's words, all of it supported by what it cites."""
    assert (answer.engine, answer.status) == ("llm", "answered"), answer.notes
    assert "$1 billion" in answer.text
    assert {sentence.verdict for sentence in answer.sentences} == {"supported"}
    for citation in answer.citations:
        source = index.library.text(citation.source_id)
        assert source[citation.start : citation.end] == citation.quote
    assert answer.usage["input_tokens"] > 500
    assert check_receipt(index, make_receipt(index, answer)).result == "ok"


def test_a_local_model_writes_what_its_passages_support(sample: Index, path: Path) -> None:
    parts = list(sample.stream(QUESTION, settings=Settings("llm", f"local:{path}")))
    answer = parts[-1]
    assert isinstance(answer, Answer)
    assert len(parts) > 1 and "".join(map(str, parts[:-1])) == answer.text
    check(sample, answer)


def test_a_server_that_speaks_openais_protocol_is_asked_the_same(
    sample: Index, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = load_engine(path)  # llama.cpp's own server, on a port of its own
    monkeypatch.setenv("OPENAI_API_KEY", engine._key)
    address = f"{engine._server.listening_address}/v1"
    answer = sample.ask(QUESTION, settings=Settings("llm", "openai:local", address))
    check(sample, answer)
    assert engine._key not in str(answer.to_dict())
