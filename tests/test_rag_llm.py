"""Language models by name: what is missing is said, servers are asked, keys stay where they are."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from rag import Settings
from rag.errors import ModelError
from rag.index import Index
from rag.llm import UNKNOWN_WINDOW, load_llm

QUESTION = "How much did Microsoft invest in OpenAI in 2019?"


class Server(ThreadingHTTPServer):
    """An OpenAI-compatible server on loopback that says what it is told to."""

    reply = (
        "Microsoft announced its first investment in OpenAI, worth $1 billion, in July 2019 [1]."
    )
    status = 200
    model: dict[str, Any]
    asked: list[dict[str, Any]]
    keys: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self._send(200, "application/json", json.dumps({"data": [self.server.model]}).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        self.server.keys.append(self.headers["Authorization"])
        if self.server.status != 200:
            error = {"error": {"message": "model 'tiny' is not loaded", "code": "gone"}}
            self._send(self.server.status, "application/json", json.dumps(error).encode())
            return
        rows: list[dict[str, Any]] = [
            {"choices": [{"index": 0, "delta": {"content": c}}]} for c in self.server.reply
        ]
        rows.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        usage = {"prompt_tokens": 90, "completion_tokens": 20, "total_tokens": 110}
        rows.append({"choices": [], "usage": usage})
        common = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "tiny"}
        data = "".join(f"data: {json.dumps(common | row)}\n\n" for row in rows)
        self._send(200, "text/event-stream", f"{data}data: [DONE]\n\n".encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: ANN401
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    pytest.importorskip("langchain_openai", reason="the extra 'openai' is not installed")
    made = Server(("127.0.0.1", 0), Handler)
    made.asked, made.keys, made.model = [], [], {"id": "tiny", "max_model_len": 4_096}
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def test_an_openai_compatible_server_answers(
    server: Server, sample: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    answer = sample.ask(QUESTION, settings=Settings("llm", "openai:tiny", server.url))
    assert answer.engine == "llm"
    assert answer.model == "openai:tiny"
    assert (
        answer.text
        == "Microsoft announced its first investment in OpenAI, worth $1 billion, in July 2019. [1]"
    )
    assert answer.usage == {"input_tokens": 90, "output_tokens": 20}
    (body,) = server.asked
    assert [m["role"] for m in body["messages"]] == ["system", "user"]
    assert server.keys == ["Bearer none"]


@pytest.mark.parametrize(
    ("model", "window"),
    [
        ({"id": "tiny", "max_model_len": 4_096}, 4_096),
        ({"id": "other-name", "meta": {"n_ctx": 2_048}}, 2_048),
        ({"id": "tiny"}, UNKNOWN_WINDOW),
    ],
)
def test_a_server_is_asked_how_much_it_reads(
    server: Server, model: dict[str, Any], window: int
) -> None:
    server.model = model
    loaded = load_llm("openai:tiny", server.url)
    assert loaded.window == window
    assert bool(loaded.note) == (window == UNKNOWN_WINDOW)


def test_a_server_that_refuses_is_named_in_the_answer(server: Server, sample: Index) -> None:
    server.status = 404
    answer = sample.ask(QUESTION, settings=Settings("llm", "openai:tiny", server.url))
    assert answer.engine == "extractive"
    assert "openai:tiny failed" in answer.notes[0]
    assert "not loaded" in answer.notes[0]


def test_no_server_at_all_is_said(sample: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("langchain_openai", reason="the extra 'openai' is not installed")
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)
    settings = Settings("llm", "openai:tiny", "http://127.0.0.1:9/v1")
    answer = sample.ask(QUESTION, settings=settings)
    assert answer.engine == "extractive"
    assert "openai:tiny failed: Connection error" in answer.notes[0]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mistralai:small", r"pip install 'footnote-rag\[mistral\]'"),
        ("google_genai:gemini", r"pip install 'footnote-rag\[google\]'"),
        ("cohere:command", "pip install langchain-cohere"),
        ("nobody:model", "nobody:model cannot be used"),
        ("gpt-5-mini", "PROVIDER:MODEL"),
        ("openai:", "PROVIDER:MODEL"),
    ],
)
def test_what_is_missing_is_said_with_the_command(
    name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("langchain_mistralai", "langchain_google_genai", "langchain_cohere"):
        monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(ModelError, match=message):
        load_llm(name)


def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("langchain_openai", reason="the extra 'openai' is not installed")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ModelError, match="OPENAI_API_KEY"):
        load_llm("openai:gpt-5-mini")
