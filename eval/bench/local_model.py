"""The local model beside a plain call: what keeping the prompt and guessing ahead bring.

Twelve prompts of a system text, four passages of the sample library and one of its questions go to
the same file in the same process twice: plain (nothing kept between prompts, one token at a time)
and as ``rag.local_model`` asks it. The two run in turn, each first every other time, so that a
machine that slows down slows both.

    python -m eval.bench.local_model [--model NAME_OR_PATH] [--json OUT]
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from eval.bench import script
from eval.cases import SAMPLE_CASES, SAMPLE_LIBRARY, load_cases
from eval.measure import scratch_index
from eval.output import write_json
from ingest.sync import sync
from rag.local_model import CONTEXT_TOKENS, LocalChatModel, local_chat_model
from rag.onnx_model import CORES

SYSTEM = (
    "Answer the question from the numbered passages alone and keep to their words. End each "
    "sentence with the numbers of the passages it rests on, like [1] or [2][3]. If they do not "
    "answer it, say so. Give at most three sentences."
)
PROMPTS = 12
PASSAGES = 4
MAX_TOKENS = 64
Row = dict[str, Any]


def prompts() -> list[list[dict[str, str]]]:
    """The first questions of different kinds, each with what a search finds for it."""
    cases = [case for case in load_cases(SAMPLE_CASES) if not case.history]
    chosen = cases[:: max(1, len(cases) // PROMPTS)][:PROMPTS]
    with scratch_index() as index:
        sync(index, [SAMPLE_LIBRARY])
        return [
            [
                {"role": "system", "content": SYSTEM},
                {"role": "user", "content": f"{_passages(index.search(q, PASSAGES))}\n\n{q}"},
            ]
            for q in (case.question for case in chosen)
        ]


def plain(path: Path) -> Callable[[list[dict[str, str]]], Row]:
    """The library as it comes, with the same window and threads."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.verbosity = -1
    params.n_ctx = CONTEXT_TOKENS
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = CORES
    server = xllamacpp.Server(params)

    def ask(messages: list[dict[str, str]]) -> Row:
        heard: list[tuple[float, dict[str, Any]]] = []
        request = {
            "messages": messages,
            "max_tokens": MAX_TOKENS,
            "temperature": 0,
            "cache_prompt": False,
            "stream": True,
            "stream_options": {"include_usage": True},
        }

        def receive(piece: dict[str, Any]) -> bool:
            heard.append((time.perf_counter(), piece))
            return False

        start = time.perf_counter()
        server.handle_chat_completions(request, receive)
        pieces = [
            (at, choice["delta"].get("content") or "")
            for at, piece in heard
            for choice in piece["choices"]
        ]
        return _row(start, pieces, heard[-1][1]["timings"])

    return ask


def fast(model: LocalChatModel) -> Callable[[list[dict[str, str]]], Row]:
    """The model as Footnote asks it."""

    def ask(messages: list[dict[str, str]]) -> Row:
        start = time.perf_counter()
        heard = [(time.perf_counter(), chunk) for chunk in model.stream(messages)]
        timings = next(c.response_metadata["timings"] for _, c in heard if c.usage_metadata)
        return _row(start, [(at, chunk.text) for at, chunk in heard], timings)

    return ask


def run(path: Path) -> Iterator[dict[str, Any]]:
    """The result so far, after each prompt."""
    ways = {"plain": plain(path), "fast": fast(local_chat_model(str(path), MAX_TOKENS))}
    rows: dict[str, list[Row]] = {name: [] for name in ways}
    for number, messages in enumerate(prompts()):
        for name in sorted(ways, reverse=bool(number % 2)):
            before = time.process_time()
            row = ways[name](messages)
            row["cpu_seconds"] = round(time.process_time() - before, 2)
            rows[name].append(row)
        pairs = list(zip(rows["plain"], rows["fast"], strict=True))
        yield {
            "model": path.name,
            "prompts": len(pairs),
            **{name: _summary(asked) for name, asked in rows.items()},
            "ratio": {
                "total": sum(p["seconds"] for p, _ in pairs) / sum(f["seconds"] for _, f in pairs),
                "median": statistics.median(p["seconds"] / f["seconds"] for p, f in pairs),
                "cpu_total": sum(p["cpu_seconds"] for p, _ in pairs)
                / sum(f["cpu_seconds"] for _, f in pairs),
                "median_to_first": statistics.median(
                    p["first_token"] / f["first_token"] for p, f in pairs
                ),
            },
            "same_text": sum(p["text"] == f["text"] for p, f in pairs),
            "rows": [{"plain": p, "fast": f} for p, f in pairs],
            "load_average": [round(value, 1) for value in os.getloadavg()],
            **script.stamp(),
        }


def main() -> None:
    """Ask the prompts both ways and print what they took."""
    parser = script.parser(__doc__)
    parser.add_argument("--model", default="")
    options = parser.parse_args()
    for result in run(local_chat_model(options.model).path):
        print(json.dumps(result["rows"][-1]))
        write_json(options.json, result)
    del result["rows"]
    print(json.dumps(result, indent=1))


def _passages(found: Iterable[Any]) -> str:
    return "\n\n".join(f"[{n}] {p.source.title}\n{p.chunk.text}" for n, p in enumerate(found, 1))


def _row(start: float, pieces: list[tuple[float, str]], timings: dict[str, Any]) -> Row:
    first = next((at for at, text in pieces if text), pieces[-1][0])
    return {
        "seconds": round(pieces[-1][0] - start, 2),
        "first_token": round(first - start, 2),
        "cpu_seconds": 0.0,
        "read_tokens": timings["prompt_n"],
        "kept_tokens": timings["cache_n"],
        "read_seconds": round(timings["prompt_ms"] / 1000, 2),
        "made_tokens": timings["predicted_n"],
        "made_seconds": round(timings["predicted_ms"] / 1000, 2),
        "guessed_tokens": timings.get("draft_n", 0),
        "right_guesses": timings.get("draft_n_accepted", 0),
        "text": "".join(text for _, text in pieces),
    }


def _summary(rows: list[Row]) -> dict[str, float]:
    total = {key: sum(row[key] for row in rows) for key in rows[0] if key != "text"}
    return {
        "seconds": total["seconds"],
        "cpu_seconds": total["cpu_seconds"],
        "first_token_median": statistics.median(row["first_token"] for row in rows),
        "read_tokens_per_second": total["read_tokens"] / total["read_seconds"],
        "made_tokens_per_second": total["made_tokens"] / total["made_seconds"],
        "kept_tokens": total["kept_tokens"],
        "guessed_tokens": total["guessed_tokens"],
        "right_guesses": total["right_guesses"],
    }


if __name__ == "__main__":
    main()
